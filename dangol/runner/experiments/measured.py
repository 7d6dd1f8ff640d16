"""One target of a scenario measured: its customers, their outcomes, the days they matured on, and what follows."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dangol.engine import ir
from dangol.engine.backends.vector import Evaluation
from dangol.engine.backends.vector.zone import zone_for
from dangol.engine.calendar import day_of
from dangol.engine.state.model import NO_INSTANT, Mask, Micros
from dangol.measure import experiment, verdict
from dangol.measure.daily import Daily, daily
from dangol.measure.estimate import narrowing
from dangol.measure.experiment import Horizon, Lift, Total
from dangol.measure.outcomes import Outcomes, closes, outcomes, tied
from dangol.measure.reason import Reason
from dangol.measure.sums import Kind, Sums, computable
from dangol.measure.verdict import Level, Target, Verdict
from dangol.runner.experiments.credits import Sent, came_of
from dangol.runner.experiments.groups import Group, Groups
from dangol.runner.ledger import Assigned
from dangol.runner.ledger.messages import Answers, Messages

Ints = NDArray[np.int64]
Line = ir.Kpi | ir.Guardrail
State = Literal["kept", "broken", "not shown"]


@dataclass(frozen=True)
class Subject:
    """A scenario with everyone assigned in it. codes: the customers' codes (−1: not in the data); went: the messages of
    all scenarios, those of this one under `mine`, their customers' codes; told: the receipts of this one's."""

    scenario: ir.Scenario
    evaluation: Evaluation
    assigned: Assigned
    drawn: Groups
    codes: Ints
    at: int
    went: Messages
    mine: Mask
    went_codes: Ints
    told: Answers


@dataclass(frozen=True)
class Row:
    """A group at the last look: customers who count (assigned, or reached), those whose window had closed, those of
    them who are not in the data any more, and the sums of the others."""

    group: Group
    customers: int
    mature: int
    gone: int
    sums: Sums


@dataclass(frozen=True)
class Measured:
    """A KPI at the last look. Exactly one of lift, level and total is there, none where it cannot be measured at all.

    arms: each arm against the control, where there are several; narrowed: by what share the behaviour before made the
    interval narrower; credits: per message, what came of it; known_by: the hash of the line in the record; daily: the
    sums of every day.
    """

    kpi: ir.Kpi
    kind: Kind | Literal["total"]
    horizon: Horizon
    rows: tuple[Row, ...]
    problems: tuple[Reason, ...]
    verdict: Verdict
    lift: Lift | None = None
    level: Level | None = None
    total: Total | None = None
    arms: tuple[tuple[str, Lift], ...] = ()
    narrowed: float | None = None
    credits: tuple[Sent, ...] = ()
    known_by: str = ""
    daily: Daily | None = None

    def sums_on(self, day: int) -> dict[str, Sums] | None:
        """Group → the sums of a look at the end of that day; None before the first."""
        place = bisect_right(self.daily.days, day) - 1 if self.daily is not None else -1
        if self.daily is None or place < 0 or day > self.horizon.until:
            return None
        return {row.group.name: sums for row, sums in zip(self.rows, self.daily.sums[place], strict=True)}

    @classmethod
    def of_nobody(cls, kpi: ir.Kpi, at: int) -> Measured:
        """Where nobody has been assigned until an instant (µs)."""
        horizon = Horizon(None, kpi.by, min(day_of(at, kpi.zone) - 1, kpi.by))
        answer = Verdict("unknown" if horizon.final else "open", Reason("no_customers", 0, 1))
        return cls(kpi, _kind(kpi), horizon, (), (), answer)


@dataclass(frozen=True)
class Guarded:
    """A guardrail at the last look: kept, broken, or neither shown. A change is `kept` when the worse end of its
    interval stays within the margin; a level when its one-sided limit does."""

    line: ir.Guardrail
    kind: Kind | Literal["total"]
    rows: tuple[Row, ...]
    state: State
    value: float | None
    interval: tuple[float, float] | None
    margin: Target
    reason: Reason | None


@dataclass(frozen=True)
class _Sample:
    """The customers that a line is about (positions in the record): when their time begins, and the day it is over."""

    places: Ints
    starts: Micros
    closed: Ints
    horizon: Horizon


def measure(kpi: ir.Kpi, subject: Subject, problems: Sequence[Reason] = (), known_by: str = "") -> Measured:
    """A KPI of a scenario. `problems` of the experiment as a whole forbid a verdict; `known_by` is its line's hash."""
    return replace(_measured(kpi, subject, problems), known_by=known_by)


def _measured(kpi: ir.Kpi, subject: Subject, problems: Sequence[Reason]) -> Measured:
    kind, sample = _kind(kpi), _sample(kpi, subject, kpi.by)
    target = Target(kpi.op, kpi.amount, kpi.points, kpi.baseline)
    if (unclear := _unclear(kpi)) is not None:
        answer = Verdict("unknown" if sample.horizon.final else "open", unclear)
        return Measured(kpi, kind, sample.horizon, (), (unclear,), answer)
    evaluation, metric, found = _outcomes(kpi, subject, sample)
    own = tuple(_flaws(found, subject, sample))
    every = (*problems, *own)
    sums = _daily(kpi, kind, found, subject, sample)
    rows = tuple(_rows(subject, sample, found, sums))
    credits = came_of(evaluation, metric, subject.went, subject.went_codes, subject.mine, subject.told)
    reason = every[0] if every else Reason("no_customers", 0, 1)
    answer = Verdict("unknown" if sample.horizon.final else "open", reason)
    measured = Measured(kpi, kind, sample.horizon, rows, every, answer, credits=credits)
    return measured if sums is None else _judged(replace(measured, daily=sums), target, subject, sample, sums)


def _judged(measured: Measured, target: Target, subject: Subject, sample: _Sample, sums: Daily) -> Measured:
    drawn, horizon, problems = subject.drawn, sample.horizon, measured.problems
    treated = drawn.roles("arm")
    control = drawn.roles("control") if measured.kpi.versus == "control" else drawn.narrowest_holdout
    if not treated or (measured.kpi.versus is not None and not control):
        missing = Reason("no_customers", 0, 1, measured.kpi.versus if treated else "messages")
        return replace(measured, verdict=Verdict("unknown" if horizon.final else "open", missing))
    pooled = sums.together(treated)
    if measured.kind == "total":
        total = experiment.total(pooled[-1], target, horizon.final, problems)
        return replace(measured, total=total, verdict=total.verdict)
    if measured.kpi.versus is None:
        expected = _expected(pooled[-1].n, sample, subject.at)
        level = verdict.level(pooled[-1], target, expected, horizon.final, problems=problems)
        return replace(measured, level=level, verdict=level.verdict)
    base = sums.together(control)
    lift = experiment.lift(base, pooled, sums.days, horizon, target, problems)
    single = {drawn.every[arm].name: sums.together([arm]) for arm in treated}
    arms = experiment.arms(single, base, sums.days, horizon, target, problems) if len(single) > 1 else {}
    narrowed = narrowing(base[-1], pooled[-1], target.scale)
    return replace(measured, lift=lift, verdict=lift.verdict, arms=tuple(arms.items()), narrowed=narrowed)


def _expected(mature: int, sample: _Sample, at: int) -> int:
    """Customers whose window will be closed at the deadline: those under way, and more of them as they came so far."""
    horizon = sample.horizon
    if horizon.by is None or horizon.start is None or horizon.until <= horizon.start:
        return mature
    under_way = int(np.count_nonzero(sample.closed <= horizon.by))
    last = int(sample.closed.max(initial=horizon.until))
    pace = len(sample.closed) / (horizon.until + 1 - horizon.start)
    return max(mature, under_way + int(pace * max(0, horizon.by - max(last, horizon.until))))


@dataclass(frozen=True)
class Series:
    """A metric over everyone assigned, in every group, day by day. daily: None where it cannot be measured; flaws
    forbid every conclusion."""

    kind: Kind | Literal["total"]
    horizon: Horizon
    daily: Daily | None
    flaws: tuple[Reason, ...]


def series(line: Line, subject: Subject, by: int | None) -> Series:
    """What a line measures, at the end of each day until the last that is over, or the deadline `by` (a local day)."""
    kind, sample = _kind(line), _sample(line, subject, by)
    if (unclear := _unclear(line)) is not None:
        return Series(kind, sample.horizon, None, (unclear,))
    _, _, found = _outcomes(line, subject, sample)
    flaws = tuple(_flaws(found, subject, sample))
    return Series(kind, sample.horizon, _daily(line, kind, found, subject, sample), flaws)


# --- whose outcomes ---------------------------------------------------------------------------------------------------


def _is_level(line: Line) -> bool:
    return line.versus is None


def _sample(line: Line, subject: Subject, by: int | None) -> _Sample:
    """A level counts from the first message that went out, a lift from when the step was due, in every group alike."""
    assigned, drawn = subject.assigned, subject.drawn
    starts = assigned.sent_at if _is_level(line) else assigned.due
    places = np.flatnonzero((starts != NO_INSTANT) & (drawn.of >= 0))
    starts = starts[places]
    ends = closes(starts, line.metric)
    closed = zone_for(line.zone, ends).days(ends).astype(np.int64)
    until = day_of(subject.at, line.zone) - 1
    begun = day_of(int(assigned.at.min()), line.zone) if len(assigned) else None
    return _Sample(places, starts, closed, Horizon(begun, by, until if by is None else min(until, by)))


def _outcomes(line: Line, subject: Subject, sample: _Sample) -> tuple[Evaluation, ir.Metric, Outcomes]:
    """Where the metric is asked, what exactly, and the outcome of each customer of the sample."""
    codes, here = subject.codes[sample.places], subject.codes[sample.places] >= 0
    evaluation, metric = subject.evaluation, line.metric
    if line.same and subject.scenario.anchor is not None:
        times = subject.assigned.time[sample.places[here]]
        evaluation, metric = tied(evaluation, metric, subject.scenario.anchor, line.same, codes[here], times)
    per = line.per if isinstance(line.per, ir.Events) else None
    back = line.versus is not None and metric.function is not None and not metric.ledger and not line.same
    averaged = metric.function == "avg"
    found = outcomes(evaluation, metric, codes[here], sample.starts[here], per, averaged=averaged, back=back)
    return evaluation, metric, _spread(found, here)


def _spread(found: Outcomes, here: Mask) -> Outcomes:
    """The outcomes of all, of whom only those `here` are in the data."""
    if here.all():
        return found

    def full(values: NDArray[np.float64] | None) -> NDArray[np.float64] | None:
        if values is None:
            return None
        wide = np.zeros(len(here))
        wide[here] = values
        return wide

    known = np.zeros(len(here), np.bool_)
    known[here] = found.known
    now = full(found.now)
    assert now is not None
    return Outcomes(now, known, full(found.per), full(found.before), found.matching, found.incomplete)


# --- what stands against a verdict ------------------------------------------------------------------------------------


MOST_GONE = 0.01
MOST_INCOMPLETE = 0.1


LEAST_P = 0.01


def _lost_unequally(known: Mask, group: Ints) -> float:
    """The smallest p, over the groups and corrected for their number, that one has lost as few or as many customers as
    the others by chance (Fisher's exact test); 1 where nobody is lost."""
    groups = np.unique(group[group >= 0])
    if known.all() or len(groups) < 2:
        return 1.0
    from scipy.stats import fisher_exact

    here = [group == number for number in groups.tolist()]
    tables = [[[int((mine & ~known).sum()), int((mine & known).sum())],
               [int((~mine & ~known).sum()), int((~mine & known).sum())]] for mine in here]  # fmt: skip
    return min(1.0, len(groups) * min(float(fisher_exact(table).pvalue) for table in tables))


def _unclear(line: Line) -> Reason | None:
    """Why a metric has no one meaning per customer or over all."""
    function = line.metric.function
    if function == "avg" and line.per is not None:
        return Reason("no_such_average")
    return Reason("no_such_total") if function in ("distinct", "active_days") and line.per is None else None


def _flaws(found: Outcomes, subject: Subject, sample: _Sample) -> list[Reason]:
    flaws = []
    if not len(sample.closed) or int(sample.closed.min()) > sample.horizon.until:
        flaws.append(Reason("windows_open" if len(sample.closed) else "no_customers", 0, 1))
    gone = 1 - np.count_nonzero(found.known) / max(1, len(found.known))
    if gone > MOST_GONE:
        flaws.append(Reason("customers_gone", gone, MOST_GONE))
    elif (p := _lost_unequally(found.known, subject.drawn.of[sample.places])) < LEAST_P:
        flaws.append(Reason("customers_gone_unequally", p, LEAST_P))
    if found.incomplete > MOST_INCOMPLETE * found.matching:
        flaws.append(Reason("amounts_missing", found.incomplete / found.matching, MOST_INCOMPLETE))
    columns = [each[found.known] for each in (found.now, found.per, found.before) if each is not None]
    if not all(computable(each) for each in columns):
        flaws.append(Reason("no_numbers"))
    return flaws


def _kind(line: Line) -> Kind | Literal["total"]:
    metric = line.metric
    if metric.function is None:
        return "share"
    if isinstance(line.per, ir.Events) or metric.function == "avg":
        return "ratio"
    return "mean" if line.per == "customer" else "total"


def _daily(
    line: Line, kind: Kind | Literal["total"], found: Outcomes, subject: Subject, sample: _Sample
) -> Daily | None:
    """None where the amounts are no numbers."""
    every, group = subject.drawn.every, subject.drawn.of[sample.places]
    form: Kind = "mean" if kind == "total" else kind
    try:
        return daily(found, form, sample.closed, group, len(every), sample.horizon.until)
    except ValueError:
        return None


def _rows(subject: Subject, sample: _Sample, found: Outcomes, sums: Daily | None) -> list[Row]:
    of, mature = subject.drawn.of[sample.places], sample.closed <= sample.horizon.until
    rows = []
    for number, group in enumerate(subject.drawn.every):
        here = of == number
        rows.append(
            Row(
                group,
                int(np.count_nonzero(here)),
                int(np.count_nonzero(here & mature)),
                int(np.count_nonzero(here & mature & ~found.known)),
                sums.sums[-1][number] if sums is not None else Sums("share", 0, (0,), (0,)),
            )
        )
    return rows


# --- guardrails -------------------------------------------------------------------------------------------------------


def guard(line: ir.Guardrail, subject: Subject, problems: Sequence[Reason] = ()) -> Guarded:
    """A guardrail, until the last day that is over, or the deadline of the scenario's first KPI."""
    kind, margin = _kind(line), Target(line.op, line.amount, line.points)
    by = min((kpi.by for kpi in subject.scenario.kpis), default=None)
    sample = _sample(line, subject, by)
    nothing = Guarded(line, kind, (), "not shown", None, None, margin, None)
    if (unclear := _unclear(line)) is not None or kind == "total":
        return replace(nothing, reason=unclear or Reason("no_such_total"))
    _, _, found = _outcomes(line, subject, sample)
    flaws = (*problems, *_flaws(found, subject, sample))
    sums = _daily(line, kind, found, subject, sample)
    rows = tuple(_rows(subject, sample, found, sums))
    treated = subject.drawn.roles("arm")
    if flaws or sums is None or not treated:
        return replace(nothing, rows=rows, reason=flaws[0] if flaws else Reason("no_customers"))
    pooled = sums.together(treated)
    if line.versus is None:
        level = verdict.level(pooled[-1], margin, pooled[-1].n, final=True)
        state = _kept(margin, level.interval)
        return replace(nothing, rows=rows, state=state, value=level.value, interval=level.interval)
    control = subject.drawn.roles("control") if line.versus == "control" else subject.drawn.narrowest_holdout
    if not control:
        return replace(nothing, rows=rows, reason=Reason("no_customers", 0, 1, line.versus))
    lift = experiment.lift(sums.together(control), pooled, sums.days, sample.horizon, margin)
    interval, effect = lift.now.interval, lift.now.effect
    state = _kept(margin, interval)
    value = None if isinstance(effect, Reason) else effect.value
    reason = lift.now.verdict.reason if interval is None else None
    return replace(nothing, rows=rows, state=state, value=value, interval=interval, reason=reason)


def _kept(margin: Target, interval: tuple[float, float] | None) -> State:
    """A change of at most the margin is kept when the interval stays short of it; a level when it lies within."""
    if interval is None:
        return "not shown"
    side = margin.side(*interval)
    kept = "missed" if margin.is_lift else "reached"
    return "not shown" if side == "straddles" else "kept" if side == kept else "broken"
