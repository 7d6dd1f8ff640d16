"""The effect of one arm against control with its standard error, or the reason why there is none."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Literal

from dangol.measure.proportions import wilson
from dangol.measure.reason import Reason
from dangol.measure.sums import Moments, Sums

Scale = Literal["absolute", "relative"]


@dataclass(frozen=True)
class Contrast:
    """What the data say of a change δ: `gap` − δ·`base` is normal around 0 if δ is true, with the variance
    v0 + 2·v1·δ + v2·δ². Floats, or numpy arrays of one shape."""

    gap: Any
    base: Any
    v0: Any
    v1: Any
    v2: Any

    def variance(self, change: Any) -> Any:
        return self.v0 + 2 * self.v1 * change + self.v2 * change**2


@dataclass(frozen=True)
class Effect:
    """Estimated effect on its scale (relative: 0.1 is +10 % of the control's mean) and Welch's df.

    `control` and `treatment` are the plain means, `theta` the covariate's coefficient (0 without one).
    """

    scale: Scale
    contrast: Contrast
    df: float
    control: float
    treatment: float
    theta: float = 0.0

    @property
    def value(self) -> float:
        return float(self.contrast.gap / self.contrast.base)

    @property
    def se(self) -> float:
        """Standard error of `value`, on the relative scale by the delta method (measurement 2.2)."""
        return math.sqrt(self.contrast.variance(self.value)) / float(self.contrast.base)

    @property
    def t(self) -> float:
        """The statistic of no effect, the same on both scales."""
        return float(self.contrast.gap) / math.sqrt(self.contrast.v0)

    @property
    def p(self) -> float:
        """Two-sided p of one look fixed beforehand: 2·(1 − F_t(|t|; df)), Welch 1947."""
        from scipy.special import stdtr

        return min(1.0, 2 * float(stdtr(self.df, -abs(self.t))))

    @property
    def z(self) -> float:
        """The normal score with the same p, signed: what sequential bounds are compared with; at most 37."""
        score = -NormalDist().inv_cdf(self.p / 2) if self.p > 1e-298 else 37.0
        return math.copysign(score, self.t)

    def quantile(self, bound: float) -> float:
        """The quantile of Welch's t that is as likely as the normal `bound` (1.96 for 95 %)."""
        from scipy.special import ndtr, stdtrit

        return -float(stdtrit(self.df, ndtr(-bound)))

    def interval(self, errors: float) -> tuple[float, float] | None:
        """All changes that the data do not put more than so many standard errors away; 0 is among them just when
        |t| is no more. None if that has no end, the control's mean being within as many of its own errors from 0.

        Absolute: d ± errors·SE. Relative: Fieller 1954, as Statsig. The linear d ± errors·SE is not used there, for it
        shows effects that are not there (0.077 instead of 0.05 with daily looks at a share of 2 %).
        """
        c, square = self.contrast, errors**2
        lead, half = c.base**2 - square * c.v2, c.gap * c.base + square * c.v1
        if lead <= 0:
            return None
        inside = c.v0 * lead + 2 * c.gap * c.base * c.v1 + square * c.v1**2 + c.v2 * c.gap**2
        root = errors * math.sqrt(max(0.0, inside))
        return float((half - root) / lead), float((half + root) / lead)


def effect(control: Sums, treatment: Sums, scale: Scale) -> Effect | Reason:
    """d = mT − mC, or relative (mT − mC)/|mC| (measurement 2.2); CUPED with a covariate (2.4).

    A reason instead where an arm has no estimate, nothing varies, or a relative effect has no base. ValueError for
    sums of different metrics.
    """
    obstacle = _obstacle(control, "control") or _obstacle(treatment, "treatment")
    if obstacle:
        return obstacle
    if _ratio_is_empty(control, 1) or _ratio_is_empty(treatment, 1) or _ratio_is_empty(control + treatment, 0):
        control, treatment = control.without_covariate(), treatment.without_covariate()
    theta = coefficient(control + treatment)
    one, two = control.moments, treatment.moments
    if scale == "relative" and one.mean == 0:
        return Reason("zero_control")
    found = contrast(one, two, scale, theta)
    if not found.v0 > 0 or not found.variance(found.gap / found.base) > 0:
        return Reason("no_variation")
    return Effect(scale, found, float(welch_df(one, two, theta)), one.mean, two.mean, theta)


def narrowing(control: Sums, treatment: Sums, scale: Scale) -> float | None:
    """The part of the effect's standard error that the covariate took away; None without one that does."""
    adjusted = effect(control, treatment, scale)
    if isinstance(adjusted, Reason) or not adjusted.theta:
        return None
    plain = effect(control.without_covariate(), treatment.without_covariate(), scale)
    return 1 - adjusted.se / plain.se if isinstance(plain, Effect) else None


def mean_interval(sums: Sums, alpha: float) -> tuple[float, float] | None:
    """Of the mean of one arm at 1 − alpha: Wilson's of a share, else t with the (delta) variance; None for a single
    customer."""
    if sums.kind == "share":
        return wilson(sums.n, int(sums.totals[0]), -NormalDist().inv_cdf(alpha / 2))
    if sums.n < 2:
        return None
    from scipy.special import stdtrit

    half = -float(stdtrit(sums.n - 1, alpha / 2)) * math.sqrt(sums.moments.variance / sums.n)
    return sums.mean - half, sums.mean + half


def coefficient(both: Sums) -> float:
    """θ = cov(now, before)/var(before) over both arms taken together; 0 without covariate or variance (2.4).

    Source: Deng, Xu, Kohavi, Walker, WSDM 2013; of ratios with the linearised values.
    """
    if not both.adjusted:
        return 0.0
    moments = both.moments
    return float(moments.covariance / moments.before_variance) if moments.before_variance > 0 else 0.0


def contrast(control: Moments, treatment: Moments, scale: Scale, theta: Any = 0.0) -> Contrast:
    """The difference of the (adjusted) means against δ, or on the relative scale against δ·|control mean|.

    Its variance is SE² of measurement 2.2 and 2.4, with 1 + δ in place of mT/mC on the relative scale: at the estimate
    itself it is the delta method's. The control's mean must not be 0 there.
    """
    gap = (treatment.mean - theta * treatment.before) - (control.mean - theta * control.before)
    errors = [_adjusted_variance(arm, theta) / arm.n for arm in (control, treatment)]
    if scale == "absolute":
        return Contrast(gap, 1.0, errors[0] + errors[1], 0.0, 0.0)
    base = abs(control.mean)
    mixed = (control.variance - theta * control.covariance) / control.n * (control.mean / base)
    return Contrast(gap, base, errors[0] + errors[1], mixed, control.variance / control.n)


def welch_df(control: Moments, treatment: Moments, theta: Any = 0.0) -> Any:
    """Welch–Satterthwaite degrees of freedom, the same on both scales (measurement 2.2)."""
    c, t = (_adjusted_variance(arm, theta) / arm.n for arm in (control, treatment))
    return (c + t) ** 2 / (c**2 / (control.n - 1) + t**2 / (treatment.n - 1))


def _adjusted_variance(arm: Moments, theta: Any) -> Any:
    return arm.variance + theta**2 * arm.before_variance - 2 * theta * arm.covariance


def _obstacle(arm: Sums, name: str) -> Reason | None:
    if arm.n == 0:
        return Reason("no_customers", 0, 2, name)
    if arm.n < 2:
        return Reason("too_few_customers", arm.n, 2, name)
    return Reason("no_denominator", arm=name) if _ratio_is_empty(arm, side=0) else None


def _ratio_is_empty(arm: Sums, side: int) -> bool:
    return arm.kind == "ratio" and 2 * side < len(arm.totals) and not arm.totals[2 * side + 1]
