"""What results say where there is nobody, one customer, one day, or an effect that only an earlier look has shown."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

import dangol
from dangol.measure.experiment import Horizon, lift
from dangol.measure.reason import Reason
from dangol.measure.sums import share_sums
from dangol.measure.verdict import Target
from dangol.views import results as view
from dangol.views.verdicts import worded
from tests.measure.crowds import crowd, results
from tests.measure.simulated import PLAYBOOK, Simulated


@pytest.mark.parametrize(
    ("at", "answer", "said"),
    [
        ("2026-03-01T12:00", "open", "31 days to go"),
        ("2026-03-31T12:00", "open", "1 day to go"),
        ("2026-04-01", "unknown", "nobody to measure yet"),
    ],
)
def test_days_to_go_before_anybody_is_assigned(tmp_path: Path, at: str, answer: str, said: str) -> None:
    shop = Simulated(tmp_path, [])
    shop.files()
    project = shop.project()
    assert results(project, at).kpis[0].verdict.answer == answer
    assert said in view.as_text(project.results(at), [], colour=False)


def test_one_is_no_plural() -> None:
    assert worded(Reason("too_few_customers", 1, 100)) == "only 1 customer, 100 are needed"
    assert worded(Reason("too_few_days", 1, 7)) == "1 day, 7 are needed"
    assert worded(Reason("too_few_days", 2, 7)) == "2 days, 7 are needed"


def test_a_guardrail_against_a_group_that_was_not_drawn_is_not_shown(tmp_path: Path) -> None:
    people = [*crowd(120, "discount", "a"), *crowd(120, "control", "b")]
    shop = Simulated(tmp_path, people)
    shop.project()  # a ledger in which nobody is held out
    line = "purchased within 7d down at most 10% vs holdout"
    playbook = PLAYBOOK.replace("    kpi: KPI\n", f"    kpi: KPI\n    guardrails: {line}\n")
    changed = replace(shop, holdout="10%", playbook=playbook)
    changed.files()

    (found,) = results(dangol.load(tmp_path), "2026-04-05").guardrails
    assert (found.state, found.reason) == ("not shown", Reason("no_customers", 0, 1, "holdout"))


def test_an_effect_that_was_shown_stays_shown() -> None:
    days = [10, 20, 27]
    control = [share_sums(n, x) for n, x in ((500, 50), (800, 100), (1000, 150))]
    treatment = [share_sums(n, x) for n, x in ((500, 120), (800, 150), (1000, 152))]
    found = lift(control, treatment, days, Horizon(0, 27, 27), Target("up", Fraction(1, 10)))
    assert found.shown_on == 10
    assert not found.now.shown
    assert found.verdict.reason.code != "no_effect_shown"
