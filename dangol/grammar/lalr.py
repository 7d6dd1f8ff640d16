"""Runs the parse tables over a line: no recursion, bounded nesting, and where it gets stuck, everything known there."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from dangol.diagnostics import Span
from dangol.grammar.tables import Rule, Tables
from dangol.grammar.tokens import END, Broken, Problem, Token

NESTING = 50

Action = Callable[..., Any]


class Tokens(Protocol):
    def next(self, accepts: Collection[str]) -> Token: ...

    def mend(self, token: Token, accepts: Collection[str]) -> Token | None: ...


@dataclass
class Stuck(Exception):
    """The token that no rule takes, those read before it, and the symbols that would have been taken."""

    token: Token
    before: list[Token]
    accepts: frozenset[str]


@dataclass
class Stack:
    """The states, values and their spans, in step."""

    states: list[int]
    values: list[Any]
    starts: list[int]
    ends: list[int]

    def push(self, state: int, value: Any, start: int, end: int) -> None:
        self.states.append(state)
        self.values.append(value)
        self.starts.append(start)
        self.ends.append(end)

    def pop(self, size: int) -> tuple[list[Any], int, int]:
        values, start, end = self.values[-size:], self.starts[-size], self.ends[-1]
        for column in (self.states, self.values, self.starts, self.ends):
            del column[-size:]
        return values, start, end


def run(tables: Tables, kind: str, tokens: Tokens, actions: Sequence[Action]) -> Any:
    """What `actions` (one per rule) make of the tokens. Raises Stuck, Broken."""
    stack = Stack([tables.starts[kind]], [None], [0], [0])
    table, end_state, nesting = tables.states, tables.ends[kind], Nesting()
    before: list[Token] = []
    while True:
        row = table[stack.states[-1]]
        token = tokens.next(row)
        if row.get(token.type, -1) < 0 and not _fits(tables, stack.states, token.type, end_state):
            accepts = frozenset(symbol for symbol in row if _fits(tables, stack.states, symbol, end_state))
            token = tokens.mend(token, accepts) or _stuck(token, before, accepts)
        nesting.see(token)
        while (target := row[token.type]) < 0:
            _reduce(table, stack, tables.rules[-1 - target], actions[-1 - target])
            if token.type == END and stack.states[-1] == end_state:
                return stack.values[-1]
            row = table[stack.states[-1]]
        before.append(token)
        stack.push(target, token, token.start, token.end)


def _stuck(token: Token, before: list[Token], accepts: frozenset[str]) -> Token:
    raise Stuck(token, before, accepts)


def _fits(tables: Tables, states: Sequence[int], symbol: str, end_state: int) -> bool:
    """Whether the symbol can come next; a state alone knows only that it can somewhere."""
    if symbol[0] == "@":
        return False
    path = list(states)
    while (target := tables.states[path[-1]].get(symbol)) is not None and target < 0:
        rule = tables.rules[-1 - target]
        del path[-rule.size :]
        path.append(tables.states[path[-1]][rule.origin])
        if symbol == END and path[-1] == end_state:
            return True
    return target is not None


def _reduce(table: Sequence[dict[str, int]], stack: Stack, rule: Rule, action: Action) -> None:
    values, start, end = stack.pop(rule.size)
    if not rule.action:
        value = values[rule.kept[0]]
    else:
        value = _kept(rule, values) if rule.action == "[]" else action(Span(start, end), *_kept(rule, values))
    stack.push(table[stack.states[-1]][rule.origin], value, start, end)


def _kept(rule: Rule, values: list[Any]) -> list[Any]:
    if not rule.spliced:
        return [values[n] for n in rule.kept]
    # A list that grows by its own rule is extended in place, or a chain would take quadratic time.
    kept: list[Any] = values[rule.kept[0]] if rule.action == "[]" and 0 in rule.spliced else []
    for n in rule.kept[1:] if kept else rule.kept:
        if n in rule.spliced:
            kept.extend(values[n])
        else:
            kept.append(values[n])
    return kept


class Nesting:
    """Counts what is open: brackets, `case … end`, and runs of `not` and `-`."""

    def __init__(self) -> None:
        self.depth = 0
        self.prefixes = 0

    def see(self, token: Token) -> None:
        if token.type in ("(", "case"):
            self.depth += 1
        elif token.type in (")", "end"):
            self.depth -= 1
        self.prefixes = self.prefixes + 1 if token.type in ("not", "-") else 0
        if self.depth > NESTING or self.prefixes > NESTING:
            message = f"This is nested more than {NESTING} deep; give the inner part a name of its own."
            raise Broken(Problem("E102", message, token.span))
