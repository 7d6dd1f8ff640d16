"""What the sums allow to be said of a target at a look: achieved, missed, open, or cannot be known, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from statistics import NormalDist
from typing import Literal

from dangol.measure import power, sequential
from dangol.measure.bayes import PRIOR_SD, posterior
from dangol.measure.estimate import Effect, Scale, effect, mean_interval
from dangol.measure.power import Method
from dangol.measure.proportions import fisher, least_expected
from dangol.measure.reason import Code, Reason
from dangol.measure.sequential import Look
from dangol.measure.sums import Sums

Answer = Literal["achieved", "missed", "open", "unknown"]
Status = Literal["on_track", "at_risk", "off_track"]
Operator = Literal[">=", "<=", ">", "<", "up", "down"]

_NORMAL = NormalDist()


@dataclass(frozen=True)
class Target:
    """What a KPI line aims at; the fields are those of `ir.Kpi`.

    A level, of an operator or of `up`/`down` from a `baseline` number; else a lift against control: `amount` of the
    control's mean (1/5 is 20 %), or with `points` of the metric itself (1/50 is 2 pp).
    """

    op: Operator
    amount: Fraction
    points: bool = False
    baseline: Fraction | None = None

    @property
    def is_lift(self) -> bool:
        return self.op in ("up", "down") and self.baseline is None

    @property
    def lower_is_better(self) -> bool:
        return self.op in ("<=", "<", "down")

    @property
    def scale(self) -> Scale:
        return "absolute" if self.points else "relative"

    @property
    def bar(self) -> float:
        """The level to reach in the metric's unit, or the lift to reach on `scale`, negative for `down`."""
        signed = -self.amount if self.op == "down" else self.amount
        if self.baseline is None:
            return float(signed)
        return float(self.baseline + (signed if self.points else signed * abs(self.baseline)))

    def side(self, low: float, high: float) -> Literal["reached", "missed", "straddles"]:
        """Where the interval lies: wholly at or beyond the bar, wholly short of it, or on both sides."""
        worse, better = (-high, -low) if self.lower_is_better else (low, high)
        bar = -self.bar if self.lower_is_better else self.bar
        if worse > bar or (worse == bar and self.op not in ("<", ">")):
            return "reached"
        return "missed" if better < bar or (better == bar and self.op in ("<", ">")) else "straddles"


@dataclass(frozen=True)
class Design:
    """What was declared before the first look of a comparison.

    `alpha` is two-sided, `scale` decides where there is no target. Below `minimum` customers in an arm nothing is
    decided. `planned`: the customers per arm that an always-valid interval is tuned to.
    """

    control: str
    method: Method
    alpha: float = 0.05
    scale: Scale = "relative"
    minimum: int = 100
    lower_is_better: bool = False
    planned: Mapping[str, int] = field(default_factory=dict)

    def bounds(self, arm: str, clock: tuple[Look, ...], alpha: float) -> tuple[float, ...]:
        """The normal bounds on an arm against control at each of the distinct looks."""
        if self.method == "group_sequential":
            return sequential.bounds(clock, alpha)
        if self.method == "fixed":
            return (-_NORMAL.inv_cdf(alpha / 2),) * len(clock)
        return tuple(sequential.confidence_multiplier(alpha, look.users, self.tuned(arm)) for look in clock)

    def errors(self, found: Effect, bound: float) -> float:
        """A normal bound in standard errors of an effect: a sequence is asymptotic, all others follow Welch's t."""
        return bound if self.method == "always_valid" else found.quantile(bound)

    def tuned(self, arm: str) -> int:
        return max(1, self.planned.get(self.control, 0) + self.planned.get(arm, 0))


@dataclass(frozen=True)
class Verdict:
    """The answer and the reason for it."""

    answer: Answer
    reason: Reason


@dataclass(frozen=True)
class Comparison:
    """One arm against control at a look, with everything needed to show it and to compute it again.

    effect: on the deciding scale, `other` on the other one, a reason where there is none. interval: of the declared
    method, at 1 − alpha/comparisons; `bound` its half-width in standard errors. p: of the declared method, comparable
    with alpha at any look; `adjusted_p` over all arms by Holm; `shown`: an effect is; `obstacle`: why nothing may be
    concluded. chance_to_win, losses (on the deciding scale): prior N(0, 0.3²) on the relative lift, to display. look:
    its number; spent: α spent so far.
    """

    arm: str
    control: Sums
    treatment: Sums
    design: Design
    target: Target | None
    comparisons: int
    effect: Effect | Reason
    other: Effect | Reason
    look: int = 0
    spent: float = 0.0
    bound: float | None = None
    interval: tuple[float, float] | None = None
    p: float | None = None
    adjusted_p: float | None = None
    shown: bool = False
    obstacle: Reason | None = None
    chance_to_win: float | None = None
    loss_of_shipping: float | None = None
    loss_of_keeping: float | None = None
    verdict: Verdict = Verdict("unknown", Reason("no_customers"))


def compare(
    arms: Mapping[str, Sums],
    design: Design,
    clock: Sequence[Look] = (),
    target: Target | None = None,
    final: bool = False,
    problems: Sequence[Reason] = (),
) -> tuple[Comparison, ...]:
    """Every arm against control, in the order of `arms`, by the declared method (measurement 2.2 to 2.8, 5.8).

    `clock`: all looks so far, in order, this one last; a group-sequential comparison, of one arm, needs it, the others
    do not. `final`: the deadline has passed. `problems` forbid a verdict whatever the numbers say: pass what
    `ratio_mismatch` and the record found. A lift that is neither reached nor missed yet is open before the deadline;
    without a target see `shown`. ValueError for a target that is a level, arms of different metrics, a control that is
    no arm, or looks of which the last is not of these sums.
    """
    if design.control not in arms or (target and not target.is_lift):
        raise ValueError("a lift needs the sums of its control and a target against it")
    everyone = sum(sums.n for sums in arms.values())
    if design.method == "group_sequential" and not (clock and clock[-1].users == everyone):
        raise ValueError("the last look must count the customers of these sums")
    others = [arm for arm in arms if arm != design.control]
    found = [_compared(arm, arms, design, clock, target, final, len(others)) for arm in others]
    adjusted = holm([1.0 if each.p is None else each.p for each in found])
    return tuple(_answered(each, p, final, problems) for each, p in zip(found, adjusted, strict=True))


def holm(ps: Sequence[float]) -> tuple[float, ...]:
    """Adjusted p of m comparisons, max over j <= i of min(1, (m − j + 1)·p_(j)) ascending. Holm 1979."""
    adjusted, worst = [0.0] * len(ps), 0.0
    for rank, i in enumerate(sorted(range(len(ps)), key=ps.__getitem__)):
        worst = max(worst, min(1.0, (len(ps) - rank) * ps[i]))
        adjusted[i] = worst
    return tuple(adjusted)


def _compared(
    arm: str,
    arms: Mapping[str, Sums],
    design: Design,
    clock: Sequence[Look],
    target: Target | None,
    final: bool,
    comparisons: int,
) -> Comparison:
    control, treatment = arms[design.control], arms[arm]
    scale = target.scale if target else design.scale
    other: Scale = "absolute" if scale == "relative" else "relative"
    both = effect(control, treatment, scale), effect(control, treatment, other)
    start = Comparison(arm, control, treatment, design, target, comparisons, *both)
    if isinstance(start.effect, Reason):
        return start
    now = clock or (Look(control.n + treatment.n, 1.0),)
    return _tested(_believed(start, start.effect), start.effect, now, final)


def _believed(start: Comparison, found: Effect) -> Comparison:
    base = abs(found.control) if found.scale == "absolute" else 1.0
    belief = posterior(found.value, found.se, PRIOR_SD * base if base else None)
    lower = start.target.lower_is_better if start.target else start.design.lower_is_better
    return replace(
        start,
        chance_to_win=belief.chance_to_win(lower),
        loss_of_shipping=belief.loss_of_shipping(lower),
        loss_of_keeping=belief.loss_of_keeping(lower),
    )


def _tested(start: Comparison, found: Effect, clock: Sequence[Look], final: bool) -> Comparison:
    """With the interval and p of the declared method; one that is fixed has none before the deadline."""
    design, distinct = start.design, sequential.distinct_looks(clock)
    start = replace(start, look=len(distinct))
    if design.method == "fixed" and not final:
        return start
    bound = design.errors(found, design.bounds(start.arm, distinct, design.alpha / start.comparisons)[-1])
    spent = 0.0 if design.method == "always_valid" else sequential.alpha_spent(distinct[-1].time, design.alpha)
    return replace(start, bound=bound, interval=found.interval(bound), p=_p(start, found, distinct), spent=spent)


def _p(start: Comparison, found: Effect, clock: tuple[Look, ...]) -> float:
    if start.design.method == "group_sequential":
        return sequential.repeated_p(found.z, clock)
    if start.design.method == "always_valid":
        return sequential.always_valid_p(found.t, start.design.alpha, clock[-1].users, start.design.tuned(start.arm))
    return fisher(start.control, start.treatment) if _too_few_conversions(start) else found.p


def _too_few_conversions(start: Comparison) -> bool:
    return start.control.kind == "share" and least_expected(start.control, start.treatment) < 5


def _answered(found: Comparison, adjusted: float, final: bool, problems: Sequence[Reason]) -> Comparison:
    obstacle = _obstacle(found, problems)
    shown = obstacle is None and found.p is not None and adjusted <= found.design.alpha
    found = replace(found, adjusted_p=None if found.p is None else adjusted, shown=shown, obstacle=obstacle)
    if obstacle:
        return replace(found, verdict=Verdict("unknown" if final else "open", obstacle))
    return replace(found, verdict=_lift_verdict(found, final))


def _obstacle(found: Comparison, problems: Sequence[Reason]) -> Reason | None:
    """The first reason why no verdict may be taken, the gravest first."""
    if problems:
        return problems[0]
    for arm, name in ((found.control, found.design.control), (found.treatment, found.arm)):
        if arm.n < found.design.minimum:
            return Reason("too_few_customers" if arm.n else "no_customers", arm.n, found.design.minimum, name)
    if isinstance(found.effect, Reason):
        nobody = found.control.kind == "share" and not (found.control + found.treatment).totals[0]
        return Reason("no_conversions") if nobody else found.effect
    if _too_few_conversions(found):
        return Reason("too_few_conversions", least_expected(found.control, found.treatment), 5)
    negative = found.effect.scale == "relative" and found.effect.control < 0
    return Reason("negative_control", found.effect.control) if negative else None


def _lift_verdict(found: Comparison, final: bool) -> Verdict:
    waiting: Answer = "unknown" if final else "open"
    if found.interval is None:
        return Verdict(waiting, Reason("fixed_before_deadline" if found.p is None else "uncertain_control"))
    side = found.target.side(*found.interval) if found.target else "straddles"
    if side == "reached":
        return Verdict("achieved", Reason("target_reached"))
    if side == "missed":
        return Verdict("missed", Reason("target_not_reached"))
    return Verdict(waiting, Reason("effect_shown_size_not" if found.shown else "no_effect_shown"))


@dataclass(frozen=True)
class Level:
    """Progress of one population towards a level.

    interval: both one-sided limits at 1 − alpha, None without an estimate. forecast: before the deadline, the chance
    to end on the right side of the target; `status` words it.
    """

    sums: Sums
    target: Target
    value: float | None = None
    interval: tuple[float, float] | None = None
    forecast: float | None = None
    status: Status | None = None
    verdict: Verdict = Verdict("unknown", Reason("no_customers"))


def level(
    sums: Sums,
    target: Target,
    planned: int,
    final: bool = False,
    alpha: float = 0.05,
    minimum: int = 2,
    problems: Sequence[Reason] = (),
) -> Level:
    """A level KPI (measurement 5.8): decided at the deadline by the one-sided interval, forecast before it.

    `planned`: mature customers expected at the deadline. ValueError for a target that is a lift.
    """
    if target.is_lift:
        raise ValueError("a lift is compared with its control")
    obstacle = _level_obstacle(sums, minimum)
    measured = _measured(sums, target, planned, final, alpha) if sums.n > 1 and sums.has_mean else Level(sums, target)
    return replace(measured, verdict=_level_verdict(measured, final, problems[0] if problems else obstacle))


def _measured(sums: Sums, target: Target, planned: int, final: bool, alpha: float) -> Level:
    interval = mean_interval(sums, 2 * alpha)
    if final:
        return Level(sums, target, sums.mean, interval)
    forecast = _forecast(sums, target, planned)
    status: Status = "on_track" if forecast >= 0.8 else "at_risk" if forecast >= 0.3 else "off_track"
    return Level(sums, target, sums.mean, interval, forecast, status)


def _level_obstacle(sums: Sums, minimum: int) -> Reason | None:
    if sums.n == 0:
        return Reason("no_customers", 0, minimum)
    if sums.n < max(2, minimum):
        return Reason("too_few_customers", sums.n, max(2, minimum))
    if not sums.has_mean:
        return Reason("no_denominator")
    if sums.kind == "share" and not sums.totals[0]:
        return Reason("no_conversions")
    return Reason("no_variation") if sums.kind != "share" and not sums.moments.variance > 0 else None


def _level_verdict(found: Level, final: bool, obstacle: Reason | None) -> Verdict:
    if obstacle or found.interval is None:
        return Verdict("unknown" if final else "open", obstacle or Reason("no_customers"))
    if not final:
        return Verdict("open", Reason("before_deadline"))
    words: Mapping[str, tuple[Answer, Code]] = {
        "reached": ("achieved", "target_reached"),
        "missed": ("missed", "target_not_reached"),
        "straddles": ("unknown", "straddles_target"),
    }
    answer, code = words[found.target.side(*found.interval)]
    return Verdict(answer, Reason(code))


def _forecast(sums: Sums, target: Target, planned: int) -> float:
    if sums.kind == "share":
        chance = power.share_forecast(sums.n, int(sums.totals[0]), planned, target.bar)
    else:
        chance = power.mean_forecast(sums.n, sums.mean, sums.moments.variance, planned, target.bar)
    return 1 - chance if target.lower_is_better else chance
