"""Whether the groups of an experiment have the sizes they were drawn to have, with those a plan would add."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from itertools import product
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dangol.diagnostics import Diagnostic, diagnose
from dangol.measure.design import Design, percent
from dangol.measure.ratio_mismatch import mismatch
from dangol.playbook.project import Project
from dangol.runner.experiments.draw import LEVELS, Drawn
from dangol.runner.ledger import Assigned, Ledger
from dangol.runner.model import Plan, ScenarioPlan

Group = tuple[str, ...]
"""Of who is held out the level, of all others an arm per split."""


def imbalances(project: Project, plan: Plan, past: Ledger | None) -> Iterator[Diagnostic]:
    """W840 for every experiment whose groups would not have their sizes if this plan were carried out."""
    rules = {(file.playbook.name, file.name): file.text.rule.line for file in project.scenarios}
    for one in plan.scenarios:
        planned = shares(one.record.design)
        if one.is_earlier or len(planned) < 2:
            continue
        counts = sizes(one, past)
        found = mismatch([[counts[group] for group in planned]], list(planned.values()))
        if found is not None and found.alarm:
            parts = (f"{' + '.join(g)} {counts[g]:,} for {percent(share)}" for g, share in planned.items())
            message = f"`{one.full_name}` has not the groups it was to have: {', '.join(parts)} (p = {found.p:.2g})"
            hints = ("no result is told from such groups; look for what is asked of one group only",)
            yield diagnose("W840", message, rules[one.playbook, one.scenario], hints=hints, severity="warning")


def shares(design: Design) -> dict[Group, Fraction]:
    """The planned share of each group among all who are drawn."""
    found: dict[Group, Fraction] = {}
    left = Fraction(1)
    for one in design.holdouts:
        found[(f"{one.level} holdout",)] = left * one.share
        left *= 1 - one.share
    for cell in product(*(split.arms for split in design.splits)):
        names = tuple(arm for arm, _ in cell) or ("the others",)
        found[names] = left * prod((share for _, share in cell), start=Fraction(1))
    return found


def sizes(one: ScenarioPlan, past: Ledger | None) -> Counter[Group]:
    """How many customers each group has, with those whom the plan assigns."""
    recorded = None if past is None else past.assigned(one.playbook, one.scenario, one.record.scenario.phase)
    counts: Counter[Group] = Counter()
    known: set[str] = set()
    if recorded is not None:
        known = set(recorded.customer.tolist())
        counts += _recorded(recorded, one.record.design)
    drawn, design = one.record.drawn, one.record.design
    fresh = [place for place in np.flatnonzero(drawn.assigned).tolist() if one.record.customers[place] not in known]
    return counts + Counter(_drawn(drawn, design, place) for place in fresh)


def _recorded(found: Assigned, design: Design) -> Counter[Group]:
    columns: list[NDArray[np.integer[Any]]] = [found.holdout]
    columns += [found.arms[split.name] for split in design.splits if split.name in found.arms]
    kinds, counts = np.unique(np.column_stack(columns), axis=0, return_counts=True)
    names = [found.names[split.name] for split in design.splits if split.name in found.arms]
    groups: Counter[Group] = Counter()
    for (level, *arms), count in zip(kinds.tolist(), counts.tolist(), strict=True):
        groups[_group(level, [every[arm] for every, arm in zip(names, arms, strict=True)])] += count
    return groups


def _drawn(drawn: Drawn, design: Design, place: int) -> Group:
    return _group(int(drawn.holdout[place]), [split.arms[drawn.arms[split.name][place]][0] for split in design.splits])


def _group(level: int, arms: list[str]) -> Group:
    return (f"{LEVELS[level]} holdout",) if level else tuple(arms) or ("the others",)
