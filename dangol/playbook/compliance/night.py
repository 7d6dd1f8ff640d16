"""When the steps of a scenario fall due by the clock, and how far into the night that lies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dangol.engine import ir
from dangol.engine.calendar import DAY, SECOND, offset_at
from dangol.engine.check import cron

MINUTE = 60 * SECOND
MINUTES_A_DAY = 24 * 60
_WINTER = 1_767_225_600 * SECOND
"""2026-01-01."""
_DEFAULT_EXPIRY = ir.Shift(micros=DAY)


@dataclass(frozen=True)
class Landing:
    """A step (from 0) and the minutes of the day at which it falls due; None: at any, as its entry may be at any.

    `delay` are the minutes that it follows its entry or the step before.
    """

    step: int
    minutes: frozenset[int] | None
    delay: int = 0


def landings(scenario: ir.Scenario, zone: str) -> Iterator[Landing]:
    """When each step falls due by the clock of a zone, as far as the files tell."""
    shift = _between(scenario.zone, zone)
    asked = _later(_asked_at(scenario.schedule), shift)
    entry = asked if scenario.anchor is None else None
    before = asked  # a step without timing goes out when the schedule finds the entry
    for number, step in enumerate(scenario.steps):
        due, delay = step.due, 0
        if due is not None:
            delay = _minutes(due.shift)
            start = entry if due.word == "after" else before
            before = _later(start, delay) if due.at is None else _later(frozenset({due.at}), shift)
        yield Landing(number, before, delay)


def wait_of(minutes: frozenset[int], window: ir.Quiet) -> tuple[int, int] | None:
    """The least and the most minutes until the window ends, when all of these minutes lie in it."""
    if not minutes or not all(_inside(minute, window) for minute in minutes):
        return None
    waits = [(window.end - minute) % MINUTES_A_DAY for minute in minutes]
    return min(waits), max(waits)


def longest(window: ir.Quiet) -> int:
    """The minutes that a window lasts."""
    return (window.end - window.start) % MINUTES_A_DAY


def expiry(scenario: ir.Scenario) -> int:
    """The minutes after which a step that is due is dropped."""
    return _minutes(scenario.expires or _DEFAULT_EXPIRY)


def hours(minutes: int) -> str:
    """`11h`, `90min`."""
    return f"{minutes // 60}h" if minutes % 60 == 0 else f"{minutes}min"


def clock(minute: int) -> str:
    """`21:30`."""
    return f"{minute // 60 % 24:02}:{minute % 60:02}"


def _asked_at(schedule: ir.Schedule | None) -> frozenset[int] | None:
    try:
        fields = cron.parse(schedule.cron) if schedule is not None and schedule.cron is not None else None
    except cron.NotCron:
        fields = None
    return None if fields is None else frozenset(hour * 60 + minute for hour in fields[1] for minute in fields[0])


def _between(zone: str, other: str) -> int:
    """Minutes from the clock of one zone to that of another, without their summer times."""
    return (offset_at(_WINTER, other) - offset_at(_WINTER, zone)) // MINUTE


def _later(start: frozenset[int] | None, delay: int) -> frozenset[int] | None:
    return None if start is None else frozenset((minute + delay) % MINUTES_A_DAY for minute in start)


def _minutes(shift: ir.Shift | None) -> int:
    return 0 if shift is None else (shift.months * 30 + shift.days) * MINUTES_A_DAY + shift.micros // MINUTE


def _inside(minute: int, window: ir.Quiet) -> bool:
    if window.start <= window.end:
        return window.start <= minute < window.end
    return minute >= window.start or minute < window.end
