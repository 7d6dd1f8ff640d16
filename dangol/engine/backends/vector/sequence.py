"""Which events have another one before or after them, within a gap, agreeing on properties."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from dangol.engine.backends.vector import selection, summary
from dangol.engine.backends.vector.columns import identities, joined, missing
from dangol.engine.backends.vector.grouping import Keys, firsts, maybe_among, order_of, packed
from dangol.engine.backends.vector.zone import zone_for
from dangol.engine.features import Link, Phrase
from dangol.engine.ir import Shift
from dangol.engine.state.model import NO_INSTANT, Mask, Micros

if TYPE_CHECKING:
    from dangol.engine.backends.vector.evaluation import Evaluation
    from dangol.engine.backends.vector.selection import Rows


def kept(world: Evaluation, rows: Rows, link: Link, others: Phrase) -> Mask:
    """Which of the rows the link keeps; `others` are its other events as far as they matter."""
    found = np.zeros(len(rows), np.bool_)
    for name in others.names:
        if name in world.state.events and len(rows):
            found |= _related(world, rows, link, world.plan.single(others, name))
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
    places = np.flatnonzero(valid & maybe_among(group, other_group))
    found = np.zeros(len(rows), np.bool_)
    if not other_valid.all():
        others, other_group = others.sift(other_valid), other_group[other_valid]
    if len(others) and len(places):
        found[places] = _nearest(rows.time[places], group[places], others.time, other_group, link, strict)
    return found


def _nearest(times: Micros, group: Keys, other_times: Micros, other_group: Keys, link: Link, strict: bool) -> Mask:
    """Keys of (group, position in time): the other event sought is next to where the row's own key would stand."""
    before = link.kind == "follows"
    side: Any = "right" if strict != before else "left"
    bits = len(other_times).bit_length()
    order = order_of(other_group)
    keys = other_group[order] << bits | order
    at = np.searchsorted(keys, group << bits | np.searchsorted(other_times, times, side)) - before
    found: Mask = (at >= 0) & (at < len(keys))
    at = np.where(found, at, 0)
    found &= keys[at] >> bits == group
    if link.gap is None:
        return found
    if before:
        found &= times <= _furthest(other_times, keys, bits, link.gap, link.zone)[at]
        return found
    found &= other_times[keys[at] & ((1 << bits) - 1)] <= _stepped(times, link.gap, link.zone)
    return found


def _stepped(times: Micros, gap: Shift, zone: str) -> Micros:
    return zone_for(zone, times, gap).step(times, gap) if gap.months or gap.days else times + gap.micros


def _furthest(other_times: Micros, keys: Keys, bits: int, gap: Shift, zone: str) -> Micros:
    """How far the events of a group up to each key reach: where a clock went back, the latest is not the furthest."""
    reach: Micros = _stepped(other_times, gap, zone)[keys & ((1 << bits) - 1)]
    if not (gap.months or gap.days):
        return reach
    order = np.argsort(reach, kind="stable")
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    group = np.cumsum(firsts(keys >> bits)) * len(order)
    return cast(Micros, reach[order][np.maximum.accumulate(group + rank) - group])


def _groups(rows: Rows, others: Rows, same: Sequence[str]) -> tuple[Keys, Keys, Mask, Mask]:
    """Whole numbers equal for equal customer and properties, on both sides, and where no property is missing."""
    size = len(rows)
    valid = np.ones(size + len(others), np.bool_)
    group = np.concatenate([rows.customer, others.customer]).astype(np.int64)
    room = 62 - len(others).bit_length()
    for name in same:
        mine, other = rows.column(name), others.column(name)
        if mine is None or other is None:
            valid[:] = False
            break
        both = joined([mine, other])
        valid &= ~missing(both)
        group = packed(group, identities(both), room)[0]
    return group[:size], group[size:], valid[:size], valid[size:]
