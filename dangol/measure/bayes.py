"""Chance to win and expected losses, to display beside the method that decides."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

_NORMAL = NormalDist()
PRIOR_SD = 0.3


@dataclass(frozen=True)
class Posterior:
    """Normal belief about an effect, in the effect's unit."""

    mean: float
    sd: float

    def chance_to_win(self, lower_is_better: bool = False) -> float:
        """P(the treatment is better) = Φ(μ/σ)."""
        return _NORMAL.cdf(self._score(lower_is_better))

    def loss_of_shipping(self, lower_is_better: bool = False) -> float:
        """What shipping the treatment costs on average: E[max(−X, 0)] = σφ(μ/σ) − μ(1 − Φ(μ/σ))."""
        score = self._score(lower_is_better)
        return max(0.0, self.sd * (_NORMAL.pdf(score) - score * _NORMAL.cdf(-score)))

    def loss_of_keeping(self, lower_is_better: bool = False) -> float:
        """What keeping the control costs on average: E[max(X, 0)]."""
        return self.loss_of_shipping(not lower_is_better)

    def _score(self, lower_is_better: bool) -> float:
        score = math.copysign(min(abs(self.mean) / self.sd, 37.0), self.mean)
        return -score if lower_is_better else score


def posterior(value: float, se: float, prior_sd: float | None = None) -> Posterior:
    """Normal prior N(0, prior_sd²) in the effect's unit, None a flat one, times the estimate (measurement 2.8).

    The default prior on relative lifts is N(0, 0.3²); on the absolute scale multiply it by |control mean|.
    """
    if prior_sd is None:
        return Posterior(value, se)
    precision = 1 / se**2 + 1 / prior_sd**2
    return Posterior(value / se**2 / precision, math.sqrt(1 / precision))
