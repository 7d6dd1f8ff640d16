"""The order in which definitions are read: what each uses comes first; rings are found and shown."""

from __future__ import annotations

from collections.abc import Mapping

from dangol.engine.check.scope import Names, unwrap
from dangol.engine.check.shorthand import children
from dangol.grammar import ast


def references(node: ast.Expr, names: Names) -> dict[str, ast.Name]:
    """The definitions that a line uses, each at its first mention. A property hides a trait of the same name."""
    found: dict[str, ast.Name] = {}
    stack: list[tuple[ast.Expr, frozenset[str]]] = [(node, frozenset())]
    while stack:
        item, hidden = stack.pop()
        if isinstance(item, ast.Name):
            if item.text in names.defined and item.text not in hidden:
                found.setdefault(item.text, item)
        elif isinstance(item, ast.Phrase):
            inner = hidden | _properties(item.subject, names)
            stack += [(c, inner if isinstance(c, ast.Where) else hidden) for c in reversed(item.clauses)]  # type: ignore[misc]
            stack.append((item.subject, hidden))
        elif isinstance(item, ast.Call):
            stack.append((item.argument, frozenset()))
        elif isinstance(item, ast.Sequence):
            stack.append((item.other, frozenset()))
        else:
            stack += [(child, hidden) for child in reversed(list(children(item)))]
    return found


def _properties(subject: ast.Expr, names: Names) -> frozenset[str]:
    subject = unwrap(subject)
    while isinstance(subject, ast.Phrase):
        subject = unwrap(subject.subject)
    if not isinstance(subject, ast.Name) or not names.is_event(subject.parts[0]):
        return frozenset()
    return frozenset(names.catalog.properties(subject.parts[0]))


def in_order(uses: Mapping[str, Mapping[str, ast.Name]]) -> tuple[list[str], list[list[str]]]:
    """All names, each after those it uses; and the rings among them (one path for those that share a name)."""
    order: list[str] = []
    rings: list[list[str]] = []
    state: dict[str, int] = {}
    for start in uses:
        if start not in state:
            _visit(start, uses, state, order, rings)
    return order, rings


def _visit(
    start: str,
    uses: Mapping[str, Mapping[str, ast.Name]],
    state: dict[str, int],
    order: list[str],
    rings: list[list[str]],
) -> None:
    """Depth first with a stack of its own: 1 is on the path, 2 is done."""
    ringed = {name for ring in rings for name in ring}
    path = [start]
    pending = [iter(uses[start])]
    state[start] = 1
    while path:
        following = next((n for n in pending[-1] if state.get(n) != 2 and n in uses), None)
        if following is None:
            pending.pop()
            done = path.pop()
            state[done] = 2
            order.append(done)
        elif state.get(following) == 1:
            if following not in ringed:
                rings.append(path[path.index(following) :])
                ringed.update(rings[-1])
        else:
            state[following] = 1
            path.append(following)
            pending.append(iter(uses[following]))
