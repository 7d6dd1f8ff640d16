"""A scenario replayed over past weeks, without its messages: who would have entered, when, and what they did then."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dangol.engine import ir
from dangol.engine.backends.vector import Arms, Evaluation
from dangol.engine.calendar import DAY, step
from dangol.engine.catalog import LEDGER_EVENTS
from dangol.engine.state.model import NO_INSTANT, Micros, State
from dangol.measure.outcomes import Outcomes, outcomes, tied
from dangol.runner.due import occurrences

WEEKS = 8
"""How far back the replay goes (measurement 5.4)."""

YEAR = 52
NO_SHIFT = ir.Shift()


@dataclass(frozen=True)
class Replay:
    """Who entered and can be sent to: their codes, the instant of each, and the instant their first message was due;
    `instants` at which the rule was asked, the latest last, and how many of these entered at each.

    everyone: how many entered, whether they can be sent to or not; exact: asked as often as the schedule does.
    """

    codes: NDArray[np.int64]
    entered: Micros
    due: Micros
    instants: tuple[int, ...]
    counts: tuple[int, ...]
    everyone: int
    exact: bool

    @property
    def per_day(self) -> float:
        """Customers who enter a day after the first instant."""
        days = (self.instants[-1] - self.instants[0]) / DAY if len(self.instants) > 1 else 0.0
        return sum(self.counts[1:]) / days if days else 0.0


class Past:
    """A scenario and the state that it is replayed over, up to an instant. `reachable`: who can be sent to at all, as
    only they are drawn, and count (set it before the first question)."""

    def __init__(
        self, scenario: ir.Scenario, program: ir.Program, state: State, at: int, arms: Arms | None = None
    ) -> None:
        self.scenario, self.program, self.state, self.at, self.arms = scenario, program, state, at, arms
        self.now = self.as_of(at)
        self.until = newest(state, at)
        self.reachable = np.ones(state.size, bool)

    def as_of(self, at: int) -> Evaluation:
        """The same state at another instant."""
        return Evaluation(self.program, self.state, at, arms=self.arms)

    def replay(self, window: ir.Shift) -> Replay:
        """The weeks before the last instant whose window lies in the data; of fewer where these begin later."""
        delay = first_delay(self.scenario)
        end = step(step(self.until, -window, self.scenario.zone), -delay, self.scenario.zone)
        start = max(end - WEEKS * 7 * DAY, self.begins + DAY)
        instants, exact = asked(self.scenario.schedule, start, end)
        seen = np.full(self.state.size, NO_INSTANT, np.int64)
        anchors = np.full(self.state.size, NO_INSTANT, np.int64)
        counts: list[int] = []
        for instant in instants:
            evaluation = self.as_of(instant)
            new = evaluation.members(self.scenario.who) & (seen == NO_INSTANT)
            if self.scenario.anchor is not None and new.any():
                anchors[new] = evaluation.entries(self.scenario.anchor).time[new]
            seen[new] = instant
            counts.append(int(np.count_nonzero(new & self.reachable)))
        everyone = int(np.count_nonzero(seen != NO_INSTANT))
        codes = np.flatnonzero((seen != NO_INSTANT) & self.reachable)
        due = _stepped(seen[codes], delay, self.scenario.zone)
        entered = np.where(anchors[codes] != NO_INSTANT, anchors[codes], seen[codes])
        return Replay(codes, entered, due, instants, tuple(counts), everyone, exact)

    @property
    def begins(self) -> int:
        """The first event of all (µs)."""
        first = [int(table.time[0]) for table in self.state.events.values() if len(table.time)]
        return min(first, default=self.at)

    def did(self, replay: Replay, kpi: ir.Kpi | ir.Guardrail, within: ir.Shift | None = None) -> Outcomes:
        """What those who entered did in their windows."""
        metric, evaluation = kpi.metric, self.now
        if kpi.same and self.scenario.anchor is not None:
            entered, anchor = replay.entered, self.scenario.anchor
            evaluation, metric = tied(evaluation, metric, anchor, kpi.same, replay.codes, entered)
        if metric.function == "avg" and kpi.per == "customer":
            return outcomes(evaluation, metric, replay.codes, replay.due, averaged=True, back=False)
        per = kpi.per if isinstance(kpi.per, ir.Events) else None
        return outcomes(evaluation, metric, replay.codes, replay.due, per, back=False)

    def levels(self, kpi: ir.Kpi) -> list[float]:
        """The metric of whoever was in the rule a week ago, two weeks ago … back to a year; the oldest last."""
        found: list[float] = []
        end = step(self.until, -kpi.metric.within, self.scenario.zone)
        for week in range(YEAR):
            instant = end - week * 7 * DAY
            if instant < self.begins + 4 * 7 * DAY:
                break
            codes = np.flatnonzero(self.as_of(instant).members(self.scenario.who) & self.reachable)
            if len(codes):
                at, size = np.full(len(codes), instant, np.int64), len(codes)
                found.append(value(self.did(Replay(codes, at, at, (instant,), (size,), size, True), kpi)))
        return found


def newest(state: State, at: int) -> int:
    """The newest event of the data up to an instant (µs), not of our own messages; the instant where there is none."""
    tables = [np.asarray(table.time) for name, table in state.events.items() if name not in LEDGER_EVENTS]
    before = [times[: np.searchsorted(times, at, side="right")] for times in tables]
    return max((int(times[-1]) for times in before if len(times)), default=at)


def value(done: Outcomes) -> float:
    """The mean per customer, or the ratio of the sums."""
    if done.per is None:
        return float(done.now.mean()) if len(done.now) else 0.0
    total = float(done.per.sum())
    return float(done.now.sum()) / total if total else 0.0


def first_delay(scenario: ir.Scenario) -> ir.Shift:
    """From the entry to the first message."""
    first = next((one for one in scenario.steps if one.sends), None)
    return first.due.shift if first is not None and first.due is not None and first.due.shift else NO_SHIFT


def asked(schedule: ir.Schedule | None, start: int, end: int) -> tuple[tuple[int, ...], bool]:
    """The instants in [start, end] at which the schedule asks, or one a day where it asks more often than that."""
    if schedule is not None and schedule.once is not None:
        return (end,), True
    days = max(1, (end - start) // DAY)
    found = () if schedule is None else tuple(_until(occurrences(schedule, start), end, days + 2))
    if found and len(found) <= days + 1:
        return found, True
    return tuple(end - day * DAY for day in range(days, -1, -1)), False


def _until(instants: Iterator[int], end: int, most: int) -> Iterator[int]:
    for number, instant in enumerate(instants):
        if instant > end or number > most:
            return
        yield instant


def _stepped(instants: Micros, shift: ir.Shift, zone: str) -> Micros:
    if shift == NO_SHIFT:
        return instants
    found = {instant: step(instant, shift, zone) for instant in np.unique(instants).tolist()}
    return np.array([found[instant] for instant in instants.tolist()], np.int64)


__all__: Sequence[str] = ["Past", "Replay", "asked", "first_delay", "newest", "value"]
