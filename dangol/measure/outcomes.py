"""What each customer of an experiment did in the time a target gives them, asked of the engine for all at once."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dangol.engine import ir
from dangol.engine.backends.vector import Evaluation
from dangol.engine.backends.vector.selection import Rows
from dangol.engine.backends.vector.zone import zone_for
from dangol.engine.calendar import DAY
from dangol.engine.state.model import NO_INSTANT, EventTable, Mask, Micros

Floats = NDArray[np.float64]

LOOK_BACK = ir.Shift(days=14)
"""How far back the same behaviour is looked at, at least (measurement 2.4)."""


@dataclass(frozen=True)
class Outcomes:
    """Parallel to the customers asked about. `known`: who is in the data at all; the others' numbers mean nothing.

    now: 1 or 0 for a share, an amount otherwise (the numerator of a ratio); per: a ratio's denominator; before: the
    same as `now` in the time before the window, as a covariate (of a ratio there is none). `incomplete` of `matching`
    events in the windows lack the amount that is summed.
    """

    now: Floats
    known: Mask
    per: Floats | None = None
    before: Floats | None = None
    matching: int = 0
    incomplete: int = 0


def outcomes(
    evaluation: Evaluation, kpi: ir.Metric, codes: NDArray[np.int64], starts: Micros,
    per: ir.Events | None = None, *, averaged: bool = False, back: bool = True,
) -> Outcomes:  # fmt: skip
    """What the customers `codes` did in (start, start + within], one start (µs) for each.

    per: the events by whose number the amount is divided. averaged: per value that is there, as `avg` asks.
    back: whether to look at the time before, too.
    """
    windows = Windows(evaluation, kpi, codes, starts)
    inside = windows.after
    known = evaluation.universe()[codes]
    if averaged:
        sums, counts = replace(kpi, function="sum"), replace(kpi, function="count")
        return Outcomes(windows.values(sums, inside), known, per=windows.values(counts, inside))
    now = windows.values(kpi, inside)
    matching, incomplete = windows.completeness(kpi, inside)
    if per is not None:
        count = replace(kpi, events=per, function="count", property=None)
        return Outcomes(now, known, windows.values(count, inside), None, matching, incomplete)
    before = windows.values(kpi, windows.before) if back else None
    return Outcomes(now, known, None, before, matching, incomplete)


class Windows:
    """The time of each customer after its start, and the time before it, as windows of the language."""

    def __init__(self, evaluation: Evaluation, kpi: ir.Metric, codes: NDArray[np.int64], starts: Micros) -> None:
        self.evaluation, self.codes, self.zone = evaluation, codes, kpi.zone
        self.entry = np.full(evaluation.state.size, NO_INSTANT, np.int64)
        self.entry[codes] = starts
        start, end = ir.Point("entry", kpi.zone), ir.Point("entry", kpi.zone, kpi.within)
        self.after = ir.Window(ir.Edge(start, open=True), ir.Edge(end))
        back = ir.Point("entry", kpi.zone, -longer(kpi.within, LOOK_BACK))
        self.before = ir.Window(ir.Edge(back, open=True), ir.Edge(start))

    def values(self, kpi: ir.Metric, window: ir.Window) -> Floats:
        """The metric over the window; 0 where nothing happened."""
        events = replace(kpi.events, window=window)
        if kpi.function is None:
            condition = ir.Matches(events, kpi.low, kpi.high)
            return self.evaluation.members(condition, entry=self.entry)[self.codes].astype(np.float64)
        value = ir.Aggregate(kpi.function, events, kpi.property, "number", kpi.zone)
        data = self.evaluation.values(value, entry=self.entry).data[self.codes].astype(np.float64)
        return np.where(np.isnan(data), 0.0, data)

    def completeness(self, kpi: ir.Metric, window: ir.Window) -> tuple[int, int]:
        """How many events of these customers are summed, and how many of them lack the amount."""
        if kpi.property is None:
            return 0, 0
        count = replace(kpi, function="count")
        every = int(self.values(replace(count, property=None), window).sum())
        return every, every - int(self.values(count, window).sum())


def longer(one: ir.Shift, other: ir.Shift) -> ir.Shift:
    """The longer of two shifts, a month taken as 30 days."""

    def length(shift: ir.Shift) -> int:
        return (shift.months * 30 + shift.days) * DAY + shift.micros

    return one if length(one) >= length(other) else other


def closes(starts: Micros, kpi: ir.Metric) -> Micros:
    """The last instant of each window."""
    return zone_for(kpi.zone, starts, kpi.within).step(starts, kpi.within)


# --- tied to the anchor -------------------------------------------------------------------------------------------


def tied(
    evaluation: Evaluation, kpi: ir.Metric, anchor: ir.Events, same: tuple[str, ...], codes: NDArray[np.int64],
    entries: Micros,
) -> tuple[Evaluation, ir.Metric]:  # fmt: skip
    """The metric over those events only that agree with the anchor event of their customer's entry on `same`.

    entries: the entry instants, parallel to `codes`. Returns where to ask and what.
    """
    entry = np.full(evaluation.state.size, NO_INSTANT, np.int64)
    entry[codes] = entries
    edge = ir.Edge(ir.Point("entry", kpi.zone))
    begun = ir.Events(anchor.names, ir.Window(edge, edge), anchor.where)
    follow = ir.Follow("follows", begun, None, same, kpi.zone)
    asked = replace(kpi.events, follows=(*kpi.events.follows, follow))
    kept = {rows.name: _table(rows) for rows in evaluation.matches(asked, entry=entry)}
    state = replace(evaluation.state, events={**evaluation.state.events, **_all(kept, kpi.events.names)})
    return evaluation.over(state), replace(kpi, events=ir.Events(kpi.events.names, label=kpi.events.label))


def _all(kept: dict[str, EventTable], names: tuple[str, ...]) -> dict[str, EventTable]:
    nothing = EventTable(np.zeros(0, np.int32), np.zeros(0, np.int64))
    return {name: kept.get(name, nothing) for name in names}


def _table(rows: Rows) -> EventTable:
    properties = {name: column for name in rows.table.properties if (column := rows.column(name)) is not None}
    return EventTable(rows.customer, rows.time, properties)
