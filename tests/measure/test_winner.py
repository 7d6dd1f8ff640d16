"""The arm that is sent to the rest: promoted by the first look at which every rule holds, and by none before."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

import dangol
from dangol.playbook.lines import ScenarioFile
from dangol.runner.experiments.assignment import judged_by
from dangol.runner.experiments.winner import choose, decide, revert
from dangol.runner.ledger import Ledger, Won
from tests.measure.simulated import CONFIG, DAY, PLAYBOOK, Person, Simulated, clicked, instant, write

HOUR = DAY // 24
START = instant("2026-03-01T10:00")
WINNER = "by clicked within 2d at 95% after 300 each → send to rest"
TWO = "discount 45%, scarcity 45%, control 10%"
WITHOUT_TARGET = PLAYBOOK.replace("    kpi: KPI\n", "")


def playbook(*beside: str, target: str = "") -> str:
    """The scenario with these lines beside its rule."""
    lines = "".join(f"    {line}\n" for line in beside)
    kept = PLAYBOOK.replace("KPI", f"'{target}'") if target else WITHOUT_TARGET
    return kept.replace("splits:", f"{lines}splits:", 1)


def people(size: int, seed: int = 1, days: int = 20, arms: tuple[str, ...] = ("discount", "scarcity")) -> list[Person]:
    """Customers who enter over some days, evenly, each to an arm by chance (a tenth is control)."""
    chance = random.Random(seed)
    found = []
    for number in range(size):
        arm = "control" if chance.random() < 0.1 else chance.choice(arms)
        due = START + number * days * DAY // size
        found.append(Person(f"c{number}", due, arm, sent=due if arm != "control" else None))
    return found


def clicks(crowd: list[Person], rates: dict[str, float], seed: int = 1, hours: int = 1) -> list[tuple[str, int]]:
    chance = random.Random(seed)
    return [
        (one.id, one.due + hours * HOUR)
        for one in crowd
        if one.arm in rates and chance.random() < rates[one.arm or ""]
    ]  # fmt: skip


class Shop:
    """A shop whose record is written, decided about at chosen instants."""

    def __init__(
        self, directory: Path, crowd: list[Person], rates: dict[str, float] | None = None, written: str | None = None,
        events: list[Any] | None = None, lines: dict[str, str] | None = None, split: str = TWO, config: str = CONFIG,
    ) -> None:  # fmt: skip
        self.crowd = crowd
        self.simulated = Simulated(
            directory,
            crowd,
            events or (),
            playbook=written or playbook(f"winner: {WINNER}"),
            split=split,
            config=config,
        )
        self.simulated.files()
        self.simulated.lines = self.lines() if lines is None else lines
        self.project: dangol.Project = self.simulated.project()
        if rates:
            self.receive(clicks(crowd, rates))

    def lines(self) -> dict[str, str]:
        """The lines it is judged by, as a run records them."""
        from dangol.playbook.project import load_project

        (file,) = load_project(self.simulated.directory).scenarios
        assert isinstance(file, ScenarioFile)
        return dict(judged_by(file.text))

    def receive(self, receipts: list[tuple[str, int]], kind: str = "clicked") -> None:
        with self.project.ledger() as ledger:
            clicked(ledger, receipts, kind)

    def decide(self, at: str, ledger: Ledger | None = None) -> tuple[Won, ...]:
        if ledger is not None:
            return decide(self.project.files, self.project.data.evaluate, ledger, instant(at))
        with self.project.ledger() as opened:
            return self.decide(at, opened)

    def days(self, first: int, last: int, month: int = 3) -> list[tuple[int, str | None]]:
        """(day of the month, arm) of every decision, one look each day."""
        found = []
        for day in range(first, last + 1):
            found += [(day, one.arm) for one in self.decide(f"2026-{month:02}-{day:02}T09:00")]
        return found

    def why(self) -> list[str]:
        """The codes of what stood against a winner at the last look."""
        with self.project.ledger() as ledger:
            (phase,) = ledger.experiments()
            *_, last = ledger.results(phase.id)
        return [each["code"] for each in json.loads(last.body)["obstacles"]]

    def decisions(self) -> list[Won]:
        with self.project.ledger() as ledger:
            (phase,) = ledger.experiments()
            return ledger.decided(phase.id)


def test_the_better_arm_is_sent_to_the_rest_at_the_first_look_that_shows_it(tmp_path: Path) -> None:
    shop = Shop(tmp_path, people(3000), {"discount": 0.10, "scarcity": 0.30})
    ((day, arm),) = shop.days(2, 12)
    assert arm == "scarcity"
    (won,) = shop.decisions()
    told = json.loads(won.body)
    assert (won.kind, won.split, told["method"], told["planned"]) == ("won", "offer", "always_valid", 600)
    assert min(each["n"] for each in told["arms"].values()) >= 300
    assert told["until"] - told["start"] + 1 >= 7
    assert day == 1 + 7 + 1  # 300 mature customers each on the sixth day, seven days on the seventh


def test_whoever_looks_only_later_finds_the_same(tmp_path: Path) -> None:
    shop = Shop(tmp_path, people(3000), {"discount": 0.10, "scarcity": 0.30})
    (won,) = shop.decide("2026-04-20")
    assert (won.arm, json.loads(won.body)["won_on"]) == ("scarcity", json.loads(won.body)["start"] + 6)


def test_there_is_one_look_a_day_and_one_decision(tmp_path: Path) -> None:
    shop = Shop(tmp_path, people(2000), {"discount": 0.2, "scarcity": 0.2})
    shop.decide("2026-03-25T09:00")
    shop.decide("2026-03-25T18:00")
    with shop.project.ledger() as ledger:
        assert len(ledger.results(ledger.experiments()[0].id)) == 1
    assert shop.why() == ["not_shown_better"]


# --- each rule by itself stands in the way ----------------------------------------------------------------------------


def test_never_before_so_many_customers_each(tmp_path: Path) -> None:
    shop = Shop(tmp_path, people(640), {"discount": 0.05, "scarcity": 0.6})
    assert shop.decide("2026-03-24") == ()
    assert "too_few_customers" in shop.why()


def test_never_before_seven_days(tmp_path: Path) -> None:
    shop = Shop(tmp_path, people(3000, days=3), {"discount": 0.05, "scarcity": 0.6})
    assert shop.days(6, 8) == []
    assert shop.why() == ["too_few_days"]
    assert shop.days(9, 10) == [(9, "scarcity")]


def test_windows_must_be_closed(tmp_path: Path) -> None:
    crowd = people(3000, days=7)
    shop = Shop(tmp_path, crowd, {"discount": 0.05, "scarcity": 0.6}, playbook(f"winner: {WINNER}".replace("2d", "9d")))
    assert shop.decide("2026-03-11") == ()


def test_not_while_the_groups_have_other_sizes_than_drawn(tmp_path: Path) -> None:
    crowd = people(3000)
    fewer = [one for number, one in enumerate(crowd) if one.arm != "discount" or number % 3]
    shop = Shop(tmp_path, fewer, {"discount": 0.05, "scarcity": 0.6})
    assert shop.decide("2026-03-24T09:00") == ()
    assert shop.why() == ["sample_ratio_mismatch"]


def test_not_with_customers_in_two_groups(tmp_path: Path) -> None:
    crowd = people(3000)
    again = [Person(one.id, one.due + 10 * DAY, "control") for one in crowd[:300] if one.arm != "control"]
    shop = Shop(tmp_path, crowd + again, {"discount": 0.05, "scarcity": 0.6})
    assert shop.decide("2026-03-24T09:00") == ()
    assert "mixed_assignment" in shop.why()


def test_not_when_a_line_was_edited(tmp_path: Path) -> None:
    shop = Shop(tmp_path, people(3000), {"discount": 0.05, "scarcity": 0.6}, lines={"abc": "by clicked within 3d"})
    assert shop.decide("2026-03-24T09:00") == ()
    assert shop.why() == ["definition_changed"]


def test_not_an_arm_of_which_more_unsubscribe(tmp_path: Path) -> None:
    crowd = people(3000)
    shop = Shop(tmp_path, crowd, {"discount": 0.1, "scarcity": 0.3})
    shop.receive(clicks(crowd, {"discount": 0.02, "scarcity": 0.12}, 5), "unsubscribed")
    assert shop.decide("2026-03-24T09:00") == ()
    assert shop.why() == ["more_unsubscribe"]


def test_not_an_arm_that_breaks_a_guardrail(tmp_path: Path) -> None:
    crowd = people(3000)
    lines = f"winner: {WINNER}", "guardrails: unsubscribed within 7d <= 2%"
    shop = Shop(tmp_path, crowd, {"discount": 0.1, "scarcity": 0.3}, playbook(*lines))
    shop.receive(clicks(crowd, {"scarcity": 0.12}, 5), "unsubscribed")
    assert shop.decide("2026-03-24T09:00") == ()
    assert shop.why() == ["guardrail_broken"]


def test_what_the_other_arm_breaks_is_no_obstacle(tmp_path: Path) -> None:
    crowd = people(3000)
    lines = f"winner: {WINNER}", "guardrails: unsubscribed within 7d <= 2%"
    shop = Shop(tmp_path, crowd, {"discount": 0.1, "scarcity": 0.3}, playbook(*lines))
    shop.receive(clicks(crowd, {"discount": 0.12}, 5), "unsubscribed")
    assert [arm for _, arm in shop.days(20, 20)] == ["scarcity"]


def test_of_three_arms_one_must_beat_every_other(tmp_path: Path) -> None:
    arms = ("discount", "scarcity", "plain")
    split = "discount 30%, scarcity 30%, plain 30%, control 10%"
    text = playbook(f"winner: {WINNER}") + "  plain: {push: {body: hi}}\n"
    crowd = people(2400, arms=arms)
    shop = Shop(tmp_path / "tie", crowd, {"discount": 0.1, "scarcity": 0.3, "plain": 0.3}, text, split=split)
    assert shop.decide("2026-03-25") == ()
    assert shop.why() == ["not_shown_better"]
    shop = Shop(tmp_path / "one", crowd, {"discount": 0.1, "scarcity": 0.2, "plain": 0.35}, text, split=split)
    (won,) = shop.decide("2026-03-25")
    assert (won.arm, json.loads(won.body)["alpha"]) == ("plain", pytest.approx(0.025))


def test_of_what_does_harm_fewer_is_better(tmp_path: Path) -> None:
    crowd = people(3000)
    shop = Shop(tmp_path, crowd, None, playbook(f"winner: {WINNER}".replace("clicked", "unsubscribed")))
    shop.receive(clicks(crowd, {"discount": 0.02, "scarcity": 0.2}), "unsubscribed")
    assert [arm for _, arm in shop.days(20, 20)] == ["discount"]


def purchases(crowd: list[Person], rates: dict[str, float]) -> list[Any]:
    return [(who, "purchased", at, "x", "10") for who, at in clicks(crowd, rates)]


BOUGHT = "winner: by purchased within 2d at 95% after 300 each → send to rest"


def test_not_an_arm_that_does_worse_than_the_control(tmp_path: Path) -> None:
    crowd = people(4000)
    events = purchases(crowd, {"discount": 0.02, "scarcity": 0.15, "control": 0.45})
    shop = Shop(tmp_path, crowd, None, playbook(BOUGHT), events)
    assert shop.decide("2026-03-25") == ()
    assert shop.why() == ["worse_than_control"]


def test_one_arm_alone_must_beat_the_control(tmp_path: Path) -> None:
    chance = random.Random(3)
    crowd = [Person(f"c{n}", START + n * HOUR // 6, chance.choice(("discount", "control"))) for n in range(2400)]
    shop = Shop(tmp_path, crowd, None, playbook(BOUGHT), purchases(crowd, {"discount": 0.3, "control": 0.1}),
                split="discount 50%, control 50%")  # fmt: skip
    assert [one.arm for one in shop.decide("2026-03-25")] == ["discount"]


# --- no more often than declared --------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("by", ["", "purchased within 2d >= 5% by 2026-03-25"])
def test_arms_that_are_alike_win_no_more_often_than_declared(tmp_path: Path, by: str) -> None:
    """300 times the same customers are drawn anew; every day is a look. 5 % of 300 are 15, and 25 with three errors."""
    from dataclasses import replace

    import numpy as np

    from dangol.runner.experiments.race import race
    from dangol.runner.experiments.results import Record, needs_of_results, study

    shop = Shop(tmp_path, people(1500), {"discount": 0.2, "scarcity": 0.2},
                playbook("winner: by clicked within 2d at 95% after 100 each → send to rest", target=by))  # fmt: skip
    files, at = shop.project.files, instant("2026-03-28")
    scenario = files.compiled["p", "s"]
    with shop.project.ledger() as ledger:
        evaluation = shop.project.data.evaluate(needs_of_results([scenario], files), at)
        found = study(scenario, evaluation, Record(ledger, at))
    assert found is not None
    subject, chance, won = found.subject, np.random.default_rng(7), 0
    arms = subject.drawn.roles("arm")
    for _ in range(300):
        of = np.where(np.isin(subject.drawn.of, arms), chance.choice(arms, len(subject.drawn.of)), subject.drawn.of)
        drawn = race(replace(subject, drawn=replace(subject.drawn, of=of)), (), thorough=False)
        won += drawn is not None and drawn.promoted is not None
    assert won <= 25


# --- at the deadline --------------------------------------------------------------------------------------------------

TARGET = "purchased within 2d >= 50% by 2026-03-20"


def at_deadline(tmp_path: Path, line: str, rates: dict[str, float], **more: Any) -> Shop:
    text = playbook(f"winner: {WINNER}", f"on_deadline: {line}", target=TARGET)
    return Shop(tmp_path, people(2000, **more), rates, text)


@pytest.mark.parametrize(
    ("line", "kind", "arm"),
    [("keep control", "control", "control"), ("send best", "best", "scarcity"), ("stop", "stopped", None),
     ("extend 14d", "extended", None)],
)  # fmt: skip
def test_what_happens_at_the_deadline_without_a_winner(tmp_path: Path, line: str, kind: str, arm: str | None) -> None:
    shop = at_deadline(tmp_path, line, {"discount": 0.20, "scarcity": 0.22})
    assert shop.days(20, 20) == []  # the day of the deadline is not over before the 21st
    assert shop.days(21, 22) == [(21, arm)]
    (found,) = shop.decisions()
    assert (found.kind, found.arm) == (kind, arm)


def test_the_best_arm_of_a_target_that_falls_has_the_fewest(tmp_path: Path) -> None:
    crowd = people(1200)
    events = [(who, "cart_added", at, "x", "10") for who, at in clicks(crowd, {"discount": 0.1, "scarcity": 0.4})]
    text = playbook("on_deadline: send best", target="cart_added within 2d <= 5% by 2026-03-20")
    assert [one.arm for one in Shop(tmp_path, crowd, None, text, events).decide("2026-03-21")] == ["discount"]


def test_a_winner_before_the_deadline_stands(tmp_path: Path) -> None:
    shop = at_deadline(tmp_path, "stop", {"discount": 0.1, "scarcity": 0.4})
    assert [one.kind for one in shop.decide("2026-03-22")] == ["won"]
    told = json.loads(shop.decisions()[0].body)
    assert told["method"] == "group_sequential"
    assert shop.days(25, 25) == []


def test_a_deadline_that_is_put_off_still_finds_its_winner(tmp_path: Path) -> None:
    shop = at_deadline(tmp_path, "extend 14d", {"discount": 0.05, "scarcity": 0.5}, days=60)
    assert [one.kind for one in shop.decide("2026-03-21")] == ["extended"]
    assert [one.kind for one in shop.decide("2026-03-31")] == ["won"]
    assert [one.kind for one in shop.decisions()] == ["extended", "won"]


# --- by hand, and once ------------------------------------------------------------------------------------------------


def test_what_is_taken_back_is_not_decided_again_by_itself(tmp_path: Path) -> None:
    shop = Shop(tmp_path, people(3000), {"discount": 0.10, "scarcity": 0.30})
    shop.decide("2026-03-20")
    with shop.project.ledger() as ledger:
        revert(shop.project.files, ledger, "p/s", "the offer is over", instant("2026-03-21"))
    assert shop.days(25, 25) == []
    with shop.project.ledger() as ledger:
        assert choose(shop.project.files, ledger, "p/s", "discount", "", instant("2026-03-26")).number == 3


def test_who_enters_after_the_decision_is_compared_with_nobody_but_counts_for_levels(tmp_path: Path) -> None:
    targets = "purchased within 2d >= 1% by 2026-04-30", "purchased within 2d up 10% vs control by 2026-04-30"
    text = playbook(f"winner: {WINNER}", f"kpi: ['{targets[0]}', '{targets[1]}']")
    shop = Shop(tmp_path, people(3000), {"discount": 0.10, "scarcity": 0.40}, text)
    (won,) = shop.decide("2026-03-22T11:00")
    before = shop.project.results("2026-03-23").experiments[0]
    due = instant("2026-03-24T10:00")
    later = [Person(f"n{n}", due, arm, sent=due) for n, arm in enumerate(["discount"] * 40 + ["control"] * 10)]
    with shop.project.ledger() as ledger:
        write(ledger, later, shop.simulated.design(shop.project), shop.simulated.lines)
    after = shop.project.results("2026-03-30").experiments[0]
    assert after.decided == (won,)
    assert [one.assigned for one in after.groups] == [one.assigned for one in before.groups]
    level, lift = after.kpis
    assert (
        sum(row.customers for row in level.rows if row.group.role == "arm")
        == sum(one.reached for one in before.groups if one.group.role == "arm") + 40
    )
    assert sum(row.customers for row in lift.rows) == 3000
    assert [(row.group.name, row.customers) for row in after.rest[0].rows] == [
        ("discount", 40), ("scarcity", 0), ("control", 10),
    ]  # fmt: skip
