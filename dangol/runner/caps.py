"""Frequency caps: how many messages a customer may get in a window, over everything that is sent and was sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dangol.engine import ir
from dangol.engine.backends.vector import Evaluation
from dangol.engine.calendar import resolve
from dangol.engine.state.model import Micros
from dangol.runner.entries import Entries, Past, codes_of
from dangol.runner.journey import Position
from dangol.runner.policy import Gate, Outcome, Policy, chosen, is_quiet


@dataclass(frozen=True)
class Competitor:
    """A scenario with its entries, in a tick."""

    scenario: ir.Scenario
    entries: Entries
    position: Position
    outcome: Outcome


@dataclass(frozen=True)
class _Sent:
    """Earlier messages: customer codes, instants, and of which channel and scenario."""

    customer: NDArray[np.int64]
    time: Micros
    channel: NDArray[np.object_]
    scenario: NDArray[np.object_]


def compete(policy: Policy, competitors: Sequence[Competitor], evaluation: Evaluation, past: Past | None) -> None:
    """Caps count over all scenarios of the tick and what went out before; quiet hours hold the rest.

    Messages to one customer are taken by priority (highest first), then the earlier due, then the scenario's name.
    """
    at = evaluation.at
    caps = [(cap, list(competitors)) for cap in policy.caps]
    caps += [(cap, [one]) for one in competitors for cap in one.scenario.caps]
    sent = _sent(evaluation, past, min((window_start(cap, at) for cap, _ in caps), default=at))
    for cap, of in caps:
        own = of[0].scenario if len(of) == 1 and cap in of[0].scenario.caps else None
        _apply(cap, of, _already(cap, sent, own, at, evaluation.state.size))
    for one in competitors:
        for quiet in (policy.quiet, one.scenario.quiet):
            if quiet is not None and is_quiet(quiet, at):
                one.outcome.hold(Gate.QUIET, np.ones(len(one.entries), bool))


def window_start(cap: ir.Cap, at: int) -> int:
    """The instant after which earlier sends count: (T − window, T], or from just before the calendar unit's start."""
    if isinstance(cap.window, ir.Shift):
        return resolve(ir.Point("at", cap.zone, -cap.window), at)
    return resolve(ir.Point(cap.window, cap.zone), at) - 1


def _sent(evaluation: Evaluation, past: Past | None, since: int) -> _Sent:
    if past is None:
        nothing = np.zeros(0, np.int64)
        return _Sent(nothing, nothing, nothing.astype(object), nothing.astype(object))
    found = past.sent_times(since)
    names = [f"{playbook}/{scenario}" for playbook, scenario in zip(found.playbook, found.scenario, strict=True)]
    codes = codes_of(evaluation.state, found.customer)
    return _Sent(codes, found.time, np.array(found.channel, dtype=object), np.array(names, dtype=object))


def _already(cap: ir.Cap, sent: _Sent, own: ir.Scenario | None, at: int, size: int) -> NDArray[np.int64]:
    """How many messages under the cap each customer has had in its window."""
    counts = (sent.customer >= 0) & (sent.time > window_start(cap, at)) & (sent.time <= at)
    if cap.channel is not None:
        counts &= sent.channel == cap.channel
    if own is not None:
        counts &= sent.scenario == f"{own.playbook}/{own.name}"
    return np.bincount(sent.customer[counts], minlength=size)


def _apply(cap: ir.Cap, of: Sequence[Competitor], already: NDArray[np.int64]) -> None:
    if not of:
        return
    counted = [one.outcome.free & chosen(one.scenario, one.position, channel=cap.channel) for one in of]
    sizes = [int(np.count_nonzero(mask)) for mask in counted]
    names = sorted((one.scenario.playbook, one.scenario.name) for one in of)
    rank = [names.index((one.scenario.playbook, one.scenario.name)) for one in of]
    customer = np.concatenate([one.entries.codes[mask] for one, mask in zip(of, counted, strict=True)])
    due = np.concatenate([one.position.due[mask] for one, mask in zip(of, counted, strict=True)])
    priority = np.repeat([-one.scenario.priority for one in of], sizes)
    order = np.lexsort((np.repeat(rank, sizes), due, priority, customer))
    refused = np.zeros(len(order), bool)
    refused[order] = already[customer[order]] + _place(customer[order]) >= cap.count
    for one, mask, part in zip(of, counted, np.split(refused, np.cumsum(sizes)[:-1]), strict=True):
        held = np.zeros(len(mask), bool)
        held[np.flatnonzero(mask)[part]] = True
        one.outcome.hold(Gate.CAP, held)


def _place(ordered: NDArray[np.int64]) -> NDArray[np.int64]:
    """The place of each among the equal ones, from 0."""
    if not len(ordered):
        return np.zeros(0, np.int64)
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    lengths = np.diff(np.r_[starts, len(ordered)])
    return np.arange(len(ordered)) - np.repeat(starts, lengths)
