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
    n, least = len(values), values.min()
    if values.dtype.kind == "i" and int(values.max()) - int(least) < 4 * n:
        number = np.bincount(values - least)
        up_to = np.cumsum(number)
        lower[:] = (up_to - number)[values - least]
        higher[:] = n - up_to[values - least]
        return
    above = np.flatnonzero(values > least)  # often most customers share the least value, 0
    higher[:] = len(above)
    order = above[np.argsort(values[above])]
    fresh = firsts(values[order])
    starts = np.flatnonzero(fresh) + (n - len(above))
    run = np.cumsum(fresh) - 1
    lower[order] = starts[run]
    higher[order] = n - np.append(starts, n)[1:][run]


def percentile(stand: Standing, size: int) -> Column:
    """L / n, with L the number of values strictly lower."""
    return _spread(stand.places, stand.lower / max(len(stand.places), 1), size)


def rank(stand: Standing, size: int) -> Column:
    """1 + the number of values strictly higher."""
    return _spread(stand.places, 1 + stand.higher, size)


def quintile(column: Column, universe: Mask) -> Column:
    """1 + ⌊5·L / n⌋: one more for each k with ⌈k·n / 5⌉ values strictly lower, the greatest of which is sought."""
    places = np.flatnonzero(universe & ~missing(column))
    values = np.broadcast_to(column.data, universe.shape)[places]
    found = np.ones(len(values), np.int8)
    if len(values):
        bounds = [-(-k * len(values) // 5) - 1 for k in range(1, 5)]
        for bound in np.partition(values, sorted(set(bounds)))[bounds]:
            found += values > bound
    return _spread(places, found, len(universe))


def _spread(places: NDArray[Any], values: NDArray[Any], size: int) -> Column:
    found = np.full(size, np.nan)
    found[places] = values
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
