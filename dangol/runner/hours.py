"""Hours in which nothing goes out, by the recipient's own clock where it is known, and who waits a little longer."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dangol.engine import ir
from dangol.engine.backends.vector import Evaluation
from dangol.engine.backends.vector.words import texts_of
from dangol.engine.calendar import DAY, SECOND, local_of, offset_at, zone_info
from dangol.engine.state.model import NO_INSTANT, Mask, Micros
from dangol.measure.assignment import draws
from dangol.runner.values import plain

if TYPE_CHECKING:
    from dangol.runner.policy import Policy

MINUTE = 60 * SECOND


class Clocks:
    """What the clocks of these customers show at the evaluation's instant."""

    def __init__(self, policy: Policy, codes: NDArray[np.int64], evaluation: Evaluation) -> None:
        self.policy, self.codes, self.evaluation = policy, codes, evaluation

    def quiet(self, scenario: ir.Scenario, due: Micros) -> Mask:
        """For whom it is quiet by the project's hours or the scenario's."""
        found = np.zeros(len(self.codes), bool)
        for window in (self.policy.quiet, scenario.quiet):
            if window is not None:
                found |= self.waits(window, due, by_recipient=True)
        return found

    def waits(self, window: ir.Quiet, due: Micros, by_recipient: bool = False) -> Mask:
        """Who is inside the window, or was when the step fell due and waits for a turn after its end.

        With `spread:` everyone has a delay after the end of a window, the same each time, between 0 and that long.
        """
        time = self._local(window.zone, by_recipient)
        inside = _inside(window, time)
        if self.policy.spread and window.start != window.end:
            since = (time - window.end * MINUTE) % DAY
            is_due = due != NO_INSTANT
            late = is_due & ~inside & (since < self.policy.spread) & (due < self.evaluation.at - since)
            if late.any():
                inside |= late & (self._delays > since)
        return inside

    def _local(self, zone: str, by_recipient: bool) -> Micros:
        at = self.evaluation.at
        if not by_recipient or self._zones is None:
            return np.full(len(self.codes), at + offset_at(at, zone), np.int64)
        names, which = self._zones
        return (at + np.array([offset_at(at, name or zone) for name in names], np.int64))[which]

    @cached_property
    def _zones(self) -> tuple[list[str | None], NDArray[np.intp]] | None:
        """The zones there are (None: nobody knows, or it is none) and which of them each customer is in; None when the
        project names no attribute."""
        if self.policy.recipient_zone is None:
            return None
        column = self.evaluation.state.attributes[self.policy.recipient_zone]
        _, first, which = np.unique(np.asarray(column.data[self.codes]), return_index=True, return_inverse=True)
        named = plain(column, self.codes[first], "UTC")
        return [name if isinstance(name, str) and _is_zone(name) else None for name in named], which

    @cached_property
    def _delays(self) -> NDArray[np.float64]:
        ids = texts_of(self.evaluation.state.ids, self.codes)
        return draws(f"spread/{self.policy.project}", ids) * self.policy.spread


def is_quiet(quiet: ir.Quiet, at: int) -> bool:
    """Whether the local time at `at` (µs) lies in the window."""
    return bool(_inside(quiet, np.array(local_of(at, quiet.zone))))


def _inside(window: ir.Quiet, local: Micros) -> Mask:
    """Which local times lie in the window [start, end), which may pass midnight."""
    time, start, end = local % DAY, window.start * MINUTE, window.end * MINUTE
    return (time >= start) & (time < end) if start <= end else (time >= start) | (time < end)


def _is_zone(name: str) -> bool:
    try:
        return bool(zone_info(name).key)
    except (OSError, ValueError, KeyError):  # whatever a customer's zone may be called
        return False
