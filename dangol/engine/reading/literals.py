"""What every language shares: names in backticks, numbers, texts, dates; conditions without their negations."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from dangol.engine import ir
from dangol.engine.reading import times


@dataclass(frozen=True)
class Words:
    """The language-independent part of a reader: `zone` is where a literal instant is shown."""

    zone: str = "UTC"


def peel(node: ir.Condition) -> tuple[bool, ir.Condition]:
    """The condition without its outer negations, and whether an even number of them was taken off."""
    positive = True
    while isinstance(node, ir.Not) or (isinstance(node, ir.And | ir.Or) and len(node.items) == 1):
        if isinstance(node, ir.Not):
            positive, node = not positive, node.item
        else:
            node = node.items[0]
    return positive, node


def names(*parts: str) -> str:
    """Names in backticks."""
    return ", ".join(f"`{part}`" for part in parts)


def quantity(value: float | int | Fraction | None) -> str:
    """`1,000,000`, `2.5`: as precise as the value."""
    if value is None:
        return "?"
    number = float(value)
    if number.is_integer() and abs(number) < 1e15:
        return f"{int(number):,}"
    return f"{number:,.15g}" if abs(number) < 1e15 else repr(number)


def percent(value: float | str | bool | int | Fraction) -> str:
    """A share as percent: `12.5%`"""
    share = Fraction(str(value)) if isinstance(value, float) else Fraction(value)
    return f"{quantity(share * 100)}%"


def quoted(text: str) -> str:
    """A text as it would be written: in double quotes, with backslashes before quotes and backslashes."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def constant(node: ir.Constant, zone: str) -> str:
    """A literal; a date as its day, an instant in `zone`."""
    value = node.value
    match node.type:
        case "boolean":
            return "true" if value else "false"
        case "date" if isinstance(value, int):
            return times.day_text(value)
        case "instant" if isinstance(value, int):
            return f"{times.instant_text(value, zone)} ({zone})"
        case "number" if not isinstance(value, str):
            return quantity(value)
        case "version":
            return str(value)
    return quoted(str(value))


def is_empty(window: ir.Window | None) -> bool:
    """Whether the window lets every time in."""
    return window is None or (window.low is None and window.high is None)


def clock(minutes: int) -> str:
    """Minutes since midnight as `09:30`."""
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def shares(arms: Iterable[tuple[str, Fraction]]) -> str:
    """`discount 45%, control 55%`"""
    return ", ".join(f"{name} {percent(share)}" for name, share in arms)
