"""Looks are written down once: what a verdict rested on when somebody looked, whatever the data say later."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from dangol.measure.experiment import Lift
from dangol.measure.reason import Reason
from dangol.measure.verdict import Comparison
from dangol.runner.experiments.measured import Measured
from dangol.runner.experiments.results import ExperimentResult, Results
from dangol.runner.ledger import Ledger, Result

METHODS = 1
"""The version of how numbers come about; a result of another one need not be the same."""


def record(ledger: Ledger, found: Results) -> list[str]:
    """Writes down today's look at every KPI; one that was taken already stays as it was.

    Returns the KPIs (`playbook/scenario: line`) of which an earlier look counted other customers or conversions than
    the same day does now: events came late, or were changed.
    """
    changed = []
    for one in found.experiments:
        for kpi in one.kpis if one.phase is not None else ():
            _write(ledger, found.at, one, kpi)
            if any(_differs(before, kpi) for before in _earlier(ledger, one, kpi)):
                changed.append(f"{one.full_name}: {kpi.kpi.written}")
    return changed


def _write(ledger: Ledger, at: int, one: ExperimentResult, kpi: Measured) -> None:
    assert one.phase is not None
    body = json.dumps(_body(one, kpi), ensure_ascii=False)
    ledger.record_result(Result(one.phase.id, kpi.known_by, kpi.horizon.until, at, body))


def _body(one: ExperimentResult, kpi: Measured) -> dict[str, Any]:
    return {
        "version": METHODS,
        "line": kpi.kpi.written,
        "verdict": kpi.verdict.answer,
        "reason": kpi.verdict.reason.code,
        "problems": [each.code for each in kpi.problems],
        "srm_p": None if one.srm is None else one.srm.p,
        "sums": {row.group.name: row.sums.record() for row in kpi.rows},
        "lint": None if one.phase is None else one.phase.lint,
        **({} if kpi.lift is None else _lift(kpi.lift)),
    }


def _lift(found: Lift) -> dict[str, Any]:
    return {
        "look": len(found.looks),
        "decided_on": None if found.decided is None else found.decided.day,
        "shown_on": found.shown_on,
        **_comparison(found.now),
    }


def _comparison(now: Comparison) -> dict[str, Any]:
    effect = None if isinstance(now.effect, Reason) else {"value": now.effect.value, "se": now.effect.se}
    return {
        "method": now.design.method,
        "alpha": now.design.alpha,
        "spent": now.spent,
        "scale": now.design.scale,
        "planned": sum(now.design.planned.values()) or None,
        "effect": effect,
        "bound": now.bound,
        "interval": now.interval,
        "p": now.p,
        "chance_to_win": now.chance_to_win,
        "loss_of_shipping": now.loss_of_shipping,
        "loss_of_keeping": now.loss_of_keeping,
    }


def _earlier(ledger: Ledger, one: ExperimentResult, kpi: Measured) -> Iterator[Result]:
    assert one.phase is not None
    return (each for each in ledger.results(one.phase.id) if each.kpi == kpi.known_by)


def _differs(before: Result, kpi: Measured) -> bool:
    """Whether a look that was written down had other sums than the same day has now."""
    told, now = json.loads(before.body)["sums"], kpi.sums_on(before.look)
    return now is not None and any(name in told and told[name] != sums.record() for name, sums in now.items())
