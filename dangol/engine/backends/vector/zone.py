"""Local time for whole arrays of instants, from the changes of a zone's clock."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from dangol.engine.calendar import DAY, FAR, change_between, offset_at
from dangol.engine.ir import Shift
from dangol.engine.state.model import Micros

_SPAN = 3653 * DAY
_EDGE = 2_932_000 * DAY

Days = NDArray[np.int32]


class Zone:
    """A zone's clock over a span of time: `starts[i]` is the instant from which `offsets[i]` (µs) holds."""

    def __init__(self, starts: Micros, offsets: Micros) -> None:
        self.starts, self.offsets = starts, offsets
        ends = np.append(starts[1:], FAR) + offsets
        self._local_ends = np.maximum.accumulate(ends)

    def local(self, instants: Micros) -> Micros:
        """The local times of instants."""
        if len(self.offsets) == 1:
            return cast(Micros, instants + self.offsets[0])
        shift = self.offsets[np.searchsorted(self.starts, instants, "right") - 1]
        return cast(Micros, instants + shift)

    def instants(self, local: Micros) -> Micros:
        """The instants of local times: the first of two, the first one later than a skipped one."""
        if len(self.offsets) == 1:
            return cast(Micros, local - self.offsets[0])
        part = np.searchsorted(self._local_ends, local, "right")
        return cast(Micros, np.maximum(local - self.offsets[part], self.starts[part]))

    def days(self, instants: Micros) -> Days:
        """The local days of instants."""
        return cast(Days, (self.local(instants) // DAY).astype(np.int32))

    def day_starts(self, days: NDArray[Any]) -> Micros:
        """The first instants of local days."""
        return self.instants(days.astype(np.int64) * DAY)

    def step(self, instants: Micros, shift: Shift) -> Micros:
        """Instants moved by a shift: months and days on the local calendar, then exact µs."""
        if shift.months or shift.days:
            day, time = np.divmod(self.local(instants), DAY)
            moved = _add_months(day, _bounded(shift.months, 120_000)) + _bounded(shift.days, _EDGE // DAY)
            instants = self.instants(moved * DAY + time)
        return instants + _bounded(shift.micros, FAR)


def _bounded(number: int, bound: int) -> int:
    return min(max(number, -bound), bound)


def _add_months(days: Micros, months: int | Micros) -> Micros:
    dates = days.astype("M8[D]")
    month = dates.astype("M8[M]")
    goal = month + months
    first = goal.astype("M8[D]")
    length = (goal + 1).astype("M8[D]") - first
    return cast(Micros, (first + np.minimum(dates - month.astype("M8[D]"), length - 1)).astype(np.int64))


def anniversaries(days: NDArray[Any], today: int) -> Days:
    """The next anniversary of each day, `today` included; 29 February falls on the 28th in other years."""
    least, most = (int(days.min()), int(days.max())) if days.size else (0, 0)
    if most - least < days.size:
        return np.asarray(_anniversaries(np.arange(least, most + 1), today)[days - least])
    return _anniversaries(days, today)


def _anniversaries(days: NDArray[Any], today: int) -> Days:
    exact = days.astype(np.int64)
    month = exact.astype("M8[D]").astype("M8[M]").astype(np.int64)
    years = np.datetime64(today, "D").astype("M8[Y]").astype(np.int64) - month // 12
    this, following = (_add_months(exact, (years + later) * 12) for later in (0, 1))
    return cast(Days, np.where(this >= today, this, following).astype(np.int32))


def zone_over(name: str, low: int, high: int, margin: int = 0) -> Zone:
    """The zone's clock, good for all instants from low to high and `margin` µs around them."""
    low, high = max(low - margin, -_EDGE), min(high + margin, _EDGE)
    return _zone(name, low // _SPAN, max(high, low) // _SPAN)


@lru_cache(maxsize=256)
def _zone(name: str, first: int, last: int) -> Zone:
    starts, offsets = [-FAR], [offset_at(first * _SPAN - 2 * DAY, name)]
    for instant in range(first * _SPAN - DAY, (last + 1) * _SPAN + 2 * DAY, DAY):
        offset = offset_at(instant, name)
        if offset != offsets[-1]:
            starts.append(change_between(instant - DAY, instant, name))
            offsets.append(offset)
    return Zone(np.array(starts, np.int64), np.array(offsets, np.int64))


def zone_for(name: str, instants: Micros, shift: Shift | None = None) -> Zone:
    """The zone's clock, good for these instants (none missing) and for a shift of them."""
    if not instants.size:
        return zone_over(name, 0, 0)
    moved = shift or Shift()
    margin = (abs(moved.months) * 31 + abs(moved.days) + 2) * DAY
    return zone_over(name, int(instants.min()), int(instants.max()), min(margin, 2 * _EDGE))
