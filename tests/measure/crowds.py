"""Customers for experiments: many at random, or a few of each group."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import dangol.api
from dangol.runner.experiments.measured import Measured
from dangol.runner.experiments.results import ExperimentResult
from tests.measure.simulated import DAY, Person, Simulated, instant

HOUR = DAY // 24
START = instant("2026-03-01T10:00")


def shop(
    directory: Path, seed: int, size: int = 900, effect: float = 0.1, **beside: Any
) -> tuple[Simulated, list[Person]]:
    """Customers who enter over 24 days, half of them control; messages go out an hour or, at night, half a day late."""
    chance = random.Random(seed)
    people: list[Person] = []
    events: list[tuple[str, str, int, str, str]] = []
    for number in range(size):
        who = f"고객{number}"
        due = START + chance.randrange(24) * DAY + chance.randrange(86_400) * 1_000_000
        arm = chance.choice(("discount", "control"))
        late = chance.choice((0, HOUR, 12 * HOUR))
        people.append(Person(who, due, arm, sent=due + late if arm != "control" else None))
        events.append((who, "cart_added", due - HOUR, chance.choice("xy"), "1"))
        for _ in range(chance.choice((0, 0, 1, 2))):  # before, by who is inclined to buy
            events.append((who, "purchased", due - chance.randrange(1, 20 * 24) * HOUR, "x", "20"))
        if chance.random() < 0.2 + (effect if arm != "control" else 0.0):
            for _ in range(chance.choice((1, 1, 2))):
                amount = f"{chance.randrange(100, 9000) / 100}"
                events.append((who, "purchased", due + chance.randrange(0, 9 * 24) * HOUR, chance.choice("xy"), amount))
    return Simulated(directory, people, events, **beside), people


def results(project: dangol.Project, at: str) -> ExperimentResult:
    (found,) = project.results(at).experiments
    return found


def counts(found: Measured) -> dict[str, int]:
    return {row.group.name: row.sums.n for row in found.rows}


def verdict(found: ExperimentResult, line: int = 0) -> tuple[str, str]:
    answer = found.kpis[line].verdict
    return answer.answer, answer.reason.code


def small(tmp_path: Path, people: list[Person], events: list[Any] = [], at: str = "2026-04-05", **beside: Any) -> Any:  # noqa: B006
    return results(Simulated(tmp_path, people, events, **beside).project(), at)


def crowd(count: int, arm: str, name: str, sent: bool = True) -> list[Person]:
    goes = sent and arm != "control"
    return [Person(f"{name}{n}", START + n * HOUR, arm, sent=START + n * HOUR if goes else None) for n in range(count)]


def halves(negative: bool = False, amount: str = "10") -> tuple[list[Person], list[Any]]:
    people = crowd(200, "discount", "d") + crowd(200, "control", "c")
    events = [
        (f"{name}{n}", "purchased", START + (n + 1) * HOUR, "x", f"-{n + 5}" if negative else amount if n % 2 else "12")
        for name, count in (("d", 60), ("c", 50)) for n in range(count)
    ]  # fmt: skip
    return people, events
