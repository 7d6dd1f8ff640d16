"""Functions: aggregates over events, days since, anniversaries and population values, as the table has them."""

from __future__ import annotations

from dangol.diagnostics import closest
from dangol.engine import ir
from dangol.engine.check import phrases, resolve, values
from dangol.engine.check.scope import Broken, Scope, quoted, text_of, unwrap
from dangol.engine.operators import FUNCTIONS, Function
from dangol.grammar import ast

POPULATION = ("percentile", "quintile", "rank")


def call(node: ast.Call, scope: Scope) -> ir.Value:
    """A function of its argument."""
    function = FUNCTIONS.get(node.function)
    if function is None:
        raise scope.error("E215", f"`{node.function}` is not a function", node, scope.suggest(node.function, FUNCTIONS))
    if function.takes == "value" or (function.takes == "events or value" and _is_value(node.argument, scope)):
        return _of_value(function, node, scope)
    return _of_events(function, node, scope.customer_level())


def _is_value(argument: ast.Expr, scope: Scope) -> bool:
    subject, _ = _subject(argument)
    if not isinstance(subject, ast.Name) or subject.text in (scope.properties or {}):
        return True
    return not scope.names.is_event(subject.parts[0])


def _subject(argument: ast.Expr) -> tuple[ast.Expr, ast.Phrase | None]:
    """The subject of the phrase in the brackets, and the phrase if there are clauses."""
    argument = unwrap(argument)
    if isinstance(argument, ast.Phrase):
        return unwrap(argument.subject), argument
    return argument, None


# --- of a value ---------------------------------------------------------------------------------------------------


def _of_value(function: Function, node: ast.Call, scope: Scope) -> ir.Value:
    if function.name in POPULATION:
        return ir.Population(function.name, values.ranked(node.argument, function.name, scope))  # type: ignore[arg-type]
    found = values.value(node.argument, scope)
    if found.type not in function.accepts:
        raise _not_accepted(function, found.type, node.argument, scope)
    if function.name == "anniversary":
        return ir.Anniversary(found, scope.zone)
    return ir.DaysSince(found, scope.zone)


def _not_accepted(function: Function, kind: ir.Type, node: ast.Node, scope: Scope) -> Broken:
    wanted = "single values" if len(function.accepts) > 3 else " or ".join(map(values.a, sorted(function.accepts)))
    message = f"`{function.name}` takes {wanted}: {quoted(node)} is {values.a(kind)}"
    hints = ("count such events with a `where … has …`",) if kind == "list" else ()
    if function.name in ("sum", "avg", "min", "max") and kind == "text":
        hints = ("declare it as a number in the catalog, if that is what it holds",)
    return scope.error("E215", message, node, hints)


# --- of events ----------------------------------------------------------------------------------------------------


def _of_events(function: Function, node: ast.Call, scope: Scope) -> ir.Value:
    subject, phrase = _subject(node.argument)
    if not isinstance(subject, ast.Name):
        raise _no_events(function, node.argument, scope)
    event = subject.parts[0]
    if not scope.names.is_event(event):
        raise _no_event(function, subject, scope)
    prop = _property(function, subject, scope)
    _no_times(function, phrase, scope)
    matching = phrases.about(event, phrase or ast.Phrase(subject, (), span=subject.span), scope)
    return _aggregate(function, matching.events, prop, scope)


def _aggregate(function: Function, events: ir.Events, prop: tuple[str, ir.Type] | None, scope: Scope) -> ir.Value:
    if function.name == "days_since":
        return ir.DaysSince(ir.Aggregate("last", events, None, "instant", scope.zone), scope.zone)
    name, own = prop if prop is not None else (None, "instant")
    kind = function.gives or own
    return ir.Aggregate(function.name, events, name, kind, scope.zone)  # type: ignore[arg-type]


def _property(function: Function, subject: ast.Name, scope: Scope) -> tuple[str, ir.Type] | None:
    event = subject.parts[0]
    properties = scope.names.catalog.properties(event)
    if len(subject.parts) == 1:
        if function.takes != "property":
            return None
        names = [p for p, kind in sorted(properties.items()) if kind in function.accepts]
        hints = tuple(f"write `{function.name}({event}.{name})`" for name in names[:3])
        raise scope.error("E215", f"`{function.name}` takes a property of an event", subject, hints)
    prop = ".".join(subject.parts[1:])
    if prop not in properties:
        raise resolve.unknown_property(subject, scope, event)
    kind = resolve.plain_type(properties[prop], subject, scope)
    if function.takes == "events or value":
        hints = (f"write `{function.name}(last({subject.text}))`",) if kind in function.accepts else ()
        raise scope.error("E215", f"`{subject.text}` has a value at every `{event}`: say which", subject, hints)
    if function.takes == "events":
        hints = (f"write `{function.name}({event})`", f"write `distinct({subject.text})` for different values")
        raise scope.error("E215", f"`{function.name}` takes events, not a property", subject, hints)
    if kind not in function.accepts:
        raise _not_accepted(function, kind, subject, scope)
    return prop, kind


def _no_times(function: Function, phrase: ast.Phrase | None, scope: Scope) -> None:
    for clause in phrase.clauses if phrase else ():
        if isinstance(clause, ast.Times):
            message = f"no `{text_of(clause)}` inside `{function.name}(…)`: it is about single events"
            raise scope.error("E212", message, clause)


def _no_event(function: Function, subject: ast.Name, scope: Scope) -> Broken:
    events = scope.names.catalog.events
    if len(subject.parts) == 1 and function.takes != "events":
        owners = [f"{event}.{subject.text}" for event, props in events.items() if subject.text in props]
        if owners and not scope.names.look_up(subject.text):
            hints = tuple(f"write `{function.name}({owner})`" for owner in owners[:3])
            return scope.error("E215", f"say whose `{subject.text}`", subject, hints)
    if len(subject.parts) > 1 and subject.parts[0] not in ("customer", "lib"):
        best = closest(subject.parts[0], [*events, *scope.names.catalog.groups])
        hints = (f"did you mean `{'.'.join((best, *subject.parts[1:]))}`?",) if best else ()
        return scope.error("E203", f"`{subject.parts[0]}` is not an event", subject, hints)
    thing = resolve.resolve(subject, scope)
    return scope.error("E215", f"`{function.name}` takes events: `{subject.text}` is {thing.noun}", subject)


def _no_events(function: Function, argument: ast.Expr, scope: Scope) -> Broken:
    hints: tuple[str, ...] = (f"as in `{function.example}`",)
    if isinstance(unwrap(argument), ast.Sum | ast.Product):
        hints = ("calculate outside of the brackets",)
    return scope.error("E215", f"`{function.name}` takes one event phrase", argument, hints)
