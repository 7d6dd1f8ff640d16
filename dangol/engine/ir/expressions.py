"""Instants, events, values and conditions."""

from __future__ import annotations

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
