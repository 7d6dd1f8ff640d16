"""Small states with many coincidences, and short ways to write the IR."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from dangol.engine import ir
from dangol.engine.backends.vector import Evaluation
from dangol.engine.calendar import DAY
from dangol.engine.catalog import Catalog
from dangol.engine.state.model import NO_INSTANT, State, Summary
from dangol.engine.state.rows import state_from_rows

ZONE = "Europe/Berlin"
CATALOG = Catalog(
    attributes={"country": "text", "birthday": "date", "app": "version", "joined": "instant", "score": "number"},
    events={
        "viewed": {"product": "text", "amount": "number"},
        "purchased": {"product": "text", "amount": "number", "app": "version"},
        "visited": {},
    },
)
AT = 20_000 * DAY
HALF = DAY // 2

Row = dict[str, Any]
PROPERTIES = {
    "product": st.sampled_from([None, "a", "b", ""]),
    "amount": st.sampled_from([None, 0.1, 0.2, 0.3, 0.0, -5.0]),
    "app": st.sampled_from([None, "1.0", "1", "1.10", "1.9"]),
}
TIMES = st.integers(-8, 2).map(lambda half: AT + half * HALF)


def rows_of(name: str) -> st.SearchStrategy[Row]:
    properties = {prop: PROPERTIES[prop] for prop in CATALOG.events[name]}
    customers = st.sampled_from(["ann", "bob", "cho", "zoe"])
    return st.fixed_dictionaries({"customer": customers, "event": st.just(name), "time": TIMES, **properties})


ROWS = st.lists(st.sampled_from(list(CATALOG.events)).flatmap(rows_of), max_size=24)


def state_of(rows: list[Row], customers: bool = True, kept: int | None = None) -> State:
    """ann, bob and cho are customers, zoe is not; with `kept`, summaries over that many rows of each table."""
    table = [{"id": name} for name in ("cho", "ann", "bob")]
    state = state_from_rows(table if customers else None, rows, CATALOG)
    return state if kept is None else summarised(state, kept)


def summarised(state: State, kept: int) -> State:
    """The state with summaries over at most `kept` rows of each table."""
    tables = {}
    for name, table in state.events.items():
        rows = min(kept, len(table.time))
        last, first = np.full(state.size, NO_INSTANT), np.full(state.size, NO_INSTANT)
        last[table.customer[:rows]] = table.time[:rows]
        first[table.customer[:rows][::-1]] = table.time[:rows][::-1]
        count = np.bincount(table.customer[:rows], minlength=state.size).astype(np.int32)
        tables[name] = replace(table, summary=Summary(rows, last, first, count))
    return replace(state, events=tables)


def at(days: float = 0.0) -> ir.Point:
    return ir.Point("at", ZONE, ir.Shift(micros=int(days * DAY)))


def window(low: float | None, high: float | None, *, low_open: bool = False, high_open: bool = False) -> ir.Window:
    return ir.Window(
        None if low is None else ir.Edge(at(low), low_open), None if high is None else ir.Edge(at(high), high_open)
    )


def events(*names: str, **more: Any) -> ir.Events:
    return ir.Events(names, **more)


def aggregate(function: Any, phrase: ir.Events, prop: str | None = None, kind: Any = "number") -> ir.Aggregate:
    return ir.Aggregate(function, phrase, prop, kind, ZONE)


def follow(kind: Any, other: ir.Events, gap: float | ir.Shift | None = None, same: tuple[str, ...] = ()) -> ir.Follow:
    shift = ir.Shift(micros=int(gap * DAY)) if isinstance(gap, int | float) else gap
    return ir.Follow(kind, other, shift, same, ZONE)


def text(value: str) -> ir.Constant:
    return ir.Constant("text", value)


def number(value: float) -> ir.Constant:
    return ir.Constant("number", float(value))


def members(state: State, condition: ir.Condition, now: int = AT, program: ir.Program | None = None) -> set[str]:
    mask = Evaluation(program or ir.Program(), state, now).members(condition)
    return {state.ids[code] for code in np.flatnonzero(mask)}


def values(state: State, value: ir.Value, now: int = AT, program: ir.Program | None = None) -> Mapping[str, Any]:
    """The value of each id as a plain object, None where it is missing."""
    return plain(state, Evaluation(program or ir.Program(), state, now).values(value))


def plain(state: State, column: Any) -> Mapping[str, Any]:
    found: dict[str, Any] = {}
    for code, value in enumerate(column.data.tolist()):
        if column.type == "number":
            found[state.ids[code]] = None if value != value else value
        elif column.type in ("instant", "date"):
            found[state.ids[code]] = None if value == np.iinfo(column.data.dtype).min else value
        elif column.type == "boolean":
            found[state.ids[code]] = None if value < 0 else bool(value)
        else:
            found[state.ids[code]] = None if value < 0 else column.vocabulary[value]
    return found
