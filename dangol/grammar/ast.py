"""What was written: the syntax tree of every kind of line, with spans, before any name is resolved.

Spans are offsets into the line's text and are ignored by equality, so `parse(print(x)) == x` can be asked.
Written forms that mean the same (`100만`, `1000000`) compare equal; `written` keeps the spelling
for the printer.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

from dangol.diagnostics import NOWHERE, Span


@dataclass(frozen=True, kw_only=True)
class Node:
    """Anything that is written, with its place."""

    span: Span = field(default=NOWHERE, compare=False, repr=False)


# --- literals ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Duration(Node):
    """`7d`, `3 months`, `1.5h`: `mo` and `y` step on the calendar, the others are exact."""

    amount: Fraction
    unit: Literal["s", "min", "h", "d", "w", "mo", "y"]
    written: str = field(default="", compare=False)


@dataclass(frozen=True)
class Number(Node):
    """A number; a share (`30%`) is its value (0.3)."""

    value: Fraction
    percent: bool = False
    written: str = field(default="", compare=False)


@dataclass(frozen=True)
class Text(Node):
    """A text in quotes, without them and unescaped, NFC-normalised."""

    value: str


@dataclass(frozen=True)
class Boolean(Node):
    """`true`, `false`"""

    value: bool


@dataclass(frozen=True)
class Date(Node):
    """`2026-01-31`"""

    value: dt.date


@dataclass(frozen=True)
class Instant(Node):
    """An instant; without an offset (naive) it is local to the playbook's zone."""

    value: dt.datetime
    written: str = field(default="", compare=False)


@dataclass(frozen=True)
class Moment(Node):
    """`today`, `yesterday`, `now`, `entry` as a value or bound."""

    name: Literal["today", "yesterday", "now", "entry"]


@dataclass(frozen=True)
class Regex(Node):
    """`/…/` without the slashes; `\\/` is unescaped to `/`."""

    pattern: str


# --- names and calls --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Name(Node):
    """`abandoner`, `customer.country`, `purchased.amount`, `lib.rfm`; NFC-normalised parts."""

    parts: tuple[str, ...]

    @property
    def text(self) -> str:
        return ".".join(self.parts)


@dataclass(frozen=True)
class Call(Node):
    """`count(…)`, `sum(…)`, `percentile(…)`, …: a function name and its one argument."""

    function: str
    argument: Expr


# --- clauses ----------------------------------------------------------------------------------------------------

Bound = Date | Instant | Moment


@dataclass(frozen=True)
class Within(Node):
    """`within 7d`"""

    duration: Duration


@dataclass(frozen=True)
class WithinNext(Node):
    """`within next 7d`"""

    duration: Duration


@dataclass(frozen=True)
class Ago(Node):
    """`30d..60d ago`, as written (the checker finds it reversed)."""

    near: Duration
    far: Duration


@dataclass(frozen=True)
class MoreThanAgo(Node):
    """`more than 60d ago`"""

    duration: Duration


@dataclass(frozen=True)
class Relative(Node):
    """`since D`, `after D`, `before D`, `on D`"""

    word: Literal["since", "after", "before", "on"]
    bound: Bound


@dataclass(frozen=True)
class BetweenDates(Node):
    """`between 2026-01-01 and 2026-01-31` as a time clause: both bounds are dates, instants or moments."""

    low: Bound
    high: Bound


@dataclass(frozen=True)
class Calendar(Node):
    """`today`, `yesterday`, `this week`, `last week`, `this month`, `last month`"""

    unit: Literal["today", "yesterday", "this week", "last week", "this month", "last month"]


TimeClause = Within | WithinNext | Ago | MoreThanAgo | Relative | BetweenDates | Calendar


@dataclass(frozen=True)
class Times(Node):
    """`3+ times`, `at least 3 times` (3, None); `exactly 1 time`, `once` (1, 1); `at most 2 times` (0, 2).

    Both are below 10^9, and `low <= high`.
    """

    low: int
    high: int | None
    written: str = field(default="", compare=False)


@dataclass(frozen=True)
class Where(Node):
    """`where COMPARISON` or, bracketed, `where (CONDITION)`"""

    condition: Expr
    bracketed: bool = False


@dataclass(frozen=True)
class Sequence(Node):
    """`followed by B [within 3d] [with same p]`, `not followed by B …`, `within 3d of B [with same p]`.

    `other` is a Name, a Phrase of a Name with `where` only, or a Bracket around an event phrase.
    `gap` is required for `within of`.
    """

    kind: Literal["followed by", "not followed by", "within of"]
    other: Expr
    gap: Duration | None = None
    same: tuple[Name, ...] = ()


Clause = Where | Within | WithinNext | Ago | MoreThanAgo | Relative | BetweenDates | Calendar | Times | Sequence


@dataclass(frozen=True)
class Phrase(Node):
    """A subject (a Name, a Call, a Bracket or a property) with at least one clause, in written order.

    The parser does not know whether the subject is an event or a value: `purchased within 7d` and
    `signed_up_at within 7d` are both phrases.
    """

    subject: Expr
    clauses: tuple[Clause, ...]


@dataclass(frozen=True)
class Did(Node):
    """`did B …`"""

    phrase: Expr


@dataclass(frozen=True)
class Never(Node):
    """`never B …`"""

    phrase: Expr


# --- expressions ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Bracket(Node):
    """`( … )` as written; it means its content."""

    content: Expr


@dataclass(frozen=True)
class And(Node):
    """`a and b and c`"""

    items: tuple[Expr, ...]


@dataclass(frozen=True)
class Or(Node):
    """`a or b or c`"""

    items: tuple[Expr, ...]


@dataclass(frozen=True)
class Not(Node):
    """`not a`"""

    item: Expr


@dataclass(frozen=True)
class Compare(Node):
    """`a >= b`"""

    op: Literal["=", "!=", "<", "<=", ">", ">="]
    left: Expr
    right: Expr


@dataclass(frozen=True)
class In(Node):
    """`x in ("a", "b")`, `x not in (…)`"""

    value: Expr
    options: tuple[Expr, ...]
    negated: bool = False


@dataclass(frozen=True)
class Between(Node):
    """`x between a and b` of values; with two dates or instants the parser makes it a Phrase with BetweenDates."""

    value: Expr
    low: Expr
    high: Expr


@dataclass(frozen=True)
class TextTest(Node):
    """`contains`, `starts with`, `ends with`, `has`: the right side is an expression; `matches`: a Regex."""

    kind: Literal["contains", "starts with", "ends with", "matches", "has"]
    value: Expr
    argument: Expr


@dataclass(frozen=True)
class IsSet(Node):
    """`x is set`; `x is missing` has `missing=True`."""

    value: Expr
    missing: bool = False


@dataclass(frozen=True)
class Sum(Node):
    """A chain `a + b - c`: the first operand, then (operator, operand) pairs."""

    first: Expr
    rest: tuple[tuple[Literal["+", "-"], Expr], ...]


@dataclass(frozen=True)
class Product(Node):
    """A chain `a * b / c`."""

    first: Expr
    rest: tuple[tuple[Literal["*", "/"], Expr], ...]


@dataclass(frozen=True)
class Negative(Node):
    """`-x`; `-3` is a Number."""

    value: Expr


@dataclass(frozen=True)
class Case(Node):
    """`case when C then V … [else V] end`"""

    branches: tuple[tuple[Expr, Expr], ...]
    otherwise: Expr | None = None


@dataclass(frozen=True)
class Top(Node):
    """`top 10% by x` (amount.percent) or `top 500 by x`"""

    amount: Number
    by: Expr


@dataclass(frozen=True)
class AsOf(Node):
    """`champion as of 30d ago` (a Duration), `(…) as of 2026-01-01` (a Bound). The operand is a Name or a Bracket."""

    operand: Expr
    when: Duration | Bound


Expr = (
    Duration | Number | Text | Boolean | Date | Instant | Moment | Regex | Name | Call | Phrase | Did | Never | Bracket
    | And | Or | Not | Compare | In | Between | TextTest | IsSet | Sum | Product | Negative | Case | Top | AsOf
)  # fmt: skip


# --- scenarios --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Inline(Node):
    """A message written in the line."""

    text: str


@dataclass(frozen=True)
class MessageName(Node):
    """A name under `messages:`"""

    name: str


@dataclass(frozen=True)
class SplitName(Node):
    """`split NAME`"""

    name: str


@dataclass(frozen=True)
class Send(Node):
    """`CHANNEL MESSAGE`"""

    channel: str
    message: Inline | MessageName | SplitName


@dataclass(frozen=True)
class Stop(Node):
    """`stop`"""


@dataclass(frozen=True)
class TimeOfDay(Node):
    """`10:00`"""

    hour: int
    minute: int


@dataclass(frozen=True)
class Timing(Node):
    """`after 1h`, `wait 1h`, `wait until 10:00`, `after 1d at 10:00`; `wait until` has no delay."""

    word: Literal["after", "wait"]
    delay: Duration | None
    at: TimeOfDay | None = None


@dataclass(frozen=True)
class Step(Node):
    """One step: `sends` are tried in order (`else`); empty when the step is `stop`."""

    timing: Timing | None
    condition: Expr | None
    sends: tuple[Send, ...]
    stop: Stop | None = None


@dataclass(frozen=True)
class Scenario(Node):
    """`WHO → step → step`"""

    who: Expr
    steps: tuple[Step, ...]


# --- lines beside a scenario ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cron(Node):
    """`0 10 * * *`: five fields, checked by the checker."""

    text: str


@dataclass(frozen=True)
class Every(Node):
    """`every 10min`"""

    duration: Duration


@dataclass(frozen=True)
class Daily(Node):
    """`daily at 10:00`"""

    at: TimeOfDay


@dataclass(frozen=True)
class Weekly(Node):
    """`weekly on Mon at 09:00`, several days with commas; 0 is Monday."""

    days: tuple[int, ...]
    at: TimeOfDay


@dataclass(frozen=True)
class Once(Node):
    """`once at 2026-12-01T10:00`"""

    at: Instant


Schedule = Cron | Every | Daily | Weekly | Once


@dataclass(frozen=True)
class Arm(Node):
    """`discount 45%`"""

    name: str
    share: Number


@dataclass(frozen=True)
class Split(Node):
    """`discount 45%, scarcity 45%, control 10%`"""

    arms: tuple[Arm, ...]


@dataclass(frozen=True)
class Holder(Node):
    """`cart_rescue/nudge 40%`; `free` is nobody"""

    name: str
    share: Number


@dataclass(frozen=True)
class Namespace(Node):
    """`cart_rescue/nudge 40%, winback/offer 40%`"""

    holders: tuple[Holder, ...]


@dataclass(frozen=True)
class Share(Node):
    """`10%` (a holdout)"""

    share: Number


@dataclass(frozen=True)
class Winner(Node):
    """`by METRIC at 95% after 1000 each → send to rest`"""

    metric: Expr
    confidence: Number
    minimum: int


@dataclass(frozen=True)
class Kpi(Node):
    """`METRIC [per customer|per EVENT] (>= LEVEL | up|down CHANGE (vs GROUP | from BASELINE)) by DATE`

    `op` is `>=`, `<=`, `>`, `<`, `up` or `down`; `points` says that the change is in percentage points: `2pp` is the
    amount 0.02.
    `same` are the properties of `with same …`.
    """

    metric: Expr
    per: Name | None
    op: Literal[">=", "<=", ">", "<", "up", "down"]
    amount: Number
    points: bool
    versus: str | None
    baseline: Number | None
    by: Date
    same: tuple[Name, ...] = ()


@dataclass(frozen=True)
class Guardrail(Node):
    """`METRIC [per customer|per EVENT] (<= LEVEL | up|down at most CHANGE vs GROUP)`; the fields as those of `Kpi`"""

    metric: Expr
    per: Name | None
    op: Literal[">=", "<=", ">", "<", "up", "down"]
    amount: Number
    points: bool
    versus: str | None
    same: tuple[Name, ...] = ()


@dataclass(frozen=True)
class OnDeadline(Node):
    """`keep control`, `send best`, `extend 14d`, `stop`"""

    action: Literal["keep control", "send best", "extend", "stop"]
    delay: Duration | None = None


@dataclass(frozen=True)
class Cap(Node):
    """`2 per 7d`, `1 per 1d on push`, `3 per calendar week`"""

    count: int
    window: Duration | Literal["day", "week", "month"]
    channel: str | None = None


@dataclass(frozen=True)
class Quiet(Node):
    """`21:00–08:00`"""

    start: TimeOfDay
    end: TimeOfDay


@dataclass(frozen=True)
class Again(Node):
    """`never`, `each time`, `after 30d`"""

    mode: Literal["never", "each time", "after"]
    delay: Duration | None = None


Beside = (
    Cron
    | Every
    | Daily
    | Weekly
    | Once
    | Split
    | Share
    | Winner
    | Kpi
    | Cap
    | Quiet
    | Again
    | Duration
    | Number
    | Guardrail
    | OnDeadline
    | Namespace
)

LineKind = Literal[
    "expression", "scenario", "schedule", "split", "holdout", "winner", "kpi", "cap", "quiet", "again", "expires",
    "limit", "priority", "guardrail", "on_deadline", "namespace",
]  # fmt: skip
"""What a line is read as. `expression` also serves segments, traits, `exit` and the query command."""

Root = Expr | Scenario | Beside
