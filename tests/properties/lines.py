"""Random well-typed lines: every construct of language.md §2–§5, nested."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from hypothesis import strategies as st

from tests.properties.vocabulary import EVENTS, GROUPS, Sample, group_properties

T = TypeVar("T")

DURATIONS = [  # by nominal length
    "0.5h", "1h", "12h", "1d", "24h", "36h", "2d", "3d", "1w", "7d", "10 days", "28d", "30d", "1mo", "31d", "60d",
    "2mo", "1y",
]  # fmt: skip
WHOLE_DAYS = ["0d", "1d", "3d", "1w", "28d", "30d", "1mo", "31d", "2mo", "1y"]
DENSE = ["1d", "2d", "3d", "1w"]
NOMINAL = {"h": 1 / 24, "d": 1, "days": 1, "w": 7, "mo": 30, "y": 365}
CALENDAR = ["today", "yesterday", "this week", "last week", "this month", "last month"]
NAMES = [*EVENTS, *GROUPS]


def nominal(duration: str) -> float:
    digits = duration.rstrip("abcdefghijklmnopqrstuvwxyz ")
    return float(digits) * NOMINAL[duration[len(digits) :].strip()]


@dataclass
class Writer:
    """Writes one line about one sample; `segments` and `traits` are the names in reach, traits with their type."""

    draw: st.DrawFn
    sample: Sample
    segments: list[str] = field(default_factory=list)
    traits: dict[str, str] = field(default_factory=dict)

    def pick(self, *options: T) -> T:
        return self.draw(st.sampled_from(options))

    def chance(self, one_in: int) -> bool:
        return self.draw(st.integers(1, one_in)) == one_in

    def one_of(self, *writers: Callable[[], str]) -> str:
        return self.pick(*writers)()

    @property
    def has_table(self) -> bool:
        return self.sample.customers is not None

    # --- durations, dates, time clauses ---------------------------------------------------------------------------

    def duration(self) -> str:
        """Mostly one that is the distance of two instants of the data."""
        return self.pick(*DENSE) if self.draw(st.integers(0, 2)) else self.pick(*DURATIONS)

    def day(self) -> str:
        today = self.sample.at.astimezone(self.sample.zone).date()
        return (today - dt.timedelta(days=self.pick(0, 1, 2, 3, 7, 30, 60, -1, -7))).isoformat()

    def instant(self) -> str:
        clock = self.pick("00:00", "12:00", "02:30", "01:30", "03:00")
        return self.day() + "T" + clock + self.pick("", "", "+00:00", "+09:00")

    def bound(self, word: str) -> str:
        days = [self.day, lambda: self.pick("today", "yesterday")]
        return self.one_of(*days) if word == "on" else self.one_of(*days, self.instant, lambda: "now")

    def ago(self, durations: list[str]) -> str:
        pair = [self.pick(*(DENSE if self.chance(2) else durations)) for _ in range(2)]
        near, far = sorted(pair, key=nominal)
        return f"{near}..{far} ago" if nominal(near) < nominal(far) else f"more than {near} ago"

    def between(self) -> str:
        low, high = sorted((self.day(), self.day()))
        return f"between {low} and {high}"

    def relative(self) -> str:
        word = self.pick("since", "after", "before", "on")
        return f"{word} {self.bound(word)}"

    def event_time(self) -> str:
        return self.one_of(
            lambda: f"within {self.duration()}",
            lambda: f"within {self.duration()}",
            lambda: self.ago(DURATIONS),
            lambda: f"more than {self.duration()} ago",
            self.relative,
            self.between,
            lambda: self.pick(*CALENDAR),
        )

    def value_time(self, kind: str) -> str:
        if kind == "instant":
            return self.one_of(self.event_time, lambda: f"within next {self.duration()}")
        return self.one_of(
            lambda: f"within {self.pick(*WHOLE_DAYS)}",
            lambda: f"within next {self.pick(*WHOLE_DAYS)}",
            lambda: self.ago(WHOLE_DAYS),
            lambda: f"more than {self.pick(*WHOLE_DAYS)} ago",
            lambda: f"{self.pick('since', 'after', 'before', 'on')} {self.one_of(self.day, lambda: 'today')}",
            self.between,
            lambda: self.pick(*CALENDAR),
        )

    # --- event phrases ----------------------------------------------------------------------------------------

    def times(self) -> str:
        return self.pick(
            "1+ times", "2+ times", "at least 2 times", "exactly 1 time", "exactly 0 times", "at most 1 time",
            "at most 2 times", "1..2 times", "2..3 times", "once", "twice",
        )  # fmt: skip

    def phrase(self, depth: int, *, times: bool = True, prop: str = "", name: str = "") -> str:
        """An event with clauses; `prop` makes it `event.prop …` of an aggregate."""
        name = name or self.pick(*NAMES)
        own = [self.where(name, depth)] if self.chance(3) else []
        own += [self.event_time()] if self.chance(2) else []
        own += [self.times()] if times and self.chance(4) else []
        sequences = [self.sequence(name, depth) for _ in range(self.pick(0, 0, 0, 1, 2))] if depth > 0 else []
        ordered = self.draw(st.permutations(own)) if own else []
        return " ".join([name + prop, *ordered, *sequences])

    def sequence(self, name: str, depth: int) -> str:
        other = self.pick(*NAMES)
        shared = sorted(
            p for p, kind in group_properties(name).items() if group_properties(other).get(p) == kind and kind != "list"
        )
        if self.chance(3):
            written = f"({self.phrase(depth - 1, times=False, name=other)})"
        else:
            written = f"{other} {self.where(other, 0)}" if self.chance(3) else other
        same = ""
        if shared and self.chance(3):
            same = f" with same {self.pick(*shared)}"
            if len(shared) > 1 and self.chance(3):
                same = f" with same ({shared[0]}, {shared[1]})"
        if self.chance(3):
            return f"within {self.duration()} of {written}{same}"
        gap = f" within {self.duration()}" if self.chance(2) else ""
        return f"{self.pick('', 'not ')}followed by {written}{gap}{same}"

    def where(self, name: str, depth: int) -> str:
        if self.chance(2):
            return f"where {self.own_test(name, depth)}"
        return f"where ({self.where_condition(name, depth)})"

    def where_condition(self, name: str, depth: int) -> str:
        def joined(word: str) -> str:
            return f"{self.where_condition(name, depth - 1)} {word} ({self.where_condition(name, depth - 1)})"

        options: list[Callable[[], str]] = [lambda: self.own_test(name, depth)]
        flags = [p for p, kind in group_properties(name).items() if kind == "boolean"]
        if flags:
            options.append(lambda: self.pick("", "not ") + flags[0])
        if self.has_table:
            options.append(lambda: self.pick("age >= 2", 'customer.city = "a"', "born is set", "vip", "not vip"))
        if depth > 0:
            options += [
                lambda: joined("and"),
                lambda: joined("or"),
                lambda: f"not ({self.where_condition(name, depth - 1)})",
            ]
        return self.one_of(*options)

    def own_test(self, name: str, depth: int) -> str:
        """One comparison that starts with a property of the event."""
        prop, kind = self.pick(*sorted(group_properties(name).items()))
        return self.test(prop, kind, depth - 1, in_where=True)

    # --- tests of a value ----------------------------------------------------------------------------------------

    def test(self, value: str, kind: str, depth: int, in_where: bool = False) -> str:
        """A condition about a value of a type, which may be missing."""
        if self.chance(6):
            return f"{value} {self.pick('is set', 'is missing')}"
        return {
            "number": self.number_test,
            "text": self.text_test,
            "boolean": self.boolean_test,
            "instant": self.instant_test,
            "date": self.date_test,
            "version": self.version_test,
            "list": self.list_test,
        }[kind](value, depth, in_where)

    def right(self, kind: str, depth: int, in_where: bool) -> str:
        """The right side of a comparison, in brackets where a clause might follow it."""
        return f"({self.value(kind, depth, in_where)})" if depth > 0 and self.chance(3) else self.literal(kind)

    def number_test(self, value: str, depth: int, in_where: bool) -> str:
        return self.one_of(
            lambda: f"{value} {self.comparison()} {self.right('number', depth, in_where)}",
            lambda: f"{value} {self.comparison()} {self.right('number', depth, in_where)}",
            lambda: f"{value} {self.pick('in', 'not in')} (0, 2, 2.5)",
            lambda: f"{value} between {self.pick('0', '1')} and {self.pick('2', '10')}",
        )

    def text_test(self, value: str, depth: int, in_where: bool) -> str:
        verb = self.pick("contains", "starts with", "ends with")
        return self.one_of(
            lambda: f"{value} {self.pick('=', '!=')} {self.right('text', depth, in_where)}",
            lambda: f"{value} {self.pick('in', 'not in')} ({self.literal('text')}, {self.literal('text')})",
            lambda: f"{value} {verb} {self.literal('text')}",
            lambda: f"{value} matches {self.pick('/^a/', '/b$/', '/^$/', '/./', '/[ab]{2}/')}",
        )

    def boolean_test(self, value: str, depth: int, in_where: bool) -> str:
        return f"{value} {self.pick('=', '!=')} {self.pick('true', 'false')}"

    def instant_test(self, value: str, depth: int, in_where: bool) -> str:
        kind = self.pick("instant", "date")
        return self.one_of(
            lambda: f"{value} {self.value_time('instant')}",
            lambda: f"{value} {self.comparison()} {self.right(kind, depth, in_where)}",
        )

    def date_test(self, value: str, depth: int, in_where: bool) -> str:
        kind = self.pick("date", "date", "instant")
        return self.one_of(
            lambda: f"{value} {self.value_time('date')}",
            lambda: f"{value} {self.comparison()} {self.right(kind, depth, in_where)}",
            lambda: f"{value} {self.pick('in', 'not in')} ({self.day()}, {self.day()})",
        )

    def version_test(self, value: str, depth: int, in_where: bool) -> str:
        return self.one_of(
            lambda: f"{value} {self.comparison()} {self.literal('version')}",
            lambda: f'{value} between "1" and "1.2"',
            lambda: f"{value} {self.pick('in', 'not in')} ({self.literal('version')}, {self.literal('version')})",
        )

    def list_test(self, value: str, depth: int, in_where: bool) -> str:
        return f"{value} has {self.literal('text')}"

    def comparison(self) -> str:
        return self.pick("=", "!=", "<", "<=", ">", ">=")

    def literal(self, kind: str) -> str:
        if kind == "date":
            return self.one_of(self.day, lambda: self.pick("today", "yesterday"))
        if kind == "instant":
            return self.one_of(self.instant, lambda: "now")
        return self.pick(*LITERALS[kind])

    # --- values ------------------------------------------------------------------------------------------------

    def value(self, kind: str, depth: int, in_where: bool = False) -> str:
        """A value of a type; inside `where` it is the customer's."""
        options: list[Callable[[], str]] = [] if kind == "list" else [lambda: self.aggregate(kind, depth)]
        attributes = {"age": "number", "city": "text", "joined": "instant", "born": "date", "app": "version"}
        if self.has_table:
            named = [name for name, found in {**attributes, "vip": "boolean", "tags": "list"}.items() if found == kind]
            options += [lambda: f"customer.{named[0]}" if in_where else named[0]] * 2
        if not in_where:
            options += [lambda name=name: name for name, found in self.traits.items() if found == kind]  # type: ignore
        if depth > 0:
            options.append(lambda: self.case(kind, depth, in_where))
            options += [lambda: self.travelled(kind, depth)] * (not in_where)
            options += [lambda: self.arithmetic(depth, in_where)] * (2 * (kind == "number"))
            options += [lambda: self.place(depth)] * (kind == "number" and not in_where)
            options += [lambda: f"anniversary({self.value('date', depth - 1, in_where)})"] * (kind == "date")
        return self.one_of(*options)

    def case(self, kind: str, depth: int, in_where: bool) -> str:
        def condition() -> str:
            if in_where:
                return self.test(self.value("number", 0, True), "number", 0, True)
            return self.condition(depth - 1)

        branches = " ".join(
            f"when {condition()} then {self.value(kind, depth - 1, in_where)}" for _ in range(self.pick(1, 1, 2))
        )
        otherwise = f" else {self.literal(kind)}" if self.chance(2) and kind in ("number", "text", "date") else ""
        return f"(case {branches}{otherwise} end)"

    def arithmetic(self, depth: int, in_where: bool) -> str:
        left, right = (self.value("number", depth - 1, in_where) for _ in range(2))
        return f"(({left}) {self.pick('+', '-', '*', '/')} ({self.pick(right, self.literal('number'))}))"

    def place(self, depth: int) -> str:
        return f"{self.pick('percentile', 'quintile', 'rank')}({self.value('number', depth - 1)})"

    def travelled(self, kind: str, depth: int) -> str:
        return f"(({self.value(kind, depth - 1)}) as of {self.when()})"

    def when(self) -> str:
        return self.one_of(
            lambda: f"{self.duration()} ago",
            lambda: f"{self.duration()} ago",
            self.day,
            self.instant,
            lambda: self.pick("today", "yesterday"),
        )

    def aggregate(self, kind: str, depth: int) -> str:
        """An aggregate whose value is of a type."""
        name = self.pick(*NAMES)

        def call(function: str, prop: str = "") -> str:
            return f"{function}({self.phrase(depth - 1, times=False, prop=prop, name=name)})"

        def of_property() -> str:
            able = [event for event in NAMES if kind in group_properties(event).values()]
            event = self.pick(*able)
            prop = self.pick(*sorted(p for p, found in group_properties(event).items() if found == kind))
            functions = ["first", "last"] + ["most"] * (kind in ("text", "number", "version"))
            functions += ["avg", "min", "max", "sum"] * (kind == "number")
            return f"{self.pick(*functions)}({self.phrase(depth - 1, times=False, prop='.' + prop, name=event)})"

        if kind == "number":
            return self.one_of(
                of_property,
                of_property,
                lambda: call(self.pick("count", "active_days", "days_since", "gap")),
                lambda: call(self.pick("count", "active_days", "days_since", "gap")),
                lambda: call("distinct", ".product"),
                lambda: f"days_since({self.value(self.pick('instant', 'date'), depth - 1)})",
            )
        if kind == "instant":
            return self.one_of(of_property, lambda: call("last"), lambda: call("first"), lambda: call("last"))
        return of_property()

    # --- conditions --------------------------------------------------------------------------------------------

    def condition(self, depth: int) -> str:
        kinds = ["number", "number", "text", "boolean", "instant", "date", "version", *["list"] * self.has_table]
        options: list[Any] = [
            lambda: self.phrase(depth - 1),
            lambda: self.phrase(depth - 1),
            lambda: f"did {self.phrase(depth - 1)}",
            lambda: f"never {self.phrase(depth - 1, times=False)}",
            lambda: self.valued(self.pick(*kinds), depth - 1),
            lambda: self.valued(self.pick(*kinds), depth - 1),
            lambda: self.pick("staff", 'customer.id = "c2"', 'customer.id in ("c1", "stranger")'),
        ]
        options += [lambda: self.pick("vip", "not vip")] * self.has_table
        options += [lambda: self.pick(*self.segments)] * bool(self.segments)
        if depth > 0:
            options += [
                lambda: self.conjunction(depth),
                lambda: self.conjunction(depth),
                lambda: f"({self.condition(depth - 1)}) or ({self.condition(depth - 1)})",
                lambda: f"not ({self.condition(depth - 1)})",
                lambda: f"({self.condition(depth - 1)}) as of {self.when()}",
                lambda: f"top {self.pick('1', '2', '10%', '50%', '51%')} by ({self.value('number', depth - 1)})",
            ]
        return self.one_of(*options)

    def valued(self, kind: str, depth: int) -> str:
        value = self.value(kind, depth)
        if kind == "boolean" and self.chance(2):
            return value if value.isidentifier() else f"({value})"
        return self.test(value, kind, depth)

    def conjunction(self, depth: int) -> str:
        """A conjunction, often with bare negations: what the shorthand is about."""

        def member() -> str:
            bare = self.pick(*NAMES)
            return self.one_of(
                lambda: f"not {bare}",
                lambda: f"not {bare} {self.where(bare, 0)}",
                lambda: f"not ({bare} or {self.pick(*NAMES)})",
                lambda: self.phrase(depth - 1),
                lambda: self.phrase(depth - 1),
                lambda: f"({self.condition(depth - 1)})",
                lambda: f"({self.condition(depth - 1)})",
            )

        return " and ".join(member() for _ in range(self.pick(2, 2, 3)))


LITERALS: dict[str, list[str]] = {
    "number": ["0", "1", "2", "3", "10", "0.5", "50%", "2.5", "-1", "7", "30", "0.1", "0.3"],
    "text": ['""', '"a"', '"b"', '"가"'],
    "version": ['"1"', '"1.0"', '"1.2"', '"1.10.0"', '"2"'],
    "boolean": ["true", "false"],
}
