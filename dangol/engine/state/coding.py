"""Texts to codes at the speed of the scan: DuckDB gives a small number for each row, numpy looks its code up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dangol.engine.catalog import normal
from dangol.engine.state.arrow import apart, normalised, numbers, strings
from dangol.engine.state.hashes import Hashes
from dangol.engine.state.session import Session
from dangol.engine.state.sql import quoted

ENUM_LIMIT = 20_000


class Coder(Protocol):
    """`sql` is what to select in place of the value, `codes` what that stands for (−1: missing)."""

    @property
    def sql(self) -> str: ...

    def codes(self, found: NDArray[Any]) -> NDArray[np.int32]: ...


class Codes(Protocol):
    """Where codes come from: a vocabulary."""

    def __len__(self) -> int: ...

    def codes(self, values: Any) -> NDArray[np.int32]: ...


def coder(
    session: Session, rows: str, value: str, vocabulary: Codes, *, raw: str | None = None, empty: bool = True
) -> Coder:
    """A coder for the SQL text `value` over `rows`.

    `raw` is cheaper SQL that differs whenever `value` does; with `empty` False an empty text is missing.
    """
    raw = raw or value
    inner = f"SELECT DISTINCT {raw} AS raw FROM {rows}"
    shown = "raw" if raw == value else "CAST(raw AS VARCHAR)"
    found = session.table(f"SELECT {shown} AS text, hash(raw) AS hash FROM ({inner}) WHERE raw IS NOT NULL")
    texts = strings(found.column("text"))
    codes = coded(texts, vocabulary, empty=empty)
    if len(texts) > ENUM_LIMIT:
        hashes = numbers(found.column("hash"))
        known = Hashes(hashes, codes)
        if len(known) == len(hashes):
            return _HashCoder(f"CASE WHEN {raw} IS NULL THEN 0::UBIGINT ELSE hash({raw}) END", known)
    return _enum(session, value, texts.to_pylist(), codes)


def coded(texts: Any, vocabulary: Codes, *, empty: bool = True) -> NDArray[np.int32]:
    """The codes of texts as they are written."""
    known = normalised(texts, normal)
    if empty:
        return vocabulary.codes(known)
    ends = apart(known)[1]
    there = np.diff(ends, prepend=0) > 0
    codes = np.full(len(known), -1, np.int32)
    codes[there] = vocabulary.codes(known if there.all() else known.filter(pa.array(there)))
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
    sql: str
    known: Hashes

    def codes(self, found: NDArray[Any]) -> NDArray[np.int32]:
        return self.known.find(found)[0]


@dataclass(frozen=True)
class Recoding:
    """What codes from `start` on are to be."""

    start: int
    table: NDArray[np.int32]

    def of(self, codes: NDArray[np.int32]) -> NDArray[np.int32]:
        late = codes >= self.start
        found = codes.copy()
        found[late] = self.table[codes[late] - self.start]
        return found


class LearningCoder:
    """Codes of texts most of which are `known` by the hash of `raw`.

    Others get the next codes as they come; `settle` brings their texts and says what those codes really are.
    """

    def __init__(self, session: Session, rows: str, value: str, raw: str, vocabulary: Codes, known: Hashes) -> None:
        self._session, self._rows, self._value, self._raw = session, rows, value, raw
        self._vocabulary, self._known, self._fresh = vocabulary, known, np.empty(0, np.uint64)
        self.sql = f"CASE WHEN {raw} IS NULL THEN 0::UBIGINT ELSE hash({raw}) END"
        self._start = len(vocabulary)

    def codes(self, found: NDArray[Any]) -> NDArray[np.int32]:
        codes, absent = self._known.find(found)
        if len(absent):
            fresh = np.unique(found[absent])
            stop = self._start + len(self._fresh)
            self._known.add(fresh, np.arange(stop, stop + len(fresh), dtype=np.int32))
            self._fresh = np.concatenate([self._fresh, fresh])
            codes[absent] = self._known.find(found[absent])[0]
        return codes

    def settle(self) -> Recoding | None:
        """What the codes given on the way really are; None when they are what they should be."""
        if not len(self._fresh):
            return None
        texts, hashes = self._unknown()
        order = np.argsort(self._known.find(hashes)[0], kind="stable")
        codes = coded(texts.take(pa.array(order)), self._vocabulary, empty=False)
        table = np.empty(len(self._fresh), np.int32)
        places = self._known.find(hashes[order])[0] - self._start
        table[places] = codes
        if np.array_equal(table, np.arange(self._start, self._start + len(table))):
            return None
        self._known.add(self._fresh, table)
        return Recoding(self._start, table)

    def _unknown(self) -> tuple[Any, NDArray[np.uint64]]:
        wanted = self._session.name("hashes")
        self._session.run(f"CREATE TEMP TABLE {wanted} (hash UBIGINT)")
        self._session.insert(wanted, pa.table({"hash": self._fresh}))
        found = self._session.table(
            f"SELECT {self._value} AS text, hash({self._raw}) AS hash FROM {self._rows} SEMI JOIN {wanted}"
            f" ON hash({self._raw}) = {wanted}.hash GROUP BY ALL"
        )
        return strings(found.column("text")), numbers(found.column("hash"))
