"""One value of each customer's matching events: the aggregate functions of the language."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dangol.engine.backends.vector import summary
from dangol.engine.backends.vector.columns import (
    DTYPE,
    MISSING,
    absent,
    complete,
    identities,
    joined,
    missing,
    ranks,
    take,
)
from dangol.engine.backends.vector.grouping import best, firsts, order_of, packed
from dangol.engine.backends.vector.selection import Rows, select
from dangol.engine.backends.vector.zone import zone_over
from dangol.engine.calendar import DAY
from dangol.engine.features import Feature
from dangol.engine.state.model import NO_INSTANT, Codes, Column, Mask, Micros

if TYPE_CHECKING:
    from dangol.engine.backends.vector.evaluation import Evaluation

Floats = NDArray[np.float64]
_BOXES = 1 << 26
_CHUNK = 1 << 20
_WHOLE = 2.0**53
_Kinds = Callable[["Evaluation", Feature], tuple[NDArray[Any], Codes, Micros]]


def computed(world: Evaluation, feature: Feature) -> Mask | Column:
    """The feature of every customer: a mask for `exists`, else a column."""
    if feature.function == "exists":
        return summary.exists(world, feature.phrase)
    if feature.property is not None and feature.function in ("first", "last"):
        return _at_end(world, feature)
    return _FUNCTIONS[feature.function](world, feature)


# --- of the events themselves -----------------------------------------------------------------------------------


def _count(world: Evaluation, feature: Feature) -> Column:
    if feature.property is not None:
        return Column("number", summary.counted(_present(world, feature)[1], world.state.size))
    return Column("number", _counts(world, feature))


def _counts(world: Evaluation, feature: Feature) -> NDArray[np.int32]:
    names = [name for name in feature.phrase.names if name in world.state.events]
    found = [summary.counts(world, world.plan.single(feature.phrase, name)) for name in names]
    return sum(found[1:], found[0]) if found else np.zeros(world.state.size, np.int32)


def _last(world: Evaluation, feature: Feature) -> Column:
    return Column("instant", _end(world, feature, "last"))


def _first(world: Evaluation, feature: Feature) -> Column:
    return Column("instant", _end(world, feature, "first"))


def _end(world: Evaluation, feature: Feature, end: str) -> Micros:
    times = summary.last_times if end == "last" else summary.first_times
    found: Micros | None = None
    for name in feature.phrase.names:
        if name in world.state.events:
            more = times(world, world.plan.single(feature.phrase, name))
            found = more if found is None else np.where(_beyond(more, found, end), more, found)
    return np.full(world.state.size, NO_INSTANT, np.int64) if found is None else found


def _beyond(time: Micros, known: Micros, end: str) -> Mask:
    found: Mask = time > known if end == "last" else (time < known) & (time != NO_INSTANT)
    found |= known == NO_INSTANT
    return found


def _gap(world: Evaluation, feature: Feature) -> Column:
    number = _counts(world, feature)
    span = _end(world, feature, "last") - _end(world, feature, "first")
    with np.errstate(all="ignore"):
        days = span / ((number - 1).astype(np.int64) * DAY)
    return Column("number", np.where(number >= 2, days, np.nan))


def _active_days(world: Evaluation, feature: Feature) -> Column:
    return _number_of_kinds(world, feature, _days)


def _days(world: Evaluation, feature: Feature) -> tuple[NDArray[Any], Codes, Micros]:
    parts = [rows for rows in select(world, feature.phrase) if len(rows)]
    if not parts:
        return np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0, np.int64)
    times = [rows.time for rows in parts]
    zone = zone_over(feature.zone, min(int(each[0]) for each in times), max(int(each[-1]) for each in times))
    return np.concatenate([zone.days(each) for each in times]), _end_to_end(parts), np.concatenate(times)


def _end_to_end(parts: list[Rows]) -> Codes:
    return parts[0].customer if len(parts) == 1 else np.concatenate([rows.customer for rows in parts])


# --- of a property ----------------------------------------------------------------------------------------------


def _present(world: Evaluation, feature: Feature) -> tuple[Column, Codes]:
    """The values of the property that are there, and whose they are; rows of each name in time order."""
    values, customers = [], []
    for rows in select(world, feature.phrase):
        column = rows.column(feature.property or "")
        if column is not None:
            there: Any = slice(None) if complete(column) else np.flatnonzero(~missing(column))
            values.append(take(column, there))
            customers.append(rows.customer[there])
    if not values:
        return absent(feature.type, 0), np.zeros(0, np.int32)
    return joined(values), customers[0] if len(customers) == 1 else np.concatenate(customers)


def _sum(world: Evaluation, feature: Feature) -> Column:
    total, scale, _ = _summed(world, feature)
    exact = np.abs(total).max(initial=0) < _WHOLE
    return Column("number", total / _unit(scale), scale=scale if exact else None)


def _avg(world: Evaluation, feature: Feature) -> Column:
    total, scale, customer = _summed(world, feature)
    number = np.bincount(customer, minlength=world.state.size)
    with np.errstate(all="ignore"):
        return Column("number", np.where(number > 0, total / (number * _unit(scale)), np.nan))


def _unit(scale: int | None) -> float:
    return 10.0 ** (scale or 0)


def _summed(world: Evaluation, feature: Feature) -> tuple[Floats, int | None, Codes]:
    """The sum in whole numbers of a unit (1 / 10^scale), exact below 2^53 units; with no scale the unit is 1."""
    key = ("sum", feature.phrase.key, feature.property)
    found: tuple[Floats, int | None, Codes] = world.memo.get(
        key, lambda: _added(*_present(world, feature), world.state.size)
    )
    return found


def _added(column: Column, customer: Codes, size: int) -> tuple[Floats, int | None, Codes]:
    whole = column.data * _unit(column.scale) if column.scale else column.data
    if column.scale:
        np.rint(whole, out=whole)
    largest = max(whole.max(initial=0), -whole.min(initial=0))
    if column.scale is None or largest * len(whole) < _WHOLE:
        return _per_customer(customer, whole, size), column.scale, customer
    high = np.floor(whole / 2.0**26)
    low = whole - high * 2.0**26
    return _per_customer(customer, high, size) * 2.0**26 + _per_customer(customer, low, size), column.scale, customer


def _per_customer(customer: Codes, weights: Floats, size: int) -> Floats:
    return np.bincount(customer, weights, size).astype(np.float64, copy=False)


def _least(world: Evaluation, feature: Feature) -> Column:
    return _extreme(world, feature, np.minimum, np.less)


def _greatest(world: Evaluation, feature: Feature) -> Column:
    return _extreme(world, feature, np.maximum, np.greater)


def _extreme(world: Evaluation, feature: Feature, pick: Any, better: Any) -> Column:
    column, customer = _present(world, feature)
    kind, size = column.type, world.state.size
    seen = np.zeros(size, np.bool_)
    seen[customer] = True
    found = np.full(size, MISSING[kind], DTYPE[kind])
    found[customer] = column.data
    pick.at(found, customer.astype(np.intp), column.data.astype(DTYPE[kind], copy=False))
    return Column(kind, found, scale=column.scale)


def _distinct(world: Evaluation, feature: Feature) -> Column:
    return _number_of_kinds(world, feature, _identities)


def _identities(world: Evaluation, feature: Feature) -> tuple[NDArray[Any], Codes, Micros]:
    column, customer, time = _timed(world, feature)
    return identities(column), customer, time


def _number_of_kinds(world: Evaluation, feature: Feature, kinds: _Kinds) -> Column:
    """How many kinds each customer has: those last seen in the window, from one grouping over the widest window."""
    size, widest = world.state.size, world.plan.widest(feature)
    if world.plan.alone(feature):
        found, customer, _ = kinds(world, feature)
        keys, bits = packed(customer, found)
        if bits >= 3 and size << bits <= _BOXES:
            return Column("number", _ticked(keys, bits, size))
    customer, last = world.memo.get(("kinds", widest.key), lambda: _last_of_kind(*kinds(world, widest)))
    seen = customer if widest is feature else customer[last >= feature.phrase.low]
    return Column("number", summary.counted(seen, world.state.size))


def _ticked(keys: NDArray[np.int64], bits: int, size: int) -> NDArray[np.int32]:
    """How many different keys each customer has, by ticking a box for each; at least 8 boxes each, counted as words."""
    boxes = np.zeros((size, 1 << bits), np.bool_)
    boxes.reshape(-1)[keys] = True
    return np.asarray(np.bitwise_count(boxes.view(np.uint64)).sum(axis=1, dtype=np.int32))


def _last_of_kind(kinds: NDArray[Any], customer: Codes, time: Micros) -> tuple[Codes, Micros]:
    keys = packed(customer, kinds)[0]
    order = order_of(keys)
    starts = np.flatnonzero(firsts(keys[order]))
    last = np.maximum.reduceat(time[order], starts) if len(starts) else time
    return customer[order[starts]], last


def _timed(world: Evaluation, feature: Feature) -> tuple[Column, Codes, Micros]:
    """The values of the property that are there, whose they are and of when; in time order."""
    chosen = select(world, feature.phrase)
    parts = [(rows, column) for rows in chosen if (column := rows.column(feature.property or "")) is not None]
    if not parts:
        return absent(feature.type, 0), np.zeros(0, np.int32), np.zeros(0, np.int64)
    column = joined([each for _, each in parts])
    customer, time = _end_to_end([rows for rows, _ in parts]), np.concatenate([rows.time for rows, _ in parts])
    there: Any = slice(None) if complete(column) else np.flatnonzero(~missing(column))
    if len(parts) > 1:
        there = np.flatnonzero(~missing(column))
        there = there[np.argsort(time[there], kind="stable")]
    return take(column, there), customer[there], time[there]


def _most(world: Evaluation, feature: Feature) -> Column:
    """The most frequent value; ties by the later last occurrence, then by the greater value."""
    widest = world.plan.widest(feature)
    column, customer, time, keys, order = world.memo.get(("ordered", widest.key), lambda: _ordered(world, widest))
    if widest is not feature:
        order = order[order >= np.searchsorted(time, feature.phrase.low)]
    starts = np.flatnonzero(firsts(keys[order]))
    ends = np.append(starts, len(order))[1:]
    last, number = order[ends - 1], ends - starts
    last = last[best(customer[last], number)]
    last = last[best(customer[last], time[last])]
    return _preferred(column, customer, last, world.state.size)


def _ordered(world: Evaluation, feature: Feature) -> tuple[Column, Codes, Micros, NDArray[Any], NDArray[Any]]:
    column, customer, time = _timed(world, feature)
    keys = packed(customer, identities(column))[0]
    return column, customer, time, keys, order_of(keys)


def _preferred(column: Column, customer: Codes, rows: NDArray[Any], size: int) -> Column:
    """The value of those rows by customer, of several the greatest; missing where all lack it."""
    found = absent(column.type, size)
    owner = customer[rows]
    found.data[owner] = column.data[rows]
    tied = np.flatnonzero(np.bincount(owner, minlength=size)[owner] > 1)
    if len(tied):
        several = rows[tied]
        several = several[np.argsort(ranks(take(column, several)), kind="stable")]
        found.data[customer[several]] = column.data[several]
    return replace(found, vocabulary=column.vocabulary, scale=column.scale)


def _at_end(world: Evaluation, feature: Feature) -> Column:
    """The property at the first or last instant: of several events the greatest value, missing if all lack it."""
    end = _end(world, feature, feature.function)
    values, customers = [], []
    for rows in select(world, feature.phrase):
        column = rows.column(feature.property or "")
        if column is not None:
            chosen = _at_instant(rows, end, feature.function)
            values.append(take(column, chosen))
            customers.append(rows.customer[chosen])
    if not values:
        return absent(feature.type, world.state.size)
    column, customer = joined(values), np.concatenate(customers)
    return _preferred(column, customer, np.arange(len(customer)), world.state.size)


def _at_instant(rows: Rows, end: Micros, function: str) -> NDArray[np.int64]:
    """The rows at their customer's end, sought from there inwards: a customer who was found is not looked at again."""
    time, done, found = rows.time, np.zeros(len(end), np.bool_), [np.zeros(0, np.int64)]
    chunks = range(0, len(rows), _CHUNK)
    for start in chunks if function == "first" else reversed(chunks):
        customer, instants = rows.customer[start : start + _CHUNK], time[start : start + _CHUNK]
        hits = np.flatnonzero(~done[customer])
        hits = hits[end[customer[hits]] == instants[hits]]
        found.append(hits + start)
        edge = instants[-1 if function == "first" else 0]
        done[customer[hits]] = instants[hits] != edge
    return np.concatenate(found)


_FUNCTIONS: dict[str, Callable[[Evaluation, Feature], Column]] = {
    "count": _count, "sum": _sum, "avg": _avg, "min": _least, "max": _greatest, "distinct": _distinct,
    "active_days": _active_days, "first": _first, "last": _last, "most": _most, "gap": _gap,
}  # fmt: skip
