"""Which events have another one before or after them, within a gap, agreeing on properties."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dangol.engine.backends.vector import selection, summary
from dangol.engine.backends.vector.columns import identities, joined, missing
from dangol.engine.backends.vector.zone import zone_for
from dangol.engine.features import Link, Phrase
from dangol.engine.ir import Shift
from dangol.engine.state.model import NO_INSTANT, Mask, Micros

if TYPE_CHECKING:
    from dangol.engine.backends.vector.evaluation import Evaluation
    from dangol.engine.backends.vector.selection import Rows


def kept(world: Evaluation, rows: Rows, link: Link) -> Mask:
    """Which of the rows the link keeps."""
    found = np.zeros(len(rows), np.bool_)
    for name in link.other.names:
        if name in world.state.events and len(rows):
            found |= _related(world, rows, link, world.plan.single(link.other, name))
    return ~found if link.kind == "not_followed" else found


def _related(world: Evaluation, rows: Rows, link: Link, other: Phrase) -> Mask:
    """Which rows have such another event, of one single name."""
    strict = other.names == (rows.name,)
    before = link.kind == "follows"
    times = rows.time
    found: Mask
    if before:
        bound = summary.first_times(world, other)[rows.customer]
        found = (bound < times if strict else bound <= times) & (bound != NO_INSTANT)
    else:
        bound = summary.last_times(world, other)[rows.customer]
        found = bound > times if strict else bound >= times
    if link.gap is None and not link.same:
        return found
    places = np.flatnonzero(found)
    found[places] = _search(world, rows.sift(found), other, link, strict)
    return found


def _search(world: Evaluation, rows: Rows, other: Phrase, link: Link, strict: bool) -> Mask:
    """For each row the nearest other event of its group before or after it, held against the gap."""
    marked = np.zeros(world.state.size, np.bool_)
    marked[rows.customer] = True
    others = selection.select(world, other)[0]
    others = others.sift(marked[others.customer])
    group, other_group, valid, other_valid = _groups(rows, others, link.same)
    places = np.flatnonzero(valid)
    found = np.zeros(len(rows), np.bool_)
    if not other_valid.all():
        others, other_group = others.sift(other_valid), other_group[other_valid]
    if len(others) and len(places):
        found[places] = _nearest(rows.time[places], group[places], others.time, other_group, link, strict)
    return found


def _nearest(
    times: Micros,
    group: NDArray[np.int64],
    other_times: Micros,
    other_group: NDArray[np.int64],
    link: Link,
    strict: bool,
) -> Mask:
    before = link.kind == "follows"
    side: Any = "right" if strict != before else "left"
    bits = len(other_times).bit_length()
    keys = np.sort(other_group << bits | np.arange(len(other_times)))
    at = np.searchsorted(keys, group << bits | np.searchsorted(other_times, times, side)) - before
    inside = (at >= 0) & (at < len(keys))
    found = keys[np.where(inside, at, 0)]
    inside &= found >> bits == group
    if link.gap is None:
        return inside
    nearest = other_times[found & ((1 << bits) - 1)]
    if not before:
        return inside & (nearest <= _stepped(times, link.gap, link.zone))
    if not (link.gap.months or link.gap.days):
        return inside & (times - nearest <= link.gap.micros)
    return inside & (times <= _furthest(other_times, keys, bits, link)[np.where(inside, at, 0)])


def _stepped(times: Micros, gap: Shift, zone: str) -> Micros:
    if not (gap.months or gap.days):
        return times + gap.micros
    return zone_for(zone, times, gap).step(times, gap)


def _furthest(other_times: Micros, keys: NDArray[np.int64], bits: int, link: Link) -> Micros:
    """How far any event up to each key reaches in its group; when a clock went back, the latest is not the furthest."""
    assert link.gap is not None
    reach = _stepped(other_times, link.gap, link.zone)[keys & ((1 << bits) - 1)]
    order = np.argsort(reach, kind="stable")
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    group = np.cumsum(np.append(False, np.diff(keys >> bits) != 0))
    furthest = np.maximum.accumulate(group * len(order) + rank) - group * len(order)
    return reach[order][furthest]


def _groups(rows: Rows, others: Rows, same: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64], Mask, Mask]:
    """Whole numbers equal for equal customer and properties, on both sides, and where no property is missing."""
    size = len(rows)
    valid = np.ones(size + len(others), np.bool_)
    group = np.concatenate([rows.customer, others.customer]).astype(np.int64)
    for name in same:
        mine, other = rows.column(name), others.column(name)
        if mine is None or other is None:
            valid[:] = False
            break
        both = joined([mine, other])
        valid &= ~missing(both)
        group = dense(group, identities(both))
    return group[:size], group[size:], valid[:size], valid[size:]


def dense(group: NDArray[np.int64], values: NDArray[Any]) -> NDArray[np.int64]:
    """Numbers equal where both group and value are equal, small enough to be packed with a position."""
    codes = np.unique(values, return_inverse=True)[1].astype(np.int64) if values.dtype == np.int64 else values + 2
    width = int(codes.max(initial=0)) + 1
    if int(group.max(initial=0)) * width < 1 << 31:
        return group * width + codes
    if int(group.max(initial=0)) >= 1 << 62 // width:
        group = np.unique(group, return_inverse=True)[1].astype(np.int64)
    return np.unique(group * width + codes, return_inverse=True)[1].astype(np.int64)
