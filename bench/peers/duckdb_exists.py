"""DuckDB, one query per segment as the condition reads: EXISTS and correlated subqueries over the customers."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from bench.peers.clock import Clock
from bench.peers.duckdb_pruned import CENTS, connect


def some(event: str, condition: str, more: str = "") -> str:
    """There is such an event `e` of the customer `c`, up to the instant; with `more` about other events, as IN."""
    if more:
        return f"c.id IN (SELECT e.customer FROM events e WHERE e.event = '{event}' AND {condition} {more})"
    return f"EXISTS (SELECT 1 FROM events e WHERE e.customer = c.id AND e.event = '{event}' AND {condition})"


def of(value: str, event: str, condition: str = "e.time <= {at}") -> str:
    """One value over such events."""
    return f"(SELECT {value} FROM events e WHERE e.customer = c.id AND e.event = '{event}' AND {condition})"


def no_later(event: str, condition: str = "true", since: str = "") -> str:
    """No such event `b` at or after `e`; `since` is where the window of `e` begins, so `b` need not be read before."""
    begin = f"AND b.time >= {since}" if since else ""
    return f"""AND NOT EXISTS (SELECT 1 FROM events b WHERE b.customer = e.customer AND b.event = '{event}'
      AND b.time >= e.time {begin} AND b.time <= {{at}} AND {condition})"""


def within(days: int) -> str:
    return f"e.time BETWEEN {{d{days}}} AND {{at}}"


WITHIN_90D = f"coalesce({of(f'sum({CENTS})', 'purchased', within(90))}, 0)"
ABANDONER = some("cart_added", within(7), no_later("purchased", since="{d7}"))

CHAMPION = f"""
SELECT id FROM (
  SELECT id, n, (rank() OVER (ORDER BY s) - 1) / count(*) OVER () share
  FROM (SELECT id, {of("count(*)", "purchased", within(90))} n, {WITHIN_90D} s FROM customers c))
WHERE share >= 0.9 AND n >= 2
"""

CONDITIONS: dict[str, str] = {
    "abandoner": ABANDONER,
    "cart_left_product": some(
        "cart_added",
        "e.time >= {d10} AND e.time < {d3}",
        no_later("purchased", "b.product = e.product AND b.time <= e.time + INTERVAL 3 DAY", "{d10}"),
    ),
    "keen_viewer": f"""c.id IN (SELECT e.customer FROM events e WHERE e.event = 'viewed' AND {within(14)}
      {no_later("purchased", since="{d14}")} GROUP BY e.customer HAVING count(*) >= 3)""",
    "abandoner_abroad": f"{ABANDONER} AND (country IS NULL OR country NOT IN ('KR', 'JP'))"
    " AND grade IS DISTINCT FROM 'basic'",
    "search_drop": """c.id IN (SELECT s.customer FROM events s WHERE s.event = 'searched'
      AND s.time BETWEEN {d14} AND {at} AND EXISTS (
        SELECT 1 FROM (SELECT * FROM events e WHERE e.event = 'cart_added' AND e.time BETWEEN {d14} AND {at} """
    + no_later("purchased", "b.time <= e.time + INTERVAL 3 DAY", "{d14}")
    + ") k WHERE k.customer = s.customer AND k.time BETWEEN s.time AND s.time + INTERVAL 1 DAY))",
    "wish_left": some(
        "wishlisted", "e.category = 'dress' AND e.time <= {at}", no_later("purchased", "b.product = e.product")
    ),
    "view_to_buy": some(
        "viewed",
        within(30),
        """AND EXISTS (SELECT 1 FROM events b WHERE b.customer = e.customer AND b.event = 'purchased'
      AND b.product = e.product AND b.time BETWEEN e.time AND e.time + INTERVAL 1 DAY
      AND b.time BETWEEN {d30} AND {at})""",
    ),
    "mail_buyer": some(
        "purchased",
        within(30),
        """AND EXISTS (SELECT 1 FROM events b WHERE b.customer = e.customer AND b.event = 'email_clicked'
      AND e.time BETWEEN b.time AND b.time + INTERVAL 3 DAY AND b.time BETWEEN {d33} AND {at})""",
    ),
    "seen_again": some(
        "viewed",
        within(7),
        """AND e.product = (SELECT arg_max(b.product, (b.time, b.product)) FROM events b
      WHERE b.customer = e.customer AND b.event = 'cart_added' AND b.time <= {at})""",
    ),
    "lapsed_buyer": some("purchased", "e.time >= {d120} AND e.time < {d60}")
    + " AND NOT "
    + some("purchased", within(60)),
    "sleeping": of("max(e.time)", "visited") + " < {d90} AND marketing_consent",
    "window_shopper": of("count(*)", "visited") + " >= 5 AND NOT " + some("purchased", "e.time <= {at}"),
    "black_friday_only": some(
        "purchased",
        "e.time >= TIMESTAMP '2025-11-27 15:00' AND e.time < TIMESTAMP '2025-11-28 15:00' AND e.time <= {at}",
    )
    + " AND NOT "
    + some(
        "purchased",
        "e.time >= TIMESTAMP '2025-11-30 15:00' AND e.time < TIMESTAMP '2025-12-24 15:00' AND e.time <= {at}",
    )
    + " AND country = 'KR'",
    "new_searcher": some("searched", "e.time BETWEEN TIMESTAMP '2025-12-14 15:00' AND {at}")
    + " AND NOT "
    + some("searched", "e.time < TIMESTAMP '2025-12-14 15:00' AND e.time <= {at}"),
    "back_today": some("visited", "e.time BETWEEN {today} AND {at}")
    + " AND NOT "
    + some("visited", "e.time >= {yesterday} AND e.time < {today}"),
    "weekly_habit": " AND ".join(
        some("visited", window)
        for window in (
            "e.time BETWEEN {week} AND {at}",
            "e.time >= {last_week} AND e.time < {week}",
            "e.time >= {last_month} AND e.time < {month}",
        )
    ),
    "old_reviewer": some("reviewed", "e.time < {d180}") + " AND " + some("visited", within(14)),
    "one_time_buyer": of("count(*)", "purchased", "e.time BETWEEN {m3} AND {at}") + " = 1",
    "quiet_collector": of("count(*)", "wishlisted", within(45))
    + " BETWEEN 2 AND 5 AND "
    + of("count(*)", "email_opened", within(60))
    + " <= 2",
    "discount_hunter": of(
        "count(*)", "purchased", f"{within(180)} AND category = 'dress' AND amount < 60 AND quantity >= 2"
    )
    + " >= 2",
    "browser": """(SELECT count(*) FROM events e WHERE e.customer = c.id
      AND e.event IN ('viewed', 'cart_added', 'wishlisted') AND e.time BETWEEN {d30} AND {at}) >= 10 AND NOT """
    + some("purchased", within(30)),
    "regular": of("count(DISTINCT (e.time + INTERVAL 9 HOUR)::DATE)", "visited", within(30)) + " >= 10",
    "explorer": of("count(DISTINCT e.category)", "viewed", within(30)) + " >= 6",
    "big_spender": f"{WITHIN_90D} >= 50000",
    "large_basket": f"{of(f'sum({CENTS})', 'purchased')} >= 8000 * {of('count(*)', 'purchased')}"
    f" AND {of('count(*)', 'purchased')} >= 3",
    "bargain": f"{of('max(amount)', 'purchased')} < 40 AND {of('min(amount)', 'purchased')} > 5 AND "
    + of(f"sum({CENTS}) / count(*)", "purchased", within(180))
    + " BETWEEN 1500 AND 3000",
    "overdue": of("epoch_us({at}) - epoch_us(max(e.time))", "purchased")
    + " > 1.5 * "
    + of("(epoch_us(max(e.time)) - epoch_us(min(e.time))) / nullif(count(*) - 1, 0)", "purchased")
    + f" AND {of('count(*)', 'purchased')} >= 3",
    "instagram_newcomer": """(SELECT max(e.utm_source) FROM events e WHERE e.customer = c.id AND e.event = 'visited'
      AND e.time = (SELECT min(b.time) FROM events b
                    WHERE b.customer = e.customer AND b.event = 'visited' AND b.time <= {at})) = 'instagram'
      AND signed_up_at BETWEEN {d90} AND {at}""",
    "last_was_dress": of("arg_max(e.category, (e.time, e.category))", "purchased") + " = 'dress'",
    "shoe_lover": """(SELECT arg_max(category, (n, t, category)) FROM (
      SELECT e.category, count(*) n, max(e.time) t FROM events e WHERE e.customer = c.id AND e.event = 'purchased'
      AND e.time BETWEEN {d180} AND {at} AND e.category IS NOT NULL GROUP BY e.category)) IN ('shoes', 'bags')""",
    "birthday_soon": "strftime(birthday, '%m%d') IN ({birthdays}) AND marketing_consent",
    "old_app": """string_split(app_version, '.')::INTEGER[] < [3, 10, 0] AND list_contains(interests, 'sale')
      AND (suffix(email, '@example.com') OR regexp_matches(email, '^[a-m].*7@'))""",
    "unknown_age": """(age IS NULL OR birthday IS NULL)
      AND signed_up_at >= {d60} AND signed_up_at < {d30} AND email_consent IS NOT TRUE""",
    "tiered": f"""CASE WHEN grade = 'vip' THEN 1 WHEN {of("count(*)", "purchased")} >= 10 THEN 2 ELSE 3 END <= 2
      AND age BETWEEN 25 AND 40""",
}

QUERIES: dict[str, str] = {name: f"SELECT id FROM customers c WHERE {line}" for name, line in CONDITIONS.items()} | {
    "champion": CHAMPION,
    "fallen_champion": f"""
SELECT id FROM ({CHAMPION.replace("{d90}", "{d120}").replace("{at}", "{d30}")})
WHERE id NOT IN (SELECT id FROM ({CHAMPION}))""",
    "best_buyers": f"""
SELECT id FROM (
  SELECT id, 1 + 5 * (rank() OVER (ORDER BY s) - 1) // count(*) OVER () money,
    1 + 5 * (rank() OVER (ORDER BY t) - 1) // count(*) OVER () recency
  FROM (SELECT id, {of(f"sum({CENTS})", "purchased")} s, {of("max(e.time)", "purchased")} t FROM customers c
        WHERE {some("purchased", "e.time <= {at}")}))
WHERE money = 5 AND recency = 5""",
    "top_1000": f"""
SELECT id FROM customers c ORDER BY coalesce({of(f"sum({CENTS})", "purchased")}, 0) DESC, id LIMIT 1000""",
    "top_visitors": f"""
SELECT id FROM (
  SELECT id, row_number() OVER (ORDER BY n DESC, id) place
  FROM (SELECT id, {of("count(*)", "visited", within(60))} n FROM customers c))
WHERE place <= (SELECT ceil(count(*) * 5 / 100) FROM customers)""",
    "most_items": f"""
SELECT id FROM (
  SELECT id, rank() OVER (ORDER BY q DESC) place
  FROM (SELECT id, coalesce({of("sum(quantity)", "purchased")}, 0) q FROM customers c))
WHERE place <= 500""",
}


def members(data: Path, clock: Clock) -> dict[str, pa.ChunkedArray]:
    """The ids of every segment, each by a query of its own."""
    connection = connect(data)
    literals = clock.sql()
    return {name: connection.sql(query.format(**literals)).to_arrow_table()["id"] for name, query in QUERIES.items()}
