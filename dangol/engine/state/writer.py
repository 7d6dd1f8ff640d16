"""The rows of one event, written as they come and in time order when finished."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dangol.engine.ir import Type
from dangol.engine.state.encode import DTYPES, Scale
from dangol.engine.state.layout import Index
from dangol.engine.state.model import NO_INSTANT

TAIL = 0.05
"""A summary is brought up to date when more than this share of the rows lies behind it."""
LATEST = np.iinfo(np.int64).max
_SUMMARY: dict[str, tuple[int, str]] = {"first": (NO_INSTANT, "<i8"), "last": (NO_INSTANT, "<i8"), "count": (0, "<i4")}
"""The arrays that go by customer: what stands for no rows, and their types."""


class Earliest:
    """The earliest time per customer code, in whatever order the rows come."""

    def __init__(self, known: NDArray[np.int64] | Sequence[int] = ()) -> None:
        times = np.asarray(known, np.int64)
        self._times = np.where(times == NO_INSTANT, LATEST, times)

    def see(self, customer: NDArray[np.int32], time: NDArray[np.int64], size: int) -> None:
        """Rows of `size` customers."""
        self._grow(size)
        np.minimum.at(self._times, customer, time)

    def _grow(self, size: int) -> None:
        more = np.full(max(0, size - len(self._times)), LATEST, np.int64)
        self._times = np.concatenate([self._times, more]) if len(more) else self._times

    def of(self, size: int) -> NDArray[np.int64]:
        """The times of `size` customers, NO_INSTANT for those without rows."""
        self._grow(size)
        return np.where(self._times == LATEST, NO_INSTANT, self._times)


class EventWriter:
    """Appends to the arrays of `event` in the index (made if need be), each property of `kinds` a column."""

    def __init__(
        self, index: Index, event: str, kinds: Mapping[str, Type], meta: Mapping[str, Any] | None = None
    ) -> None:
        self._index, self._event, self._kinds = index, event, dict(kinds)
        known = (meta or {}).get("properties", {})
        self._scales = {
            name: Scale(known[name]["scale"], known[name]["peak"]) if name in known else Scale()
            for name, kind in kinds.items()
            if kind == "number"
        }
        for key in [
            key for key in index.entries if key.startswith(property_key(event, "")) and key not in self.columns()
        ]:
            index.drop(key)
        for name, dtype in self.columns().items():
            if name not in index:
                index.create(name, dtype)
        self._before = index.count(self._key("time"))
        self._latest = int(index.read(self._key("time"))[-1]) if self._before else NO_INSTANT
        self._summarised = (meta or {}).get("summary", 0)
        self._ordered = True

    def _key(self, part: str) -> str:
        return f"events/{self._event}/{part}"

    def columns(self) -> dict[str, str]:
        """The arrays of the event and their types."""
        properties = {property_key(self._event, name): DTYPES[kind] for name, kind in self._kinds.items()}
        return {self._key("customer"): "<i4", self._key("time"): "<i8", **properties}

    def add(self, customer: NDArray[np.int32], time: NDArray[np.int64], values: Sequence[NDArray[Any]]) -> None:
        """Rows in source order; `values` in the order of `kinds`."""
        if not len(time):
            return
        if self._ordered:
            self._ordered = time[0] >= self._latest and bool((time[1:] >= time[:-1]).all())
            self._latest = int(time[-1])
        columns: list[NDArray[Any]] = [customer, time, *values]
        for key, column in zip(self.columns(), columns, strict=True):
            self._index.append(key, column)
        for name, column in zip(self._kinds, values, strict=True):
            if name in self._scales:
                self._scales[name].see(column)

    def finish(self, size: int) -> dict[str, Any]:
        """Orders the rows, brings the summary up to date and returns what the index notes about the event."""
        rows = self._index.count(self._key("time"))
        if not self._before and not self._ordered:
            self._order(0)
            self._ordered = True
        start = self._before if self._ordered else self._disturbed()
        if not self._before or start < self._summarised or rows - self._summarised > TAIL * rows:
            self._summarise(size, rows)
        if not self._ordered:
            self._order(start)
        return {"properties": self._properties(), "summary": self._summarised}

    def recode(self, recoded: Callable[[NDArray[np.int32]], NDArray[np.int32]]) -> None:
        """Other codes for the customers of all rows."""
        key = self._key("customer")
        self._index.replace(key, "<i4", [recoded(self._index.read(key))])

    def _properties(self) -> dict[str, Any]:
        found: dict[str, Any] = {name: {"kind": kind} for name, kind in self._kinds.items()}
        for name, scale in self._scales.items():
            found[name] |= {"scale": scale.places, "peak": scale.peak}
        return found

    def _disturbed(self) -> int:
        """The place of the first row that does not stay where it is."""
        time = self._read("time")
        return int(np.searchsorted(time[: self._before], time[self._before :].min(), "right"))

    def _order(self, start: int) -> None:
        """Sorts the rows from `start` on by time, equal times as they came."""
        order = np.argsort(self._read("time")[start:], kind="stable")
        for key, dtype in self.columns().items():
            values = self._index.read(key)
            self._index.replace(key, dtype, [values[:start], values[start:][order]])

    def _summarise(self, size: int, rows: int) -> None:
        """Adds the rows behind the old summary, before they are mixed with older ones."""
        first, last, count = (
            _padded(size, self._read(part) if self._summarised else (), *_SUMMARY[part]) for part in _SUMMARY
        )
        customer, time = self._read("customer")[self._summarised :], self._read("time")[self._summarised :]
        if not self._ordered:
            order = np.argsort(time, kind="stable")
            customer, time = customer[order], time[order]
        earliest, latest = (np.full(size, NO_INSTANT, np.int64) for _ in range(2))
        earliest[customer[::-1]] = time[::-1]  # of several assignments to one place the last one holds
        latest[customer] = time
        earlier = (first == NO_INSTANT) | ((earliest != NO_INSTANT) & (earliest < first))
        found = [np.where(earlier, earliest, first), np.maximum(last, latest), count + _number(customer, size)]
        for part, values in zip(_SUMMARY, found, strict=True):
            self._index.replace(self._key(part), _SUMMARY[part][1], [values])
        self._summarised = rows

    def _read(self, part: str) -> NDArray[Any]:
        return self._index.read(self._key(part))


def _number(customer: NDArray[np.int32], size: int) -> NDArray[np.int32]:
    return np.bincount(customer, minlength=size).astype(np.int32)


def _padded(size: int, known: NDArray[Any] | Sequence[int], value: int, dtype: str) -> NDArray[Any]:
    """An array that goes by customer, filled up to `size` customers."""
    return np.concatenate([np.asarray(known, dtype), np.full(size - len(known), value, dtype)])


def property_key(event: str, name: str) -> str:
    """The name of a property's array."""
    return f"properties/{event}/{name}"


def finish_events(index: Index, size: int) -> None:
    """Brings the summaries of all events, also of those without new rows, up to `size` customers."""
    for event in index.meta.get("events", {}):
        for part, (value, _) in _SUMMARY.items():
            pad(index, f"events/{event}/{part}", size, value)


def pad(index: Index, name: str, size: int, value: Any) -> None:
    """Fills an array that goes by customer up to `size` customers."""
    more = size - index.count(name)
    if more > 0:
        index.append(name, np.full(more, value, index.entries[name].dtype))
