"""Local time, one instant at a time and without numpy: days, steps on the calendar, the instants of an IR point.

Instants are µs since 1970-01-01T00:00Z, local times µs since a local 1970-01-01T00:00, days days since 1970-01-01.
Whatever falls out of the years 1 to 9999 is clamped to them.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

from dangol.engine.ir import Point, Shift

SECOND = 1_000_000
DAY = 86_400 * SECOND
FAR = 1 << 62
"""Later than any instant; −FAR is earlier than any."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_FIRST_DAY = date.min.toordinal() - _EPOCH_DAY + 2
_LAST_DAY = date.max.toordinal() - _EPOCH_DAY - 2


@lru_cache(maxsize=64)
def zone_info(name: str) -> ZoneInfo:
    """The time zone of that IANA name. Raises `zoneinfo.ZoneInfoNotFoundError`."""
    return ZoneInfo(name)


def micros_of(moment: datetime) -> int:
    """The instant of an aware datetime."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def offset_at(instant: int, zone: str) -> int:
    """Local time minus UTC at an instant, in µs."""
    within = min(max(instant, _FIRST_DAY * DAY), _LAST_DAY * DAY)
    offset = (_EPOCH + timedelta(microseconds=within)).astimezone(zone_info(zone)).utcoffset() or timedelta()
    return offset // timedelta(microseconds=1)


def local_of(instant: int, zone: str) -> int:
    """The local time of an instant."""
    return instant + offset_at(instant, zone)


def instant_of(local: int, zone: str) -> int:
    """The instant of a local time: the first of two, or the first one later than a skipped one."""
    naive = (_EPOCH + timedelta(microseconds=min(max(local, _FIRST_DAY * DAY), _LAST_DAY * DAY))).replace(tzinfo=None)
    offset = naive.replace(tzinfo=zone_info(zone)).utcoffset() or timedelta()
    instant = local - offset // timedelta(microseconds=1)
    if local_of(instant, zone) == local:
        return instant
    return change_between(instant - 2 * DAY, instant, zone)


def change_between(low: int, high: int, zone: str) -> int:
    """The latest instant in (low, high] at which the clock begins to show the offset of `high`; whole seconds."""
    offset = offset_at(high, zone)
    below, above = low // SECOND, high // SECOND
    while above - below > 1:
        middle = (below + above) // 2
        if offset_at(middle * SECOND, zone) == offset:
            above = middle
        else:
            below = middle
    return above * SECOND


def day_of(instant: int, zone: str) -> int:
    """The local day of an instant."""
    return local_of(instant, zone) // DAY


def day_start(day: int, zone: str) -> int:
    """The first instant of a local day."""
    return instant_of(day * DAY, zone)


def step(instant: int, shift: Shift, zone: str) -> int:
    """The instant a shift away: months and days on the local calendar, then exact µs."""
    if shift.months or shift.days:
        instant = instant_of(step_local(local_of(instant, zone), shift), zone)
    return min(max(instant + shift.micros, -FAR), FAR)


def step_local(local: int, shift: Shift) -> int:
    """A local time moved by the months and days of a shift, clamped to the month's last day."""
    day, time = divmod(local, DAY)
    day = _add_months(day, shift.months) + shift.days
    return min(max(day, _FIRST_DAY), _LAST_DAY) * DAY + time


def _add_months(day: int, months: int) -> int:
    if not months:
        return day
    start = date.fromordinal(min(max(day, _FIRST_DAY), _LAST_DAY) + _EPOCH_DAY)
    index = min(max(start.year * 12 + start.month - 1 + months, 12), 9999 * 12 + 11)
    year, month = index // 12, index % 12 + 1
    return date(year, month, min(start.day, monthrange(year, month)[1])).toordinal() - _EPOCH_DAY


def unit_start(unit: Literal["day", "week", "month"], local: int) -> int:
    """The local midnight at which the day, the week (from Monday) or the month of a local time begins."""
    day = local // DAY
    if unit == "week":
        day -= (day + 3) % 7
    elif unit == "month":
        day -= date.fromordinal(min(max(day, _FIRST_DAY), _LAST_DAY) + _EPOCH_DAY).day - 1
    return day * DAY


def resolve(point: Point, at: int) -> int:
    """The instant of a point when the evaluation instant is `at`. Not for `entry`, which differs by customer."""
    match point.anchor:
        case "at":
            return step(at, point.shift, point.zone)
        case "fixed":
            return step(point.micros, point.shift, point.zone)
        case "day" | "week" | "month":
            midnight = unit_start(point.anchor, local_of(at, point.zone))
            start = instant_of(step_local(midnight, point.shift), point.zone)
            return min(max(start + point.shift.micros, -FAR), FAR)
        case "entry":
            raise ValueError("an entry has no one instant")


def anniversary(day: int, today: int) -> int:
    """The next anniversary of a day, today included; 29 February falls on the 28th in other years."""
    born, now = (date.fromordinal(each + _EPOCH_DAY) for each in (day, today))
    for year in (now.year, now.year + 1):
        last = monthrange(year, born.month)[1]
        found = date(year, born.month, min(born.day, last)).toordinal() - _EPOCH_DAY
        if found >= today:
            break
    return found
