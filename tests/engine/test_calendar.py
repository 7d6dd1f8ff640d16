"""Local time: clock changes, month ends, leap days; one at a time and for whole arrays alike."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dangol.engine import calendar
from dangol.engine.backends.vector.zone import anniversaries, zone_for, zone_over
from dangol.engine.ir import Point, Shift

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
ZONES = (
    "UTC", "Europe/Berlin", "America/New_York", "Asia/Seoul", "America/Sao_Paulo", "America/St_Johns", "Pacific/Apia",
    "Africa/Casablanca", "Asia/Beirut",
)  # fmt: skip
INSTANTS = st.integers(0, 2_600_000_000).map(lambda second: second * calendar.SECOND + 1)


def utc(text: str) -> int:
    return calendar.micros_of(dt.datetime.fromisoformat(text + "+00:00"))


def local(text: str) -> int:
    return utc(text)


@pytest.mark.parametrize(
    ("zone", "shown", "instant"),
    [
        ("Europe/Berlin", "2026-03-29T02:30", "2026-03-29T01:00"),
        ("Europe/Berlin", "2026-10-25T02:30", "2026-10-25T00:30"),
        ("America/New_York", "2026-03-08T02:00", "2026-03-08T07:00"),
        ("America/New_York", "2026-11-01T01:59:59", "2026-11-01T05:59:59"),
        ("Asia/Seoul", "2026-01-01T00:00", "2025-12-31T15:00"),
        ("America/Sao_Paulo", "2018-11-04T00:00", "2018-11-04T03:00"),
        ("Asia/Beirut", "2024-03-31T00:15", "2024-03-30T22:00"),
        ("Pacific/Apia", "2011-12-30T12:00", "2011-12-30T10:00"),
    ],
)
def test_a_skipped_local_time_is_the_first_later_instant_and_a_repeated_one_the_first(
    zone: str, shown: str, instant: str
) -> None:
    assert calendar.instant_of(local(shown), zone) == utc(instant)
    found = zone_over(zone, utc(instant), utc(instant), calendar.DAY).instants(np.array([local(shown)]))
    assert found.tolist() == [utc(instant)]


@pytest.mark.parametrize(
    ("instant", "shift", "expected"),
    [
        ("2026-03-31T12:00", Shift(months=-1), "2026-02-28T12:00"),
        ("2024-03-31T12:00", Shift(months=-1), "2024-02-29T12:00"),
        ("2024-02-29T12:00", Shift(months=12), "2025-02-28T12:00"),
        ("2026-01-31T12:00", Shift(months=1, days=1), "2026-03-01T12:00"),
        ("2026-01-31T12:00", Shift(micros=90), "2026-01-31T12:00:00.000090"),
    ],
)
def test_months_clamp_before_days_are_added(instant: str, shift: Shift, expected: str) -> None:
    assert calendar.step(utc(instant), shift, "UTC") == utc(expected)


def test_a_month_keeps_the_local_time_over_a_clock_change() -> None:
    assert calendar.step(utc("2026-03-01T09:00"), Shift(months=1), "Europe/Berlin") == utc("2026-04-01T08:00")


def test_the_next_day_begins_at_midnight_even_if_this_one_began_at_one() -> None:
    at = utc("2018-11-04T12:00")
    day, next_day = (Point("day", "America/Sao_Paulo", Shift(days=days)) for days in (0, 1))
    assert calendar.resolve(day, at) == utc("2018-11-04T03:00")
    assert calendar.resolve(next_day, at) == utc("2018-11-05T02:00")


@pytest.mark.parametrize(
    ("anchor", "expected"), [("day", "2026-08-01T15:00"), ("week", "2026-07-26T15:00"), ("month", "2026-07-31T15:00")]
)
def test_units_begin_at_local_midnight_and_weeks_on_monday(anchor: str, expected: str) -> None:
    at = utc("2026-08-02T10:00")
    assert calendar.resolve(Point(anchor, "Asia/Seoul"), at) == utc(expected)  # type: ignore[arg-type]


def test_far_away_times_are_clamped_not_crashed() -> None:
    at = utc("2026-08-02T10:00")
    for shift in (Shift(months=10**9), Shift(months=-(10**9)), Shift(days=10**9), Shift(micros=10**30)):
        assert abs(calendar.step(at, shift, "Europe/Berlin")) <= calendar.FAR
    zone = zone_for("UTC", np.array([at]), Shift(days=1))
    for shift in (Shift(months=10**9), Shift(months=-(10**9)), Shift(days=10**9), Shift(micros=10**30)):
        assert abs(int(zone.step(np.array([at]), shift)[0])) <= 2 * calendar.FAR


def day(text: str) -> int:
    return (dt.date.fromisoformat(text) - dt.date(1970, 1, 1)).days


@pytest.mark.parametrize(
    ("born", "today", "expected"),
    [
        ("2000-02-29", "2026-02-27", "2026-02-28"),
        ("2000-02-29", "2026-02-28", "2026-02-28"),
        ("2000-02-29", "2026-03-01", "2027-02-28"),
        ("2000-02-29", "2027-03-01", "2028-02-29"),
        ("1990-01-01", "2026-01-01", "2026-01-01"),
        ("1990-12-31", "2026-01-01", "2026-12-31"),
        ("2030-06-15", "2026-06-16", "2027-06-15"),
    ],
)
def test_the_next_anniversary_includes_today(born: str, today: str, expected: str) -> None:
    assert calendar.anniversary(day(born), day(today)) == day(expected)
    assert anniversaries(np.array([day(born)], np.int32), day(today)).tolist() == [day(expected)]


@settings(deadline=None)
@given(st.sampled_from(ZONES), st.lists(INSTANTS, min_size=1, max_size=30), st.integers(-30, 30), st.integers(-40, 40))
def test_arrays_agree_with_single_instants(zone: str, instants: list[int], months: int, days: int) -> None:
    given_, shift = np.array(instants), Shift(months, days, 5)
    clock = zone_for(zone, given_, shift)
    assert clock.local(given_).tolist() == [calendar.local_of(each, zone) for each in instants]
    assert clock.days(given_).tolist() == [calendar.day_of(each, zone) for each in instants]
    assert clock.instants(given_).tolist() == [calendar.instant_of(each, zone) for each in instants]
    assert clock.step(given_, shift).tolist() == [calendar.step(each, shift, zone) for each in instants]


@given(st.sampled_from(ZONES), INSTANTS)
def test_a_local_time_leads_to_the_first_instant_that_shows_it_or_a_later_one(zone: str, instant: int) -> None:
    shown = calendar.local_of(instant, zone)
    assert calendar.instant_of(shown, zone) <= instant
    assert calendar.local_of(calendar.instant_of(shown, zone), zone) == shown
    back = dt.datetime.fromtimestamp(instant // calendar.SECOND, calendar.zone_info(zone)).replace(tzinfo=dt.UTC)
    assert calendar.micros_of(back) == shown // calendar.SECOND * calendar.SECOND
