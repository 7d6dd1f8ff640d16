"""The rows of an event table that match a phrase: a slice of time, a filter met once per row, sequences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dangol.engine import ir
from dangol.engine.backends.vector.columns import take
from dangol.engine.backends.vector.sequence import kept
from dangol.engine.features import Link, Phrase, high_bound, low_bound
from dangol.engine.state.model import Codes, Column, EventTable, Mask, Micros

if TYPE_CHECKING:
    from dangol.engine.backends.vector.evaluation import Evaluation


@dataclass(frozen=True)
class Rows:
    """Some rows of one event's table, in time order, with their customers."""

    name: str
    table: EventTable
    index: slice | NDArray[np.int64]
    customer: Codes

    def __len__(self) -> int:
        return len(self.customer)

    @property
    def time(self) -> Micros:
        return self.table.time[self.index]

    @property
    def places(self) -> NDArray[np.int64]:
        """The positions of the rows in their table."""
        return np.arange(self.index.start, self.index.stop) if isinstance(self.index, slice) else self.index

    def column(self, name: str) -> Column | None:
        """A property of the rows; None when the event has no such property."""
        column = self.table.properties.get(name)
        return None if column is None else take(column, self.index)

    def part(self, low: int, high: int) -> Rows:
        """The rows whose position in their table is from low up to high, without it."""
        if isinstance(self.index, slice):
            return whole(self.name, self.table, max(low, self.index.start), min(high, self.index.stop))
        start, stop = np.searchsorted(self.index, (low, high))
        return Rows(self.name, self.table, self.index[start:stop], self.customer[start:stop])

    def sift(self, mask: Mask) -> Rows:
        """The rows under the mask."""
        chosen = np.flatnonzero(mask)
        if len(chosen) == len(self):
            return self
        index = chosen + self.index.start if isinstance(self.index, slice) else self.index[chosen]
        return Rows(self.name, self.table, index, self.customer[chosen])


def whole(name: str, table: EventTable, low: int, high: int) -> Rows:
    """All rows from position low up to high, without it."""
    return Rows(name, table, slice(low, max(low, high)), table.customer[low : max(low, high)])


def bounds(table: EventTable, low: int, high: int) -> tuple[int, int]:
    """The positions between which low ≤ t < high."""
    start, stop = np.searchsorted(table.time, (low, high))
    return int(start), int(stop)


def select(world: Evaluation, phrase: Phrase) -> list[Rows]:
    """The matching rows, one entry for each single event that has any table."""
    world.plan.ask(phrase)
    return [_named(world, world.plan.single(phrase, name)) for name in phrase.names if name in world.state.events]


def _named(world: Evaluation, phrase: Phrase) -> Rows:
    if phrase.edges is None and not phrase.links:
        return _filtered(world, phrase)
    rows: Rows = world.memo.get(("rows", phrase.key), lambda: _narrowed(world, phrase))
    return rows


def _narrowed(world: Evaluation, phrase: Phrase) -> Rows:
    rows = _linked(world, phrase) if phrase.links else _filtered(world, phrase)
    return rows if phrase.edges is None else rows.sift(_inside_entry(world, phrase, rows))


def _linked(world: Evaluation, phrase: Phrase) -> Rows:
    """From the rows kept by the links over the widest time that is asked."""
    shared = world.plan.shared(phrase)
    key = ("linked", shared.key, phrase.tied)
    rows: Rows = world.memo.get(key, lambda: _kept(world, _filtered(world, shared), shared, phrase.links))
    return rows.part(*bounds(rows.table, phrase.low, phrase.high))


def _kept(world: Evaluation, rows: Rows, shared: Phrase, links: tuple[Link, ...]) -> Rows:
    for link in links:
        other = world.plan.reached(link, shared.low, shared.high)
        rows = rows.sift(kept(world, rows, link, other))
    return rows


def _inside_entry(world: Evaluation, phrase: Phrase, rows: Rows) -> Mask:
    edges, time = phrase.edges or ir.Window(), rows.time
    found = world.entered(phrase.moment)[rows.customer]
    if edges.low:
        found &= time >= low_bound(edges.low, lambda point: world.entry_point(point, phrase.moment))[rows.customer]
    if edges.high:
        found &= time < high_bound(edges.high, lambda point: world.entry_point(point, phrase.moment))[rows.customer]
    return found


def _filtered(world: Evaluation, phrase: Phrase) -> Rows:
    name = phrase.names[0]
    table = world.state.events[name]
    low, high = bounds(table, phrase.low, phrase.high)
    if phrase.filter is None or low == high:
        return whole(name, table, low, high)
    key = ("where", name, phrase.filter)
    known: tuple[int, int, Rows] = world.memo.get(key, lambda: _where(world, phrase, name))
    if low < known[0] or high > known[1]:
        world.memo.put(key, known := _where(world, phrase, name))
    return known[2].part(low, high)


def _where(world: Evaluation, phrase: Phrase, name: str) -> tuple[int, int, Rows]:
    """The filter over all rows that any phrase of the plan asks about."""
    table = world.state.events[name]
    assert phrase.filter is not None
    low, high = bounds(table, *world.plan.ranges[name, phrase.filter])
    rows = whole(name, table, low, high)
    assert phrase.where is not None
    return low, high, rows.sift(as_rows(world.row_condition(phrase.where, phrase.moment, rows), len(rows)))


def as_rows(mask: Any, size: int) -> Mask:
    """A mask with one entry per row, from one that may hold for all rows."""
    return np.broadcast_to(mask, (size,)) if np.ndim(mask) == 0 else mask
