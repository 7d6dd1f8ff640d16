"""DuckDB, one query per segment: only the event and the days it needs, grouped before they are joined."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa

from bench.peers.clock import Clock

MEMORY = "8GB"
CENTS = "round(amount * 100)::BIGINT"

ABANDONER = """
WITH a AS (SELECT customer, max(time) t FROM events
           WHERE event = 'cart_added' AND time BETWEEN {d7} AND {at} GROUP BY customer),
     p AS (SELECT customer, max(time) t FROM events
           WHERE event = 'purchased' AND time BETWEEN {d7} AND {at} GROUP BY customer)
SELECT a.customer id FROM a LEFT JOIN p USING (customer) WHERE p.t IS NULL OR p.t < a.t
"""

CHAMPION_NOW = f"""
SELECT id FROM (
  SELECT id, coalesce(n, 0) n, (rank() OVER (ORDER BY coalesce(s, 0)) - 1) / count(*) OVER () share
  FROM customers LEFT JOIN (
    SELECT customer, count(*) n, sum({CENTS}) s FROM events
    WHERE event = 'purchased' AND time BETWEEN {{d90}} AND {{at}} GROUP BY customer) ON customer = id)
WHERE share >= 0.9 AND n >= 2
"""

QUERIES: dict[str, str] = {
    "abandoner": ABANDONER,
    "cart_left_product": """
WITH a AS (SELECT customer, product, time FROM events
           WHERE event = 'cart_added' AND time >= {d10} AND time < {d3}),
     p AS (SELECT customer, product, time FROM events
           WHERE event = 'purchased' AND time BETWEEN {d10} AND {at})
SELECT DISTINCT customer id FROM a ANTI JOIN p
ON a.customer = p.customer AND a.product = p.product AND p.time BETWEEN a.time AND a.time + INTERVAL 3 DAY
""",
    "keen_viewer": """
WITH p AS (SELECT customer, max(time) t FROM events
           WHERE event = 'purchased' AND time BETWEEN {d14} AND {at} GROUP BY customer)
SELECT v.customer id FROM events v LEFT JOIN p ON v.customer = p.customer
WHERE v.event = 'viewed' AND v.time BETWEEN {d14} AND {at} AND (p.t IS NULL OR v.time > p.t)
GROUP BY v.customer HAVING count(*) >= 3
""",
    "abandoner_abroad": f"""
SELECT id FROM ({ABANDONER}) SEMI JOIN (
  SELECT id FROM customers WHERE (country IS NULL OR country NOT IN ('KR', 'JP')) AND grade IS DISTINCT FROM 'basic')
USING (id)
""",
    "search_drop": """
WITH p AS (SELECT customer, time FROM events WHERE event = 'purchased' AND time BETWEEN {d14} AND {at}),
     c AS (SELECT customer, time FROM events WHERE event = 'cart_added' AND time BETWEEN {d14} AND {at}),
     left_carts AS (SELECT * FROM c ANTI JOIN p
                    ON c.customer = p.customer AND p.time BETWEEN c.time AND c.time + INTERVAL 3 DAY),
     s AS (SELECT customer, time FROM events WHERE event = 'searched' AND time BETWEEN {d14} AND {at})
SELECT DISTINCT customer id FROM s SEMI JOIN left_carts l
ON s.customer = l.customer AND l.time BETWEEN s.time AND s.time + INTERVAL 1 DAY
""",
    "wish_left": """
WITH w AS (SELECT customer, product, max(time) t FROM events
           WHERE event = 'wishlisted' AND category = 'dress' AND time <= {at} GROUP BY customer, product),
     p AS (SELECT customer, product, max(time) t FROM events
           WHERE event = 'purchased' AND time <= {at} GROUP BY customer, product)
SELECT DISTINCT w.customer id FROM w LEFT JOIN p ON w.customer = p.customer AND w.product = p.product
WHERE p.t IS NULL OR p.t < w.t
""",
    "view_to_buy": """
WITH v AS (SELECT customer, product, time FROM events WHERE event = 'viewed' AND time BETWEEN {d30} AND {at}),
     p AS (SELECT customer, product, time FROM events WHERE event = 'purchased' AND time BETWEEN {d30} AND {at})
SELECT DISTINCT v.customer id FROM v JOIN p
ON v.customer = p.customer AND v.product = p.product AND p.time BETWEEN v.time AND v.time + INTERVAL 1 DAY
""",
    "mail_buyer": """
WITH p AS (SELECT customer, time FROM events WHERE event = 'purchased' AND time BETWEEN {d30} AND {at}),
     k AS (SELECT customer, time FROM events WHERE event = 'email_clicked' AND time BETWEEN {d33} AND {at})
SELECT DISTINCT p.customer id FROM p JOIN k
ON p.customer = k.customer AND p.time BETWEEN k.time AND k.time + INTERVAL 3 DAY
""",
    "seen_again": """
WITH c AS (SELECT customer, arg_max(product, (time, product)) product FROM events
           WHERE event = 'cart_added' AND time <= {at} GROUP BY customer)
SELECT DISTINCT v.customer id FROM events v JOIN c ON v.customer = c.customer AND v.product = c.product
WHERE v.event = 'viewed' AND v.time BETWEEN {d7} AND {at}
""",
    "lapsed_buyer": """
SELECT customer id FROM events WHERE event = 'purchased' AND time BETWEEN {d120} AND {at}
GROUP BY customer HAVING max(time) < {d60}
""",
    "sleeping": """
SELECT id FROM customers SEMI JOIN (
  SELECT customer FROM events WHERE event = 'visited' AND time <= {at} GROUP BY customer HAVING max(time) < {d90}) v
ON v.customer = id WHERE marketing_consent
""",
    "window_shopper": """
SELECT v.customer id FROM (
  SELECT customer FROM events WHERE event = 'visited' AND time <= {at} GROUP BY customer HAVING count(*) >= 5) v
ANTI JOIN (SELECT customer FROM events WHERE event = 'purchased' AND time <= {at}) p USING (customer)
""",
    "black_friday_only": """
WITH p AS (SELECT customer FROM events
           WHERE event = 'purchased' AND time >= TIMESTAMP '2025-11-27 15:00' AND time < TIMESTAMP '2025-12-24 15:00'
             AND time <= {at}
           GROUP BY customer
           HAVING bool_or(time < TIMESTAMP '2025-11-28 15:00') AND NOT bool_or(time >= TIMESTAMP '2025-11-30 15:00'))
SELECT id FROM customers SEMI JOIN p ON customer = id WHERE country = 'KR'
""",
    "new_searcher": """
SELECT customer id FROM events WHERE event = 'searched' AND time <= {at}
GROUP BY customer HAVING min(time) >= TIMESTAMP '2025-12-14 15:00'
""",
    "back_today": """
SELECT customer id FROM events WHERE event = 'visited' AND time BETWEEN {yesterday} AND {at}
GROUP BY customer HAVING min(time) >= {today}
""",
    "weekly_habit": """
SELECT customer id FROM events WHERE event = 'visited' AND time BETWEEN {last_month} AND {at}
GROUP BY customer HAVING bool_or(time >= {week}) AND bool_or(time >= {last_week} AND time < {week})
AND bool_or(time < {month})
""",
    "old_reviewer": """
SELECT DISTINCT customer id FROM events WHERE event = 'visited' AND time BETWEEN {d14} AND {at}
AND customer IN (SELECT customer FROM events WHERE event = 'reviewed' AND time < {d180})
""",
    "one_time_buyer": """
SELECT customer id FROM events WHERE event = 'purchased' AND time BETWEEN {m3} AND {at}
GROUP BY customer HAVING count(*) = 1
""",
    "quiet_collector": """
SELECT w.customer id FROM (
  SELECT customer FROM events WHERE event = 'wishlisted' AND time BETWEEN {d45} AND {at}
  GROUP BY customer HAVING count(*) BETWEEN 2 AND 5) w
ANTI JOIN (
  SELECT customer FROM events WHERE event = 'email_opened' AND time BETWEEN {d60} AND {at}
  GROUP BY customer HAVING count(*) > 2) o USING (customer)
""",
    "discount_hunter": """
SELECT customer id FROM events
WHERE event = 'purchased' AND time BETWEEN {d180} AND {at} AND category = 'dress' AND amount < 60 AND quantity >= 2
GROUP BY customer HAVING count(*) >= 2
""",
    "browser": """
SELECT b.customer id FROM (
  SELECT customer FROM events
  WHERE event IN ('viewed', 'cart_added', 'wishlisted') AND time BETWEEN {d30} AND {at}
  GROUP BY customer HAVING count(*) >= 10) b
ANTI JOIN (SELECT customer FROM events WHERE event = 'purchased' AND time BETWEEN {d30} AND {at}) p USING (customer)
""",
    "regular": """
SELECT customer id FROM events WHERE event = 'visited' AND time BETWEEN {d30} AND {at}
GROUP BY customer HAVING count(DISTINCT (time + INTERVAL 9 HOUR)::DATE) >= 10
""",
    "explorer": """
SELECT customer id FROM events WHERE event = 'viewed' AND time BETWEEN {d30} AND {at}
GROUP BY customer HAVING count(DISTINCT category) >= 6
""",
    "big_spender": f"""
SELECT customer id FROM events WHERE event = 'purchased' AND time BETWEEN {{d90}} AND {{at}}
GROUP BY customer HAVING sum({CENTS}) >= 50000
""",
    "large_basket": f"""
SELECT customer id FROM events WHERE event = 'purchased' AND time <= {{at}}
GROUP BY customer HAVING count(*) >= 3 AND sum({CENTS}) >= 8000 * count(*)
""",
    "bargain": f"""
SELECT customer id FROM events WHERE event = 'purchased' AND time <= {{at}}
GROUP BY customer HAVING max(amount) < 40 AND min(amount) > 5
AND sum({CENTS}) FILTER (time >= {{d180}})
    BETWEEN 1500 * count(*) FILTER (time >= {{d180}}) AND 3000 * count(*) FILTER (time >= {{d180}})
""",
    "overdue": """
SELECT customer id FROM events WHERE event = 'purchased' AND time <= {at}
GROUP BY customer HAVING count(*) >= 3
AND 2 * (count(*) - 1) * (epoch_us({at}) - epoch_us(max(time))) > 3 * (epoch_us(max(time)) - epoch_us(min(time)))
""",
    "instagram_newcomer": """
WITH newcomers AS (SELECT id FROM customers WHERE signed_up_at BETWEEN {d90} AND {at}),
     v AS (SELECT customer, time, utm_source FROM events SEMI JOIN newcomers ON id = customer
           WHERE event = 'visited' AND time <= {at}),
     f AS (SELECT customer, min(time) t FROM v GROUP BY customer)
SELECT v.customer id FROM v JOIN f ON v.customer = f.customer AND v.time = f.t
GROUP BY v.customer HAVING max(utm_source) = 'instagram'
""",
    "last_was_dress": """
SELECT customer id FROM events WHERE event = 'purchased' AND time <= {at}
GROUP BY customer HAVING arg_max(category, (time, category)) = 'dress'
""",
    "shoe_lover": """
WITH c AS (SELECT customer, category, count(*) n, max(time) t FROM events
           WHERE event = 'purchased' AND time BETWEEN {d180} AND {at} AND category IS NOT NULL
           GROUP BY customer, category)
SELECT customer id FROM c GROUP BY customer HAVING arg_max(category, (n, t, category)) IN ('shoes', 'bags')
""",
    "champion": CHAMPION_NOW,
    "fallen_champion": f"""
SELECT id FROM ({CHAMPION_NOW.replace("{d90}", "{d120}").replace("{at}", "{d30}")})
ANTI JOIN ({CHAMPION_NOW}) USING (id)
""",
    "best_buyers": f"""
WITH b AS (SELECT customer, sum({CENTS}) s, max(time) t FROM events
           WHERE event = 'purchased' AND time <= {{at}} GROUP BY customer),
     q AS (SELECT customer, 1 + 5 * (rank() OVER (ORDER BY s) - 1) // count(*) OVER () money,
                  1 + 5 * (rank() OVER (ORDER BY t) - 1) // count(*) OVER () recency FROM b)
SELECT customer id FROM q WHERE money = 5 AND recency = 5
""",
    "top_1000": f"""
WITH s AS (SELECT customer, sum({CENTS}) s FROM events WHERE event = 'purchased' AND time <= {{at}} GROUP BY customer)
SELECT id FROM customers LEFT JOIN s ON customer = id ORDER BY coalesce(s, 0) DESC, id LIMIT 1000
""",
    "top_visitors": """
WITH v AS (SELECT customer, count(*) n FROM events
           WHERE event = 'visited' AND time BETWEEN {d60} AND {at} GROUP BY customer),
     r AS (SELECT id, row_number() OVER (ORDER BY coalesce(n, 0) DESC, id) place
           FROM customers LEFT JOIN v ON customer = id)
SELECT id FROM r WHERE place <= (SELECT ceil(count(*) * 5 / 100) FROM customers)
""",
    "most_items": """
WITH q AS (SELECT customer, sum(quantity) q FROM events WHERE event = 'purchased' AND time <= {at} GROUP BY customer),
     r AS (SELECT id, rank() OVER (ORDER BY coalesce(q, 0) DESC) place FROM customers LEFT JOIN q ON customer = id)
SELECT id FROM r WHERE place <= 500
""",
    "birthday_soon": """
SELECT id FROM customers WHERE strftime(birthday, '%m%d') IN ({birthdays}) AND marketing_consent
""",
    "old_app": """
SELECT id FROM customers
WHERE string_split(app_version, '.')::INTEGER[] < [3, 10, 0] AND list_contains(interests, 'sale')
AND (suffix(email, '@example.com') OR regexp_matches(email, '^[a-m].*7@'))
""",
    "unknown_age": """
SELECT id FROM customers WHERE (age IS NULL OR birthday IS NULL)
AND signed_up_at >= {d60} AND signed_up_at < {d30} AND email_consent IS NOT TRUE
""",
    "tiered": """
WITH p AS (SELECT customer FROM events WHERE event = 'purchased' AND time <= {at}
           GROUP BY customer HAVING count(*) >= 10)
SELECT id FROM customers WHERE age BETWEEN 25 AND 40 AND (grade = 'vip' OR id IN (SELECT customer FROM p))
""",
}


def members(data: Path, clock: Clock) -> dict[str, pa.ChunkedArray]:
    """The ids of every segment, each by a query of its own."""
    connection = connect(data)
    literals = clock.sql()
    return {name: connection.sql(query.format(**literals)).to_arrow_table()["id"] for name, query in QUERIES.items()}


def connect(data: Path) -> duckdb.DuckDBPyConnection:
    """A connection that sees the Parquet files as `events` and `customers`."""
    connection = duckdb.connect(config={"preserve_insertion_order": False, "memory_limit": MEMORY})
    connection.execute(f"CREATE VIEW events AS FROM '{data}/events/*.parquet'")
    connection.execute(f"CREATE VIEW customers AS FROM '{data}/customers.parquet'")
    return connection
