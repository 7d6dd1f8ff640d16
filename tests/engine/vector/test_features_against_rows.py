"""Every aggregate, window and sequence against a plain reading of the rows, over data full of equal times."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dangol.engine import ir
from dangol.engine.backends.vector.words import version_key
from dangol.engine.calendar import DAY, day_of, resolve, step
from tests.engine.vector.shop import (
    AT,
    CATALOG,
    ROWS,
    ZONE,
    Row,
    aggregate,
    at,
    events,
    follow,
    members,
    state_of,
    values,
)

EDGES = st.one_of(st.none(), st.builds(ir.Edge, st.sampled_from([-3.5, -3, -2, -1, 0]).map(at), st.booleans()))
WINDOWS = st.one_of(st.none(), st.builds(ir.Window, EDGES, EDGES))
NAMES = st.sampled_from([("viewed",), ("purchased",), ("visited",), ("viewed", "purchased"), ("purchased", "visited")])
GAPS = st.sampled_from([None, 0, 0.5, 1, 2, ir.Shift(months=1), ir.Shift(days=1)])
SAMES = st.sampled_from([(), ("product",), ("product", "amount"), ("app",)])
WHERES = st.sampled_from(
    [
        None,
        ir.Compare("=", ir.Property("product", "text"), ir.Constant("text", "a")),
        ir.IsMissing(ir.Property("amount", "number")),
    ]
)


@st.composite
def phrases(draw: st.DrawFn, depth: int = 2) -> ir.Events:
    follows = ()
    if depth and draw(st.booleans()):
        kinds = st.sampled_from(["followed", "not_followed", "follows"])
        follow_ = st.builds(follow, kinds, phrases(depth - 1), GAPS, SAMES)
        follows = tuple(draw(st.lists(follow_, min_size=1, max_size=2)))
    return ir.Events(draw(NAMES), draw(WINDOWS), draw(WHERES), follows)


def matching(phrase: ir.Events, rows: list[Row], now: int) -> list[Row]:
    """The rows of one customer that match, as the language says it."""
    return [row for row in rows if row["event"] in phrase.names and _matches(phrase, row, rows, now)]


def _matches(phrase: ir.Events, row: Row, rows: list[Row], now: int) -> bool:
    low = phrase.window.low if phrase.window else None
    high = phrase.window.high if phrase.window else None
    time = row["time"]
    if time > now or (low and not time >= resolve(low.point, now) + low.open):
        return False
    if high and not (time < resolve(high.point, now) or (time == resolve(high.point, now) and not high.open)):
        return False
    if isinstance(phrase.where, ir.Compare) and row.get("product") != "a":
        return False
    if isinstance(phrase.where, ir.IsMissing) and row.get("amount") is not None:
        return False
    return all(_linked(each, row, rows, now) for each in phrase.follows)


def _linked(link: ir.Follow, row: Row, rows: list[Row], now: int) -> bool:
    others = matching(link.other, rows, now)
    if link.kind == "follows":
        return any(_later(row, other) and _near(link, other, row) for other in others)
    return any(_later(other, row) and _near(link, row, other) for other in others) == (link.kind == "followed")


def _later(second: Row, first: Row) -> bool:
    return second["time"] > first["time"] or (second["time"] == first["time"] and second["event"] != first["event"])


def _near(link: ir.Follow, first: Row, second: Row) -> bool:
    if link.gap is not None and second["time"] > step(first["time"], link.gap, link.zone):
        return False
    return all(_key(first, prop) is not None and _key(first, prop) == _key(second, prop) for prop in link.same)


def _key(row: Row, prop: str) -> Any:
    value = row.get(prop)
    return version_key(value) if prop == "app" and value is not None else value


def expected(function: str, prop: str | None, rows: list[Row]) -> Any:
    if prop is not None and function in ("first", "last"):
        end = (max if function == "last" else min)((row["time"] for row in rows), default=None)
        there = [row[prop] for row in rows if row["time"] == end and row.get(prop) is not None]
        return max(there, key=lambda each: _key({prop: each}, prop), default=None)
    there = [row for row in rows if prop is None or row.get(prop) is not None]
    found = [row[prop] for row in there] if prop else []
    times = sorted(row["time"] for row in there)
    exact = [Fraction(str(each)) for each in found] if prop == "amount" else []
    match function:
        case "count":
            return len(there)
        case "active_days":
            return len({day_of(time, ZONE) for time in times})
        case "first" | "last":
            return (times[0] if function == "first" else times[-1]) if times else None
        case "gap":
            return float(Fraction(times[-1] - times[0], (len(times) - 1) * DAY)) if len(times) > 1 else None
        case "sum":
            return float(sum(exact))
        case "avg":
            return float(sum(exact) / len(exact)) if exact else None
        case "min" | "max":
            return (min if function == "min" else max)(found, default=None)
        case "distinct":
            return len({_key(row, prop) for row in there})  # type: ignore[arg-type]
        case _:
            return _most_frequent(there, prop or "")


def _most_frequent(rows: list[Row], prop: str) -> Any:
    def weight(value: Any) -> Any:
        same = [row for row in rows if row[prop] == value]
        return len(same), max(row["time"] for row in same), value

    return max({row[prop] for row in rows}, key=weight, default=None)


LEAVES = [
    *((function, None, "number") for function in ("count", "active_days", "gap")),
    *((function, None, "instant") for function in ("first", "last")),
    *((function, "amount", "number") for function in ("sum", "avg", "min", "max", "distinct", "first", "last", "most")),
    *((function, "product", "text") for function in ("first", "last", "most")),
    ("distinct", "product", "number"),
    ("distinct", "app", "number"),
]


def by_customer(rows: list[Row], customer: str) -> list[Row]:
    return [row for row in rows if row["customer"] == customer]


@settings(max_examples=150, deadline=None)
@given(ROWS, phrases(), st.sampled_from([0, -DAY, -DAY // 2 - 1]), st.sampled_from([None, 0, 2, 99]))
def test_existence_and_counts(rows: list[Row], phrase: ir.Events, back: int, kept: int | None) -> None:
    state, now = state_of(rows, kept=kept), AT + back
    number = {name: len(matching(phrase, by_customer(rows, name), now)) for name in ("ann", "bob", "cho")}
    assert members(state, ir.Matches(phrase), now) == {name for name, n in number.items() if n}
    assert members(state, ir.Matches(phrase, 0, 0), now) == {name for name, n in number.items() if not n}
    assert members(state, ir.Matches(phrase, 2, 3), now) == {name for name, n in number.items() if 2 <= n <= 3}


@settings(max_examples=150, deadline=None)
@given(
    ROWS,
    phrases(1),
    st.sampled_from(LEAVES),
    st.sampled_from([0, -DAY, -DAY // 2 - 1]),
    st.sampled_from([None, 0, 2, 99]),
)
def test_aggregates(
    rows: list[Row], phrase: ir.Events, leaf: tuple[str, str | None, str], back: int, kept: int | None
) -> None:
    state, now = state_of(rows, kept=kept), AT + back
    function, prop, kind = leaf
    found = values(state, aggregate(function, phrase, prop, kind), now)
    for name in ("ann", "bob", "cho"):
        assert found[name] == expected(function, prop, matching(phrase, by_customer(rows, name), now)), name
    assert found.get("zoe") is None


@pytest.mark.parametrize(
    "function", ["count", "sum", "avg", "min", "max", "distinct", "active_days", "gap", "first", "last", "most"]
)
def test_without_any_event(function: str) -> None:
    nothing = values(state_of([]), aggregate(function, events("purchased"), "amount"))
    zero = function in ("count", "sum", "distinct", "active_days")
    assert set(nothing.values()) == ({0} if zero else {None})
    assert CATALOG.events["visited"] == {}
