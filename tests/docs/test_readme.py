"""The README shows what the product prints."""

from pathlib import Path

from tests.docs.readme import README, rendered


def test_the_readme_is_as_the_product_prints(demo: Path) -> None:
    text = README.read_text(encoding="utf-8")
    assert rendered(text, demo) == text, "run `python -m tests.docs.readme`"
