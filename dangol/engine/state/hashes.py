"""Codes found by the hashes of their texts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_MIX = np.uint64(0x9E3779B97F4A7C15)


class Hashes:
    """Codes by 64-bit hash, open addressing; 0 stands for missing (code −1)."""

    def __init__(self, hashes: NDArray[np.uint64], codes: NDArray[np.int32]) -> None:
        self._make(max(len(hashes), 1))
        self.add(hashes, codes)

    def _make(self, room: int) -> None:
        bits = room.bit_length() + 2
        self._shift = np.uint64(64 - bits)
        self._keys, self._codes = np.zeros(1 << bits, np.uint64), np.full(1 << bits, -1, np.int32)

    def __len__(self) -> int:
        return int(np.count_nonzero(self._keys))

    def add(self, hashes: NDArray[np.uint64], codes: NDArray[np.int32]) -> None:
        """Hashes with their codes, in place of those they had."""
        held = np.flatnonzero(self._keys)
        if (len(held) + len(hashes)) * 2 > len(self._keys):
            hashes = np.concatenate([self._keys[held], hashes])
            codes = np.concatenate([self._codes[held], codes])
            self._make(len(hashes))
        slots, pending = self._slots(hashes), np.arange(len(hashes))
        while len(pending):
            free = pending[self._keys[slots[pending]] == 0]
            self._keys[slots[free]] = hashes[free]
            stored = self._keys[slots[pending]] == hashes[pending]
            self._codes[slots[pending[stored]]] = codes[pending[stored]]
            pending = pending[~stored]
            slots[pending] = (slots[pending] + 1) & (len(self._keys) - 1)

    def _slots(self, hashes: NDArray[np.uint64]) -> NDArray[np.int64]:
        return ((hashes * _MIX) >> self._shift).view(np.int64)

    def find(self, hashes: NDArray[np.uint64]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """The codes (−1 where there is none), and the places of hashes that were never added."""
        slots, absent = self._slots(hashes), [np.empty(0, np.int64)]
        places = np.flatnonzero(self._keys.take(slots) != hashes)
        left, sought = slots[places], hashes[places]
        while len(places):
            there = self._keys.take(left) != 0
            absent.append(places[~there])
            places, left, sought = places[there], (left[there] + 1) & (len(self._keys) - 1), sought[there]
            slots[places] = left
            more = np.flatnonzero(self._keys.take(left) != sought)
            places, left, sought = places[more], left[more], sought[more]
        return self._codes.take(slots), np.concatenate(absent)
