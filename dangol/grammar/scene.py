"""The place where a line got stuck, as the rules for mistakes look at it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dangol.diagnostics import Span
from dangol.grammar import ast
from dangol.grammar.tokens import END, Problem, Token

OUTSIDE = Token(END, "", 0, 0)


@dataclass(frozen=True)
class Scene:
    """Where the line got stuck: at `token`, after `before`; `accepts` would have gone on."""

    token: Token
    before: list[Token]
    accepts: frozenset[str]
    text: str
    kind: ast.LineKind

    @property
    def at(self) -> str:
        return self.token.type

    def back(self, steps: int) -> Token:
        """The token some steps before the one that does not fit."""
        return self.before[-steps] if steps <= len(self.before) else OUTSIDE

    @property
    def last(self) -> Token:
        return self.back(1)

    @property
    def takes_value(self) -> bool:
        return {"(", "NAME", "NUMBER"} <= self.accepts

    def open_brackets(self) -> list[int]:
        """The places in `before` of the brackets and `case`s that are open."""
        places: list[int] = []
        for n, token in enumerate(self.before):
            if token.type in ("(", "case"):
                places.append(n)
            elif token.type in (")", "end") and places:
                places.pop()
        return places

    def compared_call(self) -> str | None:
        """The text of `count(…)` where what comes before is `count(…) > 3`."""
        if self.back(3).type != ")":
            return None
        depth, closing = 0, len(self.before) - 3
        for n in range(closing, 0, -1):
            depth += {")": 1, "(": -1}.get(self.before[n].type, 0)
            if not depth:
                return self.text[self.before[n - 1].start : self.before[closing].end]
        return None

    def since_joint(self) -> Iterator[Token]:
        """The tokens back to the last `and`, `or`, `not`, arrow or open bracket."""
        for token in reversed(self.before):
            if token.type in ("and", "or", "not", "_ARROW", "if", "when", "then", "else", "("):
                return
            yield token

    def problem(self, code: str, message: str, *hints: str, span: Span | None = None) -> Problem:
        return Problem(code, message, span or self.token.span, hints)
