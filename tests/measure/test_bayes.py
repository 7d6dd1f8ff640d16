"""Chance to win and expected losses against sampling, and no overflow when one side is certain."""

from __future__ import annotations

import numpy as np
import pytest

from dangol.measure.bayes import posterior


def test_a_flat_prior_believes_the_estimate() -> None:
    belief = posterior(0.1, 0.05)
    draws = np.random.default_rng(1).normal(0.1, 0.05, 400_000)
    assert belief.chance_to_win() == pytest.approx((draws > 0).mean(), abs=0.002)
    assert belief.loss_of_shipping() == pytest.approx(np.maximum(-draws, 0).mean(), rel=0.05)
    assert belief.loss_of_keeping() == pytest.approx(np.maximum(draws, 0).mean(), rel=0.01)


def test_the_prior_pulls_towards_no_effect() -> None:
    belief = posterior(0.6, 0.3, prior_sd=0.3)
    assert (belief.mean, belief.sd) == (pytest.approx(0.3), pytest.approx(0.3 / np.sqrt(2)))


def test_lower_is_better_mirrors() -> None:
    up, down = posterior(0.1, 0.05), posterior(-0.1, 0.05)
    assert down.chance_to_win(lower_is_better=True) == up.chance_to_win()
    assert down.loss_of_shipping(lower_is_better=True) == up.loss_of_shipping()
    assert up.loss_of_keeping() == up.loss_of_shipping(lower_is_better=True)


@pytest.mark.parametrize("value", [1e9, -1e9])
def test_certainty_is_finite(value: float) -> None:
    belief = posterior(value, 1.0)
    assert belief.chance_to_win() == (1.0 if value > 0 else pytest.approx(0.0))
    assert np.isfinite([belief.loss_of_shipping(), belief.loss_of_keeping()]).all()
