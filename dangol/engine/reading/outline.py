"""A condition as a numbered outline: one line for each thing that is true or false by itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dangol.engine import ir
from dangol.engine.reading.english import English
from dangol.engine.reading.korean import Korean
from dangol.engine.reading.literals import peel

Reader = English | Korean


@dataclass(frozen=True)
class Outline:
    """A line, what stands under it, and the node it says."""

    text: str
    node: ir.Node
    items: tuple[Outline, ...] = ()


def outline(node: ir.Node, reader: Reader) -> Outline:
    """`and` and `or` opened up as far as they go; values and everything else are one line."""
    if not isinstance(node, ir.Condition):
        return Outline(reader.value(node), node)
    positive, core = peel(node)
    if not isinstance(core, ir.And | ir.Or):
        return Outline(reader.condition(node), node)
    heads = {
        (ir.And, True): reader.both,
        (ir.Or, True): reader.either,
        (ir.And, False): reader.not_both,
        (ir.Or, False): reader.neither,
    }
    return Outline(heads[type(core), positive], node, tuple(outline(item, reader) for item in core.items))


def lines(found: Outline, number: str = "", depth: int = 0) -> Iterator[str]:
    """The outline as text, members numbered 1, 1.1, 1.1.1 …"""
    head = f"{number}. " if number else ""
    yield "   " * depth + head + found.text + (":" if found.items else "")
    for position, item in enumerate(found.items, 1):
        yield from lines(item, f"{number}.{position}" if number else str(position), depth + 1)
