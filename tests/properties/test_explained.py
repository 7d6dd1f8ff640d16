"""Random lines on random data: both languages read them, and an explanation agrees with membership in every part."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from hypothesis import assume, given, note

from dangol.diagnostics import DangolError, Line
from dangol.engine import ir
from dangol.engine.backends.vector import Evaluation
from dangol.engine.check import check_expression
from dangol.engine.explanation import Part, explain
from dangol.engine.reading import in_full, read, reader
from dangol.engine.reading.literals import peel
from dangol.views.explain import Style, as_json, as_text
from tests import engine_path
from tests.properties.test_differential import PROFILE, Question, questions
from tests.properties.vocabulary import LISTS

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def checked(asked: Question) -> tuple[ir.Condition, Evaluation, ir.Program]:
    """The line's node and an evaluation; lines that do not check are left out."""
    sample = asked.sample
    try:
        project = engine_path.checked_project(sample.catalog, asked.segments, asked.traits, sample.zone_name)
        tree = engine_path.expression(asked.line)
    except DangolError:
        assume(False)
    assume(not project.has_errors)
    node, _ = check_expression(tree, Line.of(asked.line), sample.zone_name, project)
    assume(node is not None)
    assert isinstance(node, ir.Condition)
    data = engine_path.state(sample.customers, sample.events, sample.catalog, LISTS, sample.zone_name)
    at = (sample.at - EPOCH) // dt.timedelta(microseconds=1)
    return node, Evaluation(project.program, data, at), project.program


def parts(part: Part) -> Iterator[Part]:
    yield part
    for item in part.items:
        yield from parts(item)


def agrees(part: Part) -> bool:
    """Whether a condition's answer follows from what stands under it."""
    assert isinstance(part.node, ir.Condition)
    positive, core = peel(part.node)
    under = [item.holds for item in part.items if item.holds is not None]
    match core:
        case ir.And():
            return part.holds == (all(under) is positive)
        case ir.Or():
            return part.holds == (any(under) is positive)
        case ir.SegmentRef() if under:
            return part.holds == (under[0] is positive)
        case ir.Matches(_, low, high) if part.events is not None:
            return part.holds == (
                (low <= part.events.count and (high is None or part.events.count <= high)) is positive
            )
    return True


@given(questions())
@PROFILE
def test_explanations_agree_with_membership(asked: Question) -> None:
    note(asked.line)
    node, evaluation, program = checked(asked)
    members = evaluation.members(node)
    for code, customer in enumerate(evaluation.state.ids):
        found = explain(node, customer, evaluation, reader("en", asked.sample.zone_name))
        assert found.root.holds == bool(members[code])
        if found.known and not _travels(found.root):
            assert all(agrees(part) for part in parts(found.root) if part.holds is not None)
        style = Style(program, asked.sample.zone_name)
        assert as_text(found, style)
        assert as_json(found, style)["tree"]["holds"] == found.root.holds


def _travels(root: Part) -> bool:
    """At another instant a customer may not have existed: then every condition there is false, negations too."""
    return any(isinstance(part.node, ir.ConditionAsOf | ir.ValueAsOf) for part in parts(root))


@given(questions())
@PROFILE
def test_every_line_is_read_in_both_languages(asked: Question) -> None:
    node, _, program = checked(asked)
    for lang in ("en", "ko"):
        text = read(node, program, lang, asked.sample.zone_name)  # type: ignore[arg-type]
        assert text.count("[") == text.count("]")
        assert "\n" not in text
        assert list(in_full(node, program, lang))  # type: ignore[arg-type]
