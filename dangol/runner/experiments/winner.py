"""The arm that is sent to the rest: looked for once a local day, decided once, written down, taken back by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from dangol.diagnostics import DangolError, Line, diagnose, did_you_mean
from dangol.engine import ir
from dangol.engine.backends.vector import Evaluation
from dangol.engine.calendar import day_of
from dangol.grammar.printer import print_node
from dangol.measure.design import CONTROL
from dangol.measure.estimate import Effect
from dangol.playbook.lines import ScenarioFile
from dangol.playbook.project import Project
from dangol.runner.experiments.assignment import hash_of_line
from dangol.runner.experiments.decisions import Decisions
from dangol.runner.experiments.measured import measure
from dangol.runner.experiments.race import Pair, Race, deadline, last_day, race
from dangol.runner.experiments.results import Record, Study, guards, needs_of_results, since_start, study
from dangol.runner.ledger import Experiment, Ledger, Result, Won
from dangol.runner.rehearse import Evaluate

METHODS = 1
"""The version of how a decision comes about."""

BEST_SO_FAR = "deadline"
"""What the record knows looks of a scenario without a `winner` line by."""


def decide(project: Project, evaluate: Evaluate, ledger: Ledger, at: int) -> tuple[Won, ...]:
    """Decides about the scenarios for which it is time, and records every look that decides nothing; what was decided.

    A look is of a local day, once: by whom and when on that day makes no difference.
    """
    due = [each for each in _undecided(project, ledger) if _is_time(*each, ledger, at)]
    if not due:
        return ()
    scenarios = [scenario for scenario, _, _ in due]
    evaluation, record = evaluate(needs_of_results(scenarios, project), at), Record(ledger, at)
    decided = (_decided(scenario, file, project, evaluation, record) for scenario, file, _ in due)
    return tuple(one for one in decided if one is not None)


Case = tuple[ir.Scenario, ScenarioFile, Experiment]


def _undecided(project: Project, ledger: Ledger) -> Iterator[Case]:
    """The scenarios that choose among arms, with the phase they are in, about which nothing was decided yet."""
    for file in project.scenarios:
        scenario = project.compiled.get((file.playbook.name, file.name))
        if scenario is None or not file.enabled or not (scenario.winner or scenario.on_deadline):
            continue
        for phase in ledger.experiments(scenario.playbook, scenario.name):
            is_this = phase.start.phase == scenario.phase and phase.ended_at is None
            if is_this and not Decisions(tuple(ledger.decided(phase.id))).settled:
                yield scenario, file, phase


def _is_time(scenario: ir.Scenario, file: ScenarioFile, phase: Experiment, ledger: Ledger, at: int) -> bool:
    """Whether today's look is still to be taken, and can decide anything."""
    until, by, last = day_of(at, scenario.zone) - 1, deadline(scenario), last_day(scenario)
    if until < day_of(phase.started_at, scenario.zone):
        return False
    passed = by is not None and until >= by
    if scenario.winner is None and not passed:
        return False
    look = until if last is None else min(until, last)
    if any(one.kpi == _known_by(file) and one.look == look for one in ledger.results(phase.id)):
        return False
    return passed or scenario.winner is None or ledger.count_assigned(phase.id) >= scenario.winner.minimum


def _known_by(file: ScenarioFile) -> str:
    winner = file.text.winner
    return BEST_SO_FAR if winner is None else hash_of_line(print_node(winner.tree))


def _decided(
    scenario: ir.Scenario, file: ScenarioFile, project: Project, evaluation: Evaluation, record: Record
) -> Won | None:
    found = study(scenario, evaluation, record)
    if found is None:
        return None
    problems = (*found.problems, *since_start(scenario, project, found.phase))
    raced = race(found.subject, guards(scenario, project), problems)
    decision = _decision(scenario, project, found, raced, record)
    told = _told(raced, found)
    if decision is None:
        look = raced.horizon.until if raced is not None else day_of(record.at, scenario.zone) - 1
        body = json.dumps(told, ensure_ascii=False)
        record.ledger.record_result(Result(found.phase.id, _known_by(file), look, record.at, body))
        return None
    kind, split, arm = decision
    body = json.dumps({"line": _line(kind, file), **told}, ensure_ascii=False)
    seen = len(record.ledger.decided(found.phase.id))
    return record.ledger.decide(Won(found.phase.id, split, arm, record.at, body, kind), seen)


def _line(kind: str, file: ScenarioFile) -> str:
    written = file.text.winner if kind == "won" else file.text.on_deadline
    return print_node(written.tree) if written is not None else ""


Choice = tuple[Any, str, str | None]
"""The kind of a decision, the split and the arm."""


def _decision(
    scenario: ir.Scenario, project: Project, found: Study, raced: Race | None, record: Record
) -> Choice | None:
    if scenario.winner is not None and raced is not None and raced.promoted is not None:
        return "won", scenario.winner.split, raced.promoted
    by, line = deadline(scenario), scenario.on_deadline
    if by is None or line is None or day_of(record.at, scenario.zone) <= by:
        return None
    if line.action == "send best":
        return _best(scenario, raced)
    if _is_achieved(scenario, found):
        return None
    if line.action == "extend":
        is_extended = any(one.kind == "extended" for one in record.ledger.decided(found.phase.id))
        return None if is_extended else ("extended", "", None)
    return ("stopped", "", None) if line.action == "stop" else ("control", "", CONTROL)


def _best(scenario: ir.Scenario, raced: Race | None) -> Choice | None:
    return None if raced is None or raced.best is None else ("best", scenario.splits[0].name, raced.best)


def _is_achieved(scenario: ir.Scenario, found: Study) -> bool:
    """Whether the target of the first deadline is reached."""
    first = min(scenario.kpis, key=lambda each: each.by)
    return measure(first, found.subject, found.problems).verdict.answer == "achieved"


# --- by hand ----------------------------------------------------------------------------------------------------------


def choose(project: Project, ledger: Ledger, name: str, arm: str, reason: str, at: int) -> Won:
    """Gives an arm to everyone new of a scenario (`playbook/scenario`), by hand. Raises DangolError for a name or an
    arm that is none, and for a scenario nobody has been assigned in."""
    scenario, phase = _phase(project, ledger, name)
    arms = [each for split in scenario.splits for each, _ in split.arms if each != CONTROL]
    split = next((one for one in scenario.splits if arm in [each for each, _ in one.arms]), None)
    if arm == CONTROL:
        hints = (
            f"the arms with messages: {', '.join(f'`{each}`' for each in arms)}",
            "`enabled: false` ends a scenario",
        )
        message = "`control` gets no message, so it cannot be chosen"
        raise DangolError(diagnose("E831", message, Line.of(arm, "--choose"), hints=hints))
    if split is None:
        message = f"`{arm}` is no arm of `{name}`" if arms else f"`{name}` has no split to choose from"
        raise DangolError(diagnose("E831", message, Line.of(arm, "--choose"), hints=did_you_mean(arm, arms)))
    body = json.dumps({"by": "hand", "reason": reason}, ensure_ascii=False)
    return _by_hand(ledger, Won(phase.id, split.name, arm, at, body, "chosen"))


def revert(project: Project, ledger: Ledger, name: str, reason: str, at: int) -> Won:
    """Takes back what was decided about a scenario: the draw holds again, and its lines decide nothing more in this
    phase. Raises DangolError where nothing was decided."""
    _, phase = _phase(project, ledger, name)
    if not Decisions(tuple(ledger.decided(phase.id))).standing:
        message = f"nothing is decided about `{name}`: everyone gets the arm they draw"
        raise DangolError(diagnose("E832", message, Line.of(name, "winner")))
    body = json.dumps({"by": "hand", "reason": reason}, ensure_ascii=False)
    return _by_hand(ledger, Won(phase.id, "", None, at, body, "reverted"))


def _by_hand(ledger: Ledger, won: Won) -> Won:
    found = ledger.decide(won, len(ledger.decided(won.experiment)))
    if (found.kind, found.body, found.at) != (won.kind, won.body, won.at):
        message = "somebody else has decided about it at this moment"
        raise DangolError(diagnose("E833", message, Line.of("", "winner"), hints=("look again: `dangol results`",)))
    return found


def decisions(project: Project, ledger: Ledger | None, name: str) -> list[Won]:
    """What was decided about a scenario, the earliest first. Raises DangolError for a name that is none."""
    scenario = _scenario(project, name)
    return [] if ledger is None else ledger.decisions(scenario.playbook, scenario.name, scenario.phase)


def _scenario(project: Project, name: str) -> ir.Scenario:
    every = {f"{playbook}/{scenario}": found for (playbook, scenario), found in project.compiled.items()}
    scenario = every.get(name)
    if scenario is None:
        message = f"there is no scenario `{name}`"
        raise DangolError(diagnose("E830", message, Line.of(name, "winner"), hints=did_you_mean(name, every)))
    return scenario


def _phase(project: Project, ledger: Ledger, name: str) -> tuple[ir.Scenario, Experiment]:
    scenario = _scenario(project, name)
    begun = ledger.experiments(scenario.playbook, scenario.name)
    phase = next((one for one in begun if one.start.phase == scenario.phase), None)
    if phase is None:
        message = f"nobody has been assigned in `{name}` yet: there is nothing to decide about"
        raise DangolError(diagnose("E832", message, Line.of(name, "winner"), hints=("it begins with `dangol run`",)))
    return scenario, phase


# --- the record -------------------------------------------------------------------------------------------------------


def _told(found: Race | None, studied: Study) -> dict[str, Any]:
    """Everything to compute it again: the sums of every arm and pair, the method, and why there is no winner."""
    common = {"version": METHODS, "sample_ratio_p": None if studied.srm is None else studied.srm.p}
    if found is None:
        return common
    return {
        **common,
        "until": found.horizon.until,
        "start": found.horizon.start,
        "by": found.horizon.by,
        "method": "group_sequential" if found.planned is None else "always_valid",
        "planned": found.planned,
        "alpha": found.alpha,
        "minimum": found.minimum,
        "fewer_is_better": found.lower_is_better,
        "arms": {arm: sums.record() for arm, sums in found.arms.items()},
        "best": found.best,
        "winner": found.winner,
        "won_on": found.won_on,
        "pairs": [_pair(each) for each in found.pairs],
        "obstacles": [vars(each) for each in found.obstacles],
    }


def _pair(one: Pair) -> Mapping[str, Any]:
    now = one.lift.now
    effect = {"value": now.effect.value, "se": now.effect.se} if isinstance(now.effect, Effect) else None
    return {
        "first": one.first,
        "second": one.second,
        "effect": effect,
        "interval": now.interval,
        "bound": now.bound,
        "p": now.p,
        "spent": now.spent,
        "looks": len(one.lift.looks),
        "better": None if one.better is None else one.better[0],
        "shown_on": None if one.better is None else one.better[1],
    }
