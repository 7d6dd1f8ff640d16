"""Who a run assigns to what: everyone alike who reaches the draw, once, at the instant the step was due."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dangol.engine.state.model import NO_INSTANT
from dangol.runner.ledger import Assigned
from tests.runner.running import Running, rule

SPLIT = "splits: {offer: 'mint 50%, control 50%'}\nmessages: {mint: {push: Mint, sms: Mint}}\n"
TIMES = "splits: {timing: 'morning 40%, evening 40%, control 20%'}\nmessages: {}\n"
MANY = [f"고객{n:03}" for n in range(200)]


def assigned(shop: Running, phase: int | None = None) -> Assigned:
    found = shop.ledger.assigned("p", "s", phase)
    assert found is not None
    return found


def test_everyone_who_reaches_the_draw_is_assigned_sent_or_not(tmp_path: Path) -> None:
    customers = [{"id": each, "ok_push": n % 2 == 0} for n, each in enumerate(MANY)]
    shop = Running(
        tmp_path, rule('grade = "gold" → push split offer', "holdout: 20%", more=SPLIT), customers
    )  # fmt: skip
    out = shop.tick("03-10 12:00")
    found = assigned(shop)
    assert set(found.customer) == {each["id"] for each in customers if each["ok_push"]}  # consent comes before the draw
    names = found.names["offer"]
    free = found.holdout == 0
    assert 8 <= np.count_nonzero(~free) <= 33
    mint = free & (found.arms["offer"] == names.index("mint"))
    assert {each.customer for each in out} == set(found.customer[mint])
    assert (found.arms["offer"][~free] == -1).all()
    assert (found.due == shop.micros("03-10 12:00")).all()
    assert ((found.sent_at != NO_INSTANT) == mint).all()
    assert set(found.state[mint]) == {"sent"}
    assert set(found.state[~mint]) == {"cancelled"}


def test_a_step_that_waits_for_the_night_is_assigned_with_its_due_instant(tmp_path: Path) -> None:
    lines = ("holdout: 50%", "quiet: 21:00–08:00", "expires: 4h")
    shop = Running(tmp_path, rule('grade = "gold" → push "Hi"', *lines), MANY[:20])
    assert shop.tick("03-10 22:00") == []
    found = assigned(shop)
    assert set(found.customer) == set(MANY[:20])
    assert set(found.state[found.holdout == 0]) == {"held"}
    shop.every(60, "03-10 23:00", "03-11 03:00")
    found = assigned(shop)
    assert set(found.state[found.holdout == 0]) == {"expired"}
    assert (found.due == shop.micros("03-10 22:00")).all()
    assert (found.sent_at == NO_INSTANT).all()


def test_the_first_step_that_reaches_the_draw_assigns_and_consent_may_come_later(tmp_path: Path) -> None:
    shop = Running(
        tmp_path, rule('cart_added within 7d → push "Hi" → after 3h push "Again"', "holdout: 50%"),
        [{"id": each, "ok_push": False} for each in MANY[:10]],
        [f"{each} cart_added 2026-03-10T11:00" for each in MANY[:10]],
    )  # fmt: skip
    shop.tick("03-10 12:00")
    assert shop.ledger.assigned("p", "s") is None
    shop.customers = [{"id": each, "ok_push": True} for each in MANY[:10]]
    shop.write(shop.playbook)
    shop.tick("03-10 12:30")
    found = assigned(shop)
    assert (found.step == 1).all()
    assert len(found) == 10
    shop.tick("03-10 14:30")
    assert (assigned(shop).step == 1).all()


@pytest.mark.parametrize("line", [
    'grade = "gold" → if timing = "morning" push "Hi" → if timing = "evening" after 2h push "Hi"',
    'grade = "gold" → if timing = "morning" push "Hi" else sms "Hi"',
])  # fmt: skip
def test_a_step_for_one_arm_assigns_everybody_for_whom_it_would_be_in_that_arm(tmp_path: Path, line: str) -> None:
    line = line.replace('if timing = "evening" after 2h', 'after 2h if timing = "evening"')
    shop = Running(tmp_path, rule(line, more=TIMES.replace("messages: {}\n", "")), MANY)
    shop.tick("03-10 12:00", confirmed=True)
    found = assigned(shop)
    assert set(found.customer) == set(MANY)
    assert (found.due == shop.micros("03-10 12:00")).all()
    sizes = {name: np.count_nonzero(found.arms["timing"] == n) for n, name in enumerate(found.names["timing"])}
    assert 60 <= sizes["morning"] <= 100
    assert 60 <= sizes["evening"] <= 100
    assert sizes["morning"] + sizes["evening"] + sizes["control"] == 200


def test_who_gets_nothing_in_the_own_arm_is_assigned_once_and_enters_no_more(tmp_path: Path) -> None:
    shop = Running(
        tmp_path,
        rule('grade = "gold" → if timing = "morning" push "Hi"', more=TIMES.replace("messages: {}\n", "")),
        MANY,
    )
    shop.tick("03-10 12:00")
    shop.tick("03-10 12:10")
    found = assigned(shop)
    assert set(found.customer) == set(MANY)
    assert len(shop.entries()) == len(MANY)
    assert shop.reasons(shop.run("03-10 12:20")) == {"already entered": 200}


def test_without_anything_to_compare_or_to_measure_nothing_is_recorded(tmp_path: Path) -> None:
    shop = Running(tmp_path, rule('grade = "gold" → push "Hi"'), MANY[:3])
    shop.tick("03-10 12:00")
    assert shop.ledger.experiments() == []
    assert len(shop.messages) == 3
