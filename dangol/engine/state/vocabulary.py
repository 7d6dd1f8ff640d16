"""Texts with codes that never change, looked up as columns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from dangol.engine.state.arrow import apart, joined, numbers, strings
from dangol.engine.state.hashes import Hashes
from dangol.engine.state.layout import Index
from dangol.engine.state.texts import Texts


class Vocabulary:
    """A vocabulary of an index under `name`; `codes` adds what it does not know."""

    def __init__(self, index: Index, name: str) -> None:
        self._index, self._name = index, name
        self.hashed: dict[str, Hashes] = {}
        """The codes by hashes of their texts (as `text`, or of the whole numbers they are as `integer`)."""
        if self._key("data") not in index:
            for part, dtype in (("data", "u1"), ("ends", "<i8")):
                index.create(self._key(part), dtype)

    def _key(self, part: str) -> str:
        return f"{self._name}/{part}"

    def __len__(self) -> int:
        return self._index.entries[self._key("ends")].count

    @property
    def texts(self) -> Texts:
        """The raw texts; a list is written as JSON."""
        return Texts(self._index.read(self._key("data")), self._index.read(self._key("ends")))

    def codes(self, values: Any) -> NDArray[np.int32]:
        """The code of each text (Python's or Arrow's); new ones get the next codes, in order of appearance."""
        sought = strings(values).dictionary_encode()
        table = self._places(sought.dictionary)
        fresh = np.flatnonzero(table < 0)
        if len(fresh):
            table[fresh] = np.arange(len(self), len(self) + len(fresh))
            self._add(sought.dictionary.take(pa.array(fresh)))
        return np.asarray(table[numbers(sought.indices)])

    def find(self, values: Any) -> NDArray[np.int32]:
        """The code of each text, −1 for one that is not there."""
        sought = strings(values).dictionary_encode()
        return np.asarray(self._places(sought.dictionary)[numbers(sought.indices)])

    def _places(self, distinct: Any) -> NDArray[np.int32]:
        table = np.full(len(distinct), -1, np.int32)
        if len(self) and len(distinct):
            found = numbers(pc.index_in(joined(*self.texts.raw), value_set=distinct).fill_null(-1))
            codes = np.flatnonzero(found >= 0)
            table[found[codes]] = codes
        return table

    def _add(self, fresh: Any) -> None:
        data, ends = apart(fresh)
        stop = self._index.count(self._key("data"))
        self._index.append(self._key("data"), data)
        self._index.append(self._key("ends"), stop + ends)
