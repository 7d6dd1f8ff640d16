"""What a marketer meant where a line cannot be read on: one sentence, the place, and the mend."""

from __future__ import annotations

from dangol.grammar import ast
from dangol.grammar.lalr import Stuck
from dangol.grammar.tokens import END, Problem, Token


def explain(stuck: Stuck, text: str, kind: ast.LineKind) -> Problem:
    """The problem of a line that got stuck."""
    return Problem("E110", f"`{stuck.token.text}` is not expected here.", stuck.token.span)
