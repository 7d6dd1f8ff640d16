"""What every test takes in: exact sums over the customers of one arm, never their rows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import combinations_with_replacement
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

Kind = Literal["share", "mean", "ratio"]
Exact = Fraction | int

_VARIABLES: Mapping[Kind, tuple[int, ...]] = {"share": (1,), "mean": (1, 2), "ratio": (2, 4)}
_LOW = (1 << 27) - 1
LARGEST = 1e18
"""Beyond it powers of variances of ratios leave the range of floating point."""


@dataclass(frozen=True)
class Moments:
    """Count, mean and per-customer variance of an arm's metric; with a covariate also of the time before.

    `covariance` is between now and before. Floats, or numpy arrays of one shape for many arms at once.
    """

    n: Any
    mean: Any
    variance: Any
    before: Any = 0.0
    before_variance: Any = 0.0
    covariance: Any = 0.0


@dataclass(frozen=True)
class Sums:
    """The sufficient statistics of one arm (measurement 2.1), over all customers assigned, zeros included.

    `totals` are the sums of the variables, `products` those of their products, (i, j) with i <= j in order:
    share: x and x; mean: y | y, x; ratio: M, D | M, D, M before, D before. Exact, so batches may be added.
    ValueError for counts and sums that no customers can have.
    """

    kind: Kind
    n: int
    totals: tuple[Exact, ...]
    products: tuple[Exact, ...]

    def __post_init__(self) -> None:
        if self.n < 0 or len(self.totals) not in _VARIABLES[self.kind]:
            raise ValueError(f"no {self.kind} of {self.n} customers has {len(self.totals)} sums")
        if len(self.products) != len(self._pairs):
            raise ValueError(f"{len(self.totals)} sums go with {len(self._pairs)} sums of products")
        if self.kind == "share" and not (0 <= self.totals[0] <= self.n and self.products == self.totals):
            raise ValueError(f"{self.totals[0]} conversions of {self.n} customers")
        if any(self._scatter(i, i) < 0 for i in range(len(self.totals))):
            raise ValueError("a sum of squares is smaller than its sum allows")

    def __add__(self, other: Sums) -> Sums:
        if (self.kind, len(self.totals)) != (other.kind, len(other.totals)):
            raise ValueError("only sums of the same metric add up")
        totals = tuple(a + b for a, b in zip(self.totals, other.totals, strict=True))
        products = tuple(a + b for a, b in zip(self.products, other.products, strict=True))
        return Sums(self.kind, self.n + other.n, totals, products)

    @property
    def adjusted(self) -> bool:
        """Whether the sums carry a covariate from before the assignment."""
        return len(self.totals) == 2 * _VARIABLES[self.kind][0]

    def without_covariate(self) -> Sums:
        """The same customers' metric alone."""
        kept = _VARIABLES[self.kind][0]
        products = (p for (_, j), p in zip(self._pairs, self.products, strict=True) if j < kept)
        return Sums(self.kind, self.n, self.totals[:kept], tuple(products))

    @property
    def has_mean(self) -> bool:
        """Whether there is a customer, and of a ratio a denominator."""
        return bool(self.n and (self.kind != "ratio" or self.totals[1]))

    @property
    def mean(self) -> float:
        """The share, the mean per customer or the ratio. ValueError without customers or with a zero denominator."""
        return float(self._value(0))

    @property
    def moments(self) -> Moments:
        """Mean and variances as floats, from exact differences; a ratio by the delta method, linearised as
        L = (M − R·D)/mD (measurement 2.1 and 2.4). ValueError where the mean has none or of a single customer."""
        if self.n < 2:
            raise ValueError("one customer has no variance")
        now = self._gradient(0)
        alone = Moments(self.n, self.mean, self._between(now, now))
        if not self.adjusted:
            return alone
        before = self._gradient(1)
        spread, together = self._between(before, before), self._between(now, before)
        return replace(alone, before=float(self._value(1)), before_variance=spread, covariance=together)

    def record(self) -> dict[str, Any]:
        """The sums as JSON that `from_record` reads back exactly."""
        texts = {"totals": [str(t) for t in self.totals], "products": [str(p) for p in self.products]}
        return {"kind": self.kind, "n": self.n, **texts}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Sums:
        totals, products = (tuple(Fraction(t) for t in record[key]) for key in ("totals", "products"))
        return cls(record["kind"], record["n"], totals, products)

    @property
    def _pairs(self) -> list[tuple[int, int]]:
        return list(combinations_with_replacement(range(len(self.totals)), 2))

    def _scatter(self, i: int, j: int) -> Fraction:
        """n·ΣAB − ΣA·ΣB."""
        product = self.products[self._pairs.index((min(i, j), max(i, j)))]
        return Fraction(self.n * product - self.totals[i] * self.totals[j])

    def _value(self, side: int) -> Fraction:
        if self.kind != "ratio":
            if not self.n:
                raise ValueError("no customers have no mean")
            return Fraction(self.totals[side]) / self.n
        if not self.totals[2 * side + 1]:
            raise ValueError("a ratio needs a denominator")
        return Fraction(self.totals[2 * side]) / self.totals[2 * side + 1]

    def _gradient(self, side: int) -> dict[int, Fraction]:
        if self.kind != "ratio":
            return {side: Fraction(1)}
        value = self._value(side)
        per = Fraction(self.n) / self.totals[2 * side + 1]
        return {2 * side: per, 2 * side + 1: -value * per}

    def _between(self, left: Mapping[int, Fraction], right: Mapping[int, Fraction]) -> float:
        degrees = self.n if self.kind == "share" else self.n - 1
        parts = (a * b * self._scatter(i, j) for i, a in left.items() for j, b in right.items())
        return float(sum(parts, Fraction(0)) / (self.n * degrees))


def share_sums(n: int, converted: int) -> Sums:
    """Sums of a share: `converted` of `n` customers."""
    return Sums("share", int(n), (int(converted),), (int(converted),))


def mean_sums(values: ArrayLike, before: ArrayLike | None = None) -> Sums:
    """Sums of an amount per customer, one value each, with the same customers' amounts before as covariate.

    Exact for amounts with up to six decimals below 2^53 units, else each to 2^-53 of the largest. ValueError for
    values that are missing, infinite or beyond `LARGEST`.
    """
    return _sums("mean", [values] if before is None else [values, before])


def ratio_sums(
    numerators: ArrayLike, denominators: ArrayLike, before: tuple[ArrayLike, ArrayLike] | None = None
) -> Sums:
    """Sums of a ratio of totals (M per D), a pair per customer, with the pair `before` as covariate; as `mean_sums`."""
    return _sums("ratio", [numerators, denominators, *(before or ())])


def computable(values: NDArray[np.float64]) -> bool:
    """Whether all are numbers that can be computed with: finite, and no larger than `LARGEST`."""
    import numpy as np

    return bool((np.abs(values) <= LARGEST).all())


def _sums(kind: Kind, columns: Sequence[ArrayLike]) -> Sums:
    scaled = [_scaled(column) for column in columns]
    if len({len(units) for units, _ in scaled}) != 1:
        raise ValueError("one value per customer in every column")
    totals = tuple(_total(units) * size for units, size in scaled)
    pairs = combinations_with_replacement(scaled, 2)
    return Sums(kind, len(scaled[0][0]), totals, tuple(_dot(a, b) * p * q for (a, p), (b, q) in pairs))


def _scaled(column: ArrayLike) -> tuple[NDArray[np.int64], Fraction]:
    """Whole units below 2^53 and the size of one: a decimal unit if the values have one, else a power of two."""
    import numpy as np

    values = np.asarray(column, dtype=np.float64)
    if values.ndim != 1 or not computable(values):
        raise ValueError("a metric needs one finite number per customer")
    largest = float(np.abs(values).max(initial=0.0))
    for decimals in (0, 2, 4, 6):
        units = np.rint(values * 10.0**decimals)
        if largest * 10.0**decimals < 2.0**53 and np.array_equal(units / 10.0**decimals, values):
            return units.astype(np.int64), Fraction(1, 10**decimals)
    exponent = 53 - math.frexp(largest)[1]
    return np.rint(np.ldexp(values, exponent)).astype(np.int64), Fraction(2) ** -exponent


def _total(whole: NDArray[np.int64]) -> int:
    return (int((whole >> 32).sum()) << 32) + int((whole & 0xFFFFFFFF).sum())


def _dot(a: NDArray[np.int64], b: NDArray[np.int64]) -> int:
    """Σab exactly, from halves whose products stay within 64 bits."""
    high, low, other_high, other_low = a >> 27, a & _LOW, b >> 27, b & _LOW
    crossed = _total(high * other_low + low * other_high)
    return (_total(high * other_high) << 54) + (crossed << 27) + _total(low * other_low)
