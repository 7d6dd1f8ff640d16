"""What goes into the ledger and comes out of it, column by column: sequences or arrays of equal length, instants in µs.

In what goes in, a value that is no sequence stands for every row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Column = Any
"""A sequence, an array, or one value for every row."""

Micros = NDArray[np.int64]

SendState = Literal["planned", "claimed", "sent", "failed", "unknown", "held", "expired", "cancelled"]
ReceiptKind = Literal["delivered", "opened", "clicked", "failed", "unsubscribed"]

RECEIPT_KINDS: tuple[ReceiptKind, ...] = ("delivered", "opened", "clicked", "failed", "unsubscribed")


class SendKey(NamedTuple):
    """A send: one step of one entry."""

    entry: int
    step: int


@dataclass(frozen=True)
class NewEntries:
    """Entries of one scenario that begin. `text`: the hash of the scenario's text; `body`: the text itself, in whatever
    form the caller can run again; `customer`: ids; `time`: the entry instants; `event`: the anchor event's name (None
    when state-based)."""

    playbook: str
    scenario: str
    text: str
    body: str
    customer: Sequence[str]
    time: Column
    event: Column = None


@dataclass(frozen=True)
class Running:
    """The running entries of a scenario, by id. `text` has the hash each one runs under; `used`: something of it was
    sent, or would have been but for a holdout."""

    entry: NDArray[np.int64]
    customer: list[str]
    time: Micros
    event: list[str | None]
    text: list[str]
    used: NDArray[np.bool_]


@dataclass(frozen=True)
class Steps:
    """What became of the steps of a scenario's running entries, by entry and step. NO_INSTANT where there is none;
    `sent_at` of a send whose outcome is open (claimed, unknown) is the instant it was claimed."""

    entry: NDArray[np.int64]
    step: NDArray[np.int64]
    state: list[str]
    reason: list[str | None]
    due: Micros
    ready_at: Micros
    sent_at: Micros
    channel: list[str | None]
    arm: list[str | None]


@dataclass(frozen=True)
class LastEntries:
    """Of each customer who ever entered a scenario: the last entry instant, the last one of which something was sent or
    would have been but for a holdout (NO_INSTANT: none), when the last one ended (NO_INSTANT: it runs or none did)."""

    customer: list[str]
    time: Micros
    sent_time: Micros
    ended_at: Micros


@dataclass(frozen=True)
class Ends:
    """Entries that end: `state` is `finished` or `left`."""

    entry: Column
    state: Column
    ended_at: Column
    reason: Column = None


@dataclass(frozen=True)
class NewSends:
    """Steps that are due. `state`: planned, held, expired or cancelled; `ready_at`: not to be claimed before (None:
    the due instant); `uses`: counts for `again` as if something had been sent, as for who is held out."""

    entry: Column
    step: Column
    due: Column
    channel: Column = None
    arm: Column = None
    message: Column = None
    address: Column = None
    content: Column = None
    state: Column = "planned"
    reason: Column = None
    ready_at: Column = None
    uses: Column = False


@dataclass(frozen=True)
class Revisions:
    """A new decision about sends that are planned or held: any state but claimed, sent, failed and unknown. `gives_up`:
    it is not only put off; if it may have gone out it is unknown from now on. Columns
    that are None (or None in a row) stay as recorded; the due instant always does. `uses` as in NewSends."""

    entry: Column
    step: Column
    state: Column
    reason: Column = None
    ready_at: Column = None
    channel: Column = None
    arm: Column = None
    message: Column = None
    address: Column = None
    content: Column = None
    uses: Column = False
    gives_up: Column = False


@dataclass(frozen=True)
class Claimed:
    """Sends that are this worker's to make. `key` is the idempotency key: the same at every attempt of a send."""

    entry: list[int]
    step: list[int]
    key: list[str]
    customer: list[str]
    playbook: list[str]
    scenario: list[str]
    text: list[str]
    due: list[int]
    attempts: list[int]
    channel: list[str | None]
    arm: list[str | None]
    message: list[str | None]
    address: list[str | None]
    content: list[str | None]

    def __len__(self) -> int:
        return len(self.entry)


@dataclass(frozen=True)
class Outcomes:
    """What became of claimed sends. `state`: sent, failed, unknown, or planned (again at `ready_at`). `unsure`: of one
    that is planned again, that it may have gone out all the same: the provider is asked again under the same key."""

    entry: Column
    step: Column
    state: Column
    provider_id: Column = None
    reason: Column = None
    ready_at: Column = None
    unsure: Column = False


@dataclass(frozen=True)
class SentTimes:
    """Messages that went out, or may have. `time`: the instant of the tick they went out in."""

    customer: list[str]
    time: Micros
    channel: list[str | None]
    playbook: list[str]
    scenario: list[str]


@dataclass(frozen=True)
class Receipt:
    """One event of a provider. `event_id` is the provider's own; the send is named by our `key` or by `provider_id`,
    the person by that, or by `customer` or `address`. `unreachable`: nobody is at the address, which is suppressed."""

    provider: str
    event_id: str
    kind: ReceiptKind
    at: int
    key: str | None = None
    provider_id: str | None = None
    customer: str | None = None
    address: str | None = None
    channel: str | None = None
    reason: str | None = None
    unreachable: bool = False


@dataclass(frozen=True)
class Ingested:
    """new: receipts not seen before; unmatched: those of the new ones that name no send of this ledger (yet);
    suppressed: new suppressions; settled: sends whose unknown outcome is now known."""

    new: int
    unmatched: int
    suppressed: int
    settled: int


@dataclass(frozen=True)
class Suppressed:
    """Who may not be sent to."""

    customers: frozenset[str]
    addresses: frozenset[str]


@dataclass(frozen=True)
class Happened:
    """The built-in events, by time: `sent`, `delivered`, `opened`, `clicked`, `failed`, `unsubscribed`."""

    customer: list[str]
    event: list[str]
    time: Micros
    playbook: list[str]
    scenario: list[str]
    step: NDArray[np.int64]
    message: list[str | None]
    arm: list[str | None]
    channel: list[str | None]


@dataclass(frozen=True)
class Unknown:
    """A send that may or may not have gone out."""

    key: str
    customer: str
    playbook: str
    scenario: str
    step: int
    channel: str | None
    address: str | None
    claimed_at: int
    reason: str | None


@dataclass(frozen=True)
class Run:
    """One tick: its instant, when it was begun and finished by the clock, what it counted."""

    id: int
    at: int
    started_at: int
    finished_at: int | None
    counts: Mapping[str, int]


@dataclass(frozen=True)
class Status:
    """sends and entries per state; `next_ready`: when the earliest planned send may go out; `unmatched`: receipts that
    name no send; `reasons`: of sends that are held or failed, state → reason (of a failure its kind) → how many."""

    last_run: Run | None
    entries: Mapping[str, int]
    sends: Mapping[str, int]
    next_ready: int | None
    suppressions: int
    unmatched: int
    reasons: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Change:
    """One row of a send's history."""

    number: int
    at: int
    state: str
    reason: str | None
    worker: str | None
