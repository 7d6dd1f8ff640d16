"""What was decided about the arms of a scenario, and for which of its entries each decision holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dangol.engine import ir
from dangol.engine.backends.vector.evaluation import Arms
from dangol.engine.state.model import Mask
from dangol.measure.design import CONTROL
from dangol.runner.entries import Entries, Past

if TYPE_CHECKING:
    from dangol.runner.ledger.experiment_rows import Won

Ints = NDArray[np.int64]

LATER = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Decisions:
    """The decisions about one phase of a scenario, the earliest first. One without a split is about all of them."""

    every: tuple[Won, ...] = ()

    @classmethod
    def of(cls, scenario: ir.Scenario, past: Past | None) -> Decisions:
        """What the record has about a scenario."""
        if past is None or not (scenario.splits or scenario.on_deadline or scenario.winner):
            return cls()
        return cls(tuple(past.decisions(scenario.playbook, scenario.name, scenario.phase)))

    @property
    def standing(self) -> tuple[Won, ...]:
        """Those that hold for whoever enters now, one of each split at most."""
        last = {one.split: one for one in self._effective()}
        everywhere = last.get("")
        return tuple(
            one for one in last.values()
            if one.kind != "reverted" and (everywhere is None or one.number >= everywhere.number)
        )  # fmt: skip

    @property
    def stopped(self) -> bool:
        """Whether nobody enters any more."""
        return any(one.kind == "stopped" for one in self.standing)

    @property
    def settled(self) -> bool:
        """Whether anything was decided that the lines of the scenario do not decide again, taken back or not."""
        return any(True for _ in self._effective())

    @property
    def extended(self) -> Won | None:
        """That the deadline was put off, if it was."""
        return next((one for one in self.every if one.kind == "extended"), None)

    def _effective(self) -> Sequence[Won]:
        return [one for one in self.every if one.kind != "extended"]

    def holding(self, split: str, entry: Ints, told: Callable[[str | None], int | bool]) -> NDArray[Any]:
        """What is `told` of the arm that was everyone's in a split when each of these entries began (None: the draw
        held). entry: ids of the ledger, −1 for one that begins now."""
        own = [one for one in self._effective() if one.split in (split, "")]
        began = np.where(entry < 0, LATER, entry)
        held = np.searchsorted(np.array([one.entry for one in own], np.int64), began, side="right")
        return np.array([told(None), *(told(one.arm) for one in own)])[held]

    def free(self, splits: Sequence[str], entry: Ints) -> Mask:
        """Whose entry began while the draw held in every split: the experiment is about them."""
        found = np.ones(len(entry), bool)
        for split in splits or ("",):
            found &= self.holding(split, entry, lambda arm: arm is None)
        return found


@dataclass(frozen=True)
class Given:
    """What entries get in place of the arm they drew. rest: those that began after a decision; silent: those of them
    that get no message by it, whatever they drew."""

    decisions: Decisions
    entries: Entries
    silent: Mask

    @classmethod
    def of(cls, scenario: ir.Scenario, entries: Entries, past: Past | None) -> Given:
        """For the entries of a scenario."""
        decisions = Decisions.of(scenario, past)
        return cls(decisions, entries, decisions.holding("", entries.id, lambda arm: arm == CONTROL))

    def arms(self, split: ir.Split | ir.SplitArm, drawn: NDArray[Any]) -> NDArray[Any]:
        """The arm of each entry, parallel to what it drew. Whoever drew the control stays in it."""
        if not self.decisions.every:
            return drawn
        names = [arm for arm, _ in split.arms]
        name = split.name if isinstance(split, ir.Split) else split.split
        given = self.decisions.holding(name, self.entries.id, lambda arm: names.index(arm) if arm in names else -1)
        is_control = np.array([each == CONTROL for each in names])[drawn]
        return np.where((given < 0) | is_control, drawn, given).astype(drawn.dtype)

    def assigns(self, drawn: Arms) -> Arms:
        """How splits assign the customers of these entries, made of how they draw."""

        def assign(split: ir.SplitArm, ids: Sequence[str]) -> NDArray[Any]:
            found = np.array(drawn(split, ids))
            found[self.entries.codes] = self.arms(split, found[self.entries.codes])
            return found

        return assign
