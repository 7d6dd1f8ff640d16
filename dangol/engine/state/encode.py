"""SQL that turns a source's value into the number the index stores for it; NULL is missing or not of the type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dangol.engine.ir import Type
from dangol.engine.state.kinds import NATIVE_KINDS, OFFSET, TIME_PATTERN
from dangol.engine.state.model import NO_DATE, NO_INSTANT
from dangol.engine.state.tables import Form
from dangol.engine.state.zones import to_utc

DTYPES: dict[str, str] = {
    "number": "<f8",
    "text": "<i4",
    "version": "<i4",
    "list": "<i4",
    "boolean": "i1",
    "instant": "<i8",
    "date": "<i4",
}
MISSING: dict[str, Any] = {
    "number": np.nan,
    "text": -1,
    "version": -1,
    "list": -1,
    "boolean": -1,
    "instant": NO_INSTANT,
    "date": NO_DATE,
}
DICTIONARY = ("text", "version", "list")
MAX_SCALE = 9
_WHOLE = 2.0**53


def missing(kind: Type) -> str:
    """SQL: the missing value of a kind that is not coded."""
    return "'nan'::DOUBLE" if kind == "number" else str(MISSING[kind])


def encoded(value: str, form: Form, kind: Type) -> str:
    """SQL for `value` as `kind`: a double, days, 0 or 1, a packed time, or the text to be coded."""
    match kind:
        case "number":
            return _number(value, form)
        case "boolean":
            return _boolean(value, form)
        case "instant":
            return packed_time(value, form)
        case "date":
            return _days(value, form)
        case "list":
            if form == "json":
                return f"CASE json_type({value}) WHEN 'ARRAY' THEN CAST({value} AS VARCHAR) END"
            return f"CAST(to_json({value}) AS VARCHAR)" if form == "list" else "CAST(NULL AS VARCHAR)"
    return text(value, form)


def doubtful(form: Form, kind: Type) -> bool:
    """Whether a value of a form may be none of the kind; a missing or infinite one is missing, not wrong."""
    moments = ("local", "instant", "date")
    native = NATIVE_KINDS.get(form) == kind or (form in moments and kind in moments)
    return kind not in ("text", "version") and not native


def text(value: str, form: Form) -> str:
    """SQL: the value as text; whole numbers in plain decimals."""
    if form == "json":
        return f"({value} ->> '$')"
    if form == "number":
        whole = f"{value} = trunc({value}) AND abs({value}) < 1e15"
        plain = f"CASE WHEN {whole} THEN CAST(CAST({value} AS BIGINT) AS VARCHAR) ELSE CAST({value} AS VARCHAR) END"
        return f"CASE WHEN NOT isnan({value}) THEN {plain} END"
    return value if form == "csv" else f"CAST({value} AS VARCHAR)"


def identity(value: str, form: Form) -> str:
    """SQL: a customer id or event name as text; an empty one is missing."""
    return f"nullif({text(value, form)}, '')"


def _number(value: str, form: Form) -> str:
    number = f"try_cast({text(value, form) if form in ('csv', 'json', 'text') else value} AS DOUBLE)"
    return f"CASE WHEN isfinite({number}) THEN {number} END"


def _boolean(value: str, form: Form) -> str:
    if form == "boolean":
        return f"CAST({value} AS TINYINT)"
    return f"CASE lower({text(value, form)}) WHEN 'true' THEN 1 WHEN '1' THEN 1 WHEN 'false' THEN 0 WHEN '0' THEN 0 END"


def _days(value: str, form: Form) -> str:
    if form in ("date", "local", "instant"):
        return f"CASE WHEN isfinite({value}) THEN CAST({value} AS DATE) - DATE '1970-01-01' END"
    written = text(value, form)
    day = f"try_cast({written}[:10] AS DATE) - DATE '1970-01-01'"
    return f"CASE WHEN regexp_full_match({written}, '{TIME_PATTERN}') THEN {day} END"


def packed_time(value: str, form: Form) -> str:
    """SQL: µs · 2, plus 1 when the time says no offset. Whole numbers are Unix times by their size (s, ms, µs, ns)."""
    if form == "instant":
        return f"CASE WHEN isfinite({value}) THEN epoch_us({value}) * 2 END"
    if form in ("local", "date"):
        return f"CASE WHEN isfinite({value}) THEN epoch_us(CAST({value} AS TIMESTAMP)) * 2 + 1 END"
    if form == "number":
        return f"CASE WHEN isfinite({value}) THEN ({_unix(f'CAST({value} AS DOUBLE)')}) * 2 END"
    if form == "integer":
        return f"({_unix(f'CAST({value} AS BIGINT)')}) * 2"
    written = text(value, form)
    naive = f"CAST(NOT regexp_matches({written}, '{OFFSET}') AS BIGINT)"
    iso = f"epoch_us(try_cast({written} AS TIMESTAMPTZ)) * 2 + {naive}"
    return (
        f"CASE WHEN regexp_full_match({written}, '{TIME_PATTERN}') THEN {iso}"
        f" WHEN regexp_full_match({written}, '[0-9]{{9,19}}') THEN ({_unix(f'try_cast({written} AS BIGINT)')}) * 2 END"
    )


_DIGITS = "(19|20)[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])(([01][0-9]|2[0-3])[0-5][0-9]([0-5][0-9])?)?"
"""20260131, 202601311000 or 20260131100000: a day or a time of the clock, which as a Unix time would be another."""


def _unix(number: str) -> str:
    whole = f"CAST({number} AS BIGINT)"
    close = " OR ".join(f"{number} BETWEEN 19{'0' * n} AND 20{'9' * n}" for n in (6, 10, 12))
    return (
        f"CASE WHEN ({close}) AND regexp_full_match(CAST({whole} AS VARCHAR), '{_DIGITS}') THEN NULL"
        f" WHEN abs({number}) < 100000000000 THEN CAST(round({number} * 1000000) AS BIGINT)"
        f" WHEN abs({number}) < 100000000000000 THEN CAST(round({number} * 1000) AS BIGINT)"
        f" WHEN abs({number}) < 100000000000000000 THEN {whole} ELSE {whole} // 1000 END"
    )


def unpacked(packed: NDArray[np.int64], zone: str) -> NDArray[np.int64]:
    """Packed times as µs since the epoch, those without offset read in `zone`; NO_INSTANT stays."""
    packed = packed.astype(np.int64, copy=False)
    naive = (packed & 1).astype(bool)
    micros = packed >> 1
    if naive.all():
        found = to_utc(micros, zone)
    elif naive.any():
        found = np.where(naive, to_utc(micros, zone), micros)
    else:
        found = micros
    none = packed == NO_INSTANT
    return np.where(none, NO_INSTANT, found) if none.any() else found


@dataclass
class Scale:
    """The least d with every value seen the double of a decimal with d places, whole numbers below 2^53; or None."""

    places: int | None = 0
    peak: float = 0.0

    def see(self, values: NDArray[np.float64]) -> None:
        left = values[~np.isnan(values)]
        if len(left):
            self.peak = max(self.peak, float(np.abs(left).max()))
        while self.places is not None:
            power = 10.0**self.places
            left = left[np.rint(left * power) / power != left]
            if self.peak * power >= _WHOLE or (len(left) and self.places == MAX_SCALE):
                self.places = None
            elif not len(left):
                return
            else:
                self.places += 1
