"""The sums of each group at the end of every local day: what a look on that day would have seen, whoever looks when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from dangol.measure.outcomes import Outcomes
from dangol.measure.sums import Kind, Sums, mean_sums, ratio_sums, share_sums

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Daily:
    """Per day (days since 1970-01-01, ascending) and group, everyone whose window had closed by the end of that day."""

    days: tuple[int, ...]
    sums: tuple[tuple[Sums, ...], ...]

    def together(self, groups: Sequence[int]) -> list[Sums]:
        """The sums of some groups taken as one, day by day. There must be a group."""
        return [sum((day[g] for g in groups[1:]), day[groups[0]]) for day in self.sums]


def daily(outcomes: Outcomes, kind: Kind, closed: Ints, group: Ints, groups: int, until: int) -> Daily:
    """The cumulative sums of each of so many groups on each day up to `until` on which any window closed, and on that.

    closed: the local day on which each customer's window closed; group: −1 for whoever is in none. Customers who are
    not in the data are left out. ValueError for amounts that are no finite numbers.
    """
    chosen = np.flatnonzero(outcomes.known & (group >= 0) & (closed <= until))
    order = chosen[np.lexsort((group[chosen], closed[chosen]))]
    days = np.unique(np.append(closed[order], until))
    part = np.searchsorted(days, closed[order]) * groups + group[order]
    edges = np.searchsorted(part, np.arange(len(days) * groups + 1))
    parts = [_of(outcomes, kind, order[low:high]) for low, high in pairwise(edges.tolist())]
    total = [_of(outcomes, kind, order[:0])] * groups
    found: list[tuple[Sums, ...]] = []
    for start in range(0, len(parts), groups):
        total = [before + now for before, now in zip(total, parts[start : start + groups], strict=True)]
        found.append(tuple(total))
    return Daily(tuple(days.tolist()), tuple(found))


def _of(outcomes: Outcomes, kind: Kind, rows: Ints) -> Sums:
    if kind == "share":
        return share_sums(len(rows), int(outcomes.now[rows].sum()))
    if kind == "ratio":
        assert outcomes.per is not None
        return ratio_sums(outcomes.now[rows], outcomes.per[rows])
    return mean_sums(outcomes.now[rows], None if outcomes.before is None else outcomes.before[rows])


def counts(day: Ints, group: Ints, groups: int, until: int) -> list[list[int]]:
    """How many of each group there were at the end of each day up to `until`."""
    chosen = (group >= 0) & (day <= until)
    days, place = np.unique(day[chosen], return_inverse=True)
    table = np.zeros((len(days), groups), np.int64)
    np.add.at(table, (place, group[chosen]), 1)
    found: list[list[int]] = np.cumsum(table, axis=0).tolist()
    return found
