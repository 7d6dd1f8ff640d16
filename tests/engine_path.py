"""The one way in which the tests ask the engine: text and rows in, ids or diagnostics out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dangol.diagnostics import DangolError, Diagnostic, Line
from dangol.engine.backends.vector import Evaluation
from dangol.engine.catalog import Catalog
from dangol.engine.check import Checked, Definition, check, check_expression
from dangol.engine.state.model import State
from dangol.engine.state.rows import state_from_rows
from dangol.grammar import ast
from dangol.grammar.parser import parse

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def expression(text: str) -> ast.Expr:
    """The tree of a condition or a value; DangolError when it does not parse."""
    tree, found = parse(Line.of(text), "expression")
    if tree is None or any(diagnostic.is_error for diagnostic in found):
        raise DangolError(*found)
    return tree  # type: ignore[return-value]


def definitions(segments: Mapping[str, str], traits: Mapping[str, str], zone: str) -> list[Definition]:
    """Segments and traits as the checker takes them; DangolError when one of them does not parse."""
    return [
        *(Definition("segment", name, Line.of(text, name), expression(text), zone) for name, text in segments.items()),
        *(Definition("trait", name, Line.of(text, name), expression(text), zone) for name, text in traits.items()),
    ]


def checked_project(catalog: Catalog, segments: Mapping[str, str], traits: Mapping[str, str], zone: str) -> Checked:
    """The checked definitions of a project."""
    return check(catalog, definitions(segments, traits, zone), [])


def state(
    customers: Sequence[Mapping[str, Any]] | None,
    events: Sequence[Mapping[str, Any]],
    catalog: Catalog,
    lists: Mapping[str, Iterable[str]],
    zone: str,
) -> State:
    return state_from_rows(customers, events, catalog, lists, zone)


def engine_members(text: str, project: Checked, data: State, at: dt.datetime, zone: str) -> set[str]:
    """The ids for whom a line is true; DangolError with the errors of a line that does not check."""
    line = Line.of(text)
    node, found = check_expression(expression(text), line, zone, project)
    errors = [diagnostic for diagnostic in found if diagnostic.is_error]
    if errors or node is None:
        raise DangolError(*errors)
    micros = (at - EPOCH) // dt.timedelta(microseconds=1)
    mask = Evaluation(project.program, data, micros).members(node)
    return {data.ids[code] for code in mask.nonzero()[0]}


def diagnosed(
    text: str, catalog: Catalog, segments: Mapping[str, str], traits: Mapping[str, str], zone: str
) -> tuple[Diagnostic, ...]:
    """What is said of a line that stands as a segment beside the others, by the parser or the checker."""
    try:
        asked = Definition("segment", "asked_line", Line.of(text, "asked"), expression(text), zone)
    except DangolError as error:
        return error.diagnostics
    return check(catalog, [*definitions(segments, traits, zone), asked], []).diagnostics


def findings(*asked: Any) -> tuple[Diagnostic, ...]:
    """The errors of what `diagnosed` is asked."""
    return tuple(each for each in diagnosed(*asked) if each.is_error)


def warnings(*asked: Any) -> tuple[Diagnostic, ...]:
    """The warnings about the line itself of what `diagnosed` is asked."""
    return tuple(each for each in diagnosed(*asked) if not each.is_error and each.file == "asked")
