"""Which events do harm, by their names; the page lists them."""

from __future__ import annotations

from pathlib import Path

import pytest

from dangol.engine.ir.harm import HARMFUL, is_harmful

PAGE = Path(__file__).parents[2] / "docs/results.md"


@pytest.mark.parametrize(
    "event",
    ["unsubscribed", "failed", "order_refunded", "OrderCancelled", "refund requested", "주문취소", "수신거부됨"],
)
def test_events_that_do_harm(event: str) -> None:
    assert is_harmful(event)


@pytest.mark.parametrize("event", ["subscribed", "return_visit", "unblocked", "clicked", "purchased", "구독", "방문"])
def test_events_that_do_not(event: str) -> None:
    assert not is_harmful(event)


def test_the_page_lists_every_word() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert all(f"`{word}`" in text for word in HARMFUL)
