"""What an audience can show before it is asked: power, the smallest effect, users needed, and forecasts of levels."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Literal

from dangol.measure.sequential import confidence_multiplier

Method = Literal["group_sequential", "always_valid", "fixed"]

_NORMAL = NormalDist()


@dataclass(frozen=True)
class Baseline:
    """Today's value of a metric per customer: its mean, and its variance, None for a share (p(1 − p) at any p)."""

    mean: float
    variance: float | None = None

    def variance_at(self, mean: float) -> float:
        return self.variance if self.variance is not None else max(0.0, mean * (1 - mean))

    def fits(self, mean: float) -> bool:
        """Whether the metric can have this mean."""
        return self.variance is not None or 0 <= mean <= 1


@dataclass(frozen=True)
class Plan:
    """How an effect will be tested: mature customers per arm, two-sided alpha, and the method with its looks.

    With several comparisons give alpha/m. ValueError for an empty arm or an alpha outside (0, 1).
    """

    control: float
    treatment: float
    alpha: float = 0.05
    method: Method = "fixed"
    looks: int = 1

    def __post_init__(self) -> None:
        if not (self.control > 0 and self.treatment > 0 and 0 < self.alpha < 1 and self.looks >= 1):
            raise ValueError("a plan needs customers in both arms, an alpha between 0 and 1 and a look")

    @property
    def total(self) -> float:
        return self.control + self.treatment

    @property
    def bound(self) -> float:
        """How many standard errors an estimate must reach; for the confidence sequence at its end, a lower bound."""
        if self.method == "always_valid":
            planned = max(1, round(self.total))
            return confidence_multiplier(self.alpha, planned, planned)
        return -_NORMAL.inv_cdf(self.alpha / 2)

    @property
    def inflation(self) -> float:
        """How many more customers group-sequential looks need for the power of one look (measured, 2.9)."""
        if self.method != "group_sequential" or self.looks == 1:
            return 1.0
        at = min(30, max(5, self.looks))
        return 1.04 + 0.02 * math.log(at / 5, 2) if at <= 10 else 1.06 + 0.01 * math.log(at / 10, 3)

    def scaled(self, factor: float) -> Plan:
        """The same plan with `factor` times the customers."""
        return replace(self, control=self.control * factor, treatment=self.treatment * factor)


def standard_error(base: Baseline, change: float, plan: Plan) -> float:
    """Of the absolute difference if the treatment's mean is the baseline plus `change`; unpooled (measurement 2.9)."""
    variance = base.variance_at(base.mean) / plan.control + base.variance_at(base.mean + change) / plan.treatment
    return math.sqrt(variance * plan.inflation)


def power(base: Baseline, change: float, plan: Plan) -> float:
    """P(the test shows an effect) if the true absolute change is `change` (measurement 2.9); 0.2 of 1, not percent."""
    se = standard_error(base, change, plan)
    if se == 0:
        return 1.0 if change else 0.0
    return _NORMAL.cdf(abs(change) / se - plan.bound) + _NORMAL.cdf(-abs(change) / se - plan.bound)


def minimum_detectable(base: Baseline, plan: Plan, wanted: float = 0.8, direction: Literal[1, -1] = 1) -> float | None:
    """The smallest absolute change with at least the power `wanted`, signed; None if the metric cannot move so far."""
    far = direction * _scale(base, plan) / 1024
    while base.fits(base.mean + far) and power(base, far, plan) < wanted:
        far *= 2
    if not base.fits(base.mean + far):
        far = (1.0 if direction > 0 else 0.0) - base.mean
        if power(base, far, plan) < wanted:
            return None
    near = 0.0
    for _ in range(60):
        middle = (near + far) / 2
        near, far = (near, middle) if power(base, middle, plan) >= wanted else (middle, far)
    return far


def relative_minimum_detectable(base: Baseline, plan: Plan, wanted: float = 0.8) -> float | None:
    """The smallest relative lift that a test on the relative scale shows with the power `wanted`, by delta variance.

    The larger root of (1 − a)δ² − 2aδ − (a + b) = 0, a = k²v/(nC m²), b = k²v/(nT m²); None unless nC > k²v/m²
    (measurement 2.9, as GrowthBook).
    """
    if base.mean == 0:
        return None
    k = (plan.bound + _NORMAL.inv_cdf(wanted)) ** 2 * plan.inflation * base.variance_at(base.mean) / base.mean**2
    a, b = k / plan.control, k / plan.treatment
    return (a + math.sqrt(a * a + (1 - a) * (a + b))) / (1 - a) if a < 1 else None


def users_needed(base: Baseline, change: float, plan: Plan, wanted: float = 0.8) -> Plan | None:
    """The plan with as many customers, in the same proportion of arms, as give the power `wanted` for `change`.

    k²(vC/nC + vT/nT)/δ² times those of the plan (measurement 2.9), both counts rounded up. None for no change or one
    the metric cannot make.
    """
    if not change or not base.fits(base.mean + change):
        return None
    factor = 1.0
    for _ in range(40 if plan.method == "always_valid" else 1):
        at = plan.scaled(factor)
        k = at.bound + _NORMAL.inv_cdf(wanted)
        factor *= (k * standard_error(base, change, at) / change) ** 2
    if factor == 0:
        return None
    control, treatment = (math.ceil(n * factor - 1e-9) for n in (plan.control, plan.treatment))
    return replace(plan, control=control, treatment=treatment)


def share_forecast(n: int, converted: int, final: int, target: float) -> float:
    """P(the final share of `final` customers >= target) after n of them.

    Beta-binomial with Beta(½, ½) (measurement 2.9).
    """
    import numpy as np
    from scipy.special import betaln, gammaln

    left = max(0, final - n)
    needed = math.ceil(round(target * (n + left), 9)) - converted
    if needed <= 0 or needed > left:
        return 1.0 if needed <= 0 else 0.0
    a, b = converted + 0.5, n - converted + 0.5
    more = np.arange(needed, left + 1)
    chosen = gammaln(left + 1) - gammaln(more + 1) - gammaln(left - more + 1)
    return min(1.0, float(np.exp(chosen + betaln(more + a, left - more + b) - betaln(a, b)).sum()))


def mean_forecast(n: int, mean: float, variance: float, final: int, target: float) -> float:
    """P(the final mean of `final` customers >= target) after n of them, by the normal predictive distribution."""
    left = max(0, final - n)
    spread = left / (n + left) * math.sqrt(variance * (1 / n + 1 / left)) if left else 0.0
    if spread == 0:
        return 1.0 if mean >= target else 0.0
    return _NORMAL.cdf((mean - target) / spread)


def _scale(base: Baseline, plan: Plan) -> float:
    """Some positive size in the metric's unit to start the search from."""
    return standard_error(base, 0.0, plan) or abs(base.mean) or 1.0
