"""What went out and what came of it, in columns, for whoever counts it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select

from dangol.runner.ledger.rows import RECEIPT_KINDS, Micros
from dangol.runner.ledger.schema import assignments, cohorts, entries, receipts, scenarios, sends
from dangol.runner.ledger.store import Store, columns_of

MOST_STEPS = 1_000


class Kind(NamedTuple):
    """What messages have in common: `step` counts from 1, `arm` is None without a split."""

    playbook: str
    scenario: str
    step: int
    channel: str | None
    message: str | None
    arm: str | None


@dataclass(frozen=True)
class Messages:
    """Messages that went out, by customer and time. `kind` is the position in `kinds`; `key` tells them apart."""

    kinds: tuple[Kind, ...]
    kind: NDArray[np.int64]
    key: NDArray[np.int64]
    customer: list[str]
    time: Micros

    def __len__(self) -> int:
        return len(self.customer)


@dataclass(frozen=True)
class Answers:
    """What providers told of messages: the kind of receipt (its position in RECEIPT_KINDS), and when first."""

    key: NDArray[np.int64]
    kind: NDArray[np.int64]
    time: Micros


def messages(store: Store, until: int) -> Messages:
    """Every message that went out at or before `until` (µs), of all scenarios."""
    asked = (
        select(scenarios.c.playbook, scenarios.c.scenario, sends.c.step, sends.c.channel, sends.c.message, sends.c.arm,
               entries.c.customer, sends.c.entry, sends.c.sent_at)
        .join(entries, entries.c.id == sends.c.entry)
        .join(scenarios, scenarios.c.id == entries.c.scenario)
        .where(sends.c.sent_at <= until)
    )  # fmt: skip
    with store.reading() as connection:
        rows = connection.execute(asked).all()
    places: dict[Kind, int] = {}
    kind = [places.setdefault(Kind(*row[:6]), len(places)) for row in rows]
    customer, entry, time = columns_of([row[6:] for row in rows], 3)
    step = np.array([each.step for each in places], np.int64)[kind] if rows else np.zeros(0, np.int64)
    key = np.array(entry, np.int64) * MOST_STEPS + step
    return Messages(tuple(places), np.array(kind, np.int64), key, customer, np.array(time, np.int64))


def answers(store: Store, playbook: str, scenario: str, until: int) -> Answers:
    """What providers told about the messages of one scenario at or before `until` (µs)."""
    chosen = scenarios.c.playbook == playbook, scenarios.c.scenario == scenario, receipts.c.at <= until
    asked = (
        select(receipts.c.entry, receipts.c.step, receipts.c.kind, func.min(receipts.c.at))
        .join(entries, entries.c.id == receipts.c.entry)
        .join(scenarios, scenarios.c.id == entries.c.scenario)
        .where(*chosen)
        .group_by(receipts.c.entry, receipts.c.step, receipts.c.kind)
    )
    with store.reading() as connection:
        entry, step, kind, time = columns_of(connection.execute(asked).all(), 4)
    key = np.array(entry, np.int64) * MOST_STEPS + np.array(step, np.int64)
    return Answers(key, np.array([RECEIPT_KINDS.index(each) for each in kind], np.int64), np.array(time, np.int64))


def mixed(store: Store, experiment: int, until: int) -> int:
    """How many customers runs up to `until` (µs) drew to more than one group of an experiment."""
    drawn = cohorts.c.holdout + cohorts.c.arms
    several = (
        select(entries.c.customer)
        .join(assignments, assignments.c.entry == entries.c.id)
        .join(cohorts, cohorts.c.id == assignments.c.cohort)
        .where(cohorts.c.experiment == experiment, assignments.c.at <= until)
        .group_by(entries.c.customer)
        .having(func.min(drawn) != func.max(drawn))
    )
    with store.reading() as connection:
        return int(connection.execute(select(func.count()).select_from(several.subquery())).scalar_one())
