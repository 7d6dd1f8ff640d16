"""What an audience can show: the worked numbers of the design, method by method."""

from __future__ import annotations

import subprocess
import sys

import pytest

from dangol.measure.power import (
    Baseline,
    Plan,
    mean_forecast,
    minimum_detectable,
    power,
    relative_minimum_detectable,
    share_forecast,
    users_needed,
)


@pytest.mark.parametrize(
    ("base", "control", "treatment", "lift", "strength", "detectable"),
    [
        (0.05, 6000, 6000, 0.20, 0.67, 0.235),
        (0.04, 3000, 27000, 0.10, 0.18, 0.267),
        (0.05, 600, 11400, 0.15, 0.13, 0.518),
        (0.08, 2800, 2800, 0.15, 0.36, 0.269),
    ],
)
def test_plans_and_what_they_can_show(
    base: float, control: int, treatment: int, lift: float, strength: float, detectable: float
) -> None:
    today, plan = Baseline(base), Plan(control, treatment)
    assert power(today, base * lift, plan) == pytest.approx(strength, abs=0.005)
    smallest = minimum_detectable(today, plan)
    assert smallest is not None
    assert smallest / base == pytest.approx(detectable, abs=0.0006)
    assert power(today, smallest, plan) == pytest.approx(0.8)


def test_an_even_split_of_the_same_people_shows_more() -> None:
    assert minimum_detectable(Baseline(0.04), Plan(15000, 15000)) == pytest.approx(0.04 * 0.165, abs=0.04 * 0.0005)


def test_three_arms_share_the_level() -> None:
    third = 14 * 400 / 3
    assert minimum_detectable(Baseline(0.08), Plan(third, third, alpha=0.025)) == pytest.approx(0.08 * 0.369, abs=4e-5)


@pytest.mark.parametrize(
    ("base", "lift", "needed"),
    [
        (0.02, 0.10, 80679),
        (0.02, 0.25, 13807),
        (0.05, 0.10, 31231),
        (0.05, 0.20, 8155),
        (0.10, 0.10, 14749),
        (0.10, 0.20, 3839),
        (0.30, 0.10, 3760),
        (0.08, 0.15, 8565),
    ],
)
def test_users_needed_per_arm(base: float, lift: float, needed: int) -> None:
    plan = users_needed(Baseline(base), base * lift, Plan(1, 1))
    assert plan is not None
    assert (plan.control, plan.treatment) == (needed, needed)


@pytest.mark.parametrize("method", ["fixed", "group_sequential", "always_valid"])
def test_the_users_needed_give_the_power_wanted(method: str) -> None:
    today = Baseline(42_000, 60_000.0**2)
    plan = users_needed(today, 2_000, Plan(100, 900, method=method, looks=10))
    assert plan is not None
    assert power(today, 2_000, plan) == pytest.approx(0.8, abs=0.001)
    assert plan.control / plan.treatment == pytest.approx(1 / 9, rel=0.01)


def test_looking_costs_users_and_a_sequence_costs_more() -> None:
    methods = ("fixed", "group_sequential", "always_valid")
    found = [power(Baseline(0.05), 0.01, Plan(6000, 6000, method=m, looks=10)) for m in methods]
    assert found == sorted(found, reverse=True)
    assert found[0] - found[1] < 0.03


def test_a_relative_effect_too_noisy_for_any_size_of_lift() -> None:
    heavy = Baseline(mean=1000, variance=10_000.0**2)
    just_enough = 7.8489 * heavy.variance_at(0) / heavy.mean**2
    assert relative_minimum_detectable(heavy, Plan(0.99 * just_enough, 1e6)) is None
    assert relative_minimum_detectable(heavy, Plan(1.01 * just_enough, 1e6)) is not None
    assert relative_minimum_detectable(Baseline(0.0, 1.0), Plan(100, 100)) is None
    equal = relative_minimum_detectable(Baseline(0.05), Plan(6000, 6000))
    k2, v, m, n = 7.848879734349086, 0.0475, 0.05, 6000
    assert equal is not None
    x = m * (1 + equal)
    assert (1 - k2 * v / (n * m * m)) * x * x - 2 * m * x + m * m - k2 * v / n == pytest.approx(0, abs=1e-12)


def test_a_share_cannot_move_beyond_all_or_nothing() -> None:
    assert minimum_detectable(Baseline(0.98), Plan(50, 50)) is None
    assert minimum_detectable(Baseline(0.02), Plan(50, 50), direction=-1) is None
    assert users_needed(Baseline(0.98), 0.05, Plan(1, 1)) is None
    fall = minimum_detectable(Baseline(0.5), Plan(500, 500), direction=-1)
    assert fall is not None
    assert fall < 0
    assert users_needed(Baseline(0.5), 0.0, Plan(1, 1)) is None


def test_a_plan_needs_customers() -> None:
    for control, treatment, alpha in ((0, 10, 0.05), (10, 0, 0.05), (10, 10, 0.0)):
        with pytest.raises(ValueError, match="customers in both arms"):
            Plan(control, treatment, alpha)


def test_the_forecast_of_a_share() -> None:
    assert share_forecast(4000, 210, 10000, 0.05) == pytest.approx(0.83, abs=0.005)
    assert share_forecast(4000, 190, 10000, 0.05) == pytest.approx(0.18, abs=0.005)
    assert share_forecast(10000, 500, 10000, 0.05) == 1
    assert share_forecast(10000, 499, 10000, 0.05) == 0
    assert share_forecast(9990, 480, 10000, 0.05) == 0


def test_the_forecast_of_a_mean_narrows_towards_the_end() -> None:
    early, late = (mean_forecast(n, 110, 400.0, 1000, 109) for n in (100, 900))
    assert 0.5 < early < late < 1
    assert mean_forecast(1000, 108, 400.0, 1000, 109) == 0


def test_power_needs_only_the_standard_library() -> None:
    code = (
        "import sys; from dangol.measure import bayes, power, proportions, ratio_mismatch, verdict;"
        "b = power.Baseline(.05); p = power.Plan(600, 600, method='always_valid');"
        "power.power(b, .01, p), power.minimum_detectable(b, p), power.users_needed(b, .01, p);"
        "print([m for m in ('numpy', 'pandas', 'scipy') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"
