"""A plan warns when the groups would not have the sizes they were drawn to have."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import delete

from dangol.runner.experiments.balance import imbalances, shares, sizes
from dangol.runner.ledger.schema import assignments, cohorts
from dangol.runner.model import Plan
from dangol.runner.rehearse import rehearse
from tests.runner.running import Running, rule

OFFER = "splits: {offer: 'mint 45%, lemon 45%, control 10%'}\nmessages: {mint: {push: Mint}, lemon: {push: Lemon}}\n"
MANY = [f"c{n:04}" for n in range(2000)]


def planned(shop: Running, at: str) -> Plan:
    return rehearse(shop.project.files, shop.project.data.evaluate, shop.micros(at), past=shop.ledger)


def test_groups_that_are_drawn_have_their_sizes(tmp_path: Path) -> None:
    line = rule('grade = "gold" → push split offer', "holdout: 20%", "again: after 1d", more=OFFER)
    shop = Running(tmp_path, line, MANY[:1500])
    shop.tick("03-10 12:00", confirmed=True)
    shop.customers = [{"id": each} for each in MANY]
    shop.write(line)
    plan = planned(shop, "03-12 12:00")
    (one,) = plan.scenarios
    counts = sizes(one, shop.ledger)
    assert sum(counts.values()) == 2000  # each customer once, whether they have been assigned or would be
    for group, share in shares(one.record.design).items():
        assert abs(counts[group] - 2000 * share) < 90
    assert list(imbalances(shop.project.files, plan, shop.ledger)) == []


def test_a_group_that_lost_customers_is_told(tmp_path: Path) -> None:
    shop = Running(tmp_path, rule('grade = "gold" → push split offer', more=OFFER), MANY)
    shop.tick("03-10 12:00", confirmed=True)
    with shop.ledger.store.writing("test") as connection:
        lemon = cohorts.select().where(cohorts.c.arms.contains("lemon"))
        (row,) = connection.execute(lemon).all()
        lost = assignments.c.entry % 4 == 0
        connection.execute(delete(assignments).where(assignments.c.cohort == row.id, lost))
    (found,) = imbalances(shop.project.files, planned(shop, "03-10 12:30"), shop.ledger)
    assert found.code == "W840"
    assert not found.is_error
    assert "lemon" in found.message
    assert "for 45%" in found.message
