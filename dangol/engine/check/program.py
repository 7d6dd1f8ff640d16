"""A whole project at once: definitions in the order of their use, then scenarios, then every finding in file order."""

from __future__ import annotations

from collections.abc import Sequence

from dangol.diagnostics import Diagnostic, Line
from dangol.engine import ir
from dangol.engine.catalog import Catalog
from dangol.engine.check.model import Checked, Definition, ScenarioText
from dangol.grammar import ast


def check(
    catalog: Catalog,
    definitions: Sequence[Definition] = (),
    scenarios: Sequence[ScenarioText] = (),
    broken: frozenset[str] = frozenset(),
) -> Checked:
    """Everything that the lines of a project mean.

    `broken` are names of definitions whose line did not parse: using one is not reported again.
    """
    raise NotImplementedError


def check_expression(
    tree: ast.Expr, line: Line, zone: str, checked: Checked
) -> tuple[ir.Condition | ir.Value | None, list[Diagnostic]]:
    """An ad-hoc line in the vocabulary of a project (`check(catalog)` is one without definitions).

    A condition where it can be read as one (an event, a segment, a boolean value), else a value; None when there are
    errors.
    """
    raise NotImplementedError
