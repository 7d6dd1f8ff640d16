"""A `State` from plain rows, for tests and the cases of a playbook: small data, clear rules."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np

from dangol.engine.calendar import instant_of, micros_of
from dangol.engine.catalog import Catalog
from dangol.engine.ir import Type
from dangol.engine.state.model import NO_DATE, NO_INSTANT, Column, EventTable, Mask, State

Row = Mapping[str, Any]
_NAIVE = datetime(1970, 1, 1)
_FIRST_DAY = date(1970, 1, 1)
_CODED = ("text", "version", "list")
_DTYPES: dict[Type, tuple[type, Any]] = {
    "number": (np.float64, np.nan),
    "boolean": (np.int8, -1),
    "instant": (np.int64, NO_INSTANT),
    "date": (np.int32, NO_DATE),
    "text": (np.int32, -1),
    "version": (np.int32, -1),
    "list": (np.int32, -1),
}


def state_from_rows(
    customers: Sequence[Row] | None,
    events: Sequence[Row],
    catalog: Catalog,
    lists: Mapping[str, Iterable[str]] | None = None,
    zone: str = "UTC",
) -> State:
    """The state of customers `{id, attribute…}` and events `{customer, event, time, property…}`.

    Times are µs, datetimes or ISO text; those without an offset are local to `zone`. A value that is absent or None
    is missing; what the catalog does not name is left out. Raises ValueError for an id that stands twice, an event
    without customer, event or time, and for a value that is not of its declared type.
    """
    return _Builder(catalog, zone).state(customers, events, lists or {})


class _Builder:
    def __init__(self, catalog: Catalog, zone: str) -> None:
        self.catalog, self.zone = catalog, zone
        self.vocabularies: dict[tuple[str, Type], dict[Any, int]] = {}
        self.words: dict[tuple[str, Type], list[Any]] = {}

    def state(
        self, customers: Sequence[Row] | None, events: Sequence[Row], lists: Mapping[str, Iterable[str]]
    ) -> State:
        codes: dict[str, int] = {}
        for row in customers or ():
            if codes.setdefault(row["id"], len(codes)) != len(codes) - 1:
                raise ValueError(f"the customer id {row['id']!r} stands twice")
        rows = len(codes)
        happened = sorted(((self.instant(row["time"]), row) for row in events), key=lambda each: each[0])
        for row in events:
            codes.setdefault(row["customer"], len(codes))
        ids = list(codes)
        rank = np.empty(len(ids), np.int64)
        rank[sorted(range(len(ids)), key=ids.__getitem__)] = np.arange(len(ids))
        first_seen = np.full(len(ids), NO_INSTANT, np.int64)
        for time, row in reversed(happened):
            first_seen[codes[row["customer"]]] = time
        return State(
            ids=ids,
            id_rank=rank,
            member=None if customers is None else np.arange(len(ids)) < rows,
            attributes=self.attributes(customers or (), len(ids)),
            events=self.events(happened, codes),
            lists={name: _mask(members, codes) for name, members in lists.items()},
            first_seen=first_seen,
        )

    def attributes(self, customers: Sequence[Row], size: int) -> dict[str, Column]:
        padding: list[Row] = [{}] * (size - len(customers))
        found = {}
        for name, kind in self.catalog.attributes.items():
            if isinstance(kind, str):
                found[name] = self.column(name, kind, [row.get(name) for row in (*customers, *padding)])
        return found

    def events(self, happened: list[tuple[int, Row]], codes: Mapping[str, int]) -> dict[str, EventTable]:
        tables = {}
        for name, properties in self.catalog.events.items():
            rows = [(time, row) for time, row in happened if row["event"] == name]
            columns = {
                prop: self.column(prop, kind, [row.get(prop) for _, row in rows])
                for prop, kind in properties.items()
                if isinstance(kind, str)
            }
            customer = np.array([codes[row["customer"]] for _, row in rows], np.int32)
            tables[name] = EventTable(customer, np.array([time for time, _ in rows], np.int64), columns)
        return tables

    def column(self, name: str, kind: Type, values: list[Any]) -> Column:
        dtype, missing = _DTYPES[kind]
        try:
            data: np.ndarray[Any, Any] = np.array(
                [missing if value is None else self.plain(name, kind, value) for value in values], dtype
            )
        except (TypeError, ValueError, OverflowError) as fault:
            raise ValueError(f"`{name}` has a value that is no {kind}: {fault}") from None
        if kind == "number":
            return Column(kind, data, scale=decimal_scale(data))
        return Column(
            kind, data, self.words.setdefault((name, kind), []) if dtype is np.int32 and missing == -1 else None
        )

    def plain(self, name: str, kind: Type, value: Any) -> Any:
        """A value as it is stored in a column."""
        match kind:
            case "number":
                if isinstance(value, bool | str):
                    raise TypeError(repr(value))
                return float(value)
            case "boolean":
                if not isinstance(value, bool):
                    raise TypeError(repr(value))
                return value
            case "instant":
                return self.instant(value)
            case "date":
                return _day(value)
            case "list":
                return self.code(name, kind, tuple(_text(each) for each in value))
            case "text" | "version":
                return self.code(name, kind, _text(value))

    def code(self, name: str, kind: Type, value: Any) -> int:
        vocabulary = self.vocabularies.setdefault((name, kind), {})
        code = vocabulary.setdefault(value, len(vocabulary))
        if code == len(self.words.setdefault((name, kind), [])):
            self.words[name, kind].append(value)
        return code

    def instant(self, value: Any) -> int:
        if isinstance(value, str):
            value = datetime.fromisoformat(value)
        if not isinstance(value, datetime):
            return int(value)
        if value.tzinfo is not None:
            return micros_of(value)
        return instant_of((value - _NAIVE) // timedelta(microseconds=1), self.zone)


def decimal_scale(data: np.ndarray[Any, np.dtype[np.float64]]) -> int | None:
    """The least d in 0…9 with every value·10^d whole and below 2^53, or None."""
    present = data[~np.isnan(data)]
    for digits in range(10):
        whole = np.rint(present * 10.0**digits)
        if np.any(np.abs(whole) >= 2.0**53):
            return None
        if np.array_equal(whole / 10.0**digits, present):
            return digits
    return None


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(repr(value))
    return unicodedata.normalize("NFC", value)


def _day(value: Any) -> int:
    if isinstance(value, str):
        value = date.fromisoformat(value)
    if isinstance(value, datetime):
        raise TypeError(repr(value))
    return (value - _FIRST_DAY).days if isinstance(value, date) else int(value)


def _mask(members: Iterable[str], codes: Mapping[str, int]) -> Mask:
    found = np.zeros(len(codes), np.bool_)
    found[[codes[member] for member in members if member in codes]] = True
    return found
