"""The words that random lines use and the small random worlds that they are asked of."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from dangol.engine.catalog import Catalog
from dangol.grammar import ast
from tests.oracle.clock import day_start, step
from tests.oracle.world import Event, World, instant, typed

ATTRIBUTES = {
    "age": "number",
    "city": "text",
    "vip": "boolean",
    "joined": "instant",
    "born": "date",
    "app": "version",
    "tags": "list",
}
EVENTS: dict[str, dict[str, str]] = {
    "visited": {"product": "text", "amount": "number", "city": "text"},
    "cart": {"product": "text", "amount": "number", "gift": "boolean", "due": "date", "seen": "instant"},
    "bought": {"product": "text", "amount": "number", "gift": "boolean", "version": "version", "labels": "list"},
}
GROUPS = {"active": ("visited", "cart")}
LISTS = {"staff": frozenset({"c1", "c3", "stranger"})}

PRESENT = {  # local instants that clocks and calendars make interesting
    "UTC": ["2026-03-31T12:00", "2028-02-29T00:00"],
    "Europe/Berlin": ["2026-03-29T12:00", "2026-03-29T03:00", "2026-10-26T00:00", "2026-04-29T02:30"],
    "America/Havana": ["2026-03-08T12:00", "2026-11-01T12:00"],
    "America/New_York": ["2026-03-08T12:00", "2026-11-01T12:00", "2026-12-01T01:30"],
    "Asia/Seoul": ["2026-03-01T00:00", "2026-07-15T10:00"],
}
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "number": st.sampled_from([0, 1, 2, 3, 10, 0.5, 2.5, -1, 0.1, 0.2, 19.99]),
    "text": st.sampled_from(["a", "a", "b", "b", "", "가"]),
    "boolean": st.booleans(),
    "version": st.sampled_from(["1", "1.0.0", "1.2", "1.10", "2.0.1"]),
    "list": st.sampled_from([[], ["a"], ["a", "b"], [""]]),
}


def group_properties(event: str) -> dict[str, str]:
    """The properties of an event or a group."""
    return {name: kind for member in GROUPS.get(event, (event,)) for name, kind in EVENTS[member].items()}


@dataclass(frozen=True)
class Sample:
    """Random data in both forms."""

    zone_name: str
    at: dt.datetime
    customers: list[dict[str, Any]] | None
    events: list[dict[str, Any]]

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.zone_name)

    @property
    def catalog(self) -> Catalog:
        return Catalog(
            ATTRIBUTES if self.customers is not None else {},  # type: ignore[arg-type]
            EVENTS,  # type: ignore[arg-type]
            GROUPS,
            frozenset(LISTS),
            self.customers is not None,
        )

    def world(self, segments: dict[str, Any], traits: dict[str, Any]) -> World:
        customers = None
        if self.customers is not None:
            customers = {row["id"]: self.row(row, ATTRIBUTES) for row in self.customers}
        events = [Event(e["customer"], e["event"], e["time"], self.row(e, EVENTS[e["event"]])) for e in self.events]
        known = ATTRIBUTES if customers is not None else {}
        return World(self.zone, customers, tuple(events), known, EVENTS, GROUPS, LISTS, segments, traits)

    def row(self, row: dict[str, Any], types: dict[str, str]) -> dict[str, Any]:
        return {name: typed(row.get(name), kind, self.zone) for name, kind in types.items()}


@st.composite
def times(draw: st.DrawFn, at: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    """An instant near `at`: whole days before it, the start of a local day, a month before it, and their neighbours."""
    days = draw(st.sampled_from([0, 1, 1, 2, 2, 3, 3, 7, 30, 60, -1, -7]))
    then = at - dt.timedelta(days=days)
    match draw(st.integers(0, 7)):
        case 0:
            then = day_start(then.astimezone(zone).date(), zone)
        case 1:
            then = step(at, ast.Duration(Fraction(draw(st.sampled_from([1, 2, 12]))), "mo"), -1, zone)
        case 2:
            then -= dt.timedelta(hours=12)
    return then + dt.timedelta(microseconds=draw(st.sampled_from([0, 0, 0, 0, 0, 0, 1, -1])))


@st.composite
def values(draw: st.DrawFn, kind: str, at: dt.datetime, zone: ZoneInfo) -> Any:
    if kind == "instant":
        return draw(times(at, zone))
    if kind == "date":
        leap = st.just(dt.date(2000, 2, 29))
        return draw(st.one_of(times(at, zone).map(lambda t: t.astimezone(zone).date()), leap))
    return draw(VALUES[kind])


@st.composite
def rows(draw: st.DrawFn, types: dict[str, str], at: dt.datetime, zone: ZoneInfo) -> dict[str, Any]:
    """A row in which every value is missing now and then."""
    present = {name: kind for name, kind in types.items() if draw(st.integers(0, 3))}
    return {name: draw(values(kind, at, zone)) for name, kind in present.items()}


@st.composite
def samples(draw: st.DrawFn) -> Sample:
    zone_name = draw(st.sampled_from(sorted(PRESENT)))
    zone = ZoneInfo(zone_name)
    at = instant(draw(st.sampled_from(PRESENT[zone_name])), zone)
    ids = [f"c{number}" for number in range(draw(st.sampled_from([0, 1, 1, 2, 2, 3, 4, 6])))]
    customers = None
    if draw(st.integers(0, 3)):
        customers = [{"id": name, **draw(rows(ATTRIBUTES, at, zone))} for name in ids]
    who = st.sampled_from([*ids, *ids, "stranger"])
    palette = st.sampled_from(draw(st.lists(times(at, zone), min_size=1, max_size=5)))
    events = []
    for _ in range(draw(st.integers(0, 16))):
        name = draw(st.sampled_from(sorted(EVENTS)))
        row = draw(rows(EVENTS[name], at, zone))
        events.append({"customer": draw(who), "event": name, "time": draw(palette), **row})
    return Sample(zone_name, at, customers, events)
