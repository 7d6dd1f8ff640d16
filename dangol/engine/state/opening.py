"""The state of a project's customers: from the index as it is, or from the index brought up to its sources."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from dangol.diagnostics import DangolError, Diagnostic
from dangol.engine.catalog import Catalog
from dangol.engine.ir import Type
from dangol.engine.sources import CustomerSource, EventSource, Sources
from dangol.engine.state.growth import ANEW, Growth, Mark, growth
from dangol.engine.state.layout import NOT_THERE, Damaged, Index
from dangol.engine.state.model import NO_INSTANT, Column, EventTable, State, Summary
from dangol.engine.state.notes import finding, shown
from dangol.engine.state.texts import Texts, vocabulary_name

if TYPE_CHECKING:
    from dangol.engine.state.build import Progress, Work

FOLDER = "index"
_TRIES = 3

Needed = Mapping[str, Mapping[str, Type]]


def open_state(
    sources: Sources,
    catalog: Catalog,
    needed: Mapping[str, Iterable[str]] | None = None,
    attributes: Iterable[str] | None = None,
    directory: Path | None = None,
    progress: Progress | None = None,
    notes: list[Diagnostic] | None = None,
) -> State:
    """The state of the sources as they are now.

    `needed`: event → properties that any line uses, `attributes` likewise (None: all the catalog has). The index is
    kept in `directory`/index and only what has changed is read; without a directory nothing is kept. `progress` is
    called with a label and a share from 0 to 1 while data are read. `notes` receives warnings about what was left
    out. Raises DangolError for sources that cannot be read and values that cannot be understood.
    """
    notes = [] if notes is None else notes
    wanted = _Wanted(catalog, needed, attributes)
    if directory is None:
        with TemporaryDirectory(prefix="dangol-") as folder:
            return _opened(sources, wanted, Path(folder), progress, notes)
    return _opened(sources, wanted, directory / FOLDER, progress, notes)


class _Wanted:
    """The columns that are wanted, with their types; those of mixed types are nobody's."""

    def __init__(
        self, catalog: Catalog, needed: Mapping[str, Iterable[str]] | None, attributes: Iterable[str] | None
    ) -> None:
        self._catalog = catalog
        chosen = catalog.events if needed is None else needed
        self.events: Needed = {
            event: self._kinds(catalog.events[event], chosen[event])
            for event in sorted(chosen)
            if event in catalog.events
        }
        named = catalog.attributes if attributes is None else attributes
        self.attributes = self._kinds(catalog.attributes, named)

    @staticmethod
    def _kinds(known: Mapping[str, Any], names: Iterable[str]) -> dict[str, Type]:
        return {name: known[name] for name in sorted(names) if isinstance(known.get(name), str)}

    def with_those_of(self, index: Index) -> Needed:
        """The events and properties that are wanted or in the index already, while the catalog still has them."""
        found = {event: dict(kinds) for event, kinds in self.events.items()}
        for event, known in index.meta.get("events", {}).items():
            if event in self._catalog.events:
                mine = found.setdefault(event, {})
                for name, column in known["properties"].items():
                    if self._catalog.events[event].get(name) == column["kind"]:
                        mine.setdefault(name, column["kind"])
        return found

    def attributes_with_those_of(self, index: Index) -> dict[str, Type]:
        known = {name: column["kind"] for name, column in index.meta.get("attributes", {}).items()}
        same = {name: kind for name, kind in known.items() if self._catalog.attributes.get(name) == kind}
        return {**same, **self.attributes}


def _opened(
    sources: Sources, wanted: _Wanted, folder: Path, progress: Progress | None, notes: list[Diagnostic]
) -> State:
    index, why = _tried(folder)
    if index is None or _work(index, sources, wanted) is not None:
        index = _updated(sources, wanted, folder, progress, notes)
    elif why:
        notes.append(why)
    notes += _left_out(index, sources)
    return _state(index, wanted, sources)


def _tried(folder: Path) -> tuple[Index | None, Diagnostic | None]:
    """The index, or a note why it cannot be used (none when there was none)."""
    try:
        return Index.open(folder), None
    except Damaged as damage:
        if str(damage) == NOT_THERE:
            return None, None
        return None, finding("W402", f"the event index is built anew: {damage}", shown(str(folder)), warning=True)


def _updated(
    sources: Sources, wanted: _Wanted, folder: Path, progress: Progress | None, notes: list[Diagnostic]
) -> Index:
    from dangol.engine.state.build import Builder, Disordered, Moving, Work

    folder.mkdir(parents=True, exist_ok=True)
    disordered = False
    with _locked(folder):
        for _ in range(_TRIES):
            index, why = _tried(folder)
            work = _work(index, sources, wanted) if index else None
            if index is not None and work is None:
                return index
            if disordered or index is None or work is None or all(change.anew for change in work.growths):
                index = _fresh(folder, sources)
                work = Work([ANEW] * len(sources.events), frozenset(), wanted.attributes)
            try:
                Builder(index, sources, progress).do(work, wanted.with_those_of(index))
            except Moving:
                continue
            except Disordered:
                disordered = True
                continue
            index.commit()
            notes += [why] if why else []
            return index
    message = "the data were written to while they were read, again and again"
    raise DangolError(finding("E409", message, shown(str(folder)), hints=("try again when the writing is done",)))


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Only one process at a time writes an index; others go on reading."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    with (folder / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _fresh(folder: Path, sources: Sources) -> Index:
    index = Index(folder)
    index.meta = {"signature": _signature(sources), "sources": [{} for _ in sources.events], "customers": {}}
    return index


def _work(index: Index, sources: Sources, wanted: _Wanted) -> Work | None:
    """What has to be done before the index says what is wanted; None when it does."""
    meta = index.meta
    if meta.get("signature") != _signature(sources):
        return _todo([ANEW] * len(sources.events), (), wanted.attributes)
    growths = [
        growth(Mark.from_json(known["mark"]), s.table) for known, s in zip(meta["sources"], sources.events, strict=True)
    ]
    if any(change.anew for change in growths):
        return _todo([ANEW] * len(growths), (), wanted.attributes)
    lacking = [event for event, kinds in wanted.events.items() if _lacks(meta["events"].get(event), kinds)]
    attributes = _attributes(index, sources, wanted)
    if any(growths) or lacking or attributes is not None or _other_lists(index, sources):
        return _todo(growths, lacking, attributes)
    return None


def _todo(growths: list[Growth], anew: Iterable[str], attributes: Mapping[str, Type] | None) -> Work:
    from dangol.engine.state.build import Work

    return Work(growths, frozenset(anew), attributes)


def _lacks(known: Mapping[str, Any] | None, kinds: Mapping[str, Type]) -> bool:
    """Whether an event's columns in the index are not those that are wanted."""
    if known is None:
        return True
    return any(known["properties"].get(name, {}).get("kind") != kind for name, kind in kinds.items())


def _attributes(index: Index, sources: Sources, wanted: _Wanted) -> Mapping[str, Type] | None:
    """The attributes to load, if the customers table has changed or some are lacking."""
    if sources.customers is None:
        return None
    known = {name: column["kind"] for name, column in index.meta["attributes"].items()}
    lacking = any(known.get(name) != kind for name, kind in wanted.attributes.items())
    if lacking or growth(Mark.from_json(index.meta["customers"]["mark"]), sources.customers.table):
        return wanted.attributes_with_those_of(index)
    return None


def _other_lists(index: Index, sources: Sources) -> bool:
    from dangol.engine.state.lists import list_status

    return bool(index.meta["lists"] != {name: list_status(path) for name, path in sources.lists.items()})


def _signature(sources: Sources) -> str:
    """Everything declared about the tables, in one spelling."""

    def plain(value: Any) -> Any:
        if is_dataclass(value):
            return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
        if isinstance(value, Mapping):
            return {str(key): plain(item) for key, item in value.items()}
        return sorted(value) if isinstance(value, frozenset) else value

    return json.dumps([plain(sources.events), plain(sources.customers)], sort_keys=True, default=plain)


# --- from the index to a state ----------------------------------------------------------------------------------


def _state(index: Index, wanted: _Wanted, sources: Sources) -> State:
    texts = _Vocabularies(index)
    ids = texts["ids"]
    customers = sources.customers is not None
    attributes = {
        name: texts.column(f"attributes/{name}", name, index.meta["attributes"][name])
        for name in (wanted.attributes if customers else ())
    }
    return State(
        ids=ids,
        id_rank=index.read("rank") if len(ids) else np.empty(0, np.int64),
        member=index.read("member") if customers else None,
        attributes=attributes,
        events={event: _table(index, texts, event, kinds) for event, kinds in wanted.events.items()},
        lists={name: index.read(f"lists/{name}") for name in sources.lists},
        first_seen=np.full(len(ids), NO_INSTANT, np.int64) if customers else index.read("first_seen"),
    )


class _Vocabularies(dict[str, Texts]):
    """The vocabularies of an index by name, each made once."""

    def __init__(self, index: Index) -> None:
        self._index = index

    def __missing__(self, name: str) -> Texts:
        lists = name.startswith("lists/")
        self[name] = found = Texts(self._index.read(f"{name}/data"), self._index.read(f"{name}/ends"), lists=lists)
        return found

    def column(self, key: str, name: str, known: Mapping[str, Any]) -> Column:
        kind: Type = known["kind"]
        coded = kind in ("text", "version", "list")
        return Column(
            kind, self._index.read(key), self[vocabulary_name(name, kind)] if coded else None, known.get("scale")
        )


def _table(index: Index, texts: _Vocabularies, event: str, kinds: Mapping[str, Type]) -> EventTable:
    known = index.meta["events"][event]
    return EventTable(
        customer=index.read(f"events/{event}/customer"),
        time=index.read(f"events/{event}/time"),
        properties={
            name: texts.column(f"properties/{event}/{name}", name, known["properties"][name]) for name in kinds
        },
        summary=Summary(
            known["summary"], *(index.read(f"events/{event}/{part}") for part in ("last", "first", "count"))
        ),
    )


def _left_out(index: Index, sources: Sources) -> list[Diagnostic]:
    """How many rows of each source say no customer, no time or no event."""
    found = []
    for source, known in zip(sources.events, index.meta["sources"], strict=True):
        rows, *lost = known.get("left", (0, 0, 0, 0))
        for count, what in zip(lost, ("customer", "time", "event name"), strict=True):
            if count:
                message = f"{count:,} of {rows:,} rows have no {what} and are left out"
                found.append(finding("W403", message, _place(source), warning=True))
    rows, lost = index.meta["customers"].get("left", (0, 0))
    if lost and sources.customers is not None:
        message = f"{lost:,} of {rows:,} rows have no customer id and are left out"
        found.append(finding("W403", message, _place(sources.customers), warning=True))
    return found


def _place(source: EventSource | CustomerSource) -> str:
    return (source.table.table or "") if source.table.format == "postgres" else shown(source.table.location)
