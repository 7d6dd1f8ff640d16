"""A month of the demo shop, and its ledger read by a script of its own: every rule holds for every send."""

from __future__ import annotations

import csv
import datetime as dt
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from hashlib import blake2b
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest

import dangol
from dangol.demo import write_project
from dangol.runner.backtest import Backtest

SEOUL = ZoneInfo("Asia/Seoul")
DAY = 24 * 60 * 60


class Row(NamedTuple):
    customer: str
    playbook: str
    scenario: str
    step: int
    channel: str
    at: float
    entry: float
    due: float


@pytest.fixture(scope="module", params=["2026-10-24T20:15", pytest.param("2026-10-01T20:15", marks=pytest.mark.slow)])
def month(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Backtest]:
    """A week, or a month, of overlapping playbooks: a run every ten hours and whenever a schedule asks."""
    folder = tmp_path_factory.mktemp("month") / "shop"
    write_project(folder, "2026-11-01T00:00", 150, None)
    project = dangol.load(folder)
    found = project.backtest(request.param, "2026-10-31T23:00", minutes=600, keep=folder / "month.db")
    return folder, found


def sent(folder: Path) -> Iterator[Row]:
    asked = """SELECT e.customer, c.playbook, c.scenario, s.step, s.channel, s.sent_at / 1e6, e.time / 1e6, s.due / 1e6
               FROM sends s JOIN entries e ON e.id = s.entry JOIN scenarios c ON c.id = e.scenario
               WHERE s.state = 'sent' ORDER BY s.sent_at"""
    with sqlite3.connect(folder / "month.db") as connection:
        yield from (Row(*row) for row in connection.execute(asked))


def customers(folder: Path) -> dict[str, dict[str, str]]:
    with open(folder / "data/customers.csv", encoding="utf-8") as file:
        return {row["id"]: row for row in csv.DictReader(file)}


def draw(salt: str, customer: str) -> float:
    return (int.from_bytes(blake2b(f"{salt}\0{customer}".encode(), digest_size=8).digest(), "big") >> 11) / 2**53


def test_every_rule_holds_for_every_send(month: tuple[Path, Backtest]) -> None:
    folder, _ = month
    rows, people = list(sent(folder)), customers(folder)
    assert len(rows) > 50
    assert len({row.playbook for row in rows}) >= 3
    per_customer: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        assert 8 <= dt.datetime.fromtimestamp(row.at, SEOUL).hour < 21, row
        person = people[row.customer]
        assert person[f"{row.channel}_consent"] == "true", row
        assert person[{"push": "push_token", "email": "email"}.get(row.channel, "phone")], row
        assert draw("holdout/demo_shop", row.customer) >= 0.05, row
        if row.scenario == "come_back":
            assert draw("holdout/demo_shop/winback/come_back", row.customer) >= 0.1, row
        if row.scenario == "nudge":
            assert draw("cart_rescue/copy", row.customer) < 0.9, row
        assert row.due <= row.at <= row.due + DAY, row
        per_customer[row.customer].append(row)
    for theirs in per_customer.values():
        for last in theirs:
            assert sum(last.at - DAY < each.at <= last.at for each in theirs) <= 1
            assert sum(last.at - 7 * DAY < each.at <= last.at for each in theirs) <= 3
            nudges = [each.at for each in theirs if each.scenario == "nudge"]
            assert sum(last.at - 3 * DAY < each <= last.at for each in nudges) <= 1


def test_nobody_is_in_a_scenario_twice_at_a_time_and_never_is_never(month: tuple[Path, Backtest]) -> None:
    folder, _ = month
    with sqlite3.connect(folder / "month.db") as connection:
        asked = """SELECT e.customer, c.scenario, e.time, e.ended_at, e.sent_any FROM entries e
                   JOIN scenarios c ON c.id = e.scenario ORDER BY e.scenario, e.customer, e.id"""
        rows = connection.execute(asked).fetchall()
    used: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    ended: dict[tuple[str, str], int | None] = {}
    for customer, scenario, time, end, is_used in rows:
        before = ended.get((customer, scenario), 0)
        assert before is not None
        assert time >= before
        ended[customer, scenario] = end
        if is_used:
            used[customer, scenario].append(time)
    for (_, scenario), times in used.items():
        if scenario == "nudge":
            assert len(times) == 1
        if scenario == "reminder":
            assert all(later - earlier >= 14 * DAY * 1e6 for earlier, later in pairwise(times))


def test_who_had_bought_was_not_reminded(month: tuple[Path, Backtest]) -> None:
    import gzip

    folder, _ = month
    bought: defaultdict[str, list[float]] = defaultdict(list)
    with gzip.open(folder / "data/events.csv.gz", "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["event"] == "purchased":
                bought[row["customer"]].append(dt.datetime.fromisoformat(row["time"]).timestamp())
    reminders = [row for row in sent(folder) if row.scenario == "reminder"]
    assert reminders
    for row in reminders:
        assert not any(row.entry <= time <= row.at for time in bought[row.customer]), row


def test_the_summary_says_what_the_ledger_says(month: tuple[Path, Backtest]) -> None:
    folder, found = month
    rows = list(sent(folder))
    assert sum(found.scenarios.values()) == len(rows) == sum(sum(day.values()) for day in found.volume.values())
    assert found.customers == len({row.customer for row in rows})
    waited = {(each.scenario, each.reason): each for each in found.waited}
    assert waited["cart_rescue/reminder", "quiet hours"].sent > 0
    assert any(reason == "frequency cap" for _, reason in waited)
    assert found.overlaps


def test_a_replay_is_the_same_twice_and_leaves_nothing_behind(tmp_path: Path) -> None:
    write_project(tmp_path / "shop", "2026-11-01T00:00", 30, None)
    project = dangol.load(tmp_path / "shop")
    first = project.backtest("2026-10-20", "2026-10-21", minutes=720)
    assert first == project.backtest("2026-10-20", "2026-10-21", minutes=720)
    assert not (tmp_path / "shop/.dangol/ledger.db").exists()
