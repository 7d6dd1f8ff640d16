"""Rows brought together by customer and value: packed whole-number keys, and a radix sort for them."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.int64]
_DIGIT = 16
_MOST_BITS = 26
_MIX = np.uint64(0x9E3779B97F4A7C15)


def order_of(keys: NDArray[Any]) -> Keys:
    """The stable order of whole numbers from 0 up, digit by digit (numpy sorts 16-bit numbers by radix)."""
    order = np.argsort(keys.astype(np.uint16), kind="stable")
    for shift in range(_DIGIT, bits_of(keys), _DIGIT):
        digit = (keys >> shift).astype(np.uint16)[order]
        order = order[np.argsort(digit, kind="stable")]
    return order


def bits_of(keys: NDArray[Any]) -> int:
    """How many bits the greatest of the whole numbers from 0 up needs."""
    return int(keys.max(initial=0)).bit_length()


def packed(group: NDArray[Any], values: NDArray[Any], room: int = 62) -> tuple[Keys, int]:
    """Numbers equal where group and value are equal, of at most `room` bits, and the bits of the value in them.

    With no bits of its own the value could not be kept apart: then only equality holds, not `key >> bits == group`.
    """
    codes = _from_zero(values)
    bits = bits_of(codes)
    if bits_of(group) + bits <= room:
        return group.astype(np.int64) << bits | codes, bits
    group = _numbered(group)
    return _numbered(group << bits | codes), 0


def _from_zero(values: NDArray[Any]) -> Keys:
    if not values.size:
        return values.astype(np.int64)
    low, high = int(values.min()), int(values.max())
    return values.astype(np.int64) - low if high - low < 1 << 32 else _numbered(values)


def _numbered(values: NDArray[Any]) -> Keys:
    return np.unique(values, return_inverse=True)[1].astype(np.int64)


def maybe_among(keys: Keys, others: Keys) -> NDArray[np.bool_]:
    """False only for keys that are none of the others: they are marked by some of their mixed bits."""
    bits = min(len(others).bit_length() + 3, _MOST_BITS)
    marked = np.zeros(1 << bits, np.bool_)
    marked[_mixed(others, bits)] = True
    return cast(NDArray[np.bool_], marked[_mixed(keys, bits)])


def _mixed(keys: Keys, bits: int) -> NDArray[np.int64]:
    return (keys.view(np.uint64) * _MIX >> np.uint64(64 - bits)).view(np.int64)


def firsts(keys: NDArray[Any]) -> NDArray[np.bool_]:
    """Where sorted keys begin a new run."""
    fresh = np.ones(len(keys), np.bool_)
    np.not_equal(keys[1:], keys[:-1], out=fresh[1:])
    return fresh


def best(keys: NDArray[Any], score: NDArray[Any]) -> NDArray[np.bool_]:
    """Which entries have the highest score of their run of sorted keys."""
    starts = np.flatnonzero(firsts(keys))
    if not len(starts):
        return np.zeros(0, np.bool_)
    highest = np.maximum.reduceat(score, starts)
    return cast(NDArray[np.bool_], score == np.repeat(highest, np.diff(np.append(starts, len(keys)))))
