"""Where each entry of a scenario stands at an instant: when it began, which step is due, which is over or to come."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dangol.engine import ir
from dangol.engine.backends.vector import Evaluation
from dangol.engine.backends.vector.zone import zone_for
from dangol.engine.calendar import DAY, SECOND
from dangol.engine.state.model import NO_INSTANT, Micros
from dangol.runner.policy import Gate, Outcome

DEFAULT_EXPIRY = ir.Shift(micros=DAY)


@dataclass(frozen=True)
class Entries:
    """Parallel to an audience: the instant of each entry (µs), and of the anchor event its name (a position in
    `names`) and its row in the table of that name. State-based scenarios have no names, and positions of −1.

    `by_customer` is `time` for every customer of the state (NO_INSTANT: no entry).
    """

    names: tuple[str, ...]
    time: Micros
    event: NDArray[np.int64]
    row: NDArray[np.int64]
    by_customer: Micros


@dataclass(frozen=True)
class Position:
    """Parallel to an audience: the step that is due now (−1: none), when it was due, and the first of its alternatives
    that is in question (1 where the step's condition is false and `else` follows)."""

    step: NDArray[np.int64]
    due: Micros
    alternative: NDArray[np.int64]


def entries_of(scenario: ir.Scenario, codes: NDArray[np.int64], evaluation: Evaluation) -> Entries:
    """The entries of these customers (codes), as if they were found at this evaluation."""
    everyone = np.full(evaluation.state.size, NO_INSTANT, np.int64)
    if scenario.anchor is None:
        everyone[codes] = evaluation.at
        nothing = np.full(len(codes), -1, np.int64)
        return Entries((), everyone[codes], nothing, nothing, everyone)
    latest = evaluation.entries(scenario.anchor)
    everyone[codes] = latest.time[codes]
    event, row = latest.event[codes].astype(np.int64), latest.row[codes].astype(np.int64)
    return Entries(latest.names, everyone[codes], event, row, everyone)


def due_now(
    scenario: ir.Scenario, codes: NDArray[np.int64], entries: Entries, evaluation: Evaluation, outcome: Outcome
) -> Position:
    """The step of each entry that goes out at this instant.

    Steps are taken in order: one whose time is over (`expires`, 24h by default) is dropped, one whose condition is
    false and has no `else` is passed over; the first other one is due now or to come. Who has none is held, and so is
    who an `exit` condition lets go.
    """
    for condition in scenario.exits:
        outcome.hold(Gate.EXIT, _holds(condition, codes, entries, evaluation))
    at, size = evaluation.at, len(codes)
    expires = scenario.expires or DEFAULT_EXPIRY
    step = np.full(size, -1, np.int64)
    alternative = np.zeros(size, np.int64)
    due_at = np.full(size, NO_INSTANT, np.int64)
    open_, expired = outcome.free.copy(), np.zeros(size, bool)
    previous = entries.time
    for number, written in enumerate(scenario.steps):
        due = _due(written.due, entries.time, previous, at)
        previous = due
        outcome.hold(Gate.WAITING, open_ & (due > at))
        open_ &= due <= at
        over = zone_for(scenario.zone, due, expires).step(due, expires) < at
        expired |= open_ & over
        holds = _holds(written.condition, codes, entries, evaluation)
        ready = open_ & ~over & (holds | (len(written.sends) > 1))
        if not written.sends:
            outcome.hold(Gate.STOPPED, ready & holds)
        else:
            step[ready], due_at[ready] = number, due[ready]
            alternative[ready] = np.where(holds[ready], 0, 1)
        open_ &= ~ready
    outcome.hold(Gate.EXPIRED, open_ & expired)
    outcome.hold(Gate.CONDITION, open_ & ~expired)
    return Position(step, due_at, alternative)


def _due(due: ir.Due | None, entry: Micros, previous: Micros, at: int) -> Micros:
    if due is None:  # due at the evaluation that finds the entry
        return np.full(len(entry), at, np.int64)
    time = entry if due.word == "after" else previous
    if due.shift is not None:
        time = zone_for(due.zone, time, due.shift).step(time, due.shift)
    return time if due.at is None else _next_time_of_day(time, due.at, due.zone)


def _next_time_of_day(instants: Micros, minute: int, zone: str) -> Micros:
    """The first instants, not before these, at which the local clock shows that minute of the day."""
    clock = zone_for(zone, instants, ir.Shift(days=2))
    midnight = clock.local(instants) // DAY * DAY
    same_day = clock.instants(midnight + minute * 60 * SECOND)
    next_day = clock.instants(midnight + DAY + minute * 60 * SECOND)
    return np.where(same_day >= instants, same_day, next_day)


def _holds(
    condition: ir.Condition | None, codes: NDArray[np.int64], entries: Entries, evaluation: Evaluation
) -> NDArray[np.bool_]:
    if condition is None:
        return np.ones(len(codes), bool)
    return evaluation.members(condition, entry=entries.by_customer)[codes]
