"""The results of an experiment that ran, its ledger written by ticks, against counts of their own."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction

import pytest

from dangol.measure.assignment import arms
from dangol.runner.experiments.measured import Measured
from dangol.runner.experiments.results import ExperimentResult, results
from tests.runner.running import Running, rule

WHO = [f"c{number:03}" for number in range(240)]
REFUSES = WHO[::24]
DRAWN = dict(zip(WHO, arms("p/offer", (Fraction(1, 2), Fraction(1, 2)), WHO).tolist(), strict=True))
MINT, CONTROL = 0, 1
TARGETS = "[purchased within 2d up 20% vs control by 2026-03-09, purchased within 2d >= 5% by 2026-03-09]"
PLAYBOOK = rule(
    "visited → after 1h push split offer", "quiet: 21:00–08:00", f"kpi: {TARGETS}",
    more="splits: {offer: 'mint 50%, control 50%'}\nmessages: {mint: {push: Mint}}\n",
)  # fmt: skip
SECOND, HOUR, TWO_DAYS = dt.timedelta(seconds=1), dt.timedelta(hours=1), dt.timedelta(days=2)
LAST = dt.datetime(2026, 3, 10)
"""Whose time ends on the day of the deadline or before, counts."""


def visit(number: int) -> dt.datetime:
    """Over eight days, every second one so late that the message waits for the morning."""
    return dt.datetime(2026, 3, 1 + number % 8, 20 if number % 2 else 11, 30)


def purchases() -> dict[str, dt.datetime]:
    """At and around the edges of each customer's two days; of those with messages more."""
    found = {}
    for number, who in enumerate(WHO):
        due = visit(number) + HOUR
        times = (due, due + SECOND, due + HOUR, due + TWO_DAYS, due + TWO_DAYS + SECOND, due + TWO_DAYS + 5 * HOUR)
        if number % (3 if DRAWN[who] == MINT else 5) == 0:
            found[who] = times[number // 7 % 6]
    return found


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Running:
    """Run at noon, at 13:00 and at 22:00 of each day, and at 8 in the morning."""
    events = [f"{who} visited {visit(number).isoformat()}" for number, who in enumerate(WHO)]
    events += [f"{who} purchased {at.isoformat()}" for who, at in purchases().items()]
    customers = [{"id": who, "ok_push": "false" if who in REFUSES else "true"} for who in WHO]
    shop = Running(tmp_path_factory.mktemp("ran"), PLAYBOOK, customers, events)
    for day in range(1, 11):
        for hour in (8, 13, 22):
            shop.run(f"03-{day:02} {hour:02}:00", linted=False, confirmed=True)
    return shop


@pytest.fixture(scope="module")
def found(ran: Running) -> ExperimentResult:
    at = ran.micros("03-12 09:00")
    (one,) = results(ran.project.files, ran.project.data.evaluate, ran.ledger, at).experiments
    return one


def counted(starts: dict[str, dt.datetime]) -> tuple[int, int]:
    """(customers, those of them who bought) whose two days ended in time."""
    bought = purchases()
    whole = {who: start for who, start in starts.items() if start + TWO_DAYS < LAST}
    return len(whole), sum(start < bought.get(who, start) <= start + TWO_DAYS for who, start in whole.items())


def group(found: Measured, name: str) -> tuple[int, int]:
    (row,) = (row for row in found.rows if row.group.name == name)
    return row.sums.n, int(row.sums.totals[0])


def test_groups_have_whom_the_draw_gives_them(ran: Running, found: ExperimentResult) -> None:
    drawn = [DRAWN[who] for who in WHO if who not in REFUSES]
    mint, control = found.groups
    assert [(one.group.name, one.assigned, one.reached) for one in (mint, control)] == [
        ("mint", drawn.count(MINT), len(ran.messages)), ("control", drawn.count(CONTROL), 0),
    ]  # fmt: skip


@pytest.mark.parametrize(("name", "arm"), [("mint", MINT), ("control", CONTROL)])
def test_a_lift_counts_from_when_the_step_was_due_in_every_group(found: ExperimentResult, name: str, arm: int) -> None:
    due = {who: visit(n) + HOUR for n, who in enumerate(WHO) if DRAWN[who] == arm and who not in REFUSES}
    customers, bought = counted(due)
    assert group(found.kpis[0], name) == (customers, bought)
    assert 0 < bought < customers < len(due)


def test_a_level_counts_from_when_the_message_went_out(ran: Running, found: ExperimentResult) -> None:
    sent = {}
    for number, who in enumerate(WHO):
        if DRAWN[who] == MINT and who not in REFUSES:
            due = visit(number) + HOUR
            sent[who] = (
                due.replace(hour=13, minute=0) if due.hour < 13 else due.replace(hour=8, minute=0) + dt.timedelta(1)
            )
    assert {message.customer for message in ran.messages} == set(sent)
    level = counted(sent)
    assert group(found.kpis[1], "mint") == level
    assert level != group(found.kpis[0], "mint")


def test_a_scenario_that_is_renamed_has_no_results_until_it_is_called_as_before(ran: Running) -> None:
    ran.write(PLAYBOOK.replace("  s:", "  t:"))
    at = ran.micros("03-12 09:00")
    (one,) = results(ran.project.files, ran.project.data.evaluate, ran.ledger, at).experiments
    assert (one.full_name, one.phase, one.groups) == ("p/t", None, ())
    assert {kpi.verdict.answer for kpi in one.kpis} == {"unknown"}
    ran.write(PLAYBOOK)
    (one,) = results(ran.project.files, ran.project.data.evaluate, ran.ledger, at).experiments
    assert sum(each.assigned for each in one.groups) == len(WHO) - len(REFUSES)
