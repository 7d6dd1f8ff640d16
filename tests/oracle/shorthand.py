"""language.md §4: what a bare `not B` reads as, written out as a tree without any shorthand left."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

from dangol.grammar import ast
from tests.oracle.world import World

EVENT_AGGREGATES = frozenset(
    ["count", "sum", "avg", "min", "max", "distinct", "active_days", "first", "last", "most", "days_since", "gap"]
)


class Ambiguous(Exception):
    """A bare negation with more than one reading: the line is an error."""


def spell_out(node: Any, world: World) -> Any:
    """The same tree with every bare `not B` of a conjunction replaced by its reading."""
    if isinstance(node, ast.And):
        return conjunction(node, world)
    if isinstance(node, ast.Node):
        parts = {f.name: spell_out(getattr(node, f.name), world) for f in fields(node) if f.name != "span"}
        return replace(node, **parts)
    if isinstance(node, tuple):
        return tuple(spell_out(item, world) for item in node)
    return node


def conjunction(node: ast.And, world: World) -> ast.Expr:
    """A conjunction, its bare negations read one by one, all against the members as written."""
    members = list(flattened(node, world))
    followed_by: dict[int, list[ast.Sequence]] = {}
    kept: list[ast.Expr] = []
    for member in members:
        event = bare_negation(member, world)
        if event is None:
            continue
        rival = only_rival(event, members, world)
        if rival is not None:
            other = bare_event(member.item, world)  # type: ignore[union-attr]
            followed_by.setdefault(rival, []).append(ast.Sequence("not followed by", other))
    for position, member in enumerate(members):
        if bare_negation(member, world) is None:
            kept.append(with_clauses(member, followed_by.get(position, []), world))
        elif only_rival(bare_negation(member, world), members, world) is None:
            kept.append(ast.Never(bare_event(member.item, world)))  # type: ignore[union-attr]
    return kept[0] if len(kept) == 1 else ast.And(tuple(kept))


def only_rival(event: str, members: list[ast.Expr], world: World) -> int | None:
    """The position of the member that a bare `not event` attaches to; None: it has no rival."""
    found = [
        (position, rival)
        for position, member in enumerate(members)
        for rival in rivals(member, world, direct=True)
        if rival.event != event
    ]
    if not found:
        return None
    if len(found) == 1 and found[0][1].direct and not found[0][1].zero_will_do:
        return found[0][0]
    raise Ambiguous(f"`not {event}` has the rivals {[rival.event for _, rival in found]}")


@dataclass(frozen=True)
class Rival:
    """An event phrase; `direct`: it is itself a member; `zero_will_do`: a customer without the event satisfies it."""

    event: str
    direct: bool
    zero_will_do: bool = False


def rivals(node: Any, world: World, direct: bool) -> Iterator[Rival]:
    """The event phrases in a part of a conjunction, not under `not` or `never`, not in a phrase's own clauses."""
    node = unbracketed(node)
    if isinstance(node, ast.Not | ast.Never):
        return
    if isinstance(node, ast.Did):
        yield from rivals(node.phrase, world, direct)
    elif (event := event_of(node, world)) is not None:
        yield Rival(event, direct, zero_will_do(node))
    elif isinstance(node, ast.Phrase):
        yield from rivals(node.subject, world, False)
    elif isinstance(node, ast.Name):
        definition = world.segments.get(node.text, world.traits.get(node.text))
        if definition is not None:
            yield from rivals(definition, world, False)
    elif isinstance(node, ast.Call) and (event := aggregated_event(node, world)) is not None:
        yield Rival(event, False)
    elif isinstance(node, ast.Node):
        for part in fields(node):
            yield from rivals(getattr(node, part.name), world, False)
    elif isinstance(node, tuple):
        for item in node:
            yield from rivals(item, world, False)


def flattened(node: ast.Expr, world: World) -> Iterator[ast.Expr]:
    """The members of a conjunction: nested `and` flattened, `not (B1 or B2)` of bare events taken apart."""
    inner = unbracketed(node)
    if isinstance(inner, ast.And):
        for item in inner.items:
            yield from flattened(item, world)
    elif (events := negated_alternatives(inner, world)) is not None:
        for event in events:
            yield ast.Not(event)
    else:
        yield spell_out(inner, world)


def negated_alternatives(node: ast.Expr, world: World) -> list[ast.Expr] | None:
    """B1, B2 … of `not (B1 or B2 …)` when all of them are bare events."""
    if not isinstance(node, ast.Not):
        return None
    events = list(alternatives(node.item))
    return events if len(events) > 1 and all(bare_event(e, world) is not None for e in events) else None


def alternatives(node: ast.Expr) -> Iterator[ast.Expr]:
    inner = unbracketed(node)
    if isinstance(inner, ast.Or):
        for item in inner.items:
            yield from alternatives(item)
    else:
        yield inner


def bare_negation(member: ast.Expr, world: World) -> str | None:
    """The event B of a bare `not B`."""
    if not isinstance(member, ast.Not):
        return None
    bare = bare_event(member.item, world)
    return None if bare is None else event_of(bare, world)


def bare_event(node: ast.Expr, world: World) -> ast.Expr | None:
    """The event, perhaps with `where`, but with no other clause; None for anything else."""
    inner = unbracketed(node)
    if event_of(inner, world) is None:
        return None
    if isinstance(inner, ast.Phrase) and not all(isinstance(clause, ast.Where) for clause in inner.clauses):
        return None
    return inner


def event_of(node: ast.Expr, world: World) -> str | None:
    """The event that a phrase is about; None when it is no event phrase."""
    subject = unbracketed(node.subject) if isinstance(node, ast.Phrase) else node
    if isinstance(subject, ast.Name) and len(subject.parts) == 1 and world.is_event(subject.text):
        return subject.text
    return None


def aggregated_event(node: ast.Call, world: World) -> str | None:
    """The event that `count(…)`, `sum(…)` … are about."""
    if node.function not in EVENT_AGGREGATES:
        return None
    inner = unbracketed(node.argument)
    subject = unbracketed(inner.subject) if isinstance(inner, ast.Phrase) else inner
    if isinstance(subject, ast.Name) and world.is_event(subject.parts[0]):
        return subject.parts[0]
    return None


def zero_will_do(node: ast.Expr) -> bool:
    """`at most 2 times` and `exactly 0 times` hold for a customer without the event."""
    clauses = node.clauses if isinstance(node, ast.Phrase) else ()
    return any(isinstance(clause, ast.Times) and clause.low == 0 for clause in clauses)


def with_clauses(member: ast.Expr, clauses: list[ast.Sequence], world: World) -> ast.Expr:
    """A member of the conjunction with sequence clauses added to its event phrase."""
    if not clauses:
        return member
    if isinstance(member, ast.Did):
        return ast.Did(with_clauses(unbracketed(member.phrase), clauses, world))
    if isinstance(member, ast.Phrase):
        return replace(member, clauses=(*member.clauses, *clauses))
    return ast.Phrase(member, tuple(clauses))


def unbracketed(node: Any) -> Any:
    while isinstance(node, ast.Bracket):
        node = node.content
    return node
