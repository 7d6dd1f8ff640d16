"""The arm that is sent to the rest: promoted by the first look at which every rule holds, and by none before."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import dangol
from dangol.playbook.lines import ScenarioFile
from dangol.runner.assigning import judged_by
from dangol.runner.ledger import Ledger, Won
from dangol.runner.winner import decide
from tests.measure.simulated import CONFIG, DAY, PLAYBOOK, Person, Simulated, clicked, instant

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
    ((day, arm),) = shop.days(2, 25)
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
