"""Who is meant by a line: `members(tree, world, at)`, one customer and one event at a time.

To be read beside language.md: §1 `members`, §3 `matching`, §4 `shorthand.spell_out`, §5 `value`.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from fractions import Fraction
from operator import add, mul, sub, truediv
from typing import Any

import re2

from dangol.grammar import ast
from tests.oracle import aggregate
from tests.oracle.clock import day_in, day_start, instant_in, local_day, moment, step
from tests.oracle.shorthand import event_of, spell_out, unbracketed
from tests.oracle.world import Event, Row, Value, Version, World


def members(tree: ast.Expr, world: World, at: dt.datetime) -> set[str]:
    """The ids of the customers for whom the line is true; `Ambiguous` where §4 makes it an error."""
    definitions = {
        "segments": {name: spell_out(body, world) for name, body in world.segments.items()},
        "traits": {name: spell_out(body, world) for name, body in world.traits.items()},
    }
    spelled = spell_out(tree, world)
    asked = Asked(World(**{**vars(world), **definitions}), at, at)
    return {customer for customer in asked.universe() if asked.holds(spelled, customer)}


@dataclass(frozen=True)
class Asked:
    """A world, asked at the instant `at`; events after `seen` do not exist (earlier than `at` in a later `as of`)."""

    world: World
    at: dt.datetime
    seen: dt.datetime

    def universe(self) -> list[str]:
        """§1.3: the customers table, or without one whoever has an event by now."""
        if self.world.customers is not None:
            return sorted(self.world.customers)
        return sorted({event.customer for event in self.world.events if event.time <= self.seen})

    # --- conditions -------------------------------------------------------------------------------------------

    def holds(self, node: ast.Expr, customer: str, reach: Row | None = None) -> bool:
        """Whether a condition is true for a customer; inside `where`, the event's properties are in reach."""
        node = unbracketed(node)
        match node:
            case ast.And(items):
                return all(self.holds(item, customer, reach) for item in items)
            case ast.Or(items):
                return any(self.holds(item, customer, reach) for item in items)
            case ast.Not(item):
                return not self.holds(item, customer, reach)
            case ast.Did(phrase):
                return self.holds(phrase, customer)
            case ast.Never(phrase):
                return not self.matching(unbracketed(phrase), customer)
            case ast.Phrase(_, clauses) if reach is None and event_of(node, self.world) is not None:
                return times_hold(clauses, len(self.matching(node, customer)))
            case ast.Phrase(subject, (clause,)):
                return self.value_in(self.value(subject, customer, reach), clause)
            case ast.Compare(op, left, right):
                return compare(op, self.value(left, customer, reach), self.value(right, customer, reach), self)
            case ast.In(tested, options, negated):
                found = self.value(tested, customer, reach)
                return negated != any(compare("=", found, self.value(o, customer, reach), self) for o in options)
            case ast.Between(tested, low, high):
                found = self.value(tested, customer, reach)
                return compare(">=", found, self.value(low, customer, reach), self) and compare(
                    "<=", found, self.value(high, customer, reach), self
                )
            case ast.TextTest(kind, tested, argument):
                return self.text_test(kind, self.value(tested, customer, reach), argument, customer, reach)
            case ast.IsSet(tested, missing):
                return (self.value(tested, customer, reach) is None) == missing
            case ast.Top(amount, by):
                return customer in self.top(amount, by)
            case ast.AsOf(operand, when):
                inner = self.moved_to(when)
                return customer in inner.universe() and inner.holds(operand, customer)
            case ast.Name() if reach is None or node.text not in reach:
                return self.name_holds(node, customer)
            case _:
                return self.value(node, customer, reach) is True

    def name_holds(self, node: ast.Name, customer: str) -> bool:
        """An event, a segment, a list, or a boolean value."""
        if event_of(node, self.world) is not None:
            return bool(self.matching(node, customer))
        if node.text in self.world.segments:
            return self.holds(self.world.segments[node.text], customer)
        if node.text in self.world.lists:
            return customer in self.world.lists[node.text]
        return self.value(node, customer) is True

    def value_in(self, found: Value, clause: Any) -> bool:
        """A time clause on an instant or a date; of a missing one it is false."""
        if isinstance(found, dt.datetime):
            return instant_in(found, clause, self.at, self.world.zone)
        return isinstance(found, dt.date) and day_in(found, clause, self.at, self.world.zone)

    def text_test(self, kind: str, found: Value, argument: ast.Expr, customer: str, reach: Row | None) -> bool:
        if found is None:
            return False
        if kind == "matches":
            return re2.search(argument.pattern, found) is not None  # type: ignore[union-attr]
        wanted = self.value(argument, customer, reach)
        if wanted is None:
            return False
        tests = {
            "contains": lambda: wanted in found,
            "starts with": lambda: found.startswith(wanted),
            "ends with": lambda: found.endswith(wanted),
            "has": lambda: wanted in found,
        }
        return tests[kind]()

    # --- event phrases ----------------------------------------------------------------------------------------

    def matching(self, node: ast.Expr, customer: str) -> list[Event]:
        """§3: the events of a customer that a phrase keeps, in time order; every clause filters the same events."""
        node = unbracketed(node)
        subject, clauses = (node.subject, node.clauses) if isinstance(node, ast.Phrase) else (node, ())
        name = unbracketed(subject).parts[0]
        found = [
            event
            for event in self.world.events
            if event.customer == customer and event.name in self.world.event_names(name) and event.time <= self.seen
        ]
        kept = [event for event in found if all(self.keeps(clause, event, name, customer) for clause in clauses)]
        return sorted(kept, key=lambda event: event.time)

    def keeps(self, clause: ast.Clause, event: Event, name: str, customer: str) -> bool:
        match clause:
            case ast.Times():
                return True
            case ast.Where(condition):
                return self.holds(condition, customer, self.world.in_reach(name, event))
            case ast.Sequence(kind, other, gap, same):
                others = [b for b in self.matching(other, customer) if agree(event, b, same)]
                if kind == "within of":
                    return any(self.follows(b, event, gap) for b in others)
                followed = any(self.follows(event, b, gap) for b in others)
                return followed == (kind == "followed by")
            case _:
                return instant_in(event.time, clause, self.at, self.world.zone)

    def follows(self, early: Event, late: Event, gap: ast.Duration | None) -> bool:
        """Whether `late` comes later, and no more than the gap later; at the same instant names must differ."""
        later = late.time > early.time or (late.time == early.time and late.name != early.name)
        return later and (gap is None or late.time <= step(early.time, gap, +1, self.world.zone))

    # --- values -----------------------------------------------------------------------------------------------

    def value(self, node: ast.Expr, customer: str, reach: Row | None = None) -> Value:
        """A value for a customer, None when it is missing."""
        node = unbracketed(node)
        match node:
            case ast.Number(number):
                return number
            case ast.Text(text):
                return text
            case ast.Boolean(boolean):
                return boolean
            case ast.Date() | ast.Instant() | ast.Moment():
                return moment(node, self.at, self.world.zone)
            case ast.Name():
                return self.named(node, customer, reach)
            case ast.Call():
                return self.call(node, customer)
            case ast.Sum(first, rest) | ast.Product(first, rest):
                total = self.value(first, customer, reach)
                for op, operand in rest:
                    total = arithmetic(op, total, self.value(operand, customer, reach))
                return total
            case ast.Negative(operand):
                return arithmetic("-", Fraction(0), self.value(operand, customer, reach))
            case ast.Case(branches, otherwise):
                for condition, then in branches:
                    if self.holds(condition, customer, reach):
                        return self.value(then, customer, reach)
                return None if otherwise is None else self.value(otherwise, customer, reach)
            case ast.AsOf(operand, when):
                inner = self.moved_to(when)
                return inner.value(operand, customer) if customer in inner.universe() else None
            case _:
                return self.holds(node, customer, reach)

    def named(self, node: ast.Name, customer: str, reach: Row | None) -> Value:
        """A property of the event in reach, else a trait or an attribute."""
        if reach is not None and node.text in reach:
            return reach[node.text]
        if node.text in self.world.traits:
            return self.value(self.world.traits[node.text], customer)
        if node.text == "customer.id":
            return customer
        return (self.world.customers or {}).get(customer, {}).get(node.parts[-1])

    def call(self, node: ast.Call, customer: str) -> Value:
        """§5: aggregates of a customer's events, dates, and places in the population."""
        if node.function in ("percentile", "quintile", "rank"):
            return self.place(node.function, node.argument, customer)
        if node.function == "anniversary":
            return next_anniversary(self.value(node.argument, customer), local_day(self.at, self.world.zone))
        argument = unbracketed(node.argument)
        subject = unbracketed(argument.subject) if isinstance(argument, ast.Phrase) else argument
        if isinstance(subject, ast.Name) and self.world.is_event(subject.parts[0]):
            events = self.matching(argument, customer)
            if len(subject.parts) == 2:
                return aggregate.of_property(node.function, events, subject.parts[1])
            return aggregate.of_events(node.function, events, self.at, self.world.zone)
        assert node.function == "days_since", node.function
        since = self.value(argument, customer)
        if since is not None and not isinstance(since, dt.datetime):
            since = day_start(since, self.world.zone)
        return aggregate.days_since(since, self.at)

    # --- population and time travel ---------------------------------------------------------------------------

    def population(self, by: ast.Expr) -> dict[str, Any]:
        """All members with a value, always of the whole universe."""
        values = {customer: self.value(by, customer) for customer in self.universe()}
        return {customer: value for customer, value in values.items() if value is not None}

    def place(self, function: str, by: ast.Expr, customer: str) -> Value:
        values = self.population(by)
        if customer not in values:
            return None
        n = len(values)
        lower = sum(value < values[customer] for value in values.values())
        higher = sum(value > values[customer] for value in values.values())
        places = {
            "percentile": Fraction(lower, n),
            "quintile": Fraction(1 + 5 * lower // n),
            "rank": Fraction(1 + higher),
        }
        return places[function]

    def top(self, amount: ast.Number, by: ast.Expr) -> list[str]:
        """The first ⌈share · n⌉ or the first so many, highest first, ties by id in code-point order."""
        values = self.population(by)
        order = sorted(values)
        order.sort(key=lambda customer: values[customer], reverse=True)
        count = math.ceil(amount.value * len(order)) if amount.percent else int(amount.value)
        return order[:count]

    def moved_to(self, when: ast.Duration | ast.Bound) -> Asked:
        """§5: everything inside an `as of` is asked at another instant, which sees no more than this one does."""
        zone = self.world.zone
        then = step(self.at, when, -1, zone) if isinstance(when, ast.Duration) else moment(when, self.at, zone)
        if not isinstance(then, dt.datetime):
            then = day_start(then, zone)
        return Asked(self.world, then, min(then, self.seen))


def times_hold(clauses: tuple[ast.Clause, ...], count: int) -> bool:
    """At least one, unless a times clause says otherwise."""
    for clause in clauses:
        if isinstance(clause, ast.Times):
            return clause.low <= count and (clause.high is None or count <= clause.high)
    return count >= 1


def agree(a: Event, b: Event, same: tuple[ast.Name, ...]) -> bool:
    """`with same …`: a missing value agrees with nothing."""
    pairs = [(a.properties.get(name.text), b.properties.get(name.text)) for name in same]
    return all(left is not None and left == right for left, right in pairs)


def compare(op: str, left: Value, right: Value, asked: Asked) -> bool:
    """A comparison with a missing value is false, and `!=` is exactly not `=`."""
    if op == "!=":
        return not compare("=", left, right, asked)
    if left is None or right is None:
        return False
    a, b = comparable(left, right, asked)
    if op == "=":
        return bool(a == b)
    return {"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}[op]


def comparable(left: Any, right: Any, asked: Asked) -> tuple[Any, Any]:
    """A version compares with a text of dotted numbers, an instant with a date by its local day."""
    if isinstance(left, Version) and isinstance(right, str):
        return left, Version(right)
    if isinstance(right, Version) and isinstance(left, str):
        return Version(left), right
    if isinstance(left, dt.datetime) != isinstance(right, dt.datetime):
        zone = asked.world.zone
        return tuple(local_day(x, zone) if isinstance(x, dt.datetime) else x for x in (left, right))  # type: ignore
    return left, right


def arithmetic(op: str, left: Any, right: Any) -> Value:
    """Missing when an operand is missing; division by zero is missing."""
    if left is None or right is None or (op == "/" and right == 0):
        return None
    return {"+": add, "-": sub, "*": mul, "/": truediv}[op](left, right)


def next_anniversary(day: Any, today: dt.date) -> Value:
    """Today included; 29 February falls on the 28th in other years."""
    if day is None:
        return None
    this_year = in_year(day, today.year)
    return this_year if this_year >= today else in_year(day, today.year + 1)


def in_year(day: dt.date, year: int) -> dt.date:
    try:
        return day.replace(year=year)
    except ValueError:
        return dt.date(year, 2, 28)
