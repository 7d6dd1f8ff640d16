"""A plan carried out: written into the ledger, then claimed, sent and settled, so that a death repeats nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from time import monotonic
from types import MappingProxyType

import numpy as np
from pydantic_core import from_json

from dangol.channels.base import Answer, Channel, Failed, FailureKind, Message, RetryAfter, Sent, Unknown
from dangol.runner.entries import Gone
from dangol.runner.experiments.assignment import assignments
from dangol.runner.journey import UNREACHED_ON
from dangol.runner.ledger import Claimed, Ends, Ledger, NewEntries, NewSends, Outcomes, Revisions
from dangol.runner.model import Decision, Plan, Record, ScenarioPlan
from dangol.runner.plan import END_STATES
from dangol.runner.policy import ENDS, HOURS, UNREACHED, USES, Gate

SECOND = 1_000_000
LEASE = 15 * 60 * SECOND
"""How long a worker may take over what it has claimed; its messages are lost to it after that."""

GATES = tuple(Gate)

_written = json.JSONEncoder(ensure_ascii=False).encode

Ids = np.ndarray[tuple[int], np.dtype[np.int64]]

Named = Set[tuple[str, str | None]]
"""Messages by the hash of their text and their name."""

Fallbacks = Mapping[tuple[str, int], Sequence[str]]
"""(hash of a text, step) → the channels of that step, in the order in which they are tried."""

FALLS_BACK: frozenset[FailureKind] = frozenset({"friend", "address", "consent"})
"""Failures after which the channel behind `else` is tried, at the next tick."""

Now = Callable[[], int]
"""The clock, µs since the epoch."""


@dataclass
class Counts:
    """What became of the messages of a tick."""

    states: dict[str, int] = field(default_factory=dict)
    stopped: dict[str, str] = field(default_factory=dict)
    """Channel → why it stopped."""

    def add(self, state: str) -> None:
        self.states[state] = self.states.get(state, 0) + 1


def record(ledger: Ledger, run: int, plan: Plan) -> None:
    """Writes what the plan decides: entries that are gone, those that begin, steps that are due, entries that end.

    Then whatever an earlier tick planned and nobody decided about is held back.
    """
    for scenario in plan.scenarios:
        _let_go(ledger, plan.at, scenario.record.gone)
        ids = _begin(ledger, run, scenario)
        _decide(ledger, run, plan.at, scenario.record, ids)
        ends = [end for end in scenario.record.ends if ids[end.place] >= 0]
        if ends:
            ledger.end_entries(
                plan.at,
                Ends(
                    entry=[int(ids[end.place]) for end in ends],
                    state=[end.state for end in ends],
                    ended_at=[end.at for end in ends],
                    reason=[end.reason for end in ends],
                ),
            )
    decided = [(scenario.playbook, scenario.scenario) for scenario in plan.scenarios]
    ledger.hold_back(plan.at, "not sent in its run", decided)


def _let_go(ledger: Ledger, at: int, gone: Gone) -> None:
    if not len(gone):
        return
    gates = [GATES[number] for number in gone.gate.tolist()]
    states = [END_STATES.get(gate, "finished") for gate in gates]
    ledger.end_entries(at, Ends(gone.id, states, gone.ended_at, [gate.value for gate in gates]))


def _begin(ledger: Ledger, run: int, plan: ScenarioPlan) -> Ids:
    """The ledger's id of each entry, −1 for one that is over as it begins and may as well begin again.

    An anchor event that is used up by that is written down: it must not start another entry when things have changed.
    """
    entries, ids = plan.record.entries, plan.record.entries.id.copy()
    in_state = plan.record.scenario.anchor is None
    anew = {gate.value for gate in (*ENDS, *UNREACHED)} if in_state else {Gate.EXPIRED.value}
    drawn = plan.record.drawn.assigned
    over = {end.place for end in plan.record.ends if end.reason in anew and not drawn[end.place]}
    new = [place for place in np.flatnonzero(entries.is_new).tolist() if place not in over]
    if new:
        text, names = plan.record.text, entries.names
        ids[new] = ledger.record_entries(
            run,
            NewEntries(
                plan.playbook, plan.scenario, text.hash, text.body,
                customer=[plan.record.customers[place] for place in new],
                time=entries.time[new],
                event=[names[code] if (code := int(entries.event[place])) >= 0 else None for place in new],
            ),
        )  # fmt: skip
    return ids


def _decide(ledger: Ledger, run: int, at: int, record: Record, ids: Ids) -> None:
    known = record.entries.is_open
    following = record.entries.next + 1 + record.text.behind
    fresh: list[Decision] = []
    again: list[Decision] = []
    for one in record.decisions:
        if ids[one.place] >= 0:
            is_again = bool(known[one.place]) and one.step == int(following[one.place])
            (again if is_again else fresh).append(one)
    if fresh:
        new = NewSends(due=[one.due for one in fresh], ready_at=at, **_columns(fresh, ids, record))
        ledger.record_sends(run, at, new, assignments(record, fresh, ids))
    if again:
        gives_up = [one.state != "planned" and one.reason not in HOURS for one in again]
        revisions = Revisions(ready_at=at, gives_up=gives_up, **_columns(again, ids, record))
        ledger.revise(at, revisions, assignments(record, again, ids))


def _columns(decisions: Sequence[Decision], ids: Ids, record: Record) -> dict[str, list[object]]:
    drawn = record.drawn.assigned
    return {
        "entry": [int(ids[one.place]) for one in decisions],
        "step": [one.step for one in decisions],
        "state": [one.state for one in decisions],
        "reason": [one.reason for one in decisions],
        "channel": [one.channel for one in decisions],
        "arm": [one.arm for one in decisions],
        "message": [one.message for one in decisions],
        "address": [one.address for one in decisions],
        "uses": [one.reason in USES or (one.reason == Gate.ARM.value and bool(drawn[one.place])) for one in decisions],
        "content": [None if one.content is None else _written(one.content) for one in decisions],
    }


def deliver(
    ledger: Ledger,
    channels: Mapping[str, Channel],
    at: int,
    worker: str,
    now: Now,
    informational: Named = frozenset(),
    fallbacks: Fallbacks = MappingProxyType({}),
) -> Counts:
    """Claims what this tick planned, sends it and settles the answers, channel by channel, until nothing is left.

    `informational`: the messages that are no advertising. Who cannot be reached on a channel waits for the next one of
    `fallbacks`. An address at which nobody is, and who refuses messages at the provider, are suppressed on the channel.
    """
    counts = Counts()
    for name, channel in channels.items():
        while name not in counts.stopped:
            lease = max(at, now()) - at + LEASE
            claimed = ledger.claim(at, channel.batch, worker, lease, channels=(name,))
            if not len(claimed):
                break
            _send(ledger, channel, claimed, worker, now, counts, informational, fallbacks)
    return counts


def _send(
    ledger: Ledger,
    channel: Channel,
    claimed: Claimed,
    worker: str,
    now: Now,
    counts: Counts,
    informational: Named,
    fallbacks: Fallbacks,
) -> None:
    where = {key: n for n, key in enumerate(claimed.key)}
    settled: list[tuple[int, Answer]] = []
    since = monotonic()
    for key, answer in _answers(channel, claimed, informational):
        settled.append((where[key], answer))
        if isinstance(answer, Failed) and answer.stops:
            counts.stopped[channel.name] = f"{answer.kind}: {answer.reason}"
        if isinstance(answer, RetryAfter) and answer.of_channel:
            counts.stopped[channel.name] = answer.reason
        if monotonic() - since > SETTLE_EVERY:
            _settle(ledger, claimed, settled, channel, worker, now(), counts, fallbacks)
            settled, since = [], monotonic()
    _settle(ledger, claimed, settled, channel, worker, now(), counts, fallbacks)


SETTLE_EVERY = 1.0
"""Seconds after which answers are written down: so much a death may leave unknown."""


def _answers(channel: Channel, claimed: Claimed, informational: Named) -> Iterator[tuple[str, Answer]]:
    """What the channel answers; a message about which it breaks off is unknown, and so are those behind it."""
    open_ = dict.fromkeys(claimed.key)
    reason = "the channel gave no answer"
    try:
        for key, answer in channel.send(_messages(claimed, informational)):
            if key in open_:
                del open_[key]
                yield key, answer
    except Exception as error:
        reason = f"the channel broke off ({type(error).__name__})"
    yield from ((key, Unknown(reason)) for key in open_)


def _settle(
    ledger: Ledger,
    claimed: Claimed,
    settled: Sequence[tuple[int, Answer]],
    channel: Channel,
    worker: str,
    at: int,
    counts: Counts,
    fallbacks: Fallbacks,
) -> None:
    if not settled:
        return
    ledger.suppress_all(list(_suppressions(claimed, settled, channel, at)))
    fall_back = [isinstance(answer, Failed) and _has_other(claimed, n, answer, fallbacks) for n, answer in settled]
    states = [
        "held" if other else _state(answer, channel) for (_, answer), other in zip(settled, fall_back, strict=True)
    ]
    said = [
        f"{UNREACHED_ON}{channel.name}: {_reason(answer)}" if other else _reason(answer)
        for (_, answer), other in zip(settled, fall_back, strict=True)
    ]
    ledger.settle(
        at,
        worker,
        Outcomes(
            entry=[claimed.entry[n] for n, _ in settled],
            step=[claimed.step[n] for n, _ in settled],
            state=states,
            provider_id=[answer.provider_id if isinstance(answer, Sent) else None for _, answer in settled],
            reason=said,
            ready_at=[_ready(answer, channel, at) for _, answer in settled],
            unsure=[isinstance(answer, Unknown) for _, answer in settled],
        ),
    )
    for state in states:
        counts.add(state)


def _has_other(claimed: Claimed, n: int, answer: Failed, fallbacks: Fallbacks) -> bool:
    """Whether another channel may reach who could not be reached on this one."""
    channels = fallbacks.get((claimed.text[n], claimed.step[n]), ())
    return answer.kind in FALLS_BACK and claimed.channel[n] in channels and claimed.channel[n] != channels[-1]


def _suppressions(
    claimed: Claimed, settled: Sequence[tuple[int, Answer]], channel: Channel, at: int
) -> Iterator[tuple[str, str, str, int, str]]:
    for n, answer in settled:
        if isinstance(answer, Failed) and answer.kind == "consent":
            yield "customer", claimed.customer[n], channel.name, at, channel.name
        elif isinstance(answer, Failed) and answer.kind == "address" and (address := claimed.address[n]):
            yield "address", address, channel.name, at, channel.name


STOP_PAUSE = 10 * 60
"""Seconds after which a channel that stopped (wrong key, no balance) is tried again."""


UNKNOWN_PAUSE = 60
"""Seconds after which a provider that recognises our key is asked again about a message without an answer."""


def _state(answer: Answer, channel: Channel) -> str:
    match answer:
        case Sent():
            return "sent"
        case Unknown():
            return "planned" if channel.idempotent else "unknown"
        case RetryAfter():
            return "planned"
        case Failed():
            return "planned" if answer.stops else "failed"


def _reason(answer: Answer) -> str | None:
    match answer:
        case Sent():
            return None
        case Failed():
            return f"{answer.kind}: {answer.reason}"
        case _:
            return answer.reason


def _ready(answer: Answer, channel: Channel, at: int) -> int | None:
    if isinstance(answer, RetryAfter):
        return at + int(answer.seconds * SECOND)
    if isinstance(answer, Unknown):
        return at + UNKNOWN_PAUSE * SECOND if channel.idempotent else None
    return at + STOP_PAUSE * SECOND if isinstance(answer, Failed) and answer.stops else None


def _messages(claimed: Claimed, informational: Named) -> Iterator[Message]:
    for n, key in enumerate(claimed.key):
        yield Message(
            key=key,
            customer=claimed.customer[n],
            address=claimed.address[n],
            parts=from_json(claimed.content[n] or "{}"),
            playbook=claimed.playbook[n],
            scenario=claimed.scenario[n],
            step=claimed.step[n],
            arm=claimed.arm[n],
            name=claimed.message[n],
            channel=claimed.channel[n] or "",
            kind="informational" if (claimed.text[n], claimed.message[n]) in informational else "advertising",
        )
