"""Values: what has a type and may be missing."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Literal

from dangol.engine import ir
from dangol.engine.check import conditions, functions, instants, resolve, travel
from dangol.engine.check.scope import Broken, Gathering, Scope, text_of, unwrap
from dangol.engine.operators import RANKED
from dangol.grammar import ast

NOUNS: dict[str, str] = {
    "number": "a number", "text": "a text", "boolean": "true or false", "instant": "an instant", "date": "a date",
    "version": "a version", "list": "a list of texts",
}  # fmt: skip


def a(kind: str) -> str:
    """The type with its article."""
    return NOUNS[kind]


def percent(share: Fraction) -> str:
    return f"{float(share * 100):g}%"


def value(node: ast.Expr, scope: Scope) -> ir.Value:
    """The value that a node is; a condition is a value of type boolean. Broken when it is none."""
    node = unwrap(node)
    match node:
        case ast.Number() | ast.Text() | ast.Boolean() | ast.Date() | ast.Instant():
            return constant(node, scope)
        case ast.Moment():
            return _moment(node, scope)
        case ast.Name():
            return _name(node, scope)
        case ast.Call():
            return functions.call(node, scope)
        case ast.Sum(first=first, rest=rest) | ast.Product(first=first, rest=rest):
            return _arithmetic(first, rest, scope)
        case ast.Negative():
            return _negative(node, scope)
        case ast.Case():
            return _case(node, scope)
        case ast.AsOf() if not conditions.is_condition(node, scope):
            return _as_of(node, scope)
        case ast.Duration():
            raise _duration(node, scope)
        case ast.Regex():
            raise scope.error("E208", "a pattern stands after `matches` only", node)
    return ir.Flag(conditions.condition(node, scope))


def constant(node: ast.Number | ast.Text | ast.Boolean | ast.Date | ast.Instant, scope: Scope) -> ir.Constant:
    match node:
        case ast.Number():
            return ir.Constant("number", float(node.value))
        case ast.Text():
            return ir.Constant("text", node.value)
        case ast.Boolean():
            return ir.Constant("boolean", node.value)
        case ast.Date():
            return ir.Constant("date", instants.days(node.value))
        case ast.Instant():
            return ir.Constant("instant", instants.micros(node.value, scope.zone))


def _moment(node: ast.Moment, scope: Scope) -> ir.Now:
    return ir.Now("date" if instants.is_day(node) else "instant", instants.point(node, scope))


def _duration(node: ast.Duration, scope: Scope) -> Broken:
    message = f"`{text_of(node)}` is a duration: durations stand in time clauses only"
    hints = (f"after an event, `within {text_of(node)}`; or compare `days_since(…)` with a number",)
    return scope.error("E214", message, node, hints)


def _name(name: ast.Name, scope: Scope) -> ir.Value:
    thing = resolve.resolve(name, scope)
    if thing.kind in ("event", "event group"):
        hints = (
            f"write `count({name.text})` for how many, `last({name.text})` for when, `did {name.text}` for whether",
        )
        raise scope.error("E208", f"`{name.text}` is an {thing.kind}, not a value", name, hints)
    if thing.kind in ("segment", "list"):
        return ir.Flag(conditions.condition(name, scope))
    return resolve.value_of(thing, name, scope)


def number(node: ast.Expr, scope: Scope) -> ir.Value:
    """An operand of arithmetic."""
    found = value(node, scope)
    if found.type == "number":
        return found
    hints: tuple[str, ...] = ()
    if found.type in ("instant", "date") and not isinstance(found, ir.Now):
        hints = (f"write `days_since({text_of(unwrap(node))})` for its age in days",)
    elif isinstance(node, ast.Text):
        hints = ("a number stands without quotes",)
    raise scope.error("E209", f"`{text_of(node)}` is {a(found.type)}: only numbers are calculated with", node, hints)


def _arithmetic(
    first: ast.Expr, rest: Sequence[tuple[Literal["+", "-", "*", "/"], ast.Expr]], scope: Scope
) -> ir.Value:
    parts = Gathering()
    found: list[ir.Value] = []
    for operand in (first, *(operand for _, operand in rest)):
        with parts.next():
            found.append(number(operand, scope))
    parts.done()
    return ir.Arithmetic(found[0], tuple((op, operand) for (op, _), operand in zip(rest, found[1:], strict=True)))


def _negative(node: ast.Negative, scope: Scope) -> ir.Value:
    return ir.Arithmetic(ir.Constant("number", -1.0), (("*", number(node.value, scope)),))


def _case(node: ast.Case, scope: Scope) -> ir.Value:
    parts = Gathering()
    branches: list[tuple[ir.Condition, ir.Value]] = []
    otherwise: ir.Value | None = None
    for when, then in node.branches:
        with parts.next():
            both = Gathering()
            with both.next():
                holds = conditions.condition(when, scope)
            with both.next():
                result = value(then, scope)
            both.done()
            branches.append((holds, result))
    if node.otherwise is not None:
        with parts.next():
            otherwise = value(node.otherwise, scope)
    parts.done()
    return _one_type(node, branches, otherwise, scope)


def _one_type(
    node: ast.Case, branches: list[tuple[ir.Condition, ir.Value]], otherwise: ir.Value | None, scope: Scope
) -> ir.Case:
    kind = branches[0][1].type
    written = [*(then for _, then in node.branches), *([node.otherwise] if node.otherwise is not None else [])]
    results = [*(result for _, result in branches), *([otherwise] if otherwise is not None else [])]
    for text, result in zip(written, results, strict=True):
        if result.type != kind:
            message = f"the branches of a `case` are of one type: the first is {a(kind)}, this is {a(result.type)}"
            raise scope.error("E209", message, text)
    return ir.Case(tuple(branches), otherwise, kind)


def _as_of(node: ast.AsOf, scope: Scope) -> ir.Value:
    if scope.properties is not None:
        message = "`as of` does not stand inside a `where`"
        raise scope.error("E216", message, node, ("name the value as a trait, and use the trait",))
    point, inner = travel.inside(node, scope)
    found = value(node.operand, inner)
    travel.leave(node, inner, scope)
    return ir.ValueAsOf(found, point, found.type)


def ranked(node: ast.Expr, function: str, scope: Scope) -> ir.Value:
    """What a population function ranks: a customer-level number, instant or date."""
    found = value(node, scope.customer_level())
    if found.type not in RANKED:
        message = f"`{function}` ranks numbers, instants and dates: this is {a(found.type)}"
        raise scope.error("E215", message, node)
    return found
