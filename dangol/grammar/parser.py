"""A line of any kind to its syntax tree, or to what is wrong with it; never raises and never takes long."""

from __future__ import annotations

from functools import cache
from typing import Any

from dangol.diagnostics import Diagnostic, Line, Span, diagnose
from dangol.grammar import ast, lalr
from dangol.grammar.build import Build
from dangol.grammar.lexer import Lexer
from dangol.grammar.tables import tables
from dangol.grammar.tokens import Broken, Problem

LONGEST, DEEPEST, MOST = 10_000, 180, 50
"""Characters of a line, levels of its tree (passes over it may recurse), and diagnostics of one line."""


def parse(line: Line, kind: ast.LineKind) -> tuple[ast.Root | None, list[Diagnostic]]:
    """The tree of a line read as `kind` and no diagnostics, or None and at least one error."""
    problems: list[Problem] = []
    root = _read(line.text, kind, problems)
    if problems:
        in_order = sorted(problems, key=lambda problem: problem.span.start)
        return None, [_diagnostic(problem, line) for problem in in_order[:MOST]]
    return root, []


def _diagnostic(problem: Problem, line: Line) -> Diagnostic:
    return diagnose(problem.code, problem.message, line, problem.span, hints=problem.hints, label=problem.label)


def _read(text: str, kind: ast.LineKind, problems: list[Problem]) -> ast.Root | None:
    if len(text) > LONGEST:
        message = f"This line has {len(text):,} characters; a line has at most {LONGEST:,}."
        problems.append(Problem("E101", message, Span(0, 1), ("give parts of it names of their own",)))
        return None
    builder = Build(text, problems)
    actions = [getattr(builder, action) for action in _actions()]
    try:
        root: ast.Root = lalr.run(tables(), kind, Lexer(text, problems), actions)
    except Broken as broken:
        problems.append(broken.problem)
    except lalr.Stuck as stuck:
        if not any(problem.span.start == stuck.token.start for problem in problems):
            problems.append(_mistake(stuck, text, kind))
    else:
        _limit_depth(root, problems)
        return root
    return None


def _mistake(stuck: lalr.Stuck, text: str, kind: ast.LineKind) -> Problem:
    from dangol.grammar import mistakes  # a project without mistakes starts faster

    return mistakes.explain(stuck, text, kind)


@cache
def _actions() -> tuple[str, ...]:
    """The builder's method for each rule; rules without one never call it."""
    return tuple(rule.action if rule.action.isidentifier() else "literal" for rule in tables().rules)


def _limit_depth(root: Any, problems: list[Problem]) -> None:
    level, depth = [root], 0
    while level:
        depth += 1
        if depth > DEEPEST:
            message = "This is nested too deep; give the inner part a name of its own."
            problems.append(Problem("E102", message, level[0].span))
            return
        level = [child for node in level for child in _children(node)]


def _children(node: ast.Node) -> list[ast.Node]:
    children: list[ast.Node] = []
    values: list[Any] = list(vars(node).values())
    for value in values:
        if isinstance(value, ast.Node):
            children.append(value)
        elif type(value) is tuple:
            values.extend(value)
    return children
