"""What dangol.yaml declares, as the engine takes it: sources, vocabulary, channels. No data is read."""

from __future__ import annotations

import os
import re
import zoneinfo
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from dangol.diagnostics import Diagnostic, Line, diagnose, did_you_mean
from dangol.engine.catalog import RESERVED, RESERVED_CHANNELS, Catalog, Mixed, normal
from dangol.engine.ir import Type
from dangol.engine.sources import CustomerSource, EventSource, Format, Sources, Table
from dangol.playbook.model import TYPES, Config, CustomersModel, EventsModel, Name, TableModel

_WORD = re.compile(r"[^\W\d]\w*")
_URL = re.compile(r"postgres(?:ql)?://")
_SUFFIXES: Mapping[str, Format] = {
    ".csv": "csv", ".tsv": "csv", ".txt": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl",
    ".parquet": "parquet", ".pq": "parquet",
}  # fmt: skip
_COMPRESSED = (".gz", ".zst")

Typed = dict[str, Type]


@dataclass
class Declared:
    """Sources and the declared part of the catalog; `unset` are what only matters once data is read."""

    sources: Sources = field(default_factory=Sources)
    catalog: Catalog = field(default_factory=Catalog)
    zone: str = "UTC"
    unset: list[Diagnostic] = field(default_factory=list)


def is_word(name: str) -> bool:
    return _WORD.fullmatch(normal(name)) is not None


def declare(config: Config, root: Path) -> tuple[Declared, list[Diagnostic]]:
    """The project that a dangol.yaml describes, and what is wrong with it."""
    return _Declaring(config, root).declare()


def zone_of(line: Line | None, default: str, found: list[Diagnostic]) -> str:
    """The time zone a line names, if there is one."""
    if line is None:
        return default
    try:
        zoneinfo.ZoneInfo(line.text)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        hints = did_you_mean(line.text, zoneinfo.available_timezones()) or ("such as Asia/Seoul or Europe/Berlin",)
        found.append(diagnose("E020", f"`{line.text[:60]}` is not a time zone", line, hints=hints))
        return default
    return line.text


class _Declaring:
    def __init__(self, config: Config, root: Path) -> None:
        self.config, self.root = config, root.resolve()
        self.found: list[Diagnostic] = []
        self.unset: list[Diagnostic] = []

    def declare(self) -> tuple[Declared, list[Diagnostic]]:
        self.zone = zone_of(self.config.timezone, "UTC", self.found)
        self._names()
        data = self.config.data
        sources = Sources(
            tuple(source for model in data.events if (source := self._events(model)) is not None),
            self._customers(data.customers) if data.customers is not None else None,
            {
                normal(name): path
                for name, line in self.config.lists.items()
                if (path := inside(self.root, line, self.found)) is not None
            },
        )
        return Declared(sources, self._catalog(), self.zone, self.unset), self.found

    # --- names --------------------------------------------------------------------------------------------------

    def _names(self) -> None:
        """Every name of the vocabulary is a word, not reserved, and one thing."""
        seen: dict[str, tuple[str, Name]] = {}
        config = self.config
        for kind, names in (
            ("an attribute", config.attributes),
            ("an event", config.events),
            ("an event group", config.groups),
            ("a list", config.lists),
        ):
            for name in cast(Iterable[Name], names):
                self._word(name, RESERVED)
                known_kind, known = seen.setdefault(normal(name), (kind, name))
                if known is not name:
                    first = diagnose("", "", known.line)
                    message = f"`{name}` is already {known_kind}; one name is one thing"
                    hint = f"first in {first.file}:{first.line}:{first.column}"
                    self.found.append(diagnose("E029", message, name.line, hints=(hint,)))
        for name in config.channels:
            self._word(name, RESERVED_CHANNELS)

    def _word(self, name: Name, reserved: frozenset[str]) -> None:
        if normal(name) in reserved:
            self.found.append(diagnose("E028", f"`{name}` is a word of the language; choose another name", name.line))
        elif not is_word(name):
            hints = (f'give it a name of its own: `{as_word(name)}: {{from: "{name}"}}`',)
            message = f"`{name[:60]}` is not a name: letters, digits and `_` only"
            self.found.append(diagnose("E028", message, name.line, hints=hints if name in self.config.events else ()))

    # --- vocabulary ---------------------------------------------------------------------------------------------

    def _catalog(self) -> Catalog:
        config = self.config
        events: dict[str, Mapping[str, Type | Mixed]] = {
            normal(model.name.text): {} for model in config.data.events if model.name is not None
        }
        events |= {normal(name): self._types(properties) for name, properties in config.events.items()}
        return Catalog(
            attributes=dict(self._attributes()),
            events=events,
            groups={normal(name): tuple(normal(m.text) for m in lines) for name, lines in config.groups.items()},
            lists=frozenset(normal(name) for name in config.lists),
            has_customers=config.data.customers is not None,
        )

    def _attributes(self) -> Typed:
        return {normal(name): cast(Type, line.text) for name, line in self.config.attributes.items()}

    def _types(self, properties: Mapping[Name, Line]) -> Typed:
        types: Typed = {}
        for name, line in properties.items():
            if name == "from":
                continue
            if line.text not in TYPES:
                message = f"a type is {', '.join(TYPES[:-1])} or {TYPES[-1]}, not `{line.text[:60]}`"
                self.found.append(diagnose("E027", message, line, hints=did_you_mean(line.text, TYPES)))
            else:
                types[normal(name)] = cast(Type, line.text)
        return types

    # --- sources ------------------------------------------------------------------------------------------------

    def _customers(self, model: CustomersModel) -> CustomerSource | None:
        table = self._table(model)
        if table is None:
            return None
        return CustomerSource(
            table,
            id=_text(model.id, "id"),
            attributes=_columns(model.attributes),
            zone=zone_of(model.timezone, self.zone, self.found),
            where=model.where.text if model.where is not None else None,
            types=self._attributes(),
        )

    def _events(self, model: EventsModel) -> EventSource | None:
        table = self._table(model)
        name = normal(model.name.text) if model.name is not None else None
        if model.name is not None and not is_word(model.name.text):
            message = f"`{model.name.text[:60]}` is not a name: letters, digits and `_` only"
            self.found.append(diagnose("E028", message, model.name))
        if table is None:
            return None
        return EventSource(
            table,
            customer=_text(model.customer, "customer"),
            time=_text(model.time, "time"),
            event=name,
            event_column=_text(model.event, "event") if name is None else None,
            aliases=self._aliases() if name is None else {},
            only=frozenset(line.text for line in model.only) if model.only is not None else None,
            properties=_columns(model.properties),
            id_column=model.id.text if model.id is not None else None,
            zone=zone_of(model.timezone, self.zone, self.found),
            where=model.where.text if model.where is not None else None,
            types=self._source_types(name),
        )

    def _aliases(self) -> dict[str, str]:
        events = self.config.events.items()
        return {own[0].text: normal(name) for name, properties in events if (own := _from(properties))}

    def _source_types(self, event: str | None) -> Typed:
        """Declared types of the properties of a source; one column has one type, whatever the event."""
        types: Typed = {}
        lines: dict[str, Line] = {}
        for name, properties in self.config.events.items():
            if event is not None and normal(name) != event:
                continue
            for prop, line in properties.items():
                kind = types.setdefault(normal(prop), cast(Type, line.text)) if line.text in TYPES else line.text
                first = lines.setdefault(normal(prop), line)
                if prop != "from" and line.text in TYPES and kind != line.text:
                    place = diagnose("", "", first)
                    message = f"`{prop}` is {line.text} here and {kind} in line {place.line}; a column has one type"
                    self.found.append(diagnose("E025", message, line))
        return {name: kind for name, kind in types.items() if name != "from" and kind in TYPES}

    def _table(self, model: TableModel) -> Table | None:
        if model.file is not None:
            return self._file(model, model.file)
        assert model.database is not None
        assert model.table is not None
        location = self._location(model.database)
        if location is None:
            return None
        if _URL.match(location) or model.database.text.startswith("env:"):
            return Table(location, "postgres" if _URL.match(location) or not location else "duckdb", model.table.text)
        path = inside(self.root, model.database, self.found)
        return Table(str(path), "duckdb", model.table.text) if path is not None else None

    def _location(self, line: Line) -> str | None:
        """A database as written, or from the environment variable that `env:NAME` names."""
        if not line.text.startswith("env:"):
            return line.text
        name = line.text.removeprefix("env:").strip()
        value = os.environ.get(name, "")
        if not value:
            message = f"the environment variable {name} is not set"
            self.unset.append(diagnose("E024", message, line, hints=(f"export {name}=postgresql://…",)))
        return value

    def _file(self, model: TableModel, line: Line) -> Table | None:
        path = inside(self.root, line, self.found)
        if path is None:
            return None
        if model.format is not None:
            return Table(str(path), cast(Format, model.format.text))
        name = line.text.lower()
        for suffix in _COMPRESSED:
            name = name.removesuffix(suffix)
        kind = _SUFFIXES.get(Path(name).suffix)
        if kind is None:
            message = "what kind of file is this? Its name does not say"
            hints = ("add `format: csv`, `format: jsonl` or `format: parquet`",)
            self.found.append(diagnose("E023", message, line, hints=hints))
            return None
        return Table(str(path), kind)


def inside(root: Path, line: Line, found: list[Diagnostic]) -> Path | None:
    """The path a line names, if it and all it matches lie in the project, links followed; else a finding."""
    try:
        path = root / line.text
        matches = root.glob(line.text) if any(char in line.text for char in "*?[") else [path]
        beneath = ".." not in Path(line.text).parts and not Path(line.text).is_absolute()
        if beneath and all(one.resolve().is_relative_to(root) for one in [_fixed(path), *matches]):
            return path
    except (OSError, ValueError, RuntimeError, NotImplementedError, IndexError):
        found.append(diagnose("E022", "this is not a path of a file", line))
        return None
    hints = ("copy it (or what it links to) into the project",)
    found.append(diagnose("E022", "a project reads only its own files; this lies outside", line, hints=hints))
    return None


def _fixed(path: Path) -> Path:
    """The part of a glob before its first pattern."""
    parts = path.parts
    first = next((i for i, part in enumerate(parts) if any(char in part for char in "*?[")), len(parts))
    return Path(*parts[:first])


def _text(line: Line | None, default: str) -> str:
    return line.text if line is not None else default


def _columns(names: Mapping[Name, Line] | None) -> dict[str, str] | None:
    return {normal(name): line.text for name, line in names.items()} if names is not None else None


def _from(properties: Mapping[Name, Line]) -> tuple[Line, ...]:
    return tuple(line for name, line in properties.items() if name == "from")


def as_word(name: str) -> str:
    word = re.sub(r"\W+", "_", name).strip("_").lower()
    return word if is_word(word) and word not in RESERVED else "my_event"
