"""One customer's events for a phrase: which matched, which did not and why, and which other event decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from dangol.engine import ir
from dangol.engine.backends.vector import Evaluation
from dangol.engine.backends.vector.selection import Rows, select
from dangol.engine.calendar import step
from dangol.engine.features import Moment
from dangol.engine.state.model import NO_DATE, NO_INSTANT, Column

Reason = Literal["matched", "time", "where", "sequence"]


@dataclass(frozen=True)
class Datum:
    """A value of a customer or event: number float, text and version str, list of text, boolean, instant µs, date days.

    `value` is None where it is missing.
    """

    type: ir.Type
    value: float | str | bool | int | tuple[str, ...] | None

    @classmethod
    def of(cls, column: Column, row: int) -> Datum:
        """The value in a row of a column (of any row, when the column has a single one)."""
        data = column.data if column.data.ndim == 0 else column.data[row]
        return cls(column.type, _plain(column, data.item()))


def _plain(column: Column, found: float) -> float | str | bool | int | tuple[str, ...] | None:
    match column.type:
        case "number":
            return None if found != found else float(found)
        case "instant":
            return None if found == NO_INSTANT else int(found)
        case "date":
            return None if found == NO_DATE else int(found)
        case "boolean":
            return None if found < 0 else bool(found)
    if found < 0 or column.vocabulary is None:
        return None
    word: str | tuple[str, ...] = column.vocabulary[int(found)]
    return word


@dataclass(frozen=True)
class Decision:
    """A sequence clause at work: the other event it found, or None when there was none."""

    follow: ir.Follow
    other: Sighting | None

    @property
    def holds(self) -> bool:
        return (self.other is not None) != (self.follow.kind == "not_followed")


@dataclass(frozen=True)
class Sighting:
    """An event (its name, time in µs, properties), where it stands, and why it does or does not match."""

    name: str
    time: int
    row: int
    properties: Mapping[str, Datum] = field(compare=False)
    reason: Reason = "matched"
    decisions: tuple[Decision, ...] = ()

    @property
    def key(self) -> tuple[str, int]:
        return self.name, self.row


class Sightings:
    """The events of one customer (a code) as they are seen from a moment."""

    def __init__(self, evaluation: Evaluation, moment: Moment, code: int) -> None:
        self.evaluation, self.moment, self.code = evaluation, moment, code

    def of(self, events: ir.Events) -> list[Sighting]:
        """Those that match, in time order."""
        phrase = self.evaluation.plan.phrase(events, self.moment)
        found = [seen for rows in select(self.evaluation, phrase) for seen in self._mine(rows)]
        return sorted(found, key=lambda seen: (seen.time, seen.name, seen.row))

    def _mine(self, rows: Rows) -> list[Sighting]:
        places = rows.places[np.flatnonzero(rows.customer == self.code)].tolist()
        table = rows.table
        return [
            Sighting(rows.name, int(table.time[row]), row, {n: Datum.of(c, row) for n, c in table.properties.items()})
            for row in places
        ]

    def left_out(self, events: ir.Events) -> list[Sighting]:
        """The others of the same names, in time order, each with the first thing that it fails."""
        within = replace(events, where=None, follows=())
        stages: list[tuple[Reason, ir.Events]] = [
            ("time", within),
            ("where", replace(events, follows=())),
            ("sequence", events),
        ]
        passed = [(reason, {seen.key for seen in self.of(stage)}) for reason, stage in stages]
        everything = self.of(replace(within, window=None))
        failed = ((seen, next((r for r, keys in passed if seen.key not in keys), None)) for seen in everything)
        return [replace(seen, reason=reason) for seen, reason in failed if reason is not None]

    def told(self, events: ir.Events, seen: Sighting) -> Sighting:
        """The event with the other events that decided: what followed it, or what did not."""
        if seen.reason not in ("matched", "sequence"):
            return seen
        found = [Decision(follow, self._other(seen, follow)) for follow in events.follows]
        telling = (d for d in found if (d.other is not None if seen.reason == "matched" else not d.holds))
        return replace(seen, decisions=tuple(telling))

    def _other(self, seen: Sighting, follow: ir.Follow) -> Sighting | None:
        """The nearest event that stands to this one as the clause says."""
        fitting = [other for other in self.of(follow.other) if _related(seen, other, follow)]
        if not fitting:
            return None
        return fitting[-1] if follow.kind == "follows" else fitting[0]


def _related(seen: Sighting, other: Sighting, follow: ir.Follow) -> bool:
    first, second = (other, seen) if follow.kind == "follows" else (seen, other)
    later = second.time > first.time or (second.time == first.time and second.name != first.name)
    near = follow.gap is None or second.time <= step(first.time, follow.gap, follow.zone)
    return later and near and all(_agree(first, second, name) for name in follow.same)


def _agree(first: Sighting, second: Sighting, name: str) -> bool:
    one, other = first.properties.get(name), second.properties.get(name)
    if one is None or other is None or one.value is None or other.value is None:
        return False
    return _comparable(one) == _comparable(other)


def _comparable(datum: Datum) -> object:
    if datum.type != "version" or not isinstance(datum.value, str):
        return datum.value
    parts = [int(part) for part in datum.value.split(".")]
    while parts and parts[-1] == 0:
        parts.pop()
    return tuple(parts)
