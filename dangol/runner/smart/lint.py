"""The SMART rules asked of a project's targets with its data: five lights for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dangol.diagnostics import Diagnostic
from dangol.engine import ir
from dangol.engine.backends.vector import Evaluation
from dangol.engine.backends.vector.columns import missing
from dangol.engine.backends.vector.words import texts_of
from dangol.engine.needs import Needs, needs_of
from dangol.engine.state.model import Mask, State
from dangol.measure.assignment import arms
from dangol.playbook.project import Project
from dangol.playbook.smart.check import Case, cases_of, static
from dangol.playbook.smart.finding import Finding, Lint, accepted
from dangol.playbook.smart.rules import RULES
from dangol.runner.due import occurrences
from dangol.runner.model import Plan, ScenarioPlan
from dangol.runner.policy import Policy, Reach
from dangol.runner.rehearse import policy_of
from dangol.runner.smart import achievable, around, measurable, wording
from dangol.runner.smart.facts import Facts, facts, groups_of, today
from dangol.runner.smart.proxy import business, of_proxy
from dangol.runner.smart.replay import Past, Replay
from dangol.runner.smart.sample import sampled

_OF_HISTORY = ("S03", "M05", "M06", "M07", "M08", "R03", "R04")
_OF_LIFT = ("A01", "A02", "A03", "A04", "A05", "A07", "A09", "A10")
_OF_LEVEL = ("A06", "A08")


@dataclass(frozen=True)
class Asked:
    """How far to go: `thorough` draws past customers 200 times over (M07); only the targets of `scenarios`."""

    thorough: bool = True
    scenarios: Callable[[ir.Scenario], bool] = lambda scenario: True


def lint(
    project: Project,
    evaluate: Callable[[Needs, int], Evaluation],
    plan: Plan,
    asked: Asked = Asked(),
) -> tuple[Lint, ...]:
    """Every target of the planned scenarios, in order."""
    cases = cases_of(project.scenarios, project.checked.program, project.ranges)
    planned = {(one.playbook, one.scenario): one for one in plan.scenarios}
    wanted = [
        case for case in cases
        if case.scenario.kpis and case.key in planned and asked.scenarios(case.scenario)
    ]  # fmt: skip
    if not wanted:
        return ()
    state = evaluate(_needs([case.scenario for case in wanted], project), plan.at).state
    some, every = sampled(state)
    policy = policy_of(project)
    found: list[Lint] = []
    for case in wanted:
        past = Past(case.scenario, project.checked.program, some, plan.at, _arms)
        past.reachable = _reachable(policy, past, planned[case.key])
        one = _Case(project, case, past, every, state, planned[case.key], asked)
        found += (one.lint(number, said) for number, said in enumerate(static(case, cases)))
    return tuple(found)


def _arms(split: ir.SplitArm, ids: Sequence[str]) -> NDArray[np.int16]:
    return arms(split.salt, [share for _, share in split.arms], ids)


def _reachable(policy: Policy, past: Past, planned: ScenarioPlan) -> Mask:
    """Who has consent and an address for a message of the scenario."""
    everyone = np.arange(past.state.size)
    reach = Reach(policy, past.scenario, everyone, past.now, None, planned.record.informational)
    found = np.zeros(past.state.size, bool)
    for send in (send for one in past.scenario.steps for send in one.sends):
        found |= reach.allowed(send) & _addressed(policy, send.channel, past.state)
    return found


def _addressed(policy: Policy, channel: str, state: State) -> Mask:
    said = policy.channels.get(channel)
    if said is None or said.address is None or said.address == "id":
        return np.ones(state.size, bool)
    return np.broadcast_to(~missing(state.attributes[said.address]), (state.size,))


def diagnostics(project: Project, found: Sequence[Lint], *, data_only: bool = False) -> Iterator[Diagnostic]:
    """The findings at the lines of their targets. data_only: without those that `check` has told."""
    cases = {c.key: c for c in cases_of(project.scenarios, project.checked.program, project.ranges)}
    for one in found:
        case = cases[one.playbook, one.scenario]
        line = next(line for line in case.lines() if line.text.strip() == one.kpi)
        for finding in one.findings:
            if not (data_only and RULES[finding.rule].needs == "text"):
                told = finding.diagnostic(line)
                if told is not None:
                    yield told


def _needs(scenarios: Sequence[ir.Scenario], project: Project) -> Needs:
    needs = needs_of(scenarios, project.checked.program)
    for channel in policy_of(project).channels.values():
        needs.attributes |= channel.attributes
    for scenario in scenarios:
        measured: tuple[ir.Kpi | ir.Guardrail, ...] = (*scenario.kpis, *scenario.guardrails)
        for one in measured:
            for name in one.metric.events.names:
                known = list(project.catalog.events.get(name, {}))
                own = [each for each in (one.metric.property, *one.same) if each is not None]
                extra = measurable.currencies(known) if one.metric.property is not None else []
                needs.property((name,), *own, *extra)
            if one.metric.ledger:
                needs.property(("sent", *business(project.catalog)))
            if scenario.anchor is not None and one.same:
                needs.property(scenario.anchor.names, *one.same)
    return needs


class _Case:
    """One scenario whose targets are asked about."""

    def __init__(
        self, project: Project, case: Case, past: Past, every: int, state: State, planned: ScenarioPlan, asked: Asked
    ) -> None:
        self.project, self.case, self.past, self.every = project, case, past, every
        self.state, self.planned, self.asked = state, planned, asked
        self.scenario = case.scenario
        self._replays: dict[ir.Shift, Replay] = {}

    def lint(self, number: int, said: Lint) -> Lint:
        """What data say of one target, with what the files say."""
        kpi = self.scenario.kpis[number]
        replay = self._replay(kpi.metric.within)
        groups = groups_of(kpi, self.planned.record.design)
        known = facts(self.past, kpi, replay, self.every, groups, self._start, levels=kpi.versus is None)
        found = [
            *said.findings,
            *(accepted(one, self.case.reasons) for one in self._findings(known, replay, number == 0)),
        ]
        return replace(
            said, findings=tuple(_softened(found, number)), numbers=_numbers(known), unasked=self._unasked(known)
        )

    def _replay(self, window: ir.Shift) -> Replay:
        if window not in self._replays:
            self._replays[window] = self.past.replay(window)
        return self._replays[window]

    def _findings(self, known: Facts, replay: Replay, primary: bool) -> Iterator[Finding]:
        yield from around.of_audience(known)
        if not known.kpi.metric.ledger:
            yield from measurable.of_events(known, self.state)
        yield from measurable.of_today(known)
        yield from around.of_time(known, self.state)
        if known.kpi.versus is not None:
            yield from self._lift(known, replay)
        else:
            yield from achievable.of_level(known)
        yield from around.of_relevance(known, self.past, replay)
        if isinstance(proxy := self._proxy(known.kpi), Finding):
            yield proxy
        if primary:
            yield from self._beside(known)

    def _proxy(self, kpi: ir.Kpi) -> Finding | str | None:
        if not (kpi.metric.ledger and set(kpi.metric.events.names) & {"clicked", "opened"}):
            return None
        return of_proxy(kpi.metric, business(self.project.catalog), self.state, self.past.at)

    def _lift(self, known: Facts, replay: Replay) -> Iterator[Finding]:
        if known.by <= known.start:
            return
        yield from achievable.of_lift(known)
        if self.asked.thorough and known.today is not None and known.groups.control and known.groups.treated:
            salt = next(
                (split.salt for split in self.scenario.splits), f"{self.scenario.playbook}/{self.scenario.name}"
            )
            ids = list(texts_of(self.past.state.ids, replay.codes))
            found = measurable.of_history_split(known, self.past.did(replay, known.kpi), salt, ids)
            if found is not None:
                yield found

    def _beside(self, known: Facts) -> Iterator[Finding]:
        yield from around.of_capacity(known, self.scenario, self.project.quiet)
        yield from around.of_caps(len(self.planned.sends), self.planned.held)
        for guard in self.scenario.guardrails:
            measured = None
            if not guard.metric.ledger:
                replay = self._replay(guard.metric.within)
                measured = today(self.past.did(replay, guard)) if len(replay.codes) else None
            yield from around.of_guardrail(guard, measured, known)

    @property
    def _start(self) -> int:
        """When the scenario first asks."""
        schedule, at = self.scenario.schedule, self.past.at
        return at if schedule is None else next(occurrences(schedule, at - 1), at)

    def _unasked(self, known: Facts) -> Mapping[str, str]:
        """Rules that could not be asked, and why."""
        found: dict[str, str] = {}
        if known.kpi.metric.ledger:
            found |= dict.fromkeys(("M02", "M03", "R02", *_OF_HISTORY), "no message has gone out yet")
        elif known.today is None:
            found |= dict.fromkeys((*_OF_HISTORY, *_OF_LIFT), "nobody entered in the last weeks")
        if known.kpi.versus is None and len(known.levels) < 12:
            found |= dict.fromkeys(_OF_LEVEL, f"{len(known.levels)} weeks of history, 12 are needed")
        if isinstance(proxy := self._proxy(known.kpi), str):
            found["R06"] = proxy
        if not self.asked.thorough and known.kpi.versus is not None and "M07" not in found:
            found["M07"] = "asked by `dangol check --data`"
        return found


def _softened(found: Sequence[Finding], number: int) -> Iterator[Finding]:
    """A further target does not decide, so what it cannot show is no error."""
    for one in found:
        yield replace(one, severity="warning") if number and one.is_error and one.rule[0] == "A" else one


def _numbers(known: Facts) -> Mapping[str, str]:
    numbers = {"A": achievable.arithmetic(known) if known.by > known.start else ""}
    about = "" if known.exact else "about "
    rate = "" if known.once else f", then {about}{known.per_day:,.1f} a day"
    numbers["S"] = f"{known.stock:,} in it now{rate}"
    if known.today is not None:
        numbers["M"] = f"base {wording.base(known.today)} ({known.today.positive:,} of {known.today.n:,})"
    if known.reach is not None:
        numbers["R"] = f"reach {wording.percent(known.reach, 0)}"
    if known.by > known.start:
        numbers["T"] = f"{known.days:.0f} days, {max(0.0, known.mature_days):.0f} of them mature"
    return numbers
