"""Who may be sent to: the gates between an audience and its sends, in their order, each with its reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dangol.addresses import AddressKind, canonical
from dangol.engine import ir
from dangol.engine.backends.vector import Evaluation
from dangol.engine.backends.vector.words import texts_of
from dangol.engine.backends.vector.zone import zone_for
from dangol.engine.calendar import DAY
from dangol.engine.state.model import NO_DATE, NO_INSTANT
from dangol.measure.design import CONTROL, Place
from dangol.playbook.compliance.check import Rules
from dangol.runner.entries import codes_of
from dangol.runner.hours import Clocks
from dangol.runner.traffic import Price
from dangol.runner.values import plain

if TYPE_CHECKING:
    from dangol.runner.entries import Entries, Past
    from dangol.runner.journey import Position

SIX_MONTHS = ir.Shift(months=6)
"""How long after a transaction goods of the same kind may be advertised without a consent."""


class Gate(Enum):
    """Where a customer of the audience stops, in the order in which it is asked. The value is the reason as shown.

    Those of `ENTERED`, `LEFT`, `DONE`, `RETRY` and `SUPPRESSED` come from the record of earlier ticks.
    """

    ENTERED = "already entered"
    EXIT = "left by an exit condition"
    LEFT = "no longer qualifies"
    WAITING = "a step is due later"
    RETRY = "to be tried again later"
    DONE = "every step is done"
    EXPIRED = "every step that was due has expired"
    STOPPED = "stopped by a step"
    CONDITION = "the condition of every step is false"
    SUPPRESSED = "on the suppression list"
    CONSENT = "no consent"
    RECONFIRM = "consent to be confirmed again"
    ADDRESS = "no address"
    PROJECT_HOLDOUT = "project holdout"
    PLAYBOOK_HOLDOUT = "playbook holdout"
    NAMESPACE = "left to another experiment"
    HOLDOUT = "holdout"
    CONTROL = "control arm"
    ARM = "every step is for another arm"
    NIGHT = "night, without consent to it"
    HOURS = "outside the hours of the channel"
    CAP = "frequency cap"
    QUIET = "quiet hours"
    INCOMPLETE = "a value of the message is missing"
    RULE = "the text breaks a rule"


FINAL = (Gate.PROJECT_HOLDOUT, Gate.PLAYBOOK_HOLDOUT, Gate.NAMESPACE, Gate.HOLDOUT, Gate.CONTROL)
"""Gates at which a step is settled without a message; the entry goes on like the others."""

ENDS = (Gate.EXIT, Gate.LEFT, Gate.DONE, Gate.EXPIRED, Gate.STOPPED, Gate.CONDITION, Gate.ARM)
"""Gates at which the entry ends."""

USES = frozenset(gate.value for gate in FINAL)
"""Reasons of settled steps that use up `again`: but for the draw a message would have gone out."""

WAITS = (
    Gate.SUPPRESSED, Gate.CONSENT, Gate.RECONFIRM, Gate.ADDRESS, Gate.NIGHT, Gate.HOURS, Gate.CAP, Gate.QUIET,
    Gate.INCOMPLETE, Gate.RULE,
)  # fmt: skip
"""Gates at which the step waits for another tick, until it goes out or expires."""

HOURS = frozenset(gate.value for gate in (Gate.NIGHT, Gate.HOURS, Gate.QUIET))
"""Reasons to wait that pass by themselves when the night does."""

UNREACHED = (Gate.SUPPRESSED, Gate.CONSENT, Gate.RECONFIRM, Gate.ADDRESS)
"""Those of them that do not pass with time, whatever the message."""


@dataclass(frozen=True)
class Held:
    """How many of the audience stop at a gate."""

    reason: str
    count: int


@dataclass
class Outcome:
    """Parallel to an audience: the gate that held each customer (−1: none so far). The first gate wins."""

    gate: NDArray[np.int8]

    @classmethod
    def of(cls, size: int) -> Outcome:
        return cls(np.full(size, -1, np.int8))

    @property
    def free(self) -> NDArray[np.bool_]:
        return self.gate < 0

    def hold(self, gate: Gate, mask: NDArray[np.bool_]) -> None:
        """Holds at `gate` whoever of the mask is still free."""
        self.gate[mask & self.free] = _ORDER[gate]

    def at(self, *gates: Gate) -> NDArray[np.bool_]:
        """Who is held at one of these gates."""
        return np.isin(self.gate, [_ORDER[gate] for gate in gates])

    def held(self, entered: int, gone: NDArray[np.int8]) -> tuple[Held, ...]:
        """The counts per gate that holds somebody, in the order of the gates, with those already entered and the gates
        at which others are gone."""
        counts = np.bincount(np.concatenate([self.gate[~self.free], gone]), minlength=len(_ORDER))
        counts[_ORDER[Gate.ENTERED]] += entered
        return tuple(Held(gate.value, int(counts[n])) for gate, n in _ORDER.items() if counts[n])


_ORDER = {gate: number for number, gate in enumerate(Gate)}


@dataclass(frozen=True)
class Channel:
    """The attributes that hold a customer's address and consents for a channel; None where the project names none.

    The address is of a `kind`; telephone numbers without a prefix are of `country`. Advertising in the hours of
    `night` needs the consent to it; in those of `closed`, and of `local` by the recipient's clock, none goes out. Whose
    consent is missing may be sent to for six months from `transaction_at`.
    """

    address: str | None = None
    consent: str | None = None
    night_consent: str | None = None
    consented_at: str | None = None
    transaction_at: str | None = None
    night: ir.Quiet | None = None
    closed: ir.Quiet | None = None
    local: ir.Quiet | None = None
    kind: AddressKind = "other"
    country: str | None = None

    @property
    def attributes(self) -> frozenset[str]:
        """Those that are columns of the customers."""
        named = (self.address, self.consent, self.night_consent, self.consented_at, self.transaction_at)
        return frozenset(name for name in named if name is not None and name != "id")


@dataclass(frozen=True)
class Policy:
    """What holds for every send of a project. `personal` are attributes whose values are masked when shown; a consent
    older than `reconfirm` (on the calendar of `zone`) is none; `rules` are those that texts are held to;
    `places` are what scenarios (`playbook/scenario`) have of namespaces."""

    project: str
    channels: Mapping[str, Channel] = field(default_factory=dict)
    holdout: Fraction | None = None
    places: Mapping[str, Place] = field(default_factory=dict)
    quiet: ir.Quiet | None = None
    caps: tuple[ir.Cap, ...] = ()
    personal: frozenset[str] = frozenset()
    reconfirm: ir.Shift | None = None
    zone: str = "UTC"
    rules: Rules = field(default_factory=Rules)
    prices: Mapping[str, Price] = field(default_factory=dict)
    spread: int = 0
    """Over how many µs what hours held goes out after their end."""
    recipient_zone: str | None = None
    """The attribute with a customer's time zone."""

    @property
    def attributes(self) -> frozenset[str]:
        """Those that are columns of the customers."""
        own = {self.recipient_zone} - {None, "id"}
        return frozenset[str]().union(own, *(channel.attributes for channel in self.channels.values()))  # type: ignore[arg-type]


def choose_channels(scenario: ir.Scenario, position: Position, reach: Reach, outcome: Outcome) -> None:
    """Asks suppression, consent and address of those who have a step due, and holds whom they stop.

    Chooses each customer's alternative: `position.alternative` is advanced to the first channel that is allowed and
    reachable.
    """
    for number, step in enumerate(scenario.steps):
        here = (position.step == number) & outcome.free
        if here.any():
            _choose_channel(step, here, position, reach, outcome)


def bar_unreachable(scenario: ir.Scenario, entries: Entries, reach: Reach, outcome: Outcome) -> None:
    """Holds who would begin a state though none of its messages may go out to them, and can, on any channel: they enter
    when one may. Whatever arm they would be in."""
    sends = tuple(send for step in scenario.steps for send in step.sends)
    here = entries.is_new & outcome.free
    if scenario.anchor is None and sends and here.any():
        found = np.logical_or.reduce([reach.open(send) for send in sends])
        free = np.logical_or.reduce([~reach.suppressed(send.channel) for send in sends])
        consents = np.logical_or.reduce([reach.allowed(send, aged=True) for send in sends])
        confirmed = np.logical_or.reduce([reach.allowed(send) for send in sends])
        _hold_unreached(here & ~found, free, consents, confirmed, outcome)


def _informs(send: ir.Send, scenario: ir.Scenario, informational: frozenset[str]) -> bool:
    """Whether whatever is sent is no advertising; of a split, every arm."""
    if send.split is None:
        return send.message in informational
    arms = [arm for split in scenario.splits if split.name == send.split for arm, _ in split.arms]
    return {arm for arm in arms if arm != CONTROL} <= informational


def keep_hours(scenario: ir.Scenario, position: Position, reach: Reach, outcome: Outcome) -> None:
    """Holds advertising in the hours in which its channel takes none, or only with a consent of its own."""
    for number, step in enumerate(scenario.steps):
        for alternative, send in enumerate(step.sends):
            channel = reach.policy.channels.get(send.channel, Channel())
            here = (position.step == number) & (position.alternative == alternative)
            if send in reach.told:
                continue
            if channel.night is not None and (at_night := here & reach.clocks.waits(channel.night, position.due)).any():
                outcome.hold(Gate.NIGHT, at_night & ~reach.agreed_to_nights(send.channel))
            if channel.closed is not None:
                outcome.hold(Gate.HOURS, here & reach.clocks.waits(channel.closed, position.due))
            if channel.local is not None:
                outcome.hold(Gate.HOURS, here & reach.clocks.waits(channel.local, position.due, by_recipient=True))


def _choose_channel(step: ir.Step, here: NDArray[np.bool_], position: Position, reach: Reach, outcome: Outcome) -> None:
    found, free, consents, confirmed = (np.zeros(len(here), bool) for _ in range(4))
    for alternative, send in enumerate(step.sends):
        asked = here & ~found & (position.alternative <= alternative)
        free |= asked & ~reach.suppressed(send.channel)
        consents |= asked & reach.allowed(send, aged=True)
        allowed = asked & reach.allowed(send)
        confirmed |= allowed
        taken = allowed & reach.addressed(send.channel)
        position.alternative[taken] = alternative
        found |= taken
    _hold_unreached(here & ~found, free, consents, confirmed, outcome)


def _hold_unreached(
    who: NDArray[np.bool_],
    free: NDArray[np.bool_],
    consents: NDArray[np.bool_],
    confirmed: NDArray[np.bool_],
    outcome: Outcome,
) -> None:
    outcome.hold(Gate.SUPPRESSED, who & ~free)
    outcome.hold(Gate.CONSENT, who & ~consents)
    outcome.hold(Gate.RECONFIRM, who & ~confirmed)
    outcome.hold(Gate.ADDRESS, who)


class Reach:
    """Which of a scenario's customers may be sent to on a channel, and who can be. `informational` are the messages
    that are no advertising."""

    def __init__(
        self, policy: Policy, scenario: ir.Scenario, codes: NDArray[np.int64], evaluation: Evaluation,
        past: Past | None, informational: frozenset[str] = frozenset(),
    ) -> None:  # fmt: skip
        self.policy, self.codes, self.evaluation, self.past = policy, codes, evaluation, past
        every = [send for step in scenario.steps for send in step.sends]
        self.told = frozenset(send for send in every if _informs(send, scenario, informational))
        self._suppressed: dict[str, NDArray[np.bool_]] = {}
        self._canonical: dict[str, NDArray[np.object_] | None] = {}

    @cached_property
    def clocks(self) -> Clocks:
        """What their clocks show."""
        return Clocks(self.policy, self.codes, self.evaluation)

    def open(self, send: ir.Send) -> NDArray[np.bool_]:
        """Who may be sent this, and can be."""
        return self.allowed(send) & self.addressed(send.channel)

    def allowed(self, send: ir.Send, *, aged: bool = False) -> NDArray[np.bool_]:
        """Who may be sent this; aged: by consents of any age."""
        free = ~self.suppressed(send.channel)
        if send in self.told:
            return free
        return free & self.consented(send.channel) & (True if aged else self.confirmed(send.channel))

    def consented(self, channel: str) -> NDArray[np.bool_]:
        """Who has consented; missing consent is no consent. Everybody where the project names no consent."""
        attribute = self.policy.channels.get(channel, Channel()).consent
        if attribute is None:
            return np.ones(len(self.codes), bool)
        return self._is_true(attribute) | self._excepted(channel)

    def agreed_to_nights(self, channel: str) -> NDArray[np.bool_]:
        """Who has consented to messages at night; nobody where the project names no such consent."""
        attribute = self.policy.channels.get(channel, Channel()).night_consent
        return np.zeros(len(self.codes), bool) if attribute is None else self._is_true(attribute)

    def _is_true(self, attribute: str) -> NDArray[np.bool_]:
        return self.evaluation.members(ir.Truth(ir.Attribute(attribute, "boolean")))[self.codes]

    def confirmed(self, channel: str) -> NDArray[np.bool_]:
        """Whose consent is not too old; a consent without a date is. Everybody where the project names no dates."""
        attribute, shift = self.policy.channels.get(channel, Channel()).consented_at, self.policy.reconfirm
        if attribute is None or shift is None:
            return np.ones(len(self.codes), bool)
        return self._before_the_day(attribute, shift) | self._excepted(channel)

    def _excepted(self, channel: str) -> NDArray[np.bool_]:
        """Who never said anything and may be sent to all the same, for a while after a transaction."""
        said = self.policy.channels[channel]
        if said.transaction_at is None or said.consent is None:
            return np.zeros(len(self.codes), bool)
        unsaid = self.evaluation.members(ir.IsMissing(ir.Attribute(said.consent, "boolean")))[self.codes]
        return unsaid & self._before_the_day(said.transaction_at, SIX_MONTHS)

    def _before_the_day(self, attribute: str, shift: ir.Shift) -> NDArray[np.bool_]:
        """For whom the local day that lies so far behind that of the attribute has not begun yet."""
        column, zone = self.evaluation.state.attributes[attribute], self.policy.zone
        data = np.asarray(column.data[self.codes]).astype(np.int64)
        known = data != (NO_DATE if column.type == "date" else NO_INSTANT)
        since = np.where(known, data, 0)
        clock = zone_for(zone, since * DAY if column.type == "date" else since, shift)
        days = since if column.type == "date" else clock.local(since) // DAY
        return np.asarray(known & (self.evaluation.at < clock.step(clock.day_starts(days), shift)))

    def addressed(self, channel: str) -> NDArray[np.bool_]:
        """Who has an address that can be sent to; everybody where the project names none."""
        found = self._addresses(channel)
        if found is None:
            return np.ones(len(self.codes), bool)
        return np.fromiter((each is not None for each in found), bool, len(found))

    def _addresses(self, channel: str) -> NDArray[np.object_] | None:
        """The canonical address of each customer (None: none that can be sent to); each distinct value is read once."""
        if channel in self._canonical:
            return self._canonical[channel]
        said, found = self.policy.channels.get(channel, Channel()), None
        if said.address == "id":
            values = texts_of(self.evaluation.state.ids, self.codes)
            found = _each_once(values, lambda value: canonical(said.kind, value, said.country))
        elif said.address is not None:
            data = plain(self.evaluation.state.attributes[said.address], self.codes, "UTC")
            shown = [None if value is None else str(value) for value in data]
            found = _each_once(shown, lambda value: canonical(said.kind, value, said.country))
        self._canonical[channel] = found
        return found

    def suppressed(self, channel: str) -> NDArray[np.bool_]:
        """Who is on the suppression list, by id or by the address for the channel."""
        if channel not in self._suppressed:
            self._suppressed[channel] = self._suppressed_now(channel)
        return self._suppressed[channel]

    def _suppressed_now(self, channel: str) -> NDArray[np.bool_]:
        found = np.zeros(len(self.codes), bool)
        listed = self.past.suppressed(channel) if self.past is not None else None
        if listed is None or not (listed.customers or listed.addresses):
            return found
        found |= np.isin(self.codes, codes_of(self.evaluation.state, tuple(listed.customers)))
        addresses = self._addresses(channel) if listed.addresses else None
        if addresses is not None:
            said = self.policy.channels[channel]
            forms = {canonical(said.kind, value, said.country) for value in listed.addresses} - {None}
            found |= np.fromiter((value in forms for value in addresses), bool, len(addresses))
        return found


def _each_once(values: Sequence[str | None], read: Callable[[str], str | None]) -> NDArray[np.object_]:
    known = {value: read(value) for value in dict.fromkeys(values) if value is not None}
    found = np.empty(len(values), object)
    found[:] = [None if value is None else known[value] for value in values]
    return found


def chosen(scenario: ir.Scenario, position: Position, channel: str | None) -> NDArray[np.bool_]:
    """Whose chosen send goes out on this channel (None: on any)."""
    found = np.zeros(len(position.step), bool)
    for number, step in enumerate(scenario.steps):
        for alternative, send in enumerate(step.sends):
            if channel is None or send.channel == channel:
                found |= (position.step == number) & (position.alternative == alternative)
    return found
