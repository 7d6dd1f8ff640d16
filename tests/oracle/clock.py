"""Local days, steps of the calendar and time clauses, as language.md §2 and §3 say them."""

from __future__ import annotations

import calendar
import datetime as dt
from fractions import Fraction
from zoneinfo import ZoneInfo

from dangol.grammar import ast

MICROSECOND = dt.timedelta(microseconds=1)
DAY = dt.timedelta(days=1)
SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


def first_instant(local: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    """The instant of a local time: of one shown twice the first, of one that is skipped the first later instant."""
    found = local.replace(tzinfo=zone, fold=0).astimezone(dt.UTC)
    if found.astimezone(zone).replace(tzinfo=None) == local:
        return found
    before = local.replace(tzinfo=zone, fold=1).astimezone(dt.UTC)
    after = found
    while after - before > MICROSECOND:
        middle = before + (after - before) // 2
        if middle.astimezone(zone).replace(tzinfo=None) >= local:
            after = middle
        else:
            before = middle
    return after


def local_day(t: dt.datetime, zone: ZoneInfo) -> dt.date:
    return t.astimezone(zone).date()


def day_start(day: dt.date, zone: ZoneInfo) -> dt.datetime:
    return first_instant(dt.datetime.combine(day, dt.time()), zone)


def add_months(day: dt.date, months: int) -> dt.date:
    """A step on the calendar, clamped to the month's last day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return dt.date(year, month + 1, min(day.day, last))


def months_of(duration: ast.Duration) -> int:
    """The calendar months of `3mo` and `1y`, which are whole numbers."""
    months = duration.amount * (12 if duration.unit == "y" else 1)
    assert months.denominator == 1
    return int(months)


def step(t: dt.datetime, duration: ast.Duration, sign: int, zone: ZoneInfo) -> dt.datetime:
    """t plus or minus a duration: `s min h d w` exactly, `mo y` on the local calendar at the same local time."""
    if duration.unit in SECONDS:
        return t + sign * dt.timedelta(microseconds=int(duration.amount * SECONDS[duration.unit] * 1_000_000))
    local = t.astimezone(zone).replace(tzinfo=None, fold=0)
    day = add_months(local.date(), sign * months_of(duration))
    return first_instant(dt.datetime.combine(day, local.time()), zone)


def step_day(day: dt.date, duration: ast.Duration, sign: int) -> dt.date:
    """A day plus or minus a duration of whole days or longer."""
    if duration.unit in ("d", "w"):
        days = duration.amount * (7 if duration.unit == "w" else 1)
        assert days.denominator == 1
        return day + sign * int(days) * DAY
    return add_months(day, sign * months_of(duration))


def days_between(early: dt.datetime, late: dt.datetime) -> Fraction:
    """Fractional days of 24 hours."""
    return Fraction((late - early) // MICROSECOND, 86400 * 1_000_000)


def calendar_days(unit: str, today: dt.date) -> tuple[dt.date, dt.date]:
    """The first day of a calendar unit, and the first day after it."""
    monday = today - today.weekday() * DAY
    first = today.replace(day=1)
    return {
        "today": (today, today + DAY),
        "yesterday": (today - DAY, today),
        "this week": (monday, monday + 7 * DAY),
        "last week": (monday - 7 * DAY, monday),
        "this month": (first, add_months(first, 1)),
        "last month": (add_months(first, -1), first),
    }[unit]


def moment(bound: ast.Bound, at: dt.datetime, zone: ZoneInfo) -> dt.date | dt.datetime:
    """A bound as a day (a date, not a datetime) or as an instant."""
    if isinstance(bound, ast.Date):
        return bound.value
    if isinstance(bound, ast.Instant):
        written = bound.value
        return first_instant(written, zone) if written.tzinfo is None else written.astimezone(dt.UTC)
    today = local_day(at, zone)
    named = {"today": today, "yesterday": today - DAY, "now": at}
    return named[bound.name]


def is_instant(value: object) -> bool:
    return isinstance(value, dt.datetime)


def instant_in(t: dt.datetime, clause: ast.TimeClause, at: dt.datetime, zone: ZoneInfo) -> bool:
    """Whether an instant matches a time clause asked at `at`."""
    match clause:
        case ast.Within(duration):
            return step(at, duration, -1, zone) <= t <= at
        case ast.WithinNext(duration):
            return at <= t <= step(at, duration, +1, zone)
        case ast.Ago(near, far):
            return step(at, far, -1, zone) <= t < step(at, near, -1, zone)
        case ast.MoreThanAgo(duration):
            return t < step(at, duration, -1, zone)
        case ast.Calendar(unit):
            first, after = calendar_days(unit, local_day(at, zone))
            return day_start(first, zone) <= t < day_start(after, zone)
        case ast.Relative(word, bound):
            return instant_relative(t, word, moment(bound, at, zone), zone)
        case ast.BetweenDates(low, high):
            return instant_relative(t, "since", moment(low, at, zone), zone) and not instant_relative(
                t, "after", moment(high, at, zone), zone
            )
    raise AssertionError(clause)


def instant_relative(t: dt.datetime, word: str, bound: dt.date | dt.datetime, zone: ZoneInfo) -> bool:
    """`since`, `after`, `before`, `on` of a day or an instant."""
    if isinstance(bound, dt.datetime):
        return {"since": t >= bound, "after": t > bound, "before": t < bound}[word]
    start, end = day_start(bound, zone), day_start(bound + DAY, zone)
    return {"since": t >= start, "after": t >= end, "before": t < start, "on": start <= t < end}[word]


def day_in(day: dt.date, clause: ast.TimeClause, at: dt.datetime, zone: ZoneInfo) -> bool:
    """Whether a date matches a time clause: everything is compared by day."""
    today = local_day(at, zone)
    match clause:
        case ast.Within(duration):
            return step_day(today, duration, -1) <= day <= today
        case ast.WithinNext(duration):
            return today <= day <= step_day(today, duration, +1)
        case ast.Ago(near, far):
            return step_day(today, far, -1) <= day < step_day(today, near, -1)
        case ast.MoreThanAgo(duration):
            return day < step_day(today, duration, -1)
        case ast.Calendar(unit):
            first, after = calendar_days(unit, today)
            return first <= day < after
        case ast.Relative(word, bound):
            other = bound_day(bound, at, zone)
            return {"since": day >= other, "after": day > other, "before": day < other, "on": day == other}[word]
        case ast.BetweenDates(low, high):
            return bound_day(low, at, zone) <= day <= bound_day(high, at, zone)
    raise AssertionError(clause)


def bound_day(bound: ast.Bound, at: dt.datetime, zone: ZoneInfo) -> dt.date:
    value = moment(bound, at, zone)
    return local_day(value, zone) if isinstance(value, dt.datetime) else value
