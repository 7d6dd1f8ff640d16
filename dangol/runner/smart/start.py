"""A target is linted before it is started: one that has an error is not, and what was accepted is kept with it."""

from __future__ import annotations

import json

from dangol.diagnostics import DangolError, Line, diagnose
from dangol.engine import ir
from dangol.playbook.project import Project
from dangol.playbook.smart.finding import Lint
from dangol.runner.ledger import Ledger
from dangol.runner.model import Plan
from dangol.runner.rehearse import Evaluate
from dangol.runner.smart.lint import Asked, diagnostics, lint


def is_started(scenario: ir.Scenario, ledger: Ledger | None) -> bool:
    """Whether a run has assigned customers in this phase of the scenario."""
    if ledger is None:
        return False
    begun = ledger.experiments(scenario.playbook, scenario.name)
    return any(one.start.phase == scenario.phase for one in begun)


def fit_to_start(project: Project, evaluate: Evaluate, ledger: Ledger, plan: Plan) -> tuple[Lint, ...]:
    """The report on each target that this plan would start. Raises DangolError when one of them has an error."""
    begun = {(one.playbook, one.scenario) for one in plan.scenarios if one.record.entries.is_new.any()}
    fresh = Asked(scenarios=lambda one: (one.playbook, one.name) in begun and not is_started(one, ledger))
    found = lint(project, evaluate, plan, fresh)
    errors = [told for told in diagnostics(project, found) if told.is_error]
    if errors:
        names = ", ".join(f"`{name}`" for name in dict.fromkeys(one.full_name for one in found if one.has_errors))
        message = f"{names} is not started: its target has errors"
        hints = ("mend the target, leave it out, or say `enabled: false`",)
        raise DangolError(*errors, diagnose("E820", message, Line.of("", "run"), hints=hints))
    return found


def keep(ledger: Ledger, found: tuple[Lint, ...]) -> None:
    """Records with each experiment that has begun the report on its targets."""
    for name in dict.fromkeys((one.playbook, one.scenario) for one in found):
        report = [_record(one) for one in found if (one.playbook, one.scenario) == name]
        for experiment in ledger.experiments(*name)[-1:]:
            ledger.plan_experiment(experiment.id, None, json.dumps(report, ensure_ascii=False))


def _record(one: Lint) -> dict[str, object]:
    lights = {light.letter: {"severity": light.severity, "line": light.line} for light in one.lights}
    found = [
        {"rule": f.rule, "severity": f.severity, "found": f.found, "needed": f.needed, "accepted": f.accepted}
        for f in one.findings
    ]
    return {"kpi": one.kpi, "lights": lights, "findings": found}
