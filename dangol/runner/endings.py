"""When a running entry ended: at the instant of the event that ended it, whenever somebody looks."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce

import numpy as np

from dangol.engine import ir
from dangol.engine.backends.vector import Evaluation
from dangol.engine.backends.vector.zone import zone_for
from dangol.engine.state.model import NO_INSTANT, Mask, Micros
from dangol.runner.entries import IN_FLIGHT, Entries, Gone, of_places
from dangol.runner.policy import Gate, Outcome

NEVER = np.iinfo(np.int64).max


def stays(scenario: ir.Scenario) -> bool:
    """Whether an entry runs until its customer leaves the state, since only then another may begin."""
    return scenario.anchor is None and scenario.again.mode == "each time"


def lingers(scenario: ir.Scenario, entries: Entries, at: int) -> Mask:
    """Whose entry in a state goes on without messages when its steps are over: nothing of it was sent, so it does not
    use up `again`, and the next one begins when the state has been left (or `again: after` lets it)."""
    if scenario.anchor is not None:
        return np.zeros(len(entries), bool)
    idle = ~entries.used & ~entries.is_new
    shift = scenario.again.shift
    if scenario.again.mode == "after" and shift is not None:
        idle &= at < zone_for(scenario.again.zone, entries.time, shift).step(entries.time, shift)
    return idle


def part(
    scenario: ir.Scenario, running: Entries, lost: np.ndarray[tuple[int], np.dtype[np.int64]], evaluation: Evaluation
) -> tuple[Entries, Gone]:
    """The running entries that go on, and those that end: done, left by an exit condition, or no longer qualified.

    `lost`: entries whose customers are not in the data any more; they end too.
    """
    outcome, ended = Outcome.of(len(running)), np.full(len(running), evaluation.at, np.int64)
    if len(running):
        _end(scenario, running, evaluation, outcome, ended)
    over = ~outcome.free
    nowhere = Outcome.of(len(lost))
    nowhere.hold(Gate.LEFT, nowhere.free)
    return of_places(running, outcome.free), Gone(
        np.concatenate([running.id[over], lost]),
        np.concatenate([running.codes[over], np.full(len(lost), -1)]),
        np.concatenate([outcome.gate[over], nowhere.gate]),
        np.concatenate([ended[over], np.full(len(lost), evaluation.at)]),
    )


def _end(scenario: ir.Scenario, running: Entries, evaluation: Evaluation, outcome: Outcome, ended: Micros) -> None:
    last = np.maximum(running.went, running.before)
    exits = ir.Or(scenario.exits) if scenario.exits else None
    if not stays(scenario):
        through = running.next >= len(scenario.steps)
        outcome.hold(Gate.DONE, through & ~lingers(scenario, running, evaluation.at))
        done = outcome.at(Gate.DONE)
        ended[done] = np.minimum(last[done], evaluation.at)
        if exits is not None:
            outcome.hold(Gate.EXIT, _holds(exits, running, evaluation))
    if scenario.still is not None:
        outcome.hold(Gate.LEFT, ~_holds(scenario.still, running, evaluation))
    outcome.gate[running.ready == IN_FLIGHT] = -1  # it ends when it is known what became of the message
    left = outcome.at(Gate.EXIT, Gate.LEFT)
    if left.any():
        since = np.full(len(running), NEVER)
        if exits is not None and not stays(scenario):
            since = np.where(_holds(exits, running, evaluation), _since(exits, True, running, evaluation), NEVER)
        if scenario.still is not None:
            out = ~_holds(scenario.still, running, evaluation)
            since = np.where(out, np.minimum(since, _since(scenario.still, False, running, evaluation)), since)
        ended[left] = np.clip(since, running.time, evaluation.at)[left]


def _since(condition: ir.Condition, truth: bool, entries: Entries, evaluation: Evaluation) -> Micros:
    """Since when the condition has been so, of those for whom it now is; `at` where no event made it so."""
    now = np.full(len(entries), evaluation.at, np.int64)
    match condition:
        case ir.Not(item=item):
            return _since(item, not truth, entries, evaluation)
        case ir.And(items=items) | ir.Or(items=items):
            each = [_since(item, truth, entries, evaluation) for item in items]
            if isinstance(condition, ir.And) is truth:
                return reduce(np.maximum, each)
            so = [_holds(item, entries, evaluation) == truth for item in items]
            return reduce(np.minimum, [np.where(is_so, t, NEVER) for is_so, t in zip(so, each, strict=True)])
        case ir.SegmentRef(name=name) if name in evaluation.program.segments:
            return _since(evaluation.program.segments[name], truth, entries, evaluation)
        case ir.Matches() if truth or condition.high is not None:
            return _reached(condition, truth, entries, evaluation)
        case ir.Matches(events=events) if barred := [f for f in events.follows if f.kind == "not_followed"]:
            anchor = replace(events, follows=())
            return reduce(np.minimum, [_first(_followers(f, anchor), "first", entries, evaluation) for f in barred])
    return now


def _reached(condition: ir.Matches, truth: bool, entries: Entries, evaluation: Evaluation) -> Micros:
    """When so many events had happened: at the first, or at the latest when one of several was enough."""
    if (condition.high is not None and truth) or any(f.kind != "follows" for f in condition.events.follows):
        return np.full(len(entries), evaluation.at, np.int64)
    return _first(condition.events, "first" if condition.low == 1 and truth else "last", entries, evaluation)


def _followers(follow: ir.Follow, anchor: ir.Events) -> ir.Events:
    """The events B that follow this anchor."""
    after = ir.Follow("follows", anchor, follow.gap, follow.same, follow.zone)
    return replace(follow.other, follows=(*follow.other.follows, after))


def _first(events: ir.Events, which: ir.AggregateFunction, entries: Entries, evaluation: Evaluation) -> Micros:
    value = ir.Aggregate(which, events, None, "instant", "UTC")
    found = evaluation.values(value, entry=entries.by_customer).data[entries.codes]
    return np.where(found == NO_INSTANT, evaluation.at, found).astype(np.int64)


def _holds(condition: ir.Condition, entries: Entries, evaluation: Evaluation) -> Mask:
    return evaluation.members(condition, entry=entries.by_customer)[entries.codes]
