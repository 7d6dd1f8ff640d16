"""What a target comes to, worked out from the ledger's rows and the shop's files alone: plain Python, one customer at a
time, from the language reference (section 7) and docs/results.md, without a line of the engine or of results."""

from __future__ import annotations

import csv
import datetime as dt
import json
import sqlite3
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

SEOUL = ZoneInfo("Asia/Seoul")
DAY = 86_400_000_000


class Customer(NamedTuple):
    id: str
    group: str
    entry: int
    due: int
    first_sent: int | None


class Event(NamedTuple):
    name: str
    time: int
    product: str
    amount: float | None


def customers(directory: Path, at: int) -> list[Customer]:
    """Each customer once, by the first entry that was assigned; those who stand in the customers table."""
    with open(directory / "data/customers.csv", encoding="utf-8") as file:
        known = {row["id"] for row in csv.DictReader(file)}
    with sqlite3.connect(directory / ".dangol/ledger.db") as connection:
        rows = connection.execute(
            "SELECT e.customer, e.time, a.due, c.holdout, c.arms FROM assignments a JOIN entries e ON e.id = a.entry "
            "JOIN cohorts c ON c.id = a.cohort WHERE a.at <= ? ORDER BY e.id", (at,)
        ).fetchall()  # fmt: skip
        sends = connection.execute(
            "SELECT e.customer, s.sent_at FROM sends s JOIN entries e ON e.id = s.entry WHERE s.sent_at <= ?", (at,)
        ).fetchall()
    first: dict[str, int] = {}
    for who, time in sends:
        first[who] = min(time, first.get(who, time))
    found: dict[str, Customer] = {}
    for who, entry, due, holdout, arms in rows:
        group = f"{holdout} holdout" if holdout != "none" else next(iter(json.loads(arms).values()), "messages")
        found.setdefault(who, Customer(who, group, entry, due, first.get(who)))
    return [one for one in found.values() if one.id in known]


def events(directory: Path, at: int) -> dict[str, list[Event]]:
    """The events of each customer up to an instant."""
    found: defaultdict[str, list[Event]] = defaultdict(list)
    with open(directory / "data/events.csv", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            time = int(dt.datetime.fromisoformat(row["time"]).replace(tzinfo=SEOUL).timestamp()) * 1_000_000
            if time <= at:
                amount = float(row["amount"]) if row["amount"] else None
                found[row["customer"]].append(Event(row["event"], time, row["product"], amount))
    return found


def local_day(time: int) -> dt.date:
    return dt.datetime.fromtimestamp(time / 1e6, SEOUL).date()


def window(
    directory: Path, at: int, by: dt.date, days: int, metric: Callable[[list[Event]], float], *, level: bool = False
) -> dict[str, list[float]]:
    """Group → the metric of each mature customer, of the purchases in (start, start + days]: from when the step was
    due, or (level) when the first message went out."""
    until = min(local_day(at) - dt.timedelta(days=1), by)
    happened = events(directory, at)
    found: defaultdict[str, list[float]] = defaultdict(list)
    for one in customers(directory, at):
        start = one.first_sent if level else one.due
        if start is None:
            continue
        end = start + days * DAY  # Seoul has no clock changes
        if local_day(end) <= until:
            bought = [e for e in happened[one.id] if e.name == "purchased" and start < e.time <= end]
            found[one.group].append(metric(bought))
    return dict(found)
