"""The data of the oracle: plain rows, one customer at a time, with exact values.

Missing is None, a number is a Fraction, an instant is an aware datetime in UTC, a list is a tuple of texts.
"""

from __future__ import annotations

import datetime as dt
import functools
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from zoneinfo import ZoneInfo

from dangol.grammar import ast


@functools.total_ordering
class Version:
    """A dotted number; parts that are not written are 0, so 2.1 equals 2.1.0."""

    def __init__(self, text: str) -> None:
        parts = [int(part) for part in text.split(".")]
        while parts and parts[-1] == 0:
            parts.pop()
        self.parts = tuple(parts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Version) and self.parts == other.parts

    def __lt__(self, other: Version) -> bool:
        return self.parts < other.parts

    def __hash__(self) -> int:
        return hash(self.parts)

    def __repr__(self) -> str:
        return "v" + ".".join(map(str, self.parts))


Value = Fraction | str | bool | dt.datetime | dt.date | Version | tuple[str, ...] | None
Row = Mapping[str, Value]


@dataclass(frozen=True)
class Event:
    """One row of the events: what one customer did at one instant."""

    customer: str
    name: str
    time: dt.datetime
    properties: Row = field(default_factory=dict)


@dataclass(frozen=True)
class World:
    """Everything that an answer depends on besides the line and the instant.

    `customers` maps ids to attributes, or is None when there is no customers table. `attributes` and `events_known`
    are the names of the catalog: attribute → type, event → property → type.
    """

    zone: ZoneInfo
    customers: Mapping[str, Row] | None
    events: tuple[Event, ...]
    attributes: Mapping[str, str] = field(default_factory=dict)
    events_known: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    lists: Mapping[str, frozenset[str]] = field(default_factory=dict)
    segments: Mapping[str, ast.Expr] = field(default_factory=dict)
    traits: Mapping[str, ast.Expr] = field(default_factory=dict)

    def is_event(self, name: str) -> bool:
        return name in self.events_known or name in self.groups

    def event_names(self, name: str) -> tuple[str, ...]:
        """The events that an event or an event group stands for."""
        return self.groups.get(name, (name,))

    def in_reach(self, name: str, event: Event) -> Row:
        """The properties that a phrase about `name` may use, with this event's values."""
        known = [prop for member in self.event_names(name) for prop in self.events_known[member]]
        return {prop: event.properties.get(prop) for prop in known}


def typed(raw: object, kind: str, zone: ZoneInfo) -> Value:
    """A value as it stands in a file of cases, as a value of the language."""
    if raw is None:
        return None
    if kind == "number":
        return Fraction(str(raw))
    if kind == "text":
        return unicodedata.normalize("NFC", str(raw))
    if kind == "boolean":
        return bool(raw)
    if kind == "date":
        return raw if isinstance(raw, dt.date) else dt.date.fromisoformat(str(raw))
    if kind == "instant":
        return instant(raw, zone)
    if kind == "version":
        return Version(str(raw))
    if kind == "list":
        assert isinstance(raw, list | tuple)
        return tuple(unicodedata.normalize("NFC", item) for item in raw)
    raise ValueError(f"no such type: {kind}")


def instant(raw: object, zone: ZoneInfo) -> dt.datetime:
    """An instant in UTC; without an offset it is local."""
    from tests.oracle.clock import first_instant

    written = raw if isinstance(raw, dt.datetime) else dt.datetime.fromisoformat(str(raw))
    return first_instant(written, zone) if written.tzinfo is None else written.astimezone(dt.UTC)
