"""What starts an entry (language reference, section 6): the one event phrase of WHO, or the state of being in it.

Where the reference leaves room: two event phrases as members of the conjunction make a rule state-based even when only
one of them could be an anchor, and `after` is an error then. A segment whose own conjunction has no event phrase is
opened further; a segment reached twice counts once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from dangol.engine import ir


@dataclass(frozen=True)
class Anchor:
    """`events` None: state-based. `source`: the segment the anchor was found in. `phrases`: how many there were.

    `still` is what is asked again before every step.
    """

    events: ir.Events | None
    source: str | None
    phrases: tuple[ir.Matches, ...]
    still: ir.Condition


MOVING = (
    ir.Aggregate, ir.Attribute, ir.TraitRef, ir.Now, ir.Population, ir.DaysSince, ir.InWindow, ir.Anniversary
)  # fmt: skip
"""Nodes whose answer about one event may differ from one instant to the next."""


@dataclass(frozen=True)
class Opened:
    phrases: tuple[ir.Matches, ...]
    rest: tuple[ir.Condition, ...]


def find(who: ir.Condition, segments: Mapping[str, ir.Condition], zone: str) -> Anchor:
    """The anchor of a rule."""
    members = _members(who)
    phrases = tuple(m for m in members if isinstance(m, ir.Matches))
    rest: tuple[ir.Condition, ...] = tuple(m for m in members if not isinstance(m, ir.Matches))
    source = None
    if not phrases:
        opened = {m.name: _open(m.name, segments) for m in members if isinstance(m, ir.SegmentRef)}
        phrases = tuple(p for o in opened.values() for p in o.phrases)
        source = next((name for name, o in opened.items() if o.phrases), None)
        if source is not None:
            rest = (*(m for m in rest if m != ir.SegmentRef(source)), *opened[source].rest)
    if len(phrases) != 1 or not _is_anchor(phrases[0]):
        return Anchor(None, None, phrases, who)
    return Anchor(phrases[0].events, source, phrases, _still(phrases[0].events, rest, zone))


def _members(who: ir.Condition) -> tuple[ir.Condition, ...]:
    return who.items if isinstance(who, ir.And) else (who,)


def _open(name: str, segments: Mapping[str, ir.Condition]) -> Opened:
    """The event phrases of a segment's conjunction and its other members; segments in it are opened if it has none."""
    phrases: list[ir.Matches] = []
    rest: list[ir.Condition] = []
    pending, seen = [name], {name}
    while pending:
        members = _members(segments[pending.pop()])
        own = [m for m in members if isinstance(m, ir.Matches)]
        phrases += own
        for member in members:
            if isinstance(member, ir.SegmentRef) and not own:
                pending += [member.name] if member.name not in seen else []
                seen.add(member.name)
            elif not isinstance(member, ir.Matches):
                rest.append(member)
    return Opened(tuple(phrases), tuple(rest))


def _is_anchor(phrase: ir.Matches) -> bool:
    window = phrase.events.window
    return phrase.low > 0 and (window is None or window.high is None)


def _still(anchor: ir.Events, rest: tuple[ir.Condition, ...], zone: str) -> ir.Condition:
    barred = tuple(f for f in anchor.follows if f.kind == "not_followed")
    members = list(rest)
    if barred:
        entry = ir.Edge(ir.Point("entry", zone))
        where = anchor.where if _is_fixed(anchor.where) else None
        fixed = replace(anchor, window=ir.Window(entry, entry), where=where, follows=barred)
        members.insert(0, ir.Matches(fixed))
    if not members:
        return ir.Always(True)
    return ir.And(tuple(members)) if len(members) > 1 else members[0]


def _is_fixed(where: ir.Condition | None) -> bool:
    """Whether the filter depends on the event alone, so that it holds for the anchor event for good."""
    pending: list[object] = [where]
    while pending:
        node = pending.pop()
        if isinstance(node, tuple):
            pending.extend(node)
        elif isinstance(node, MOVING):
            return False
        elif hasattr(node, "__dataclass_fields__"):
            pending.extend(getattr(node, name) for name in node.__dataclass_fields__)
    return True
