"""Effects: signs, units, covariates, and a reason wherever there is no number."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dangol.measure.estimate import Effect, Scale, coefficient, effect
from dangol.measure.reason import Reason
from dangol.measure.sums import Sums, mean_sums, ratio_sums, share_sums

ARM = st.lists(st.integers(1, 10**7), min_size=3, max_size=30)


def found(control: Sums, treatment: Sums, scale: Scale = "absolute") -> Effect:
    result = effect(control, treatment, scale)
    assert isinstance(result, Effect)
    return result


def interval(effect: Effect, errors: float) -> tuple[float, float]:
    ends = effect.interval(errors)
    assert ends is not None
    return ends


def spread(values: list[int]) -> Sums:
    assume(len(set(values)) > 1)
    return mean_sums(values)


@given(ARM, ARM)
def test_swapping_the_arms_flips_the_sign_alone(one: list[int], two: list[int]) -> None:
    there, back = found(spread(one), spread(two)), found(spread(two), spread(one))
    assert (back.value, back.se) == (-there.value, pytest.approx(there.se))
    assert (back.df, back.p) == (pytest.approx(there.df), pytest.approx(there.p))


@given(ARM, ARM, st.sampled_from([2, 7, 1000, 1350]))
def test_another_currency_scales_the_absolute_effect_and_leaves_the_relative_one(
    one: list[int], two: list[int], rate: int
) -> None:
    dear = spread([v * rate for v in one]), spread([v * rate for v in two])
    cheap = spread(one), spread(two)
    absolute, scaled = found(*cheap), found(*dear)
    assert (scaled.value, scaled.se) == (pytest.approx(rate * absolute.value), pytest.approx(rate * absolute.se))
    relative, same = found(*cheap, "relative"), found(*dear, "relative")
    assert (same.value, same.se) == (pytest.approx(relative.value), pytest.approx(relative.se))


@given(ARM, ARM, st.sampled_from(["absolute", "relative"]))
def test_the_interval_excludes_zero_just_when_p_is_below_alpha(one: list[int], two: list[int], scale: Scale) -> None:
    both = found(spread(one), spread(two), scale)
    ends = both.interval(both.quantile(1.959963984540054))
    assume(ends is not None and abs(both.p - 0.05) > 1e-9)
    assert ends is not None
    assert (both.p < 0.05) == (ends[0] > 0 or ends[1] < 0)


def test_a_relative_interval_turns_round_with_the_sign_of_its_base() -> None:
    gains, losses = ([v * sign for v in range(80, 121)] for sign in (1, -1))
    more = [v + 7 for v in gains], [v - 7 for v in losses]
    up, down = (
        found(mean_sums(gains), mean_sums(more[0]), "relative"),
        found(mean_sums(losses), mean_sums(more[1]), "relative"),
    )
    low, high = interval(up, 2.0)
    assert interval(down, 2.0) == (pytest.approx(-high), pytest.approx(-low))
    assert low < 0.07 < high


def test_with_many_customers_the_relative_interval_is_the_linear_one() -> None:
    many = found(share_sums(10**7, 10**6), share_sums(10**7, 11 * 10**5), "relative")
    assert interval(many, 1.96) == pytest.approx((many.value - 1.96 * many.se, many.value + 1.96 * many.se), rel=1e-3)
    spread = (0.11 * 0.89 + 0.1 * 0.9 * 1.1**2) / 1e7 / 0.1**2
    assert many.se == pytest.approx(spread**0.5)


def test_a_relative_interval_has_no_end_when_control_may_be_zero() -> None:
    assert found(share_sums(200, 2), share_sums(200, 9), "relative").interval(1.96) is None


def test_a_covariate_narrows_the_interval_and_keeps_the_estimate_honest() -> None:
    rng = np.random.default_rng(1)
    before = rng.normal(100, 20, 4000)
    now = before + rng.normal(0, 10, 4000) + np.repeat([0, 2], 2000)
    plain = found(mean_sums(now[:2000]), mean_sums(now[2000:]), "relative")
    adjusted = found(mean_sums(now[:2000], before[:2000]), mean_sums(now[2000:], before[2000:]), "relative")
    assert adjusted.se < 0.6 * plain.se
    assert abs(adjusted.value - 0.02) < 3 * adjusted.se
    assert adjusted.theta == pytest.approx(1, abs=0.05)


def test_a_covariate_that_never_varies_changes_nothing() -> None:
    values = np.arange(100.0), np.arange(100.0) + 3
    ones = np.ones(100)
    plain = found(*(mean_sums(v) for v in values))
    assert found(*(mean_sums(v, ones) for v in values)) == plain


def test_a_ratio_adjusts_by_its_linearised_values() -> None:
    rng = np.random.default_rng(2)
    orders, orders_before = rng.poisson(4, (2, 3000)) + 1.0
    taste = rng.gamma(4, 1000, 3000)
    now, before = orders * taste + rng.normal(0, 500, 3000), orders_before * taste
    arms = [ratio_sums(now[s], orders[s], (before[s], orders_before[s])) for s in (slice(1500), slice(1500, None))]
    ratios = now.mean() / orders.mean(), before.mean() / orders_before.mean()
    linear = (now - ratios[0] * orders) / orders.mean(), (before - ratios[1] * orders_before) / orders_before.mean()
    covariance = np.cov(*linear)
    assert coefficient(arms[0] + arms[1]) == pytest.approx(covariance[0, 1] / covariance[1, 1])
    plain = [arm.without_covariate() for arm in arms]
    assert found(arms[0], arms[1]).se < 0.6 * found(plain[0], plain[1]).se


def test_without_anything_before_a_ratio_stands_for_itself() -> None:
    zeros = np.zeros(4)
    arms = [ratio_sums([1.0, 2, 3, shift], [1.0, 1, 2, 1], (zeros, zeros)) for shift in (5, 9)]
    assert found(*arms) == found(*(arm.without_covariate() for arm in arms))


def test_a_negative_base_keeps_the_sign_of_the_lift() -> None:
    worse, better = mean_sums([-100, -120, -80]), mean_sums([-50, -60, -40])
    assert found(worse, better, "relative").value == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("control", "treatment", "code"),
    [
        (share_sums(0, 0), share_sums(10, 3), "no_customers"),
        (share_sums(10, 3), share_sums(1, 1), "too_few_customers"),
        (share_sums(10, 0), share_sums(10, 3), "zero_control"),
        (share_sums(10, 0), share_sums(10, 0), "zero_control"),
        (share_sums(10, 5), share_sums(10, 0), "no_variation"),
        (mean_sums([5, 5]), mean_sums([5, 5]), "no_variation"),
        (ratio_sums([1, 2], [0, 0]), ratio_sums([1, 2], [1, 1]), "no_denominator"),
    ],
)
def test_no_estimate_without_a_reason(control: Sums, treatment: Sums, code: str) -> None:
    result = effect(control, treatment, "relative")
    assert isinstance(result, Reason)
    assert result.code == code


def test_the_normal_score_stays_finite() -> None:
    few, many = share_sums(10**6, 10), share_sums(10**6, 10**5)
    assert found(few, many).z == 37
    assert found(many, few).z == -37
