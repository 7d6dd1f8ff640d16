"""One value of each customer's matching events: the aggregate functions of the language."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from dangol.engine.backends.vector import summary
from dangol.engine.backends.vector.columns import DTYPE, MISSING, absent, identities, joined, missing, ranks, take
from dangol.engine.backends.vector.selection import Rows, select
from dangol.engine.backends.vector.sequence import dense
from dangol.engine.backends.vector.zone import zone_over
from dangol.engine.calendar import DAY
from dangol.engine.features import Feature
from dangol.engine.state.model import NO_INSTANT, Codes, Column, Mask, Micros

if TYPE_CHECKING:
    from dangol.engine.backends.vector.evaluation import Evaluation

Floats = NDArray[np.float64]


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
    if end == "last":
        return np.greater(time, known)
    return np.not_equal(time, NO_INSTANT) & ((known == NO_INSTANT) | (time < known))


def _gap(world: Evaluation, feature: Feature) -> Column:
    number = _counts(world, feature)
    span = _end(world, feature, "last") - _end(world, feature, "first")
    with np.errstate(all="ignore"):
        days = span / ((number - 1).astype(np.int64) * DAY)
    return Column("number", np.where(number >= 2, days, np.nan))


def _active_days(world: Evaluation, feature: Feature) -> Column:
    parts = [rows for rows in select(world, feature.phrase) if len(rows)]
    if not parts:
        return Column("number", np.zeros(world.state.size, np.int32))
    times = [rows.time for rows in parts]
    zone = zone_over(feature.zone, min(int(each[0]) for each in times), max(int(each[-1]) for each in times))
    days = np.concatenate([zone.days(each) for each in times])
    days -= days.min()
    customer = _end_to_end(parts)
    width = int(days.max()) + 1
    pairs = np.sort(customer.astype(np.int64) * width + days)
    fresh = np.append(True, pairs[1:] != pairs[:-1])
    return Column("number", summary.counted(pairs[fresh] // width, world.state.size))


def _end_to_end(parts: list[Rows]) -> Codes:
    return parts[0].customer if len(parts) == 1 else np.concatenate([rows.customer for rows in parts])


# --- of a property ----------------------------------------------------------------------------------------------


def _present(world: Evaluation, feature: Feature) -> tuple[Column, Codes]:
    """The values of the property that are there, and whose they are; rows of each name in time order."""
    values, customers = [], []
    for rows in select(world, feature.phrase):
        column = rows.column(feature.property or "")
        if column is not None:
            there = np.flatnonzero(~missing(column))
            every = len(there) == len(rows)
            values.append(column if every else take(column, there))
            customers.append(rows.customer if every else rows.customer[there])
    if not values:
        return absent(feature.type, 0), np.zeros(0, np.int32)
    return joined(values), customers[0] if len(customers) == 1 else np.concatenate(customers)


def _sum(world: Evaluation, feature: Feature) -> Column:
    total, unit, _ = _summed(world, feature)
    return Column("number", total / unit)


def _avg(world: Evaluation, feature: Feature) -> Column:
    total, unit, customer = _summed(world, feature)
    number = np.bincount(customer, minlength=world.state.size)
    with np.errstate(all="ignore"):
        return Column("number", np.where(number > 0, total / (number * unit), np.nan))


def _summed(world: Evaluation, feature: Feature) -> tuple[Floats, float, Codes]:
    """The sum in whole numbers of a unit (1 / 10^scale), exact below 2^53 units; with no scale the unit is 1."""
    column, customer = _present(world, feature)
    size = world.state.size
    if column.scale is None:
        return np.bincount(customer, column.data, size), 1.0, customer
    unit = 10.0**column.scale
    whole = np.rint(column.data * unit) if column.scale else column.data
    if np.abs(whole).sum() < 2.0**53:
        return np.bincount(customer, whole, size), unit, customer
    high = np.floor(whole / 2.0**26)
    upper, lower = np.bincount(customer, high, size), np.bincount(customer, whole - high * 2.0**26, size)
    return upper * 2.0**26 + lower, unit, customer


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
    return Column(kind, found)


def _distinct(world: Evaluation, feature: Feature) -> Column:
    column, customer = _present(world, feature)
    group = customer.astype(np.int64)
    pairs = dense_pairs(group, identities(column))
    order = np.argsort(pairs)
    fresh = np.ones(len(order), np.bool_)
    np.not_equal(pairs[order[1:]], pairs[order[:-1]], out=fresh[1:])
    return Column("number", summary.counted(customer[order[fresh]], world.state.size))


def dense_pairs(group: NDArray[np.int64], values: NDArray[Any]) -> NDArray[np.int64]:
    """Numbers equal where both group and value are equal."""
    if values.dtype == np.int64:
        return dense(group, values)
    return group << 32 | (values.astype(np.int64) + (1 << 31))


def _most(world: Evaluation, feature: Feature) -> Column:
    """The most frequent value; ties by the later last occurrence, then by the greater value."""
    parts = [
        (rows, column) for rows in select(world, feature.phrase) if (column := rows.column(feature.property or ""))
    ]
    if not parts:
        return absent(feature.type, world.state.size)
    column = joined([each for _, each in parts])
    customer, time = _end_to_end([rows for rows, _ in parts]), np.concatenate([rows.time for rows, _ in parts])
    there = np.flatnonzero(~missing(column))
    column, customer, time = take(column, there), customer[there], time[there]
    pairs = dense_pairs(customer.astype(np.int64), identities(column))
    order = np.lexsort((time, pairs))
    last = np.flatnonzero(np.append(pairs[order[1:]] != pairs[order[:-1]], True)[: len(order)])
    number = np.diff(np.append(-1, last))
    chosen = order[last]
    best = np.lexsort((ranks(take(column, chosen)), time[chosen], number))
    return _written(column, chosen[best], customer, world.state.size)


def _written(column: Column, rows: NDArray[Any], customer: Codes, size: int) -> Column:
    """The values of those rows by customer, the last of several; its rows come in rising order of preference."""
    found = absent(column.type, size)
    found.data[customer[rows]] = column.data[rows]
    return replace(found, vocabulary=column.vocabulary)


def _at_end(world: Evaluation, feature: Feature) -> Column:
    """The property at the first or last instant: of several events the greatest value, missing if all lack it."""
    end = _end(world, feature, feature.function)
    values, customers = [], []
    for rows in select(world, feature.phrase):
        column = rows.column(feature.property or "")
        if column is not None:
            chosen = np.flatnonzero(end[rows.customer] == rows.time)
            values.append(take(column, chosen))
            customers.append(rows.customer[chosen])
    if not values:
        return absent(feature.type, world.state.size)
    column, customer = joined(values), np.concatenate(customers)
    if len(np.unique(customer)) == len(customer):
        return _written(column, np.arange(len(customer)), customer, world.state.size)
    return _written(column, np.argsort(ranks(column), kind="stable"), customer, world.state.size)


_FUNCTIONS: dict[str, Callable[[Evaluation, Feature], Column]] = {
    "count": _count, "sum": _sum, "avg": _avg, "min": _least, "max": _greatest, "distinct": _distinct,
    "active_days": _active_days, "first": _first, "last": _last, "most": _most, "gap": _gap,
}  # fmt: skip
