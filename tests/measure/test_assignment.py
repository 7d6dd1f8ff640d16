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
GOLDEN = ["0.850353247109", "0.318218936953", "0.991359489867", "0.634846552666", "0.339682919160"]
GOLDEN_ARMS = [1, 0, 1, 1, 0, 1, 0, 0]


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


def test_nobody_is_in_no_group() -> None:
    with pytest.raises(ValueError, match="nobody"):
        draws("s", ["a", ""])


def test_the_draw_is_the_same_on_every_machine() -> None:
    assert [f"{u:.12f}" for u in draws("봄행사/offer", ["1", "회원-7", "홍길동", "a b", "\U0001f642"])] == GOLDEN
    assert arms("cart/offer", HALF, ["1", "2", "3", "4", "5", "6", "7", "8"]).tolist() == GOLDEN_ARMS


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("salt", ["cart/offer", "장바구니/쿠폰"])
def test_draws_are_uniform(kind: str, salt: str) -> None:
    counts = np.bincount((draws(salt, [kind.format(n) for n in range(MANY)]) * 100).astype(int), minlength=100)
    assert ((counts - MANY / 100) ** 2 / (MANY / 100)).sum() < 160  # chi-square, 99 degrees of freedom, p ≈ 1e-4


PAIRS = {  # two experiments; project and scenario holdout; namespace and arm; an arm and that of the next phase
    "experiments": ("봄행사/one", "봄행사/two"),
    "holdouts": ("holdout/상점", "holdout/상점/장바구니/알림"),
    "holdout and arm": ("holdout/상점/장바구니/알림", "장바구니/offer"),
    "namespace and arm": ("namespace/상점/checkout", "장바구니/offer"),
    "phases": ("장바구니/offer", "장바구니/offer/2"),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("pair", PAIRS)
def test_draws_of_two_salts_are_independent(kind: str, pair: str) -> None:
    ids = [kind.format(n) for n in range(MANY)]
    one, two = (draws(salt, ids) for salt in PAIRS[pair])
    for share in (0.5, 0.1):
        table = np.histogram2d(one < share, two < 0.5, bins=2)[0]
        expected = table.sum(1, keepdims=True) * table.sum(0, keepdims=True) / MANY
        assert ((table - expected) ** 2 / expected).sum() < 15.2  # 2 × 2, one degree of freedom, p ≈ 1e-4


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
