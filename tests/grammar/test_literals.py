"""Every spelling of a literal, and what is said of those that are none."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction

import pytest

from dangol.diagnostics import Line
from dangol.grammar import ast
from dangol.grammar.parser import parse

KST = dt.timezone(dt.timedelta(hours=9))


def value(text):
    root, problems = parse(Line.of(f"x = {text}"), "expression")
    assert not problems, problems
    return root.right


def clause(text, subject="x"):
    root, problems = parse(Line.of(f"{subject} {text}"), "expression")
    assert not problems, problems
    return root.clauses[0]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("3", 3),
        ("2.5", Fraction(5, 2)),
        ("1_000_000", 10**6),
        ("10k", 10**4),
        ("2M", 2 * 10**6),
        ("100만", 10**6),
        ("1.5억", 150_000_000),
        ("-3", -3),
        ("0", 0),
        ("999999999999999999", 10**18 - 1),
    ],
)
def test_numbers(text, number):
    assert value(text) == ast.Number(Fraction(number))
    assert value(text).written == text


def test_a_share_is_a_number():
    assert value("30%") == ast.Number(Fraction(3, 10), True)
    assert value("-2.5%") == ast.Number(Fraction(-1, 40), True)


@pytest.mark.parametrize(
    ("text", "amount", "unit"),
    [
        ("30s", 30, "s"),
        ("15min", 15, "min"),
        ("36h", 36, "h"),
        ("1.5d", Fraction(3, 2), "d"),
        ("2w", 2, "w"),
        ("3mo", 3, "mo"),
        ("1y", 1, "y"),
        ("7 days", 7, "d"),
        ("1 hour", 1, "h"),
        ("7일", 7, "d"),
        ("2주", 2, "w"),
        ("3개월", 3, "mo"),
        ("1년", 1, "y"),
        ("1시간", 1, "h"),
        ("30분", 30, "min"),
        ("7 일", 7, "d"),
        ("7days", 7, "d"),
    ],
)
def test_durations(text, amount, unit):
    assert clause(f"within {text}") == ast.Within(ast.Duration(Fraction(amount), unit))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-31", ast.Date(dt.date(2026, 1, 31))),
        ("2026-01-31T10:00", ast.Instant(dt.datetime(2026, 1, 31, 10))),
        ("2026-01-31T10:00:05.25", ast.Instant(dt.datetime(2026, 1, 31, 10, 0, 5, 250_000))),
        ("2026-01-31T10:00+09:00", ast.Instant(dt.datetime(2026, 1, 31, 10, tzinfo=KST))),
        ("2026-01-31T01:00Z", ast.Instant(dt.datetime(2026, 1, 31, 1, tzinfo=dt.UTC))),
        ("today", ast.Moment("today")),
        ("true", ast.Boolean(True)),
    ],
)
def test_dates_instants_and_booleans(text, expected):
    assert value(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"a"', "a"),
        ("'a'", "a"),
        ("“a”", "a"),
        (r'"a\"b\\c\n"', 'a"b\\c\\n'),
        ('"it\'s"', "it's"),
        ('"e\u0301"', "é"),
        ('"→ and ("', "→ and ("),
        ('""', ""),
        ('“a"b”', 'a"b'),
    ],
)
def test_texts(text, expected):
    assert value(text) == ast.Text(expected)


def test_a_slash_is_a_pattern_only_after_matches():
    assert parse(Line.of(r"x matches /a\/b\d/"), "expression")[0].argument == ast.Regex(r"a/b\d")
    assert isinstance(parse(Line.of("x / 2 / 3 > 1"), "expression")[0].left, ast.Product)


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("3+ times", 3, None),
        ("at least 3 times", 3, None),
        ("exactly 1 time", 1, 1),
        ("at most 2 times", 0, 2),
        ("2..5 times", 2, 5),
        ("once", 1, 1),
        ("twice", 2, 2),
        ("exactly  0\n times", 0, 0),
    ],
)
def test_times(text, low, high):
    assert clause(text) == ast.Times(low, high)


WRONG = [
    ("x within 15m", "E108", "15m", "write `15min` for minutes"),
    ("x within 1h30min", "E108", "1h30min", "write `90min`"),
    ("x within 7D", "E108", "7D", "write `7d`"),
    ("x within 7일간", "E108", "7일간", "write `7일`"),
    ("x within 1.5mo", "E108", "1.5mo", "write `45d`"),
    ("x within 7", "E108", "7", "write `7d` for days"),
    ("x within 300y", "E108", "300y", None),
    ("x >= 10만원", "E107", "10만원", "write `10만`"),
    ("x >= 1,000,000", "E107", "1,000,000", "write `1_000_000`"),
    ("x >= 10K", "E107", "10K", "write `10k`"),
    ("x >= 1000000000000000000", "E107", "1000000000000000000", None),
    ("x = 1.2.3", "E107", "1.2.3", 'write `"1.2.3"`'),
    ("x in (100,200)", "E107", "100,200", "write `100_200`"),
    ("x = 2026-02-30", "E109", "2026-02-30", "write `2026-02-28`"),
    ("x = 2024-02-30", "E109", "2024-02-30", "write `2024-02-29`"),
    ("x = 2026-13-01", "E109", "2026-13-01", None),
    ("x = 2026-1-5", "E109", "2026-1-5", "write `2026-01-05`"),
    ("x = 2026/01/05", "E109", "2026/01/05", "write `2026-01-05`"),
    ("x = 10-3", "E109", "10-3", "to subtract, write spaces: `10 - 3`"),
    ("x = 0001-01-01", "E109", "0001-01-01", None),
    ("x 30-60d ago", "E109", "30-60d", "for a window, write `30d..60d ago`"),
    ("x since 2026-01-01T25:00", "E109", "2026-01-01T25:00", None),
    ("x 5..2 times", "E117", "5..2 times", "write `2..5 times`"),
]


@pytest.mark.parametrize(("line", "code", "under", "hint"), WRONG)
def test_near_misses(line, code, under, hint):
    root, [problem] = parse(Line.of(line), "expression")
    assert root is None
    assert (problem.code, line[problem.column - 1 : problem.end_column - 1]) == (code, under)
    assert next(iter(problem.hints), None) == hint


def test_several_wrong_literals_are_reported_at_once():
    _, problems = parse(Line.of("x = 10만원 and y > 2026-02-30 and z within 3m"), "expression")
    assert [problem.code for problem in problems] == ["E107", "E109", "E108"]
