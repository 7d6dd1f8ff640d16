"""A draw that is under way does not change: an error that says since when, and how to draw anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from dangol.diagnostics import DangolError, Diagnostic
from dangol.runner.rehearse import rehearse
from tests.runner.running import Running, rule

OFFER = "splits: {offer: 'mint 45%, lemon 45%, control 10%'}\nmessages: {mint: {push: Mint}, lemon: {push: Lemon}}\n"
LINE = 'grade = "gold" → push split offer'
FEW = [f"c{n}" for n in range(10)]


def begun(tmp_path: Path, *beside: str, more: str = OFFER, line: str = LINE, config: str = "") -> Running:
    shop = Running(tmp_path, rule(line, "again: after 1d", *beside, more=more), FEW, config=config)
    shop.tick("03-10 12:00", confirmed=True)
    return shop


def refused(shop: Running, playbook: str) -> Diagnostic:
    """What the plan and a run say of a changed playbook; nothing is sent."""
    shop.write(playbook)
    told = rehearse(shop.project.files, shop.project.data.evaluate, shop.micros("03-12 12:00"), past=shop.ledger)
    with pytest.raises(DangolError) as error:
        shop.tick("03-12 12:00", confirmed=True)
    (finding,) = error.value.diagnostics
    assert finding in told.diagnostics
    return finding


@pytest.mark.parametrize("arms", [
    "mint 50%, lemon 40%, control 10%", "lemon 45%, mint 45%, control 10%", "mint 45%, lemon 45%, control 5%, lime 5%",
])  # fmt: skip
def test_arms_stay_as_they_were(tmp_path: Path, arms: str) -> None:
    shop = begun(tmp_path)
    more = OFFER.replace("mint 45%, lemon 45%, control 10%", arms).replace(
        "lemon: {push", "lime: {push: L}, lemon: {push"
    )
    found = refused(shop, rule(LINE, "again: after 1d", more=more))
    assert found.code == "E840"
    assert "the split `offer` cannot change now: `p/s` has drawn with mint 45%, lemon 45%, control 10%" in found.message
    assert "since 2026-03-10 12:00, 10 customers assigned" in found.message
    assert "`phase: 2`" in found.hints[1]
    assert len(shop.messages) < 11


@pytest.mark.parametrize(("before", "after"), [
    ("holdout: 20%", "holdout: 10%"), ("holdout: 20%", "holdout: 30%"), ("priority: 1", "holdout: 10%"),
    ("holdout: 20%", "priority: 1"),
])  # fmt: skip
def test_holdouts_stay_as_they_were(tmp_path: Path, before: str, after: str) -> None:
    shop = begun(tmp_path, before)
    again = rule(LINE, "again: after 1d", after, more=OFFER)
    assert refused(shop, again).message.startswith("the holdout of the scenario cannot change now")


def test_a_project_that_is_renamed_would_draw_anew(tmp_path: Path) -> None:
    shop = begun(tmp_path, config="holdout: 10%\n")
    (tmp_path / "dangol.yaml").write_text(
        (tmp_path / "dangol.yaml").read_text(encoding="utf-8").replace("project: shop", "project: store"), "utf-8"
    )
    import dangol

    shop.project = dangol.load(tmp_path)
    with pytest.raises(DangolError, match=r"E840.*holdout of the project.*salt `holdout/shop`"):
        shop.tick("03-12 12:00", confirmed=True)


def test_a_new_phase_draws_anew_and_is_read_apart(tmp_path: Path) -> None:
    shop = begun(tmp_path)
    arms = "mint 50%, lemon 40%, control 10%"
    again = rule(LINE, "again: after 1d", "phase: 2", more=OFFER.replace("mint 45%, lemon 45%, control 10%", arms))
    shop.write(again)
    shop.tick("03-12 12:00", confirmed=True)
    first, second = (shop.ledger.assigned("p", "s", phase) for phase in (1, 2))
    assert first is not None
    assert second is not None
    assert (len(first), len(second)) == (10, 10)
    assert first.arms["offer"].tolist() != second.arms["offer"].tolist()
    assert refused(shop, rule(LINE, "again: after 1d", more=OFFER)).code == "E841"


def test_who_is_under_way_keeps_the_group_of_the_earlier_phase(tmp_path: Path) -> None:
    line = LINE + " → after 2d push split offer"
    shop = Running(tmp_path, rule(line, more=OFFER), FEW)
    first = {each.customer: each.text for each in shop.tick("03-10 12:00", confirmed=True)}
    shop.write(rule(line, "phase: 2", more=OFFER))
    second = {each.customer: each.text for each in shop.tick("03-12 12:00", confirmed=True)}
    assert first == second
    assert shop.ledger.assigned("p", "s", 2) is None


def test_a_scenario_that_is_renamed_does_not_draw_anew(tmp_path: Path) -> None:
    shop = begun(tmp_path)
    shop.tick("03-10 13:00")  # all are through: nothing but the record of the draw is left
    found = refused(shop, rule(LINE, "again: after 1d", more=OFFER).replace("  s:", "  t:"))
    assert found.code == "E842"
    assert "`p/t` would draw anew while `p/s` (since 2026-03-10 12:00, 10 customers assigned)" in found.message
    shop.ledger.end_experiments(shop.micros("03-12 12:00"), "p", "s")
    assert shop.tick("03-12 12:00", confirmed=True) != []


def test_lines_that_do_not_draw_may_change(tmp_path: Path) -> None:
    winner = "winner: by clicked within 2d at 95% after {} each → send to rest"
    shop = begun(tmp_path, winner.format(1000))
    lines = (winner.format(900), "priority: 4", "quiet: 21:00–08:00")
    shop.write(rule(LINE + ' → after 1h push "More"', "again: after 1d", *lines, more=OFFER))
    shop.tick("03-12 12:00", confirmed=True)
    (one,) = shop.ledger.experiments()
    assert list(one.start.lines.values()) == [winner.format(1000).removeprefix("winner: ")]
