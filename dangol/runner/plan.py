"""The dry run: who would get which message at an instant, and where everyone else of the audience is left.

Nothing here can send: a Plan is data, and this module knows no channel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from heapq import nsmallest
from itertools import groupby
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dangol.diagnostics import Diagnostic, Line
from dangol.engine import ir
from dangol.engine.backends.vector import Evaluation
from dangol.engine.backends.vector.words import texts_of
from dangol.runner.caps import Competitor, compete
from dangol.runner.endings import part, stays
from dangol.runner.entries import Entries, Gone, Past, running_entries, with_new
from dangol.runner.journey import due_now
from dangol.runner.policy import (
    ENDS,
    FINAL,
    WAITS,
    Channel,
    Gate,
    Held,
    Outcome,
    Policy,
    is_quiet,
    open_gates,
)
from dangol.runner.recipients import Letter, Rendering, render
from dangol.runner.traffic import Traffic, traffic
from dangol.runner.values import plain


@dataclass(frozen=True)
class Playbook:
    """What planning needs of a playbook: its holdout, and its messages (name → channel → part → template)."""

    name: str
    holdout: Fraction | None = None
    messages: Mapping[str, Mapping[str, Mapping[str, Line]]] = field(default_factory=dict)
    rules: Mapping[str, Line] = field(default_factory=dict)
    """Scenario → its line, for findings about messages written in the line."""
    informational: frozenset[str] = frozenset()
    """The messages that are no advertising."""


@dataclass(frozen=True)
class Send:
    """One message to one customer. `step` counts from 1; `arm` is None without a split; `message` is the name under
    `messages:`, or the text itself when it is written in the line."""

    customer: str
    channel: str
    step: int
    arm: str | None
    message: str


@dataclass(frozen=True)
class Sample:
    """What one recipient would read: part → text. Values of personal attributes are masked unless asked for."""

    send: Send
    content: Mapping[str, str]


@dataclass(frozen=True)
class Reading:
    """A scenario in plain words: all on one line, and in parts (who, entry, steps, the definitions they rest on)."""

    line: str
    who: str
    entry: str
    steps: tuple[str, ...]
    definitions: Mapping[str, str]


@dataclass(frozen=True)
class ScenarioPlan:
    """audience = len(sends) + the sum of the held counts."""

    playbook: str
    scenario: str
    reading: Reading
    audience: int
    sends: tuple[Send, ...]
    held: tuple[Held, ...]
    samples: tuple[Sample, ...]
    arms: Mapping[str, int]
    """Arm → entries in it, the control included."""
    record: Record = field(repr=False, compare=False)

    @property
    def full_name(self) -> str:
        """`playbook/scenario`."""
        return f"{self.playbook}/{self.scenario}"

    @property
    def volume(self) -> dict[str, int]:
        """Sends per channel."""
        channels = [send.channel for send in self.sends]
        return {channel: channels.count(channel) for channel in dict.fromkeys(channels)}


@dataclass(frozen=True)
class Overlap:
    """Customers whom both scenarios would hit at this instant."""

    first: str
    second: str
    customers: int


@dataclass(frozen=True)
class Plan:
    """`at` in µs since the epoch; `universe` is the number of customers; `volume` is per channel over all scenarios."""

    at: int
    zone: str
    universe: int
    scenarios: tuple[ScenarioPlan, ...]
    volume: Mapping[str, int]
    traffic: Mapping[str, Traffic]
    """Per channel how long its texts are and what they cost."""
    overlaps: tuple[Overlap, ...]
    diagnostics: tuple[Diagnostic, ...]


@dataclass(frozen=True)
class Decision:
    """What is decided about one step of an entry.

    `place` is the entry's position in the record; `step` counts from 1. state: planned (with channel, message, address,
    content), held (it waits, for `reason`), expired or cancelled.
    """

    place: int
    step: int
    due: int
    state: Literal["planned", "held", "expired", "cancelled"]
    reason: str | None = None
    channel: str | None = None
    arm: str | None = None
    message: str | None = None
    address: str | None = None
    content: Mapping[str, str] | None = None


@dataclass(frozen=True)
class End:
    """An entry that ends: `finished`, or `left` because it no longer qualifies."""

    place: int
    state: Literal["finished", "left"]
    at: int
    reason: str


@dataclass(frozen=True)
class Record:
    """What applying a scenario's plan writes down: the running entries that are gone, then its entries (id −1: it
    begins), decisions about steps, and which of these entries end."""

    scenario: ir.Scenario
    gone: Gone
    customers: tuple[str, ...]
    entries: Entries
    decisions: tuple[Decision, ...]
    ends: tuple[End, ...]


@dataclass
class _Draft:
    """One scenario while it is planned."""

    reading: Reading
    competitor: Competitor
    rendering: Rendering
    gone: Gone
    entered: int
    """Members of WHO who may not enter (again)."""
    arms: Mapping[str, NDArray[np.int16]]


def make_plan(
    scenarios: Sequence[tuple[ir.Scenario, Reading]],
    playbooks: Mapping[str, Playbook],
    policy: Policy,
    evaluation: Evaluation,
    *,
    zone: str,
    past: Past | None = None,
    asked: Callable[[ir.Scenario], bool] = lambda scenario: True,
    show_personal: bool = False,
    samples: int = 1,
) -> Plan:
    """The plan of these scenarios (each with its reading) at the evaluation's instant.

    past: the record of earlier ticks; asked: whether a scenario looks for new entries at this instant.
    """
    evaluation.prepare([scenario.who for scenario, _ in scenarios])
    drafts = [
        _draft(scenario, reading, playbooks, policy, evaluation, past, asked(scenario))
        for scenario, reading in scenarios
    ]
    compete(policy, [draft.competitor for draft in drafts], evaluation, past)
    plans: list[ScenarioPlan] = []
    findings: list[Diagnostic] = []
    hidden = frozenset() if show_personal else policy.personal
    for draft in drafts:
        one = draft.competitor
        if _is_quiet(policy, one.scenario, evaluation.at):
            one.outcome.hold(Gate.QUIET, np.ones(len(one.entries), bool))
        one.outcome.hold(Gate.INCOMPLETE, draft.rendering.incomplete)
        one.outcome.hold(Gate.RULE, draft.rendering.forbidden)
        findings += draft.rendering.diagnostics
        plans.append(_finished(draft, policy, evaluation, hidden, samples))
    hit = {plan.full_name: frozenset(send.customer for send in plan.sends) for plan in plans}
    return Plan(
        at=evaluation.at,
        zone=zone,
        universe=int(np.count_nonzero(evaluation.universe())),
        scenarios=tuple(plans),
        volume=_volume(plans),
        traffic=traffic((d for plan in plans for d in plan.record.decisions), policy.rules, policy.prices),
        overlaps=tuple(_overlaps(hit)),
        diagnostics=tuple(findings),
    )


def _draft(
    scenario: ir.Scenario,
    reading: Reading,
    playbooks: Mapping[str, Playbook],
    policy: Policy,
    evaluation: Evaluation,
    past: Past | None,
    asked: bool,
) -> _Draft:
    entries, gone = part(scenario, *running_entries(scenario, evaluation, past), evaluation)
    if asked:
        entries = with_new(scenario, entries, gone, evaluation, past)
    outcome = Outcome.of(len(entries))
    position = due_now(scenario, entries, evaluation, outcome)
    playbook = playbooks[scenario.playbook]
    arms = open_gates(
        scenario, playbook.holdout, policy, entries, position, evaluation, outcome, past, playbook.informational
    )
    entered = 0
    if past is not None and asked:
        outside = evaluation.members(scenario.who).copy()
        outside[entries.codes] = outside[gone.codes[gone.codes >= 0]] = False
        entered = int(np.count_nonzero(outside))
    quiet = _is_quiet(policy, scenario, evaluation.at)
    wanted = outcome.free & ~(quiet & (entries.reason == Gate.QUIET.value))
    rendering = render(scenario, playbook, entries, position, wanted, arms, evaluation, policy.rules)
    one = Competitor(scenario, entries, position, outcome, rendering.incomplete | rendering.forbidden | quiet)
    return _Draft(reading, one, rendering, gone, entered, arms)


def _is_quiet(policy: Policy, scenario: ir.Scenario, at: int) -> bool:
    return any(quiet is not None and is_quiet(quiet, at) for quiet in (policy.quiet, scenario.quiet))


def _samples(
    rendering: Rendering, letters: Sequence[Letter], customers: Sequence[str], hidden: frozenset[str], count: int
) -> Iterator[Letter]:
    """The first letters of each kind by customer, with personal values masked."""
    for _, kind in groupby(letters, key=lambda each: id(each.writing)):
        for letter in nsmallest(count, kind, key=lambda each: customers[each.place]):
            yield rendering.masked(letter, hidden) if hidden else letter


def _finished(
    draft: _Draft, policy: Policy, evaluation: Evaluation, hidden: frozenset[str], samples: int
) -> ScenarioPlan:
    one, rendering = draft.competitor, draft.rendering
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
        reading=draft.reading,
        audience=len(one.entries) + draft.entered + len(draft.gone),
        sends=tuple(sorted(map(send, letters), key=lambda each: each.customer)),
        held=one.outcome.held(draft.entered, draft.gone.gate),
        samples=tuple(
            Sample(send(each), each.content) for each in _samples(rendering, letters, customers, hidden, samples)
        ),
        arms={
            arm: int(np.count_nonzero(draft.arms[split.name] == number))
            for split in one.scenario.splits
            for number, (arm, _) in enumerate(split.arms)
        },
        record=Record(
            one.scenario,
            draft.gone,
            customers,
            one.entries,
            tuple(_decisions(one, letters, policy, evaluation)),
            tuple(_ends(one, evaluation.at)),
        ),
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
    for gates, state in decided:
        for gate in gates:
            same = (one.entries.reason == gate.value) & (one.entries.next == one.position.step)
            for place in np.flatnonzero(one.outcome.at(gate) & (steps > 0) & ~same).tolist():
                yield Decision(place, int(steps[place]), int(dues[place]), state, gate.value)
    addresses = _addresses(one, letters, policy, evaluation)
    for letter, address in zip(letters, addresses, strict=True):
        w, place = letter.writing, letter.place
        yield Decision(
            place, w.number, int(dues[place]), "planned", None, w.channel, w.arm, w.message, address, letter.content
        )


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
    if stays(one.scenario):
        return
    for gate in ENDS:
        for place in np.flatnonzero(one.outcome.at(gate)).tolist():
            yield End(place, END_STATES.get(gate, "finished"), at, gate.value)


END_STATES: Mapping[Gate, Literal["finished", "left"]] = {Gate.EXIT: "left", Gate.LEFT: "left"}
"""How an entry ends at these gates; at the others it is finished."""


def _volume(plans: Sequence[ScenarioPlan]) -> dict[str, int]:
    total: dict[str, int] = {}
    for plan in plans:
        for channel, count in plan.volume.items():
            total[channel] = total.get(channel, 0) + count
    return total


def _overlaps(hit: Mapping[str, frozenset[str]]) -> list[Overlap]:
    names = list(hit)
    pairs = ((a, b) for i, a in enumerate(names) for b in names[i + 1 :])
    return [Overlap(a, b, both) for a, b in pairs if (both := len(hit[a] & hit[b]))]


__all__ = [
    "Gate",
    "Held",
    "Overlap",
    "Plan",
    "Playbook",
    "Policy",
    "Reading",
    "Sample",
    "ScenarioPlan",
    "Send",
    "make_plan",
]
