"""What planning takes and gives: scenarios under their texts in; sends, waits and what is written down out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

from dangol.diagnostics import Diagnostic, Line
from dangol.engine import ir
from dangol.measure.design import Design
from dangol.runner.entries import Entries, Gone
from dangol.runner.experiments.draw import Drawn
from dangol.runner.migration import Change
from dangol.runner.policy import Held
from dangol.runner.texts import Text
from dangol.runner.traffic import Traffic

if TYPE_CHECKING:
    from dangol.runner.ledger.experiment_rows import Won


@dataclass(frozen=True)
class Playbook:
    """What planning needs of a playbook: its holdout, and its messages (name → channel → part → template)."""

    name: str
    holdout: Fraction | None = None
    messages: Mapping[str, Mapping[str, Mapping[str, Line]]] = field(default_factory=dict)
    rules: Mapping[str, Line] = field(default_factory=dict)
    """Scenario → its line, for findings about messages written in the line."""
    informational: frozenset[str] = frozenset()
    """The messages that are no advertising."""


@dataclass(frozen=True)
class Send:
    """One message to one customer. `step` counts from 1; `arm` is None without a split; `message` is the name under
    `messages:`, or the text itself when it is written in the line."""

    customer: str
    channel: str
    step: int
    arm: str | None
    message: str


@dataclass(frozen=True)
class Sample:
    """What one recipient would read: part → text. Values of personal attributes are masked unless asked for."""

    send: Send
    content: Mapping[str, str]


@dataclass(frozen=True)
class Reading:
    """A scenario in plain words: all on one line, and in parts (who, entry, steps, the definitions they rest on)."""

    line: str
    who: str
    entry: str
    steps: tuple[str, ...]
    definitions: Mapping[str, str]


@dataclass(frozen=True)
class Version:
    """A scenario under one of its texts. `program` has the definitions it rests on (None: those of today).

    Customers enter under the one that `takes_new`; under any other, those go on who are in it. `is_earlier`: it says
    something else than the scenario does today.
    """

    scenario: ir.Scenario
    reading: Reading
    playbook: Playbook
    text: Text
    program: ir.Program | None = None
    takes_new: bool = True
    is_earlier: bool = False
    lines: Mapping[str, str] = field(default_factory=dict)
    """Hash → each line that it is judged by."""


@dataclass(frozen=True)
class ScenarioPlan:
    """A scenario under one of its texts. audience = len(sends) + the sum of the held counts."""

    playbook: str
    scenario: str
    reading: Reading
    audience: int
    sends: tuple[Send, ...]
    held: tuple[Held, ...]
    samples: tuple[Sample, ...]
    arms: Mapping[str, int]
    """Arm → entries in it, the control included."""
    record: Record = field(repr=False, compare=False)
    is_earlier: bool = False
    """Only of those who entered under a text that the scenario no longer has."""
    decided: tuple[Won, ...] = ()
    """What holds for the arms of whoever enters now, in place of the draw."""

    @property
    def full_name(self) -> str:
        """`playbook/scenario`."""
        return f"{self.playbook}/{self.scenario}"

    @property
    def volume(self) -> dict[str, int]:
        """Sends per channel."""
        channels = [send.channel for send in self.sends]
        return {channel: channels.count(channel) for channel in dict.fromkeys(channels)}


@dataclass(frozen=True)
class Overlap:
    """Customers whom both scenarios would hit at this instant."""

    first: str
    second: str
    customers: int


@dataclass(frozen=True)
class Plan:
    """`at` in µs since the epoch; `universe` is the number of customers; `volume` is per channel over all scenarios."""

    at: int
    zone: str
    universe: int
    scenarios: tuple[ScenarioPlan, ...]
    volume: Mapping[str, int]
    traffic: Mapping[str, Traffic]
    """Per channel how long its texts are and what they cost."""
    overlaps: tuple[Overlap, ...]
    diagnostics: tuple[Diagnostic, ...]
    migration: tuple[Change, ...] = ()
    """The entries that it moves from earlier texts."""


@dataclass(frozen=True)
class Decision:
    """What is decided about one step of an entry.

    `place` is the entry's position in the record; `step` counts from 1. state: planned (with channel, message, address,
    content), held (it waits, for `reason`), expired or cancelled.
    """

    place: int
    step: int
    due: int
    state: Literal["planned", "held", "expired", "cancelled"]
    reason: str | None = None
    channel: str | None = None
    arm: str | None = None
    message: str | None = None
    address: str | None = None
    content: Mapping[str, str] | None = None


@dataclass(frozen=True)
class End:
    """An entry that ends: `finished`, or `left` because it no longer qualifies."""

    place: int
    state: Literal["finished", "left"]
    at: int
    reason: str


@dataclass(frozen=True)
class Record:
    """What applying a scenario's plan writes down: the running entries that are gone, then its entries (id −1: it
    begins, under `text`), decisions about steps, and which of these entries end. `informational` are the messages that
    are no advertising. A decision's step is the number of its record, which counts on when an entry has moved. design,
    drawn: how the entries are drawn, and to what; lines: those it is judged by (hash → line)."""

    scenario: ir.Scenario
    text: Text
    informational: frozenset[str]
    gone: Gone
    customers: tuple[str, ...]
    entries: Entries
    decisions: tuple[Decision, ...]
    ends: tuple[End, ...]
    design: Design
    drawn: Drawn
    lines: Mapping[str, str]

    @property
    def is_experiment(self) -> bool:
        """Whether it is recorded who is drawn: there is something to compare, or to measure."""
        return self.design.draws or bool(self.lines)
