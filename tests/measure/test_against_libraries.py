"""The same questions put to statsmodels and tea-tasting have the same answers."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import normal_power_het
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint, proportions_ztest
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW
from tea_tasting.aggr import Aggregates
from tea_tasting.metrics import RatioOfMeans

from dangol.measure.estimate import Effect, effect
from dangol.measure.power import Baseline, Plan, power
from dangol.measure.proportions import newcombe, pooled_z, wilson
from dangol.measure.sums import Sums, mean_sums, ratio_sums, share_sums
from dangol.measure.verdict import holm

Z = 1.959963984540054


def near(value: object) -> object:
    return pytest.approx(value, rel=1e-9, abs=1e-12)


RNG = np.random.default_rng(11)
SIZES = (700, 900)
NOW = [np.rint(RNG.lognormal(8, 1.5, n)) for n in SIZES]
BEFORE = [np.rint(now * RNG.uniform(0.2, 1.4, len(now))) for now in NOW]
ORDERS = [RNG.poisson(2, n) + 1.0 for n in SIZES]
ORDERS_BEFORE = [RNG.poisson(2, n) + 1.0 for n in SIZES]


def found(arms: list[Sums]) -> Effect:
    result = effect(arms[0], arms[1], "absolute")
    assert isinstance(result, Effect)
    return result


def test_welch() -> None:
    ours = found([mean_sums(now) for now in NOW])
    theirs = CompareMeans(DescrStatsW(NOW[1]), DescrStatsW(NOW[0]))
    _, p, df = theirs.ttest_ind(usevar="unequal")
    assert (ours.p, ours.df) == (near(p), near(df))
    assert ours.interval(ours.quantile(Z)) == near(theirs.tconfint_diff(usevar="unequal"))


def aggregates(columns: dict[str, np.ndarray]) -> Aggregates:
    names = sorted(columns)
    pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    return Aggregates(
        count_=len(columns[names[0]]),
        mean_={name: float(columns[name].mean()) for name in names},
        var_={name: float(columns[name].var(ddof=1)) for name in names},
        cov_={pair: float(np.cov(columns[pair[0]], columns[pair[1]])[0, 1]) for pair in pairs},
    )


METRICS: dict[str, tuple[list[Sums], dict[str, str]]] = {
    "mean": ([mean_sums(now) for now in NOW], {"numer": "m"}),
    "mean with covariate": (
        [mean_sums(now, before) for now, before in zip(NOW, BEFORE, strict=True)],
        {"numer": "m", "numer_covariate": "m0"},
    ),
    "ratio": (
        [ratio_sums(now, orders) for now, orders in zip(NOW, ORDERS, strict=True)],
        {"numer": "m", "denom": "d"},
    ),
    "ratio with covariates": (
        [
            ratio_sums(now, orders, (before, orders_before))
            for now, orders, before, orders_before in zip(NOW, ORDERS, BEFORE, ORDERS_BEFORE, strict=True)
        ],
        {"numer": "m", "denom": "d", "numer_covariate": "m0", "denom_covariate": "d0"},
    ),
}


@pytest.mark.parametrize("name", METRICS)
def test_tea_tasting(name: str) -> None:
    arms, columns = METRICS[name]
    ours = found(arms)
    control, treatment = (
        aggregates({"m": NOW[i], "d": ORDERS[i], "m0": BEFORE[i], "d0": ORDERS_BEFORE[i]}) for i in (0, 1)
    )
    theirs = RatioOfMeans(**columns, confidence_level=0.95, equal_var=False, use_t=True, alternative="two-sided")
    result = theirs.analyze_aggregates(control, treatment)
    assert (ours.value, ours.p) == (near(result.effect_size), near(result.pvalue))
    assert ours.interval(ours.quantile(Z)) == near((result.effect_size_ci_lower, result.effect_size_ci_upper))


@pytest.mark.parametrize(("n", "converted"), [(10, 0), (10, 10), (40, 3), (21307, 3894)])
def test_wilson(n: int, converted: int) -> None:
    assert wilson(n, converted, Z) == near(proportion_confint(converted, n, method="wilson"))


@pytest.mark.parametrize("counts", [(3, 40, 9, 50), (2262, 21306, 3894, 21307), (0, 30, 4, 30)])
def test_newcombe_and_the_pooled_test(counts: tuple[int, int, int, int]) -> None:
    xc, nc, xt, nt = counts
    control, treatment = share_sums(nc, xc), share_sums(nt, xt)
    assert newcombe(control, treatment) == near(confint_proportions_2indep(xt, nt, xc, nc, method="newcomb"))
    assert pooled_z(control, treatment) == near(proportions_ztest([xt, xc], [nt, nc])[0])


def test_holm() -> None:
    ps = [0.04, 0.01, 0.03, 0.9, 0.01]
    assert holm(ps) == near(tuple(multipletests(ps, method="holm")[1]))


@pytest.mark.parametrize("target", [0.06, 0.045])
def test_power_of_one_look(target: float) -> None:
    base, plan = 0.05, Plan(control=3000, treatment=9000)
    se = np.sqrt(target * (1 - target) / plan.treatment + base * (1 - base) / plan.control)
    theirs = normal_power_het(target - base, 1, 0.05, std_null=se, alternative="two-sided")
    assert power(Baseline(base), target - base, plan) == near(theirs)
