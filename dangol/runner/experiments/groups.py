"""The groups of a scenario's experiment: their planned shares, and in which one each customer is, drawn or recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import prod
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dangol.measure.design import CONTROL, HOLDOUTS, Design
from dangol.runner.experiments.draw import Drawn
from dangol.runner.ledger import Assigned

Role = Literal["arm", "control", "holdout"]
Positions = NDArray[np.int64]

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
    of: Positions

    def roles(self, *roles: Role) -> list[int]:
        """The positions of the groups in these roles."""
        return [number for number, group in enumerate(self.every) if group.role in roles]

    @property
    def narrowest_holdout(self) -> list[int]:
        """The position of the holdout that is compared with: the scenario's own before the playbook's and project's."""
        return self.roles("holdout")[-1:]

    @property
    def sizes(self) -> list[int]:
        """How many customers each group has."""
        found: list[int] = np.bincount(self.of[self.of >= 0], minlength=len(self.every)).tolist()
        return found


def recorded(record: Assigned, design: Design) -> Groups:
    """The groups of a record, as they were designed when it began."""
    return _groups(design, record.holdout, record.arms, record.names)


def drawn(found: Drawn, design: Design, places: NDArray[Any]) -> Groups:
    """The groups of some of those who are drawn."""
    names = {split.name: [arm for arm, _ in split.arms] for split in design.splits}
    return _groups(design, found.holdout[places], {name: arms[places] for name, arms in found.arms.items()}, names)


def planned(design: Design) -> tuple[Group, ...]:
    """Holdouts first, then a group per combination of arms; all with `control` in them are one."""
    every, left = list[Group](), Fraction(1)
    for one in design.holdouts:
        every.append(Group(f"{one.level} holdout", "holdout", left * one.share, one.level))
        left *= 1 - one.share
    shares: dict[str, Fraction] = {}
    for cell in product(*(split.arms for split in design.splits)):
        name = _name([arm for arm, _ in cell])
        shares[name] = shares.get(name, Fraction(0)) + left * prod((share for _, share in cell), start=Fraction(1))
    every += [Group(name, "control" if name == CONTROL else "arm", share) for name, share in shares.items()]
    return tuple(every)


def _groups(
    design: Design, holdout: NDArray[np.int8], arms: Mapping[str, NDArray[np.int16]],
    names: Mapping[str, Sequence[str]],
) -> Groups:  # fmt: skip
    every, of = planned(design), np.full(len(holdout), -1, np.int64)
    places = {group.name: place for place, group in enumerate(every) if not group.level}
    for place, one in enumerate(design.holdouts):
        of[holdout == HOLDOUTS.index(one.level)] = place
    for cell in product(*(enumerate(names.get(split.name, ())) for split in design.splits)):
        mine = holdout == HOLDOUTS.index("none")
        for split, (number, _) in zip(design.splits, cell, strict=True):
            mine &= arms[split.name] == number
        of[mine] = places.get(_name([arm for _, arm in cell]), -1)
    return Groups(every, of)


def _name(arms: Sequence[str]) -> str:
    """Of a combination of arms: with `control` in it nothing is sent."""
    return CONTROL if CONTROL in arms else " + ".join(arms) or EVERYBODY
