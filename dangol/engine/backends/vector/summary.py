"""Last and first times, counts and existence per customer, from kept summaries and as few rows as possible."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from dangol.engine.backends.vector import selection
from dangol.engine.features import Phrase
from dangol.engine.state.model import NO_INSTANT, EventTable, Mask, Micros, Summary

if TYPE_CHECKING:
    from dangol.engine.backends.vector.evaluation import Evaluation

Counts = NDArray[np.int32]


def last_times(world: Evaluation, phrase: Phrase) -> Micros:
    """The time of the last matching event of one name, NO_INSTANT without."""
    found: Micros = world.memo.get(("last", phrase.key), lambda: _last(world, phrase))
    return found


def first_times(world: Evaluation, phrase: Phrase) -> Micros:
    """The time of the first matching event of one name, NO_INSTANT without."""
    found: Micros = world.memo.get(("first", phrase.key), lambda: _first(world, phrase))
    return found


def counts(world: Evaluation, phrase: Phrase) -> Counts:
    """The number of matching events of one name."""
    found: Counts = world.memo.get(("count", phrase.key), lambda: _count(world, phrase))
    return found


def exists(world: Evaluation, phrase: Phrase) -> Mask:
    """Whether any event matches, of any of the phrase's names."""
    found = np.zeros(world.state.size, np.bool_)
    for name in phrase.names:
        if name in world.state.events:
            _mark(world, world.plan.single(phrase, name), found)
    return found


def _kept(world: Evaluation, phrase: Phrase) -> tuple[EventTable, Summary | None, int, int]:
    table = world.state.events[phrase.names[0]]
    low, high = selection.bounds(table, phrase.low, phrase.high)
    return table, table.summary if phrase.plain else None, low, high


def _last(world: Evaluation, phrase: Phrase) -> Micros:
    table, summary, low, high = _kept(world, phrase)
    if summary is None or high < summary.rows:
        rows = selection.select(world, phrase)[0]
        return _written(world.state.size, rows.customer, rows.time)
    found = summary.last
    if high > summary.rows:
        found = found.copy()
        found[table.customer[summary.rows : high]] = table.time[summary.rows : high]
    return np.where(found >= phrase.low, found, NO_INSTANT) if low > 0 else found


def _first(world: Evaluation, phrase: Phrase) -> Micros:
    table, summary, low, high = _kept(world, phrase)
    if summary is None or low > 0:
        rows = selection.select(world, phrase)[0]
        return _written(world.state.size, rows.customer[::-1], rows.time[::-1])
    if high <= summary.rows:
        return np.where(summary.first < phrase.high, summary.first, NO_INSTANT)
    tail = slice(summary.rows, high)
    later = _written(world.state.size, table.customer[tail][::-1], table.time[tail][::-1])
    return np.where(summary.first == NO_INSTANT, later, summary.first)


def _written(size: int, customer: NDArray[np.int32], time: Micros) -> Micros:
    """Of several writes to one customer the last one stays."""
    found = np.full(size, NO_INSTANT, np.int64)
    found[customer] = time
    return found


def _count(world: Evaluation, phrase: Phrase) -> Counts:
    size = world.state.size
    table, summary, low, high = _kept(world, phrase)
    outside = low + max(0, summary.rows - high) if summary else 0
    if summary is None or outside >= high - low:
        rows = selection.select(world, phrase)[0]
        return counted(rows.customer, size)
    found = summary.count.astype(np.int32)
    for part, sign in ((slice(low), -1), (slice(high, summary.rows), -1), (slice(summary.rows, high), 1)):
        customer = table.customer[part]
        if len(customer):
            found += sign * counted(customer, size)
    return found


def counted(customer: NDArray[np.int32], size: int) -> Counts:
    """How often each code stands in the array."""
    return cast(Counts, np.bincount(customer, minlength=size).astype(np.int32))


def _mark(world: Evaluation, phrase: Phrase, found: Mask) -> None:
    table, summary, low, high = _kept(world, phrase)
    if summary is not None and high >= summary.rows and low < summary.rows:
        found |= summary.last >= phrase.low
        found[table.customer[summary.rows : high]] = True
    elif summary is not None and low == 0 and high <= summary.rows:
        found |= (summary.first < phrase.high) & (summary.first != NO_INSTANT)
    else:
        found[selection.select(world, phrase)[0].customer] = True
