"""Local times to instants: a skipped time is the first later instant, a repeated one the first."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

_SECOND = 1_000_000
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_STEP = 7 * 86_400
_FIRST, _SUMMER, _LAST = -4_102_444_800, -2_208_988_800, 4_102_444_800
"""1840, 1900 and 2100, in seconds; before 1900 there was no summer time, beyond the ends their offsets hold."""


def to_utc(local: NDArray[np.int64], zone: str) -> NDArray[np.int64]:
    """Microseconds of local times (as if they were UTC) → µs since the epoch."""
    if zone == "UTC" or not len(local):
        return local
    starts, offsets = transitions(zone)
    ends = starts[1:] + offsets[:-1]
    era = np.searchsorted(ends, local, side="right")
    found: NDArray[np.int64] = np.maximum(local - offsets[era], starts[era])
    return found


@lru_cache(maxsize=32)
def transitions(zone: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Instants from which an offset holds, and the offsets, both in µs; the first one holds since ever."""
    info = ZoneInfo(zone)

    def offset(second: int) -> int:
        moment = (_EPOCH + dt.timedelta(seconds=second)).astimezone(info).utcoffset()
        return round(moment.total_seconds()) if moment is not None else 0

    starts, offsets = [np.iinfo(np.int64).min // _SECOND + 100_000], [offset(_FIRST)]
    looked = [*range(_FIRST, _SUMMER, 50 * _STEP), *range(_SUMMER, _LAST, _STEP)]
    for before, second in itertools.pairwise(looked):
        if offset(second) != offsets[-1]:
            starts.append(_change(offset, before, second))
            offsets.append(offset(second))
    return np.array(starts, np.int64) * _SECOND, np.array(offsets, np.int64) * _SECOND


def _change(offset: Callable[[int], int], low: int, high: int) -> int:
    before = offset(low)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if offset(middle) == before else (low, middle)
    return high
