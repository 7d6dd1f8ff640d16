"""Who is in a scenario: the entries that run, and those that begin at this instant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from dangol.engine import ir
from dangol.engine.backends.vector import Evaluation
from dangol.engine.backends.vector.zone import zone_for
from dangol.engine.state.arrow import joined, numbers, strings
from dangol.engine.state.model import NO_INSTANT, Micros, State
from dangol.runner.texts import Text

if TYPE_CHECKING:
    from dangol.runner.ledger.experiment_rows import Experiment, Won
    from dangol.runner.ledger.rows import LastEntries, Running, SentTimes, Steps, Suppressed

OPEN = ("planned", "held", "claimed")
"""States of a step that is not decided for good. A claimed one is in the hands of a run, perhaps of one that died."""

IN_FLIGHT = np.iinfo(np.int64).max
"""`ready` of a claimed step: nobody may decide about it until its lease has run out."""

GONE = ("sent", "claimed", "unknown")
"""States of a step of which a message went out, or may have."""


class Past(Protocol):
    """What planning asks of the record of earlier ticks (a ledger, or nothing)."""

    def texts(self, playbook: str, scenario: str) -> dict[str, str]: ...
    def running_entries(self, playbook: str, scenario: str) -> Running: ...
    def steps(self, playbook: str, scenario: str) -> Steps: ...
    def last_entries(self, playbook: str, scenario: str, among: Sequence[str] | None = None) -> LastEntries: ...
    def sent_times(self, since: int, among: Sequence[str] | None = None) -> SentTimes: ...
    def suppressed(self, channel: str) -> Suppressed: ...
    def decisions(self, playbook: str, scenario: str, phase: int) -> list[Won]: ...
    def experiments(self, playbook: str | None = None, scenario: str | None = None) -> list[Experiment]: ...
    def count_assigned(self, experiment: int) -> int: ...


@dataclass(frozen=True)
class Entries:
    """Entries in columns, one per customer.

    codes: the customers; time: the entry instants (µs). event, row: of the anchor event the position of its name in
    `names` and its row in the table of that name (−1: state-based). id: the ledger's (−1: it begins now). next: the
    step in question, from 0. due: its due instant as recorded (NO_INSTANT: not yet); is_open: there is such a record.
    ready: not to be sent before (NO_INSTANT: at once; IN_FLIGHT: it is claimed); reason: why it waits (None: it does
    not, or nobody knows yet).
    before: when the step before was due, went: when the last message of the entry went out (NO_INSTANT: none did).
    used: something of it was sent, or would have been but for a holdout.
    by_customer: `time` for every customer of the state (NO_INSTANT: no entry).
    """

    codes: NDArray[np.int64]
    time: Micros
    names: tuple[str, ...]
    event: NDArray[np.int64]
    row: NDArray[np.int64]
    id: NDArray[np.int64]
    next: NDArray[np.int64]
    due: Micros
    ready: Micros
    reason: NDArray[np.object_]
    before: Micros
    went: Micros
    used: NDArray[np.bool_]
    by_customer: Micros

    @property
    def is_open(self) -> NDArray[np.bool_]:
        return np.not_equal(self.due, NO_INSTANT)

    @property
    def is_new(self) -> NDArray[np.bool_]:
        return self.id < 0

    def __len__(self) -> int:
        return len(self.codes)


@dataclass(frozen=True)
class Gone:
    """Running entries that end at this instant: their ids, customers and the gate each one left at, and when it did.

    A code of −1: the customer is not in the data any more.
    """

    id: NDArray[np.int64]
    codes: NDArray[np.int64]
    gate: NDArray[np.int8]
    ended_at: Micros

    def __len__(self) -> int:
        return len(self.id)


Ended = tuple[NDArray[np.int64], Micros]
"""Customers whose entries end at this instant, and when each one did."""


def with_new(
    scenario: ir.Scenario,
    running: Entries,
    others: NDArray[np.int64],
    gone: Ended,
    evaluation: Evaluation,
    past: Past | None,
) -> Entries:
    """The running entries, and those of WHO who enter now because `again` lets them. Who is `gone` may enter anew;
    `others` are in the scenario already."""
    who = evaluation.members(scenario.who).copy()
    who[running.codes] = who[others] = False
    begun = _new(scenario, np.flatnonzero(who), evaluation)
    if past is not None and len(begun):
        begun = _let_in(scenario, begun, gone, evaluation, past)
    both = {name: np.concatenate([getattr(running, name), getattr(begun, name)]) for name in _COLUMNS}
    everyone = np.full(evaluation.state.size, NO_INSTANT, np.int64)
    everyone[both["codes"]] = both["time"]
    return Entries(**both, names=begun.names or running.names, by_customer=everyone)


_COLUMNS = ("codes", "time", "event", "row", "id", "next", "due", "ready", "reason", "before", "went", "used")


def of_places(entries: Entries, places: NDArray[Any]) -> Entries:
    """Some of the entries: a mask, or positions."""
    return replace(entries, **{name: getattr(entries, name)[places] for name in _COLUMNS})


def _new(scenario: ir.Scenario, codes: NDArray[np.int64], evaluation: Evaluation) -> Entries:
    nothing, never = np.full(len(codes), -1, np.int64), np.full(len(codes), NO_INSTANT, np.int64)
    names: tuple[str, ...] = ()
    time, event, row = np.full(len(codes), evaluation.at, np.int64), nothing, nothing
    if scenario.anchor is not None:
        latest = evaluation.entries(scenario.anchor)
        time, names = latest.time[codes], latest.names
        event, row = latest.event[codes].astype(np.int64), latest.row[codes].astype(np.int64)
    first, unsaid = np.zeros(len(codes), np.int64), np.full(len(codes), None, object)
    unused = np.zeros(len(codes), bool)
    return Entries(codes, time, names, event, row, nothing, first, never, never, unsaid, never, never, unused, never)


FEW = 500
"""So many customers are asked of one by one; of more, the whole record is read."""


def _let_in(scenario: ir.Scenario, begun: Entries, gone: Ended, evaluation: Evaluation, past: Past) -> Entries:
    """Those of them whom `again` lets enter, given their last entry. An anchor event starts one entry at most, and one
    that happened during an entry starts none."""
    ids = evaluation.state.ids
    few = [ids[code] for code in begun.codes.tolist()] if len(begun) <= FEW else None
    last = past.last_entries(scenario.playbook, scenario.name, few)
    codes = codes_of(evaluation.state, last.customer)
    columns = {}
    for name in ("time", "sent_time", "ended_at"):
        column = np.full(evaluation.state.size, NO_INSTANT, np.int64)
        column[codes[codes >= 0]] = getattr(last, name)[codes >= 0]
        if name == "ended_at":
            here = gone[0] >= 0
            column[gone[0][here]] = gone[1][here]
        columns[name] = column[begun.codes]
    used = columns["sent_time"] != NO_INSTANT
    fine = np.ones(len(begun), bool)
    if scenario.anchor is not None:
        fine &= (begun.time > columns["time"]) & (begun.time > columns["ended_at"])
    if scenario.again.mode == "never":
        fine &= ~used
    elif scenario.again.mode == "after" and scenario.again.shift is not None:
        since, shift = columns["sent_time"][used], scenario.again.shift
        fine[used] &= begun.time[used] >= zone_for(scenario.again.zone, since, shift).step(since, shift)
    return of_places(begun, fine)


@dataclass(frozen=True)
class Recorded:
    """What the record has of the running entries of a scenario, under whatever text. codes: their customers (−1: not in
    the data any more)."""

    running: Running
    steps: Steps
    codes: NDArray[np.int64]

    def under(self, text: str) -> NDArray[np.bool_]:
        """Which of them are under a text, by its hash."""
        return np.asarray(np.array(self.running.text, object) == text, bool)


def recorded(scenario: ir.Scenario, evaluation: Evaluation, past: Past | None) -> Recorded | None:
    """The running entries of a scenario; None when there are none."""
    running = None if past is None else past.running_entries(scenario.playbook, scenario.name)
    if past is None or running is None or not len(running.entry):
        return None
    codes = codes_of(evaluation.state, running.customer)
    return Recorded(running, past.steps(scenario.playbook, scenario.name), codes)


def running_entries(
    scenario: ir.Scenario, text: Text, evaluation: Evaluation, known: Recorded | None
) -> tuple[Entries, NDArray[np.int64]]:
    """The running entries under a text, and the ids of those whose customers are not in the data any more."""
    nobody = np.zeros(0, np.int64)
    if known is None:
        return _new(replace(scenario, anchor=None), nobody, evaluation), nobody
    mine = known.under(text.hash)
    here = mine & (known.codes >= 0)
    ids, codes, time = known.running.entry[here], known.codes[here], known.running.time[here]
    everyone = np.full(evaluation.state.size, NO_INSTANT, np.int64)
    everyone[codes] = time
    names, event, row = _anchors(scenario, codes, everyone, evaluation)
    used = known.running.used[here]
    entries = Entries(codes, time, names, event, row, ids, *progress(ids, known.steps, text.behind), used, everyone)
    following = np.maximum(entries.next - text.behind, 0)
    return replace(entries, next=following), known.running.entry[mine & ~here]


def _anchors(
    scenario: ir.Scenario, codes: NDArray[np.int64], entry: Micros, evaluation: Evaluation
) -> tuple[tuple[str, ...], NDArray[np.int64], NDArray[np.int64]]:
    """The anchor events of running entries: the events A at the very instant of the entry."""
    nothing = np.full(len(codes), -1, np.int64)
    if scenario.anchor is None or not len(codes):
        return (), nothing, nothing
    edge = ir.Edge(ir.Point("entry", scenario.zone))
    same = ir.Events(scenario.anchor.names, ir.Window(edge, edge), scenario.anchor.where)
    found = evaluation.entries(same, entry)
    return found.names, found.event[codes].astype(np.int64), found.row[codes].astype(np.int64)


def progress(
    ids: NDArray[np.int64], steps: Steps, behind: int = 0
) -> tuple[NDArray[np.int64], Micros, Micros, NDArray[np.object_], Micros, Micros]:
    """next, due, ready, reason, before, went of each entry, from the records of its steps (from 1, by entry and step).

    A step that is open again, as after `reconcile`, is taken up before those behind it; but not one of the first
    `behind`, which are of a text that the entry has left.
    """
    size = len(ids)
    following = np.zeros(size, np.int64)
    due, ready, before, went = (np.full(size, NO_INSTANT, np.int64) for _ in range(4))
    reason = np.full(size, None, object)
    place = np.searchsorted(ids, steps.entry)
    known = (place < size) & (ids[np.minimum(place, max(size - 1, 0))] == steps.entry) if size else place < 0
    states = np.array(steps.state, dtype=object)
    is_open = np.isin(states, OPEN) & (steps.step > behind)
    done = np.flatnonzero(known & ~is_open)
    following[place[done]] = steps.step[done]  # in order of steps: the last one stays
    before[place[done]] = steps.due[done]
    gone = np.flatnonzero(known & np.isin(states, GONE))
    went[place[gone]] = steps.sent_at[gone]
    waiting = np.flatnonzero(known & is_open)[::-1]  # the first one stays
    following[place[waiting]] = steps.step[waiting] - 1
    due[place[waiting]], ready[place[waiting]] = steps.due[waiting], steps.ready_at[waiting]
    ready[place[waiting]] = np.where(states[waiting] == "claimed", IN_FLIGHT, ready[place[waiting]])
    reason[place[waiting]] = np.array(steps.reason, dtype=object)[waiting]
    return following, due, ready, reason, before, went


def done(ids: NDArray[np.int64], steps: Steps) -> tuple[NDArray[np.int64], Micros]:
    """How many steps each entry is through, and when the last of them was due or went out."""
    following, _, _, _, before, went = progress(ids, steps)
    return following, np.maximum(before, went)


def codes_of(state: State, ids: Sequence[str]) -> NDArray[np.int64]:
    """The code of each id, −1 for one that the state does not have."""
    if not len(ids):
        return np.zeros(0, np.int64)
    raw = getattr(state.ids, "raw", None)  # a list in memory has none
    sought = strings(ids).dictionary_encode()
    everyone = strings(state.ids) if raw is None else joined(*raw)
    found = numbers(pc.index_in(everyone, value_set=sought.dictionary).fill_null(-1))
    codes = np.full(len(sought.dictionary), -1, np.int64)
    codes[found[found >= 0]] = np.flatnonzero(found >= 0)
    return np.asarray(codes[numbers(sought.indices)])
