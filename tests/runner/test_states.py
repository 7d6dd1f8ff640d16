"""States that last: one entry per stay, none for who cannot be reached, and a record that does not grow for nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import func, select

from dangol.channels.base import Failed, Sent
from dangol.runner.ledger.schema import entries, entry_changes, sends, transitions
from tests.runner.running import Running, rule, texts

GOLD = 'grade = "gold" → push "One"'


def rows(shop: Running) -> int:
    """Every row that entering and sending leave behind."""
    with shop.ledger.store.reading() as connection:
        tables = (entries, entry_changes, sends, transitions)
        return sum(int(connection.execute(select(func.count()).select_from(table)).scalar_one()) for table in tables)


def with_customers(shop: Running, *customers: dict[str, str]) -> None:
    shop.customers = list(customers)
    shop.write(shop.playbook)


NOBODY = [{"id": "deaf", "ok_push": ""}, {"id": "nowhere", "token": ""}, {"id": "suppressed"}]


@pytest.mark.parametrize("again", ["never", "each time", "after 2d"])
@pytest.mark.parametrize("line", [GOLD, 'grade = "gold" → wait 3h push "One" → wait 1d push "Two"'])
def test_a_month_of_who_cannot_be_reached_leaves_no_row(tmp_path: Path, again: str, line: str) -> None:
    shop = Running(tmp_path, rule(line, f"again: {again}"), NOBODY)
    shop.ledger.suppress(shop.micros("03-01 00:00"), "bounce", customer="suppressed")
    assert shop.every(2880, "03-01 10:00", "03-30 22:00") == []
    assert rows(shop) == 0
    report = shop.run("03-31 10:00")
    assert shop.reasons(report) == {"on the suppression list": 1, "no consent": 1, "no address": 1}


def test_who_can_be_reached_at_last_enters_then(tmp_path: Path) -> None:
    line = 'grade = "gold" → wait 3h push "One"'
    shop = Running(tmp_path, rule(line), [{"id": "a", "ok_push": ""}])
    shop.every(1440, "03-01 10:00", "03-08 10:00")
    with_customers(shop, {"id": "a"})
    assert texts(shop.every(60, "03-09 10:00", "03-09 15:00")) == [("03-09 13:00", "a", "One")]
    assert shop.entries() == [("a", "03-09 10:00", "03-09 13:00", "every step is done")]


def test_one_channel_of_a_later_step_is_enough_to_enter(tmp_path: Path) -> None:
    line = 'grade = "gold" → push "One" → wait 1h push "Two" else sms "Two"'
    shop = Running(tmp_path, rule(line, "expires: 30min"), [{"id": "a", "ok_push": ""}])
    assert texts(shop.every(30, "03-01 10:00", "03-01 13:00")) == [("03-01 11:00", "a", "Two")]
    assert len(shop.entries()) == 1


def test_an_event_starts_an_entry_whoever_can_be_reached(tmp_path: Path) -> None:
    shop = Running(tmp_path, rule('visited → push "One"'), [{"id": "a", "ok_push": ""}], ["a visited 2026-03-01T09:00"])
    shop.every(2880, "03-01 10:00", "03-30 22:00")
    assert shop.entries() == [("a", "03-01 09:00", "03-03 10:00", "every step that was due has expired")]


def test_who_is_in_an_experiment_does_not_depend_on_the_arm(tmp_path: Path) -> None:
    customers = [{"id": f"c{n:02}", "ok_push": "" if n % 2 else "true"} for n in range(40)]
    more = "splits:\n  copy: a 50%, control 50%\nmessages:\n  a: {push: A}\n"
    line = 'grade = "gold" → push split copy → wait 1d push "Two"'
    shop = Running(tmp_path, rule(line, "holdout: 20%", "limit: 40", more=more), customers)
    out = shop.every(1440, "03-01 10:00", "03-05 22:00")
    assert sorted({customer for customer, *_ in shop.entries()}) == [f"c{n:02}" for n in range(0, 40, 2)]
    assert 0 < len({each.customer for each in out}) < 20
    assert len(shop.entries()) == 20


def test_a_message_that_is_refused_for_good_is_tried_once_per_stay(tmp_path: Path) -> None:
    shop = Running(tmp_path, rule(GOLD), ["a"])
    tried = []
    shop.says = lambda message: tried.append(message.key) or Failed("content", "not to be printed")
    shop.every(2880, "03-01 10:00", "03-30 22:00")
    assert len(tried) == 1
    assert len(shop.entries()) == 1
    with_customers(shop, {"id": "a", "grade": "basic"})
    shop.tick("03-31 10:00")
    with_customers(shop, {"id": "a"})
    shop.says = lambda message: Sent(None)
    assert texts(shop.tick("03-31 11:00")) == [("03-31 11:00", "a", "One")]
    assert shop.entries()[0] == ("a", "03-01 10:00", "03-31 10:00", "no longer qualifies")


@pytest.mark.parametrize(
    ("line", "customer"),
    [
        ('grade = "gold" → wait 1h if visited push "One"', {"id": "a"}),
        ('grade = "gold" → wait 1h if grade = "gold" stop → push "One"', {"id": "a"}),
        ('grade = "gold" → push "{{ customer.name }}"', {"id": "a", "name": ""}),
    ],
)
def test_a_stay_of_which_nothing_can_come_is_one_entry(tmp_path: Path, line: str, customer: dict[str, str]) -> None:
    shop = Running(tmp_path, rule(line), [customer])
    shop.every(1440, "03-01 10:00", "03-05 22:00")
    before = rows(shop)
    assert shop.every(2880, "03-06 10:00", "03-30 22:00") == []
    assert rows(shop) == before
    assert len(shop.entries()) == 1
    with_customers(shop, {**customer, "grade": "basic"})
    shop.tick("03-31 10:00")
    assert shop.entries()[0][3] == "no longer qualifies"


def test_again_after_a_while_asks_a_lasting_state_again(tmp_path: Path) -> None:
    line = 'grade = "gold" → wait 1h if name = "Lee" push "One"'
    shop = Running(tmp_path, rule(line, "again: after 7d"), ["a"])
    shop.every(720, "03-01 10:00", "03-07 22:00")
    assert len(shop.entries()) == 1
    with_customers(shop, {"id": "a", "name": "Lee"})
    assert texts(shop.every(60, "03-08 08:00", "03-08 12:00")) == [("03-08 11:00", "a", "One")]


def test_what_a_cap_held_back_until_it_expired_gets_another_chance(tmp_path: Path) -> None:
    playbook = """playbook: p
scenarios:
  first: {rule: 'visited → push "F"'}
  s: {rule: 'grade = "gold" → push "One"'}
"""
    shop = Running(tmp_path, playbook, ["a"], ["a visited 2026-03-01T09:00"], "caps: [1 per 3d]\n")
    assert texts(shop.every(720, "03-01 10:00", "03-05 10:00")) == [
        ("03-01 10:00", "a", "F"),
        ("03-04 10:00", "a", "One"),
    ]


def test_a_month_of_everything_is_bounded_by_stays_and_messages(tmp_path: Path) -> None:
    customers = [
        {"id": f"c{n:02}", "ok_push": "true" if n % 3 else "", "name": "Kim" if n % 4 else ""} for n in range(24)
    ]
    line = 'grade = "gold" → push "{{ customer.name }}" → wait 2d if visited push "Two"'
    shop = Running(tmp_path, rule(line, "limit: 100"), customers)
    shop.every(720, "03-01 10:00", "03-10 22:00")
    middle = rows(shop)
    shop.every(1440, "03-11 10:00", "03-30 22:00")
    assert rows(shop) == middle
    assert len(shop.entries()) == 16
