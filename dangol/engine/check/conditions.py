"""Conditions: what is true or false for every customer."""

from __future__ import annotations

from dangol.engine import ir
from dangol.engine.check import comparisons, contradictions, phrases, resolve, shorthand, travel, values
from dangol.engine.check.scope import Gathering, Scope, Thing, quoted, text_of, unwrap
from dangol.engine.check.windows import Subject, window
from dangol.grammar import ast

CONDITIONS = (
    ast.Phrase, ast.Did, ast.Never, ast.And, ast.Or, ast.Not, ast.Compare, ast.In, ast.Between, ast.TextTest,
    ast.IsSet, ast.Top, ast.Boolean,
)  # fmt: skip
COMPARISONS = (ast.Compare, ast.In, ast.Between, ast.TextTest, ast.IsSet)


def is_condition(node: ast.Expr, scope: Scope) -> bool:
    """Whether the node is a condition by its form; a value of type boolean is not."""
    node = unwrap(node)
    while isinstance(node, ast.AsOf):
        node = unwrap(node.operand)
    if isinstance(node, ast.Name):
        if scope.properties is not None and node.text in scope.properties:
            return False
        return any(t.kind in ("event", "event group", "segment", "list") for t in scope.names.look_up(node.text))
    return isinstance(node, CONDITIONS)


def condition(node: ast.Expr, scope: Scope) -> ir.Condition:
    """The condition that a node is; Broken when it is none."""
    node = unwrap(node)
    match node:
        case ast.Name():
            return _name(node, scope)
        case ast.Phrase():
            return _phrase(node, scope)
        case ast.Did() | ast.Never():
            return _emphatic(node, scope)
        case ast.And():
            return _and(node, scope)
        case ast.Or(items=items):
            return ir.Or(all_of(items, scope))
        case ast.Not(item=item):
            return ir.Not(condition(item, scope))
        case ast.Top():
            return _top(node, scope)
        case ast.AsOf():
            return _as_of(node, scope)
        case ast.Boolean(value=value):
            return ir.Always(value)
    if isinstance(node, COMPARISONS):
        return comparisons.comparison(node, scope)
    return _truth(node, scope)


def all_of(items: tuple[ast.Expr, ...], scope: Scope) -> tuple[ir.Condition, ...]:
    parts = Gathering()
    found = []
    for item in items:
        with parts.next():
            found.append(condition(item, scope))
    parts.done()
    return tuple(found)


def _name(name: ast.Name, scope: Scope) -> ir.Condition:
    thing = resolve.resolve(name, scope)
    if thing.kind in ("event", "event group"):
        _no_customer_condition(name, thing, scope)
        return phrases.matching(name, scope).condition
    if thing.kind in ("segment", "list"):
        _no_customer_condition(name, thing, scope)
        if thing.kind == "list":
            return ir.InList(thing.name)
        travel.use(thing.name, name, scope)
        return ir.SegmentRef(thing.name)
    return _truth(name, scope)


def _no_customer_condition(node: ast.Node, thing: Thing | None, scope: Scope) -> None:
    if scope.properties is None:
        return
    what = f"`{thing.name}` is {thing.noun}" if thing else f"{quoted(node)}"
    message = f"{what}: a `where` speaks of the event's own properties, attributes and values only"
    raise scope.error("E216", message, node, ("put it beside the phrase, with `and`",))


def _truth(node: ast.Expr, scope: Scope) -> ir.Condition:
    found = values.value(node, scope)
    if found.type == "boolean":
        return found.condition if isinstance(found, ir.Flag) else ir.Truth(found)
    message = f"{quoted(node)} is {values.a(found.type)}, not a condition"
    hints = (f"compare it, as in `{text_of(node)} >= 1`",) if found.type == "number" else ()
    if found.type in ("instant", "date"):
        hints = (f"say when, as in `{text_of(node)} within 7d`",)
    raise scope.error("E207", message, node, hints)


def _phrase(node: ast.Phrase, scope: Scope) -> ir.Condition:
    if phrases.event_of(node, scope) is not None:
        _no_customer_condition(node, None, scope)
        return phrases.matching(node, scope).condition
    return _value_phrase(node, scope)


def _value_phrase(node: ast.Phrase, scope: Scope) -> ir.Condition:
    subject = unwrap(node.subject)
    if is_condition(subject, scope):
        raise _timed_condition(node, subject, scope)
    found = values.value(subject, scope)
    kind = found.type
    for clause in node.clauses:
        if not isinstance(clause, ast.TimeClause):
            message = f"{quoted(clause)} is for events: {quoted(subject)} is {values.a(kind)}"
            raise scope.error("E212", message, clause)
    if kind not in ("instant", "date"):
        message = f"{quoted(subject)} is {values.a(kind)}: only events, instants and dates have a time"
        raise scope.error("E209", message, node)
    which: Subject = "instant" if kind == "instant" else "date"
    return ir.InWindow(found, window(node.clauses[0], which, scope))  # type: ignore[arg-type]


def _timed_condition(node: ast.Phrase, subject: ast.Expr, scope: Scope) -> Exception:
    if isinstance(subject, ast.Name):
        thing = resolve.resolve(subject, scope)
        message = f"`{subject.text}` is {thing.noun}: who is in it is asked at one instant, it takes no clauses"
        return scope.error("E212", message, node, (f"write `{subject.text} as of 7d ago` for another instant",))
    message = "clauses belong to one event: put them inside the brackets"
    return scope.error("E212", message, node)


def _emphatic(node: ast.Did | ast.Never, scope: Scope) -> ir.Condition:
    word = "did" if isinstance(node, ast.Did) else "never"
    if scope.properties is not None:
        _no_customer_condition(node, None, scope)
    if phrases.event_of(node.phrase, scope) is None:
        raise _not_an_event(word, node.phrase, scope)
    found = phrases.matching(node.phrase, scope.whole_history())
    if word == "did":
        return found.condition
    inner = unwrap(node.phrase)
    counted = [c for c in inner.clauses if isinstance(c, ast.Times)] if isinstance(inner, ast.Phrase) else []
    if counted:
        message = f"`never` takes no `{text_of(counted[0])}`: it says that there is no such event"
        raise scope.error("E222", message, counted[0])
    return ir.Not(found.condition)


def _not_an_event(word: str, phrase: ast.Expr, scope: Scope) -> Exception:
    subject = unwrap(phrase)
    while isinstance(subject, ast.Phrase):
        subject = unwrap(subject.subject)
    if isinstance(subject, ast.Name):
        thing = resolve.resolve(subject, scope)
        hints = (f"write `not {subject.text}`",) if word == "never" and subject is unwrap(phrase) else ()
        message = f"`{word}` takes an event: `{subject.text}` is {thing.noun}"
        return scope.error("E208", message, subject, hints)
    return scope.error("E208", f"`{word}` takes an event with its clauses", phrase)


def _and(node: ast.And, scope: Scope) -> ir.Condition:
    members = shorthand.members(node)
    parts = Gathering()
    if not scope.from_entry and scope.properties is None:
        spelled = shorthand.spell_out(members, scope)
        parts.failed = spelled.failed
        members = spelled.members
    found: list[ir.Condition] = []
    for member in members:
        with parts.next():
            found.append(condition(member, scope))
    parts.done()
    contradictions.warn(found, node, scope)
    return ir.And(tuple(found)) if len(found) > 1 else found[0]


def _top(node: ast.Top, scope: Scope) -> ir.Condition:
    if scope.properties is not None:
        _no_customer_condition(node, None, scope)
    by = values.ranked(node.by, "top", scope)
    amount = node.amount.value
    if node.amount.percent:
        if not 0 < amount <= 1:
            raise scope.error("E219", "a share lies above 0% and up to 100%", node.amount)
        return ir.Top(by, None, amount)
    if amount.denominator != 1 or amount < 1:
        hints = (f"write `top {values.percent(amount)} by …` for a share",) if 0 < amount < 1 else ()
        raise scope.error("E219", "`top` takes a whole number of customers, or a share in %", node.amount, hints)
    return ir.Top(by, int(amount), None)


def _as_of(node: ast.AsOf, scope: Scope) -> ir.Condition:
    if not is_condition(node.operand, scope):
        return _truth(node, scope)
    if scope.properties is not None:
        _no_customer_condition(node, None, scope)
    point, inner = travel.inside(node, scope)
    found = condition(node.operand, inner)
    travel.leave(node, inner, scope)
    return ir.ConditionAsOf(found, point)
