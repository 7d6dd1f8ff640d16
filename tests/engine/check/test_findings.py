"""Every finding of the checker, to the letter; the cases are in findings.yaml."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.engine.check import shop

CASES: list[dict[str, Any]] = YAML(typ="safe").load((Path(__file__).parent / "findings.yaml").read_text("utf-8"))
PAGES = Path(__file__).parents[3] / "docs" / "diagnostics"
SOURCES = Path(__file__).parents[3] / "dangol" / "engine" / "check"


def findings(case: dict[str, Any]) -> list[str]:
    lines = {key: value for key, value in case.items() if key != "finds"}
    if "line" in lines:
        return [shop.shown(found) for found in shop.answer(**lines)[1]]
    return [shop.shown(found) for found in shop.project(**lines).diagnostics]


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case.get("line") or case.get("rule") or case["finds"]))
def test_finds(case: dict[str, Any]) -> None:
    assert findings(case) == case["finds"]


def test_every_code_has_a_case_and_a_page() -> None:
    used = {code for file in SOURCES.glob("*.py") for code in re.findall(r'"([EW][23]\d\d)"', file.read_text("utf-8"))}
    cases = {found.split()[0] for case in CASES for found in case["finds"]}
    assert used == cases
    assert used <= {page.stem for page in PAGES.glob("*.md")}
