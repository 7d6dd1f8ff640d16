"""Which clause of a phrase belongs to which event, and what is wrong where one belongs to none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from dangol.diagnostics import Span
from dangol.grammar import ast
from dangol.grammar.tokens import Problem


@dataclass(frozen=True)
class Same(ast.Node):
    """`with same …` as read, before it has found its sequence."""

    names: tuple[ast.Name, ...]


@dataclass(frozen=True)
class Loose(ast.Node):
    """A phrase with a `with same …` that no sequence takes: fine as the metric of a KPI, a problem elsewhere."""

    phrase: ast.Expr
    same: Same
    problem: Problem


def gather(span: Span, subject: ast.Expr, clauses: Sequence[Any], text: str, problems: list[Problem]) -> Any:
    """The phrase of a subject and the flat list of clauses that follow it."""
    own, sequences = _portions(clauses)
    phrase = _Phrase(span, text, problems)
    loose = next((clause for clause in own if isinstance(clause, Same)), None)
    own = [clause for clause in own if not isinstance(clause, Same)]
    phrase.one_of_each(own)
    built = [phrase.sequence(part, sequences) for part in sequences]
    tree = ast.Phrase(subject, (*own, *built), span=span) if own or built else subject
    return phrase.loose(tree, loose) if loose else tree


def take_same(metric: Any, problems: list[Problem]) -> tuple[ast.Expr, tuple[ast.Name, ...]]:
    """The metric of a KPI and the properties that tie it to the anchor."""
    if not isinstance(metric, Loose):
        return metric, ()
    problems.remove(metric.problem)
    return metric.phrase, metric.same.names


def _portions(clauses: Sequence[Any]) -> tuple[list[Any], list[list[Any]]]:
    """The clauses before the first sequence, and each sequence with what stands behind it."""
    own: list[Any] = []
    sequences: list[list[Any]] = []
    for clause in clauses:
        if isinstance(clause, ast.Sequence):
            sequences.append([clause])
        else:
            (sequences[-1] if sequences else own).append(clause)
    return own, sequences


def _sort(clause: Any) -> type:
    return type(clause) if isinstance(clause, ast.Where | ast.Times | Same) else ast.TimeClause  # type: ignore[return-value]


_NOUNS = {ast.Where: "`where`", ast.Times: "number of times", Same: "`with same`"}


@dataclass(frozen=True)
class _Phrase:
    """A phrase being put together: where it stands, and where its problems go."""

    span: Span
    text: str
    problems: list[Problem]

    def written(self, span: Span) -> str:
        return self.text[span.start : span.end]

    def problem(self, code: str, message: str, span: Span, *hints: str) -> Problem:
        self.problems.append(Problem(code, message, span, hints))
        return self.problems[-1]

    def loose(self, tree: ast.Expr, same: Same) -> Loose:
        message = "`with same` says what the second event shares with the first; there is no second event here."
        hint = f"write it behind `followed by …`: `followed by EVENT {self.written(same.span)}`"
        return Loose(tree, same, self.problem("E114", message, same.span, hint), span=self.span)

    def one_of_each(self, clauses: Sequence[Any]) -> None:
        seen: dict[Any, Any] = {}
        for clause in clauses:
            first = seen.setdefault(_sort(clause), clause)
            if first is not clause:
                self.second(first, clause)

    def second(self, first: Any, clause: Any) -> None:
        noun = _NOUNS.get(type(clause), "time clause")
        one, other = self.written(first.span), self.written(clause.span)
        message = f"This phrase has a {noun} already: `{one}`."
        hint = f"keep either `{one}` or `{other}`"
        if isinstance(clause, ast.Where):
            conditions = (self.written(where.condition.span) for where in (first, clause))
            hint = f"write `where ({' and '.join(conditions)})`"
        self.problem("E112", message, clause.span, hint)

    def sequence(self, part: list[Any], sequences: list[list[Any]]) -> ast.Sequence:
        """The sequence with the `where`, gap and `with same` behind it; anything else there is a problem."""
        head: ast.Sequence = part[0]
        tail = part[1:]
        self.one_of_each([clause for clause in tail if isinstance(clause, ast.Where | Same)])
        gaps = [clause for clause in tail if isinstance(clause, ast.Within) and head.kind != "within of"]
        for gap in gaps[1:]:
            self.second(gaps[0], gap)
        for clause in tail:
            if isinstance(clause, ast.Where):
                span = head.other.span.to(clause.span)
                head = replace(head, other=ast.Phrase(head.other, (clause,), span=span))
            elif isinstance(clause, Same):
                head = replace(head, same=clause.names)
            elif isinstance(clause, ast.Within) and head.gap is None:
                head = replace(head, gap=clause.duration)
            elif clause not in gaps:
                self.misplaced(clause, head, sequences[0][0])
        return replace(head, span=head.span.to(tail[-1].span)) if tail else head

    def misplaced(self, clause: Any, head: ast.Sequence, first: ast.Sequence) -> None:
        written, other = self.written(clause.span), self.written(head.other.span)
        message = f"`{written}` cannot stand behind `{other}`; it belongs before `{self.opening(first)}`."
        hints = [f"write `{self.moved(clause.span, first.span)}`"]
        if not isinstance(clause, ast.Times):
            inner = other[1:-1] if isinstance(head.other, ast.Bracket) else other
            hints.append(f"or, if it is about `{other}`, `{self.opening(head)} ({inner} {written})`")
        self.problem("E113", message, clause.span, *hints)

    def opening(self, sequence: ast.Sequence) -> str:
        return " ".join(self.text[sequence.span.start : sequence.other.span.start].split())

    def moved(self, clause: Span, before: Span) -> str:
        """The phrase with the clause moved to stand before a sequence."""
        parts = (
            Span(self.span.start, before.start),
            clause,
            Span(before.start, clause.start),
            Span(clause.end, self.span.end),
        )
        return " ".join(" ".join(self.written(part).split()) for part in parts).strip()
