"""Bounds and confidence sequences against published numbers and against an independent integral."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal

from dangol.measure import sequential
from dangol.measure.sequential import (
    Look,
    alpha_spent,
    always_valid_p,
    bounds,
    confidence_multiplier,
    distinct_looks,
    repeated_p,
)

NORMAL = NormalDist()


def evenly(count: int, users: int = 1000) -> tuple[Look, ...]:
    return tuple(Look(users * k, k / count) for k in range(1, count + 1))


def test_one_look_is_the_fixed_test() -> None:
    assert bounds(evenly(1), 0.05) == pytest.approx((NORMAL.inv_cdf(0.975),))


def test_five_looks_spend_the_two_sided_total() -> None:
    assert bounds(evenly(5), 0.05)[0] == pytest.approx(1.959964 / np.sqrt(0.2), abs=1e-5)
    assert bounds(evenly(5), 0.05)[-1] == pytest.approx(2.06, abs=0.005)


def test_with_each_side_spent_apart_the_bounds_are_the_published_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clinical software (sfLDOF) spends α/2 on each side by the same function."""
    monkeypatch.setattr(sequential, "alpha_spent", lambda time, alpha: 2 * alpha_spent(time, alpha / 2))
    published = (4.877, 3.357, 2.680, 2.290, 2.031)
    assert bounds.__wrapped__(evenly(5), 0.05) == pytest.approx(published, abs=5e-4)


@pytest.mark.parametrize("times", [(0.1, 0.4, 0.55, 1.0), (0.7, 0.72, 1.0), (0.2, 0.9)])
def test_uneven_looks_spend_what_was_planned(times: tuple[float, ...]) -> None:
    looks = tuple(Look(round(10_000 * t), t) for t in times)
    found = np.array(bounds(looks, 0.05))
    scores = [[np.sqrt(min(a, b) / max(a, b)) for a in times] for b in times]
    stay = multivariate_normal(np.zeros(len(times)), scores, seed=1, maxpts=10**6, abseps=1e-7)
    assert 1 - stay.cdf(found, lower_limit=-found) == pytest.approx(alpha_spent(times[-1], 0.05), abs=1e-5)


def test_an_early_deadline_spends_all_that_is_left() -> None:
    short = (Look(1000, 0.2), Look(2000, 0.4), Look(2500, 1.0))
    assert bounds(short, 0.05)[-1] < bounds(evenly(5), 0.05)[-1]


def test_nothing_is_left_after_the_whole_is_spent() -> None:
    assert bounds((Look(1000, 1.0), Look(1500, 1.0)), 0.05) == (pytest.approx(1.959964), 8.0)


def test_a_repeated_look_is_one_look() -> None:
    assert distinct_looks([Look(100, 0.1), Look(100, 0.1), Look(200, 0.2), Look(190, 0.15)]) == (
        Look(100, 0.1),
        Look(200, 0.2),
    )
    assert distinct_looks([Look(100, 0.1), Look(100, 1.0)]) == (Look(100, 1.0),)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 400), min_size=1, max_size=8), st.floats(0.1, 6))
def test_the_repeated_p_is_below_alpha_just_when_the_bound_is_passed(steps: list[int], z: float) -> None:
    users = np.cumsum(steps)
    looks = distinct_looks([Look(int(n), float(n / users[-1])) for n in users])
    for alpha in (0.01, 0.05, 0.2):
        passed = abs(z) >= bounds(looks, alpha)[-1] + 1e-6
        missed = abs(z) <= bounds(looks, alpha)[-1] - 1e-6
        p = repeated_p(z, looks)
        assert not (passed and p > alpha)
        assert not (missed and p <= alpha)


def test_of_one_look_the_repeated_p_is_the_ordinary_one() -> None:
    for z in (0.3, 1.0, 1.96, 4.0):
        assert repeated_p(-z, evenly(1)) == pytest.approx(2 * NORMAL.cdf(-z), rel=1e-5)


def test_the_sequence_has_the_known_widths() -> None:
    found = [confidence_multiplier(0.05, n, 5000) for n in (500, 5000, 20_000, 100_000)]
    assert found == [pytest.approx(width, abs=0.005) for width in (3.86, 3.04, 3.13, 3.34)]


@given(st.integers(2, 10**6), st.integers(1, 10**6), st.floats(0.001, 0.3))
def test_its_p_is_alpha_at_the_edge_of_its_interval(n: int, planned: int, alpha: float) -> None:
    edge = confidence_multiplier(alpha, n, planned)
    assert always_valid_p(edge, alpha, n, planned) == pytest.approx(alpha)
    assert always_valid_p(0.0, alpha, n, planned) == 1
    assert always_valid_p(1e6, alpha, n, planned) == pytest.approx(0)
