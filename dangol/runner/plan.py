"""The dry run: who would get which message at an instant, and where everyone else of the audience is left.

Nothing here can send: a Plan is data, and this module knows no channel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from heapq import nsmallest
from itertools import combinations, groupby
from typing import Literal

import numpy as np

from dangol.diagnostics import Diagnostic
from dangol.engine import ir
from dangol.engine.backends.vector import Evaluation
from dangol.engine.backends.vector.words import texts_of
from dangol.engine.state.model import Mask
from dangol.measure.design import Design
from dangol.runner.caps import Competitor, compete
from dangol.runner.endings import lingers, part, stays
from dangol.runner.entries import Entries, Gone, Past, Recorded, recorded, running_entries, with_new
from dangol.runner.experiments.crossroads import asks_arm
from dangol.runner.experiments.decisions import Decisions, Given
from dangol.runner.experiments.draw import Drawn, draw
from dangol.runner.journey import due_now, unreached
from dangol.runner.model import (
    Decision,
    End,
    Overlap,
    Plan,
    Record,
    Sample,
    ScenarioPlan,
    Send,
    Version,
)
from dangol.runner.policy import (
    ENDS,
    FINAL,
    UNREACHED,
    WAITS,
    Channel,
    Gate,
    Outcome,
    Policy,
    Reach,
    bar_unreachable,
    choose_channels,
    keep_hours,
)
from dangol.runner.recipients import Letter, Rendering, render
from dangol.runner.traffic import traffic
from dangol.runner.values import plain


@dataclass
class _Party:
    """Who is in a scenario under one of its texts: the running entries that go on, and those that end."""

    version: Version
    evaluation: Evaluation
    entries: Entries
    gone: Gone
    entered: int = 0
    """Members of WHO who may not enter (again)."""


@dataclass
class _Draft:
    """A party while it is planned."""

    party: _Party
    competitor: Competitor
    rendering: Rendering
    quiet: Mask
    design: Design
    drawn: Drawn
    decisions: Decisions


def make_plan(
    versions: Sequence[Version],
    policy: Policy,
    evaluation: Evaluation,
    *,
    zone: str,
    past: Past | None = None,
    asked: Callable[[ir.Scenario], bool] = lambda scenario: True,
    show_personal: bool = False,
    samples: int = 1,
) -> Plan:
    """The plan of these scenarios at the evaluation's instant; the texts of one stand together, today's first.

    past: the record of earlier ticks; asked: whether a scenario looks for new entries at this instant.
    """
    evaluation.prepare([each.scenario.who for each in versions if each.takes_new])
    drafts = [
        _draft(party, policy, past)
        for _, texts in groupby(versions, key=lambda each: (each.scenario.playbook, each.scenario.name))
        for party in _parties(list(texts), evaluation, past, asked)
    ]
    compete(policy, [draft.competitor for draft in drafts], evaluation, past)
    plans: list[ScenarioPlan] = []
    findings: list[Diagnostic] = []
    hidden = frozenset() if show_personal else policy.personal
    for draft in drafts:
        one = draft.competitor
        one.outcome.hold(Gate.QUIET, draft.quiet)
        one.outcome.hold(Gate.INCOMPLETE, draft.rendering.incomplete)
        one.outcome.hold(Gate.RULE, draft.rendering.forbidden)
        findings += draft.rendering.diagnostics
        plans.append(_finished(draft, policy, hidden, samples))
    return Plan(
        at=evaluation.at,
        zone=zone,
        universe=int(np.count_nonzero(evaluation.universe())),
        scenarios=tuple(plans),
        volume=_volume(plans),
        traffic=traffic((d for plan in plans for d in plan.record.decisions), policy.rules, policy.prices),
        overlaps=tuple(_overlaps(plans)),
        diagnostics=tuple(findings),
    )


def _parties(
    versions: Sequence[Version], evaluation: Evaluation, past: Past | None, asked: Callable[[ir.Scenario], bool]
) -> Iterator[_Party]:
    """Who is in one scenario: under each of its texts those who entered under it, and under today's the new ones."""
    first = versions[0]
    known = recorded(first.scenario, evaluation, past)
    parties = [_party(version, known, evaluation) for version in versions]
    today, scenario = parties[0], first.scenario
    if asked(scenario) and not Decisions.of(scenario, past).stopped:
        gone = np.concatenate([party.gone.codes for party in parties])
        others = np.setdiff1d(known.codes[known.codes >= 0], gone) if known is not None else gone[:0]
        ended = np.concatenate([party.gone.ended_at for party in parties])
        today.entries = with_new(scenario, today.entries, others, (gone, ended), evaluation, past)
        if past is not None:
            outside = evaluation.members(scenario.who).copy()
            outside[today.entries.codes] = outside[others] = outside[gone[gone >= 0]] = False
            today.entered = int(np.count_nonzero(outside))
    yield from parties


def _party(version: Version, known: Recorded | None, evaluation: Evaluation) -> _Party:
    own = evaluation if version.program is None else evaluation.under(version.program)
    running, lost = running_entries(version.scenario, version.text, own, known)
    return _Party(version, own, *part(version.scenario, running, lost, own))


def _draft(party: _Party, policy: Policy, past: Past | None) -> _Draft:
    version, entries = party.version, party.entries
    scenario, playbook = version.scenario, version.playbook
    given = Given.of(scenario, entries, past)
    if given.decisions.every and any(asks_arm(step.condition) for step in scenario.steps):
        party.evaluation = party.evaluation.assigning(given.assigns)
    evaluation = party.evaluation
    outcome = Outcome.of(len(entries))
    reach = Reach(policy, scenario, entries.codes, evaluation, past, playbook.informational)
    bar_unreachable(scenario, entries, reach, outcome)
    position = due_now(scenario, entries, evaluation, outcome)
    choose_channels(scenario, position, reach, outcome)
    place = policy.places.get(f"{scenario.playbook}/{scenario.name}")
    design = Design.of(policy.project, scenario, policy.holdout, playbook.holdout, place)
    drawn = draw(scenario, design, entries, position, reach, outcome, given)
    keep_hours(scenario, position, reach, outcome)
    quiet = reach.clocks.quiet(scenario, position.due)
    wanted = outcome.free & ~(quiet & (entries.reason == Gate.QUIET.value))
    rendering = render(scenario, playbook, entries, position, wanted, drawn.given, evaluation, policy.rules)
    one = Competitor(scenario, entries, position, outcome, rendering.incomplete | rendering.forbidden | quiet)
    return _Draft(party, one, rendering, quiet, design, drawn, given.decisions)


def _samples(
    rendering: Rendering, letters: Sequence[Letter], customers: Sequence[str], hidden: frozenset[str], count: int
) -> Iterator[Letter]:
    """The first letters of each kind by customer, with personal values masked."""
    for _, kind in groupby(letters, key=lambda each: id(each.writing)):
        for letter in nsmallest(count, kind, key=lambda each: customers[each.place]):
            yield rendering.masked(letter, hidden) if hidden else letter


def _finished(draft: _Draft, policy: Policy, hidden: frozenset[str], samples: int) -> ScenarioPlan:
    party, one, rendering = draft.party, draft.competitor, draft.rendering
    version, evaluation = party.version, party.evaluation
    free = one.outcome.free.tolist()
    letters = [letter for letter in rendering.letters if free[letter.place]]
    ids = evaluation.state.ids
    customers = tuple(texts_of(ids, one.entries.codes))

    def send(letter: Letter) -> Send:
        w = letter.writing
        return Send(customers[letter.place], w.channel, w.number, w.arm, w.message)

    return ScenarioPlan(
        playbook=one.scenario.playbook,
        scenario=one.scenario.name,
        reading=version.reading,
        audience=len(one.entries) + party.entered + len(party.gone),
        sends=tuple(sorted(map(send, letters), key=lambda each: each.customer)),
        held=one.outcome.held(party.entered, party.gone.gate),
        samples=tuple(
            Sample(send(each), each.content) for each in _samples(rendering, letters, customers, hidden, samples)
        ),
        arms={
            arm: int(np.count_nonzero(draft.drawn.given[split.name] == number))
            for split in one.scenario.splits
            for number, (arm, _) in enumerate(split.arms)
        },
        record=Record(
            one.scenario,
            version.text,
            version.playbook.informational,
            party.gone,
            customers,
            one.entries,
            tuple(_numbered(_decisions(one, letters, policy, evaluation), version.text.behind)),
            tuple(_ends(one, evaluation.at)),
            draft.design,
            draft.drawn,
            version.lines,
        ),
        is_earlier=version.is_earlier,
        decided=draft.decisions.standing,
    )


def _decisions(
    one: Competitor, letters: Sequence[Letter], policy: Policy, evaluation: Evaluation
) -> Iterator[Decision]:
    """What is decided about each step that is due, or was; one that waits for the same reason as before is left out."""
    for settled in one.position.settled:
        for place, due in zip(settled.places.tolist(), settled.due.tolist(), strict=True):
            yield Decision(place, settled.step + 1, due, settled.state, settled.reason)
    steps, dues = one.position.step + 1, one.position.due
    decided: tuple[tuple[tuple[Gate, ...], Literal["cancelled", "held"]], ...] = ((FINAL, "cancelled"), (WAITS, "held"))
    kept = unreached(one.entries)  # which channel it was stays known
    for gates, state in decided:
        for gate in gates:
            same = ((one.entries.reason == gate.value) | kept) & (one.entries.next == one.position.step)
            for place in np.flatnonzero(one.outcome.at(gate) & (steps > 0) & ~same).tolist():
                yield Decision(place, int(steps[place]), int(dues[place]), state, gate.value)
    addresses = _addresses(one, letters, policy, evaluation)
    for letter, address in zip(letters, addresses, strict=True):
        w, place = letter.writing, letter.place
        yield Decision(
            place, w.number, int(dues[place]), "planned", None, w.channel, w.arm, w.message, address, letter.content
        )


def _numbered(decisions: Iterator[Decision], behind: int) -> Iterator[Decision]:
    """The decisions by the numbers that the steps have in the record."""
    yield from decisions if not behind else (replace(one, step=one.step + behind) for one in decisions)


def _addresses(
    one: Competitor, letters: Sequence[Letter], policy: Policy, evaluation: Evaluation
) -> Iterator[str | None]:
    columns: dict[str, list[object]] = {}
    for letter in letters:
        attribute = policy.channels.get(letter.writing.channel, Channel()).address
        if attribute is None or attribute == "id":
            yield None if attribute is None else evaluation.state.ids[int(one.entries.codes[letter.place])]
            continue
        if attribute not in columns:
            columns[attribute] = plain(evaluation.state.attributes[attribute], one.entries.codes, one.scenario.zone)
        yield str(columns[attribute][letter.place])


def _ends(one: Competitor, at: int) -> Iterator[End]:
    """Which entries are over though they went on, or began, at this instant."""
    barred = one.entries.is_new & (one.position.step < 0)
    for gate in UNREACHED:
        for place in np.flatnonzero(one.outcome.at(gate) & barred).tolist():
            yield End(place, "finished", at, gate.value)
    if stays(one.scenario):
        return
    hopeless = one.outcome.at(Gate.EXPIRED) & np.isin(one.entries.reason, (Gate.INCOMPLETE.value, Gate.RULE.value))
    hopeless |= one.outcome.at(Gate.DONE, Gate.CONDITION, Gate.STOPPED)
    hopeless &= lingers(one.scenario, one.entries, at)
    for gate in ENDS:
        for place in np.flatnonzero(one.outcome.at(gate) & ~hopeless).tolist():
            yield End(place, END_STATES.get(gate, "finished"), at, gate.value)


END_STATES: Mapping[Gate, Literal["finished", "left"]] = {Gate.EXIT: "left", Gate.LEFT: "left"}
"""How an entry ends at these gates; at the others it is finished."""


def _volume(plans: Sequence[ScenarioPlan]) -> dict[str, int]:
    total: dict[str, int] = {}
    for plan in plans:
        for channel, count in plan.volume.items():
            total[channel] = total.get(channel, 0) + count
    return total


def _overlaps(plans: Sequence[ScenarioPlan]) -> Iterator[Overlap]:
    hit: dict[str, set[str]] = {}
    for plan in plans:
        hit.setdefault(plan.full_name, set()).update(send.customer for send in plan.sends)
    for first, second in combinations(hit, 2):
        if both := len(hit[first] & hit[second]):
            yield Overlap(first, second, both)
