"""The arms' sizes: an alarm when they are not what was drawn, and no alarm for looking every day."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from scipy.stats import chisquare

from dangol.measure.ratio_mismatch import mismatch

HALF = (Fraction(1, 2), Fraction(1, 2))


def test_a_true_55_to_45_is_found_with_1300_customers() -> None:
    for n, alarm in ((1200, False), (1300, True)):
        found = mismatch([(round(n * 0.55), n - round(n * 0.55))], HALF)
        assert found is not None
        assert found.alarm is alarm


def test_an_alarm_stays() -> None:
    found = mismatch([(500, 500), (1000, 700), (10_000, 10_000)], HALF)
    assert found is not None
    assert found.alarm
    assert found.chi_square_p == pytest.approx(1)


def test_the_displayed_value_is_pearsons() -> None:
    shares = (Fraction(45, 100), Fraction(45, 100), Fraction(10, 100))
    found = mismatch([(470, 440, 90)], shares)
    assert found is not None
    assert found.chi_square_p == pytest.approx(chisquare([470, 440, 90], [450, 450, 100]).pvalue)


def test_an_arm_without_a_share_is_not_there() -> None:
    assert mismatch([(50, 50, 40)], (*HALF, Fraction(0))) == mismatch([(50, 50)], HALF)


def test_an_empty_arm_counts_as_nothing() -> None:
    found = mismatch([(200, 0)], HALF)
    assert found is not None
    assert found.alarm


def test_few_customers_are_counted_exactly_or_not_shown() -> None:
    two = mismatch([(6, 1)], HALF)
    three = mismatch([(6, 1, 1)], (*HALF, Fraction(1)))
    assert two is not None
    assert two.chi_square_p == pytest.approx(0.125)
    assert three is not None
    assert three.chi_square_p is None


def test_nothing_to_say_without_two_arms_or_customers() -> None:
    assert mismatch([(50, 0)], (Fraction(1), Fraction(0))) is None
    assert mismatch([(0, 0)], HALF) is None
    assert mismatch([], HALF) is None


def test_daily_looks_at_a_true_split_rarely_alarm() -> None:
    rng = np.random.default_rng(3)
    alarms = 0
    for _ in range(1000):
        left = rng.binomial(100, 0.5, 30).cumsum()
        found = mismatch([(int(x), 100 * (k + 1) - int(x)) for k, x in enumerate(left)], HALF)
        alarms += found is not None and found.alarm
    assert alarms <= 10 + 3 * 3.15
