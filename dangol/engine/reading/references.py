"""What a node is made of, and the definitions that it rests on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from dangol.engine import ir


def walk(node: Any) -> Iterator[Any]:
    """Every IR node in the node, itself first, in the order in which they are read; without recursion."""
    stack = [node]
    while stack:
        found = stack.pop()
        if isinstance(found, tuple):
            stack.extend(reversed(found))
        elif is_dataclass(found) and not isinstance(found, type):
            yield found
            stack.extend(getattr(found, field.name) for field in reversed(fields(found)))


def definitions(node: ir.Node | ir.Scenario, program: ir.Program) -> dict[str, ir.Node]:
    """The segments and traits that the node uses, directly or through others, in the order of their first mention."""
    found: dict[str, ir.Node] = {}
    queue: list[Any] = [node]
    for current in queue:
        for part in walk(current):
            if isinstance(part, ir.SegmentRef | ir.TraitRef) and part.name not in found:
                body = _body(part, program)
                if body is not None:
                    found[part.name] = body
                    queue.append(body)
    return found


def _body(reference: ir.SegmentRef | ir.TraitRef, program: ir.Program) -> ir.Node | None:
    if isinstance(reference, ir.SegmentRef):
        return program.segments.get(reference.name)
    return program.traits.get(reference.name)
