"""Conjunctions that nobody can satisfy: what is asked for is also ruled out."""

from __future__ import annotations

from collections.abc import Sequence

from dangol.engine import ir
from dangol.engine.check.scope import Scope
from dangol.grammar import ast


def warn(items: Sequence[ir.Condition], node: ast.And, scope: Scope) -> None:
    """W201, once for a conjunction."""
    asked = dict.fromkeys(item.events for item in items if isinstance(item, ir.Matches) and item.low > 0)
    denied = dict.fromkeys(events for item in items if (events := _denied(item)) is not None)
    for events in asked:
        if any(_covers(none, events) for none in denied):
            return _report(events, "is to have happened and never to have happened", node, scope)
    opposite = {item.item for item in items if isinstance(item, ir.Not)}
    if any(item in opposite for item in items):
        scope.note("W201", "this can never be true: a condition is asked for and ruled out", node)
    return None


def _denied(item: ir.Condition) -> ir.Events | None:
    """The events that a member says there are none of."""
    if isinstance(item, ir.Not) and isinstance(item.item, ir.Matches):
        return item.item.events if (item.item.low, item.item.high) == (1, None) else None
    return item.events if isinstance(item, ir.Matches) and item.high == 0 else None


def warn_phrase(events: ir.Events, node: ast.Node, scope: Scope) -> None:
    """W201 for a phrase whose own clauses rule each other out."""
    wanted = [f for f in events.follows if f.kind == "followed"]
    barred = [f for f in events.follows if f.kind == "not_followed"]
    if any(_bars(no, yes) for no in barred for yes in wanted):
        _report(events, "is to be followed by an event and not followed by it", node, scope)


def _report(events: ir.Events, what: str, node: ast.Node, scope: Scope) -> None:
    scope.note("W201", f"this can never be true: `{events.label}` {what}", node)


def _bars(no: ir.Follow, yes: ir.Follow) -> bool:
    return _covers(no.other, yes.other) and no.gap in (None, yes.gap) and set(no.same) <= set(yes.same)


def _covers(wide: ir.Events, narrow: ir.Events) -> bool:
    """Whether every event of the narrow one is surely one of the wide one."""
    return (
        set(narrow.names) <= set(wide.names)
        and (wide.window is None or wide.window == narrow.window or _reaches(wide.window, narrow.window))
        and wide.where in (None, narrow.where)
        and set(wide.follows) <= set(narrow.follows)
    )


def _reaches(wide: ir.Window, narrow: ir.Window | None) -> bool:
    """Whether the wide window, open to now, begins no later than the narrow one: exact steps back from `at` only."""
    if wide.high is not None or wide.low is None or narrow is None or narrow.low is None:
        return False
    begin, later = wide.low.point, narrow.low.point
    exact = all(p.anchor == "at" and not p.shift.months and not p.shift.days for p in (begin, later))
    return exact and begin.shift.micros <= later.shift.micros and (not wide.low.open or narrow.low.open)
