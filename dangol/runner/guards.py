"""What stops a run before its first send: limits, audiences that are unusual, scenarios and texts that are gone."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from dangol.diagnostics import DangolError, Diagnostic, Line, diagnose
from dangol.playbook.project import Project
from dangol.runner.experiments import phases
from dangol.runner.ledger import Ledger
from dangol.runner.model import Plan, ScenarioPlan
from dangol.runner.policy import HOURS
from dangol.runner.versions import customers

FEW_RUNS = 3
"""Fewer earlier runs than this tell nothing about what is usual."""

UNUSUAL = 10
"""An audience of so many times the median of earlier runs asks for a confirmation."""

FEW_PEOPLE = 20
"""So few are no mistake yet, whatever is usual and however few there are in all."""

STOPS = ("E512", "E704", *phases.STOPS)
"""Findings of a plan at which a run stops."""

Scenario = tuple[str, str]


def guard(project: Project, ledger: Ledger, plan: Plan, confirmed: bool) -> None:
    """Raises DangolError with everything that stands against carrying out this plan."""
    found = [finding for finding in plan.diagnostics if finding.code in STOPS]
    found += _vanished(project, ledger)
    if not confirmed:
        found += _unusual(project, ledger, plan)
    if found:
        raise DangolError(*found)


def arrivals(plan: Plan) -> dict[str, list[str]]:
    """`playbook/scenario` → whom this plan would hit, but for those who waited for a night to end: that many go out in
    the morning is not unusual."""
    found: dict[str, list[str]] = {}
    for scenario in plan.scenarios:
        reasons, customers = scenario.record.entries.reason, scenario.record.customers
        new = [
            customers[one.place]
            for one in scenario.record.decisions
            if one.state == "planned" and reasons[one.place] not in HOURS
        ]
        if new:
            found.setdefault(scenario.full_name, []).extend(new)
    return found


def over_limits(project: Project, plan: Plan) -> Iterator[Diagnostic]:
    """E512 for each `limit:` (of a scenario, a playbook, the project) above which customers would be hit."""
    hit: dict[Scenario, set[str]] = {}
    for one in plan.scenarios:
        hit.setdefault((one.playbook, one.scenario), set()).update(send.customer for send in one.sends)
    for file in project.scenarios:
        name, written = (file.playbook.name, file.name), file.text.limit
        if name in hit and written is not None:
            limit = project.compiled[name].limit
            yield from _over(len(hit[name]), limit, written.line, "raise the limit, or make WHO smaller")
    for playbook in project.playbooks:
        own = set[str]().union(*(who for (of, _), who in hit.items() if of == playbook.name))
        yield from _over(len(own), playbook.limit, playbook.model.limit, _RAISE)
    if project.config is not None:
        yield from _over(len(set[str]().union(*hit.values())), project.limit, project.config.limit, _RAISE)


_RAISE = "raise the limit, or make a scenario smaller"


def _over(count: int, limit: int | None, line: Line | None, mend: str) -> Iterator[Diagnostic]:
    if limit is not None and line is not None and count > limit:
        message = f"a run would stop here: {count:,} customers would be hit, the limit is {limit:,}"
        yield diagnose("E512", message, line, hints=(mend,))


def _vanished(project: Project, ledger: Ledger) -> Iterator[Diagnostic]:
    known = {(file.playbook.name, file.name) for file in project.scenarios}
    for (playbook, scenario), count in ledger.scenarios_running().items():
        if (playbook, scenario) not in known:
            message = f"`{playbook}/{scenario}` is in no playbook any more, with {customers(count)} in the middle of it"
            hints = ("put it back with `enabled: false`", f"or end them: `dangol end {playbook}/{scenario}`")
            yield diagnose("E701", message, Line.of("", "ledger"), hints=hints)


def _unusual(project: Project, ledger: Ledger, plan: Plan) -> Iterator[Diagnostic]:
    """E702 and E703 for scenarios to which no limit applies."""
    if project.limit is not None:
        return
    limited = {playbook.name for playbook in project.playbooks if playbook.limit is not None}
    new, hit = arrivals(plan), _hit(plan)
    for name, scenarios in hit.items():
        first = scenarios[0]
        if first.record.scenario.limit is not None or first.playbook in limited:
            continue
        count, arriving = sum(len(one.sends) for one in scenarios), len(new.get(name, ()))
        earlier = ledger.counts_of(name)
        usual = median(earlier) if len(earlier) >= FEW_RUNS else 0
        if plan.universe > FEW_PEOPLE and count * 2 > plan.universe:
            message = f"`{name}` would hit {count:,} of {plan.universe:,} customers, more than half"
            yield diagnose("E702", message, Line.of("", "run"), hints=(_CONFIRM,))
        elif usual and arriving > max(UNUSUAL * usual, FEW_PEOPLE):
            message = f"`{name}` would hit {arriving:,}; the median of the last runs is {usual:,.0f}"
            yield diagnose("E703", message, Line.of("", "run"), hints=(_CONFIRM,))


_CONFIRM = "if that is meant, run once with --confirm; a `limit:` says for good how many are meant"


def _hit(plan: Plan) -> dict[str, list[ScenarioPlan]]:
    found: dict[str, list[ScenarioPlan]] = {}
    for one in plan.scenarios:
        found.setdefault(one.full_name, []).append(one)
    return found
