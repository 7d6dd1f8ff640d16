"""Who may be sent to: the gates between an audience and its sends, in their order, each with its reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dangol.engine import ir
from dangol.engine.backends.vector import Evaluation
from dangol.engine.calendar import DAY, SECOND, local_of
from dangol.measure.assignment import arms as draw_arms
from dangol.measure.assignment import held_out

if TYPE_CHECKING:
    from dangol.runner.journey import Position

CONTROL = "control"


class Gate(Enum):
    """Where a customer of the audience stops, in the order in which it is asked. The value is the reason as shown.

    Gates marked with a star need the record of earlier runs; they hold nobody while there is none.
    """

    RUNNING = "already entered"  # *
    EXIT = "left by an exit condition"
    WAITING = "a step is due later"
    EXPIRED = "every step that was due has expired"
    STOPPED = "stopped by a step"
    CONDITION = "the condition of every step is false"
    SUPPRESSED = "on the suppression list"  # *
    CONSENT = "no consent"
    ADDRESS = "no address"
    PROJECT_HOLDOUT = "project holdout"
    PLAYBOOK_HOLDOUT = "playbook holdout"
    HOLDOUT = "holdout"
    CONTROL = "control arm"
    CAP = "frequency cap"
    QUIET = "quiet hours"
    INCOMPLETE = "a value of the message is missing"


@dataclass(frozen=True)
class Held:
    """How many of the audience stop at a gate."""

    reason: str
    count: int


@dataclass
class Outcome:
    """Parallel to an audience: the gate that held each customer (−1: none so far). The first gate wins."""

    gate: NDArray[np.int8]

    @classmethod
    def of(cls, size: int) -> Outcome:
        return cls(np.full(size, -1, np.int8))

    @property
    def free(self) -> NDArray[np.bool_]:
        return self.gate < 0

    def hold(self, gate: Gate, mask: NDArray[np.bool_]) -> None:
        """Holds at `gate` whoever of the mask is still free."""
        self.gate[mask & self.free] = _ORDER[gate]

    def held(self) -> tuple[Held, ...]:
        """The counts per gate that holds somebody, in the order of the gates."""
        counts = np.bincount(self.gate[~self.free], minlength=len(_ORDER))
        return tuple(Held(gate.value, int(counts[n])) for gate, n in _ORDER.items() if counts[n])


_ORDER = {gate: number for number, gate in enumerate(Gate)}


@dataclass(frozen=True)
class Channel:
    """The attributes that hold a customer's address and consent for a channel; None where the project names none."""

    address: str | None = None
    consent: str | None = None


@dataclass(frozen=True)
class Policy:
    """What holds for every send of a project. `personal` are attributes whose values are masked when shown."""

    project: str
    channels: Mapping[str, Channel] = field(default_factory=dict)
    holdout: Fraction | None = None
    quiet: ir.Quiet | None = None
    caps: tuple[ir.Cap, ...] = ()
    personal: frozenset[str] = frozenset()


def open_gates(
    scenario: ir.Scenario,
    playbook_holdout: Fraction | None,
    policy: Policy,
    codes: NDArray[np.int64],
    position: Position,
    evaluation: Evaluation,
    outcome: Outcome,
) -> Mapping[str, NDArray[np.bool_]]:
    """Asks consent, address, holdouts and arms of those who have a step due, and holds whom they stop.

    Chooses each customer's alternative (`position.alternative` is advanced to the first channel that is allowed and
    reachable). Returns the arms of the scenario's splits as masks over the audience.
    """
    _choose_channel(scenario, policy, codes, position, evaluation, outcome)
    ids = _ids(evaluation, codes)
    for gate, salt, share in (
        (Gate.PROJECT_HOLDOUT, f"holdout/{policy.project}", policy.holdout),
        (Gate.PLAYBOOK_HOLDOUT, f"holdout/{policy.project}/{scenario.playbook}", playbook_holdout),
        (Gate.HOLDOUT, f"holdout/{policy.project}/{scenario.playbook}/{scenario.name}", scenario.holdout),
    ):
        if share:
            outcome.hold(gate, held_out(salt, share, ids))
    arms = {split.name: draw_arms(split.salt, [share for _, share in split.arms], ids) for split in scenario.splits}
    for split in scenario.splits:
        control = [number for number, (arm, _) in enumerate(split.arms) if arm == CONTROL]
        used = _uses_split(scenario, position, split.name)
        outcome.hold(Gate.CONTROL, used & np.isin(arms[split.name], control))
    return {arm: arms[split.name] == n for split in scenario.splits for n, (arm, _) in enumerate(split.arms)}


def _ids(evaluation: Evaluation, codes: NDArray[np.int64]) -> list[str]:
    ids = evaluation.state.ids
    return [ids[code] for code in codes.tolist()]


def _choose_channel(
    scenario: ir.Scenario,
    policy: Policy,
    codes: NDArray[np.int64],
    position: Position,
    evaluation: Evaluation,
    outcome: Outcome,
) -> None:
    for number, step in enumerate(scenario.steps):
        here = (position.step == number) & outcome.free
        if not here.any():
            continue
        consents = np.zeros(len(codes), bool)
        found = np.zeros(len(codes), bool)
        for alternative, send in enumerate(step.sends):
            allowed, reachable = _gates_of(send.channel, policy, codes, evaluation)
            asked = here & ~found & (position.alternative <= alternative)
            consents |= asked & allowed
            taken = asked & allowed & reachable
            position.alternative[taken] = alternative
            found |= taken
        outcome.hold(Gate.CONSENT, here & ~found & ~consents)
        outcome.hold(Gate.ADDRESS, here & ~found & consents)


def _gates_of(
    channel: str, policy: Policy, codes: NDArray[np.int64], evaluation: Evaluation
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Who has consented to the channel (missing consent is no consent), and who has an address for it."""
    rules = policy.channels.get(channel, Channel())
    yes = np.ones(len(codes), bool)
    allowed = yes if rules.consent is None else evaluation.members(_consented(rules.consent))[codes]
    if rules.address is None:
        return allowed, yes
    return allowed, evaluation.members(_has_address(rules.address, evaluation))[codes]


def _consented(attribute: str) -> ir.Condition:
    return ir.Truth(ir.Attribute(attribute, "boolean"))


def _has_address(attribute: str, evaluation: Evaluation) -> ir.Condition:
    column = evaluation.state.attributes[attribute]
    value = ir.Attribute(attribute, column.type)
    present: ir.Condition = ir.Not(ir.IsMissing(value))
    if column.type != "text":
        return present
    return ir.And((present, ir.Not(ir.Compare("=", value, ir.Constant("text", "")))))


def _uses_split(scenario: ir.Scenario, position: Position, split: str) -> NDArray[np.bool_]:
    used = np.zeros(len(position.step), bool)
    for number, step in enumerate(scenario.steps):
        for alternative, send in enumerate(step.sends):
            if send.split == split:
                used |= (position.step == number) & (position.alternative == alternative)
    return used


def in_tick(
    policy: Policy, drafts: Sequence[tuple[ir.Scenario, NDArray[np.int64], Position, Outcome]], at: int
) -> None:
    """Lets the scenarios of one tick compete: caps count over all of them, then quiet hours hold the rest.

    Messages to one customer are taken by priority (highest first), then the earlier due, then the scenario's name.
    """
    for cap in policy.caps:
        _apply_cap(cap, drafts)
    for scenario, _, _, outcome in drafts:
        for quiet in (policy.quiet, scenario.quiet):
            if quiet is not None and is_quiet(quiet, at):
                outcome.hold(Gate.QUIET, np.ones(len(outcome.gate), bool))


def _apply_cap(
    cap: ir.Cap, drafts: Sequence[tuple[ir.Scenario, NDArray[np.int64], Position, Outcome]]
) -> None:
    if not drafts:
        return
    counted = [outcome.free & _on_channel(scenario, position, cap.channel) for scenario, _, position, outcome in drafts]
    by_name = sorted(range(len(drafts)), key=lambda n: (drafts[n][0].playbook, drafts[n][0].name))
    rank = {number: place for place, number in enumerate(by_name)}
    customer = np.concatenate([codes[mask] for (_, codes, _, _), mask in zip(drafts, counted, strict=True)])
    due = np.concatenate([position.due[mask] for (_, _, position, _), mask in zip(drafts, counted, strict=True)])
    sizes = [int(np.count_nonzero(mask)) for mask in counted]
    priority = np.repeat([-scenario.priority for scenario, *_ in drafts], sizes)
    name = np.repeat([rank[n] for n in range(len(drafts))], sizes)
    order = np.lexsort((name, due, priority, customer))
    ordered = customer[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if len(ordered) else np.zeros(0, np.int64)
    place = np.arange(len(ordered)) - np.repeat(starts, np.diff(np.r_[starts, len(ordered)]))
    refused = np.zeros(len(ordered), bool)
    refused[order] = place >= cap.count
    for (_, _, _, outcome), mask, part in zip(drafts, counted, np.split(refused, np.cumsum(sizes)[:-1]), strict=True):
        held = np.zeros(len(mask), bool)
        held[np.flatnonzero(mask)[part]] = True
        outcome.hold(Gate.CAP, held)


def _on_channel(scenario: ir.Scenario, position: Position, channel: str | None) -> NDArray[np.bool_]:
    if channel is None:
        return np.ones(len(position.step), bool)
    on = np.zeros(len(position.step), bool)
    for number, step in enumerate(scenario.steps):
        for alternative, send in enumerate(step.sends):
            if send.channel == channel:
                on |= (position.step == number) & (position.alternative == alternative)
    return on


def is_quiet(quiet: ir.Quiet, at: int) -> bool:
    """Whether the local time at `at` (µs) lies in the window [start, end), which may pass midnight."""
    minute = local_of(at, quiet.zone) % DAY // (60 * SECOND)
    if quiet.start <= quiet.end:
        return quiet.start <= minute < quiet.end
    return minute >= quiet.start or minute < quiet.end
