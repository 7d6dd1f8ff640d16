"""What a decision about arms changes: who enters after it, and nobody else."""

from __future__ import annotations

from pathlib import Path

import pytest

from dangol.diagnostics import DangolError
from dangol.measure.assignment import arms as draw
from dangol.runner.experiments.winner import choose, revert
from tests.runner.running import Running

PLAYBOOK = """playbook: p
scenarios:
  s:
    rule: '{rule}'
    winner: by clicked within 2d at 95% after 100 each → send to rest
    again: each time
splits:
  offer: red 40%, blue 40%, control 20%
messages:
  red: {{push: {{body: red}}}}
  blue: {{push: {{body: blue}}}}
"""
PLAIN = "visited → push split offer"
WHO = [f"c{number:02}" for number in range(60)]


def drawn(customers: list[str]) -> dict[str, str]:
    from fractions import Fraction

    names = ("red", "blue", "control")
    shares = (Fraction(2, 5), Fraction(2, 5), Fraction(1, 5))
    return {who: names[arm] for who, arm in zip(customers, draw("p/offer", shares, customers).tolist(), strict=True)}


ARMS = drawn(WHO)


def shop(directory: Path, rule: str = PLAIN) -> Running:
    """Half of the customers come on the 1st, the others on the 3rd, and the first ones again on the 5th."""
    days = {"01": WHO[:30], "03": WHO[30:], "05": WHO[:30]}
    events = [f"{who} visited 2026-03-{day}T11:00" for day, customers in days.items() for who in customers]
    return Running(directory, PLAYBOOK.format(rule=rule), WHO, events)


def got(out: list) -> dict[str, str]:  # type: ignore[type-arg]
    return {each.customer: each.text for each in out}


def as_drawn(customers: list[str]) -> dict[str, str]:
    return {who: ARMS[who] for who in customers if ARMS[who] != "control"}


def won(customers: list[str], arm: str) -> dict[str, str]:
    return {who: arm for who in customers if ARMS[who] != "control"}


def test_who_enters_after_the_decision_gets_the_arm_and_control_stays_control(tmp_path: Path) -> None:
    shops = shop(tmp_path)
    assert got(shops.tick("03-01 12:00")) == as_drawn(WHO[:30])
    choose(shops.project.files, shops.ledger, "p/s", "blue", "we like it", shops.micros("03-02 12:00"))
    assert got(shops.tick("03-03 12:00")) == won(WHO[30:], "blue")
    report = shops.run("03-05 12:00")
    assert [one.arm for one in report.plan.scenarios[0].decided] == ["blue"]
    record = shops.ledger.assigned("p", "s")
    assert record is not None
    names = record.names["offer"]
    told = {who: names[arm] for who, arm in zip(record.customer, record.arms["offer"].tolist(), strict=True)}
    assert told == ARMS  # the record still says who drew what


def test_running_entries_keep_their_arm_to_the_end(tmp_path: Path) -> None:
    shops = shop(tmp_path, "visited → push split offer → after 2d push split offer")
    shops.tick("03-01 12:00")
    choose(shops.project.files, shops.ledger, "p/s", "blue", "", shops.micros("03-02 12:00"))
    later = shops.tick("03-03 12:00", confirmed=True)
    assert got(later) == {**as_drawn(WHO[:30]), **won(WHO[30:], "blue")}


def test_a_condition_on_the_split_follows_the_same_arm(tmp_path: Path) -> None:
    shops = shop(tmp_path, 'visited → if split = "red" push "R" else push "B"'.replace("split =", "offer ="))
    first = got(shops.tick("03-01 12:00"))
    assert first == {who: "R" if arm == "red" else "B" for who, arm in as_drawn(WHO[:30]).items()}
    choose(shops.project.files, shops.ledger, "p/s", "red", "", shops.micros("03-02 12:00"))
    assert got(shops.tick("03-03 12:00")) == won(WHO[30:], "R")


def test_taken_back_the_split_draws_the_same_arms_as_before_and_may_be_decided_again(tmp_path: Path) -> None:
    shops = shop(tmp_path)
    shops.tick("03-01 12:00")
    files, ledger = shops.project.files, shops.ledger
    choose(files, ledger, "p/s", "blue", "", shops.micros("03-02 12:00"))
    revert(files, ledger, "p/s", "complaints", shops.micros("03-03 11:30"))
    assert got(shops.tick("03-03 12:00")) == as_drawn(WHO[30:])
    choose(files, ledger, "p/s", "red", "", shops.micros("03-04 12:00"))
    assert got(shops.tick("03-05 12:00")) == won(WHO[:30], "red")
    (phase,) = ledger.experiments()
    assert [(one.kind, one.arm) for one in ledger.decided(phase.id)] == [
        ("chosen", "blue"), ("reverted", None), ("chosen", "red"),
    ]  # fmt: skip


def test_what_cannot_be_chosen(tmp_path: Path) -> None:
    shops = shop(tmp_path)
    files, ledger = shops.project.files, shops.ledger
    with pytest.raises(DangolError, match=r"E832.*nobody has been assigned"):
        choose(files, ledger, "p/s", "blue", "", 0)
    shops.tick("03-01 12:00")
    with pytest.raises(DangolError, match=r"E830"):
        choose(files, ledger, "p/t", "blue", "", 0)
    with pytest.raises(DangolError, match=r"E831.*`bleu` is no arm"):
        choose(files, ledger, "p/s", "bleu", "", 0)
    with pytest.raises(DangolError, match=r"E832.*nothing is decided"):
        revert(files, ledger, "p/s", "", 0)


# --- at the deadline, by the run itself -------------------------------------------------------------------------------

AT_DEADLINE = PLAYBOOK.replace(
    "winner: by clicked within 2d at 95% after 100 each → send to rest",
    "on_deadline: {action}\n    kpi: purchased within 1d >= 50% by 2026-03-03",
)


@pytest.mark.parametrize(("action", "kind"), [("keep control", "control"), ("stop", "stopped")])
def test_after_the_deadline_nobody_new_gets_a_message_and_running_entries_go_on(
    tmp_path: Path, action: str, kind: str
) -> None:
    events = [
        f"{who} visited 2026-03-{day}T11:00" for day, some in (("02", WHO[:30]), ("04", WHO[30:])) for who in some
    ]
    text = AT_DEADLINE.format(rule="visited → push split offer → after 2d push split offer", action=action)
    shops = Running(tmp_path, text, WHO, events)
    assert got(shops.tick("03-02 12:00", linted=False)) == as_drawn(WHO[:30])
    assert shops.run("03-03 12:00", linted=False).decided == ()
    report = shops.run("03-04 12:00", confirmed=True, linted=False)
    assert [(one.kind, one.arm) for one in report.decided] == [(kind, "control" if kind == "control" else None)]
    assert shops.run("03-04 13:00", linted=False).decided == ()
    assert {each.customer for each in shops.messages} == set(as_drawn(WHO[:30]))
    assert len(shops.messages) == 2 * len(as_drawn(WHO[:30]))
    entered = {customer for customer, *_ in shops.entries()}
    assert entered == set(WHO if kind == "control" else WHO[:30])
