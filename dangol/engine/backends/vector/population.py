"""Where a customer stands among all members: percentile, quintile, rank, and the top of a list."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dangol.engine.backends.vector.columns import missing
from dangol.engine.backends.vector.grouping import firsts
from dangol.engine.state.model import Column, Mask


class Standing(NamedTuple):
    """For the customers at `places`: how many of all n values are strictly `lower` and strictly `higher`."""

    places: NDArray[Any]
    lower: NDArray[Any]
    higher: NDArray[Any]


def standing(column: Column, universe: Mask) -> Standing:
    """The standing of every member that has a value."""
    places = np.flatnonzero(universe & ~missing(column))
    values = np.broadcast_to(column.data, universe.shape)[places]
    lower = np.zeros(len(values), np.int64)
    higher = np.zeros(len(values), np.int64)
    if len(values):
        _stand(values, lower, higher)
    return Standing(places, lower, higher)


def _stand(values: NDArray[Any], lower: NDArray[np.int64], higher: NDArray[np.int64]) -> None:
    """Often most customers share the least value (0), so only the others are sorted."""
    n = len(values)
    above = np.flatnonzero(values > values.min())
    higher[:] = len(above)
    order = above[np.argsort(values[above])]
    placed = values[order]
    fresh = firsts(placed)
    starts = np.flatnonzero(fresh) + (n - len(above))
    run = np.cumsum(fresh) - 1
    lower[order] = starts[run]
    higher[order] = n - np.append(starts[1:], n)[run]


def population(function: str, stand: Standing, size: int) -> Column:
    """percentile L/n, quintile 1 + ⌊5·L/n⌋ or rank 1 + strictly higher, as in the language reference."""
    found = np.full(size, np.nan)
    n = max(len(stand.places), 1)
    if function == "percentile":
        found[stand.places] = stand.lower / n
    elif function == "quintile":
        found[stand.places] = 1 + 5 * stand.lower // n
    else:
        found[stand.places] = 1 + stand.higher
    return Column("number", found)


def top(column: Column, universe: Mask, id_rank: NDArray[np.int64], count: int | None, share: Fraction | None) -> Mask:
    """The first `count` or ⌈share·n⌉ members with a value, highest first, ties by the order of their ids."""
    places = np.flatnonzero(universe & ~missing(column))
    values = np.broadcast_to(column.data, universe.shape)[places]
    n = len(places)
    wanted = min(n, max(0, count if count is not None else -(-(share or Fraction(0)) * n // 1)))
    found = np.zeros(universe.shape, np.bool_)
    if not wanted:
        return found
    edge = np.partition(values, n - wanted)[n - wanted]
    above = values > edge
    found[places[above]] = True
    tied = places[values == edge]
    left = wanted - int(np.count_nonzero(above))
    found[tied[np.argsort(id_rank[tied])[:left]]] = True
    return found
