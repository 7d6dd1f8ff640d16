"""Time travel: at which instants a line is asked, within bounds, and what has no history."""

from __future__ import annotations

from dataclasses import replace

from dangol.engine import ir
from dangol.engine.calendar import DAY
from dangol.engine.check import instants
from dangol.engine.check.scope import Scope
from dangol.grammar import ast

MOST_INSTANTS = 1000
FURTHEST = 500 * 365 * DAY

Chain = tuple[ir.Point, ...]


def inside(node: ast.AsOf, scope: Scope) -> tuple[ir.Point, Scope]:
    """The point of an `as of`, and the scope of what it is asked about."""
    point = _point(node, scope)
    chain = _extend(scope.chain, point)
    if chain is None:
        raise scope.error("E220", "this reaches more than 500 years back", node)
    _add({chain}, node, scope)
    return point, replace(scope, chain=chain, attributes=[])


def leave(node: ast.AsOf, inner: Scope, scope: Scope) -> None:
    """W203 for attributes used inside; they count as used outside as well."""
    if inner.attributes:
        name = inner.attributes[0]
        message = f"`{name}` has no history: `as of` uses its value of today"
        scope.note("W203", message, node)
        scope.attributes.append(name)


def use(name: str, node: ast.Node, scope: Scope) -> None:
    """A definition is asked here, at all its instants."""
    known = scope.names.known[name]
    if known.attribute is not None:
        scope.attributes.append(known.attribute)
    key = (scope.chain, name)
    if key in scope.used:
        return
    scope.used.add(key)
    chains: set[Chain] = set()
    for tail in known.instants:
        chain: Chain | None = scope.chain
        for point in tail:
            chain = _extend(chain, point) if chain is not None else None
        if chain is None:
            raise scope.error("E220", f"`{name}` here reaches more than 500 years back", node)
        chains.add(chain)
    _add(chains, node, scope)


def _point(node: ast.AsOf, scope: Scope) -> ir.Point:
    if isinstance(node.when, ast.Duration):
        return ir.Point("at", scope.zone, -instants.shift(node.when))
    return instants.point(node.when, scope)


def _extend(chain: Chain, point: ir.Point) -> Chain | None:
    """The chain one `as of` further in, exact steps added up; None when it leaves the calendar."""
    if chain and _is_exact(chain[-1]) and _is_exact(point):
        total = chain[-1].shift.micros + point.shift.micros
        chain = (*chain[:-1], ir.Point("at", "", ir.Shift(micros=total)))
    else:
        chain = (*chain, replace(point, zone="") if _is_exact(point) else point)
    reach = sum(_nominal(p.shift) for p in chain)
    return chain if reach <= FURTHEST else None


def _is_exact(point: ir.Point) -> bool:
    return point.anchor == "at" and not point.shift.months and not point.shift.days


def _nominal(shift: ir.Shift) -> int:
    return abs(shift.months) * 30 * DAY + abs(shift.days) * DAY + abs(shift.micros)


def _add(chains: set[Chain], node: ast.Node, scope: Scope) -> None:
    scope.instants.update(chains)
    if len(scope.instants) > MOST_INSTANTS:
        message = f"this is asked at more than {MOST_INSTANTS} instants: `as of` within `as of` adds up"
        raise scope.error("E220", message, node)
