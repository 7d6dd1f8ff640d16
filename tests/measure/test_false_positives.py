"""Thousands of experiments looked at every day: no method finds more that is not there than it declares."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import stdtrit

from dangol.measure.estimate import Effect, contrast, effect, welch_df
from dangol.measure.power import Method, Plan
from dangol.measure.sequential import Look, bounds, confidence_multiplier
from dangol.measure.sums import Moments, Sums
from dangol.measure.verdict import Design, compare

ALPHA = 0.05
NORMAL = NormalDist()
METHODS: tuple[Method, ...] = ("group_sequential", "always_valid", "fixed")
Array = NDArray[np.float64]


def at_most(level: float, experiments: int) -> float:
    """The declared level and three standard deviations of the simulation."""
    return level + 3 * math.sqrt(level * (1 - level) / experiments)


@dataclass(frozen=True)
class Arm:
    """Cumulated sums of many experiments: totals and products of shape (experiments, days, variables)."""

    kind: str
    per_day: int
    totals: NDArray[np.int64]
    products: NDArray[np.int64]

    def sums(self, experiment: int, day: int) -> Sums:
        totals, products = (tuple(int(v) for v in array[experiment, day]) for array in (self.totals, self.products))
        return Sums(self.kind, self.per_day * (day + 1), totals, products)  # type: ignore[arg-type]

    @property
    def moments(self) -> Moments:
        """Of a share or a mean without covariate, for all experiments and days at once."""
        n = self.per_day * np.arange(1, self.totals.shape[1] + 1)
        total, square = self.totals[..., 0].astype(float), self.products[..., 0].astype(float)
        return Moments(n, total / n, (square - total**2 / n) / (n if self.kind == "share" else n - 1))


Customers = Callable[[np.random.Generator, int], tuple[NDArray[np.int64], ...]]


def buyers(rng: np.random.Generator, count: int) -> tuple[NDArray[np.int64], ...]:
    """Heavy-tailed revenue in won."""
    return (np.rint(rng.lognormal(10, 1, count)).astype(np.int64),)


def baskets(rng: np.random.Generator, count: int) -> tuple[NDArray[np.int64], ...]:
    """Revenue and orders, the more orders the less per order."""
    orders = 1 + rng.poisson(1.0, count)
    return np.rint(rng.lognormal(10, 1, count) * orders**0.8).astype(np.int64), orders


def regulars(rng: np.random.Generator, count: int) -> tuple[NDArray[np.int64], ...]:
    """Revenue now and before, of the same taste."""
    taste = rng.lognormal(10, 0.8, count)
    now, before = (np.rint(taste * rng.gamma(4, 0.25, count) * rng.binomial(1, 0.7, count)) for _ in range(2))
    return now.astype(np.int64), before.astype(np.int64)


def shares(rng: np.random.Generator, experiments: int, days: int, per_day: int, rate: float) -> Arm:
    converted = rng.binomial(per_day, rate, (experiments, days)).cumsum(axis=1)[..., None]
    return Arm("share", per_day, converted, converted)


def amounts(
    rng: np.random.Generator,
    kind: str,
    customers: Customers,
    experiments: int,
    days: int,
    per_day: int,
    lift: float = 0,
) -> Arm:
    """A tenth of the customers do something, the rest nothing; `lift` is put on the first amount."""
    active = rng.binomial(per_day, 0.1, experiments * days)
    values = list(customers(rng, int(active.sum())))
    values[0] = np.rint(values[0] * (1 + lift)).astype(np.int64)
    cell = np.repeat(np.arange(experiments * days), active)
    pairs = [(i, j) for i in range(len(values)) for j in range(i, len(values))]

    def cumulated(columns: list[NDArray[np.int64]]) -> NDArray[np.int64]:
        per_cell = [np.bincount(cell, column.astype(float), experiments * days) for column in columns]
        return np.stack(per_cell, -1).reshape(experiments, days, -1).cumsum(axis=1).astype(np.int64)

    return Arm(kind, per_day, cumulated(values), cumulated([values[i] * values[j] for i, j in pairs]))


def limits(method: Method, days: int, per_arm_and_day: int) -> Array:
    """Half-width in standard errors at each day's look; infinite where the method does not look."""
    total = 2 * per_arm_and_day * days
    if method == "fixed":
        return np.array([math.inf] * (days - 1) + [-NORMAL.inv_cdf(ALPHA / 2)])
    if method == "always_valid":
        return np.array([confidence_multiplier(ALPHA, total * (k + 1) // days, total) for k in range(days)])
    return np.array(bounds(tuple(Look(total * (k + 1) // days, (k + 1) / days) for k in range(days)), ALPHA))


def passed(control: Arm, treatment: Arm, limit: Array, method: str) -> NDArray[np.bool_]:
    """Whether each look of each experiment shows an effect, by the rules of `compare`."""
    one, two = control.moments, treatment.moments
    with np.errstate(invalid="ignore"):
        found, df = contrast(one, two, "relative"), welch_df(one, two)
        score = np.abs(found.gap) / np.sqrt(found.v0)
    tails = np.array([NORMAL.cdf(-x) for x in limit])
    bound = np.where(tails > 0, -stdtrit(df, np.maximum(tails, 1e-300)), np.inf) if method != "always_valid" else limit
    enough = (one.n >= 100) & (found.v0 > 0)
    if control.kind == "share":
        enough &= one.n * (one.mean + two.mean) / 2 >= 5
    return enough & (score >= bound)


@pytest.mark.parametrize("rate", [0.1, 0.02])
@pytest.mark.parametrize("method", METHODS)
def test_ten_thousand_tests_of_a_share_with_daily_looks(method: Method, rate: float) -> None:
    rng = np.random.default_rng(101)
    arms = [shares(rng, 10_000, 30, 100, rate) for _ in range(2)]
    found = passed(*arms, limits(method, 30, 100), method)
    assert found.any(axis=1).mean() <= at_most(ALPHA, 10_000)
    assert found.any()


def test_naive_peeking_does_not_pass_this_test() -> None:
    rng = np.random.default_rng(101)
    arms = [shares(rng, 10_000, 30, 100, 0.1) for _ in range(2)]
    found = passed(*arms, np.full(30, 1.96), "naive")
    assert found.any(axis=1).mean() > 0.2


@pytest.mark.parametrize("method", METHODS)
def test_skewed_revenue_with_daily_looks(method: Method) -> None:
    rng = np.random.default_rng(102)
    arms = [amounts(rng, "mean", buyers, 2000, 20, 100, 0) for _ in range(2)]
    assert passed(*arms, limits(method, 20, 100), method).any(axis=1).mean() <= at_most(ALPHA, 2000)


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_ten_thousand_tests_of_skewed_revenue_with_daily_looks(method: Method) -> None:
    rng = np.random.default_rng(103)
    arms = [amounts(rng, "mean", buyers, 10_000, 30, 100, 0) for _ in range(2)]
    assert passed(*arms, limits(method, 30, 100), method).any(axis=1).mean() <= at_most(ALPHA, 10_000)


@pytest.mark.parametrize("method", METHODS)
def test_a_comparison_decides_as_simulated(method: Method) -> None:
    rng = np.random.default_rng(104)
    control, treatment = shares(rng, 8, 6, 400, 0.1), shares(rng, 8, 6, 400, 0.13)
    expected = passed(control, treatment, limits(method, 6, 400), method)
    design = Design("c", method, planned={"c": 2400, "t": 2400})
    looks = [Look(800 * k, k / 6) for k in range(1, 7)]
    assert expected.any()
    assert not expected.all()
    for experiment in range(8):
        for day in range(6):
            arms = {"c": control.sums(experiment, day), "t": treatment.sums(experiment, day)}
            (found,) = compare(arms, design, looks[: day + 1], final=day == 5)
            assert found.shown == expected[experiment, day]


COVERED = {"mean": buyers, "mean with covariate": regulars, "ratio": baskets}


def missed(metric: str, experiments: int, days: int, lift: float, seed: int) -> dict[str, float]:
    """The share of experiments whose interval of the relative lift ever leaves the truth, by method."""
    rng = np.random.default_rng(seed)
    kind, customers = metric.split()[0], COVERED[metric]
    control, treatment = (amounts(rng, kind, customers, experiments, days, 400, by) for by in (0, lift))
    halves = {method: limits(method, days, 400) for method in METHODS}
    out = {method: np.zeros(experiments, bool) for method in METHODS}
    for experiment in range(experiments):
        for day in range(days):
            found = effect(control.sums(experiment, day), treatment.sums(experiment, day), "relative")
            assert isinstance(found, Effect)
            for method in METHODS:
                ends = found.interval(halves[method][day]) or (-math.inf, math.inf)
                out[method][experiment] |= not ends[0] <= lift <= ends[1]
    return {method: float(outside.mean()) for method, outside in out.items()}


@pytest.mark.parametrize("metric", COVERED)
def test_intervals_hold_the_truth_at_every_look(metric: str) -> None:
    for share in missed(metric, 150, 4, 0.0, 105).values():
        assert share <= at_most(ALPHA, 150)


@pytest.mark.slow
@pytest.mark.parametrize("lift", [0.0, 0.2])
@pytest.mark.parametrize("metric", COVERED)
def test_intervals_hold_the_truth_in_thousands_of_experiments(metric: str, lift: float) -> None:
    for share in missed(metric, 4000, 10, lift, 106).values():
        assert share <= at_most(ALPHA, 4000) + 0.005


@pytest.mark.parametrize("looks", [5, 10, 30])
def test_the_default_keeps_the_power_of_one_look(looks: int) -> None:
    """Within three points with the same users, and all of it with the users that a plan asks for."""
    rng = np.random.default_rng(107)
    path = rng.normal(0, math.sqrt(1 / looks), (100_000, looks)).cumsum(axis=1)
    time = np.arange(1, looks + 1) / looks
    limit = np.array(bounds(tuple(Look(1000 * k, k / looks) for k in range(1, looks + 1)), ALPHA))

    def shown(drift: float) -> float:
        return float((np.abs(path + drift * time) / np.sqrt(time) >= limit).any(axis=1).mean())

    needed = -NORMAL.inv_cdf(ALPHA / 2) + NORMAL.inv_cdf(0.8)
    fixed = float((np.abs(path[:, -1] + needed) >= -NORMAL.inv_cdf(ALPHA / 2)).mean())
    assert fixed - shown(needed) < 0.03
    more = Plan(1, 1, method="group_sequential", looks=looks).inflation
    assert shown(needed * math.sqrt(more)) == pytest.approx(0.8, abs=0.01)
