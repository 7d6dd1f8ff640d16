"""Column values as plain Python: what a message or a table shows."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

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
            return [None if x < 0 else list(_word(column, x)) for x in data]
        case _:
            return [None if x < 0 else _word(column, x) for x in data]


def _word(column: Column, code: int) -> str | tuple[str, ...]:
    assert column.vocabulary is not None
    word: str | tuple[str, ...] = column.vocabulary[code]
    return word


def _local(micros: int, zone: str) -> str:
    moment = (_EPOCH + dt.timedelta(microseconds=micros)).astimezone(ZoneInfo(zone))
    return moment.strftime("%Y-%m-%d %H:%M")
