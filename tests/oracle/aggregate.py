"""language.md §5: what `count`, `sum`, `last` … say about some events of one customer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from tests.oracle.clock import days_between, local_day
from tests.oracle.world import Event, Value


def of_events(function: str, events: Sequence[Event], at: dt.datetime, zone: ZoneInfo) -> Value:
    """An aggregate of events as such; `events` are in time order."""
    times = [event.time for event in events]
    match function:
        case "count":
            return Fraction(len(times))
        case "active_days":
            return Fraction(len({local_day(t, zone) for t in times}))
        case "first":
            return times[0] if times else None
        case "last":
            return times[-1] if times else None
        case "days_since":
            return days_since(times[-1] if times else None, at)
        case "gap":
            return days_between(times[0], times[-1]) / (len(times) - 1) if len(times) >= 2 else None
    raise AssertionError(function)


def days_since(t: dt.datetime | None, at: dt.datetime) -> Value:
    return None if t is None else days_between(t, at)


def of_property(function: str, events: Sequence[Event], name: str) -> Value:
    """An aggregate of a property; events without it are left out, except for `first` and `last`."""
    if function in ("first", "last"):
        return at_one_instant(events, events[0 if function == "first" else -1].time, name) if events else None
    values: list[Any] = [v for event in events if (v := event.properties.get(name)) is not None]
    match function:
        case "count":
            return Fraction(len(values))
        case "sum":
            return sum(values, Fraction(0))
        case "distinct":
            return Fraction(len(set(values)))
        case "avg":
            return sum(values, Fraction(0)) / len(values) if values else None
        case "min":
            return min(values, default=None)
        case "max":
            return max(values, default=None)
        case "most":
            return most(events, name)
    raise AssertionError(function)


def at_one_instant(events: Sequence[Event], t: dt.datetime, name: str) -> Value:
    """The greatest value of the events at an instant; missing only if all of them lack it."""
    values: list[Any] = [e.properties.get(name) for e in events if e.time == t]
    return max((v for v in values if v is not None), default=None)


def most(events: Sequence[Event], name: str) -> Value:
    """The most frequent value; ties go to the later last occurrence, then to the greatest value."""
    times: dict[Any, list[dt.datetime]] = {}
    for event in events:
        if (value := event.properties.get(name)) is not None:
            times.setdefault(value, []).append(event.time)
    return max(times, key=lambda value: (len(times[value]), max(times[value]), value), default=None)
