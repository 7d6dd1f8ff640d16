"""Random lines on random data: the engine answers what the oracle answers, or both refuse.

150 examples, always the same, by default; `DANGOL_EXAMPLES=20000` looks for new ones.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from dangol.diagnostics import DangolError, Line
from dangol.grammar.parser import parse
from dangol.grammar.printer import print_node
from tests import engine_path
from tests.oracle.evaluate import members
from tests.oracle.shorthand import Ambiguous
from tests.properties.lines import Writer
from tests.properties.vocabulary import LISTS, Sample, samples

EXAMPLES = int(os.environ.get("DANGOL_EXAMPLES", "150"))
PROFILE = settings(
    max_examples=EXAMPLES,
    derandomize="DANGOL_EXAMPLES" not in os.environ,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


@dataclass(frozen=True)
class Question:
    """A line, the definitions it may use, and the data it is asked of."""

    sample: Sample
    segments: dict[str, str]
    traits: dict[str, str]
    line: str


@st.composite
def questions(draw: st.DrawFn, depth: int = 3) -> Question:
    sample = draw(samples())
    writer = Writer(draw, sample)
    segments: dict[str, str] = {}
    traits: dict[str, str] = {}
    if draw(st.booleans()):
        traits["score"] = writer.value("number", 2)
        writer.traits["score"] = "number"
    if draw(st.booleans()):
        segments["regulars"] = writer.condition(2)
        writer.segments.append("regulars")
    return Question(sample, segments, traits, writer.condition(depth))


def oracle_answer(asked: Question) -> set[str] | str:
    """The ids, or `ambiguous`."""
    try:
        segments = {name: engine_path.expression(text) for name, text in asked.segments.items()}
        traits = {name: engine_path.expression(text) for name, text in asked.traits.items()}
        return members(engine_path.expression(asked.line), asked.sample.world(segments, traits), asked.sample.at)
    except Ambiguous:
        return "ambiguous"


AMBIGUOUS_CODES: frozenset[str] = frozenset({"E211"})


def engine_answer(asked: Question) -> set[str] | str:
    """The ids, or `ambiguous`, or the errors."""
    sample = asked.sample
    try:
        project = engine_path.checked_project(sample.catalog, asked.segments, asked.traits, sample.zone_name)
        if project.has_errors:
            raise DangolError(*(each for each in project.diagnostics if each.is_error))
        data = engine_path.state(sample.customers, sample.events, sample.catalog, LISTS, sample.zone_name)
        return engine_path.engine_members(asked.line, project, data, sample.at, sample.zone_name)
    except DangolError as error:
        codes = {each.code for each in error.diagnostics}
        return "ambiguous" if codes & AMBIGUOUS_CODES else str(error)


@given(questions())
@PROFILE
def test_engine_and_oracle_agree(asked: Question) -> None:
    note(asked.line)
    assert engine_answer(asked) == oracle_answer(asked)


@given(questions())
@PROFILE
def test_a_line_survives_printing_and_parsing(asked: Question) -> None:
    tree = engine_path.expression(asked.line)
    printed = print_node(tree)
    again, found = parse(Line.of(printed), "expression")
    assert again == tree, (printed, found)
