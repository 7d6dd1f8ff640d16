"""Who takes part in a scenario's experiment, from the ledger's record: each customer once, in the group they were drawn
to, with the planned share of every group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import prod
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dangol.measure.design import CONTROL, Design
from dangol.runner.ledger import HOLDOUTS, Assigned

Role = Literal["arm", "control", "holdout"]

EVERYBODY = "messages"
"""The name of the one group that gets messages, where there is no split."""


@dataclass(frozen=True)
class Group:
    """Customers who are treated alike. `share` is the planned one of all who are drawn; `level` of a holdout:
    `project`, `playbook` or `scenario`."""

    name: str
    role: Role
    share: Fraction
    level: str = ""


@dataclass(frozen=True)
class Groups:
    """All groups of an experiment, and the position of each assigned customer's (−1: of one that is not planned)."""

    every: tuple[Group, ...]
    of: NDArray[np.int64]

    def roles(self, *roles: Role) -> list[int]:
        """The positions of the groups in these roles."""
        return [number for number, group in enumerate(self.every) if group.role in roles]

    @property
    def narrowest_holdout(self) -> list[int]:
        """The position of the holdout that is compared with: the scenario's own before the playbook's and project's."""
        return self.roles("holdout")[-1:]


def groups(record: Assigned, design: Design) -> Groups:
    """The groups of a record, as they were designed when it began."""
    every, left = list[Group](), Fraction(1)
    of = np.full(len(record), -1, np.int64)
    for one in design.holdouts:
        of[record.holdout == HOLDOUTS.index(one.level)] = len(every)
        every.append(Group(f"{one.level} holdout", "holdout", left * one.share, one.level))
        left *= 1 - one.share
    shares: dict[str, Fraction] = {}
    for cell in product(*(split.arms for split in design.splits)):
        name = _name([arm for arm, _ in cell])
        shares[name] = shares.get(name, Fraction(0)) + left * prod((share for _, share in cell), start=Fraction(1))
    places = {name: len(every) + number for number, name in enumerate(shares)}
    every += [Group(name, "control" if name == CONTROL else "arm", share) for name, share in shares.items()]
    free = record.holdout == HOLDOUTS.index("none")
    for arms in product(*(enumerate(record.names.get(split.name, ())) for split in design.splits)):
        mine = free.copy()
        for split, (number, _) in zip(design.splits, arms, strict=True):
            mine &= record.arms[split.name] == number
        of[mine] = places.get(_name([arm for _, arm in arms]), -1)
    return Groups(tuple(every), of)


def _name(arms: Sequence[str]) -> str:
    """Of a combination of arms: with `control` in it nothing is sent."""
    return CONTROL if CONTROL in arms else " + ".join(arms) or EVERYBODY
