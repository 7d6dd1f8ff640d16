"""A whole project at once: definitions in the order of their use, then scenarios, then every finding in file order."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeVar

from dangol.diagnostics import Diagnostic, Line, diagnose, in_file_order
from dangol.engine import ir
from dangol.engine.catalog import Catalog, normal
from dangol.engine.check import conditions, graph, scenarios, shorthand, values
from dangol.engine.check.model import Checked, Definition, ScenarioText
from dangol.engine.check.resolve import unsound
from dangol.engine.check.scope import Broken, Known, Names, Scope
from dangol.grammar import ast

FRAMES = 20_000
GUESSES = 100


def check(
    catalog: Catalog,
    definitions: Sequence[Definition] = (),
    scenario_texts: Sequence[ScenarioText] = (),
    broken: frozenset[str] = frozenset(),
) -> Checked:
    """Everything that the lines of a project mean.

    `broken` are names of definitions whose line did not parse: using one is not reported again.
    """
    report: list[Diagnostic] = []
    names = Names.of(catalog, broken)
    first = _declare(definitions, names, report)
    with _room_for_brackets():
        _read_all(definitions, first, names, report)
        found = [scenarios.read(text, names, report) for text in _once_each(scenario_texts, report)]
    return _checked(names, tuple(s for s in found if s is not None), report)


def extend(checked: Checked, definitions: Sequence[Definition], broken: frozenset[str] = frozenset()) -> Checked:
    """A project with more definitions than its own, for an ad-hoc line that names them; of its own nothing changes."""
    if not definitions and broken <= checked.names.broken:
        return checked
    old = checked.names
    names = replace(old, defined={**old.defined}, known={**old.known}, broken=old.broken | broken)
    report = list(checked.diagnostics)
    first = _declare(definitions, names, report)
    with _room_for_brackets():
        _read_all(definitions, first, names, report)
    return _checked(names, checked.program.scenarios, report)


def _checked(names: Names, scenarios: tuple[ir.Scenario, ...], report: list[Diagnostic]) -> Checked:
    segments = {n: k.body for n, k in names.known.items() if k.kind == "segment"}
    traits = {n: k.body for n, k in names.known.items() if k.kind == "trait"}
    types = {name: known.type for name, known in names.known.items()}
    program = ir.Program(segments, traits, scenarios)  # type: ignore[arg-type]
    return Checked(program, tuple(in_file_order(report)), types, names)


def check_expression(
    tree: ast.Expr, line: Line, zone: str, checked: Checked
) -> tuple[ir.Condition | ir.Value | None, list[Diagnostic]]:
    """An ad-hoc line in the vocabulary of a project (`check(catalog)` is one without definitions).

    A condition where it can be read as one (an event, a segment, a boolean value), else a value; None when there are
    errors.
    """
    return _ask(tree, line, zone, checked, _expression)


def check_condition(
    tree: ast.Expr, line: Line, zone: str, checked: Checked
) -> tuple[ir.Condition | None, list[Diagnostic]]:
    """As `check_expression`, where only a condition will do: a number, text, instant or date is E207."""
    return _ask(tree, line, zone, checked, conditions.condition)


Found = TypeVar("Found")


def _ask(
    tree: ast.Expr, line: Line, zone: str, checked: Checked, read: Callable[[ast.Expr, Scope], Found]
) -> tuple[Found | None, list[Diagnostic]]:
    report: list[Diagnostic] = []
    found: Found | None = None
    checked.names.guesses = GUESSES
    try:
        with _room_for_brackets():
            found = read(tree, Scope(line, zone, checked.names, report))
    except Broken:
        if not any(d.is_error for d in report):
            _report_broken(tree, line, checked, report)
    return found, in_file_order(report)


def _report_broken(tree: ast.Expr, line: Line, checked: Checked, report: list[Diagnostic]) -> None:
    """E223: nothing was said because a definition that is used was not read; here nobody else says it."""
    names = checked.names
    pending = [tree]
    while pending:
        node = pending.pop()
        pending.extend(shorthand.children(node))
        if isinstance(node, ast.Name) and node.text in {*names.defined, *names.broken} - names.known.keys():
            hints = ("run `dangol check` to see them",)
            report.append(diagnose("E223", f"`{node.text}` has errors of its own", line, node.span, hints=hints))
            return


def _expression(tree: ast.Expr, scope: Scope) -> ir.Condition | ir.Value:
    if conditions.is_condition(tree, scope):
        return conditions.condition(tree, scope)
    found = values.value(tree, scope)
    if found.type != "boolean":
        return found
    return found.condition if isinstance(found, ir.Flag) else ir.Truth(found)


@contextmanager
def _room_for_brackets() -> Iterator[None]:
    """Fifty nested brackets take more frames than Python allows by default."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, FRAMES))
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


# --- names --------------------------------------------------------------------------------------------------------


def _declare(definitions: Sequence[Definition], names: Names, report: list[Diagnostic]) -> dict[str, Definition]:
    """The first definition of each name; E201 and E202 for the others."""
    first: dict[str, Definition] = {}
    for definition in definitions:
        name = normal(definition.name)
        if not _is_sound(definition, name, report):
            continue
        if name in first:
            _report_double(definition, name, first[name], report)
            continue
        taken = [thing for thing in names.look_up(name) if name != "id"]
        if taken:
            message = f"`{name}` is already the name of {taken[0].noun}: one name is one thing"
            report.append(diagnose("E201", message, definition.name_line or definition.line))
            continue
        first[name] = definition
        names.defined[name] = definition.kind
    return first


def _is_sound(definition: Definition, name: str, report: list[Diagnostic]) -> bool:
    problem = unsound(name.removeprefix("lib."))
    if problem is None:
        return True
    message, hints = problem
    report.append(diagnose("E202", message, definition.name_line or definition.line, hints=hints))
    return False


def _report_double(definition: Definition, name: str, first: Definition, report: list[Diagnostic]) -> None:
    place, other = definition.name_line or definition.line, first.name_line or first.line
    where = diagnose("E201", "", other)
    message = (
        f"`{name}` is declared twice: {where.file}:{where.line} has {'the' if first.kind == definition.kind else 'a'} "
        f"{first.kind} of that name"
    )
    report.append(diagnose("E201", message, place))


# --- definitions --------------------------------------------------------------------------------------------------


def _read_all(
    definitions: Sequence[Definition], first: dict[str, Definition], names: Names, report: list[Diagnostic]
) -> None:
    uses = {name: graph.references(d.tree, names) for name, d in first.items()}
    order, rings = graph.in_order(uses)
    for ring in rings:
        _report_ring(ring, first, uses, report)
    for name in order:
        known = _read(first[name], names, report)
        if known is not None:
            names.known[name] = known
    kept = {id(d) for d in first.values()}
    for definition in definitions:
        if id(definition) not in kept:
            _read(definition, names, report)


def _report_ring(
    ring: list[str], first: dict[str, Definition], uses: dict[str, dict[str, ast.Name]], report: list[Diagnostic]
) -> None:
    """E204 at the definition that comes first in the project."""
    position = {name: i for i, name in enumerate(first)}
    start = min(range(len(ring)), key=lambda i: position[ring[i]])
    path = [*ring[start:], *ring[:start]]
    shown = path if len(path) <= 10 else [*path[:5], "…", *path[-4:]]
    following = path[1] if len(path) > 1 else path[0]
    message = f"`{path[0]}` is defined by itself: {' → '.join([*shown, path[0]])}"
    report.append(diagnose("E204", message, first[path[0]].line, uses[path[0]][following].span))


def _read(definition: Definition, names: Names, report: list[Diagnostic]) -> Known | None:
    scope = Scope(definition.line, definition.zone, names, report)
    try:
        body: ir.Condition | ir.Value
        if definition.kind == "segment":
            body, kind = conditions.condition(definition.tree, scope), "boolean"
        else:
            body = values.value(definition.tree, scope)
            kind = body.type
    except Broken:
        return None
    found = dict.fromkeys(shorthand.mentions(definition.tree, scope))
    attribute = scope.attributes[0] if scope.attributes else None
    mentions = tuple(found)[: shorthand.MOST_MENTIONS]
    return Known(definition.kind, body, kind, mentions, attribute, frozenset(scope.instants))  # type: ignore[arg-type]


def _once_each(texts: Sequence[ScenarioText], report: list[Diagnostic]) -> Iterator[ScenarioText]:
    """E201 for a second scenario of a name within a playbook; both are read."""
    first: dict[tuple[str, str], ScenarioText] = {}
    for text in texts:
        key = (text.playbook, normal(text.name))
        if key in first:
            place, other = text.name_line or text.rule.line, first[key].name_line or first[key].rule.line
            where = diagnose("E201", "", other)
            message = f"scenario `{text.name}` is declared twice: {where.file}:{where.line} has one of that name"
            report.append(diagnose("E201", message, place))
        first.setdefault(key, text)
        yield text
