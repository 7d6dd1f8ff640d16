"""Every row of the clause table as a window of events, of an instant and of a date."""

from __future__ import annotations

import pytest

from dangol.engine import ir
from tests.engine.check import shop

DAY = 86_400_000_000


def window(found: ir.Window | None) -> str:
    """`[at-7d, at]`; a bracket turned outwards leaves the point out."""
    if found is None:
        return "any"
    low, high = found.low, found.high
    start = "…" if low is None else ("]" if low.open else "[") + point(low.point)
    end = "…" if high is None else point(high.point) + ("[" if high.open else "]")
    return f"{start}, {end}"


def point(found: ir.Point) -> str:
    assert found.zone == shop.ZONE
    name = str(found.micros // 1_000_000) if found.anchor == "fixed" else found.anchor
    shift = found.shift
    steps = [(shift.months, "mo"), (shift.days, "day"), (shift.micros / DAY, "d")]
    return name + "".join(f"{amount:+g}{unit}" for amount, unit in steps if amount)


JANUARY_1 = 1767193200  # 2026-01-01T00:00+09:00
ROWS = [
    # clause, of events, of an instant, of a date
    ("within 7d", "[at-7d, …", "[at-7d, at]", "[day-7day, day]"),
    ("within 2w", "[at-14d, …", "[at-14d, at]", "[day-14day, day]"),
    ("within 36h", "[at-1.5d, …", "[at-1.5d, at]", None),
    ("within 1mo", "[at-1mo, …", "[at-1mo, at]", "[day-1mo, day]"),
    ("within 2y", "[at-24mo, …", "[at-24mo, at]", "[day-24mo, day]"),
    ("30d..60d ago", "[at-60d, at-30d[", "[at-60d, at-30d[", "[day-60day, day-30day["),
    ("more than 60d ago", "…, at-60d[", "…, at-60d[", "…, day-60day["),
    ("since 2026-01-01", f"[{JANUARY_1}, …", f"[{JANUARY_1}, …", f"[{JANUARY_1}, …"),
    ("after 2026-01-01", f"[{JANUARY_1 + 86400}, …", f"[{JANUARY_1 + 86400}, …", f"]{JANUARY_1}, …"),
    ("before 2026-01-01", f"…, {JANUARY_1}[", f"…, {JANUARY_1}[", f"…, {JANUARY_1}["),
    ("on 2026-01-01", *[f"[{JANUARY_1}, {JANUARY_1 + 86400}["] * 2, f"[{JANUARY_1}, {JANUARY_1}]"),
    ("since 2026-01-01T10:00", *[f"[{JANUARY_1 + 36000}, …"] * 3),
    ("after 2026-01-01T10:00", *[f"]{JANUARY_1 + 36000}, …"] * 3),
    ("before 2026-01-01T10:00+00:00", *[f"…, {JANUARY_1 + 36000 + 32400}["] * 3),
    ("between 2026-01-01 and 2026-01-02", *[f"[{JANUARY_1}, {JANUARY_1 + 2 * 86400}["] * 2,
     f"[{JANUARY_1}, {JANUARY_1 + 86400}]"),
    ("between 2026-01-01 and 2026-01-02T00:00", *[f"[{JANUARY_1}, {JANUARY_1 + 86400}]"] * 3),
    ("since today", *["[day, …"] * 3),
    ("since yesterday", *["[day-1day, …"] * 3),
    ("after yesterday", "[day, …", "[day, …", "]day-1day, …"),
    ("before today", *["…, day["] * 3),
    ("before now", *["…, at["] * 3),
    ("between yesterday and today", *["[day-1day, day+1day["] * 2, "[day-1day, day]"),
    ("today", "[day, …", "[day, day+1day[", "[day, day+1day["),
    ("yesterday", *["[day-1day, day["] * 3),
    ("this week", "[week, …", "[week, week+7day[", "[week, week+7day["),
    ("last week", *["[week-7day, week["] * 3),
    ("this month", "[month, …", "[month, month+1mo[", "[month, month+1mo["),
    ("last month", *["[month-1mo, month["] * 3),
    ("within next 7d", None, "[at, at+7d]", "[day, day+7day]"),
]  # fmt: skip


@pytest.mark.parametrize(("clause", "events", "instant", "date"), ROWS, ids=lambda value: str(value))
def test_a_time_clause_is_a_window(clause: str, events: str | None, instant: str, date: str | None) -> None:
    assert window(shop.read(f"signed_up_at {clause}").window) == instant
    if events is not None:
        assert window(shop.read(f"purchased {clause}").events.window) == events
    if date is not None:
        assert window(shop.read(f"birthday {clause}").window) == date


def test_a_trait_and_an_aggregate_take_time_clauses() -> None:
    assert window(shop.read("last(visited) within 7d").window) == "[at-7d, at]"
    assert window(shop.read("seen 30d..60d ago", traits={"seen": "last(visited)"}).window) == "[at-60d, at-30d["
    assert window(shop.read("max(purchased.due) within next 2d").window) == "[day, day+2day]"
    assert window(shop.read("anniversary(birthday) within next 7d").window) == "[day, day+7day]"


@pytest.mark.parametrize(
    ("clause", "low", "high"),
    [
        ("", 1, None), ("3+ times", 3, None), ("at least 3 times", 3, None), ("exactly 1 time", 1, 1), ("once", 1, 1),
        ("twice", 2, 2), ("at most 2 times", 0, 2), ("2..5 times", 2, 5), ("exactly 0 times", 0, 0),
    ],
)  # fmt: skip
def test_a_times_clause_bounds_the_number(clause: str, low: int, high: int | None) -> None:
    found = shop.read(f"purchased {clause}")
    assert (found.low, found.high) == (low, high)


def test_clauses_come_in_any_order() -> None:
    first = shop.read('viewed where category = "dress" within 7d 3+ times')
    assert first == shop.read('viewed 3+ times within 7d where category = "dress"')
    assert first.events.where == ir.Compare("=", ir.Property("category", "text"), ir.Constant("text", "dress"))


def test_a_group_is_its_events() -> None:
    found = shop.read("active within 7d")
    assert (found.events.names, found.events.label) == (("viewed", "visited"), "active")


@pytest.mark.parametrize(
    ("clause", "kind", "gap"),
    [
        ("followed by purchased", "followed", None),
        ("followed by purchased within 3d", "followed", ir.Shift(micros=3 * DAY)),
        ("not followed by purchased", "not_followed", None),
        ("not followed by purchased within 1mo", "not_followed", ir.Shift(months=1)),
        ("within 3d of purchased", "follows", ir.Shift(micros=3 * DAY)),
    ],
)
def test_a_sequence_clause_filters_the_first_event(clause: str, kind: str, gap: ir.Shift | None) -> None:
    (follow,) = shop.read(f"viewed {clause}").events.follows
    assert follow == ir.Follow(kind, ir.Events(("purchased",)), gap, (), shop.ZONE)  # type: ignore[arg-type]


def test_the_second_event_has_its_own_clauses() -> None:
    line = "visited followed by (cart_added where amount > 3 not followed by purchased within 3d) within 1d"
    (follow,) = shop.read(line).events.follows
    assert follow.gap == ir.Shift(micros=DAY)
    assert follow.other.where == ir.Compare(">", ir.Property("amount", "number"), ir.Constant("number", 3.0))
    assert [f.kind for f in follow.other.follows] == ["not_followed"]


def test_several_sequence_clauses_filter_the_same_event() -> None:
    line = "viewed followed by cart_added with same product"
    line += " not followed by purchased within 2d with same (product, category)"
    first, second = shop.read(line).events.follows
    assert (first.kind, first.same) == ("followed", ("product",))
    assert (second.kind, second.same) == ("not_followed", ("product", "category"))


@pytest.mark.parametrize(
    ("zone", "text", "expected"),
    [
        ("Europe/Berlin", "2026-03-29T02:30", "2026-03-29T01:00:00+00:00"),  # skipped: the first later instant
        ("Europe/Berlin", "2026-10-25T02:30", "2026-10-25T00:30:00+00:00"),  # shown twice: the first
        ("America/New_York", "2026-03-08T02:00", "2026-03-08T07:00:00+00:00"),
        ("America/Santiago", "2025-09-07", "2025-09-07T04:00:00+00:00"),  # midnight is skipped
    ],
)
def test_local_times_at_clock_changes(zone: str, text: str, expected: str) -> None:
    import datetime as dt

    from dangol.engine.check import check, check_expression

    one = shop.written(f"purchased since {text}", "expression")
    node, found = check_expression(one.tree, one.line, zone, check(shop.CATALOG))
    assert not found
    assert isinstance(node, ir.Matches)
    assert node.events.window is not None
    assert node.events.window.low is not None
    assert node.events.window.low.point.micros == dt.datetime.fromisoformat(expected).timestamp() * 1_000_000
