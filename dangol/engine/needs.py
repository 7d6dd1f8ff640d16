"""Which columns lines are about, so that only those are read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

from dangol.engine import ir


@dataclass
class Needs:
    """Attributes, and per event name the properties, that some line asks for (maybe none of an event's)."""

    attributes: set[str] = field(default_factory=set)
    events: dict[str, set[str]] = field(default_factory=dict)

    def property(self, names: Iterable[str], *properties: str) -> None:
        """Adds properties of the events of these names."""
        for name in names:
            self.events.setdefault(name, set()).update(properties)

    def with_all(self, other: Needs) -> Needs:
        """These needs and the other ones."""
        both = Needs(self.attributes | other.attributes, {name: set(found) for name, found in self.events.items()})
        for name, properties in other.events.items():
            both.property((name,), *properties)
        return both


def needs_of(nodes: Iterable[object], program: ir.Program) -> Needs:
    """The needs of these nodes and of every definition that they refer to."""
    needs, seen = Needs(), set[int]()
    references: set[tuple[str, str]] = set()
    waiting: list[tuple[Any, tuple[str, ...]]] = [(node, ()) for node in nodes]
    while waiting:
        node, names = waiting.pop()
        if isinstance(node, tuple):
            waiting.extend((part, names) for part in node)
        elif is_dataclass(node) and id(node) not in seen:
            seen.add(id(node))
            waiting.extend(_parts(node, names, needs, references, program))
    return needs


def _parts(
    node: Any, names: tuple[str, ...], needs: Needs, references: set[tuple[str, str]], program: ir.Program
) -> list[tuple[Any, tuple[str, ...]]]:
    """Notes what the node itself needs; its parts, each with the events whose properties they speak of."""
    match node:
        case ir.Attribute():
            needs.attributes.add(node.name)
        case ir.Property():
            needs.property(names, node.name)
        case ir.Aggregate(property=str(name)) | ir.Metric(property=str(name)):
            needs.property(node.events.names, name)
        case ir.SegmentRef(name=name):
            return _definition(("segment", name), program.segments.get(name), references)
        case ir.TraitRef(name=name):
            return _definition(("trait", name), program.traits.get(name), references)
        case ir.Events():
            needs.property(node.names)
            for follow in node.follows:
                needs.property((*node.names, *follow.other.names), *follow.same)
            names = node.names
    return [(getattr(node, f.name), names) for f in fields(node)]


def _definition(
    key: tuple[str, str], node: object, references: set[tuple[str, str]]
) -> list[tuple[Any, tuple[str, ...]]]:
    if node is None or key in references:
        return []
    references.add(key)
    return [(node, ())]
