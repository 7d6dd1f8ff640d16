"""What a run writes down about assignment: the phase as it begins, the group of whoever reaches the draw."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dangol.engine.check import ScenarioText
from dangol.grammar.printer import print_node
from dangol.measure.design import HOLDOUTS
from dangol.runner.ledger import Cohort, NewAssignments, Start
from dangol.runner.model import Decision, Record


def start_of(record: Record) -> Start:
    """The phase that a scenario is in, as it would begin."""
    scenario = record.scenario
    return Start(scenario.playbook, scenario.name, scenario.phase, record.design.written(), record.lines)


def assignments(record: Record, decisions: Sequence[Decision], ids: NDArray[np.int64]) -> NewAssignments | None:
    """Who of those decided about reaches the draw now; `ids` are the ledger's of the entries. None: nobody."""
    drawn = record.drawn
    decided = np.zeros(len(ids), bool)
    decided[[one.place for one in decisions]] = True
    places = np.flatnonzero(decided & drawn.assigned & (ids >= 0))
    if not record.is_experiment or not len(places):
        return None
    names = sorted(set(drawn.channel[places].tolist()))
    channel = np.searchsorted(np.array(names), drawn.channel[places].astype(str))
    columns: list[NDArray[np.integer[Any]]] = [drawn.step[places], channel, drawn.holdout[places]]
    columns += [np.where(drawn.holdout[places] > 0, -1, arms[places]) for arms in drawn.arms.values()]
    kinds, which = np.unique(np.column_stack(columns), axis=0, return_inverse=True)
    cohorts = [
        Cohort(
            step + 1 + record.text.behind, names[code], HOLDOUTS[level],
            tuple((split.name, split.arms[arm][0]) for split, arm in zip(record.design.splits, arms, strict=True)
                  if arm >= 0),
        )
        for step, code, level, *arms in kinds.tolist()
    ]  # fmt: skip
    return NewAssignments(start_of(record), cohorts, ids[places], which.reshape(-1), drawn.due[places])


def judged_by(text: ScenarioText) -> Mapping[str, str]:
    """Hash → each `kpi`, `guardrail`, `winner` and `on_deadline` line of a scenario, as printed."""
    trees: list[Any] = [one.tree for one in (*text.kpis, *text.guardrails, text.winner, text.on_deadline) if one]
    return {hash_of_line(line): line for line in map(print_node, trees)}


def hash_of_line(printed: str) -> str:
    """What tells a line from another, however it is spaced."""
    return hashlib.blake2b(printed.encode(), digest_size=8).hexdigest()
