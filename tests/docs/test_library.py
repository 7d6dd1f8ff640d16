"""The page about the library is as the library is."""

from __future__ import annotations

import re
from pathlib import Path

from dangol.library import names
from dangol.views.reference import renewed

PAGE = Path(__file__).parents[2] / "docs/library.md"
TEXT = PAGE.read_text(encoding="utf-8")


def test_the_page_is_up_to_date() -> None:
    assert renewed(TEXT) == TEXT, "run: python -m dangol.views.reference docs/library.md"


def test_every_name_has_a_row_and_every_name_on_the_page_exists() -> None:
    assert set(re.findall(r"^\| `(lib\.\w+)`", TEXT, re.MULTILINE)) == set(names())
    assert set(re.findall(r"\blib\.\w+", TEXT)) <= set(names())


def test_links_lead_somewhere() -> None:
    for path in re.findall(r"\]\(([^#)]+)\)", TEXT):
        assert (PAGE.parent / path).exists(), path
