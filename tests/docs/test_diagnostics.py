"""Every diagnostic has a page, every page a diagnostic."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs" / "diagnostics"
CODE = re.compile(r"\"([EW]\d{3})\"")


def raised() -> set[str]:
    return {code for path in (ROOT / "dangol").rglob("*.py") for code in CODE.findall(path.read_text(encoding="utf-8"))}


def test_every_code_has_a_page() -> None:
    assert raised() - {page.stem for page in PAGES.glob("*.md")} == set()


def test_every_page_is_about_a_code() -> None:
    assert {page.stem for page in PAGES.glob("*.md")} - raised() == set()


def test_pages_are_short_and_show_a_mend() -> None:
    for page in PAGES.glob("*.md"):
        text = page.read_text(encoding="utf-8")
        head, _, rest = text.partition("\n")
        assert re.fullmatch(rf"# {page.stem}: \S.*", head), page.name
        assert "```" in rest or "`" in rest, page.name
        assert len(text) < 4000, page.name
