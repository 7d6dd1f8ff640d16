"""The one shorthand (language reference, section 4): what a bare `not B` in a conjunction reads as.

Choices where the reference leaves room: "another event" is one of another name, so an event group and one of its
members are two (`active within 30d and not visited` asks for activity that no visit followed). A phrase in a segment or
trait that is used counts unless it stands under `not` or `never` there. Two phrases written alike are two.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from itertools import islice

from dangol.engine.check.scope import Mention, Scope, quoted, text_of, unwrap
from dangol.grammar import ast

MOST_MENTIONS = 50
MOST_READINGS = 10


@dataclass(frozen=True)
class Spelled:
    """The members with every bare negation spelled out; `failed` says that one of them could not be."""

    members: list[ast.Expr]
    failed: bool


def members(node: ast.And) -> list[ast.Expr]:
    """The members of a conjunction, nested `and` brackets flattened."""
    found: list[ast.Expr] = []
    stack: list[ast.Expr] = [node]
    while stack:
        item = stack.pop()
        inner = unwrap(item)
        if isinstance(inner, ast.And):
            stack.extend(reversed(inner.items))
        else:
            found.append(inner)
    return found


# --- mentions -----------------------------------------------------------------------------------------------------


def children(node: ast.Node) -> Iterator[ast.Expr]:
    """The nodes directly inside, in written order."""
    pending = [getattr(node, f.name) for f in reversed(fields(node)) if f.name != "span"]
    while pending:
        item = pending.pop()
        if isinstance(item, tuple):
            pending.extend(reversed(item))
        elif isinstance(item, ast.Node):
            yield item  # type: ignore[misc]


def mentions(node: ast.Expr, scope: Scope) -> list[Mention]:
    """The event phrases in a node, those of the definitions it uses included, not under `not` or `never`."""
    found: list[Mention] = []
    stack: list[ast.Expr] = [node]
    while stack:
        item = stack.pop()
        if isinstance(item, ast.Not | ast.Never):
            continue
        phrase = _as_phrase(item, scope)
        if phrase is not None:
            found.append(phrase)
        elif isinstance(item, ast.Name):
            known = scope.names.known.get(item.text)
            found += known.mentions if known else ()
        else:
            stack.extend(reversed(list(children(item))))
    return list(dict.fromkeys(found)) if len(found) > MOST_MENTIONS else found


def _as_phrase(node: ast.Expr, scope: Scope) -> Mention | None:
    """The node as a mention, if it is an event phrase or a property of one (`purchased.amount within 30d`)."""
    subject = unwrap(node.subject) if isinstance(node, ast.Phrase) else node
    if not isinstance(subject, ast.Name) or not scope.names.is_event(subject.parts[0]):
        return None
    if subject.parts[0] in scope.names.defined:
        return None
    event = replace(subject, parts=subject.parts[:1])
    phrase = replace(node, subject=event) if isinstance(node, ast.Phrase) else event
    return Mention(phrase, event.text)


# --- bare negations -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Bare:
    """A member `not B` or `not (B1 or B2)`: its events as written."""

    node: ast.Not
    phrases: tuple[Mention, ...]


def _bare(member: ast.Expr, scope: Scope) -> Bare | None:
    if not isinstance(member, ast.Not):
        return None
    found = []
    stack = [member.item]
    while stack:
        item = unwrap(stack.pop())
        if isinstance(item, ast.Or):
            stack.extend(reversed(item.items))
            continue
        mention = _as_bare_event(item, scope)
        if mention is None:
            return None
        found.append(mention)
    return Bare(member, tuple(found))


def _as_bare_event(node: ast.Expr, scope: Scope) -> Mention | None:
    if isinstance(node, ast.Phrase):
        if not all(isinstance(c, ast.Where) for c in node.clauses):
            return None
    elif not isinstance(node, ast.Name):
        return None
    subject = unwrap(node.subject) if isinstance(node, ast.Phrase) else node
    if not isinstance(subject, ast.Name) or len(subject.parts) != 1:
        return None
    return _as_phrase(node, scope)


def spell_out(conjunction: list[ast.Expr], scope: Scope) -> Spelled:
    """Every bare negation as `never B`, or attached to the one phrase it can be about; E211 where it is unclear."""
    bare = {i: b for i, m in enumerate(conjunction) if (b := _bare(m, scope))}
    if not bare:
        return Spelled(conjunction, failed=False)
    others = {i: mentions(m, scope) for i, m in enumerate(conjunction) if i not in bare}
    found: dict[int, list[ast.Expr]] = {i: [m] for i, m in enumerate(conjunction)}
    failed = False
    for i, negation in bare.items():
        failed = not _attach(i, negation, others, found, scope) or failed
    return Spelled([member for i in range(len(conjunction)) for member in found[i]], failed)


def _attach(
    place: int, negation: Bare, others: dict[int, list[Mention]], found: dict[int, list[ast.Expr]], scope: Scope
) -> bool:
    found[place] = []
    unclear = False
    for b in negation.phrases:
        rivals = [(i, m) for i, group in others.items() for m in group if m.event != b.event]
        if not rivals:
            found[place].append(ast.Never(b.phrase, span=negation.node.span))
        elif len(rivals) == 1 and _is_member(found[rivals[0][0]][0], scope):
            i = rivals[0][0]
            found[i] = [followed(_plain(found[i][0]), b.phrase)]
        else:
            unclear = True
    if unclear:
        _report(negation, others, scope)
    return not unclear


def _plain(member: ast.Expr) -> ast.Expr:
    member = unwrap(member)
    return unwrap(member.phrase) if isinstance(member, ast.Did) else member


def _is_member(member: ast.Expr, scope: Scope) -> bool:
    """Whether the member is itself an event phrase that no events at all cannot satisfy."""
    phrase = _plain(member)
    if _as_phrase(phrase, scope) is None:
        return False
    clauses = phrase.clauses if isinstance(phrase, ast.Phrase) else ()
    return not any(isinstance(c, ast.Times) and c.low == 0 for c in clauses)


def followed(phrase: ast.Expr, other: ast.Expr) -> ast.Phrase:
    """`A not followed by B`"""
    clause = ast.Sequence("not followed by", other, span=other.span)
    if isinstance(phrase, ast.Phrase):
        return replace(phrase, clauses=(*phrase.clauses, clause))
    return ast.Phrase(phrase, (clause,), span=phrase.span)


def _report(negation: Bare, others: dict[int, list[Mention]], scope: Scope) -> None:
    """E211 with `never B`, and `A not followed by B` for each phrase A."""
    events = negation.phrases
    all_mentions = (m for group in others.values() for m in group)
    rivals = dict.fromkeys(m for m in all_mentions if any(b.event != m.event for b in events))
    readings = [_never(events), *(_attached(rival, events) for rival in islice(rivals, MOST_READINGS))]
    message = f"{quoted(negation.node)} can be read in {len(rivals) + 1} ways: say which"
    scope.note("E211", message, negation.node, [f"write `{reading}`" for reading in readings])


def _never(events: Sequence[Mention]) -> str:
    return " and ".join(text_of(ast.Never(b.phrase)) for b in events)


def _attached(rival: Mention, events: Sequence[Mention]) -> str:
    reading: ast.Expr = rival.phrase
    for b in events:
        if b.event != rival.event:
            reading = followed(reading, b.phrase)
    alone = [b for b in events if b.event == rival.event]
    return " and ".join([text_of(reading), *([_never(alone)] if alone else [])])
