"""Durations as shifts, dates and instants as fixed points: local days and times on the calendar of a zone."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction

from dangol.engine import ir
from dangol.engine.calendar import DAY, SECOND, day_start, instant_of
from dangol.engine.check.scope import Scope
from dangol.grammar import ast

EPOCH_DAY = dt.date(1970, 1, 1).toordinal()
EXACT = {"s": SECOND, "min": 60 * SECOND, "h": 3600 * SECOND, "d": DAY, "w": 7 * DAY}
NOMINAL = {**EXACT, "mo": 30 * DAY, "y": 365 * DAY}
MOMENTS = {"yesterday": 0, "today": 1, "entry": 2, "now": 2}


def nominal(duration: ast.Duration) -> Fraction:
    """Microseconds for ordering units: 1mo = 30d, 1y = 365d."""
    return duration.amount * NOMINAL[duration.unit]


def shift(duration: ast.Duration) -> ir.Shift:
    """The step in time; the parser has bounded it and made sure that months and years are whole."""
    if duration.unit in EXACT:
        return ir.Shift(micros=round(duration.amount * EXACT[duration.unit]))
    return ir.Shift(months=int(duration.amount) * (12 if duration.unit == "y" else 1))


def day_shift(duration: ast.Duration, scope: Scope) -> ir.Shift:
    """The step for a date, in whole days of the calendar; E214 for hours and parts of a day."""
    if duration.unit in ("mo", "y"):
        return shift(duration)
    days = duration.amount * (7 if duration.unit == "w" else 1)
    if duration.unit not in ("d", "w") or days.denominator != 1:
        raise scope.error("E214", "a date has no hours: it takes whole days, weeks, months or years", duration)
    return ir.Shift(days=int(days))


def days(date: dt.date) -> int:
    """Days since 1970-01-01."""
    return date.toordinal() - EPOCH_DAY


def micros(instant: dt.datetime, zone: str) -> int:
    """An instant literal as microseconds since the epoch; without an offset it is local to the zone."""
    wall = (instant.replace(tzinfo=None) - dt.datetime(1970, 1, 1)) // dt.timedelta(microseconds=1)
    if instant.tzinfo is None:
        return instant_of(wall, zone)
    return wall - (instant.utcoffset() or dt.timedelta()) // dt.timedelta(microseconds=1)


def point(bound: ast.Bound, scope: Scope, add_days: int = 0) -> ir.Point:
    """A bound as a point: a date or `today` is its day's start, `add_days` later (dates only)."""
    zone = scope.zone
    if isinstance(bound, ast.Date):
        return ir.Point("fixed", zone, micros=day_start(days(bound.value) + add_days, zone))
    if isinstance(bound, ast.Instant):
        return ir.Point("fixed", zone, micros=micros(bound.value, zone))
    if bound.name in ("today", "yesterday"):
        return ir.Point("day", zone, ir.Shift(days=add_days - (bound.name == "yesterday")))
    if bound.name == "entry":
        if not scope.entry:
            raise scope.error("E217", "`entry` is known only in the steps and `exit` of a scenario", bound)
        return ir.Point("entry", zone)
    return ir.Point("at", zone)


def is_day(bound: ast.Bound) -> bool:
    """Whether the bound is a whole day, not an instant."""
    return isinstance(bound, ast.Date) or (isinstance(bound, ast.Moment) and bound.name in ("today", "yesterday"))


def is_reversed(low: ast.Bound, high: ast.Bound, scope: Scope) -> bool:
    """Whether the two bounds are surely in the wrong order."""
    if isinstance(low, ast.Moment) and isinstance(high, ast.Moment):
        return MOMENTS[low.name] > MOMENTS[high.name]
    if isinstance(low, ast.Moment) or isinstance(high, ast.Moment):
        return False
    end = point(high, scope, add_days=1).micros if is_day(high) else point(high, scope).micros
    return point(low, scope).micros >= end if is_day(high) else point(low, scope).micros > end
