"""Assignment: uniform, sticky, independent between salts, the same for every spelling of an id."""

from __future__ import annotations

import unicodedata
from fractions import Fraction
from hashlib import blake2b

import numpy as np
import pytest

from dangol.measure.assignment import arms, draws, held_out

KINDS = ("{}", "회원-{}", "고객{:06}번")
MANY = 20_000
HALF = (Fraction(1, 2), Fraction(1, 2))


def test_the_draw_is_the_documented_one() -> None:
    number = int.from_bytes(blake2b("봄행사\0홍길동".encode(), digest_size=8).digest(), "big")
    assert draws("봄행사", ["홍길동"]).tolist() == [(number >> 11) / 2**53]


def test_composition_of_hangul_does_not_matter() -> None:
    composed, decomposed = "홍길동", unicodedata.normalize("NFD", "홍길동")
    assert composed != decomposed
    assert draws("봄", [composed]) == draws(unicodedata.normalize("NFD", "봄"), [decomposed])


def test_salt_and_id_do_not_run_together() -> None:
    assert draws("ab", ["c"]) != draws("a", ["bc"])
    with pytest.raises(ValueError, match="NUL"):
        draws("a\0b", ["c"])


@pytest.mark.parametrize("kind", KINDS)
def test_draws_are_uniform_and_independent(kind: str) -> None:
    ids = [kind.format(n) for n in range(MANY)]
    one, two = draws("scenario/one", ids), draws("scenario/two", ids)
    counts = np.bincount((one * 100).astype(int), minlength=100)
    assert ((counts - MANY / 100) ** 2 / (MANY / 100)).sum() < 160  # chi-square, 99 degrees of freedom, p ≈ 1e-4
    table = np.histogram2d(one < 0.5, two < 0.5, bins=2)[0]
    assert ((table - MANY / 4) ** 2 / (MANY / 4)).sum() < 25


def test_raising_a_holdout_moves_nobody_out() -> None:
    ids = [str(n) for n in range(MANY)]
    small, large = held_out("h", Fraction(5, 100), ids), held_out("h", Fraction(10, 100), ids)
    assert not (small & ~large).any()
    assert abs(large.mean() - 0.1) < 0.01


def test_arms_follow_their_shares() -> None:
    ids = [str(n) for n in range(MANY)]
    found = np.bincount(arms("s", (Fraction(45, 100), Fraction(45, 100), Fraction(10, 100)), ids), minlength=3) / MANY
    assert np.allclose(found, (0.45, 0.45, 0.1), atol=0.015)
    with pytest.raises(ValueError, match="100 %"):
        arms("s", (Fraction(1, 2),), ids)
