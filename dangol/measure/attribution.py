"""Which message a conversion is credited to: the first and the last one within the window before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dangol.engine.state.model import Mask, Micros

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Sends:
    """Messages, one per row: the customer (a code), when it went out and until when a conversion counts."""

    customer: Ints
    time: Micros
    until: Micros

    def of(self, chosen: Any) -> Sends:
        """Some of them: a mask or positions."""
        return Sends(self.customer[chosen], self.time[chosen], self.until[chosen])


@dataclass(frozen=True)
class Credit:
    """Per conversion the positions of the first and the last message it may be owed to (−1: none)."""

    first: Ints
    last: Ints

    @property
    def credited(self) -> Mask:
        return np.greater_equal(self.first, 0)


def credit(sends: Sends, customer: Ints, time: Micros) -> Credit:
    """Whose conversions (customer, instant) happened in (sent, until] of which messages; windows that begin later must
    not end earlier."""
    order = np.lexsort((sends.time, sends.customer))
    ordered = sends.of(order)
    low = _below(ordered.customer, ordered.until, customer, time)
    high = _below(ordered.customer, ordered.time, customer, time)
    found = low < high
    return Credit(_positions(order, low, found), _positions(order, high - 1, found))


def converted(sends: Sends, customer: Ints, time: Micros) -> Mask:
    """Which messages were followed by a conversion in (sent, until]; one conversion may follow several."""
    order = np.lexsort((time, customer))
    owner, instant = customer[order], time[order]
    return np.asarray(
        _below(owner, instant, sends.customer, sends.until + 1) > _below(owner, instant, sends.customer, sends.time + 1)
    )


def firsts(customer: Ints, time: Micros, chosen: Mask) -> Mask:
    """Of each customer's chosen rows the earliest one."""
    places = np.flatnonzero(chosen)
    order = places[np.lexsort((time[places], customer[places]))]
    found = np.zeros(len(customer), np.bool_)
    found[order[np.diff(customer[order], prepend=-1) != 0]] = True
    return found


def _positions(order: Ints, places: Ints, found: Mask) -> Ints:
    result = np.full(len(found), -1, np.int64)
    result[found] = order[places[found]]
    return result


def _below(key_owner: Ints, key_time: Micros, owner: Ints, time: Micros) -> Ints:
    """For each (owner, time) how many of the ordered keys come strictly before it."""
    is_key = np.concatenate([np.zeros(len(owner), np.int64), np.ones(len(key_owner), np.int64)])
    order = np.lexsort((is_key, np.concatenate([time, key_time]), np.concatenate([owner, key_owner])))
    counts = np.empty(len(order), np.int64)
    counts[order] = np.cumsum(is_key[order])
    return counts[: len(owner)]
