"""Five cron fields: whether they are valid, and the least time between two runs."""

from __future__ import annotations

import re
from itertools import pairwise

FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day of the month", 1, 31), ("month", 1, 12), ("day of the week", 0, 7))
MONTHS = {
    name: i + 1
    for i, name in enumerate(("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"))
}
DAYS = {name: i for i, name in enumerate(("sun", "mon", "tue", "wed", "thu", "fri", "sat"))}
PART = re.compile(r"(?:(\*)|([0-9a-z]{1,4})(?:-([0-9a-z]{1,4}))?)(?:/([0-9]{1,4}))?\Z", re.ASCII)
DAYS_OF_MONTH = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class NotCron(ValueError):
    """What is wrong with a schedule, in a marketer's words."""


def parse(text: str) -> tuple[frozenset[int], ...]:
    """The values of each field. Raises NotCron; also for a day that no month has."""
    parts = text.lower().split()
    if len(parts) != len(FIELDS):
        raise NotCron(f"a schedule has five fields (minute, hour, day, month, weekday), this has {len(parts)}")
    fields = tuple(_field(part, *bounds) for part, bounds in zip(parts, FIELDS, strict=True))
    if parts[2] != "*" and parts[4] == "*" and all(min(fields[2]) > DAYS_OF_MONTH[m - 1] for m in fields[3]):
        raise NotCron("no such day: the month is too short")
    return fields


def _field(text: str, noun: str, low: int, high: int) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        match = PART.match(part)
        if match is None:
            raise NotCron(f"`{part}` is not a {noun}")
        star, start, end, step = match.groups()
        first = low if star else _number(start, noun, low, high)
        last = high if star or (step and not end) else _number(end or start, noun, low, high)
        if first > last:
            raise NotCron(f"`{part}` runs backwards")
        if step is not None and not 1 <= int(step) <= high:
            raise NotCron(f"`/{step}` is not a step for a {noun}")
        found.update(range(first, last + 1, int(step or 1)))
    return frozenset(found)


def _number(text: str, noun: str, low: int, high: int) -> int:
    names = {"month": MONTHS, "day of the week": DAYS}.get(noun, {})
    if not text.isdigit() and text not in names:
        raise NotCron(f"`{text}` is not a {noun}")
    value = names[text] if text in names else int(text)
    if not low <= value <= high:
        raise NotCron(f"the {noun} lies between {low} and {high}, this is {value}")
    return value


def least_gap(text: str) -> int:
    """Minutes between the two closest runs: within a day, else a day (a week when one weekday is named)."""
    minutes, hours, _, _, weekdays = parse(text)
    times = sorted(hour * 60 + minute for hour in hours for minute in minutes)
    whole_day = 24 * 60
    if len(times) == 1:
        weekly = text.split()[2] == "*" and len({day % 7 for day in weekdays}) == 1
        return 7 * whole_day if weekly else whole_day
    gaps = [later - earlier for earlier, later in pairwise(times)]
    return min([*gaps, times[0] + whole_day - times[-1]])
