"""What lines use of the library, and whether a project has the names that it needs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from dangol.diagnostics import Diagnostic, closest, diagnose, did_you_mean
from dangol.engine.catalog import Catalog, Mixed
from dangol.engine.check import Definition, Written
from dangol.engine.ir import Type
from dangol.grammar import ast
from dangol.library.entries import PREFIX, entry, names, vocabulary


@dataclass(frozen=True)
class Used:
    """What lines name of the library: `definitions` for the checker; `broken` are the names that cannot be used here,
    and `found` says why, at each place that names one."""

    definitions: tuple[Definition, ...] = ()
    broken: frozenset[str] = frozenset()
    found: tuple[Diagnostic, ...] = ()


def used_by(lines: Iterable[Written[Any]], catalog: Catalog, zone: str, known: Collection[str] = ()) -> Used:
    """What the lines name, directly or through others, without what is `known`. `zone` is the project's."""
    places = [(name, written) for written in lines for name in _named(written) if name.text not in known]
    problems = {name.text: _problem(name.text, catalog) for name, _ in places}
    found = [
        diagnose(problem[0], problem[1], written.line, name.span, hints=problem[2])
        for name, written in places
        if (problem := problems[name.text]) is not None
    ]
    sound = [name for name, problem in problems.items() if problem is None]
    wanted = dict.fromkeys(one for name in sound for one in _closure(name) if one not in known)
    broken = frozenset(name for name, problem in problems.items() if problem is not None)
    return Used(tuple(_definition(name, zone) for name in wanted), broken, tuple(found))


def hinted(found: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
    """The findings; an unknown name that the library has under its prefix (`champion`) gets a hint."""
    for one in found:
        name = PREFIX + one.text[one.column - 1 : one.end_column - 1]
        known = one.code == "E203" and not one.hints and name in names()
        yield replace(one, hints=(f"the library has `{name}`",)) if known else one


def _named(written: Written[Any]) -> Iterator[ast.Name]:
    """The library names in a line; most lines have none, and are not looked through."""
    if PREFIX in written.line.text:
        yield from (name for name in names_in(written.tree) if name.parts[0] == "lib")


def names_in(tree: ast.Node) -> Iterator[ast.Name]:
    """Every name that a line mentions."""
    pending: list[Any] = [tree]
    while pending:
        item = pending.pop()
        if isinstance(item, ast.Name):
            yield item
        elif isinstance(item, tuple):
            pending.extend(reversed(item))
        elif isinstance(item, ast.Node):
            pending.extend(reversed(list(vars(item).values())))


@cache
def _closure(name: str) -> tuple[str, ...]:
    """The name and all library names that its line rests on."""
    found = {name: None}
    queue = [name]
    for one in queue:
        used = entry(one)
        assert used is not None, f"{one}, which {name} rests on, is not in the library"
        new = [each.text for each in _named(used.written) if each.text not in found]
        found |= dict.fromkeys(new)
        queue += new
    return tuple(found)


def _definition(name: str, zone: str) -> Definition:
    found = entry(name)
    assert found is not None
    return Definition(found.kind, name, found.line, found.written.tree, zone)


# --- what it needs ------------------------------------------------------------------------------------------------

Problem = tuple[str, str, tuple[str, ...]]
"""code, message, hints"""


def _problem(name: str, catalog: Catalog) -> Problem | None:
    """Why a name cannot be used in this project: it is unknown (E203), or what it is written over is (E224)."""
    if entry(name) is None:
        hints = did_you_mean(name, names()) or ("see docs/library.md for all of them",)
        return "E203", f"`{name}` is not in the library", hints
    lacking = [need for need in needs(name) if not _has(catalog, need)]
    if not lacking:
        return None
    owners: dict[str, list[str]] = {owner: [] for owner, _ in lacking}
    for owner, prop in lacking:
        owners[owner] += [prop] if prop is not None else []
    said = [_said(owner, properties, catalog) for owner, properties in owners.items()]
    hints = tuple(_mend(owner, properties, catalog) for owner, properties in owners.items())
    return "E224", f"`{name}` needs {_listed(said)}", hints


Need = tuple[str, str | None]
"""An attribute or event of the vocabulary, or a property of such an event."""


@cache
def needs(name: str) -> tuple[Need, ...]:
    """What a library name is written over, each event before its properties."""
    found: dict[Need, None] = {}
    for one in _closure(name):
        used = entry(one)
        assert used is not None
        for need in _written_over(used.written.tree):
            found[need[0], None] = None
            found[need] = None
    return tuple(found)


def _written_over(tree: ast.Expr) -> Iterator[Need]:
    known = vocabulary().catalog
    for name in names_in(tree):
        if name.parts[0] in known.events or name.parts[0] in known.attributes:
            yield name.parts[0], name.parts[1] if len(name.parts) > 1 else None
        elif name.parts[0] != "lib":  # a property in a `where`: the library gives no two events the same one
            yield from ((event, name.text) for event, properties in known.events.items() if name.text in properties)


def _has(catalog: Catalog, need: Need) -> bool:
    owner, prop = need
    known = vocabulary().catalog
    if owner in known.attributes:
        return catalog.attributes.get(owner) == known.attributes[owner]
    if prop is None:
        return owner in catalog.events or owner in catalog.groups
    return catalog.properties(owner).get(prop) == known.events[owner][prop]


def _said(owner: str, properties: list[str], catalog: Catalog) -> str:
    known = vocabulary().catalog
    if owner in known.attributes:
        return f"the attribute `{owner}` ({known.attributes[owner]}){_instead(catalog.attributes.get(owner))}"
    there = catalog.properties(owner)
    said = _listed([f"a {known.events[owner][prop]} `{prop}`{_instead(there.get(prop))}" for prop in properties])
    present = "" if _has(catalog, (owner, None)) else "an event "
    return f"{present}`{owner}`{f' with {said}' if said else ''}"


def _instead(kind: Type | Mixed | None) -> str:
    if kind is None:
        return ""
    return f" (here it is {' and '.join(kind.kinds) if isinstance(kind, Mixed) else kind})"


def _mend(owner: str, properties: list[str], catalog: Catalog) -> str:
    known = vocabulary().catalog
    if owner in known.attributes:
        return f"in dangol.yaml, under `data: customers:`, write `attributes: {{{owner}: YOUR_COLUMN, …}}`, {_ALL}"
    if _has(catalog, (owner, None)):
        columns = ", ".join(f"{prop}: YOUR_COLUMN" for prop in properties)
        return f"in dangol.yaml, at the source of `{owner}`, write `properties: {{{columns}, …}}`, {_ALL}"
    types = ", ".join(["from: YOUR_EVENT", *(f"{prop}: {known.events[owner][prop]}" for prop in properties)])
    yours = closest(owner, catalog.events) or "YOUR_EVENT"
    return f"in dangol.yaml, write `events: {{{owner}: {{{types}}}}}`, or a group: `groups: {{{owner}: [{yours}]}}`"


_ALL = "with all others that you use"


def _listed(parts: list[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
