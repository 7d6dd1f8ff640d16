"""Time clauses as windows: of events (up to the instant), of instants and of dates as values."""

from __future__ import annotations

from typing import Literal

from dangol.engine import ir
from dangol.engine.check import instants
from dangol.engine.check.scope import Scope, text_of
from dangol.grammar import ast

Subject = Literal["event", "instant", "date"]

UNITS: dict[str, tuple[Literal["day", "week", "month"], ir.Shift, ir.Shift]] = {
    "today": ("day", ir.Shift(), ir.Shift(days=1)),
    "yesterday": ("day", ir.Shift(days=-1), ir.Shift()),
    "this week": ("week", ir.Shift(), ir.Shift(days=7)),
    "last week": ("week", ir.Shift(days=-7), ir.Shift()),
    "this month": ("month", ir.Shift(), ir.Shift(months=1)),
    "last month": ("month", ir.Shift(months=-1), ir.Shift()),
}


def window(clause: ast.TimeClause, subject: Subject, scope: Scope) -> ir.Window:
    """The times that a clause admits. An edge that `t ≤ at` implies is left out for events."""
    match clause:
        case ast.Within():
            return _within(clause, subject, scope)
        case ast.WithinNext():
            return _within_next(clause, subject, scope)
        case ast.Ago():
            return _ago(clause, subject, scope)
        case ast.MoreThanAgo():
            return ir.Window(high=ir.Edge(_back(clause.duration, subject, scope), open=True))
        case ast.Relative():
            return _relative(clause, subject, scope)
        case ast.BetweenDates():
            return _between(clause, subject, scope)
        case ast.Calendar():
            return _calendar(clause, subject, scope)


def _now(subject: Subject, scope: Scope) -> ir.Point:
    return ir.Point("day" if subject == "date" else "at", scope.zone)


def _step(duration: ast.Duration, subject: Subject, scope: Scope) -> ir.Shift:
    return instants.day_shift(duration, scope) if subject == "date" else instants.shift(duration)


def _back(duration: ast.Duration, subject: Subject, scope: Scope) -> ir.Point:
    return ir.Point(_now(subject, scope).anchor, scope.zone, -_step(duration, subject, scope))


def _within(clause: ast.Within, subject: Subject, scope: Scope) -> ir.Window:
    low = ir.Edge(_back(clause.duration, subject, scope))
    return ir.Window(low, None if subject == "event" else ir.Edge(_now(subject, scope)))


def _within_next(clause: ast.WithinNext, subject: Subject, scope: Scope) -> ir.Window:
    if subject == "event":
        hint = f"write `{text_of(ast.Within(clause.duration))}` for the past"
        raise scope.error("E212", "events lie in the past: `within next` is for instants and dates", clause, (hint,))
    now = _now(subject, scope)
    ahead = ir.Point(now.anchor, scope.zone, _step(clause.duration, subject, scope))
    return ir.Window(ir.Edge(now), ir.Edge(ahead))


def _ago(clause: ast.Ago, subject: Subject, scope: Scope) -> ir.Window:
    near, far = clause.near, clause.far
    if instants.nominal(near) >= instants.nominal(far):
        mend = text_of(ast.Ago(far, near))
        hints = (f"write `{mend}`",) if instants.nominal(near) > instants.nominal(far) else ()
        raise scope.error("E213", "the smaller duration comes first", clause, hints)
    return ir.Window(ir.Edge(_back(far, subject, scope)), ir.Edge(_back(near, subject, scope), open=True))


def _relative(clause: ast.Relative, subject: Subject, scope: Scope) -> ir.Window:
    if clause.word == "on" and not instants.is_day(clause.bound):
        hint = "name a day, as in `on 2026-01-31`; instants take `since`, `after` and `before`"
        raise scope.error("E212", "`on` takes a day, not an instant", clause, (hint,))
    point = instants.point(clause.bound, scope)
    if subject == "date":
        return _by_day(clause.word, ir.Edge(point), ir.Edge(point, open=True))
    day = instants.is_day(clause.bound)
    match clause.word:
        case "since":
            return ir.Window(low=ir.Edge(point))
        case "before":
            return ir.Window(high=ir.Edge(point, open=True))
        case "after" if not day:
            return ir.Window(low=ir.Edge(point, open=True))
    following = instants.point(clause.bound, scope, add_days=1)
    if clause.word == "after":
        return ir.Window(low=ir.Edge(following))
    return ir.Window(ir.Edge(point), ir.Edge(following, open=True))


def _by_day(word: str, closed: ir.Edge, opened: ir.Edge) -> ir.Window:
    """Edges of a date are compared by local day, so the day itself is what `open` leaves out."""
    match word:
        case "since":
            return ir.Window(low=closed)
        case "after":
            return ir.Window(low=opened)
        case "before":
            return ir.Window(high=opened)
    return ir.Window(closed, closed)


def _between(clause: ast.BetweenDates, subject: Subject, scope: Scope) -> ir.Window:
    low = instants.point(clause.low, scope)
    if instants.is_reversed(clause.low, clause.high, scope):
        mend = text_of(ast.BetweenDates(clause.high, clause.low))
        raise scope.error("E213", "the earlier one comes first", clause, (f"write `{mend}`",))
    if subject == "date" or not instants.is_day(clause.high):
        return ir.Window(ir.Edge(low), ir.Edge(instants.point(clause.high, scope)))
    return ir.Window(ir.Edge(low), ir.Edge(instants.point(clause.high, scope, add_days=1), open=True))


def _calendar(clause: ast.Calendar, subject: Subject, scope: Scope) -> ir.Window:
    anchor, start, end = UNITS[clause.unit]
    low = ir.Edge(ir.Point(anchor, scope.zone, start))
    if subject == "event" and clause.unit in ("today", "this week", "this month"):
        return ir.Window(low)
    return ir.Window(low, ir.Edge(ir.Point(anchor, scope.zone, end), open=True))
