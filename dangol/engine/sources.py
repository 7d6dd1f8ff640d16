"""Where customers and events come from, as declared: no data library is imported here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from dangol.engine.ir import Type

Format = Literal["csv", "jsonl", "parquet", "duckdb", "postgres"]


@dataclass(frozen=True)
class Table:
    """Rows somewhere: a file or glob (absolute, already checked to lie in the project or given on a command line),
    a DuckDB file with `table`, or a PostgreSQL URL with `table` (`schema.table` allowed)."""

    location: str
    format: Format
    table: str | None = None


@dataclass(frozen=True)
class EventSource:
    """A table of events.

    Either all rows are of one event (`event`) or `event_column` names it; `aliases` maps the source's event names to
    those of the catalog, `only` (when not None) are the source's event names that are taken. `properties` maps
    property names to columns; None takes every other column by its own name. `zone` is of times without an offset.
    `id_column`: rows with the same id count once (the first). `where`: a condition in the language over the table's
    columns; rows for which it is false are left out. `types` override discovery, by property name.
    """

    table: Table
    customer: str
    time: str
    event: str | None = None
    event_column: str | None = None
    aliases: Mapping[str, str] = field(default_factory=dict)
    only: frozenset[str] | None = None
    properties: Mapping[str, str] | None = None
    id_column: str | None = None
    zone: str = "UTC"
    where: str | None = None
    types: Mapping[str, Type] = field(default_factory=dict)


@dataclass(frozen=True)
class CustomerSource:
    """The customers table: one row per id; `attributes` as `properties` of an event source."""

    table: Table
    id: str
    attributes: Mapping[str, str] | None = None
    zone: str = "UTC"
    where: str | None = None
    types: Mapping[str, Type] = field(default_factory=dict)


@dataclass(frozen=True)
class Sources:
    """All data of a project. `lists` are files of customer ids (a CSV column `id`, or its first column)."""

    events: tuple[EventSource, ...] = ()
    customers: CustomerSource | None = None
    lists: Mapping[str, Path] = field(default_factory=dict)
