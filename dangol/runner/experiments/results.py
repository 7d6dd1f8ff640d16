"""What experiments have shown up to an instant: everything is derived anew from the ledger's record and the events."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow.compute as pc

from dangol import diagnostics
from dangol.diagnostics import DangolError, diagnose, did_you_mean
from dangol.engine import ir
from dangol.engine.backends.vector import Evaluation
from dangol.engine.calendar import day_of
from dangol.engine.catalog import LEDGER_EVENTS
from dangol.engine.needs import Needs, needs_of
from dangol.engine.state.arrow import strings
from dangol.engine.state.model import NO_INSTANT, Mask, State
from dangol.grammar.printer import print_node
from dangol.measure.daily import counts
from dangol.measure.design import Design
from dangol.measure.ratio_mismatch import Mismatch, mismatch
from dangol.measure.reason import Reason
from dangol.playbook.lines import ScenarioFile
from dangol.playbook.project import Project
from dangol.runner.entries import codes_of
from dangol.runner.experiments.assignment import hash_of_line, judged_by
from dangol.runner.experiments.decisions import Decisions
from dangol.runner.experiments.groups import Group, Groups, recorded
from dangol.runner.experiments.measured import Guarded, Line, Measured, Subject, guard, measure
from dangol.runner.experiments.race import Race, judged, race
from dangol.runner.experiments.refunds import refunds
from dangol.runner.ledger import RECEIPT_KINDS, Assigned, Experiment, Happened, Ledger, Won
from dangol.runner.ledger.messages import Answers, Messages, answers, messages, mixed
from dangol.runner.ledger_events import with_events

Evaluate = Callable[[Needs, int], Evaluation]


@dataclass(frozen=True)
class Count:
    """A group: customers assigned, those whom a message has reached, and those of them who unsubscribed."""

    group: Group
    assigned: int
    reached: int
    unsubscribed: int


@dataclass(frozen=True)
class ExperimentResult:
    """One phase of a scenario (None: nobody has been drawn yet).

    srm: whether the groups have the sizes they were drawn to have, None where that cannot be asked; problems forbid
    every verdict; changed: lines that are not those recorded at the start.
    """

    playbook: str
    scenario: str
    zone: str
    phase: Experiment | None
    groups: tuple[Count, ...]
    srm: Mismatch | None
    problems: tuple[Reason, ...]
    changed: tuple[str, ...]
    kpis: tuple[Measured, ...]
    guardrails: tuple[Guarded, ...]
    race: Race | None = None
    """How the arms stand, where there is a `winner` or `on_deadline` line."""
    decided: tuple[Won, ...] = ()
    """What was decided about them by then, the earliest first."""
    rest: tuple[Measured, ...] = ()
    """The lifts of those who entered while the draw did not hold; to display."""

    @property
    def full_name(self) -> str:
        """`playbook/scenario`."""
        return f"{self.playbook}/{self.scenario}"


@dataclass(frozen=True)
class Results:
    """Of all experiments at an instant (µs)."""

    at: int
    zone: str
    experiments: tuple[ExperimentResult, ...]


@dataclass
class Record:
    """What is read of the ledger once for all experiments."""

    ledger: Ledger
    at: int
    _messages: Messages | None = None
    _happened: Happened | None = None

    @property
    def messages(self) -> Messages:
        if self._messages is None:
            self._messages = messages(self.ledger.store, self.at)
        return self._messages

    @property
    def happened(self) -> Happened:
        if self._happened is None:
            self._happened = self.ledger.events()
        return self._happened


def results(
    project: Project, evaluate: Evaluate, ledger: Ledger | None, at: int, only: frozenset[str] = frozenset()
) -> Results:
    """The results of every scenario with a target (those of `only`, when it names some) at an instant (µs).

    Raises DangolError for a name that no playbook or scenario has.
    """
    chosen = _chosen(project, only)
    evaluation = evaluate(needs_of_results(chosen, project), at)
    record = None if ledger is None else Record(ledger, at)
    found = [_result(scenario, project, evaluation, record) for scenario in chosen]
    return Results(at, project.zone, tuple(found))


def _chosen(project: Project, only: frozenset[str]) -> list[ir.Scenario]:
    compiled = {(one.playbook, one.name): one for one in project.checked.program.scenarios}
    names = {name for playbook, scenario in compiled for name in (playbook, f"{playbook}/{scenario}")}
    for name in only - names:
        message = f"there is no playbook or scenario `{name}`"
        raise DangolError(diagnose("E801", message, diagnostics.Line.of(name, "results"), hints=_meant(name, names)))
    wanted = [one for one in compiled.values() if not only or only & {one.playbook, f"{one.playbook}/{one.name}"}]
    return [one for one in wanted if one.kpis or one.guardrails or one.splits or one.holdout or one.winner]


def _meant(name: str, names: Iterable[str]) -> tuple[str, ...]:
    own = sorted(each for each in names if each.endswith(f"/{name}"))
    return tuple(f"write `{each}`" for each in own) or tuple(did_you_mean(name, names))


def needs_of_results(scenarios: Sequence[ir.Scenario], project: Project) -> Needs:
    """What the results of these scenarios need of the data."""
    lines = [line for one in scenarios for line in (*one.kpis, *guards(one, project), *judged(one))]
    needs = needs_of([*lines, *(scenario.anchor for scenario in scenarios)], project.checked.program)
    for scenario in scenarios:
        begun = scenario.anchor.names if scenario.anchor is not None else ()
        compared: Sequence[Line] = (*scenario.kpis, *scenario.guardrails, *judged(scenario))
        for line in compared:
            needs.property((*line.metric.events.names, *begun), *line.same)
    return needs


def guards(scenario: ir.Scenario, project: Project) -> tuple[ir.Guardrail, ...]:
    """The declared guardrails, and refunds where the catalog has them and nothing is declared about them."""
    return (*scenario.guardrails, *refunds(scenario, project.catalog))


# --- one experiment ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Study:
    """A phase with all that is measured of it; `problems` forbid every verdict.

    subject: those who entered while the draw held, who are compared; everyone: the rest, too; rest: it alone (None:
    nothing was decided).
    """

    phase: Experiment
    subject: Subject
    everyone: Subject
    rest: Subject | None
    srm: Mismatch | None
    problems: tuple[Reason, ...]
    decided: tuple[Won, ...]

    def about(self, line: Line) -> Subject:
        """Whom a line is about: a level all who were reached, a change those who are compared."""
        return self.everyone if line.versus is None else self.subject


def study(scenario: ir.Scenario, evaluation: Evaluation, record: Record | None) -> Study | None:
    """The last phase of a scenario that has begun; None when none has."""
    phase = _last_phase(scenario, record)
    assigned = _assigned(scenario, phase, record)
    if record is None or assigned is None or phase is None:
        return None
    at, design, went = record.at, Design.read(phase.start.design), record.messages
    told = answers(record.ledger.store, scenario.playbook, scenario.name, at)
    own = np.array([(kind.playbook, kind.scenario) == (scenario.playbook, scenario.name) for kind in went.kinds], bool)
    mine = own[went.kind] if len(went) else np.zeros(0, bool)
    everyone = Subject(
        scenario, _own_events(scenario, evaluation, record), assigned, recorded(assigned, design),
        codes_of(evaluation.state, assigned.customer.tolist()), at, went, mine,
        codes_of(evaluation.state, went.customer), told,
    )  # fmt: skip
    decided = tuple(one for one in record.ledger.decided(phase.id) if one.at <= at)
    free = Decisions(decided).free([split.name for split in design.splits], assigned.entry)
    subject = _under(free, everyone, design)
    srm = _mismatch(subject.assigned, subject.drawn, scenario.zone)
    problems = tuple(_problems(subject.assigned, subject.drawn, srm, mixed(record.ledger.store, phase.id, at)))
    rest = _under(~free, everyone, design) if decided else None
    return Study(phase, subject, everyone, rest, srm, problems, decided)


def _under(mask: Mask, everyone: Subject, design: Design) -> Subject:
    """The same about those under the mask."""
    if mask.all():
        return everyone
    some = everyone.assigned.under(mask)
    return replace(everyone, assigned=some, drawn=recorded(some, design), codes=everyone.codes[mask])


def since_start(scenario: ir.Scenario, project: Project, phase: Experiment) -> Iterator[Reason]:
    """That the lines a phase is judged by, or its splits, are not those of its start."""
    file = _file(scenario, project)
    now = {split.name: (split.salt, split.arms) for split in scenario.splits}
    then = {split.name: (split.salt, split.arms) for split in Design.read(phase.start.design).splits}
    if now != then or judged_by(file.text).keys() != phase.start.lines.keys():
        yield Reason("definition_changed")


def _file(scenario: ir.Scenario, project: Project) -> ScenarioFile:
    return next(one for one in project.scenarios if (one.playbook.name, one.name) == (scenario.playbook, scenario.name))


def _result(scenario: ir.Scenario, project: Project, evaluation: Evaluation, record: Record | None) -> ExperimentResult:
    found = study(scenario, evaluation, record)
    if found is None:
        nobody = _nobody(scenario, evaluation.at)
        return ExperimentResult(scenario.playbook, scenario.name, scenario.zone, None, (), None, (), (), nobody, ())
    phase, subject, problems = found.phase, found.subject, found.problems
    hashes = _hashes(scenario, project)
    changed = [bool(phase.start.lines) and each not in phase.start.lines for each in hashes]
    kpis = [
        measure(kpi, found.about(kpi), (*problems, *(Reason("definition_changed") for _ in range(edited))), each)
        for kpi, each, edited in zip(scenario.kpis, hashes, changed, strict=True)
    ]
    watched = tuple(guard(one, found.about(one), problems) for one in guards(scenario, project))
    counted = tuple(_counted(subject.assigned, subject.drawn, subject.went, subject.mine, subject.told))
    other = tuple(kpi.written for kpi, edited in zip(scenario.kpis, changed, strict=True) if edited)
    return ExperimentResult(
        scenario.playbook, scenario.name, scenario.zone, phase, counted, found.srm, problems, other, tuple(kpis),
        watched, race(subject, guards(scenario, project), (*problems, *since_start(scenario, project, phase))),
        found.decided, tuple(measure(kpi, found.rest) for kpi in scenario.kpis if found.rest and kpi.versus),
    )  # fmt: skip


def _last_phase(scenario: ir.Scenario, record: Record | None) -> Experiment | None:
    """The last phase that had begun by the instant in question: only it is looked at."""
    begun = record.ledger.experiments(scenario.playbook, scenario.name) if record is not None else []
    return next((one for one in reversed(begun) if record is not None and one.started_at <= record.at), None)


def _assigned(scenario: ir.Scenario, phase: Experiment | None, record: Record | None) -> Assigned | None:
    """Whoever was drawn, whatever they were given."""
    if record is None or phase is None:
        return None
    return record.ledger.assigned(scenario.playbook, scenario.name, phase.start.phase, record.at)


def _hashes(scenario: ir.Scenario, project: Project) -> list[str]:
    """What the record knows each KPI line by."""
    file = _file(scenario, project)
    return [hash_of_line(print_node(written.tree)) for written in file.text.kpis]


def _nobody(scenario: ir.Scenario, at: int) -> tuple[Measured, ...]:
    return tuple(Measured.of_nobody(kpi, at) for kpi in scenario.kpis)


def _mismatch(assigned: Assigned, drawn: Groups, zone: str) -> Mismatch | None:
    days, place = np.unique(assigned.at, return_inverse=True)
    local = np.array([day_of(instant, zone) for instant in days.tolist()], np.int64)[place]
    looks = counts(local, drawn.of, len(drawn.every), int(local.max(initial=0)))
    return mismatch(looks, [group.share for group in drawn.every])


LEAST_MIXED = 0.01


def _problems(assigned: Assigned, drawn: Groups, srm: Mismatch | None, mixed: int) -> Iterator[Reason]:
    if srm is not None and srm.alarm:
        yield Reason("sample_ratio_mismatch", srm.p, 0.01)
    if mixed and mixed >= LEAST_MIXED * len(assigned):
        yield Reason("mixed_assignment", mixed / len(assigned), LEAST_MIXED)
    if outside := int(np.count_nonzero(drawn.of < 0)):
        yield Reason("definition_changed", outside, 0)


def _counted(
    assigned: Assigned, drawn: Groups, went: Messages, mine: np.ndarray[tuple[int], np.dtype[np.bool_]], told: Answers
) -> Iterator[Count]:
    unsubscribed = told.key[told.kind == RECEIPT_KINDS.index("unsubscribed")]
    left = strings(went.customer).take(np.flatnonzero(np.isin(went.key, unsubscribed) & mine))
    gone = np.asarray(pc.is_in(strings(assigned.customer), value_set=left))
    reached = assigned.sent_at != NO_INSTANT
    for number, group in enumerate(drawn.every):
        here = drawn.of == number
        yield Count(
            group, int(np.count_nonzero(here)), int(np.count_nonzero(here & reached)),
            int(np.count_nonzero(here & reached & gone)),
        )  # fmt: skip


def _own_events(scenario: ir.Scenario, evaluation: Evaluation, record: Record) -> Evaluation:
    """With `sent`, `clicked` … being the scenario's own messages, as targets mean them."""
    lines: Sequence[Line] = (*scenario.kpis, *scenario.guardrails, *judged(scenario))
    names = _ledger_names(line.metric for line in lines)
    if not names:
        return evaluation
    happened = record.happened
    asked = ((happened.playbook, scenario.playbook), (happened.scenario, scenario.name))
    playbook, name = (np.array(each, object) == written for each, written in asked)
    own = np.asarray(playbook & name, bool)
    state: State = with_events(evaluation.state, names, happened, own)
    return evaluation.over(state)


def _ledger_names(metrics: Iterable[ir.Metric]) -> frozenset[str]:
    return frozenset(name for one in metrics if one.ledger for name in one.events.names if name in LEDGER_EVENTS)
