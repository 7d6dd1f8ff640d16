"""What will be computed: every name resolved, every type known, the shorthand spelled out.

Two families. A `Condition` is true or false for every customer, never missing. A `Value` may be missing.
Nodes carry the zone they were written in, so evaluation needs nothing but the instant and the data.
Segments and traits are referenced, not copied (`SegmentRef`, `TraitRef`); `Program` holds their definitions.
Plain lines only: instants are microseconds since 1970-01-01T00:00Z, days are days since 1970-01-01.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

Type = Literal["number", "text", "boolean", "instant", "date", "version", "list"]

# --- instants and windows ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Shift:
    """A step in time, applied in the order months, days (both on the calendar of a zone, clamped), microseconds."""

    months: int = 0
    days: int = 0
    micros: int = 0

    def __neg__(self) -> Shift:
        return Shift(-self.months, -self.days, -self.micros)


@dataclass(frozen=True)
class Point:
    """An instant that is known once `at` is known.

    `at`: the evaluation instant; `day`, `week`, `month`: the start of its local day, week (Monday) or month;
    `fixed`: `micros` since the epoch; `entry`: the instant at which the customer entered the scenario (one per
    customer). `shift` is then applied on the calendar of `zone`.
    """

    anchor: Literal["at", "day", "week", "month", "fixed", "entry"]
    zone: str
    shift: Shift = Shift()
    micros: int = 0


@dataclass(frozen=True)
class Edge:
    """One end of a window; `open` leaves the point itself out."""

    point: Point
    open: bool = False


@dataclass(frozen=True)
class Window:
    """The times t with low ≤ t ≤ high; a missing edge is unbounded. For events t ≤ at holds besides.

    For a value of type date both edges and the value are compared by local day in the point's zone.
    """

    low: Edge | None = None
    high: Edge | None = None


# --- events -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Follow:
    """Keeps those events A for which such a B of the same customer exists (or not).

    `followed`: some B later than A, at most `gap` after it; `not_followed`: no such B;
    `follows`: some B earlier than A, A at most `gap` after it (calendar gaps count from the earlier event).
    Later means t_B > t_A, or t_B = t_A for two events of different name (of the single names, within groups).
    `same`: properties on which A and B must agree; a missing value agrees with nothing.
    Only events up to the evaluation instant exist. `zone` is for calendar gaps.
    """

    kind: Literal["followed", "not_followed", "follows"]
    other: Events
    gap: Shift | None
    same: tuple[str, ...]
    zone: str


@dataclass(frozen=True)
class Events:
    """The events of a customer that match: one of `names`, in the window, `where` true, every Follow held.

    `where` is a Condition that may use `Property` nodes; everything else in it is about the customer.
    `label` is the name as written (an event or an event group); it takes no part in equality.
    """

    names: tuple[str, ...]
    window: Window | None = None
    where: Condition | None = None
    follows: tuple[Follow, ...] = ()
    label: str = field(default="", compare=False)


# --- values -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Constant:
    """A literal. value: number → float, text and version → str, boolean → bool, instant → µs, date → days."""

    type: Type
    value: float | str | bool | int


@dataclass(frozen=True)
class Now:
    """An instant as a value: `now`, `today` as day (`type` date) and so on."""

    type: Literal["instant", "date"]
    point: Point


@dataclass(frozen=True)
class Attribute:
    """A column of the customers table. `customer.id` is Attribute("id", "text")."""

    name: str
    type: Type


@dataclass(frozen=True)
class Property:
    """A property of the event being filtered; only inside `Events.where`."""

    name: str
    type: Type


AggregateFunction = Literal[
    "count", "sum", "avg", "min", "max", "distinct", "active_days", "first", "last", "most", "gap"
]  # fmt: skip


@dataclass(frozen=True)
class Aggregate:
    """One value of a customer's matching events.

    count, active_days, gap: of the events themselves (`property` None); first and last without a property are
    instants. Missing-value rules, ties and zeros as in the language reference. gap is in days. `zone` is for
    active_days.
    """

    function: AggregateFunction
    events: Events
    property: str | None
    type: Type
    zone: str


@dataclass(frozen=True)
class DaysSince:
    """(at − t) in days of 24 h, fractional; a date counts from its day's start in `zone`."""

    value: Value
    zone: str
    type: Literal["number"] = "number"


@dataclass(frozen=True)
class DayOf:
    """The local day (date) of an instant."""

    value: Value
    zone: str
    type: Literal["date"] = "date"


@dataclass(frozen=True)
class Anniversary:
    """The next anniversary of a date, today included; 29 February falls on the 28th in other years."""

    value: Value
    zone: str
    type: Literal["date"] = "date"


@dataclass(frozen=True)
class Arithmetic:
    """A chain first op operand op operand …, left to right; division by zero and missing operands give missing."""

    first: Value
    rest: tuple[tuple[Literal["+", "-", "*", "/"], Value], ...]
    type: Literal["number"] = "number"


@dataclass(frozen=True)
class Case:
    branches: tuple[tuple[Condition, Value], ...]
    otherwise: Value | None
    type: Type


@dataclass(frozen=True)
class Flag:
    """A condition used as a boolean value (in a `case` branch or a trait)."""

    condition: Condition
    type: Literal["boolean"] = "boolean"


@dataclass(frozen=True)
class Population:
    """percentile, quintile or rank of a number (or instant, date) among all members with a value."""

    function: Literal["percentile", "quintile", "rank"]
    value: Value
    type: Literal["number"] = "number"


@dataclass(frozen=True)
class TraitRef:
    name: str
    type: Type


@dataclass(frozen=True)
class SplitArm:
    """The customer's arm in a split, a text."""

    split: str
    salt: str
    arms: tuple[tuple[str, Fraction], ...]
    type: Literal["text"] = "text"


@dataclass(frozen=True)
class ValueAsOf:
    """`value` at the instant `point` (relative to the instant around it), seeing no later events than outside."""

    value: Value
    point: Point
    type: Type


Value = (
    Constant | Now | Attribute | Property | Aggregate | DaysSince | DayOf | Anniversary | Arithmetic | Case | Flag
    | Population | TraitRef | SplitArm | ValueAsOf
)  # fmt: skip

# --- conditions -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Always:
    value: bool


@dataclass(frozen=True)
class Matches:
    """low ≤ number of matching events ≤ high (None: no upper bound). `never B` is Not(Matches(B))."""

    events: Events
    low: int = 1
    high: int | None = None


@dataclass(frozen=True)
class And:
    items: tuple[Condition, ...]


@dataclass(frozen=True)
class Or:
    items: tuple[Condition, ...]


@dataclass(frozen=True)
class Not:
    """The complement within the universe."""

    item: Condition


@dataclass(frozen=True)
class Compare:
    """False when a side is missing; `!=` is Not(Compare("=")). Both sides are of one type, or version and text."""

    op: Literal["=", "<", "<=", ">", ">="]
    left: Value
    right: Value


@dataclass(frozen=True)
class OneOf:
    """value in (…); `not in` is Not(OneOf)."""

    value: Value
    options: tuple[Constant, ...]


@dataclass(frozen=True)
class TextTest:
    """`has` is asked of a list, the others of a text; `matches` is an RE2 search with `argument` a Constant."""

    kind: Literal["contains", "starts with", "ends with", "matches", "has"]
    value: Value
    argument: Value


@dataclass(frozen=True)
class IsMissing:
    """`is set` is Not(IsMissing)."""

    value: Value


@dataclass(frozen=True)
class InWindow:
    """The value (instant or date) is present and in the window."""

    value: Value
    window: Window


@dataclass(frozen=True)
class Truth:
    """A boolean value is present and true."""

    value: Value


@dataclass(frozen=True)
class Top:
    """The first `count`, or ⌈share · n⌉ of the n members with a value, highest first; ties by id, in code points."""

    by: Value
    count: int | None
    share: Fraction | None


@dataclass(frozen=True)
class SegmentRef:
    name: str


@dataclass(frozen=True)
class InList:
    """The customer's id stands in a static list of the project."""

    name: str


@dataclass(frozen=True)
class ConditionAsOf:
    condition: Condition
    point: Point


Condition = (
    Always | Matches | And | Or | Not | Compare | OneOf | TextTest | IsMissing | InWindow | Truth | Top | SegmentRef
    | InList | ConditionAsOf
)  # fmt: skip

Node = Condition | Value

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
