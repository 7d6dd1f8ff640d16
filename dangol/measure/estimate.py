"""The effect of one arm against control with its standard error, or the reason why there is none."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Literal

from dangol.measure.reason import Reason
from dangol.measure.sums import Moments, Sums

Scale = Literal["absolute", "relative"]


@dataclass(frozen=True)
class Effect:
    """Estimated effect on its scale (relative: 0.1 is +10 % of the control's mean), standard error and Welch's df.

    `control` and `treatment` are the plain means, `theta` the covariate's coefficient (0 without one).
    """

    scale: Scale
    value: float
    se: float
    df: float
    control: float
    treatment: float
    theta: float = 0.0

    @property
    def p(self) -> float:
        """Two-sided p of one look fixed beforehand, null 0: 2·(1 − F_t(|d|/SE; df)), Welch 1947."""
        from scipy.special import stdtr

        return min(1.0, 2 * float(stdtr(self.df, -abs(self.value) / self.se)))

    @property
    def z(self) -> float:
        """The normal score with the same p, signed: what sequential bounds are compared with; at most 37."""
        score = -NormalDist().inv_cdf(self.p / 2) if self.p > 1e-298 else 37.0
        return math.copysign(score, self.value)

    def interval(self, bound: float) -> tuple[float, float]:
        """d ± t·SE, t being the quantile of Welch's t that is as likely as the normal `bound` (1.96 for 95 %)."""
        from scipy.special import stdtrit

        half = self.se * -float(stdtrit(self.df, NormalDist().cdf(-bound)))
        return self.value - half, self.value + half


def effect(control: Sums, treatment: Sums, scale: Scale) -> Effect | Reason:
    """d = mT − mC, or relative (mT − mC)/|mC|, by the delta method (measurement 2.2); CUPED with a covariate (2.4).

    A reason instead where an arm has no estimate, nothing varies, or a relative effect has no base. ValueError for
    sums of different metrics.
    """
    obstacle = _obstacle(control, "control") or _obstacle(treatment, "treatment")
    if obstacle:
        return obstacle
    if _ratio_is_empty(control, 1) or _ratio_is_empty(treatment, 1):
        control, treatment = control.without_covariate(), treatment.without_covariate()
    theta = coefficient(control + treatment)
    one, two = control.moments, treatment.moments
    if scale == "relative" and one.mean == 0:
        return Reason("zero_control")
    value, variance = difference(one, two, scale, theta)
    if not variance > 0:
        return Reason("no_variation")
    return Effect(scale, value, math.sqrt(variance), welch_df(one, two, theta), one.mean, two.mean, theta)


def coefficient(both: Sums) -> float:
    """θ = cov(now, before)/var(before) over both arms taken together; 0 without covariate or variance (2.4).

    Source: Deng, Xu, Kohavi, Walker, WSDM 2013; of ratios with the linearised values.
    """
    if not both.adjusted:
        return 0.0
    moments = both.moments
    return float(moments.covariance / moments.before_variance) if moments.before_variance > 0 else 0.0


def difference(control: Moments, treatment: Moments, scale: Scale, theta: Any = 0.0) -> tuple[Any, Any]:
    """(d, SE²) of measurement 2.2, with θ of 2.4: adjusted means, over the unadjusted control mean if relative.

    Moments of arrays give arrays. The control's mean must not be 0 on the relative scale.
    """
    gap = (treatment.mean - theta * treatment.before) - (control.mean - theta * control.before)
    pull = treatment.mean / control.mean if scale == "relative" else 1.0
    base = abs(control.mean) if scale == "relative" else 1.0
    spread = (
        control.variance * pull**2
        - 2 * theta * control.covariance * pull
        + theta**2 * control.before_variance
    )  # fmt: skip
    return gap / base, (_adjusted_variance(treatment, theta) / treatment.n + spread / control.n) / base**2


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
