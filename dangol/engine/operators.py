"""The table of functions and operators: what each takes, gives, and makes of a missing value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dangol.engine.ir import Type

Takes = Literal["events", "property", "events or property", "value", "events or value"]

ORDERED: frozenset[Type] = frozenset({"number", "instant", "date", "version"})
RANKED: frozenset[Type] = frozenset({"number", "instant", "date"})
SINGLE: frozenset[Type] = frozenset({"number", "text", "boolean", "instant", "date", "version"})


@dataclass(frozen=True)
class Function:
    """A function of one argument.

    `takes` says what stands in the brackets, `accepts` the types of a property or value there; `gives` is the type
    of the result (None: that of the argument).
    """

    name: str
    takes: Takes
    accepts: frozenset[Type]
    gives: Type | None
    example: str
    missing: str
    doc: str


@dataclass(frozen=True)
class Operator:
    """An operator between values, or of conditions."""

    name: str
    form: str
    left: str
    right: str
    gives: str
    missing: str
    doc: str


NO_EVENTS = "missing without events"
ZERO = "0 without events"
NONE: frozenset[Type] = frozenset()

_FUNCTIONS = (
    Function("count", "events", NONE, "number", "count(viewed within 14d)", ZERO, "How many events match."),
    Function("sum", "property", frozenset({"number"}), "number", "sum(purchased.amount)", ZERO,
             "The sum of a property; events without it are left out."),
    Function("avg", "property", frozenset({"number"}), "number", "avg(purchased.amount)", NO_EVENTS,
             "The mean of a property; events without it are left out."),
    Function("min", "property", RANKED, None, "min(purchased.amount)", NO_EVENTS, "The least value of a property."),
    Function("max", "property", RANKED, None, "max(purchased.amount)", NO_EVENTS, "The greatest value of a property."),
    Function("distinct", "property", SINGLE, "number", "distinct(viewed.product within 30d)", ZERO,
             "How many different values of a property."),
    Function("active_days", "events", NONE, "number", "active_days(visited within 30d)", ZERO,
             "On how many different local days there are events."),
    Function("first", "events or property", SINGLE, None, "first(purchased)", NO_EVENTS,
             "The instant of the earliest event, or a property of it; of several at that instant the greatest value."),
    Function("last", "events or property", SINGLE, None, "last(purchased.category)", NO_EVENTS,
             "The instant of the latest event, or a property of it; of several at that instant the greatest value."),
    Function("most", "property", SINGLE, None, "most(purchased.category within 90d)", NO_EVENTS,
             "The most frequent value; ties go to the one that occurred last, then to the greatest."),
    Function("gap", "events", NONE, "number", "gap(purchased)", "missing below two events",
             "The mean number of days between consecutive events."),
    Function("days_since", "events or value", frozenset({"instant", "date"}), "number", "days_since(visited)",
             "missing without events, or of a missing value",
             "Days of 24 hours, with fractions, since the latest event or the instant; a date counts from its start."),
    Function("anniversary", "value", frozenset({"date"}), "date", "anniversary(birthday) within next 7d",
             "missing of a missing value",
             "The next anniversary, today included; 29 February falls on the 28th in other years."),
    Function("percentile", "value", RANKED, "number", "percentile(ltv) >= 90%", "missing of a missing value",
             "The share of the members with a value whose value is strictly lower."),
    Function("quintile", "value", RANKED, "number", "quintile(ltv) = 5", "missing of a missing value",
             "1 to 5: 1 + ⌊5 · (members strictly lower) / (members with a value)⌋."),
    Function("rank", "value", RANKED, "number", "rank(ltv) <= 100", "missing of a missing value",
             "1 + the number of members whose value is strictly higher."),
)  # fmt: skip

FUNCTIONS: dict[str, Function] = {function.name: function for function in _FUNCTIONS}

FALSE = "false when a side is missing"

OPERATORS: tuple[Operator, ...] = (
    Operator("=", "a = b", "any", "the same", "condition", FALSE, "Equal; texts to the letter."),
    Operator("!=", "a != b", "any", "the same", "condition", "true when a side is missing", "Exactly `not a = b`."),
    Operator("<", "a < b", "number, instant, date, version", "the same", "condition", FALSE, "Less, or earlier."),
    Operator("<=", "a <= b", "number, instant, date, version", "the same", "condition", FALSE,
             "Not above, or not later."),
    Operator(">", "a > b", "number, instant, date, version", "the same", "condition", FALSE, "More, or later."),
    Operator(">=", "a >= b", "number, instant, date, version", "the same", "condition", FALSE,
             "Not below, or not earlier."),
    Operator("in", 'a in ("x", "y")', "text, number, date, version", "list of literals", "condition", FALSE,
             "Equal to one of them."),
    Operator("not in", 'a not in ("x", "y")', "text, number, date, version", "list of literals", "condition",
             "true when it is missing", "Exactly `not a in (…)`."),
    Operator("between", "a between 1 and 5", "number, instant, date, version", "two of the same", "condition", FALSE,
             "From the first to the second, both ends in."),
    Operator("contains", 'a contains "x"', "text", "text", "condition", FALSE, "The text stands in it."),
    Operator("starts with", 'a starts with "x"', "text", "text", "condition", FALSE, "It begins with the text."),
    Operator("ends with", 'a ends with "x"', "text", "text", "condition", FALSE, "It ends with the text."),
    Operator("matches", "a matches /^x/", "text", "a pattern", "condition", FALSE,
             "The pattern (RE2) is found in it; anchor with ^ and $."),
    Operator("has", 'a has "vip"', "list", "text", "condition", FALSE, "The list holds the text."),
    Operator("is set", "a is set", "any", "", "condition", "false", "There is a value."),
    Operator("is missing", "a is missing", "any", "", "condition", "true", "There is no value."),
    Operator("+", "a + b", "number", "number", "number", "missing when a side is", "Sum."),
    Operator("-", "a - b", "number", "number", "number", "missing when a side is", "Difference."),
    Operator("*", "a * b", "number", "number", "number", "missing when a side is", "Product."),
    Operator("/", "a / b", "number", "number", "number", "missing when a side is, and by zero", "Quotient."),
    Operator("case", "case when C then a else b end", "conditions and values of one type", "", "that type",
             "missing when no branch holds and there is no else", "The value of the first condition that holds."),
    Operator("top … by", "top 10% by a", "number, instant, date", "", "condition",
             "false when it is missing", "The members with the highest values; a share is rounded up."),
    Operator("as of", "champion as of 30d ago", "a name or a bracket", "", "what it is asked about", "as inside",
             "The same at another instant."),
)  # fmt: skip
"""Every operator, in the order of the reference."""
