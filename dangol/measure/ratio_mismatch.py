"""Whether the arms have the sizes they were drawn to have; if not, nothing they show can be trusted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

CONCENTRATION = 100
ALARM = 0.01


@dataclass(frozen=True)
class Mismatch:
    """Sample ratio mismatch: `p` of the sequential test, which decides; the customers of now against planned shares."""

    p: float
    counts: tuple[int, ...]
    planned: tuple[float, ...]

    @property
    def alarm(self) -> bool:
        return self.p < ALARM

    @cached_property
    def chi_square_p(self) -> float | None:
        """Of now alone, to display; None where more than two arms have too few customers for it."""
        return _chi_square(self.counts, self.planned)


def mismatch(looks: Sequence[Sequence[int]], shares: Sequence[Fraction]) -> Mismatch | None:
    """Of the counts per arm at each look so far (the last is now) against the planned shares (measurement 2.5).

    Arms of share 0 leave the total too. None with fewer than two arms of a positive share or without customers.
    """
    kept = [i for i, share in enumerate(shares) if share > 0]
    whole = sum(shares)
    planned = [float(shares[i] / whole) for i in kept]
    counts = [[look[i] for i in kept] for look in looks]
    if len(kept) < 2 or not counts or not sum(counts[-1]):
        return None
    p = min(1.0, *(math.exp(min(0.0, -_log_bayes_factor(look, planned))) for look in counts))
    return Mismatch(p, tuple(counts[-1]), tuple(planned))


def _log_bayes_factor(counts: Sequence[int], planned: Sequence[float]) -> float:
    """Lindon, Malek, *Anytime-valid inference for multinomial count data*, NeurIPS 2022, with k = 100."""
    value = math.lgamma(CONCENTRATION) - math.lgamma(CONCENTRATION + sum(counts))
    for count, share in zip(counts, planned, strict=True):
        value += math.lgamma(CONCENTRATION * share + count) - math.lgamma(CONCENTRATION * share)
        value -= count * math.log(share)
    return value


def _chi_square(counts: Sequence[int], planned: Sequence[float]) -> float | None:
    """χ² = Σ(c − e)²/e on arms − 1 degrees; the exact binomial below 5 expected customers."""
    expected = [share * sum(counts) for share in planned]
    if min(expected) >= 5:
        from scipy.special import chdtrc

        return float(chdtrc(len(counts) - 1, sum((c - e) ** 2 / e for c, e in zip(counts, expected, strict=True))))
    if len(counts) > 2:
        return None
    from scipy.stats import binomtest

    return float(binomtest(counts[0], sum(counts), planned[0]).pvalue)
