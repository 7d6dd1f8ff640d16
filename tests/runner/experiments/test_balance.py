"""A plan warns when the groups would not have the sizes they were drawn to have."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import delete

from dangol.runner.experiments.balance import imbalances, sizes
from dangol.runner.ledger.schema import assignments, cohorts
from dangol.runner.model import Plan
from dangol.runner.rehearse import rehearse
from tests.runner.running import Running, rule

OFFER = "splits: {offer: 'mint 45%, lemon 45%, control 10%'}\nmessages: {mint: {push: Mint}, lemon: {push: Lemon}}\n"
MANY = [f"c{n:04}" for n in range(500)]


def planned(shop: Running, at: str) -> Plan:
    return rehearse(shop.project.files, shop.project.data.evaluate, shop.micros(at), past=shop.ledger)


def test_groups_that_are_drawn_have_their_sizes(tmp_path: Path) -> None:
    line = rule('grade = "gold" → push split offer', "holdout: 20%", "again: after 1d", more=OFFER)
    shop = Running(tmp_path, line, MANY[:400])
    shop.tick("03-10 12:00", confirmed=True)
    shop.customers = [{"id": each} for each in MANY]
    shop.write(line)
    plan = planned(shop, "03-12 12:00")
    (one,) = plan.scenarios
    counts = sizes(one, shop.ledger)
    assert sum(counts.values()) == 500  # each customer once, whether they have been assigned or would be
    assert [group.name for group in counts] == ["scenario holdout", "mint", "lemon", "control"]
    for group, count in counts.items():
        assert abs(count - 500 * group.share) < 45  # four standard deviations
    assert list(imbalances(shop.project.files, plan, shop.ledger)) == []


def test_a_group_that_lost_customers_is_told(tmp_path: Path) -> None:
    shop = Running(tmp_path, rule('grade = "gold" → push split offer', more=OFFER), MANY)
    shop.tick("03-10 12:00", confirmed=True)
    with shop.ledger.store.writing("test") as connection:
        lemon = cohorts.select().where(cohorts.c.arms.contains("lemon"))
        (row,) = connection.execute(lemon).all()
        lost = assignments.c.entry % 2 == 0
        connection.execute(delete(assignments).where(assignments.c.cohort == row.id, lost))
    (found,) = imbalances(shop.project.files, planned(shop, "03-10 12:30"), shop.ledger)
    assert found.code == "W840"
    assert not found.is_error
    assert "lemon" in found.message
    assert "for 45%" in found.message
