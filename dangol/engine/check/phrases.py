"""Event phrases: an event and its clauses become the events that match and how many of them there must be."""

from __future__ import annotations

from dataclasses import dataclass, replace

from dangol.engine import ir
from dangol.engine.check import conditions, contradictions, instants, resolve
from dangol.engine.check.scope import Gathering, Scope, text_of, unwrap
from dangol.engine.check.windows import window
from dangol.grammar import ast


@dataclass(frozen=True)
class Matching:
    """Events, and the least and greatest number of them (1 and None unless a times clause says otherwise)."""

    events: ir.Events
    low: int = 1
    high: int | None = None

    @property
    def condition(self) -> ir.Condition:
        return ir.Matches(self.events, self.low, self.high)


@dataclass(frozen=True)
class Clauses:
    """The clauses of a phrase, sorted by what they say."""

    where: ast.Where | None
    time: ast.TimeClause | None
    times: ast.Times | None
    sequences: tuple[ast.Sequence, ...]


def event_of(node: ast.Expr, scope: Scope) -> str | None:
    """The event that a node is a phrase about; None if it is no event phrase."""
    node = unwrap(node)
    if isinstance(node, ast.Phrase):
        return event_of(node.subject, scope)
    if not isinstance(node, ast.Name) or len(node.parts) != 1 or not scope.names.is_event(node.parts[0]):
        return None
    if scope.properties is not None and node.parts[0] in scope.properties:
        return None
    return node.parts[0]


def matching(node: ast.Expr, scope: Scope) -> Matching:
    """An event phrase; the caller has asked `event_of`."""
    node = unwrap(node)
    event = event_of(node, scope)
    assert event is not None
    if isinstance(node, ast.Name):
        one_meaning(event, node, scope)
        return Matching(_events(event, sort(ast.Phrase(node, ())), scope))
    assert isinstance(node, ast.Phrase)
    return about(event, node, scope)


def about(event: str, phrase: ast.Phrase, scope: Scope) -> Matching:
    """The phrase's clauses applied to an event; its subject may be a property of the event, in an aggregate."""
    subject = unwrap(phrase.subject)
    if isinstance(subject, ast.Phrase):
        mend = text_of(ast.Phrase(unwrap(subject.subject), subject.clauses + phrase.clauses))
        raise scope.error("E212", "a clause belongs inside the brackets of its event", phrase, (f"write `{mend}`",))
    one_meaning(event, subject, scope)
    clauses = sort(phrase)
    events = _events(event, clauses, scope)
    warn_early(phrase, clauses, scope)
    contradictions.warn_phrase(events, phrase, scope)
    if clauses.times is None:
        return Matching(events)
    return Matching(events, clauses.times.low, clauses.times.high)


def one_meaning(event: str, subject: ast.Expr, scope: Scope) -> None:
    """E206 where the catalog gives one name to an event and something else."""
    things = scope.names.look_up(event)
    if len(things) > 1:
        raise resolve.two_meanings(ast.Name((event,), span=subject.span), things, scope)


def _events(event: str, clauses: Clauses, scope: Scope) -> ir.Events:
    found = ir.Events(tuple(sorted(set(scope.names.catalog.members(event)))), label=event)
    parts = Gathering()
    with parts.next():
        found = replace(found, window=_event_window(clauses.time, scope))
    with parts.next():
        found = replace(found, where=where(clauses.where, event, scope))
    for sequence in clauses.sequences:
        with parts.next():
            found = replace(found, follows=(*found.follows, follow(sequence, event, scope)))
    parts.done()
    return found


def _event_window(clause: ast.TimeClause | None, scope: Scope) -> ir.Window | None:
    if clause is not None:
        return window(clause, "event", scope)
    return ir.Window(ir.Edge(ir.Point("entry", scope.zone))) if scope.from_entry else None


def sort(phrase: ast.Phrase) -> Clauses:
    """The clauses by kind; the parser has seen to it that there is one of each own kind at most, before sequences."""
    where = next((c for c in phrase.clauses if isinstance(c, ast.Where)), None)
    time = next((c for c in phrase.clauses if isinstance(c, ast.TimeClause)), None)
    times = next((c for c in phrase.clauses if isinstance(c, ast.Times)), None)
    return Clauses(where, time, times, tuple(c for c in phrase.clauses if isinstance(c, ast.Sequence)))


# --- where --------------------------------------------------------------------------------------------------------


def where(clause: ast.Where | None, event: str, scope: Scope) -> ir.Condition | None:
    """The filter on the event's own properties."""
    if clause is None:
        return None
    inner = scope.inside_where(event)
    if not clause.bracketed:
        _starts_with_property(clause, inner)
    return conditions.condition(clause.condition, inner)


def _starts_with_property(clause: ast.Where, scope: Scope) -> None:
    start = _leftmost(clause.condition)
    properties = scope.properties or {}
    if isinstance(start, ast.Name) and len(start.parts) == 1 and start.parts[0] in properties:
        return
    bracketed = f"write `where ({text_of(clause.condition)})`"
    if isinstance(start, ast.Name) and not scope.names.look_up(start.text) and start.parts[0] not in (
        "customer", "lib", scope.event
    ):  # fmt: skip
        raise resolve.unknown_property(start, scope)
    if isinstance(start, ast.Name) and start.parts[0] == scope.event:
        return
    message = "a `where` without brackets starts with a property of its event"
    raise scope.error("E216", message, start, (bracketed,))


def _leftmost(node: ast.Expr) -> ast.Expr:
    while True:
        match node:
            case ast.Compare(left=inner) | ast.In(value=inner) | ast.Between(value=inner) | ast.TextTest(value=inner):
                node = inner
            case ast.IsSet(value=inner) | ast.Phrase(subject=inner) | ast.Sum(first=inner) | ast.Product(first=inner):
                node = inner
            case _:
                return node


# --- sequences ----------------------------------------------------------------------------------------------------

FOLLOW = {"followed by": "followed", "not followed by": "not_followed", "within of": "follows"}


def follow(sequence: ast.Sequence, event: str, scope: Scope) -> ir.Follow:
    """What a sequence clause asks of each of the events."""
    inner = replace(scope.customer_level(), from_entry=False)
    other = event_of(sequence.other, inner)
    if other is None:
        raise _no_event(sequence, inner)
    parts = Gathering()
    with parts.next():
        found = _second_event(sequence, inner)
    with parts.next():
        gap = instants.shift(sequence.gap) if sequence.gap is not None else None
    for name in sequence.same:
        with parts.next():
            _agree(name, event, other, inner)
    parts.done()
    same = tuple(dict.fromkeys(name.text for name in sequence.same))
    return ir.Follow(FOLLOW[sequence.kind], found, gap, same, scope.zone)  # type: ignore[arg-type]


def _no_event(sequence: ast.Sequence, scope: Scope) -> Exception:
    node = unwrap(sequence.other)
    subject = unwrap(node.subject) if isinstance(node, ast.Phrase) else node
    if isinstance(subject, ast.Name) and not scope.names.look_up(subject.text):
        return resolve.unknown(subject, scope)
    return scope.error(
        "E208", f"what stands after `{_words(sequence)}` is an event, with a `where` or in brackets", node
    )


def _words(sequence: ast.Sequence) -> str:
    return "within … of" if sequence.kind == "within of" else sequence.kind


def _second_event(sequence: ast.Sequence, scope: Scope) -> ir.Events:
    node = unwrap(sequence.other)
    if not isinstance(node, ast.Phrase):
        return matching(node, scope).events
    clauses = sort(node)
    if clauses.times is not None:
        message = f"the event after `{_words(sequence)}` takes no `{text_of(clauses.times)}`: one such event is enough"
        raise scope.error("E212", message, clauses.times)
    event = event_of(node, scope)
    assert event is not None
    return _events(event, clauses, scope)


def _agree(name: ast.Name, event: str, other: str, scope: Scope) -> None:
    types = []
    for one in (event, other):
        properties = scope.names.catalog.properties(one)
        if len(name.parts) != 1 or name.text not in properties:
            raise resolve.unknown_property(name, scope, one)
        types.append(resolve.plain_type(properties[name.text], name, scope))
    if types[0] != types[1]:
        message = f"`{name.text}` is {types[0]} in `{event}` and {types[1]} in `{other}`: they never agree"
        raise scope.error("E209", message, name)


# --- a window that is not over ------------------------------------------------------------------------------------


def warn_early(phrase: ast.Phrase, clauses: Clauses, scope: Scope) -> None:
    """W202 where the first event's window still lets the second arrive."""
    for sequence in clauses.sequences:
        if sequence.kind == "not followed by" and sequence.gap is not None and not scope.from_entry:
            later, open_end = _until(clauses.time, sequence.gap)
            if open_end:
                message = f"the {text_of(sequence.gap)} need not be over yet: the second event may still come"
                hints = (f"write `{_with_time(phrase, clauses, later)}`",) if later is not None else ()
                scope.note("W202", message, phrase, hints)


def _until(time: ast.TimeClause | None, gap: ast.Duration) -> tuple[ast.TimeClause | None, bool]:
    """The time clause that ends a gap before now (if it can be said), and whether the given one does not."""
    span = instants.nominal(gap)
    if not span:
        return None, False
    match time:
        case None:
            return ast.MoreThanAgo(gap), True
        case ast.Within(duration=far):
            return (ast.Ago(gap, far) if span < instants.nominal(far) else None), True
        case ast.Ago(near=near, far=far):
            mend = ast.Ago(gap, far) if span < instants.nominal(far) else None
            return mend, instants.nominal(near) < span
        case ast.MoreThanAgo(duration=near):
            return ast.MoreThanAgo(gap), instants.nominal(near) < span
        case ast.Calendar(unit="today" | "this week" | "this month") | ast.Relative(word="since" | "after"):
            return None, True
    return None, False


def _with_time(phrase: ast.Phrase, clauses: Clauses, time: ast.TimeClause) -> str:
    own = [c for c in (clauses.where, time, clauses.times) if c is not None]
    return text_of(ast.Phrase(phrase.subject, (*own, *clauses.sequences)))
