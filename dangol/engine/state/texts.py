"""The texts of a vocabulary by their codes, read lazily."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from dangol.engine.ir import Type


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


def vocabulary_name(name: str, kind: Type) -> str:
    """The vocabulary that all columns of this name share."""
    return f"lists/{name}" if kind == "list" else f"texts/{name}"
