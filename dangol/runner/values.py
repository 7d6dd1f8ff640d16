"""Column values as plain Python: what a message or a table shows."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from dangol.engine.backends.vector.words import texts_of
from dangol.engine.state.model import NO_DATE, NO_INSTANT, Column

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_FIRST_DAY = dt.date(1970, 1, 1)


def plain(column: Column, rows: NDArray[np.int64], zone: str) -> list[object]:
    """The values at these rows; None where missing. Whole numbers are int, dates ISO, instants `2026-01-31 10:00`."""
    data = np.asarray(column.data[rows]).tolist()
    match column.type:
        case "number":
            return [None if x != x else int(x) if float(x).is_integer() else x for x in data]
        case "boolean":
            return [None if x < 0 else bool(x) for x in data]
        case "instant":
            return [None if x == NO_INSTANT else _local(x, zone) for x in data]
        case "date":
            return [None if x == NO_DATE else (_FIRST_DAY + dt.timedelta(days=x)).isoformat() for x in data]
        case "list":
            return [None if x is None else list(x) for x in _words(column, rows)]
        case _:
            return _words(column, rows)


def _words(column: Column, rows: NDArray[np.int64]) -> list[Any]:
    """The texts, or tuples of texts, all read at once."""
    assert column.vocabulary is not None
    codes = np.asarray(column.data[rows])
    known = codes >= 0
    words = iter(texts_of(column.vocabulary, codes[known]))
    return [next(words) if here else None for here in known.tolist()]


def _local(micros: int, zone: str) -> str:
    moment = (_EPOCH + dt.timedelta(microseconds=micros)).astimezone(ZoneInfo(zone))
    return moment.strftime("%Y-%m-%d %H:%M")
