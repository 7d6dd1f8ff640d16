"""The rows of one event, written as they come and in time order when finished."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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


class Lowest:
    """The earliest and latest time and the number of rows per customer code, in whatever order the rows come."""

    def __init__(self, size: int = 0) -> None:
        self.first = np.full(size, LATEST, np.int64)
        self.last = np.full(size, NO_INSTANT, np.int64)
        self.count = np.zeros(size, np.int32)
        self._latest = NO_INSTANT

    @classmethod
    def of(cls, first: NDArray[np.int64], last: NDArray[np.int64], count: NDArray[np.int32]) -> Lowest:
        found = cls()
        found.first = np.where(first == NO_INSTANT, LATEST, first)
        found.last, found.count = last.copy(), count.copy()
        found._latest = int(last.max()) if len(last) else NO_INSTANT
        return found

    @classmethod
    def of_first(cls, first: NDArray[np.int64]) -> Lowest:
        return cls.of(first, np.full(len(first), NO_INSTANT, np.int64), np.zeros(len(first), np.int32))

    def see_first(self, customer: NDArray[np.int32], time: NDArray[np.int64], size: int) -> None:
        """Only the earliest time."""
        self.grow(size)
        np.minimum.at(self.first, customer, time)

    def see(self, customer: NDArray[np.int32], time: NDArray[np.int64], size: int) -> None:
        """Rows in any order; in time order it is quicker."""
        self.grow(size)
        if not len(self.count) or not self._see_in_order(customer, time):
            np.minimum.at(self.first, customer, time)
            np.maximum.at(self.last, customer, time)
        self.count += np.bincount(customer, minlength=len(self.count)).astype(np.int32)

    def _see_in_order(self, customer: NDArray[np.int32], time: NDArray[np.int64]) -> bool:
        """Of several assignments to one place the last one holds."""
        if len(time) and (time[0] < self._latest or (time[1:] < time[:-1]).any()):
            self._latest = LATEST
            return False
        fresh = np.flatnonzero(self.count[customer] == 0)[::-1]
        self.first[customer[fresh]] = time[fresh]
        self.last[customer] = time
        self._latest = int(time[-1]) if len(time) else self._latest
        return True

    def grow(self, size: int) -> None:
        more = size - len(self.first)
        if more > 0:
            self.first = np.concatenate([self.first, np.full(more, LATEST, np.int64)])
            self.last = np.concatenate([self.last, np.full(more, NO_INSTANT, np.int64)])
            self.count = np.concatenate([self.count, np.zeros(more, np.int32)])

    @property
    def firsts(self) -> NDArray[np.int64]:
        """`first` with NO_INSTANT for customers without rows."""
        return np.where(self.first == LATEST, NO_INSTANT, self.first)


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
        self._lowest = Lowest()

    def _key(self, part: str) -> str:
        return f"events/{self._event}/{part}"

    def columns(self) -> dict[str, str]:
        """The arrays of the event and their types."""
        properties = {property_key(self._event, name): DTYPES[kind] for name, kind in self._kinds.items()}
        return {self._key("customer"): "<i4", self._key("time"): "<i8", **properties}

    def add(
        self, customer: NDArray[np.int32], time: NDArray[np.int64], values: Sequence[NDArray[Any]], size: int
    ) -> None:
        """Rows in source order; `values` in the order of `kinds`, `size` the number of customers there are."""
        if not len(time):
            return
        if self._ordered:
            self._ordered = time[0] >= self._latest and bool((time[1:] >= time[:-1]).all())
            self._latest = int(time[-1])
        if not self._before:
            self._lowest.see(customer, time, size)
        columns: list[NDArray[Any]] = [customer, time, *values]
        for key, column in zip(self.columns(), columns, strict=True):
            self._index.append(key, column)
        for name, column in zip(self._kinds, values, strict=True):
            if name in self._scales:
                self._scales[name].see(column)

    def finish(self, size: int) -> dict[str, Any]:
        """Orders the rows, brings the summary up to date and returns what the index notes about the event."""
        rows = self._index.count(self._key("time"))
        start = self._before if self._ordered else self._disturbed()
        if not self._before:
            self._lowest.grow(size)
            self._summarise(self._lowest, rows)
        elif start < self._summarised or rows - self._summarised > TAIL * rows:
            self._resummarise(size, rows)
        if not self._ordered:
            self._order(start)
        return {"properties": self._properties(), "summary": self._summarised}

    def _properties(self) -> dict[str, Any]:
        found: dict[str, Any] = {name: {"kind": kind} for name, kind in self._kinds.items()}
        for name, scale in self._scales.items():
            found[name] |= {"scale": scale.places, "peak": scale.peak}
        return found

    def _disturbed(self) -> int:
        """The place of the first row that does not stay where it is."""
        time = self._index.read(self._key("time"))
        return int(np.searchsorted(time[: self._before], time[self._before :].min(), "right"))

    def _order(self, start: int) -> None:
        """Sorts the rows from `start` on by time, equal times as they came."""
        order = np.argsort(self._index.read(self._key("time"))[start:], kind="stable")
        for key, dtype in self.columns().items():
            values = self._index.read(key)
            self._index.replace(key, dtype, [values[:start], values[start:][order]])

    def _resummarise(self, size: int, rows: int) -> None:
        """Adds the rows behind the old summary, before they are put in order."""
        first, last, count = (self._index.read(self._key(part)) for part in ("first", "last", "count"))
        lowest = Lowest.of(first, last, count)
        customer, time = self._index.read(self._key("customer")), self._index.read(self._key("time"))
        lowest.see(customer[self._summarised :], time[self._summarised :], size)
        self._summarise(lowest, rows)

    def _summarise(self, lowest: Lowest, rows: int) -> None:
        self._index.replace(self._key("first"), "<i8", [lowest.firsts])
        self._index.replace(self._key("last"), "<i8", [lowest.last])
        self._index.replace(self._key("count"), "<i4", [lowest.count])
        self._summarised = rows


def property_key(event: str, name: str) -> str:
    """The name of a property's array."""
    return f"properties/{event}/{name}"


def finish_events(index: Index, size: int) -> None:
    """Brings the summaries of all events, also of those without new rows, up to `size` customers."""
    for event in index.meta.get("events", {}):
        for part, value in (("first", NO_INSTANT), ("last", NO_INSTANT), ("count", 0)):
            pad(index, f"events/{event}/{part}", size, value)


def pad(index: Index, name: str, size: int, value: Any) -> None:
    """Fills an array that goes by customer up to `size` customers."""
    more = size - index.count(name)
    if more > 0:
        index.append(name, np.full(more, value, index.entries[name].dtype))
