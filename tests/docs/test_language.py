"""The language reference says what the code does: every example parses, checks and reads as printed there."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any, get_args

import pytest

from dangol.diagnostics import Line
from dangol.engine.catalog import Catalog
from dangol.engine.check import Checked, check_expression
from dangol.engine.operators import FUNCTIONS, OPERATORS
from dangol.engine.reading import read
from dangol.grammar import ast
from dangol.grammar.parser import parse
from dangol.views.reference import renewed
from tests.engine_path import checked_project

SEOUL = "Asia/Seoul"
PAGE = Path(__file__).parents[2] / "docs" / "language.md"
TEXT = PAGE.read_text(encoding="utf-8")
FENCE = re.compile(r"^```dangol *([^\n]*)\n(.*?)\n```\n(?:> ([^\n]*)\n)?", re.MULTILINE | re.DOTALL)
KINDS: dict[str, Any] = {
    "splits": "split", "exit": "expression", "guardrails": "guardrail", "phase": "limit", "namespaces": "namespace",
}  # fmt: skip

PRODUCT = {"product": "text", "category": "text"}
CATALOG = Catalog(
    attributes={
        "country": "text", "age": "number", "email": "text", "tags": "list", "app_version": "version",
        "push_consent": "boolean", "signed_up_at": "instant", "birthday": "date",
    },
    events={
        "visited": {"utm_source": "text"},
        "viewed": {**PRODUCT, "price": "number"},
        "cart_added": {**PRODUCT, "amount": "number"},
        "purchased": {**PRODUCT, "amount": "number", "coupon": "boolean"},
        "app_opened": {},
        "signed_up": {},
    },
    groups={"active": ("visited", "app_opened")},
    lists=frozenset({"vip_2026"}),
)  # type: ignore[arg-type]  # fmt: skip


@cache
def project() -> Checked:
    segments = {
        "abandoner": "cart_added within 7d and not purchased",
        "champion": "percentile(spent) >= 90% and purchased 2+ times within 90d",
    }
    traits = {
        "spent": "sum(purchased.amount within 90d)",
        "aov": "sum(purchased.amount) / count(purchased)",
        "ltv": "sum(purchased.amount)",
    }
    return checked_project(CATALOG, segments, traits, SEOUL)


def errors(text: str) -> tuple[Any, list[str]]:
    """The node of a line, and the codes of its errors."""
    line = Line.of(text)
    tree, found = parse(line, "expression")
    if tree is None:
        return None, [d.code for d in found]
    node, notes = check_expression(tree, line, SEOUL, project())  # type: ignore[arg-type]
    return node, [d.code for d in notes if d.is_error]


def fences(kind: str) -> list[tuple[str, str]]:
    return [(found[2], found[3] or "") for found in FENCE.finditer(TEXT) if found[1].split(" ")[0] == kind]


def examples() -> list[tuple[str, str]]:
    """(key, line) of each table's `Example` column; the key is that of the lines beside a scenario, else empty."""
    rows: list[tuple[str, str]] = []
    head: list[str] = []
    for line in TEXT.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if not cells:
            head = []
        elif not head:
            head = cells
        elif "Example" in head and not set(cells[0]) <= set("- :"):
            cell = cells[head.index("Example")]
            assert re.fullmatch(r"`[^`]+`", cell), cell
            rows.append((cells[0].strip("`") if head[0] == "Key" else "", cell.strip("`").replace("\\|", "|")))
    return rows


def test_the_page_has_its_examples() -> None:
    assert len(examples()) > 100
    assert len([reading for _, reading in fences("") if reading]) > 5
    assert fences("scenario")
    assert fences("wrong")
    assert {key for key, _ in examples()} >= {*get_args(ast.LineKind), "splits", "exit", "guardrails"} - {
        "expression", "scenario", "split", "guardrail", "namespace",
    }  # fmt: skip


@pytest.mark.parametrize("line", [line for key, line in examples() if not key and "→" not in line])
def test_examples_of_conditions_check(line: str) -> None:
    node, found = errors(line)
    assert found == []
    assert read(node)
    assert read(node, lang="ko")


@pytest.mark.parametrize(
    ("key", "line"),
    [(key, line) for key, line in examples() if key or "→" in line] + [("scenario", t) for t, _ in fences("scenario")],
)
def test_examples_of_scenarios_and_their_rules_parse(key: str, line: str) -> None:
    tree, found = parse(Line.of(line), KINDS.get(key, key or "scenario"))
    assert tree is not None, found


@pytest.mark.parametrize(("line", "reading"), fences(""))
def test_lines_read_as_the_page_says(line: str, reading: str) -> None:
    node, found = errors(line)
    assert found == []
    assert not reading or read(node, zone=SEOUL) == reading


@pytest.mark.parametrize(
    ("line", "code"),
    [(found[2], found[1].split()[1]) for found in FENCE.finditer(TEXT) if found[1].startswith("wrong")],
)
def test_wrong_lines_are_the_error_they_say(line: str, code: str) -> None:
    assert errors(line)[1] == [code]


def test_tables_made_from_the_code_are_up_to_date() -> None:
    assert renewed(TEXT) == TEXT, "run: python -m dangol.views.reference docs/language.md"
    assert all(f"| `{name}` |" in TEXT for name in (*FUNCTIONS, *(operator.name for operator in OPERATORS)))


def test_the_vocabulary_of_the_page_is_the_one_that_is_tested() -> None:
    block = TEXT[TEXT.index("```yaml\nattributes:") : TEXT.index("## A line and its answer")]
    for name in (*CATALOG.attributes, *CATALOG.events, *CATALOG.groups, *CATALOG.lists):
        assert f"{name}:" in block


def test_links_within_the_page_lead_somewhere() -> None:
    heads = re.findall(r"^#+ (.*)$", TEXT, re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}
    assert set(re.findall(r"\]\(#([^)]*)\)", TEXT)) <= anchors
    for path in re.findall(r"\]\(([^#)]+)\)", TEXT):
        assert (PAGE.parent / path).exists(), path
