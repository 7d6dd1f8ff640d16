"""Texts to codes at the speed of the scan: DuckDB gives a small number for each row, numpy looks its code up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from dangol.engine.catalog import normal
from dangol.engine.state.session import Session
from dangol.engine.state.sql import quoted

ENUM_LIMIT = 20_000
_MIX = np.uint64(0x9E3779B97F4A7C15)


class Coder(Protocol):
    """`sql` is what to select in place of the value, `codes` what that stands for (−1: missing)."""

    @property
    def sql(self) -> str: ...

    def codes(self, found: NDArray[Any]) -> NDArray[np.int32]: ...


class Codes(Protocol):
    """Where codes come from: a vocabulary."""

    def codes(self, values: Sequence[str]) -> NDArray[np.int32]: ...


def coder(
    session: Session, rows: str, value: str, vocabulary: Codes, *, raw: str | None = None, empty: bool = True
) -> Coder:
    """A coder for the SQL text `value` over `rows`.

    `raw` is cheaper SQL that differs whenever `value` does; with `empty` False an empty text is missing.
    """
    raw = raw or value
    inner = f"SELECT DISTINCT {raw} AS raw FROM {rows}"
    shown = "raw" if raw == value else "CAST(raw AS VARCHAR)"
    found = session.columns(f"SELECT {shown} AS text, hash(raw) AS hash FROM ({inner}) WHERE raw IS NOT NULL")
    texts: list[str] = found["text"].tolist() if len(found["text"]) else []
    codes = _coded(texts, vocabulary, empty=empty)
    hashes = found["hash"].astype(np.uint64)
    if len(texts) > ENUM_LIMIT and (found_coder := _HashCoder.of(raw, hashes, codes)) is not None:
        return found_coder
    return _enum(session, value, texts, codes)


def _coded(texts: Sequence[str], vocabulary: Codes, *, empty: bool) -> NDArray[np.int32]:
    known = [text if text.isascii() else normal(text) for text in texts]
    if empty or "" not in known:
        return vocabulary.codes(known)
    codes = np.full(len(known), -1, np.int32)
    present = np.array([text != "" for text in known])
    codes[present] = vocabulary.codes([text for text in known if text != ""])
    return codes


@dataclass(frozen=True)
class _EnumCoder:
    sql: str
    table: NDArray[np.int32]

    def codes(self, found: NDArray[Any]) -> NDArray[np.int32]:
        codes: NDArray[np.int32] = self.table[found]
        return codes


def _enum(session: Session, value: str, texts: Sequence[str], codes: NDArray[np.int32]) -> _EnumCoder:
    if not texts:
        return _EnumCoder("-1", np.array([-1], np.int32))
    kind = session.name("texts")
    session.run(f"CREATE TYPE {kind} AS ENUM ({', '.join(quoted(text) for text in texts)})")
    sql = f"coalesce(CAST(enum_code(try_cast({value} AS {kind})) AS INTEGER), -1)"
    return _EnumCoder(sql, np.append(codes, np.int32(-1)))


@dataclass(frozen=True)
class _HashCoder:
    """Open addressing over 64-bit hashes that are known to differ; 0 stands for missing."""

    sql: str
    shift: np.uint64
    keys: NDArray[np.uint64]
    values: NDArray[np.int32]

    @classmethod
    def of(cls, raw: str, hashes: NDArray[np.uint64], codes: NDArray[np.int32]) -> _HashCoder | None:
        """None when two hashes are the same."""
        bits = len(hashes).bit_length() + 2
        shift = np.uint64(64 - bits)
        keys, values = np.zeros(1 << bits, np.uint64), np.full(1 << bits, -1, np.int32)
        slots, pending = cls._slots(hashes, shift), np.arange(len(hashes))
        while len(pending):
            free = pending[keys[slots[pending]] == 0]
            keys[slots[free]] = hashes[free]
            stored = keys[slots[pending]] == hashes[pending]
            values[slots[pending[stored]]] = codes[pending[stored]]
            pending = pending[~stored]
            slots[pending] = (slots[pending] + 1) & (len(keys) - 1)
        if np.count_nonzero(keys) < len(hashes):
            return None
        return cls(f"CASE WHEN {raw} IS NULL THEN 0::UBIGINT ELSE hash({raw}) END", shift, keys, values)

    @staticmethod
    def _slots(hashes: NDArray[np.uint64], shift: np.uint64) -> NDArray[np.int64]:
        return ((hashes * _MIX) >> shift).view(np.int64)

    def codes(self, found: NDArray[Any]) -> NDArray[np.int32]:
        hashes = found.astype(np.uint64, copy=False)
        slots = self._slots(hashes, self.shift)
        codes = self.values[slots]
        lost = np.flatnonzero(self.keys[slots] != hashes)
        while len(lost):
            slots[lost] = (slots[lost] + 1) & (len(self.keys) - 1)
            codes[lost] = self.values[slots[lost]]
            lost = lost[self.keys[slots[lost]] != hashes[lost]]
        return codes
