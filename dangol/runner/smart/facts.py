"""The numbers that the rules compare: of one target, from the history of its scenario."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from dangol.engine import ir
from dangol.engine.calendar import DAY, step
from dangol.measure.design import Design
from dangol.measure.outcomes import Outcomes
from dangol.measure.power import Baseline, Plan
from dangol.measure.proportions import wilson
from dangol.measure.sums import Kind, Sums, computable, mean_sums, ratio_sums
from dangol.measure.verdict import Target
from dangol.playbook.smart.check import deadline
from dangol.runner.experiments.groups import Role, planned
from dangol.runner.smart.replay import Past, Replay, first_delay

Z = 1.959963984540054
FEW = 2


@dataclass(frozen=True)
class Groups:
    """Shares of all who enter: in the control that the target names, in each arm that gets messages."""

    control: float
    arms: tuple[float, ...]

    @property
    def treated(self) -> float:
        return sum(self.arms)


@dataclass(frozen=True)
class Today:
    """The value without the scenario: of `n` customers (not scaled up), with a 95% interval; `positive` did anything.

    `top`: what share of the sum the top 1% hold. `base`: mean and variance per customer.
    """

    kind: Kind
    n: int
    positive: int
    base: Baseline
    low: float
    high: float
    top: float = 0.0


@dataclass(frozen=True)
class Facts:
    """Everything about one target. Instants in µs, counts of customers scaled up to all of them.

    start: when the scenario first asks; by: the end of its last day; entrants: who entered in the weeks replayed, and
    reach: the share of them that can be sent to (None: nobody entered). All else is of those: stock: who is in the rule
    now; per_day: who enters a day later; today: None where history says nothing.
    """

    kpi: ir.Kpi
    at: int
    start: int
    by: int
    window: float
    delay: float
    customers: int
    exact: bool
    entrants: int
    stock: int
    per_day: float
    groups: Groups
    reach: float | None
    today: Today | None
    once: bool = False
    levels: tuple[float, ...] = ()

    @property
    def target(self) -> Target:
        return Target(self.kpi.op, self.kpi.amount, self.kpi.points, self.kpi.baseline)

    @property
    def days(self) -> float:
        """From the start to the deadline."""
        return (self.by - self.start) / DAY

    @property
    def mature_days(self) -> float:
        """In which who enters has the whole window before the deadline; below 0 when not even the first ones do."""
        return self.days - self.window - self.delay

    def mature(self) -> float:
        """Customers who enter in the mature days, at most all there are."""
        if self.mature_days < 0:
            return 0.0
        return min(float(self.customers), self.stock + (0.0 if self.once else self.per_day * self.mature_days))

    @property
    def change(self) -> float:
        """The absolute change that a lift asks for."""
        assert self.today is not None
        bar = self.target.bar
        return bar if self.kpi.points else bar * abs(self.today.base.mean)

    def plan(self) -> Plan | None:
        """One look at the end with the mature customers; None where a group is empty."""
        return self._plan(self.groups.control)

    def even(self) -> Plan | None:
        """The same with as many customers in the control as in all other groups."""
        return self._plan((self.groups.control + self.groups.treated) / 2)

    def _plan(self, control: float) -> Plan | None:
        treated = self.groups.control + self.groups.treated - control
        if self.mature() * min(control, treated) < FEW:
            return None
        return Plan(self.mature() * control, self.mature() * treated)


def facts(past: Past, kpi: ir.Kpi, replay: Replay, every: int, groups: Groups, start: int, levels: bool) -> Facts:
    """The numbers of one target."""
    scenario, zone = past.scenario, past.scenario.zone
    delay = (step(start, first_delay(scenario), zone) - start) / DAY
    stock = int(np.count_nonzero(past.now.members(scenario.who) & past.reachable))
    return Facts(
        kpi=kpi,
        at=past.at,
        start=start,
        by=deadline(kpi),
        window=(step(start, kpi.metric.within, kpi.zone) - start) / DAY,
        delay=delay,
        customers=int(np.count_nonzero(past.now.universe() & past.reachable)) * every,
        exact=replay.exact and every == 1,
        entrants=replay.everyone * every,
        stock=stock * every,
        per_day=replay.per_day * every,
        groups=groups,
        reach=len(replay.codes) / replay.everyone if replay.everyone else None,
        today=None if kpi.metric.ledger or not len(replay.codes) else today(past.did(replay, kpi)),
        once=scenario.schedule is not None and scenario.schedule.once is not None,
        levels=tuple(past.levels(kpi)) if levels and not kpi.metric.ledger else (),
    )


def today(done: Outcomes) -> Today | None:
    """What is known of the value; None where nobody can be known by it."""
    values = done.now[done.known]
    if len(values) < FEW or not computable(values):
        return None
    if done.per is not None:
        per = done.per[done.known]
        return _amount("ratio", ratio_sums(values, per), values) if per.sum() > 0 else None
    if np.isin(values, (0.0, 1.0)).all():
        return _share(len(values), int(values.sum()))
    return _amount("mean", mean_sums(values), values)


def _share(n: int, converted: int) -> Today:
    low, high = wilson(n, converted, Z)
    return Today("share", n, converted, Baseline(converted / n), low, high)


def _amount(kind: Kind, sums: Sums, values: NDArray[np.float64]) -> Today:
    moments = sums.moments
    half = Z * math.sqrt(moments.variance / moments.n)
    total, first = float(values.sum()), np.sort(values)[::-1][: math.ceil(len(values) / 100)]
    top = float(first.sum()) / total if total > 0 else 0.0
    base = Baseline(moments.mean, moments.variance)
    return Today(kind, len(values), int(np.count_nonzero(values)), base, base.mean - half, base.mean + half, top)


def groups_of(kpi: ir.Kpi, design: Design) -> Groups:
    """Shares of all who reach the draw; of several holdouts the narrowest one is compared with."""
    place = Fraction(1) if design.place is None else design.place.upper - design.place.lower
    shares = {role: [place * one.share for one in planned(design) if one.role == role] for role in get_args(Role)}
    control = shares[kpi.versus][-1:] if kpi.versus is not None else []
    return Groups(float(sum(control)), tuple(map(float, shares["arm"])))
