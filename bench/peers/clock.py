"""The instants that the peers compare with: naive UTC, calendar units of Seoul (UTC+9, no clock changes)."""

from __future__ import annotations

import calendar
import datetime as dt
from dataclasses import dataclass

OFFSET = dt.timedelta(hours=9)


@dataclass(frozen=True)
class Clock:
    """`at` is the evaluation instant, naive UTC; so is every instant returned."""

    at: dt.datetime

    @property
    def local_day(self) -> dt.date:
        return (self.at + OFFSET).date()

    def ago(self, days: float) -> dt.datetime:
        return self.at - dt.timedelta(days=days)

    def start_of(self, day: dt.date) -> dt.datetime:
        return dt.datetime.combine(day, dt.time()) - OFFSET

    def day(self, back: int = 0) -> dt.datetime:
        return self.start_of(self.local_day - dt.timedelta(days=back))

    def week(self, back: int = 0) -> dt.datetime:
        return self.start_of(self.local_day - dt.timedelta(days=self.local_day.weekday() + 7 * back))

    def month(self, back: int = 0) -> dt.datetime:
        return self.start_of(_months_before(self.local_day.replace(day=1), back))

    def months_ago(self, count: int) -> dt.datetime:
        local = self.at + OFFSET
        return dt.datetime.combine(_months_before(local.date(), count), local.time()) - OFFSET

    def birthdays(self, days: int) -> list[str]:
        """The `mmdd` whose anniversary falls on today or within so many days after; 0229 on the 28th in other years."""
        found = [self.local_day + dt.timedelta(days=n) for n in range(days + 1)]
        leap = [day for day in found if (day.month, day.day) == (2, 28) and not calendar.isleap(day.year)]
        return [day.strftime("%m%d") for day in found] + ["0229" for _ in leap]

    def sql(self) -> dict[str, str]:
        """Literals by name: {at} {d7} {today} {yesterday} {week} {last_week} {month} {last_month} {m3} {birthdays} …"""
        instants = {f"d{n}": self.ago(n) for n in range(1, 200)}
        instants |= {"at": self.at, "today": self.day(), "yesterday": self.day(1), "m3": self.months_ago(3)}
        instants |= {"week": self.week(), "last_week": self.week(1), "month": self.month(), "last_month": self.month(1)}
        birthdays = ", ".join(f"'{mmdd}'" for mmdd in self.birthdays(7))
        return {name: f"TIMESTAMP '{value.isoformat(sep=' ')}'" for name, value in instants.items()} | {
            "birthdays": birthdays
        }


def _months_before(day: dt.date, count: int) -> dt.date:
    year, month = divmod(day.year * 12 + day.month - 1 - count, 12)
    return dt.date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
