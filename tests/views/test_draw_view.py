"""The draws of one customer: every salt, number and range; what comes after the deciding one is not evaluated."""

from __future__ import annotations

from pathlib import Path

from dangol.measure.assignment import draws
from dangol.views import draw
from tests.runner.shops import shop

PLAYBOOK = """playbook: p
holdout: 30%
segments: {golden: 'grade = "gold"'}
scenarios:
  s: {rule: 'golden → push split offer', holdout: 10%}
splits: {offer: 'mint 45%, lemon 45%, control 10%'}
messages: {mint: {push: Mint}, lemon: {push: Lemon}}
"""
CONFIG = "holdout: 5%\nnamespaces: {checkout: 'free 10%, p/s 60%'}\n"
SALTS = ["holdout/shop", "holdout/shop/p", "namespace/shop/checkout", "holdout/shop/p/s", "p/offer"]


def test_every_draw_is_shown_in_its_order(tmp_path: Path) -> None:
    project = shop(tmp_path, PLAYBOOK, [], config=CONFIG)
    seen: set[tuple[str, ...]] = set()
    for number in range(200):
        customer = f"고객{number}"
        lines, records = draw.about(project, "s", customer)
        assert [one["salt"] for one in records] == SALTS
        assert len(lines) == 6
        outcomes = [one["outcome"] for one in records]
        over = next((n for n, said in enumerate(outcomes) if (n != 2 and said == "in") or (n, said) == (2, "out")), 9)
        assert all((said == "not evaluated") == (n > over) for n, said in enumerate(outcomes))
        for one in records[: over + 1]:
            assert one["u"] == draws(one["salt"], [customer])[0]
            assert (one["range"][0] <= one["u"] < one["range"][1]) == (one["outcome"] != "out")
        seen.add(tuple(outcomes))
    assert ("out", "out", "in", "out", "lemon") in seen
    assert ("out", "out", "out", "not evaluated", "not evaluated") in seen
    assert ("in", *["not evaluated"] * 4) in seen


def test_a_line_says_number_range_and_what_follows(tmp_path: Path) -> None:
    project = shop(tmp_path, PLAYBOOK, [], config=CONFIG)
    lines, _ = draw.about(project, "p/s", "고객1")
    u = draws("holdout/shop", ["고객1"])[0]
    assert lines[0] == "draws:"
    assert " ".join(lines[1].split()) == f"project holdout `holdout/shop` {u:.6f} [0%, 5%) out"


def test_nothing_is_drawn_for_a_segment(tmp_path: Path) -> None:
    project = shop(tmp_path, PLAYBOOK, [], config=CONFIG)
    assert draw.about(project, "golden", "a") == ([], [])
