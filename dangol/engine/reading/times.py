"""Windows recognised as what a person would say, points and shifts taken apart: the same for every language."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal
from zoneinfo import ZoneInfo

from dangol.engine.ir import Edge, Point, Shift, Window

Unit = Literal["year", "month", "day", "hour", "minute", "second"]
CalendarUnit = Literal["today", "yesterday", "this week", "last week", "this month", "last month"]

DAY = 86_400_000_000
_SIZES: tuple[tuple[Unit, int], ...] = (("day", DAY), ("hour", 3_600_000_000), ("minute", 60_000_000))
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Last:
    """From `shift` before the instant up to it, both ends in."""

    shift: Shift


@dataclass(frozen=True)
class Next:
    """From the instant up to `shift` after it, both ends in."""

    shift: Shift


@dataclass(frozen=True)
class Ago:
    """More than `near` and at most `far` before the instant."""

    near: Shift
    far: Shift


@dataclass(frozen=True)
class Older:
    """More than `shift` before the instant."""

    shift: Shift


@dataclass(frozen=True)
class Current:
    """A day, week or month of the calendar of `zone`."""

    unit: CalendarUnit
    zone: str


@dataclass(frozen=True)
class Days:
    """From the first to the last of these days, both included; days since 1970-01-01."""

    first: int
    last: int
    zone: str


@dataclass(frozen=True)
class Range:
    """Anything else: its edges as they are."""

    low: Edge | None
    high: Edge | None


Period = Last | Next | Ago | Older | Current | Days | Range

_CURRENT: dict[tuple[str, Shift, Shift], CalendarUnit] = {
    ("day", Shift(), Shift(days=1)): "today",
    ("day", Shift(days=-1), Shift()): "yesterday",
    ("week", Shift(), Shift(days=7)): "this week",
    ("week", Shift(days=-7), Shift()): "last week",
    ("month", Shift(), Shift(months=1)): "this month",
    ("month", Shift(months=-1), Shift()): "last month",
}


def period(window: Window, subject: Literal["event", "instant", "date"]) -> Period:
    """What the window is called. No event is later than the instant, so of events the upper edge may be left out."""
    low, high = window.low, window.high
    now: Literal["at", "day"] = "day" if subject == "date" else "at"
    return _current(low, high, subject) or _days(low, high, subject) or _relative(low, high, now, subject)


def _relative(low: Edge | None, high: Edge | None, now: str, subject: str) -> Period:
    near, far = _back(high, now), _back(low, now)
    ends_now = _is_now(high, now) or (high is None and subject == "event")
    if low is not None and far is not None and not low.open and ends_now:
        return Last(far)
    if low is None and high is not None and near is not None and high.open:
        return Older(near)
    if low is not None and high is not None and far is not None and near is not None and high.open and not low.open:
        return Ago(near, far)
    ahead = high.point.shift if high is not None and high.point.anchor == now and not high.open else None
    if _is_now(low, now) and ahead is not None and is_forward(ahead):
        return Next(ahead)
    return Range(low, high)


def _current(low: Edge | None, high: Edge | None, subject: str) -> Current | None:
    if low is None or low.open:
        return None
    anchor, start = low.point.anchor, low.point.shift
    for (unit, first, end), name in _CURRENT.items():
        if (unit, first) != (anchor, start):
            continue
        if high is None and subject == "event" and name in ("today", "this week", "this month"):
            return Current(name, low.point.zone)
        if high == Edge(Point(low.point.anchor, low.point.zone, end), open=True):
            return Current(name, low.point.zone)
    if subject == "date" and anchor == "day" and low == high and start in (Shift(), Shift(days=-1)):
        return Current("yesterday" if start.days else "today", low.point.zone)
    return None


def _days(low: Edge | None, high: Edge | None, subject: str) -> Days | None:
    if low is None or high is None or low.point.anchor != "fixed" or high.point.anchor != "fixed":
        return None
    if low.point.shift != Shift() or high.point.shift != Shift() or low.point.zone != high.point.zone:
        return None
    first, last = whole_day(low.point), whole_day(high.point)
    if first is None or last is None or low.open or (subject != "date" and not high.open):
        return None
    last -= high.open
    return Days(first, last, low.point.zone) if last >= first else None


def _is_now(edge: Edge | None, now: str) -> bool:
    return edge is not None and not edge.open and edge.point.anchor == now and edge.point.shift == Shift()


def _back(edge: Edge | None, now: str) -> Shift | None:
    """How far before the instant the edge lies, if it does."""
    if edge is None or edge.point.anchor != now or not is_forward(-edge.point.shift):
        return None
    return -edge.point.shift


def is_forward(shift: Shift) -> bool:
    """Whether the shift leads forward in time with every part of it."""
    parts = (shift.months, shift.days, shift.micros)
    return min(parts) >= 0 and max(parts) > 0


def amounts(shift: Shift) -> list[tuple[int | float, Unit]]:
    """The parts of a forward shift, each in the largest unit in which it is whole."""
    parts: list[tuple[int | float, Unit]] = []
    if shift.months:
        parts.append((shift.months // 12, "year") if shift.months % 12 == 0 else (shift.months, "month"))
    if shift.days:
        parts.append((shift.days, "day"))
    if shift.micros:
        parts.append(_exact(shift.micros))
    return parts or [(0, "second")]


def _exact(micros: int) -> tuple[int | float, Unit]:
    for unit, size in _SIZES:
        if micros % size == 0:
            return micros // size, unit
    return (micros // 1_000_000 if micros % 1_000_000 == 0 else micros / 1_000_000), "second"


def whole_day(point: Point) -> int | None:
    """The day (since 1970-01-01) whose first local instant the fixed point is, or None."""
    local, before = _local(point.micros, point.zone), _local(point.micros - 1, point.zone)
    if local is None or before is None or local.date() == before.date():
        return None
    return local.date().toordinal() - dt.date(1970, 1, 1).toordinal()


def _local(micros: int, zone: str) -> dt.datetime | None:
    try:
        return (_EPOCH + dt.timedelta(microseconds=micros)).astimezone(ZoneInfo(zone))
    except (OverflowError, ValueError):
        return None


def day_text(day: int) -> str:
    """`2026-01-31`"""
    ordinal = day + dt.date(1970, 1, 1).toordinal()
    if 1 <= ordinal <= dt.date.max.toordinal():
        return dt.date.fromordinal(ordinal).isoformat()
    return f"day {day} after 1970-01-01"


def instant_text(micros: int, zone: str) -> str:
    """`2026-01-31 10:00` in the zone, with seconds if there are any and the offset if the clock shows it twice."""
    local = _local(micros, zone)
    if local is None:
        return f"{day_text(micros // DAY)} (UTC)"
    spec = "auto" if local.second or local.microsecond else "minutes"
    text = local.replace(tzinfo=None).isoformat(sep=" ", timespec=spec)
    shown_twice = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
    return text + (local.isoformat(timespec=spec)[len(text) :] if shown_twice else "")


def weekly(cron: str) -> tuple[int, tuple[int, ...]] | None:
    """A cron line that names one time of day, on every day or on days of the week.

    The minutes since midnight, and the days: 0 is Sunday, none stands for every day. None for any other cron line.
    """
    minute, hour, day, month, weekdays = (cron.split() + [""] * 5)[:5]
    plain = minute.isdecimal() and hour.isdecimal() and day == month == "*"
    listed = [] if weekdays == "*" else weekdays.split(",")
    if not plain or not all(each.isdecimal() for each in listed):
        return None
    return int(hour) * 60 + int(minute), tuple(int(each) % 7 for each in listed)


def needs_zone(*edges: Edge | None) -> str | None:
    """The zone that a reader must know to place the edges, if any."""
    for edge in edges:
        if edge is not None and edge.point.anchor in ("day", "week", "month", "fixed"):
            return edge.point.zone
    return None
