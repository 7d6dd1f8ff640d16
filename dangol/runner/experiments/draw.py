"""Who takes part and in which group: holdouts, namespaces and arms, drawn alike for everyone who reaches the draw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dangol.engine import ir
from dangol.engine.backends.vector.words import texts_of
from dangol.engine.state.model import NO_INSTANT, Mask, Micros
from dangol.measure.assignment import arms as draw_arms
from dangol.measure.assignment import held_out, within
from dangol.measure.design import CONTROL, HOLDOUTS, Design
from dangol.runner.entries import Entries
from dangol.runner.experiments.decisions import Given
from dangol.runner.journey import Position
from dangol.runner.policy import Gate, Outcome, Reach

GATES = {"project": Gate.PROJECT_HOLDOUT, "playbook": Gate.PLAYBOOK_HOLDOUT, "scenario": Gate.HOLDOUT}


@dataclass(frozen=True)
class Drawn:
    """Parallel to the entries. step: at which each one reached the draw (from 0; −1: it did not, or has no part in it);
    due, channel: of that step. holdout: a position in HOLDOUTS. arms: split → the position of the arm that was drawn;
    given: of the one that each gets, which is another where an arm has won."""

    step: NDArray[np.int64]
    due: Micros
    channel: NDArray[np.object_]
    holdout: NDArray[np.int8]
    arms: Mapping[str, NDArray[np.int16]]
    given: Mapping[str, NDArray[np.int16]]

    @property
    def assigned(self) -> Mask:
        return self.step >= 0


def draw(
    scenario: ir.Scenario, design: Design, entries: Entries, position: Position, reach: Reach, outcome: Outcome,
    decided: Given,
) -> Drawn:  # fmt: skip
    """Draws for those who have a step due and may be sent to, and holds who gets nothing.

    Whether somebody reaches the draw does not depend on the arm: where a step is for some arms only, everyone is asked
    for whom it would be in one of them.
    """
    step, due, channel = _reached(scenario, position, reach, outcome)
    ids = texts_of(reach.evaluation.state.ids, entries.codes) if design.draws else []
    asked = np.flatnonzero((step >= 0) | outcome.free)
    some = [ids[place] for place in asked.tolist()] if design.draws else []
    holdout, inside = np.zeros(len(entries), np.int8), np.ones(len(entries), bool)
    if design.place is not None:
        inside[asked] = within(design.place.salt, design.place.lower, design.place.upper, some)
    for one in design.holdouts:
        if one.level == "scenario":
            outcome.hold(Gate.NAMESPACE, ~inside)
        out = np.zeros(len(entries), bool)
        out[asked] = held_out(one.salt, one.share, some)
        holdout[out & (holdout == 0)] = HOLDOUTS.index(one.level)
        outcome.hold(GATES[one.level], out)
    outcome.hold(Gate.NAMESPACE, ~inside)
    step[~inside] = -1
    arms = {split.name: draw_arms(split.salt, [share for _, share in split.arms], ids) for split in design.splits}
    for split in design.splits:
        control = [number for number, (arm, _) in enumerate(split.arms) if arm == CONTROL]
        outcome.hold(Gate.CONTROL, np.isin(arms[split.name], control))
    outcome.hold(Gate.CONTROL, decided.silent)
    given = {split.name: decided.arms(split, arms[split.name]) for split in design.splits}
    return Drawn(step, due, channel, holdout, arms, given)


def _reached(
    scenario: ir.Scenario, position: Position, reach: Reach, outcome: Outcome
) -> tuple[NDArray[np.int64], Micros, NDArray[np.object_]]:
    """The first step at which each entry reaches the draw now (−1: at none), when it was due, and its channel."""
    size = len(outcome.gate)
    step, due = np.full(size, -1, np.int64), np.full(size, NO_INSTANT, np.int64)
    channel = np.full(size, None, object)
    forks = {one.step: one for one in position.crossroads}
    for number, written in enumerate(scenario.steps):
        fork = forks.get(number)
        for alternative, send in enumerate(written.sends):
            if fork is None:
                free = outcome.free & (position.step == number) & (position.alternative == alternative)
                when = position.due
            else:
                either = fork.true | fork.false if alternative else fork.true
                free, when = fork.here & either & reach.open(send), fork.due
            free = free & (step < 0)
            step[free], due[free], channel[free] = number, when[free], send.channel
    return step, due, channel
