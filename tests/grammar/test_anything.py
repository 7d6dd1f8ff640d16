"""Whatever is written ends in a tree or in diagnostics, soon, and no tree is too deep to walk."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dangol.diagnostics import Line
from dangol.grammar.parser import DEEPEST, LONGEST, parse
from dangol.grammar.printer import print_node
from dangol.grammar.tables import KINDS, tables

from .test_mistakes import BESIDE, EXPRESSIONS, SCENARIOS

PIECES = [
    *tables().words,
    "a",
    "x.y",
    "장바구니",
    "7d",
    "30%",
    "2026-01-01",
    "10:00",
    '"t"',
    "'",
    "“",
    "→",
    "/r/",
    "3+ times",
    " ",
    "\n",
    "",
    "_",
    "10만원",
    "1,000",
    "（",
    "\u0301",
    "\u200b",
    "\x00",
    "😀",
    "\ud800",
    "%",
    "$",
    "1-2",
    "2pp",
    "* * * * *",
]


def survives(text, kind):
    root, problems = parse(Line.of(text), kind)
    assert (root is None) == bool(problems)
    assert all(problem.is_error and problem.message for problem in problems)
    if root is not None and len(printed := print_node(root)) <= LONGEST:
        assert parse(Line.of(printed), kind) == (root, [])


@settings(max_examples=300, deadline=1000)
@given(st.text(max_size=60), st.sampled_from(KINDS))
def test_random_strings(text, kind):
    survives(text, kind)


@settings(max_examples=500, deadline=1000)
@given(st.lists(st.sampled_from(PIECES), max_size=14), st.sampled_from(KINDS), st.sampled_from(["", " "]))
def test_random_words(pieces, kind, gap):
    survives(gap.join(pieces), kind)


def test_mutated_lines():
    lines = [("expression", line) for line in EXPRESSIONS] + [("scenario", line) for line in SCENARIOS] + list(BESIDE)
    chance = random.Random(7)
    for kind, line in lines * 8:
        at, to = chance.randrange(len(line) + 1), chance.randrange(len(line) + 1)
        survives(line[:at] + chance.choice(PIECES) + line[to:], kind)


def chain(piece, joint, begin="", end=""):
    return begin + joint.join([piece] * ((LONGEST - 20) // len(piece + joint))) + end


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        (chain("a", " and "), "expression"),
        (chain("a", " or "), "expression"),
        (chain("1", " + "), "expression"),
        (chain("1", " * "), "expression"),
        (chain("a", " followed by "), "expression"),
        (chain("when a then 1", " ", "case ", " end"), "expression"),
        (chain("push x", " → ", "a → "), "scenario"),
        (chain("push x", " else ", "a → "), "scenario"),
        (chain('"a"', ", ", "x in (", ")"), "expression"),
        (chain("a 1%", ", "), "split"),
        ("(" * 50 + "a" + ")" * 50, "expression"),
        ("not " * 50 + "a", "expression"),
        ("f(" * 50 + "a" + ")" * 50, "expression"),
        ('"' + "(" * 9000 + '" = x', "expression"),
    ],
)
def test_long_chains_are_read(line, kind):
    root, problems = parse(Line.of(line), kind)
    assert not problems
    assert repr(root)
    assert hash(root)
    assert print_node(root).split() == line.split()


@pytest.mark.parametrize(
    "line",
    [
        "(" * 10_000,
        "(" * 51 + "a" + ")" * 51,
        "not " * 51 + "a",
        "-" * 9999 + "1",
        "case when " * 900,
        "f(" * 4900,
        ("not " * 49 + "(") * 40,
        "(a = 1 or not (b + -(" * 45,
        "a followed by (" * 600,
        "x in " + "(" * 9000,
    ],
)
def test_deep_nesting_is_an_error(line):
    root, [problem] = parse(Line.of(line), "expression")
    assert root is None
    assert problem.code in ("E102", "E106", "E111", "E110")


def test_a_tree_can_be_walked_with_few_frames_per_level():
    line = "not (a = 1 or 1 = 2 + 3 * -f(" * 25 + "c" + "))" * 25
    assert DEEPEST * 4 < 1000
    assert [problem.code for problem in parse(Line.of(line), "expression")[1]] == ["E102"]
    deepest = "(" * 50 + "a" + ")" * 50
    assert print_node(parse(Line.of(deepest), "expression")[0]) == deepest


@pytest.mark.parametrize(
    "line",
    [
        "a and " * 200_000,
        "a" * 1_000_000,
        '"' * 1_000_000,
        chain("x", " "),
        chain("a wihtin 7d", " and "),
        chain("1h2min", ""),
        chain("1,111", ""),
        chain("“", ""),
        chain("a==1", " && "),
        chain("e\u0301", ""),
        chain("a.", ""),
        chain("1-", ""),
        chain("where b = 1", " ", "a "),
        chain("since 2026-01-01", " ", "a followed by b "),
        chain("between 1", " ", "a "),
    ],
)
def test_nothing_takes_long(line):
    began = time.process_time()
    parse(Line.of(line), "expression")
    assert time.process_time() - began < 2
