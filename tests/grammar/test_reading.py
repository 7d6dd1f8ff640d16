"""Which words belong together: precedence, clauses, names that look like keywords."""

from __future__ import annotations

from fractions import Fraction

import pytest

from dangol.diagnostics import Line, Span
from dangol.grammar import ast, tables
from dangol.grammar.lexer import RESERVED
from dangol.grammar.parser import parse
from dangol.grammar.printer import print_node


def read(text, kind="expression"):
    root, problems = parse(Line.of(text), kind)
    assert not problems, problems
    return root


def name(text):
    return ast.Name(tuple(text.split(".")))


def days(count):
    return ast.Duration(Fraction(count), "d")


def test_or_is_looser_than_and_is_looser_than_not():
    a, b, c = map(name, "abc")
    assert read("a or b and not c") == ast.Or((a, ast.And((b, ast.Not(c)))))


def test_not_takes_the_whole_phrase():
    assert read("not b within 7d") == ast.Not(ast.Phrase(name("b"), (ast.Within(days(7)),)))
    assert read("never b within 7d") == ast.Never(ast.Phrase(name("b"), (ast.Within(days(7)),)))


def test_the_end_of_between_is_not_a_condition():
    root = read("x between 1 and 2 + 1 and y")
    assert isinstance(root, ast.And)
    assert isinstance(root.items[0], ast.Between)


def test_between_dates_is_a_clause():
    assert isinstance(read("x between 2026-01-01 and today").clauses[0], ast.BetweenDates)
    assert isinstance(read("x between 1 and today"), ast.Between)


def test_the_first_window_after_a_property_belongs_to_it():
    root = read("viewed where price_changed_at within 7d within 30d")
    assert root.clauses == (
        ast.Where(ast.Phrase(name("price_changed_at"), (ast.Within(days(7)),))),
        ast.Within(days(30)),
    )


def test_a_window_after_a_comparison_belongs_to_the_event():
    root = read("count(viewed where product = last(cart_added.product) within 14d 3+ times) > 1")
    assert [type(clause) for clause in root.left.argument.clauses] == [ast.Where, ast.Within, ast.Times]


def test_a_sequence_takes_where_gap_and_same():
    root = read("a followed by b where c = 1 within 3d with same (p, q) not followed by d")
    first, second = root.clauses
    assert first.other == ast.Phrase(name("b"), (ast.Where(ast.Compare("=", name("c"), ast.Number(Fraction(1)))),))
    assert (first.gap, first.same) == (days(3), (name("p"), name("q")))
    assert second == ast.Sequence("not followed by", name("d"))


def test_within_of_is_a_sequence():
    assert read("a within 7d within 3d of b").clauses == (
        ast.Within(days(7)),
        ast.Sequence("within of", name("b"), days(3)),
    )


def test_as_of_binds_to_a_name_or_a_bracket():
    assert read("a and b as of 30d ago").items[1] == ast.AsOf(name("b"), days(30))


def test_nothing_else_is_reserved():
    words = {word.split()[0] for word in tables.tables().words if word[0].isalpha()} - RESERVED
    for word in sorted(words):
        assert read(f"{word} within 7d and last({word}) > 3").items[0].subject == name(word)
        assert read(f"visited where {word} = 1 followed by {word}").clauses[1].other == name(word)


@pytest.mark.parametrize(
    "word", sorted(RESERVED - {"not", "never", "did", "true", "false", "today", "yesterday", "now", "entry"})
)
def test_reserved_words_are_no_names(word):
    assert parse(Line.of(f"visited and {word}"), "expression")[1]


def test_names_are_normalised():
    assert read("cafe\u0301 within 7d").subject == name("café")


def test_all_arrows_are_the_same():
    lines = ('a → push "x"', 'a -> push "x"', 'a=>push "x"')
    assert len({read(line, "scenario") for line in lines}) == 1


def test_the_first_bare_name_after_a_condition_is_the_channel():
    step = read("a → after 1d at 10:00 if b > 3 and c push x else email split y", "scenario").steps[0]
    assert [send.channel for send in step.sends] == ["push", "email"]
    assert step.sends[1].message == ast.SplitName("y")
    assert step.timing == ast.Timing("after", days(1), ast.TimeOfDay(10, 0))


def test_spans_point_at_what_was_written():
    root = read("  not  (a within 7d)")
    assert root.span == Span(2, 20)
    assert root.item.content.clauses[0].span == Span(10, 19)


BESIDE = [
    ("schedule", "0 10  * * MON-FRI", "0 10 * * MON-FRI"),
    ("schedule", "weekly on mon, 목 at 9:00", "weekly on Mon, Thu at 09:00"),
    ("schedule", "once at 2026-12-01T10:00", None),
    ("schedule", "every 10min", None),
    ("schedule", "daily at 10:00", None),
    ("split", "discount 45%, scarcity 45%,control 10%", "discount 45%, scarcity 45%, control 10%"),
    ("holdout", "10%", None),
    (
        "winner",
        "by clicked within 2d at 95% after 1000 each -> send to rest",
        "by clicked within 2d at 95% after 1000 each → send to rest",
    ),
    ("kpi", "purchased within 7d >= 5% by 2026-12-31", None),
    ("kpi", "purchased within 7d up 20% vs holdout by 2026-12-31", None),
    ("kpi", "purchased within 7d up 2pp vs control by 2026-12-31", None),
    ("kpi", "sum(purchased.amount within 7d) per customer up 10% vs control by 2026-12-31", None),
    ("kpi", "sum(purchased.amount within 7d) per purchased up 5% from 42000 by 2026-12-31", None),
    ("kpi", "purchased within 7d with same product >= 5% by 2026-12-31", None),
    ("guardrail", "unsubscribed within 7d <= 0.5%", None),
    ("guardrail", "refunded within 14d up at most 10% vs control", None),
    ("guardrail", "sum(purchased.amount within 7d) per customer down at most 2% vs holdout", None),
    ("on_deadline", "keep control", None),
    ("on_deadline", "send best", None),
    ("on_deadline", "extend 14d", None),
    ("on_deadline", "stop", None),
    ("namespace", "cart_rescue/nudge 40%, win-back/offer 12.5%, free 10%", None),
    ("cap", "2 per 7d", None),
    ("cap", "1 per 1d on push", None),
    ("cap", "3 per calendar week", None),
    ("quiet", "21:00–08:00", None),
    ("quiet", "21:00-08:00", "21:00–08:00"),
    ("quiet", "21:00 ~ 08:00", "21:00–08:00"),
    ("again", "never", None),
    ("again", "each time", None),
    ("again", "after 30d", None),
    ("expires", "24h", None),
    ("limit", "5000", None),
    ("priority", "-1", None),
]


@pytest.mark.parametrize(("kind", "line", "printed"), BESIDE)
def test_lines_beside_a_scenario(kind, line, printed):
    assert print_node(read(line, kind)) == (printed or line)


def test_points_are_hundredths():
    kpi = read("purchased within 7d up 2pp vs control by 2026-12-31", "kpi")
    assert (kpi.amount.value, kpi.points) == (Fraction(2, 100), True)


def test_the_shipped_tables_belong_to_the_grammar(tmp_path, monkeypatch):
    shipped = tables.SHIPPED.read_bytes()
    monkeypatch.setattr(tables, "SHIPPED", tmp_path / "tables.json")
    tables.write()
    assert tables.SHIPPED.read_bytes() == shipped, "run `python -m dangol.grammar.tables`"


@pytest.mark.parametrize("damage", [None, b"", b"[]", b'{"grammar": "other"}', b"\xff\x00"])
def test_damaged_tables_are_made_anew(tmp_path, monkeypatch, damage):
    path = tmp_path / "tables.json"
    if damage is not None:
        path.write_bytes(damage)
    monkeypatch.setattr(tables, "SHIPPED", path)
    assert tables.tables.__wrapped__() == tables.tables()
