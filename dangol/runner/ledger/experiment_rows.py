"""What the ledger records of experiments: columns of equal length, instants in µs; see `rows`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dangol.runner.ledger.rows import Column, Micros


@dataclass(frozen=True)
class Start:
    """A phase of a scenario whose customers are drawn, as it is when it begins.

    design: how they are drawn (holdouts, namespace, splits: salts and shares) as JSON; lines: hash → each line it is
    judged by.
    """

    playbook: str
    scenario: str
    phase: int
    design: str
    lines: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Experiment:
    """A phase as it was recorded at its start. planned: its planned customers (N*); lint: the report accepted at the
    start, as JSON."""

    id: int
    start: Start
    started_at: int
    ended_at: int | None
    planned: int | None
    lint: str | None


class Cohort(NamedTuple):
    """Whoever is drawn alike at the same step (from 1) on the same channel. holdout: `project`, `playbook`, `scenario`
    or `none`; arms: split → arm, of who is in a holdout none."""

    step: int
    channel: str
    holdout: str
    arms: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class NewAssignments:
    """Entries that reach the draw. cohort: positions in `cohorts`. An entry that has reached it before stays as it
    was."""

    start: Start
    cohorts: Sequence[Cohort]
    entry: Column
    cohort: Column
    due: Column


@dataclass(frozen=True)
class Assigned:
    """Everyone who was assigned in a phase, once, by the first entry that reached the draw. Parallel columns:

    customer; time: when that entry began; due: when the step that reached the draw was due (the same rule in every
    group); at: the instant of that run; step (from 1) and channel of that step, sent or not; state: what became of it;
    sent_at: when the first message of this scenario went out from then on (NO_INSTANT: none did).
    `holdout`: a position in HOLDOUTS; `arms`: split → a position in `names[split]`, −1 for who is in a holdout.
    """

    customer: NDArray[np.object_]
    entry: NDArray[np.int64]
    time: Micros
    due: Micros
    at: Micros
    step: NDArray[np.int64]
    channel: NDArray[np.object_]
    state: NDArray[np.object_]
    sent_at: Micros
    holdout: NDArray[np.int8]
    arms: Mapping[str, NDArray[np.int16]]
    names: Mapping[str, tuple[str, ...]]

    def __len__(self) -> int:
        return len(self.customer)

    def under(self, mask: NDArray[np.bool_]) -> Assigned:
        """Those under the mask."""
        columns = {name: value[mask] for name, value in vars(self).items() if name not in ("arms", "names")}
        return Assigned(**columns, arms={name: arm[mask] for name, arm in self.arms.items()}, names=self.names)


@dataclass(frozen=True)
class Result:
    """One look at one KPI: everything the verdict rests on, as JSON. `kpi` is the hash of its line."""

    experiment: int
    kpi: str
    look: int
    at: int
    body: str


Decided = Literal["won", "best", "chosen", "control", "extended", "stopped", "reverted"]
"""won: by the `winner` line; chosen: by hand; best, control, extended, stopped: at the deadline, by `on_deadline`;
reverted: what was decided before holds no longer."""


@dataclass(frozen=True)
class Won:
    """A decision about a split of a phase: entries from `entry` on get `arm`; None: the draw holds. `body` says why.

    number: from 1 within the experiment, given by the ledger like `entry`.
    """

    experiment: int
    split: str
    arm: str | None
    at: int
    body: str
    kind: Decided = "won"
    number: int = 0
    entry: int = 0
