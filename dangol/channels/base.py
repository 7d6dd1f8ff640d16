"""The contract of a channel: a message in, exactly one answer out, and the provider's callbacks as receipts."""

from __future__ import annotations

import hashlib
import os
import re
import time as system
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol, TypeAlias, runtime_checkable

MessageKind = Literal["advertising", "informational"]

FailureKind = Literal[
    "address",  # nobody can be reached there: the address is to be suppressed
    "consent",  # the recipient refuses messages at the provider: the recipient is to be suppressed
    "friend",  # not reachable on this channel (no friend, no user of the app): another channel may do
    "content",  # the provider does not take this text
    "template",  # the text is not the approved template
    "sender",  # the sender profile or number is not set up for this message
    "hours",  # outside the hours in which the provider sends
    "duplicate",  # the provider has it already
    "carrier",  # given up behind the provider; final for this attempt
    "refused",  # refused without a reason that says more
    "auth",  # who we are is not believed
    "balance",  # no money left
    "blocked",  # the provider takes nothing from us
]

STOPPING: frozenset[FailureKind] = frozenset({"auth", "balance", "blocked"})
"""Failures of the channel, not of a message: nothing was sent, and every other message would fail alike."""

ReceiptEvent = Literal["sent", "delivered", "opened", "clicked", "failed", "unsubscribed"]

_KEY = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


def send_key(*parts: object) -> str:
    """A key for what the parts name together, the same on every machine: 32 hexadecimal digits."""
    return hashlib.blake2b("\0".join(map(str, parts)).encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class Message:
    """What one customer gets on one channel, rendered.

    `key` names the send for good (1–64 of A–Z a–z 0–9 _ -): who sends again uses the same key. `parts` is part →
    text (`title`, `body`, `subject`, …). Raises ValueError for another kind of key.
    """

    key: str
    customer: str = field(repr=False)
    address: str | None = field(repr=False)
    parts: Mapping[str, str] = field(repr=False)
    playbook: str = ""
    scenario: str = ""
    step: int = 1
    arm: str | None = None
    name: str | None = None
    """The message's name in the playbook; None for an inline text."""
    channel: str = ""
    kind: MessageKind = "advertising"

    def __post_init__(self) -> None:
        if not _KEY.fullmatch(self.key):
            raise ValueError("a key is 1–64 letters, digits, `_` or `-`; send_key() makes one")

    @property
    def labels(self) -> dict[str, str]:
        """Where the message comes from, as texts, for the data that travel with it; never the customer."""
        known = {"playbook": self.playbook, "scenario": self.scenario, "step": str(self.step),
                 "arm": self.arm, "message": self.name, "channel": self.channel}  # fmt: skip
        return {name: value for name, value in known.items() if value}


@dataclass(frozen=True, slots=True)
class Sent:
    """The provider has taken it over. `provider_id` is what its callbacks will call it, if they do."""

    provider_id: str | None = None


@dataclass(frozen=True, slots=True)
class RetryAfter:
    """Certainly nothing was done; it may be sent again in `seconds`. `of_channel`: all other messages wait too."""

    seconds: float
    reason: str
    of_channel: bool = False


@dataclass(frozen=True, slots=True)
class Unknown:
    """The request left and nobody can tell what became of it; only an idempotent channel may be asked again."""

    reason: str


@dataclass(frozen=True, slots=True)
class Failed:
    """Refused as it is. When it `stops`, nothing is wrong with the message: it may go once the channel is mended."""

    kind: FailureKind
    reason: str

    @property
    def stops(self) -> bool:
        return self.kind in STOPPING


Answer: TypeAlias = Sent | RetryAfter | Unknown | Failed


@dataclass(frozen=True, slots=True)
class Request:
    """What leaves for one message, before it is signed: no secret is in it."""

    target: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class Response:
    """What came back, whole. Header names are in lower case; for SMTP `status` is the reply code."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a message, as the provider tells it later. `key`, `provider_id` or `address` says of which.

    `time` is in µs since the epoch, None if not told. `id` is the same when the provider tells the same thing again.
    """

    event: ReceiptEvent
    time: int | None = None
    key: str | None = None
    provider_id: str | None = None
    address: str | None = field(default=None, repr=False)
    kind: FailureKind | None = None
    reason: str = ""
    url: str = ""
    id: str = ""


class Unsendable(Exception):
    """Raised by `build` for a message that cannot become a request; nothing was sent."""

    def __init__(self, kind: FailureKind, reason: str) -> None:
        super().__init__(reason)
        self.failed = Failed(kind, reason)


class CallbackError(Exception):
    """A callback that is not the provider's, or cannot be read; str() is safe to show."""


@dataclass(frozen=True)
class Clock:
    """Time as the channels see it: seconds since the epoch, seconds that never step back, and waiting."""

    time: Callable[[], float] = system.time
    monotonic: Callable[[], float] = system.monotonic
    sleep: Callable[[float], None] = system.sleep


@dataclass(frozen=True)
class Surroundings:
    """What a channel finds around it: the project's folder, the environment that holds the secrets, the clock."""

    folder: Path
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)
    clock: Clock = Clock()


class Channel(Protocol):
    """One way to reach people. An object belongs to one thread; what it does inside is its own affair."""

    name: str
    """The name in dangol.yaml, such as `push`."""
    idempotent: bool
    """The same key sent twice arrives once, so an unknown send may simply be sent again."""
    batch: int
    """How many messages it takes in one go; claim about so many at a time."""
    rate: float | None
    """Messages per second at most; None for no limit."""
    addressed: bool
    """It needs an address; without it a message is Failed("address")."""

    def build(self, message: Message) -> Request:
        """The request for one message: pure, nothing is sent. Raises Unsendable."""
        ...

    def send(self, messages: Iterable[Message]) -> Iterator[tuple[str, Answer]]:
        """The key and the answer of every message, each exactly once, in any order; the work is done while iterating.

        Never raises for what a message, a provider or the network does. After a failure that `stops` the rest are
        answered with it without being tried.
        """
        ...

    def classify(self, response: Response, message: Message) -> Answer:
        """What a response to the message means."""
        ...

    def parse_callback(self, body: bytes, headers: Mapping[str, str]) -> list[Receipt]:
        """The receipts in a callback. Raises CallbackError when it is not genuine or cannot be read."""
        ...

    def close(self) -> None:
        """Give back connections and files; the channel may be used again."""
        ...


@runtime_checkable
class Keeping(Protocol):
    """A channel whose messages stay in files of the project."""

    def forget(self, customer: str, addresses: Collection[str]) -> dict[str, int]:
        """Erases what its files have of a customer, known by id and addresses: file → entries. Raises OSError."""
        ...


def addressed(message: Message) -> str:
    """The message's address. Raises Unsendable without one."""
    if not message.address or not message.address.strip():
        raise Unsendable("address", "there is no address")
    return message.address.strip()


def part(message: Message, *names: str) -> str:
    """The first of these parts that has a text. Raises Unsendable when none has."""
    for name in names:
        if message.parts.get(name):
            return message.parts[name]
    raise Unsendable("content", f"the message has no `{names[0]}`")
