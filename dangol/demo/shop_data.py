"""The demo shop's customers and events: half a year of people who look, hesitate, buy, come back or do not."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import io
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

DAYS = 180
CATALOGUE = {
    "원피스": ("린넨 원피스", "플라워 원피스", "셔츠 원피스", "니트 원피스"),
    "상의": ("코튼 티셔츠", "오버핏 셔츠", "케이블 니트", "후드 집업"),
    "하의": ("와이드 데님", "슬랙스", "플리츠 스커트", "조거 팬츠"),
    "신발": ("러닝화", "로퍼", "샌들"),
    "잡화": ("캔버스 백", "볼캡", "머플러", "양말 세트"),
}
PRICES = (19_000, 29_000, 39_000, 49_000, 59_000, 89_000, 129_000)
SURNAMES = "김이박최정강조윤장임한오서신권황안송"
GIVEN = ("민준", "서연", "도윤", "지우", "하은", "시우", "수아", "지호", "유진", "다은", "현우", "예린", "준서", "나윤")
CUSTOMER_FIELDS = (
    "id", "name", "gender", "age", "region", "grade", "signed_up_at", "birthday", "push_token", "phone", "email",
    "push_consent", "kakao_consent", "email_consent", "sms_consent",
)  # fmt: skip
EVENT_FIELDS = (
    "event_id", "customer", "event", "time", "product", "category", "price", "amount", "quantity", "coupon",
    "channel", "device", "coupon_name", "expires_on",
)  # fmt: skip

Row = dict[str, object]


@dataclass(frozen=True)
class Shopper:
    """One customer's habits: visits a day, the urge to buy, and the days (before the end) they came and left."""

    id: str
    joined: dt.datetime
    left: dt.datetime
    visits_per_day: float
    urge: float
    taste: str


def write_shop(directory: Path, end: dt.datetime, customers: int = 2000, seed: int = 7) -> None:
    """Writes data/customers.csv, data/events.csv.gz and lists/staff.csv; all times lie before `end` (aware)."""
    rng = random.Random(seed)
    (directory / "data").mkdir(parents=True, exist_ok=True)
    (directory / "lists").mkdir(parents=True, exist_ok=True)
    shoppers = [_shopper(rng, n, end) for n in range(1, customers + 1)]
    _write_csv(directory / "data/customers.csv", CUSTOMER_FIELDS, (_customer(rng, s, end) for s in shoppers))
    events = sorted((row for s in shoppers for row in _events(rng, s)), key=lambda row: str(row["time"]))
    for number, row in enumerate(events, 1):
        row["event_id"] = f"e{number}"
    _write_csv(directory / "data/events.csv.gz", EVENT_FIELDS, iter(events))
    _write_csv(directory / "lists/staff.csv", ("id",), ({"id": f"c{n:05d}"} for n in range(1, 6)))


def _shopper(rng: random.Random, number: int, end: dt.datetime) -> Shopper:
    joined = end - dt.timedelta(days=min(DAYS, rng.expovariate(1 / 120)), seconds=rng.randrange(86_400))
    stays = rng.expovariate(1 / 150)
    return Shopper(
        id=f"c{number:05d}",
        joined=joined,
        left=min(end, joined + dt.timedelta(days=stays)),
        visits_per_day=min(1.5, 0.06 * rng.paretovariate(1.3)),
        urge=rng.betavariate(2, 3),
        taste=rng.choice(tuple(CATALOGUE)),
    )


def _customer(rng: random.Random, shopper: Shopper, end: dt.datetime) -> Row:
    age = rng.choice((None, *range(18, 66)))
    birthday = end.date() - dt.timedelta(days=(age or 30) * 365 + rng.randrange(365))
    number = int(shopper.id[1:])
    return {
        "id": shopper.id,
        "name": rng.choice(SURNAMES) + rng.choice(GIVEN),
        "gender": rng.choice("FFFM"),
        "age": age,
        "region": rng.choice(("서울", "서울", "경기", "경기", "부산", "대구", "인천", "광주", None)),
        "grade": rng.choice(("basic", "basic", "basic", "silver", "gold")),
        "signed_up_at": shopper.joined.isoformat(timespec="seconds"),
        "birthday": birthday.isoformat() if age else None,
        "push_token": f"tok-{number:05d}" if rng.random() < 0.8 else None,
        "phone": f"010-0000-{number % 10_000:04d}" if rng.random() < 0.95 else None,
        "email": f"shopper{number}@example.com" if rng.random() < 0.9 else None,
        "push_consent": _maybe(rng, 0.75),
        "kakao_consent": _maybe(rng, 0.7),
        "email_consent": _maybe(rng, 0.6),
        "sms_consent": _maybe(rng, 0.5),
    }


def _maybe(rng: random.Random, share: float) -> str | None:
    return rng.choices(("true", "false", None), (share, 0.9 - share, 0.1))[0]


def _events(rng: random.Random, shopper: Shopper) -> Iterator[Row]:
    now = shopper.joined
    yield _row(shopper, now, "coupon_issued", coupon_name="가입 쿠폰", expires_on=(now + dt.timedelta(30)).date())
    while (now := now + dt.timedelta(days=rng.expovariate(shopper.visits_per_day))) < shopper.left:
        yield from (row for row in _visit(rng, shopper, now) if str(row["time"]) < shopper.left.isoformat())


def _visit(rng: random.Random, shopper: Shopper, start: dt.datetime) -> Iterator[Row]:
    channel = rng.choice(("direct", "search", "instagram", "push", "email"))
    yield _row(shopper, start, "visited", channel=channel, device=rng.choice(("ios", "android", "web")))
    now = start
    for _ in range(rng.randrange(1, 6)):
        now += dt.timedelta(seconds=rng.randrange(20, 240))
        category = shopper.taste if rng.random() < 0.6 else rng.choice(tuple(CATALOGUE))
        product = rng.choice(CATALOGUE[category])
        price = PRICES[sum(map(ord, product)) % len(PRICES)]
        yield _row(shopper, now, "viewed", product=product, category=category, price=price)
        if rng.random() < shopper.urge * 0.5:
            quantity = rng.choice((1, 1, 1, 2))
            now += dt.timedelta(seconds=rng.randrange(10, 120))
            about = {"product": product, "category": category, "amount": price * quantity}
            yield _row(shopper, now, "cart_added", **about, quantity=quantity)
            if rng.random() < shopper.urge:
                now += dt.timedelta(seconds=int(rng.expovariate(1 / 5_000)) + 60)
                yield _row(shopper, now, "purchased", **about, coupon=str(rng.random() < 0.3).lower())


def _row(shopper: Shopper, time: dt.datetime, event: str, **properties: object) -> Row:
    return {"customer": shopper.id, "event": event, "time": time.isoformat(timespec="seconds"), **properties}


def _write_csv(path: Path, fields: tuple[str, ...], rows: Iterator[Row]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, fields, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    data = text.getvalue().encode()
    path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)
