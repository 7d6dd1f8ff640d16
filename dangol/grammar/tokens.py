"""What a line is cut into, and what can be wrong with it before it has a place in a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from dangol.diagnostics import Span
from dangol.grammar.ast import Node

END = "$END"


class Token(NamedTuple):
    """A piece of a line: `type` is a symbol of the tables, `value` what a literal was read as."""

    type: str
    text: str
    start: int
    end: int
    value: Node | str | None = None

    @property
    def span(self) -> Span:
        return Span(self.start, self.end)


@dataclass(frozen=True)
class Problem:
    """A finding about a span of a line; an error."""

    code: str
    message: str
    span: Span
    hints: tuple[str, ...] = ()
    label: str = ""


class Broken(Exception):
    """The line cannot be read any further."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem
