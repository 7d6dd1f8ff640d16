"""Frequency caps: how many messages a customer may get in a window, over everything that is sent and was sent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dangol.engine import ir
from dangol.engine.backends.vector import Evaluation
from dangol.engine.calendar import resolve
from dangol.engine.state.model import Micros
from dangol.runner.entries import FEW, Entries, Past, codes_of
from dangol.runner.journey import Position
from dangol.runner.policy import Gate, Outcome, Policy, chosen


@dataclass(frozen=True)
class Competitor:
    """A scenario with its entries, in a tick. `idle`: whose message will not go out now anyway and takes no slot."""

    scenario: ir.Scenario
    entries: Entries
    position: Position
    outcome: Outcome
    idle: NDArray[np.bool_]


@dataclass(frozen=True)
class _Messages:
    """The messages in question: whose, of which competitor (its position) and entry (its place), in which turn."""

    customer: NDArray[np.int64]
    of: NDArray[np.int64]
    place: NDArray[np.int64]
    turn: NDArray[np.int64]
    idle: NDArray[np.bool_]


@dataclass(frozen=True)
class _Sent:
    """Earlier messages: customer codes, instants, and of which channel and scenario."""

    customer: NDArray[np.int64]
    time: Micros
    channel: NDArray[np.object_]
    scenario: NDArray[np.object_]


def compete(policy: Policy, competitors: Sequence[Competitor], evaluation: Evaluation, past: Past | None) -> None:
    """Holds at `Gate.CAP` what one cap refuses, given what went out before and what goes out at this instant.

    Messages to one customer are taken by priority (highest first), then the earlier due, then the scenario's name; one
    that is refused, or idle, leaves its slot to the next.
    """
    caps: list[tuple[ir.Cap, int | None]] = [(cap, None) for cap in policy.caps]
    caps += [(cap, number) for number, one in enumerate(competitors) for cap in one.scenario.caps]
    messages = _messages(competitors)
    if not caps or not len(messages.customer):
        return
    at, size = evaluation.at, evaluation.state.size
    sent = _sent(evaluation, past, min(window_start(cap, at) for cap, _ in caps), messages.customer)
    counts = [_already(cap, sent, None if n is None else competitors[n].scenario, at, size) for cap, n in caps]
    counted = [_counted(cap, n, messages, competitors) for cap, n in caps]
    refused = np.zeros(len(messages.customer), bool)
    for turn in _turns(messages.turn):
        who = messages.customer[turn]
        for (cap, _), count, applies in zip(caps, counts, counted, strict=True):
            refused[turn] |= applies[turn] & (count[who] >= cap.count)
        for count, applies in zip(counts, counted, strict=True):
            count[who] += applies[turn] & ~refused[turn] & ~messages.idle[turn]
    for number, one in enumerate(competitors):
        held = np.zeros(len(one.entries), bool)
        held[messages.place[refused & (messages.of == number)]] = True
        one.outcome.hold(Gate.CAP, held)


def window_start(cap: ir.Cap, at: int) -> int:
    """The instant after which earlier sends count: (T − window, T], or from just before the calendar unit's start."""
    if isinstance(cap.window, ir.Shift):
        return resolve(ir.Point("at", cap.zone, -cap.window), at)
    return resolve(ir.Point(cap.window, cap.zone), at) - 1


def _messages(competitors: Sequence[Competitor]) -> _Messages:
    places = [np.flatnonzero(one.outcome.free) for one in competitors]
    names = sorted((one.scenario.playbook, one.scenario.name) for one in competitors)
    rank = [names.index((one.scenario.playbook, one.scenario.name)) for one in competitors]

    def joined(columns: Iterator[NDArray[np.int64]]) -> NDArray[np.int64]:
        return np.concatenate([np.zeros(0, np.int64), *columns])

    sizes = [len(here) for here in places]
    customer = joined(one.entries.codes[here] for one, here in zip(competitors, places, strict=True))
    due = joined(one.position.due[here] for one, here in zip(competitors, places, strict=True))
    idle = joined(one.idle[here].astype(np.int64) for one, here in zip(competitors, places, strict=True)) > 0
    priority = np.repeat([-one.scenario.priority for one in competitors], sizes)
    order = np.lexsort((np.repeat(rank, sizes), due, priority, customer))
    turn = np.zeros(len(order), np.int64)
    turn[order] = _place(customer[order])
    return _Messages(customer, np.repeat(np.arange(len(sizes)), sizes), joined(iter(places)), turn, idle)


def _turns(turn: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """The messages of each turn; in one turn every customer has one at most."""
    order = np.argsort(turn, kind="stable")
    yield from np.split(order, np.flatnonzero(np.diff(turn[order])) + 1)


def _counted(cap: ir.Cap, own: int | None, messages: _Messages, competitors: Sequence[Competitor]) -> NDArray[np.bool_]:
    """Which messages the cap is about."""
    found = np.zeros(len(messages.customer), bool)
    for number, one in enumerate(competitors):
        if own is None or own == number:
            here = messages.of == number
            found[here] = chosen(one.scenario, one.position, cap.channel)[messages.place[here]]
    return found


def _sent(evaluation: Evaluation, past: Past | None, since: int, customers: NDArray[np.int64]) -> _Sent:
    if past is None:
        nothing = np.zeros(0, np.int64)
        return _Sent(nothing, nothing, nothing.astype(object), nothing.astype(object))
    ids = evaluation.state.ids
    few = [ids[code] for code in np.unique(customers).tolist()] if len(customers) <= FEW else None
    found = past.sent_times(since, few)
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


def _place(ordered: NDArray[np.int64]) -> NDArray[np.int64]:
    """The place of each among the equal ones, from 0."""
    if not len(ordered):
        return np.zeros(0, np.int64)
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    lengths = np.diff(np.r_[starts, len(ordered)])
    return np.arange(len(ordered)) - np.repeat(starts, lengths)
