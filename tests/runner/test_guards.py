"""What stops a run before its first send: limits, and audiences that are unusual."""

from __future__ import annotations

from pathlib import Path

import pytest

from dangol.diagnostics import DangolError
from tests.runner.running import Running, rule

MANY = [f"c{n}" for n in range(100)]
GOLD = """playbook: p
{}scenarios:
  s: {{rule: 'grade = "gold" → push "One"'}}
  t: {{rule: 'grade = "gold" → sms "Two"'}}
"""


def stopped(shop: Running, at: str, **options: bool) -> list[tuple[str, str]]:
    with pytest.raises(DangolError) as caught:
        shop.run(at, **options)
    assert shop.messages == []
    assert shop.ledger.status().sends == {}
    return [(one.code, one.file) for one in caught.value.diagnostics]


def test_a_limit_of_a_playbook_is_for_all_its_scenarios_together(tmp_path: Path) -> None:
    shop = Running(tmp_path, GOLD.format("limit: 5\n"), [f"a{n}" for n in range(5)])
    (tmp_path / "playbooks/q.yaml").write_text(
        rule('grade = "gold" → push "Q"').replace("p\n", "q\n"), encoding="utf-8"
    )
    shop.write(shop.playbook)
    assert len(shop.tick("03-01 12:00")) == 15  # five customers, whatever each one gets
    shop = Running(tmp_path / "more", GOLD.format("limit: 5\n"), [f"a{n}" for n in range(6)])
    assert stopped(shop, "03-01 12:00", confirmed=True) == [("E512", "playbooks/p.yaml")]


def test_a_limit_of_the_project_is_for_all_its_playbooks_together(tmp_path: Path) -> None:
    grades = [{"id": f"a{n}", "grade": "gold" if n % 2 else "basic"} for n in range(6)]
    shop = Running(tmp_path, rule('grade = "gold" → push "One"'), grades, config="limit: 5\n")
    other = rule('grade = "basic" → push "Two"').replace("playbook: p", "playbook: q")
    assert len(shop.tick("03-01 12:00")) == 3
    shop = Running(tmp_path / "both", rule('grade = "gold" → push "One"'), grades, config="limit: 5\n")
    (tmp_path / "both/playbooks/q.yaml").write_text(other, encoding="utf-8")
    shop.write(shop.playbook)
    plan = shop.project.plan(shop.micros("03-01 12:00"))
    (found,) = plan.diagnostics
    assert (found.code, found.message) == ("E512", "a run would stop here: 6 customers would be hit, the limit is 5")
    assert stopped(shop, "03-01 12:00", confirmed=True) == [("E512", "dangol.yaml")]


@pytest.mark.parametrize("where", ["project", "playbook"])
def test_a_limit_is_a_whole_number(tmp_path: Path, where: str) -> None:
    playbook, config = (GOLD.format("limit: 0\n"), "") if where == "playbook" else (GOLD.format(""), "limit: 0\n")
    with pytest.raises(DangolError, match="E316"):
        Running(tmp_path, playbook, ["a"], config=config)


@pytest.mark.parametrize("where", ["project", "playbook", "scenario"])
def test_who_has_said_how_many_is_not_asked(tmp_path: Path, where: str) -> None:
    limit = "limit: 100"
    playbook = rule('grade = "gold" → push "One"', *([limit] if where == "scenario" else []))
    playbook = playbook.replace("p\n", f"p\n{limit}\n", 1) if where == "playbook" else playbook
    shop = Running(tmp_path, playbook, MANY, config=f"{limit}\n" if where == "project" else "")
    assert len(shop.tick("03-01 12:00")) == 100


def test_who_is_asked_is_asked_once(tmp_path: Path) -> None:
    shop = Running(tmp_path, rule('grade = "gold" → push "One"', "again: after 1d"), MANY)
    assert stopped(shop, "03-01 12:00") == [("E702", "run")]
    assert len(shop.tick("03-01 12:00", confirmed=True)) == 100
    with pytest.raises(DangolError, match="E702"):
        shop.run("03-02 12:00")


def test_exactly_half_is_not_more(tmp_path: Path) -> None:
    customers = [{"id": f"c{n:02}", "grade": "gold" if n % 2 else "basic"} for n in range(40)]
    shop = Running(tmp_path, rule('grade = "gold" → push "One"'), customers)
    assert len(shop.tick("03-01 12:00")) == 20


def few_a_day(first: int, count: int) -> list[str]:
    events = [f"c{n} visited 2026-03-0{1 + n // 2}T10:00" for n in range(8)]
    return [*events, *(f"c{n} visited 2026-03-09T10:00" for n in range(first, first + count))]


@pytest.mark.parametrize(("count", "asks"), [(20, False), (21, True)])
def test_ten_times_the_median_asks_of_however_many_customers(tmp_path: Path, count: int, asks: bool) -> None:
    customers = [f"c{n}" for n in range(5000)]
    shop = Running(tmp_path, rule('visited → push "One"'), customers, few_a_day(10, count))
    assert len(shop.every(1440, "03-01 12:00", "03-08 12:00")) == 8
    if asks:
        with pytest.raises(DangolError, match=r"E703.*would hit 21; the median of the last runs is 2"):
            shop.run("03-09 12:00")
    assert len(shop.tick("03-09 12:00", confirmed=asks)) == count


def test_the_messages_of_a_night_are_not_unusual_in_the_morning(tmp_path: Path) -> None:
    events = [f"c{n} visited 2026-03-0{1 + n // 2}T10:00" for n in range(8)]
    events += [f"c{n} visited 2026-03-08T2{1 + n % 3}:10" for n in range(10, 50)]
    shop = Running(tmp_path, rule('visited → push "One"'), MANY, events, "quiet: 21:00–08:00\n")
    assert len(shop.every(720, "03-01 12:00", "03-08 12:00")) == 8
    assert shop.every(60, "03-08 21:00", "03-09 07:00") == []
    assert len(shop.tick("03-09 08:00")) == 40
