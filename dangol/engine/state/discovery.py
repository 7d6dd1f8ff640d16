"""The catalog of what is declared, found by looking at every value once and remembered per state of the source."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from dangol.diagnostics import DangolError, Diagnostic
from dangol.engine.catalog import RESERVED, Catalog, Mixed, normal
from dangol.engine.ir import Type
from dangol.engine.sources import CustomerSource, EventSource, Sources
from dangol.engine.state.growth import Growth, Mark, growth, mark, readable
from dangol.engine.state.kinds import Seen, kind_of
from dangol.engine.state.notes import finding, shown
from dangol.engine.state.sealed import read_sealed, write_sealed

CACHE = "catalog.json"
_FORMAT = 2
Kinds = dict[str, Type | Mixed]


def discover(sources: Sources, directory: Path | None = None) -> tuple[Catalog, tuple[Diagnostic, ...]]:
    """The catalog of the sources as they are, and warnings about what was left out.

    Groups are not known to the sources. What was seen is kept under `directory`, so that it is read again only where
    a source has changed, and a source that has only grown just in its new part. Raises DangolError for a source that
    cannot be read; all of them are tried.
    """
    memory = _Memory(directory)
    found: list[Diagnostic] = []
    seen: dict[int, Seen] = {}
    tables: list[EventSource | CustomerSource] = [*sources.events, *([sources.customers] if sources.customers else [])]
    for place, source in enumerate(tables):
        try:
            seen[place] = memory.seen(source)
        except DangolError as error:
            found += error.diagnostics
    if found:
        raise DangolError(*found)
    memory.keep()
    gathering = _Gathering(sources)
    for place, source in enumerate(tables):
        gathering.take(source, seen[place])
    return gathering.catalog(), tuple(gathering.findings)


class _Memory:
    """What was seen of each source and when; a session is only opened where there is something to read."""

    def __init__(self, directory: Path | None) -> None:
        self._path = directory / CACHE if directory else None
        cached = read_sealed(self._path) if self._path else None
        known = isinstance(cached, dict) and cached.get("format") == _FORMAT
        self._known: dict[str, Any] = cached["sources"] if known and cached else {}
        self._kept: dict[str, Any] = {}
        self._changed = False

    def seen(self, source: EventSource | CustomerSource) -> Seen:
        view = _View.of(source)
        key = json.dumps(
            [repr(source.table), view.event, view.columns, sorted(view.settled), source.where, source.zone]
        )
        entry = self._known.get(key)
        old = Mark.from_json(entry["mark"]) if entry else None
        change = growth(old, source.table)
        if entry and not change:
            self._kept[key] = entry
            return Seen(entry["forms"], entry["masks"])
        now = mark(source.table)
        found = _look(source, view, change, now)
        if entry and not change.anew:
            found = Seen(entry["forms"], entry["masks"]) | found
        self._kept[key] = {"mark": now.to_json(), "forms": dict(found.forms), "masks": found.masks}
        self._changed = True
        return found

    def keep(self) -> None:
        if self._path is not None and (self._changed or self._kept.keys() != self._known.keys()):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_sealed(self._path, {"format": _FORMAT, "sources": self._kept})


@dataclass(frozen=True)
class _View:
    """Which columns of a source are looked at: those that are mapped (None: all), but none that is settled."""

    event: str | None
    columns: list[str] | None
    settled: frozenset[str]

    @classmethod
    def of(cls, source: EventSource | CustomerSource) -> _View:
        if isinstance(source, EventSource):
            mapped, event = source.properties, source.event_column
            roles = {source.customer, source.time, source.event_column, source.id_column}
        else:
            mapped, event, roles = source.attributes, None, {source.id}
        settled = {(mapped or {}).get(name, name) for name in source.types} | roles
        columns = None if mapped is None else sorted({normal(column) for column in mapped.values()})
        return cls(event, columns, frozenset(normal(name) for name in settled if name))

    def names(self, forms: Iterable[str]) -> list[str]:
        return [name for name in forms if name not in self.settled and (self.columns is None or name in self.columns)]


def _look(source: EventSource | CustomerSource, view: _View, change: Growth, now: Mark) -> Seen:
    from dangol.engine.state.filter import filter_of
    from dangol.engine.state.looking import look
    from dangol.engine.state.session import session
    from dangol.engine.state.tables import relation

    with TemporaryDirectory(prefix="dangol-") as scratch, session(Path(scratch)) as opened:
        table = relation(opened, source.table, readable(change, now, source.table, Path(scratch)))
        where = filter_of(source.where, table, source.zone)
        return look(opened, table, view.event, view.names(table.forms), where)


# --- from what was seen to a catalog ----------------------------------------------------------------------------


class _Gathering:
    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._attributes: Kinds = {}
        self._events: dict[str, Kinds] = {}
        self.findings: list[Diagnostic] = []

    def catalog(self) -> Catalog:
        return Catalog(
            attributes=self._attributes,
            events=self._events,
            lists=frozenset(self._sources.lists),
            has_customers=self._sources.customers is not None,
        )

    def take(self, source: EventSource | CustomerSource, seen: Seen) -> None:
        if isinstance(source, CustomerSource):
            columns = self._columns(source.attributes, {source.id}, source, seen, "attributes")
            masks = _merged(seen)
            self._attributes.update(_kinds(columns, masks, seen, source.types, all_columns=True))
        elif source.event_column is None:
            self._event(source, source.event or "", seen, _merged(seen))
        else:
            for name in sorted(seen.masks):
                self._named(source, name, seen, seen.masks[name])

    def _named(self, source: EventSource, name: str, seen: Seen, masks: Mapping[str, int]) -> None:
        if source.only is not None and name not in source.only:
            return
        known = source.aliases.get(name, name)
        if is_word(known) and known not in RESERVED:
            self._event(source, known, seen, masks)
            return
        hint = f"give it a name under `events:`: `{as_word(name)}: {{from: {json.dumps(name, ensure_ascii=False)}}}`"
        self._warn(source, f"the event `{name}` cannot be written in a line, so it is left out", hint)

    def _event(self, source: EventSource, name: str, seen: Seen, masks: Mapping[str, int]) -> None:
        roles = {source.customer, source.time, source.event_column, source.id_column} - {None}
        columns = self._columns(source.properties, roles, source, seen, "properties")  # type: ignore[arg-type]
        known = self._events.setdefault(name, {})
        for column, kind in _kinds(columns, masks, seen, source.types).items():
            other = known.setdefault(column, kind)
            if other != kind:
                known[column] = Mixed(tuple(sorted({*_names(other), *_names(kind)})))

    def _columns(
        self,
        declared: Mapping[str, str] | None,
        roles: Iterable[str],
        source: EventSource | CustomerSource,
        seen: Seen,
        key: str,
    ) -> dict[str, str]:
        """The catalog's name → the source's column, of what can be used."""
        if declared is not None:
            return {normal(name): normal(column) for name, column in declared.items()}
        taken = {normal(role) for role in roles}
        columns = {}
        for column in seen.forms:
            if column in taken or not column:
                continue
            if is_word(column) and column not in RESERVED:
                columns[column] = column
            else:
                hint = f"name it under `{key}`: `{as_word(column)}: {json.dumps(column, ensure_ascii=False)}`"
                self._warn(source, f"the column `{column}` cannot be written in a line, so it is left out", hint)
        return columns

    def _warn(self, source: EventSource | CustomerSource, message: str, hint: str) -> None:
        place = source.table.table if source.table.format == "postgres" else shown(source.table.location)
        found = finding("W401", message, place or "", hints=(hint,), warning=True)
        if found not in self.findings:
            self.findings.append(found)


def _kinds(
    columns: Mapping[str, str],
    masks: Mapping[str, int],
    seen: Seen,
    types: Mapping[str, Type],
    *,
    all_columns: bool = False,
) -> Kinds:
    """The types of the columns that have a value or are declared; an attribute without any value is a text."""
    found: Kinds = {}
    for name, column in columns.items():
        form = seen.forms.get(column)
        kind = types.get(name) or (kind_of(masks.get(column, 0), form) if form else None)
        if kind is None and all_columns and form not in (None, "other") and not masks.get(column, 0):
            kind = "text"
        if kind is not None:
            found[name] = kind
    return found


def _merged(seen: Seen) -> dict[str, int]:
    merged = dict.fromkeys(seen.forms, 0)
    for masks in seen.masks.values():
        for column, bits in masks.items():
            merged[column] = merged.get(column, 0) | bits
    return merged


def _names(kind: Type | Mixed) -> tuple[str, ...]:
    return kind.kinds if isinstance(kind, Mixed) else (kind,)


def is_word(name: str) -> bool:
    """Whether a name can stand in a line as it is."""
    return re.fullmatch(r"[^\W\d]\w*", name) is not None


def as_word(name: str) -> str:
    """A name like it that can stand in a line: `Order Completed` → `order_completed`."""
    word = re.sub(r"\W+", "_", name).strip("_").lower() or "event"
    return f"n_{word}" if word[0].isdigit() or word in RESERVED else word
