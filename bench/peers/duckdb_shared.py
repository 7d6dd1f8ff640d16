"""DuckDB, everything at once: one group-by per event type whose features the segments share, then forty filters."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from bench.peers.clock import Clock
from bench.peers.duckdb_pruned import CENTS, connect

EVENT_TABLES: tuple[str, ...] = (
    f"""
CREATE TEMP TABLE purchases AS
SELECT customer, time, product, category, amount, quantity, {CENTS} cents
FROM events WHERE event = 'purchased' AND time <= {{at}}
""",
    """
CREATE TEMP TABLE carts AS
SELECT customer, time, product FROM events WHERE event = 'cart_added' AND time <= {at}
""",
    """
CREATE TEMP TABLE views AS
SELECT customer, time, product, category FROM events WHERE event = 'viewed' AND time BETWEEN {d30} AND {at}
""",
    """
CREATE TEMP TABLE wishes AS
SELECT customer, time, product, category FROM events WHERE event = 'wishlisted' AND time <= {at}
""",
    """
CREATE TEMP TABLE searches AS
SELECT customer, min(time) first, list(time) FILTER (time >= {d14}) recent
FROM events WHERE event = 'searched' AND time <= {at} GROUP BY customer
""",
    """
CREATE TEMP TABLE visits AS
SELECT customer, max(time) last, count(*) n, count(*) FILTER (time >= {d60}) n60,
  bool_or(time >= {week}) this_week, bool_or(time >= {last_week} AND time < {week}) last_week,
  bool_or(time >= {last_month} AND time < {month}) last_month,
  bool_or(time >= {yesterday} AND time < {today}) yesterday,
  min(epoch_us(time) * 8 - CASE utm_source WHEN 'google' THEN 1 WHEN 'instagram' THEN 2 WHEN 'kakao' THEN 3
    WHEN 'naver' THEN 4 WHEN 'newsletter' THEN 5 WHEN 'tiktok' THEN 6 ELSE 0 END) first_source
FROM events WHERE event = 'visited' AND time <= {at} GROUP BY customer
""",
)

FEATURES: tuple[str, ...] = (
    """
CREATE TEMP TABLE purchased AS
SELECT customer, count(*) n, max(time) last, min(time) first, sum(cents) cents, max(amount) highest, min(amount) lowest,
  sum(quantity) items, arg_max(category, (time, category)) last_category,
  count(*) FILTER (time >= {d30}) n30, count(*) FILTER (time >= {d60}) n60,
  count(*) FILTER (time >= {d120} AND time < {d60}) n60_120, count(*) FILTER (time >= {m3}) n3mo,
  count(*) FILTER (time >= {d90}) n90, sum(cents) FILTER (time >= {d90}) cents90,
  count(*) FILTER (time BETWEEN {d120} AND {d30}) n90_then,
  sum(cents) FILTER (time BETWEEN {d120} AND {d30}) cents90_then,
  count(*) FILTER (time >= {d180}) n180, sum(cents) FILTER (time >= {d180}) cents180,
  count(*) FILTER (time >= {d180} AND category = 'dress' AND amount < 60 AND quantity >= 2) discounted,
  bool_or(time >= TIMESTAMP '2025-11-27 15:00' AND time < TIMESTAMP '2025-11-28 15:00') black_friday,
  bool_or(time >= TIMESTAMP '2025-11-30 15:00' AND time < TIMESTAMP '2025-12-24 15:00') advent
FROM purchases GROUP BY customer
""",
    """
CREATE TEMP TABLE favourites AS
SELECT customer, arg_max(category, (n, t, category)) favourite FROM (
  SELECT customer, category, count(*) n, max(time) t FROM purchases WHERE time >= {d180} AND category IS NOT NULL
  GROUP BY customer, category)
GROUP BY customer
""",
    """
CREATE TEMP TABLE carted AS
SELECT customer, max(time) last, count(*) FILTER (time >= {d30}) n30, arg_max(product, (time, product)) product
FROM carts GROUP BY customer
""",
    """
CREATE TEMP TABLE viewed AS
SELECT customer, count(*) n30, count(DISTINCT category) categories30,
  count(*) FILTER (time >= {d14} AND (last IS NULL OR time > last)) n14_unbought,
  bool_or(time >= {d7} AND views.product = carted.product) seen_again
FROM views LEFT JOIN (SELECT customer, last FROM purchased) USING (customer)
LEFT JOIN (SELECT customer, product FROM carted) carted USING (customer)
GROUP BY customer
""",
    """
CREATE TEMP TABLE wished AS
SELECT customer, count(*) FILTER (time >= {d30}) n30, count(*) FILTER (time >= {d45}) n45 FROM wishes GROUP BY customer
""",
    """
CREATE TEMP TABLE mailed AS
SELECT customer, count(*) n60 FROM events WHERE event = 'email_opened' AND time BETWEEN {d60} AND {at} GROUP BY customer
""",
    """
CREATE TEMP TABLE visited30 AS
SELECT customer, count(DISTINCT (time + INTERVAL 9 HOUR)::DATE) days30
FROM events WHERE event = 'visited' AND time BETWEEN {d30} AND {at} GROUP BY customer
""",
    """
CREATE TEMP TABLE reviewed AS
SELECT DISTINCT customer, true early FROM events WHERE event = 'reviewed' AND time <= {at} AND time < {d180}
""",
    """
CREATE TEMP TABLE mail_buyers AS
SELECT DISTINCT p.customer, true mail_buyer FROM purchases p
JOIN (SELECT customer, time FROM events WHERE event = 'email_clicked' AND time BETWEEN {d33} AND {at}) k
ON p.customer = k.customer AND p.time BETWEEN k.time AND k.time + INTERVAL 3 DAY WHERE p.time >= {d30}
""",
    """
CREATE TEMP TABLE cart_leavers AS
SELECT DISTINCT a.customer, true cart_left FROM (FROM carts WHERE time >= {d10} AND time < {d3}) a
ANTI JOIN (FROM purchases WHERE time >= {d10}) p
ON a.customer = p.customer AND a.product = p.product AND p.time BETWEEN a.time AND a.time + INTERVAL 3 DAY
""",
    """
CREATE TEMP TABLE droppers AS
WITH l AS (SELECT customer, time FROM (FROM carts WHERE time >= {d14}) c
           ANTI JOIN (FROM purchases WHERE time >= {d14}) p
           ON c.customer = p.customer AND p.time BETWEEN c.time AND c.time + INTERVAL 3 DAY),
     s AS (SELECT customer, unnest(recent) time FROM searches)
SELECT DISTINCT s.customer, true search_drop FROM s JOIN l
ON s.customer = l.customer AND l.time BETWEEN s.time AND s.time + INTERVAL 1 DAY
""",
    """
CREATE TEMP TABLE wish_leavers AS
SELECT DISTINCT w.customer, true wish_left FROM (
  SELECT customer, product, max(time) t FROM wishes WHERE category = 'dress' GROUP BY customer, product) w
ANTI JOIN purchases p ON w.customer = p.customer AND w.product = p.product AND p.time >= w.t
""",
    """
CREATE TEMP TABLE view_buyers AS
SELECT DISTINCT v.customer, true view_to_buy FROM views v JOIN (FROM purchases WHERE time >= {d30}) p
ON v.customer = p.customer AND v.product = p.product AND p.time BETWEEN v.time AND v.time + INTERVAL 1 DAY
""",
    """
CREATE TEMP TABLE ranks AS
WITH amounts AS (
  SELECT id customer, coalesce(cents, 0)::BIGINT cents, coalesce(cents90, 0)::BIGINT cents90,
    coalesce(cents90_then, 0)::BIGINT cents90_then, coalesce(items, 0)::BIGINT items, coalesce(v.n60, 0) n60, last,
    last IS NULL nothing
  FROM customers LEFT JOIN purchased p ON p.customer = id
  LEFT JOIN (SELECT customer, n60 FROM visits) v ON v.customer = id)
SELECT customer, count(*) OVER () everybody,
  (rank() OVER (ORDER BY cents90) - 1) / count(*) OVER () share,
  (rank() OVER (ORDER BY cents90_then) - 1) / count(*) OVER () share_then,
  rank() OVER (ORDER BY items DESC) items_place,
  row_number() OVER (ORDER BY cents DESC, customer) money_place,
  row_number() OVER (ORDER BY n60 DESC, customer) visits_place,
  1 + 5 * (rank() OVER (PARTITION BY nothing ORDER BY cents) - 1) // count(*) OVER (PARTITION BY nothing) money,
  1 + 5 * (rank() OVER (PARTITION BY nothing ORDER BY last) - 1) // count(*) OVER (PARTITION BY nothing) recency
FROM amounts
""",
    """
CREATE TEMP TABLE features AS
SELECT c.*, v.last visited_last, coalesce(v.n, 0) visits, coalesce(v.n60, 0) visits60, days30, v.this_week, v.last_week,
  v.last_month, v.yesterday, v.first_source, s.first searched_first, e.early, w.n45 wishes45,
  coalesce(m.n60, 0) opened60, coalesce(x.n30, 0) + coalesce(a.n30, 0) + coalesce(w.n30, 0) shopping30,
  x.categories30, x.n14_unbought, x.seen_again, a.last carted_last, p.last purchased_last, p.first purchased_first,
  coalesce(p.n, 0) n, coalesce(p.n30, 0) n30, coalesce(p.n60, 0) n60, p.n60_120, p.n3mo, coalesce(p.n90, 0) n90,
  coalesce(p.cents90, 0) cents90, coalesce(p.n90_then, 0) n90_then, p.n180, p.cents180, p.highest, p.lowest,
  p.discounted, p.black_friday, p.advent, p.last_category, f.favourite, coalesce(p.cents, 0) cents,
  mail_buyer, cart_left, search_drop, wish_left, view_to_buy,
  r.* EXCLUDE (customer)
FROM customers c
LEFT JOIN visits v ON v.customer = id LEFT JOIN searches s ON s.customer = id LEFT JOIN reviewed e ON e.customer = id
LEFT JOIN wished w ON w.customer = id LEFT JOIN mailed m ON m.customer = id LEFT JOIN viewed x ON x.customer = id
LEFT JOIN carted a ON a.customer = id LEFT JOIN purchased p ON p.customer = id LEFT JOIN favourites f ON f.customer = id
LEFT JOIN mail_buyers b ON b.customer = id LEFT JOIN cart_leavers l ON l.customer = id
LEFT JOIN droppers d ON d.customer = id LEFT JOIN wish_leavers wl ON wl.customer = id
LEFT JOIN view_buyers vb ON vb.customer = id
LEFT JOIN visited30 y ON y.customer = id JOIN ranks r ON r.customer = id
""",
)

ABANDONER = "carted_last >= {d7} AND (purchased_last IS NULL OR purchased_last < carted_last)"
CHAMPION = "share >= 0.9 AND n90 >= 2"

CONDITIONS: dict[str, str] = {
    "abandoner": ABANDONER,
    "cart_left_product": "cart_left",
    "keen_viewer": "n14_unbought >= 3",
    "abandoner_abroad": ABANDONER
    + " AND (country IS NULL OR country NOT IN ('KR', 'JP')) AND grade IS DISTINCT FROM 'basic'",
    "search_drop": "search_drop",
    "wish_left": "wish_left",
    "view_to_buy": "view_to_buy",
    "mail_buyer": "mail_buyer",
    "seen_again": "seen_again",
    "lapsed_buyer": "n60_120 >= 1 AND n60 = 0",
    "sleeping": "visited_last < {d90} AND marketing_consent",
    "window_shopper": "visits >= 5 AND n = 0",
    "black_friday_only": "black_friday AND NOT advent AND country = 'KR'",
    "new_searcher": "searched_first >= TIMESTAMP '2025-12-14 15:00'",
    "back_today": "visited_last >= {today} AND NOT yesterday",
    "weekly_habit": "this_week AND last_week AND last_month",
    "old_reviewer": "early AND visited_last >= {d14}",
    "one_time_buyer": "n3mo = 1",
    "quiet_collector": "wishes45 BETWEEN 2 AND 5 AND opened60 <= 2",
    "discount_hunter": "discounted >= 2",
    "browser": "shopping30 >= 10 AND n30 = 0",
    "regular": "days30 >= 10",
    "explorer": "categories30 >= 6",
    "big_spender": "cents90 >= 50000",
    "large_basket": "n >= 3 AND cents >= 8000 * n",
    "bargain": "highest < 40 AND lowest > 5 AND n180 > 0 AND cents180 BETWEEN 1500 * n180 AND 3000 * n180",
    "overdue": """n >= 3 AND 2 * (n - 1) * (epoch_us({at}) - epoch_us(purchased_last))
      > 3 * (epoch_us(purchased_last) - epoch_us(purchased_first))""",
    "instagram_newcomer": "first_source % 8 = 8 - 2 AND signed_up_at BETWEEN {d90} AND {at}",
    "last_was_dress": "last_category = 'dress'",
    "shoe_lover": "favourite IN ('shoes', 'bags')",
    "champion": CHAMPION,
    "fallen_champion": f"share_then >= 0.9 AND n90_then >= 2 AND NOT ({CHAMPION})",
    "best_buyers": "n > 0 AND money = 5 AND recency = 5",
    "top_1000": "money_place <= 1000",
    "top_visitors": "visits_place <= ceil(everybody * 5 / 100)",
    "most_items": "items_place <= 500",
    "birthday_soon": "strftime(birthday, '%m%d') IN ({birthdays}) AND marketing_consent",
    "old_app": """string_split(app_version, '.')::INTEGER[] < [3, 10, 0] AND list_contains(interests, 'sale')
      AND (suffix(email, '@example.com') OR regexp_matches(email, '^[a-m].*7@'))""",
    "unknown_age": """(age IS NULL OR birthday IS NULL)
      AND signed_up_at >= {d60} AND signed_up_at < {d30} AND email_consent IS NOT TRUE""",
    "tiered": "CASE WHEN grade = 'vip' THEN 1 WHEN n >= 10 THEN 2 ELSE 3 END <= 2 AND age BETWEEN 25 AND 40",
}


def members(data: Path, clock: Clock) -> dict[str, pa.ChunkedArray]:
    """The ids of every segment, out of one table of features."""
    connection = connect(data)
    literals = clock.sql()
    for statement in EVENT_TABLES + FEATURES:
        connection.execute(statement.format(**literals))
    lines = {name: line.format(**literals) for name, line in CONDITIONS.items()}
    return {
        name: connection.sql(f"SELECT id FROM features WHERE {line}").to_arrow_table()["id"]
        for name, line in lines.items()
    }
