"""Brings an index up to what its sources hold: from nothing, by what was added, or with more columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dangol.diagnostics import DangolError, did_you_mean
from dangol.engine.catalog import normal
from dangol.engine.ir import Type
from dangol.engine.sources import EventSource, Sources
from dangol.engine.state.customers import FIRST_SEEN, IDS, finish_customers, load_customers
from dangol.engine.state.encode import DICTIONARY, DTYPES, MISSING
from dangol.engine.state.events import EventReader, Left, Rows, Wanted
from dangol.engine.state.filter import filter_of
from dangol.engine.state.growth import ANEW, Growth, Mark, mark, moved, readable
from dangol.engine.state.layout import Index
from dangol.engine.state.notes import finding, shown
from dangol.engine.state.session import Session, session
from dangol.engine.state.tables import Relation, relation
from dangol.engine.state.texts import vocabulary_name
from dangol.engine.state.vocabulary import Vocabulary
from dangol.engine.state.writer import Earliest, EventWriter, finish_events

Progress = Callable[[str, float], None]
Needed = Mapping[str, Mapping[str, Type]]
"""By event, the properties wanted and their types."""

STAGED = "\0"
EVENT_PARTS = ("events/", "properties/")


class Moving(Exception):
    """A source was written to while it was read."""


class Disordered(Exception):
    """An event came that would have been the first of its id, had it been there when the others were read."""


@dataclass(frozen=True)
class Work:
    """What is to be done: per event source what to read of it, events to read anew for other columns, attributes."""

    growths: Sequence[Growth]
    anew: frozenset[str]
    attributes: Mapping[str, Type] | None


class Builder:
    """Does the work on an open index; nothing counts before `index.commit`."""

    def __init__(self, index: Index, sources: Sources, progress: Progress | None) -> None:
        self._index, self._sources = index, sources
        self._progress = progress or (lambda label, share: None)
        self._ids = Vocabulary(index, IDS)
        self._marks: list[Mark] = []
        self._offered: list[tuple[EventSource, set[str]]] = []
        self._seen = Earliest(index.read(FIRST_SEEN) if FIRST_SEEN in index else ())

    def do(self, work: Work, needed: Needed) -> None:
        """`needed` are all events and properties the index is to have afterwards.

        Raises `Moving`, and `Disordered` when all has to be read anew.
        """
        with TemporaryDirectory(prefix="scratch-", dir=self._index.directory) as folder:
            scratch = Path(folder)
            with session(scratch) as opened:
                self._attributes(opened, work.attributes)
                self._events(opened, work, needed, scratch)
        if any(moved(mark) for mark in self._marks):
            raise Moving
        finish_events(self._index, len(self._ids))
        finish_customers(self._index, self._sources, self._ids, self._seen)

    def _attributes(self, opened: Session, attributes: Mapping[str, Type] | None) -> None:
        source = self._sources.customers
        if source is not None and attributes is not None:
            self._marks.append(load_customers(opened, self._index, source, self._ids, attributes))

    def _events(self, opened: Session, work: Work, needed: Needed, scratch: Path) -> None:
        whole = all(change.anew for change in work.growths)
        kept = {event: kinds for event, kinds in needed.items() if whole or event not in work.anew}
        if any(work.growths):
            self._grow(opened, work.growths, kept, scratch, first=True)
        again = {event + STAGED: kinds for event, kinds in needed.items() if event not in kept}
        if again:
            self._grow(opened, [ANEW] * len(work.growths), again, scratch, first=False)
            self._adopt(again)

    # --- events -------------------------------------------------------------------------------------------------

    def _grow(self, opened: Session, growths: Sequence[Growth], needed: Needed, scratch: Path, *, first: bool) -> None:
        """New rows of all sources at the end of the events they belong to; `first`: they were never looked at."""
        known = self._index.meta.setdefault("events", {})
        writers = {event: EventWriter(self._index, event, kinds, known.get(event)) for event, kinds in needed.items()}
        for place, (source, change) in enumerate(zip(self._sources.events, growths, strict=True)):
            if change:
                now = mark(source.table)
                self._marks.append(now)
                table = relation(opened, source.table, readable(change, now, source.table, scratch))
                repeats = self._read(opened, place, table, writers, needed, first=first)
                if repeats and change.between:
                    raise Disordered
                self._index.meta["sources"][place]["mark"] = now.to_json()
        if all(change.anew for change in growths):
            self._require(needed)
        for event, writer in writers.items():
            known[event] = writer.finish(len(self._ids))

    def _require(self, needed: Needed) -> None:
        """Raises for a property that none of the sources of its event has a column for."""
        found = []
        for event, kinds in needed.items():
            mine = [(source, forms) for source, forms in self._offered if _has(source, event)]
            for name in kinds:
                if mine and not any(source.table.format == "jsonl" or name in forms for source, forms in mine):
                    hints = did_you_mean(name, mine[0][1])
                    place = shown(mine[0][0].table.location)
                    message = f"`{event.removesuffix(STAGED)}` has no column `{name}` in its data"
                    found.append(finding("E403", message, place, hints=hints))
        if found:
            raise DangolError(*found)

    def _adopt(self, staged: Iterable[str]) -> None:
        """Events that were read anew in place of those they are named after."""
        for event in staged:
            name = event.removesuffix(STAGED)
            for key in [
                key for key in self._index.entries if key.startswith(EVENT_PARTS) and key.split("/")[1] == name
            ]:
                self._index.drop(key)
            for key in [key for key in self._index.entries if f"/{event}/" in key]:
                self._index.rename(key, key.replace(f"/{event}/", f"/{name}/"))
            self._index.meta["events"][name] = self._index.meta["events"].pop(event)

    def _read(
        self,
        opened: Session,
        place: int,
        table: Relation,
        writers: Mapping[str, EventWriter],
        needed: Needed,
        *,
        first: bool,
    ) -> bool:
        """Whether some row had the id of one that was read before."""
        source = self._sources.events[place]
        others = first and self._sources.customers is None
        reader = self._reader(opened, source, table, needed, others=others)
        left = reader.count()
        if first:
            self._note(place, left)
        own = f"own/{place}"
        seen = self._index.read(own) if first and own in self._index else np.empty(0, np.uint64)
        done = 0
        for rows in reader.stream(self._ids, self._vocabularies(needed), seen):
            done += len(rows.time)
            self._progress(table.place, done / max(left.rows, 1))
            self._spread(reader, rows, writers, needed)
            if others:
                self._seen.see(rows.customer, rows.time, len(self._ids))
        if (recoding := reader.settle()) is not None:
            for writer in writers.values():
                writer.recode(recoding.of)
        if source.id_column is None:
            return False
        self._index.replace(own, "<u8", [reader.own_ids])
        return reader.repeats

    def _reader(
        self, opened: Session, source: EventSource, table: Relation, needed: Needed, *, others: bool
    ) -> EventReader:
        mine = {event: kinds for event, kinds in needed.items() if _has(source, event)}
        self._offered.append((source, {*table.forms, *(source.properties or ())}))
        where = filter_of(source.where, table, source.zone)
        columns = _wanted(source, table, mine)
        return EventReader(opened, source, table, where, columns, [e.removesuffix(STAGED) for e in mine], others=others)

    def _note(self, place: int, left: Left) -> None:
        entry = self._index.meta["sources"][place]
        entry["left"] = list(astuple(Left(*entry.get("left", ())) + left))

    def _vocabularies(self, needed: Needed) -> dict[str, Vocabulary]:
        names = {
            vocabulary_name(name, kind)
            for kinds in needed.values()
            for name, kind in kinds.items()
            if kind in DICTIONARY
        }
        return {name: Vocabulary(self._index, name) for name in names}

    def _spread(self, reader: EventReader, rows: Rows, writers: Mapping[str, EventWriter], needed: Needed) -> None:
        """The rows to the writers of their events."""
        mine = [event for event in needed if event.removesuffix(STAGED) in reader.events]
        for event in mine:
            number = reader.events.index(event.removesuffix(STAGED))
            chosen = np.flatnonzero(rows.event == number)
            if len(chosen):
                pick: Any = slice(None) if len(chosen) == len(rows.event) else chosen
                values = [
                    _picked(reader, rows, reader.events[number], name, kind, pick, len(chosen))
                    for name, kind in needed[event].items()
                ]
                writers[event].add(rows.customer[pick], rows.time[pick], values)


def _has(source: EventSource, event: str) -> bool:
    """Whether rows of an event may come from the source."""
    return source.event_column is not None or event.removesuffix(STAGED) == source.event


def _wanted(source: EventSource, table: Relation, needed: Needed) -> list[Wanted]:
    """The columns to read of a source for the events it may have."""
    found: dict[tuple[str, str, Type], set[str]] = {}
    for event, kinds in needed.items():
        for name, kind in kinds.items():
            column = normal((source.properties or {}).get(name, name if source.properties is None else ""))
            if source.properties is not None and column:
                table.require(column, f"the property `{name}`")
            if column in table.forms:
                found.setdefault((name, column, kind), set()).add(event.removesuffix(STAGED))
    return [Wanted(*key, frozenset(events)) for key, events in found.items()]


def _picked(reader: EventReader, rows: Rows, event: str, name: str, kind: Type, pick: Any, size: int) -> NDArray[Any]:
    """The values of a property for the chosen rows; missing where the source has no such column."""
    for column, values in zip(reader.columns, rows.values, strict=True):
        if column.name == name and column.kind == kind and event in column.events:
            chosen: NDArray[Any] = values[pick]
            return chosen
    return np.full(size, MISSING[kind], DTYPES[kind])
