"""Sums are exact, add up, and refuse what no customers can have."""

from __future__ import annotations

import json
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dangol.measure.sums import Sums, mean_sums, ratio_sums, share_sums

AMOUNTS = st.lists(st.integers(-(10**9), 10**12), min_size=2, max_size=40)
PRICES = st.lists(st.integers(0, 10**9).map(lambda cents: cents / 100), min_size=2, max_size=40)


@given(AMOUNTS, AMOUNTS)
def test_two_batches_add_up_to_one(first: list[int], second: list[int]) -> None:
    assert mean_sums(first) + mean_sums(second) == mean_sums(first + second)
    squares = [v % 1000 for v in first], [v % 1000 for v in second]
    joined = mean_sums(first, squares[0]) + mean_sums(second, squares[1])
    assert joined == mean_sums(first + second, squares[0] + squares[1])


@given(PRICES, PRICES)
def test_decimals_are_what_was_written(first: list[float], second: list[float]) -> None:
    joined = mean_sums(first) + mean_sums(second)
    written = [Fraction(str(v)) for v in first + second]
    assert joined.totals == (sum(written),)
    assert joined.products == (sum(v * v for v in written),)


@given(AMOUNTS)
def test_squares_beyond_a_float_stay_exact(values: list[int]) -> None:
    before = [v // 3 for v in values]
    sums = ratio_sums(values, [1] * len(values), (before, values))
    assert sums.totals == (sum(values), len(values), sum(before), sum(values))
    assert sums.products[2] == sum(v * b for v, b in zip(values, before, strict=True))
    assert sums.products[-1] == sum(v * v for v in values)


def test_the_variance_of_won_amounts_is_not_lost_in_rounding() -> None:
    values = 10**9 + np.arange(1000)
    assert mean_sums(values).moments.variance == pytest.approx(np.arange(1000).var(ddof=1), rel=1e-15)


def test_values_without_a_decimal_unit_keep_their_moments() -> None:
    values = np.random.default_rng(5).lognormal(3, 2, 5000)
    moments = mean_sums(values).moments
    assert (moments.mean, moments.variance) == (pytest.approx(values.mean()), pytest.approx(values.var(ddof=1)))


def test_a_share_has_the_variance_of_its_mean() -> None:
    assert share_sums(200, 50).mean == 0.25
    assert share_sums(200, 50).moments.variance == 0.25 * 0.75


def test_a_ratio_has_the_delta_variance() -> None:
    rng = np.random.default_rng(6)
    orders = rng.poisson(3, 400).astype(float)
    amount = orders * rng.integers(1000, 9000, 400)
    ratio = amount.mean() / orders.mean()
    linear = (amount - ratio * orders) / orders.mean()
    sums = ratio_sums(amount, orders)
    assert sums.mean == pytest.approx(ratio)
    assert sums.moments.variance == pytest.approx(linear.var(ddof=1))


@given(AMOUNTS)
def test_the_record_reads_back_the_same(values: list[int]) -> None:
    sums = mean_sums([v / 4 for v in values], values)
    assert Sums.from_record(json.loads(json.dumps(sums.record()))) == sums


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_missing_amount_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        mean_sums([1.0, value])


def test_impossible_sums_are_refused() -> None:
    for n, converted in ((10, 11), (10, -1), (-1, 0)):
        with pytest.raises(ValueError, match="customers"):
            share_sums(n, converted)
    with pytest.raises(ValueError, match="sum of squares"):
        Sums("mean", 2, (10,), (1,))
    with pytest.raises(ValueError, match="sums of products"):
        Sums("ratio", 2, (10, 2), (1,))
    with pytest.raises(ValueError, match="every column"):
        mean_sums([1, 2], [1])
    with pytest.raises(ValueError, match="same metric"):
        share_sums(10, 1) + mean_sums([1, 2])
    with pytest.raises(ValueError, match="one customer"):
        _ = mean_sums([1]).moments
    with pytest.raises(ValueError, match="no mean"):
        _ = mean_sums([]).mean
