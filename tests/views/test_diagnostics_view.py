"""A diagnostic is shown exactly as the language reference pictures it."""

from __future__ import annotations

import json
from dataclasses import replace

from dangol.diagnostics import Diagnostic, Line, Source, Span, diagnose, diagnose_source
from dangol.views.diagnostics import as_json, picture, summary, terminal
from dangol.views.text import crop, pad, printable, table, width

LINE = "  abandoner: cart_added within 7d and not purchesed"


def finding(text: str, wrong: str, *, row: int = 7, code: str = "E203", **more: object) -> Diagnostic:
    source = Source("playbooks/cart.yaml", "\n" * (row - 1) + text)
    start = source.text.index(wrong)
    message = f"`{wrong}` is not an event, attribute, trait or segment"
    return diagnose_source(code, message, source, Span(start, start + len(wrong)), **more)  # type: ignore[arg-type]


def test_the_picture_of_the_reference() -> None:
    found = finding(LINE, "purchesed", hints=("did you mean `purchased`?",))
    assert picture(found) == (
        "E203  playbooks/cart.yaml:7:43  `purchesed` is not an event, attribute, trait or segment\n"
        "      7 |   abandoner: cart_added within 7d and not purchesed\n"
        "        |                                           ^^^^^^^^^ did you mean `purchased`?"
    )


def test_korean_is_two_columns_wide() -> None:
    found = finding("  이탈: 장바구니_담기 and not 구메", "구메", row=12, hints=("did you mean `구매`?",))
    _, source, caret = picture(found).splitlines()
    assert source == "      12 |   이탈: 장바구니_담기 and not 구메"
    assert caret == "         |                               ^^^^ did you mean `구매`?"
    assert width(caret[: caret.index("^")]) == width(source[: source.index("구메")])


def test_decomposed_korean_has_the_same_width() -> None:
    import unicodedata

    assert width(unicodedata.normalize("NFD", "장바구니")) == width("장바구니") == 8


def test_with_a_label_every_hint_has_a_line_of_its_own() -> None:
    found = finding(LINE, "purchesed", label="no such name", hints=("first", "second"))
    assert picture(found).splitlines()[2:] == [
        "        |                                           ^^^^^^^^^ no such name",
        "        = first",
        "        = second",
    ]


def test_without_a_source_line_there_is_no_excerpt() -> None:
    found = diagnose("E001", "there is no file `dangol.yaml`", Line.of("", "shop"), hints=("run `dangol init`",))
    assert picture(found) == "E001  shop:1:1  there is no file `dangol.yaml`\n        = run `dangol init`"


def test_a_long_line_is_cut_around_the_place() -> None:
    found = finding("a" * 5000 + " purchesed " + "b" * 5000, "purchesed")
    _, source, caret = picture(found).splitlines()
    assert len(source) < 200
    assert source[caret.index("^") : caret.index("^") + 9] == "purchesed"
    assert caret.count("^") == 9


def test_a_long_span_stays_in_the_excerpt() -> None:
    found = diagnose("E101", "too long", Line.of("x" * 20_000))
    assert all(len(line) < 200 for line in picture(found).splitlines())


def test_nothing_in_a_file_reaches_the_terminal_as_a_command() -> None:
    found = finding("a: \x1b[31m\tpurchesed\u202e", "purchesed")
    shown = picture(replace(found, message="\x1b]0;title\x07"))
    assert not set("\x1b\x07\t\u202e") & set(shown)
    _, source, caret = shown.splitlines()
    assert caret.index("^") == source.index("purchesed")


def test_colour_changes_nothing_but_colour() -> None:
    import re

    found = finding(LINE, "purchesed", hints=("did you mean `purchased`?",))
    painted = picture(found, colour=True)
    assert painted != picture(found)
    assert re.sub(r"\x1b\[[0-9;]*m", "", painted) == picture(found)


def test_json_has_exactly_the_promised_keys() -> None:
    found = finding(LINE, "purchesed", hints=("did you mean `purchased`?",))
    assert json.loads(json.dumps(as_json([found]))) == {
        "version": 1,
        "diagnostics": [
            {
                "code": "E203",
                "severity": "error",
                "message": "`purchesed` is not an event, attribute, trait or segment",
                "file": "playbooks/cart.yaml",
                "line": 7,
                "column": 43,
                "end_column": 52,
                "hints": ["did you mean `purchased`?"],
            }
        ],
    }


def test_many_are_listed_and_counted() -> None:
    error, warning = finding(LINE, "purchesed"), finding(LINE, "abandoner", code="W201", severity="warning")
    assert terminal([error, warning]) == picture(error) + "\n" + picture(warning)
    assert summary([error, warning, error]) == "2 errors, 1 warning"
    assert summary([]) == ""


def test_cells() -> None:
    assert pad("한", 4) == "한  "
    assert pad("7", 3, right=True) == "  7"
    assert crop("장바구니_담기", 7) == "장바구…"
    assert printable("a\nb") == "a b"
    assert table([("가", "1"), ("bcd", "22")], right=frozenset({1})) == ["가    1", "bcd  22"]
