"""Which arm is the best, and whether that is shown: the arms of a split compared with each other, from the record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import combinations
from typing import Literal

import numpy as np

from dangol.engine import ir
from dangol.engine.calendar import day_of, day_start, step
from dangol.measure import experiment
from dangol.measure.daily import Daily
from dangol.measure.experiment import Horizon, Lift
from dangol.measure.reason import Reason
from dangol.measure.sums import Sums
from dangol.measure.verdict import Target
from dangol.runner.experiments.measured import Series, Subject, guard, series

UNSUBSCRIBED = "unsubscribed"


@dataclass(frozen=True)
class Pair:
    """Two arms: the second against the first. `better`: the arm that was shown to be better first, and on which local
    day; None: neither has been. The interval and p at the last look are in `lift.now`."""

    first: str
    second: str
    lift: Lift
    better: tuple[str, int] | None


@dataclass(frozen=True)
class Race:
    """The arms at the last look. arms: what was measured of everyone whose window had closed; alpha: of each pair;
    planned: what the confidence sequences are tuned to (None: group sequential, to the deadline).

    best: the arm ahead; winner: the one that has beaten every other, since the look of the day `won_on`; obstacles:
    why it is none all the same.
    """

    line: ir.Guardrail
    horizon: Horizon
    minimum: int
    alpha: float
    planned: int | None
    arms: Mapping[str, Sums]
    pairs: tuple[Pair, ...]
    best: str | None
    winner: str | None
    won_on: int | None
    obstacles: tuple[Reason, ...]

    @property
    def lower_is_better(self) -> bool:
        return self.line.op == "down"

    @property
    def promoted(self) -> str | None:
        """The arm that may be sent to the rest."""
        return None if self.obstacles else self.winner

    def against(self, arm: str) -> Iterator[tuple[str, Pair]]:
        """Each rival of an arm, with their pair."""
        for pair in self.pairs:
            if arm in (pair.first, pair.second):
                yield pair.first if arm == pair.second else pair.second, pair


def criterion(scenario: ir.Scenario) -> ir.Guardrail | None:
    """What the arms are compared by, and which way is better: the `winner` line's metric, else that of the target with
    the first deadline; over all assigned, per customer."""
    if scenario.winner is not None:
        metric, better = scenario.winner.metric, _better(scenario.winner.fewer_is_better)
        return ir.Guardrail(metric, _per(metric), better, Fraction(1), True, "control", scenario.zone)
    kpi = min(scenario.kpis, key=lambda each: each.by, default=None)
    if kpi is None or scenario.on_deadline is None:
        return None
    per, better = kpi.per or _per(kpi.metric), _better(Target(kpi.op, kpi.amount).lower_is_better)
    return ir.Guardrail(kpi.metric, per, better, Fraction(1), True, "control", kpi.zone, kpi.same)


def _better(fewer: bool) -> Literal["up", "down"]:
    return "down" if fewer else "up"


def _per(metric: ir.Metric) -> Literal["customer"] | None:
    return "customer" if metric.function not in (None, "avg") else None


def judged(scenario: ir.Scenario) -> tuple[ir.Guardrail, ...]:
    """All that the choice of a winner measures, besides the guardrails that are declared."""
    line = criterion(scenario)
    return () if line is None else (line, _unsubscribes(line))


def _unsubscribes(line: ir.Guardrail) -> ir.Guardrail:
    events = ir.Events((UNSUBSCRIBED,), label=UNSUBSCRIBED)
    metric = ir.Metric(events, None, None, line.metric.within, line.zone, ledger=True)
    return replace(line, metric=metric, per=None, op="down", same=())


def deadline(scenario: ir.Scenario) -> int | None:
    """The local day of the first deadline of the scenario's targets."""
    return min((kpi.by for kpi in scenario.kpis), default=None)


def last_day(scenario: ir.Scenario) -> int | None:
    """The last local day on which an arm can win: the deadline, put off as `on_deadline` says beforehand."""
    by, later = deadline(scenario), scenario.on_deadline
    if by is None or later is None or later.action != "extend" or later.shift is None:
        return by
    return day_of(step(day_start(by + 1, later.zone) - 1, later.shift, later.zone), later.zone)


def race(
    subject: Subject, watched: Sequence[ir.Guardrail], problems: Sequence[Reason] = (), *, thorough: bool = True
) -> Race | None:
    """How the arms of a scenario stand. watched: the guardrails; problems forbid a winner. None: nothing is compared.

    thorough: guardrails are asked, too, of an arm that has beaten the others.
    """
    scenario, line = subject.scenario, criterion(subject.scenario)
    if line is None:
        return None
    measured = series(line, subject, last_day(scenario))
    raced = _raced(scenario, line, measured, subject)
    obstacles = [*problems, *measured.flaws, *_unready(raced)]
    if obstacles:
        return replace(raced, obstacles=tuple(obstacles))
    if raced.winner is None:
        obstacles += _undecided(raced)
    elif thorough:
        obstacles += _harmful(raced.winner, raced, measured, subject, watched)
    return replace(raced, obstacles=tuple(obstacles))


def _raced(scenario: ir.Scenario, line: ir.Guardrail, measured: Series, subject: Subject) -> Race:
    drawn, daily = subject.drawn, measured.daily
    rivals = drawn.roles("arm")
    if len(rivals) == 1 and not line.metric.ledger:
        rivals += drawn.roles("control")
    said = scenario.winner
    minimum = said.minimum if said is not None else experiment.LEAST_CUSTOMERS
    total = float(1 - said.confidence) if said is not None else experiment.ALPHA
    alpha = total / max(1, len(rivals) - 1)
    planned = 2 * minimum if measured.horizon.by is None else None
    empty = Race(line, measured.horizon, minimum, alpha, planned, {}, (), None, None, None, ())
    if daily is None:
        return empty
    sums = {drawn.every[number].name: daily.together([number]) for number in rivals}
    pairs = tuple(_pair(one, two, sums, daily, empty) for one, two in combinations(sums, 2))
    found = replace(empty, arms={name: each[-1] for name, each in sums.items()}, pairs=pairs)
    winner = next((arm for arm in sums if len(sums) > 1 and _beats_all(arm, found)), None)
    days = [pair.better[1] for _, pair in found.against(winner) if pair.better] if winner is not None else []
    return replace(found, best=_best(found, subject), winner=winner, won_on=max(days, default=None))


def _pair(one: str, two: str, sums: Mapping[str, Sequence[Sums]], daily: Daily, race: Race) -> Pair:
    lift = experiment.lift(
        sums[one], sums[two], daily.days, race.horizon, None, alpha=race.alpha, planned=race.planned,
        least=race.minimum, scale="absolute",
    )  # fmt: skip
    shown = next((look for look in lift.looks if look.interval is not None and not _spans(look.interval)), None)
    if shown is None or shown.interval is None:
        return Pair(one, two, lift, None)
    second = (shown.interval[0] > 0) != race.lower_is_better
    return Pair(one, two, lift, (two if second else one, shown.day))


def _spans(interval: tuple[float, float]) -> bool:
    return interval[0] <= 0 <= interval[1]


def _beats_all(arm: str, race: Race) -> bool:
    return all(pair.better is not None and pair.better[0] == arm for _, pair in race.against(arm))


def _best(race: Race, subject: Subject) -> str | None:
    """The messaging arm ahead by its mean; of equal ones the first of the split."""
    sending = {subject.drawn.every[number].name for number in subject.drawn.roles("arm")}
    sign = -1 if race.lower_is_better else 1
    means = {arm: sign * sums.mean for arm, sums in race.arms.items() if arm in sending and sums.has_mean}
    return max(means, key=means.__getitem__, default=None)


# --- why an arm is not sent to the rest -------------------------------------------------------------------------------


def _unready(race: Race) -> Iterator[Reason]:
    if len(race.arms) < 2:
        yield Reason("nothing_to_compare")
    if early := race.horizon.early(race.horizon.until):
        yield early
    for arm, sums in race.arms.items():
        if sums.n < race.minimum:
            yield Reason("too_few_customers" if sums.n else "no_customers", sums.n, race.minimum, arm)


def _undecided(race: Race) -> Iterator[Reason]:
    if race.best is None:
        return
    for rival, pair in race.against(race.best):
        if pair.better is None or pair.better[0] != race.best:
            p = pair.lift.now.p
            yield Reason("not_shown_better", 1.0 if p is None else p, race.alpha, rival)


def _harmful(
    arm: str, race: Race, measured: Series, subject: Subject, watched: Sequence[ir.Guardrail]
) -> Iterator[Reason]:
    """What an arm does that its message must not do."""
    yield from _below_control(arm, race, measured, subject)
    alone = _only(arm, subject)
    for line in watched:
        found = guard(line, alone)
        if found.state == "broken":
            yield Reason("guardrail_broken", found.value, None, line.written)
    if not any(UNSUBSCRIBED in line.metric.events.names for line in watched):
        yield from _unsubscribed(arm, race, subject)


def _below_control(arm: str, race: Race, measured: Series, subject: Subject) -> Iterator[Reason]:
    """An arm that the control beats; not asked of what the control cannot do."""
    control = subject.drawn.roles("control")
    if race.line.metric.ledger or not control or measured.daily is None:
        return
    sums = {"control": measured.daily.together(control), arm: measured.daily.together([_place(arm, subject)])}
    pair = _pair("control", arm, sums, measured.daily, replace(race, minimum=experiment.LEAST_CUSTOMERS))
    if pair.better is not None and pair.better[0] == "control":
        yield Reason("worse_than_control", sums[arm][-1].mean, sums["control"][-1].mean)


def _unsubscribed(arm: str, race: Race, subject: Subject) -> Iterator[Reason]:
    """An arm of whose customers more are shown to unsubscribe than of the others'."""
    line = _unsubscribes(race.line)
    measured = series(line, subject, race.horizon.by)
    others = [number for number in subject.drawn.roles("arm") if subject.drawn.every[number].name != arm]
    if measured.daily is None or not others:
        return
    sums = {"others": measured.daily.together(others), arm: measured.daily.together([_place(arm, subject)])}
    pair = _pair("others", arm, sums, measured.daily, replace(race, line=line))
    if pair.better is not None and pair.better[0] == "others":
        yield Reason("more_unsubscribe", sums[arm][-1].mean, sums["others"][-1].mean)


def _place(arm: str, subject: Subject) -> int:
    return next(number for number, group in enumerate(subject.drawn.every) if group.name == arm)


def _only(arm: str, subject: Subject) -> Subject:
    """The same without the customers of the other arms."""
    others = [number for number in subject.drawn.roles("arm") if number != _place(arm, subject)]
    drawn = subject.drawn
    return replace(subject, drawn=replace(drawn, of=np.where(np.isin(drawn.of, others), -1, drawn.of)))


__all__ = ["Pair", "Race", "criterion", "deadline", "judged", "last_day", "race"]
