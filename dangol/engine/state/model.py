"""Customers and their events as columns: what every predicate is evaluated over.

A customer is a code 0 … size−1 (the position of the id in `State.ids`). Arrays may be memory-mapped and are never
written to. Missing values: number NaN, text/version/list −1 (a code into the vocabulary), boolean −1 (int8: 0 false,
1 true), instant `NO_INSTANT` (int64 µs since the epoch), date `NO_DATE` (int32 days since 1970-01-01).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dangol.engine.ir import Type

NO_INSTANT: int = np.iinfo(np.int64).min
NO_DATE: int = np.iinfo(np.int32).min

Codes = NDArray[np.int32]
Micros = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Column:
    """Values of one type, dictionary-coded where they are text, version (as written) or list (tuples of text).

    `vocabulary` is shared by all columns of the same name, so codes of `viewed.product` and `purchased.product`
    can be compared. `scale`: for numbers, the least d in 0…9 with every value·10^d whole and below 2^53 (money stays
    exact: sums are taken over the whole numbers), or None.
    """

    type: Type
    data: NDArray[Any]
    vocabulary: Sequence[Any] | None = None
    scale: int | None = None


@dataclass(frozen=True)
class Summary:
    """Per customer code, over the first `rows` events: last and first time (NO_INSTANT without), and the count."""

    rows: int
    last: Micros
    first: Micros
    count: NDArray[np.int32]


@dataclass(frozen=True)
class EventTable:
    """All events of one name, in time order (ascending, verified when built). Arrays are of equal length."""

    customer: Codes
    time: Micros
    properties: Mapping[str, Column] = field(default_factory=dict)
    summary: Summary | None = None


@dataclass(frozen=True)
class State:
    """Everything known about the customers.

    ids: the customer ids as text, by code (a list, or a lazy sequence); id_rank: position of each code in code-point
    order of ids; member: who stands in the customers table (None: there is no table, the universe is whoever has an
    event up to the instant); attributes by code; events by name (an event without rows may be absent);
    lists: mask over codes; first_seen: each code's earliest event of any event name, including those no line uses
    (NO_INSTANT without), needed when member is None.
    """

    ids: Sequence[str]
    id_rank: NDArray[np.int64]
    member: Mask | None
    attributes: Mapping[str, Column]
    events: Mapping[str, EventTable]
    lists: Mapping[str, Mask]
    first_seen: Micros

    @property
    def size(self) -> int:
        return len(self.ids)
