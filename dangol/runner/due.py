"""When a scenario is asked for new entries: its schedule between two ticks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from croniter import croniter

from dangol.engine import ir
from dangol.engine.calendar import SECOND, instant_of, local_of, step

MINUTE = 60 * SECOND
_EPOCH = dt.datetime(1970, 1, 1)
_CLOCK_CHANGE = 26 * 60 * MINUTE
"""Further than any clock is set back: a local time before an instant minus this lies before it everywhere."""


def is_asked(schedule: ir.Schedule | None, last: int | None, at: int) -> bool:
    """Whether the schedule has an instant in (last, at] (µs); without a schedule every tick asks.

    A missed instant is caught up once, however many were missed. At the first tick of all (last None) only the last
    minute counts.
    """
    since = at - MINUTE if last is None else last
    return schedule is None or next(occurrences(schedule, since), at + 1) <= at


def occurrences(schedule: ir.Schedule, after: int) -> Iterator[int]:
    """The instants of a schedule later than `after`, in order.

    A local time that a clock change skips is the first later instant, one that repeats counts once.
    """
    if schedule.once is not None:
        if schedule.once > after:
            yield schedule.once
    elif schedule.every is not None:
        yield from _every(schedule.every, schedule.zone, after)
    elif schedule.cron is not None:
        yield from _cron(schedule.cron, schedule.zone, after)


def _every(period: ir.Shift, zone: str, after: int) -> Iterator[int]:
    """Counted from the start of 1970-01-01 in the zone, so that `every 1d` is at midnight (but for clock changes)."""
    start = instant_of(0, zone)
    if period.months or period.days:
        instant, count = start, 0
        while True:
            count += 1
            instant = step(start, ir.Shift(period.months * count, period.days * count, period.micros * count), zone)
            if instant > after:
                yield instant
    instant = start + ((after - start) // period.micros + 1) * period.micros
    while True:
        yield instant
        instant += period.micros


def _cron(cron: str, zone: str, after: int) -> Iterator[int]:
    start = _EPOCH + dt.timedelta(microseconds=local_of(after, zone) - _CLOCK_CHANGE)
    seen = after
    for local in croniter(cron, start, ret_type=dt.datetime):
        instant = instant_of((local - _EPOCH) // dt.timedelta(microseconds=1), zone)
        if instant > seen:
            seen = instant
            yield instant
