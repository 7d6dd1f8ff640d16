"""Where each entry of a scenario stands at an instant: which step is due, which is over or to come, who leaves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dangol.engine import ir
from dangol.engine.backends.vector import Evaluation
from dangol.engine.backends.vector.zone import zone_for
from dangol.engine.calendar import DAY, SECOND
from dangol.engine.state.model import NO_INSTANT, Mask, Micros
from dangol.runner.endings import lingers, stays
from dangol.runner.entries import IN_FLIGHT, Entries
from dangol.runner.experiments.crossroads import Crossroads, asks_arm, either_way
from dangol.runner.policy import Gate, Outcome

DEFAULT_EXPIRY = ir.Shift(micros=DAY)


@dataclass(frozen=True)
class Settled:
    """A step that these entries (positions) are through without a message: it expired, or its condition was false."""

    places: NDArray[np.int64]
    step: int
    due: Micros
    state: Literal["expired", "cancelled"]
    reason: str


@dataclass(frozen=True)
class Position:
    """Parallel to the entries: the step that is due now (from 0; −1: none), when it was due, and the first of its
    alternatives that is in question (1 where the step's condition is false and `else` follows). crossroads: the steps
    that are for some arms only."""

    step: NDArray[np.int64]
    due: Micros
    alternative: NDArray[np.int64]
    settled: tuple[Settled, ...]
    crossroads: tuple[Crossroads, ...] = ()


def due_now(scenario: ir.Scenario, entries: Entries, evaluation: Evaluation, outcome: Outcome) -> Position:
    """The step of each entry that goes out at this instant.

    Whose exit condition holds leaves. Steps are taken in order: one whose time is over (`expires`, 24h by default) is
    dropped, one whose condition is false and has no `else` is passed over; the first other one is due now or to come.
    """
    outcome.hold(Gate.RETRY, entries.ready == IN_FLIGHT)
    for condition in scenario.exits:
        outcome.hold(Gate.EXIT, _holds(condition, entries, evaluation))
    size, at = len(entries), evaluation.at
    step, alternative = np.full(size, -1, np.int64), np.zeros(size, np.int64)
    due_at, settled = np.full(size, NO_INSTANT, np.int64), list[Settled]()
    waiting, expired, false, other = outcome.free.copy(), *(np.zeros(size, bool) for _ in range(3))
    crossroads = list[Crossroads]()
    before = np.where(entries.before != NO_INSTANT, entries.before, entries.time)
    for number, written in enumerate(scenario.steps):
        mine = waiting & (entries.next <= number)
        due = _due(written.due, number, entries, before, at)
        before = np.where(entries.next <= number, due, before)
        outcome.hold(Gate.WAITING, mine & (due > at))
        outcome.hold(Gate.RETRY, mine & (entries.next == number) & entries.is_open & (entries.ready > at))
        waiting &= outcome.free
        mine &= waiting
        over = _over(scenario, due) < at
        holds = _holds(written.condition, entries, evaluation)
        passed = mine & ~over & ~holds & (len(written.sends) < 2)
        ready = mine & ~over & ~passed
        expired |= mine & over
        elsewhere = np.zeros(size, bool)
        if written.condition is not None and asks_arm(written.condition):
            true, untrue = (m[entries.codes] for m in either_way(written.condition, evaluation, entries.by_customer))
            crossroads.append(Crossroads(number, mine & ~over, due, true, untrue))
            elsewhere = passed & true
            settled.append(Settled(np.flatnonzero(elsewhere), number, due[elsewhere], "cancelled", Gate.ARM.value))
            passed, other = passed & ~true, other | elsewhere
        false |= passed
        settled.append(Settled(np.flatnonzero(mine & over), number, due[mine & over], "expired", Gate.EXPIRED.value))
        settled.append(Settled(np.flatnonzero(passed), number, due[passed], "cancelled", Gate.CONDITION.value))
        if not written.sends:
            outcome.hold(Gate.STOPPED, ready)
        step[ready], due_at[ready] = number, due[ready]
        alternative[ready] = np.where(holds[ready], 0, 1)
        _pass_over(written, ready & (entries.next == number), entries, alternative)
        waiting &= ~ready
    outcome.hold(Gate.DONE, waiting & (entries.next >= len(scenario.steps)))
    outcome.hold(Gate.EXPIRED, waiting & expired & ~false & ~other)
    outcome.hold(Gate.ARM, waiting & other & ~false)
    outcome.hold(Gate.CONDITION, waiting)
    closing = outcome.at(Gate.EXIT, Gate.STOPPED)
    if not stays(scenario):
        closing = outcome.at(Gate.STOPPED) & lingers(scenario, entries, at)
    settled += _closed(scenario, entries, step, due_at, at, outcome, closing)
    return Position(step, due_at, alternative, tuple(one for one in settled if len(one.places)), tuple(crossroads))


UNREACHED_ON = "not reached on "
"""How the reason begins of a step that waits for the channel behind `else`; the channel and what was said follow."""


def _pass_over(step: ir.Step, here: Mask, entries: Entries, alternative: NDArray[np.int64]) -> None:
    """Begins behind the channel on which somebody was not reached, wherever the step names it."""
    behind = {send.channel: number for number, send in enumerate(step.sends, 1)}
    if len(behind) < 2 or not here.any():
        return
    for place in np.flatnonzero(here & unreached(entries)).tolist():
        channel = str(entries.reason[place]).removeprefix(UNREACHED_ON).partition(":")[0]
        alternative[place] = max(int(alternative[place]), behind.get(channel, 0))


def unreached(entries: Entries) -> Mask:
    """Whose open step was refused on a channel."""
    known = set(entries.reason.tolist()) - {None}
    reasons = [reason for reason in known if reason.startswith(UNREACHED_ON)]
    return np.isin(entries.reason, reasons) if reasons else np.zeros(len(entries), bool)


def _closed(
    scenario: ir.Scenario,
    entries: Entries,
    step: NDArray[np.int64],
    due: Micros,
    at: int,
    outcome: Outcome,
    closing: Mask,
) -> Iterator[Settled]:
    """The steps that are given up by entries that are over but run on until their customers leave the state."""
    for gate in (Gate.EXIT, Gate.STOPPED):
        first = np.where(step >= 0, step, entries.next)
        for number in range(len(scenario.steps)):
            places = np.flatnonzero(outcome.at(gate) & closing & (first <= number))
            dues = np.where(due[places] == NO_INSTANT, at, due[places])
            yield Settled(places, number, dues, "cancelled", gate.value)


def _over(scenario: ir.Scenario, due: Micros) -> Micros:
    expires = scenario.expires or DEFAULT_EXPIRY
    return zone_for(scenario.zone, due, expires).step(due, expires)


def _due(due: ir.Due | None, number: int, entries: Entries, before: Micros, at: int) -> Micros:
    """When the step is due: as recorded, if it is."""
    if due is None:  # at the evaluation that finds the entry, or together with the step before
        time = before if number else np.full(len(entries), at, np.int64)
    else:
        start = entries.time if due.word == "after" else before
        time = start if due.shift is None else zone_for(due.zone, start, due.shift).step(start, due.shift)
        if due.word == "wait" and due.shift is not None:
            time = _not_before_it_went(time, entries, due)
        if due.at is not None:
            time = _next_time_of_day(time, due.at, due.zone)
    recorded = entries.is_open & (entries.next == number)
    return np.where(recorded, entries.due, time)


def _not_before_it_went(time: Micros, entries: Entries, due: ir.Due) -> Micros:
    """`wait 24h` is at least 24 h after the last message really went out, too."""
    went = entries.went != NO_INSTANT
    if not went.any() or due.shift is None:
        return time
    later = zone_for(due.zone, entries.went[went], due.shift).step(entries.went[went], due.shift)
    time = time.copy()
    time[went] = np.maximum(time[went], later)
    return time


def _next_time_of_day(instants: Micros, minute: int, zone: str) -> Micros:
    """The first instants, not before these, at which the local clock shows that minute of the day."""
    clock = zone_for(zone, instants, ir.Shift(days=2))
    midnight = clock.local(instants) // DAY * DAY
    same_day = clock.instants(midnight + minute * 60 * SECOND)
    next_day = clock.instants(midnight + DAY + minute * 60 * SECOND)
    return np.where(same_day >= instants, same_day, next_day)


def _holds(condition: ir.Condition | None, entries: Entries, evaluation: Evaluation) -> Mask:
    if condition is None:
        return np.ones(len(entries), bool)
    return evaluation.members(condition, entry=entries.by_customer)[entries.codes]
