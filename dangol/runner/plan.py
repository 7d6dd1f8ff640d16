"""The dry run: who would get which message at an instant, and where everyone else of the audience is left.

Nothing here can send: a Plan is data, and this module knows no channel.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from dangol.diagnostics import Diagnostic, Line
from dangol.engine import ir
from dangol.engine.backends.vector import Evaluation
from dangol.engine.state.model import State
from dangol.runner.journey import Entries, Position, due_now, entries_of
from dangol.runner.policy import Gate, Held, Outcome, Policy, in_tick, open_gates
from dangol.runner.recipients import Rendering, render


@dataclass(frozen=True)
class Playbook:
    """What planning needs of a playbook: its holdout, and its messages (name → channel → part → template)."""

    name: str
    holdout: Fraction | None = None
    messages: Mapping[str, Mapping[str, Mapping[str, Line]]] = field(default_factory=dict)
    rules: Mapping[str, Line] = field(default_factory=dict)
    """Scenario → its line, for findings about messages written in the line."""


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
    """Arm → customers of the audience in it, the control included."""

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
    overlaps: tuple[Overlap, ...]
    diagnostics: tuple[Diagnostic, ...]


@dataclass
class _Draft:
    """One scenario while it is planned; arrays are parallel to `codes`, the audience."""

    scenario: ir.Scenario
    reading: Reading
    codes: NDArray[np.int64]
    entries: Entries
    position: Position
    outcome: Outcome
    arms: Mapping[str, NDArray[np.bool_]]

    @property
    def name(self) -> str:
        return f"{self.scenario.playbook}/{self.scenario.name}"


def make_plan(
    scenarios: Sequence[tuple[ir.Scenario, Reading]],
    playbooks: Mapping[str, Playbook],
    policy: Policy,
    evaluation: Evaluation,
    *,
    zone: str,
    show_personal: bool = False,
    samples: int = 1,
) -> Plan:
    """The plan of these scenarios (each with its reading) at the evaluation's instant."""
    drafts = [_draft(scenario, reading, playbooks, policy, evaluation) for scenario, reading in scenarios]
    in_tick(policy, [(d.scenario, d.codes, d.position, d.outcome) for d in drafts], evaluation.at)
    plans: list[ScenarioPlan] = []
    findings: list[Diagnostic] = []
    for draft in drafts:
        rendering = render(
            draft.scenario, playbooks[draft.scenario.playbook], draft.codes, draft.entries, draft.position,
            draft.outcome, evaluation, policy.personal if not show_personal else frozenset(), samples,
        )  # fmt: skip
        findings += rendering.diagnostics
        plans.append(_finished(draft, rendering, evaluation.state))
    hit = {plan_name(p): frozenset(send.customer for send in p.sends) for p in plans}
    return Plan(
        at=evaluation.at,
        zone=zone,
        universe=int(np.count_nonzero(evaluation.universe())),
        scenarios=tuple(plans),
        volume=_volume(plans),
        overlaps=tuple(_overlaps(hit)),
        diagnostics=tuple(findings),
    )


def plan_name(plan: ScenarioPlan) -> str:
    """`playbook/scenario`."""
    return f"{plan.playbook}/{plan.scenario}"


def _draft(
    scenario: ir.Scenario, reading: Reading, playbooks: Mapping[str, Playbook], policy: Policy, evaluation: Evaluation
) -> _Draft:
    codes = np.flatnonzero(evaluation.members(scenario.who))
    entries = entries_of(scenario, codes, evaluation)
    outcome = Outcome.of(len(codes))
    position = due_now(scenario, codes, entries, evaluation, outcome)
    arms = open_gates(scenario, playbooks[scenario.playbook].holdout, policy, codes, position, evaluation, outcome)
    return _Draft(scenario, reading, codes, entries, position, outcome, arms)


def _finished(draft: _Draft, rendering: Rendering, state: State) -> ScenarioPlan:
    scenario = draft.scenario
    return ScenarioPlan(
        playbook=scenario.playbook,
        scenario=scenario.name,
        reading=draft.reading,
        audience=len(draft.codes),
        sends=tuple(
            Send(customer, step.channel, step.number, step.arm, step.message)
            for customer, step in sorted(rendering.sends(state.ids), key=lambda pair: pair[0])
        ),
        held=draft.outcome.held(),
        samples=tuple(
            Sample(Send(state.ids[code], step.channel, step.number, step.arm, step.message), content)
            for code, step, content in rendering.samples
        ),
        arms={arm: int(np.count_nonzero(mask)) for arm, mask in draft.arms.items()},
    )


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


__all__ = ["Gate", "Held", "Overlap", "Plan", "Playbook", "Policy", "Reading", "Sample", "ScenarioPlan", "Send", "make_plan"]
