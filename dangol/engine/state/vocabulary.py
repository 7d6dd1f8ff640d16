"""Texts with codes that never change: read lazily, looked up without reading them all."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Sequence
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from dangol.engine.ir import Type
from dangol.engine.state.layout import Index


class Texts(Sequence[Any]):
    """The texts of a vocabulary by code, decoded as they are asked for; with `lists`, tuples of texts."""

    def __init__(self, data: NDArray[np.uint8], ends: NDArray[np.int64], *, lists: bool = False) -> None:
        self._data, self._ends, self._lists = data, ends, lists

    def __len__(self) -> int:
        return len(self._ends)

    @property
    def raw(self) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """The UTF-8 bytes of all texts one after the other, and where each ends."""
        return self._data, self._ends

    def many(self, codes: NDArray[Any]) -> list[Any]:
        """The texts of codes from 0 up, at once."""
        whole, starts = self._data.tobytes(), np.where(codes > 0, self._ends[codes - 1], 0)
        spans = zip(starts.tolist(), self._ends[codes].tolist(), strict=True)
        return [self._decoded(whole[start:end].decode()) for start, end in spans]

    @overload
    def __getitem__(self, place: int) -> Any: ...
    @overload
    def __getitem__(self, place: slice) -> list[Any]: ...
    def __getitem__(self, place: int | slice) -> Any:
        if isinstance(place, slice):
            return [self[i] for i in range(*place.indices(len(self)))]
        code = int(place)
        if code < 0:
            code += len(self)
        if not 0 <= code < len(self):
            raise IndexError(place)
        start = self._ends[code - 1] if code else 0
        return self._decoded(self._data[start : self._ends[code]].tobytes().decode())

    def __iter__(self) -> Iterator[Any]:
        whole, start = self._data.tobytes(), 0
        for end in self._ends.tolist():
            yield self._decoded(whole[start:end].decode())
            start = end

    def _decoded(self, text: str) -> Any:
        return tuple(item for item in json.loads(text) if item is not None) if self._lists else text


class Vocabulary:
    """A vocabulary of an index under `name`; `codes` adds what it does not know."""

    def __init__(self, index: Index, name: str) -> None:
        self._index, self._name = index, name
        if self._key("data") not in index:
            for part, dtype in (("data", "u1"), ("ends", "<i8"), ("keys", "<u4"), ("order", "<i4")):
                index.create(self._key(part), dtype)

    def _key(self, part: str) -> str:
        return f"{self._name}/{part}"

    def _read(self, part: str) -> NDArray[Any]:
        return self._index.read(self._key(part))

    def __len__(self) -> int:
        return self._index.entries[self._key("ends")].count

    @property
    def texts(self) -> Texts:
        """The raw texts; a list is written as JSON."""
        return Texts(self._read("data"), self._read("ends"))

    def codes(self, values: Sequence[str]) -> NDArray[np.int32]:
        """The code of each value; new ones get the next codes, in order of appearance."""
        found = self.find(values)
        fresh: dict[str, int] = {}
        size = len(self)
        for place in np.flatnonzero(found < 0).tolist():
            found[place] = fresh.setdefault(values[place], size + len(fresh))
        self._add(list(fresh))
        return found

    def find(self, values: Sequence[str]) -> NDArray[np.int32]:
        """The code of each value, −1 for one that is not there."""
        if not len(self):
            return np.full(len(values), -1, np.int32)
        if len(values) * 8 > len(self):
            known = {text: code for code, text in enumerate(self.texts)}
            return np.fromiter((known.get(value, -1) for value in values), np.int32, len(values))
        return self._sought(values)

    def _sought(self, values: Sequence[str]) -> NDArray[np.int32]:
        keys, order = self._read("keys"), self._read("order")
        sought = _hashes(values)
        low, high = np.searchsorted(keys, sought, "left"), np.searchsorted(keys, sought, "right")
        found = np.full(len(values), -1, np.int32)
        open_places = np.flatnonzero(high > low)
        while len(open_places):
            codes = order[low[open_places]]
            same = self._equal(codes, [values[place] for place in open_places.tolist()])
            found[open_places[same]] = codes[same]
            low[open_places] += 1
            open_places = open_places[~same & (low[open_places] < high[open_places])]
        return found

    def _equal(self, codes: NDArray[np.int32], values: Sequence[str]) -> NDArray[np.bool_]:
        """Whether each code's text is the value beside it, byte by byte."""
        data, ends = self._read("data"), self._read("ends")
        starts = np.where(codes > 0, ends[codes - 1], 0)
        written = [value.encode() for value in values]
        lengths = np.fromiter(map(len, written), np.int64, len(written))
        same: NDArray[np.bool_] = ends[codes] - starts == lengths
        stops = np.cumsum(lengths)
        place = np.repeat(np.where(same, starts, 0) - (stops - lengths), lengths) + np.arange(lengths.sum())
        differs = data[np.minimum(place, len(data) - 1)] != np.frombuffer(b"".join(written), np.uint8)
        wrong = np.concatenate([[0], np.cumsum(differs)])
        same &= wrong[stops] == wrong[stops - lengths]
        return same

    def _add(self, fresh: list[str]) -> None:
        if not fresh:
            return
        data = [value.encode() for value in fresh]
        size, stop = len(self), self._index.entries[self._key("data")].count
        ends = stop + np.cumsum(np.fromiter(map(len, data), np.int64, len(data)))
        keys = np.concatenate([self._read("keys"), _hashes(fresh)])
        order = np.concatenate([self._read("order"), np.arange(size, size + len(fresh), dtype=np.int32)])
        by_key = np.argsort(keys, kind="stable")
        self._index.append(self._key("data"), np.frombuffer(b"".join(data), np.uint8))
        self._index.append(self._key("ends"), ends)
        self._index.replace(self._key("keys"), "<u4", [keys[by_key]])
        self._index.replace(self._key("order"), "<i4", [order[by_key]])


def vocabulary_name(name: str, kind: Type) -> str:
    """The vocabulary that all columns of this name share."""
    return f"lists/{name}" if kind == "list" else f"texts/{name}"


def _hashes(values: Sequence[str]) -> NDArray[np.uint32]:
    return np.fromiter((zlib.crc32(value.encode()) for value in values), np.uint32, len(values))
