"""The README shows what the product prints."""

from tests.docs.readme import README, rendered


def test_the_readme_is_as_the_product_prints() -> None:
    text = README.read_text(encoding="utf-8")
    assert rendered(text) == text, "run `python -m tests.docs.readme`"
