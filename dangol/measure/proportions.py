"""Intervals and tests of shares."""

from __future__ import annotations

import math
from statistics import NormalDist

from dangol.measure.sums import Sums

_NORMAL = NormalDist()


def wilson(n: int, converted: int, z: float) -> tuple[float, float]:
    """Wilson's interval of one share, z = 1.96 for 95 % (measurement 2.3). n must be positive."""
    p = converted / n
    centre = p + z * z / (2 * n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    low, high = ((centre + sign * half) / (1 + z * z / n) for sign in (-1, 1))
    return (0.0 if converted == 0 else low), (1.0 if converted == n else high)


def newcombe(control: Sums, treatment: Sums, alpha: float = 0.05) -> tuple[float, float]:
    """Interval of the difference of two shares: Newcombe, Statistics in Medicine 17, 1998, method 10."""
    z = -_NORMAL.inv_cdf(alpha / 2)
    pc, pt = control.mean, treatment.mean
    (lc, uc), (lt, ut) = (wilson(arm.n, int(arm.totals[0]), z) for arm in (control, treatment))
    return pt - pc - math.hypot(pt - lt, uc - pc), pt - pc + math.hypot(ut - pt, pc - lc)


def pooled_z(control: Sums, treatment: Sums) -> float | None:
    """z of the two-sample test with the pooled share (measurement 2.3); None when nobody or everybody converted."""
    both = control + treatment
    variance = both.mean * (1 - both.mean) * (1 / control.n + 1 / treatment.n)
    return (treatment.mean - control.mean) / math.sqrt(variance) if variance > 0 else None


def least_expected(control: Sums, treatment: Sums) -> float:
    """The smallest count expected in the 2×2 table if both arms convert alike; below 5 no normal test holds."""
    share = (control + treatment).mean
    return min(control.n, treatment.n) * min(share, 1 - share)


def fisher(control: Sums, treatment: Sums) -> float:
    """Two-sided p of Fisher's exact test."""
    from scipy.stats import fisher_exact

    table = [[int(arm.totals[0]), arm.n - int(arm.totals[0])] for arm in (control, treatment)]
    return float(fisher_exact(table).pvalue)
