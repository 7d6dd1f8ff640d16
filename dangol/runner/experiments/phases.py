"""Draws are frozen once somebody is assigned: a change needs a new phase, and a renaming is never a new draw."""

from __future__ import annotations

from collections.abc import Iterator

from dangol.diagnostics import Diagnostic, Line, diagnose
from dangol.engine.calendar import local_of
from dangol.measure.design import Design
from dangol.playbook.lines import ScenarioFile
from dangol.playbook.project import Project
from dangol.runner.entries import Past
from dangol.runner.ledger.experiment_rows import Experiment
from dangol.runner.model import Plan, ScenarioPlan

STOPS = ("E840", "E841", "E842")
"""Findings at which a run stops."""


def frozen(project: Project, plan: Plan, past: Past) -> Iterator[Diagnostic]:
    """What stands against drawing as the files say now: a draw that is under way and would change (E840), a phase
    that is over (E841), a scenario that looks like one renamed (E842)."""
    files = {(one.playbook.name, one.name): one for one in project.scenarios}
    left = [one for one in past.experiments() if one.ended_at is None and _name(one) not in files]
    gone = [one for one in left if Design.read(one.start.design).draws]
    for scenario in plan.scenarios:
        if scenario.is_earlier:
            continue
        file = files[scenario.playbook, scenario.scenario]
        begun = past.experiments(scenario.playbook, scenario.scenario)
        if begun:
            yield from _changed(scenario, file, begun, past)
        elif gone and scenario.record.design.draws:
            yield _renamed(scenario, file, gone[0], past)


def widened(plan: Plan, past: Past) -> Iterator[tuple[int, str]]:
    """The experiments (and their designs now) that take in more of their namespace than recorded."""
    for scenario in plan.scenarios:
        design = scenario.record.design
        if design.place is not None and not scenario.is_earlier:
            for one in past.experiments(scenario.playbook, scenario.scenario):
                is_this = one.start.phase == scenario.record.scenario.phase
                if is_this and one.start.design != design.written():
                    yield one.id, design.written()


def _changed(scenario: ScenarioPlan, file: ScenarioFile, begun: list[Experiment], past: Past) -> Iterator[Diagnostic]:
    phase = scenario.record.scenario.phase
    last = max(begun, key=lambda one: one.start.phase)
    then = last.start.phase
    if phase < then:
        message = f"phase {then} of `{scenario.full_name}` has begun ({_since(last, past, file)})"
        line = file.text.phase.line if file.text.phase is not None else _line(file)
        mend = f"write `phase: {then}`, or `phase: {then + 1}` to draw everyone anew"
        yield diagnose("E841", f"{message}; an earlier one does not come back", line, hints=(mend,))
    elif phase == then:
        for change in scenario.record.design.differences(Design.read(last.start.design)):
            yield _otherwise(scenario, file, change, _since(last, past, file))


def _otherwise(scenario: ScenarioPlan, file: ScenarioFile, change: tuple[str, str, str], since: str) -> Diagnostic:
    what, then, now = change
    message = f"{what} cannot change now: `{scenario.full_name}` has drawn with {then} ({since}), not with {now}"
    phase = scenario.record.scenario.phase + 1
    if "namespace" in what and then != "none":
        then += "; what nobody has any more is written `free`, as in `free 40%`"
    hints = (
        "put it back as it was" + (f": {then}" if then != "none" else ""),
        f"or write `phase: {phase}` beside the scenario: everyone is drawn anew, and who enters from then on counts",
    )
    return diagnose("E840", message, _line(file, what), hints=hints)


def _renamed(scenario: ScenarioPlan, file: ScenarioFile, gone: Experiment, past: Past) -> Diagnostic:
    old = "/".join(_name(gone))
    message = f"`{scenario.full_name}` would draw anew while `{old}` ({_since(gone, past, file)}) is in no playbook"
    hints = (
        f"if it is the same under another name, call it `{old}` again: its customers stay in their groups",
        f"or, if that one is over: `dangol end {old}`",
    )
    return diagnose("E842", message, _line(file), hints=hints)


def _name(one: Experiment) -> tuple[str, str]:
    return one.start.playbook, one.start.scenario


def _since(one: Experiment, past: Past, file: ScenarioFile) -> str:
    import datetime as dt

    local = dt.datetime(1970, 1, 1) + dt.timedelta(microseconds=local_of(one.started_at, file.playbook.zone))
    return f"since {local:%Y-%m-%d %H:%M}, {past.count_assigned(one.id):,} customers assigned"


def _line(file: ScenarioFile, what: str = "") -> Line:
    """Where it is written, as far as it is in the scenario's playbook."""
    split = next((one.line for name, one in file.text.splits.items() if f"`{name}`" in what), None)
    holdout = file.text.holdout if what == "the holdout of the scenario" else None
    return split or (holdout.line if holdout is not None else file.text.rule.line)
