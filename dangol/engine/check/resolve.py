"""Names: what each stands for where it is written, and what to say of one that stands for nothing."""

from __future__ import annotations

import re
from itertools import chain

from dangol.engine import ir
from dangol.engine.catalog import RESERVED, Mixed
from dangol.engine.check import travel
from dangol.engine.check.scope import LEDGER, Broken, ColumnType, Scope, Thing
from dangol.grammar import ast


def resolve(name: ast.Name, scope: Scope) -> Thing:
    """What the name stands for; E203, E205, E206 or (silently) Broken for a definition that has errors itself."""
    if name.parts[0] == "customer":
        return _attribute(name, scope)
    if len(name.parts) == 1 and scope.properties is not None and name.text in scope.properties:
        return Thing("property", name.text, scope.properties[name.text])
    if name.text in scope.names.broken or name.text in scope.broken_splits:
        raise Broken
    if name.text in scope.splits:
        return Thing("split", name.text, "text")
    things = scope.names.look_up(name.text)
    if not things:
        raise unknown(name, scope)
    if len(things) > 1:
        raise two_meanings(name, things, scope)
    if things[0].kind in ("segment", "trait") and name.text not in scope.names.known:
        raise Broken
    return things[0]


def _attribute(name: ast.Name, scope: Scope) -> Thing:
    attributes: dict[str, ColumnType] = {**scope.names.catalog.attributes, "id": "text"}
    column = ".".join(name.parts[1:])
    if column in attributes:
        return Thing("attribute", column, attributes[column])
    if not scope.names.catalog.has_customers:
        message = f"there is no customers table, so no `{name.text}`: only `customer.id`"
        raise scope.error("E203", message, name)
    hints = scope.suggest(name.text, (f"customer.{a}" for a in attributes))
    raise scope.error("E203", f"`{column}` is not an attribute of the customers", name, hints)


def two_meanings(name: ast.Name, things: list[Thing], scope: Scope) -> Broken:
    """E206 where the catalog gives one name to two things."""
    kinds = " and ".join(t.noun for t in things)
    hints = (f"write `customer.{name.text}` for the attribute",) if any(t.kind == "attribute" for t in things) else ()
    return scope.error("E206", f"`{name.text}` is {kinds}: rename one of them in the catalog", name, hints)


def unknown(name: ast.Name, scope: Scope) -> Broken:
    """E203 or E205 for a name that stands for nothing here, or that needs a function around it."""
    if len(name.parts) > 1 and scope.names.is_event(name.parts[0]):
        return _bare_property(name, scope)
    if scope.properties is not None and len(name.parts) == 1:
        return unknown_property(name, scope)
    if name.text in scope.names.broken:
        return Broken()
    hints = _meant(name, scope) or scope.suggest(name.text, chain(scope.names.everything, scope.splits))
    message = f"`{name.text}` is not an event, attribute, trait or segment"
    return scope.error("E203", message, name, hints)


_BEFORE_A_TEXT = re.compile(r"(=|\bcontains|\bwith|\bhas)\s*\Z")


def _meant(name: ast.Name, scope: Scope) -> tuple[str, ...]:
    """The mend for a property that stands alone and for a text without quotes."""
    before = scope.line.text[: name.span.start]
    owners = [one for one, its in scope.names.catalog.events.items() if name.text in its and one not in LEDGER]
    if owners:
        events = [one for one in owners if re.search(rf"\b{re.escape(one)}\b", before)] or owners
        latest = " or ".join(f"`last({one}.{name.text})`" for one in events[:3])
        hints = (f"it is a value of events: write {latest} for the latest one's",)
        brackets = f"several conditions of a `where` stand in brackets: `{events[0]} where (… and {name.text} …)`"
        return (brackets, *hints) if re.search(r"\bwhere\b", before) else hints
    if len(name.parts) == 1 and _BEFORE_A_TEXT.search(before):
        return (*scope.suggest(name.text, scope.names.everything), f'a text stands in quotes: `"{name.text}"`')
    return ()


def _bare_property(name: ast.Name, scope: Scope) -> Broken:
    event, prop = name.parts[0], ".".join(name.parts[1:])
    if event == scope.event:
        message, hints = f"inside the `where` of `{event}` its properties stand alone", [f"write `{prop}`"]
        return scope.error("E205", message, name, hints)
    if prop not in scope.names.catalog.properties(event):
        return unknown_property(name, scope, event)
    message = f"`{name.text}` has a value at every `{event}`: say which"
    return scope.error("E208", message, name, (f"write `last({name.text})` for the latest",))


def unknown_property(name: ast.Name, scope: Scope, event: str | None = None) -> Broken:
    """E205 with the properties there are."""
    event = event or scope.event or ""
    prop = ".".join(name.parts[1:]) if len(name.parts) > 1 else name.text
    properties = sorted(scope.names.catalog.properties(event))
    reach = properties if scope.properties is None else [*properties, *scope.names.catalog.attributes]
    hints = scope.suggest(prop, reach)
    if not hints:
        listed = ", ".join(f"`{p}`" for p in properties[:12])
        hints = (f"its properties are {listed}" if properties else "it has no properties in the catalog",)
    return scope.error("E205", f"`{prop}` is not a property of `{event}`", name, hints)


def plain_type(kind: ColumnType | None, name: ast.Name, scope: Scope) -> ir.Type:
    """The type of a column; E206 for one in which several kinds of value were found."""
    assert kind is not None
    if isinstance(kind, Mixed):
        kinds = " and ".join(kind.kinds)
        hints = ("declare its type in the catalog, or clean the source",)
        raise scope.error("E206", f"`{name.text}` holds several kinds of value: {kinds}", name, hints)
    return kind


def value_of(thing: Thing, name: ast.Name, scope: Scope) -> ir.Value:
    """An attribute, property, trait or split as a value."""
    if thing.kind == "split":
        return scope.splits[thing.name]
    kind = plain_type(thing.type, name, scope)
    if thing.kind == "property":
        return ir.Property(thing.name, kind)
    if thing.kind == "trait":
        travel.use(thing.name, name, scope)
        return ir.TraitRef(thing.name, kind)
    if thing.name != "id":
        scope.attributes.append(thing.name)
    return ir.Attribute(thing.name, kind)


WORD = re.compile(r"[^\W\d]\w*\Z")


def unsound(name: str) -> tuple[str, tuple[str, ...]] | None:
    """Why a word cannot be the name of a definition or split, and the mend; None when it can."""
    if name in RESERVED:
        return f"`{name}` is a word of the language and cannot be a name", ()
    if WORD.match(name):
        return None
    mend = re.sub(r"\W+", "_", name).strip("_")
    hints = (f"write `{mend}`",) if WORD.match(mend) else ()
    return f"`{name}` cannot be a name: letters, digits and `_`, not a digit first", hints
