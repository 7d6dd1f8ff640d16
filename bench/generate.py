"""Writes a seeded shop: customers, a year of events in time order and the next day's events, as Parquet."""

from __future__ import annotations

import argparse
import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

DAYS = 365
DAY = 86_400
ZONE = "Asia/Seoul"
END = int(dt.datetime(2026, 1, 1, 9, tzinfo=dt.UTC).timestamp())  # 18:00 in Seoul
START = END - DAYS * DAY
NEXT_DAY_EVENTS = 100_000
ROWS_PER_GROUP = 500_000
DELAYED_DAYS = 40

EVENTS = (
    "visited", "viewed", "searched", "wishlisted", "cart_added", "checkout_started", "purchased", "reviewed",
    "email_opened", "email_clicked",
)  # fmt: skip
VISITED, VIEWED, SEARCHED, WISHED, CARTED, CHECKOUT, PURCHASED, REVIEWED, OPENED, CLICKED = range(10)
CATEGORIES = (
    "dress", "shoes", "bags", "tops", "bottoms", "outer", "beauty", "home", "sports", "kids", "accessories", "underwear"
)  # fmt: skip
UTM = ("google", "instagram", "naver", "kakao", "newsletter", "tiktok")
CHANNELS = ("app", "web", "store")
COUNTRIES = ("KR", "JP", "US", "TW", "DE", "VN")
GRADES = ("basic", "silver", "gold", "vip")
INTERESTS = ("sale", "new", "sports", "beauty", "kids", "home")
PRODUCTS = 3000
QUERIES = tuple(f"{category} {word}" for category in CATEGORIES for word in ("sale", "black", "linen", "gift", "new"))
CAMPAIGNS = tuple(f"mail_{number:03d}" for number in range(120))
HOURS = np.array([3, 2, 1, 1, 1, 1, 2, 4, 6, 7, 8, 8, 9, 8, 7, 7, 7, 8, 9, 10, 12, 13, 11, 7], dtype=float)

SCHEMA = pa.schema(
    [
        ("time", pa.timestamp("us")),
        ("customer", pa.string()),
        ("event", pa.string()),
        ("product", pa.string()),
        ("category", pa.string()),
        ("amount", pa.float64()),
        ("quantity", pa.int32()),
        ("channel", pa.string()),
        ("utm_source", pa.string()),
        ("query", pa.string()),
        ("rating", pa.int32()),
        ("campaign", pa.string()),
    ]
)

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Rows = dict[str, Ints]  # columns of codes; −1 is a missing value; time in seconds, amount in cents
CODES = ("product", "category", "amount", "quantity", "channel", "utm", "query", "rating", "campaign")


@dataclass(frozen=True)
class Habits:
    """What each customer is like, by code: visits (relative), days of the period they stay, urge to buy, taste."""

    weight: Floats
    joined: Ints
    left: Ints
    urge: Floats
    taste: Ints
    reads_mail: Floats


@dataclass(frozen=True)
class Catalogue:
    cents: Ints
    first: Ints  # of each category, products are numbered in a row
    size: Ints


def generate(directory: Path, customers: int, events: int, seed: int = 7) -> None:
    """Writes customers.parquet, events/year.parquet, next_day.parquet and about.json; `events` is met to about 1 %."""
    rng = np.random.default_rng(seed)
    (directory / "events").mkdir(parents=True, exist_ok=True)
    habits = _habits(rng, customers)
    _write_customers(rng, directory / "customers.parquet", habits)
    catalogue = _catalogue(rng)
    pending = _rows(np.empty(0, np.int64), np.empty(0, np.int64), VISITED)
    per_session, written = 6.0, 0
    with _writer(directory / "events/year.parquet") as writer:
        buffer: list[Rows] = []
        for day in range(DAYS):
            wanted = events / DAYS * _season(day)
            sessions = max(1, int(wanted / per_session))
            today, pending = _day(rng, day, sessions, habits, catalogue, pending)
            written += len(today["time"])
            per_session += (len(today["time"]) / sessions - per_session) * 0.1
            buffer.append(today)
            if sum(len(rows["time"]) for rows in buffer) >= ROWS_PER_GROUP or day == DAYS - 1:
                _write(writer, _concat(buffer))
                buffer = []
    today, _ = _day(rng, DAYS, int(NEXT_DAY_EVENTS * 1.3 / per_session), habits, catalogue, pending)
    with _writer(directory / "next_day.parquet") as writer:
        _write(writer, {name: column[:NEXT_DAY_EVENTS] for name, column in today.items()})
    about = {"customers": customers, "events": written, "seed": seed, "at": "2026-01-01T18:00+09:00"}
    (directory / "about.json").write_text(json.dumps(about))


def _season(day: int) -> float:
    """Busy weekends and sales days: the events of a day relative to the mean."""
    date = dt.datetime.fromtimestamp(START + day * DAY, dt.UTC)
    sales = 2.0 if (date.month, date.day) in {(6, 20), (11, 27), (11, 28), (12, 23)} else 1.0
    return sales * (1.15 if date.weekday() >= 5 else 0.93)


def _habits(rng: np.random.Generator, size: int) -> Habits:
    joined = np.where(rng.random(size) < 0.6, -rng.integers(1, 900, size), rng.integers(0, DAYS, size))
    stays = np.where(rng.random(size) < 0.15, 10_000, rng.exponential(250, size)).astype(np.int64)
    return Habits(
        weight=np.minimum((1 - rng.random(size)) ** (-1 / 1.2), 500.0),
        joined=joined,
        left=np.maximum(joined, 0) + stays + 1,
        urge=rng.beta(1.6, 3.2, size),
        taste=rng.integers(0, len(CATEGORIES), size),
        reads_mail=rng.beta(1, 6, size),
    )


def _catalogue(rng: np.random.Generator) -> Catalogue:
    category = np.sort(rng.integers(0, len(CATEGORIES), PRODUCTS))
    first = np.searchsorted(category, np.arange(len(CATEGORIES)))
    size = np.bincount(category, minlength=len(CATEGORIES))
    cents = (
        rng.lognormal(3.2, 0.7, PRODUCTS).clip(2, 400).round() * 100 - rng.choice((1, 5, 10, 50), PRODUCTS)
    ).astype(np.int64)
    return Catalogue(cents, first, size)


def _day(
    rng: np.random.Generator, day: int, sessions: int, habits: Habits, catalogue: Catalogue, pending: Rows
) -> tuple[Rows, Rows]:
    """The day's rows in time order, and those that it causes later."""
    start = START + day * DAY
    weight = np.where((habits.joined <= day) & (day < habits.left), habits.weight, 0.0)
    made = [pending, *_sessions(rng, start, sessions, weight, habits, catalogue)]
    made += _mail(rng, start, int(sessions * 0.35), weight * habits.reads_mail)
    rows = _concat(made)
    now = rows["time"] < start + DAY
    today = {name: column[now] for name, column in rows.items()}
    order = np.argsort(today["time"], kind="stable")
    later = ~now & (rows["time"] < start + DELAYED_DAYS * DAY)
    return {name: c[order] for name, c in today.items()}, {name: c[later] for name, c in rows.items()}


def _sessions(
    rng: np.random.Generator, start: int, count: int, weight: Floats, habits: Habits, catalogue: Catalogue
) -> list[Rows]:
    """Visits, searches and views, and what follows from them."""
    customer = _pick(rng, weight, count)
    time = start + _second_of_day(rng, count)
    utm = np.where(rng.random(count) < 0.35, -1, rng.choice(len(UTM), count, p=(0.3, 0.25, 0.15, 0.12, 0.1, 0.08)))
    visits = _rows(customer, time, VISITED, channel=rng.choice(3, count, p=(0.55, 0.4, 0.05)), utm=utm)
    searching = rng.random(count) < 0.3
    query = (len(QUERIES) * rng.random(searching.sum()) ** 2).astype(np.int64)
    searches = _rows(customer[searching], time[searching] + rng.integers(0, 20, searching.sum()), SEARCHED, query=query)
    views = _views(rng, customer, time, habits, catalogue)
    return [visits, searches, views, *_after_views(rng, views, habits, catalogue)]


def _views(rng: np.random.Generator, customer: Ints, time: Ints, habits: Habits, catalogue: Catalogue) -> Rows:
    count = np.minimum(rng.geometric(0.3, len(customer)), 15)
    who = np.repeat(customer, count)
    steps = np.cumsum(rng.integers(8, 240, len(who)))
    before = np.concatenate(([0], steps))[np.cumsum(count) - count]
    taste = np.where(rng.random(len(who)) < 0.6, habits.taste[who], rng.integers(0, len(CATEGORIES), len(who)))
    popular = rng.random(len(who)) ** 2.5
    product = catalogue.first[taste] + (catalogue.size[taste] * popular).astype(np.int64)
    unknown = rng.random(len(who)) < 0.01
    about = {"product": np.where(unknown, -1, product), "category": np.where(unknown, -1, taste)}
    return _rows(who, np.repeat(time, count) + steps - np.repeat(before, count), VIEWED, **about)


def _after_views(rng: np.random.Generator, views: Rows, habits: Habits, catalogue: Catalogue) -> list[Rows]:
    known = views["product"] >= 0
    wished = known & (rng.random(len(known)) < 0.04)
    wishes = _take(views, wished, WISHED, rng.integers(2, 60, wished.sum()))
    carted = known & (rng.random(len(known)) < 0.03 + 0.27 * habits.urge[views["customer"]])
    carts = _take(views, carted, CARTED, rng.integers(3, 60, carted.sum()))
    carts["quantity"] = rng.choice((1, 2, 3, 5), len(carts["time"]), p=(0.8, 0.13, 0.05, 0.02))
    carts["amount"] = catalogue.cents[carts["product"]] * carts["quantity"]
    return [wishes, carts, *_after_carts(rng, carts, habits)]


def _after_carts(rng: np.random.Generator, carts: Rows, habits: Habits) -> list[Rows]:
    """Purchases at the same second, within the hour or days later; reviews of them; checkouts, some of them left."""
    size = len(carts["time"])
    bought = rng.random(size) < habits.urge[carts["customer"]]
    soon, late = 30 + rng.exponential(1500, size), rng.exponential(1.5 * DAY, size)
    delay = np.where(rng.random(size) < 0.7, soon, late).astype(np.int64)
    delay[rng.random(size) < 0.005] = 0
    purchases = _take(carts, bought, PURCHASED, delay[bought])
    checkouts = _take(purchases, slice(None), CHECKOUT, -np.minimum(delay[bought], rng.integers(20, 200, bought.sum())))
    left = ~bought & (rng.random(size) < 0.2)
    reviewed = rng.random(bought.sum()) < 0.12
    reviews = _take(purchases, reviewed, REVIEWED, rng.integers(2 * DAY, 25 * DAY, reviewed.sum()))
    reviews |= {"amount": np.full(reviewed.sum(), -1), "quantity": np.full(reviewed.sum(), -1)}
    reviews["rating"] = rng.choice(np.arange(1, 6), reviewed.sum(), p=(0.05, 0.05, 0.1, 0.3, 0.5))
    return [purchases, checkouts, _take(carts, left, CHECKOUT, rng.integers(20, 300, left.sum())), reviews]


def _mail(rng: np.random.Generator, start: int, count: int, weight: Floats) -> list[Rows]:
    customer = _pick(rng, weight, count)
    campaign = rng.integers(0, len(CAMPAIGNS), count)
    opened = _rows(customer, start + _second_of_day(rng, count), OPENED, campaign=campaign)
    followed = rng.random(count) < 0.25
    return [opened, _take(opened, followed, CLICKED, rng.integers(1, 300, followed.sum()))]


def _pick(rng: np.random.Generator, weight: Floats, count: int) -> Ints:
    total = np.cumsum(weight)
    return np.searchsorted(total, rng.random(count) * total[-1], side="right").clip(max=len(weight) - 1)


def _second_of_day(rng: np.random.Generator, count: int) -> Ints:
    hour = rng.choice(24, count, p=HOURS / HOURS.sum())
    return (hour - 18) % 24 * 3600 + rng.integers(0, 3600, count)


def _rows(customer: Ints, time: Ints, event: int, **codes: Ints) -> Rows:
    rows = {"customer": customer, "time": time, "event": np.full(len(time), event, np.int64)}
    return rows | {name: codes.get(name, np.full(len(time), -1, np.int64)) for name in CODES}


def _take(rows: Rows, which: NDArray[np.bool_] | slice, event: int, delay: Ints) -> Rows:
    taken = {name: column[which] for name, column in rows.items()}
    return taken | {"time": taken["time"] + delay, "event": np.full(len(delay), event, np.int64)}


def _concat(parts: list[Rows]) -> Rows:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _writer(path: Path) -> pq.ParquetWriter:
    return pq.ParquetWriter(
        path, SCHEMA, compression="zstd", dictionary_pagesize_limit=16 << 20, store_schema=False, write_statistics=True
    )


def _write(writer: pq.ParquetWriter, rows: Rows) -> None:
    product = rows["product"]
    who, customer = np.unique(rows["customer"], return_inverse=True)
    columns = {
        "time": pa.array(rows["time"] * 1_000_000).cast(pa.timestamp("us")),
        "customer": _text(customer, [customer_id(code) for code in who.tolist()]),
        "event": _text(rows["event"], EVENTS),
        "product": _text(product, [f"p{code:04d}" for code in range(PRODUCTS)]),
        "category": _text(rows["category"], CATEGORIES),
        "amount": pa.array(rows["amount"] / 100.0, mask=rows["amount"] < 0),
        "quantity": pa.array(rows["quantity"].astype(np.int32), mask=rows["quantity"] < 0),
        "channel": _text(rows["channel"], CHANNELS),
        "utm_source": _text(rows["utm"], UTM),
        "query": _text(rows["query"], QUERIES),
        "rating": pa.array(rows["rating"].astype(np.int32), mask=rows["rating"] < 0),
        "campaign": _text(rows["campaign"], CAMPAIGNS),
    }
    writer.write_table(pa.table(columns, schema=SCHEMA), row_group_size=1 << 30)


def _text(codes: Ints, words: tuple[str, ...] | list[str]) -> pa.Array:
    indices = pa.array(codes.astype(np.int32), mask=codes < 0)
    return pa.DictionaryArray.from_arrays(indices, pa.array(words, pa.string())).dictionary_decode()


def customer_id(code: int) -> str:
    return f"c{code:07d}"


def _write_customers(rng: np.random.Generator, path: Path, habits: Habits) -> None:
    size = len(habits.weight)
    signed_up = START + habits.joined * DAY + rng.integers(0, DAY, size)
    age = rng.integers(16, 75, size)
    birthday = (END - age * 365.25 * DAY - rng.integers(0, 365, size) * DAY).astype(np.int64) // DAY
    names = np.array(["kim", "lee", "park", "choi", "tanaka", "smith", "mueller", "nguyen"])
    domains = np.array(["@example.com", "@example.org", "@mail.example"])
    words = zip(rng.choice(names, size), rng.integers(1, 9999, size), rng.choice(domains, size), strict=True)
    interests = [[word for bit, word in enumerate(INTERESTS) if mask >> bit & 1] for mask in rng.integers(0, 64, size)]
    version = zip(rng.integers(2, 5, size), rng.integers(0, 15, size), rng.integers(0, 10, size), strict=True)
    columns: Mapping[str, pa.Array] = {
        "id": pa.array([customer_id(code) for code in range(size)]),
        "country": _text(_gaps(rng, rng.choice(6, size, p=(0.5, 0.15, 0.12, 0.1, 0.08, 0.05)), 0.03), COUNTRIES),
        "age": pa.array(age.astype(np.int32), mask=rng.random(size) < 0.08),
        "grade": _text(rng.choice(4, size, p=(0.7, 0.18, 0.09, 0.03)), GRADES),
        "signed_up_at": pa.array(signed_up * 1_000_000).cast(pa.timestamp("us")),
        "birthday": pa.array(birthday.astype(np.int32), mask=rng.random(size) < 0.12).cast(pa.date32()),
        "email": pa.array([f"{a}{b}{c}" for a, b, c in words], mask=rng.random(size) < 0.05),
        "app_version": pa.array([f"{a}.{b}.{c}" for a, b, c in version], mask=rng.random(size) < 0.3),
        "interests": pa.array(interests, pa.list_(pa.string()), mask=rng.random(size) < 0.2),
        "email_consent": pa.array(rng.random(size) < 0.7, mask=rng.random(size) < 0.1),
        "marketing_consent": pa.array(rng.random(size) < 0.6, mask=rng.random(size) < 0.1),
    }
    pq.write_table(pa.table(columns), path, compression="zstd", row_group_size=200_000, store_schema=False)


def _gaps(rng: np.random.Generator, codes: Ints, share: float) -> Ints:
    return np.where(rng.random(len(codes)) < share, -1, codes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--events", type=int, default=50_000_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--out", type=Path, default=Path("bench/data/full"))
    given = parser.parse_args()
    generate(given.out, given.customers, given.events, given.seed)


if __name__ == "__main__":
    main()
