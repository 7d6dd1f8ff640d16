"""Literals, phrases and expressions as they were written."""

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
