"""Scenarios with every line beside them, and the whole program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

from dangol.engine.ir.expressions import AggregateFunction, Condition, Events, Shift, Value
from dangol.engine.ir.harm import is_harmful

# --- scenarios --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Due:
    """When a step is due: `after` counts from the entry, `wait` from the previous step, None at once.

    `shift` is the delay (None for `wait until`), `at` a local time of day (minutes since midnight): the first such
    time not before the delay has passed.
    """

    word: Literal["after", "wait"]
    shift: Shift | None
    at: int | None
    zone: str


@dataclass(frozen=True)
class Send:
    """One message on one channel. Exactly one of `inline`, `message` (a name) and `split` is set."""

    channel: str
    inline: str | None = None
    message: str | None = None
    split: str | None = None


@dataclass(frozen=True)
class Step:
    """`sends` are tried in order; empty means `stop`."""

    due: Due | None
    condition: Condition | None
    sends: tuple[Send, ...]


@dataclass(frozen=True)
class Split:
    """Customers assigned to arms; `salt` is stable (`playbook/split`), shares sum to 1. `control` gets nothing."""

    name: str
    salt: str
    arms: tuple[tuple[str, Fraction], ...]


@dataclass(frozen=True)
class Schedule:
    """When WHO is asked for new entries: one of `cron` (five fields, 0 and 7 are Sunday), `every`, `once` (µs)."""

    zone: str
    cron: str | None = None
    every: Shift | None = None
    once: int | None = None


@dataclass(frozen=True)
class Cap:
    """At most `count` sends in (T − window, T], or in the calendar unit of `zone` around T; `channel` None: on any."""

    count: int
    window: Shift | Literal["day", "week", "month"]
    channel: str | None
    zone: str


@dataclass(frozen=True)
class Quiet:
    """No sends in the local window [start, end), minutes since midnight; it passes midnight when end < start."""

    start: int
    end: int
    zone: str


@dataclass(frozen=True)
class Again:
    """`never`, `each time`, or `after` a shift from the last entry (on the calendar of `zone`)."""

    mode: Literal["never", "each time", "after"] = "never"
    shift: Shift | None = None
    zone: str = "UTC"


@dataclass(frozen=True)
class Metric:
    """What is measured of each customer over (send, send + within]: `events` without a window.

    `function` None: whether there is such an event (a rate, with at least `low` and at most `high` of them); else the
    aggregate of `property`. `ledger` says that the events are this scenario's own messages.
    """

    events: Events
    function: AggregateFunction | None
    property: str | None
    within: Shift
    zone: str
    low: int = 1
    high: int | None = None
    ledger: bool = False


@dataclass(frozen=True)
class Kpi:
    """A target: a level (`op` is a comparison) or a lift (`up`, `down`) until the end of the local day `by`.

    `per`: None (a rate, or an aggregate over all), `customer`, or the events by whose number it is divided (over the
    same window). `amount`: level or change, 5% is 1/20; `points` says that the change is absolute (`2pp`).
    `versus` is `control` or `holdout`; `baseline` a number instead. `same`: properties tied to the anchor event.
    `written` is the line.
    """

    metric: Metric
    per: Literal["customer"] | Events | None
    op: Literal[">=", "<=", ">", "<", "up", "down"]
    amount: Fraction
    points: bool
    versus: Literal["control", "holdout"] | None
    baseline: Fraction | None
    by: int
    zone: str
    same: tuple[str, ...] = ()
    written: str = field(default="", compare=False)

    @property
    def is_share(self) -> bool:
        """Whether a share of customers is measured, which is written in percent."""
        return self.metric.function is None and self.per is None


@dataclass(frozen=True)
class Guardrail:
    """What must not get worse while a KPI is pursued: a level over the reached (`op` is a comparison), or a change of
    at most `amount` in the direction `op` against `versus`, over the assigned (a margin: non-inferiority).

    `metric`, `per`, `amount`, `points`, `same` and `written` as in `Kpi`.
    """

    metric: Metric
    per: Literal["customer"] | Events | None
    op: Literal[">=", "<=", ">", "<", "up", "down"]
    amount: Fraction
    points: bool
    versus: Literal["control", "holdout"] | None
    zone: str
    same: tuple[str, ...] = ()
    written: str = field(default="", compare=False)

    @property
    def is_share(self) -> bool:
        """Whether a share of customers is measured, which is written in percent."""
        return self.metric.function is None and self.per is None


@dataclass(frozen=True)
class OnDeadline:
    """What happens to the arms at the KPI's deadline when no winner stands: `extend` puts it off once by `shift`."""

    action: Literal["keep control", "send best", "extend", "stop"]
    shift: Shift | None = None
    zone: str = "UTC"


@dataclass(frozen=True)
class Winner:
    """One arm of `split` is chosen by `metric` at `confidence` once each arm has `minimum` customers."""

    split: str
    metric: Metric
    confidence: Fraction
    minimum: int

    @property
    def fewer_is_better(self) -> bool:
        """Of events that all do harm by their names; else more is."""
        return all(is_harmful(name) for name in self.metric.events.names)


@dataclass(frozen=True)
class Scenario:
    """A scenario: who, from what entries start, and the steps.

    anchor: the events whose latest match is the entry; None when state-based. `anchor_from` is the segment it
    came from, if WHO itself has no event phrase. `still`: what is asked before every step (WHO with the anchor's own
    time and times clauses dropped and its anchor event fixed to the one at `entry`). `exits`: the `exit` lines.
    `splits` are those that the steps name. `holdout` is a share; `expires` None stands for the default, 24h.
    """

    playbook: str
    name: str
    who: Condition
    anchor: Events | None
    anchor_from: str | None
    steps: tuple[Step, ...]
    exits: tuple[Condition, ...] = ()
    still: Condition | None = None
    zone: str = "UTC"
    schedule: Schedule | None = None
    splits: tuple[Split, ...] = ()
    kpis: tuple[Kpi, ...] = ()
    caps: tuple[Cap, ...] = ()
    quiet: Quiet | None = None
    again: Again = Again()
    expires: Shift | None = None
    limit: int | None = None
    priority: int = 0
    holdout: Fraction | None = None
    winner: Winner | None = None
    phase: int = 1
    guardrails: tuple[Guardrail, ...] = ()
    on_deadline: OnDeadline | None = None


@dataclass(frozen=True)
class Program:
    """Everything a project's lines compute: definitions by their global names."""

    segments: Mapping[str, Condition] = field(default_factory=dict)
    traits: Mapping[str, Value] = field(default_factory=dict)
    scenarios: tuple[Scenario, ...] = ()
