"""Any declared table as one SQL relation with columns that keep what the source said."""

from __future__ import annotations

import csv
import glob
import gzip
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Literal, Protocol

from dangol.diagnostics import DangolError, did_you_mean
from dangol.engine.catalog import normal
from dangol.engine.sources import Table
from dangol.engine.state.notes import finding, shown
from dangol.engine.state.sql import identifier, quoted

if TYPE_CHECKING:
    from dangol.engine.state.session import Session

Form = Literal["csv", "json", "text", "integer", "number", "boolean", "instant", "local", "date", "list", "other"]
"""What the source itself says of a column: `csv` and `json` say nothing of it as a whole, `local` is a time without
offset."""

MAX_LINE = 10_000_000


class Part(Protocol):
    """Rows of one shape; `select` gives them as columns f0, f1, … (NULL for a column it does not have)."""

    def select(self, names: Sequence[str]) -> str: ...


@dataclass(frozen=True)
class Relation:
    """A table as it can be queried. `forms` are its columns, in order; `place` is how the user knows it."""

    parts: tuple[Part, ...]
    forms: Mapping[str, Form]
    place: str

    def select(self, names: Sequence[str]) -> str:
        """Rows in source order with the columns `names` as f0, f1, …"""
        return " UNION ALL ".join(part.select(names) for part in self.parts) or _nothing(names)

    def require(self, name: str, role: str) -> str:
        """`name`, if the table has such a column."""
        if normal(name) in self.forms:
            return normal(name)
        hints = did_you_mean(name, self.forms) or (f"the columns are: {', '.join(self.forms)}",)
        raise DangolError(finding("E403", f"there is no column `{name}` for {role}", self.place, hints=hints))


def _nothing(names: Sequence[str]) -> str:
    columns = ", ".join(f"NULL::VARCHAR AS f{i}" for i in range(len(names))) or "NULL AS nothing"
    return f"SELECT {columns} WHERE false"


@dataclass(frozen=True)
class Columns:
    """A FROM item with columns of known SQL expressions."""

    source: str
    expressions: Mapping[str, str]

    def select(self, names: Sequence[str]) -> str:
        found = [f"{self.expressions.get(name, 'NULL')} AS f{i}" for i, name in enumerate(names)]
        return f"SELECT {', '.join(found) or '1 AS nothing'} FROM {self.source}"


@dataclass(frozen=True)
class Objects:
    """JSON objects, one a line; each is parsed once however many keys are asked for."""

    paths: tuple[str, ...]

    def source(self) -> str:
        listed = ", ".join(quoted(path) for path in self.paths)
        return f"read_json_objects([{listed}], format = 'newline_delimited', maximum_object_size = {MAX_LINE})"

    def select(self, names: Sequence[str]) -> str:
        pointers = ", ".join(quoted("/" + name.replace("~", "~0").replace("/", "~1")) for name in names)
        columns = ", ".join(f"l[{i + 1}] AS f{i}" for i in range(len(names))) or "1 AS nothing"
        return f"SELECT {columns} FROM (SELECT json_extract(json, [{pointers}]::VARCHAR[]) AS l FROM {self.source()})"


# --- files ------------------------------------------------------------------------------------------------------

_ENDINGS = {
    "csv": ("*.csv", "*.csv.gz"),
    "jsonl": ("*.jsonl", "*.ndjson", "*.json", "*.jsonl.gz"),
    "parquet": ("*.parquet",),
}


def files(table: Table) -> tuple[str, ...]:
    """The files a location stands for, in name order: itself, a glob's, or a folder's of that format."""
    path = Path(table.location)
    if path.is_dir():
        found = [str(file) for ending in _ENDINGS.get(table.format, ()) for file in path.rglob(ending)]
    elif path.exists():
        found = [str(path)]
    else:
        found = [name for name in glob.glob(table.location, recursive=True) if Path(name).is_file()]
    if not found:
        raise DangolError(_not_found(table))
    return tuple(sorted(set(found)))


def _not_found(table: Table):  # type: ignore[no-untyped-def]
    path = Path(table.location)
    place = shown(table.location)
    if path.is_dir():
        return finding("E401", f"the folder `{place}` has no {table.format} files", place)
    siblings = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
    return finding("E401", f"there is no file `{place}`", place, hints=did_you_mean(path.name, siblings))


def relation(session: Session, table: Table, paths: Sequence[str] | None = None) -> Relation:
    """The table as a relation; `paths` are the files to read when not all of them."""
    place = shown(table.location) if table.format != "postgres" else (table.table or "postgres")
    if table.format == "postgres":
        from dangol.engine.state.postgres import copied

        return _native(session, copied(session, table), place)
    if table.format == "duckdb":
        return _attached(session, table, place)
    chosen = files(table) if paths is None else paths
    if table.format == "csv":
        return _csv(chosen, place)
    if table.format == "jsonl":
        return _jsonl(session, chosen, place)
    return _parquet(session, chosen, place)


# --- CSV --------------------------------------------------------------------------------------------------------


def _csv(paths: Sequence[str], place: str) -> Relation:
    """Every column as text. Files with the same header are read together."""
    groups: list[tuple[tuple[str, tuple[str, ...]], list[str]]] = []
    for path in paths:
        header = csv_header(path)
        if groups and groups[-1][0] == header:
            groups[-1][1].append(path)
        elif header[1]:
            groups.append((header, [path]))
    if not groups:
        raise DangolError(finding("E402", "the file is empty: not even a header", place))
    names = dict.fromkeys(name for (_, header), _ in groups for name in header)
    parts = tuple(_csv_part(delimiter, header, grouped) for (delimiter, header), grouped in groups)
    return Relation(parts, dict.fromkeys(names, "csv"), place)


def _csv_part(delimiter: str, header: tuple[str, ...], paths: Sequence[str]) -> Columns:
    listed = ", ".join(quoted(path) for path in paths)
    columns = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(len(header)))
    reader = (
        f"read_csv([{listed}], columns = {{{columns}}}, header = true, auto_detect = false,"
        f" delim = {quoted(delimiter)}, quote = '\"', escape = '\"', strict_mode = true, max_line_size = {MAX_LINE})"
    )
    return Columns(reader, {name: f"nullif(c{i}, '')" for i, name in enumerate(header)})


def csv_header(path: str) -> tuple[str, tuple[str, ...]]:
    """The delimiter (of comma, semicolon, tab and bar the one the first line has most of) and the column names."""
    line = _first_record(path)
    delimiter = max(",;\t|", key=line.count)
    names = tuple(normal(name.strip()) for name in next(csv.reader(io.StringIO(line), delimiter=delimiter), []))
    twice = next((name for name in names if names.count(name) > 1 and name), None)
    if twice is not None:
        message = f"the column `{twice}` stands twice in the header"
        raise DangolError(finding("E402", message, shown(path), hints=("rename one of the two",)))
    return delimiter, names


def _first_record(path: str) -> str:
    message, hint = "", ""
    try:
        with opened(path) as file:
            record = file.readline(MAX_LINE)
            while record.count(b'"') % 2 and (more := file.readline(MAX_LINE)):
                record += more
            return record.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError:
        message, hint = "the header is not UTF-8 text", "save the file as UTF-8"
    except EOFError:
        message, hint = "the compressed file ends too early or is damaged", "copy it again"
    except OSError as error:
        message = f"the file cannot be read: {error.strerror or error}"
    raise DangolError(finding("E404", message, shown(path), hints=(hint,) if hint else ()))


def opened(path: str) -> IO[bytes]:
    """The file as bytes, unpacked if it is compressed."""
    return gzip.open(path, "rb") if path.endswith(".gz") else Path(path).open("rb")  # type: ignore[return-value]


# --- JSON Lines, Parquet, DuckDB --------------------------------------------------------------------------------


def _jsonl(session: Session, paths: Sequence[str], place: str) -> Relation:
    objects = Objects(tuple(paths))
    keys = session.rows(
        f"SELECT key, min(row) FROM (SELECT unnest(json_keys(json)) AS key, row_number() OVER () AS row"
        f" FROM {objects.source()} WHERE json_type(json) = 'OBJECT') GROUP BY key ORDER BY 2, 1"
    )
    return Relation((objects,), {key: "json" for key, _ in keys} if keys else _Anything(), place)


class _Anything(dict[str, Form]):
    """The columns of a file without lines: none is known, any may come."""

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> Form:
        return "json"


def _parquet(session: Session, paths: Sequence[str], place: str) -> Relation:
    listed = ", ".join(quoted(path) for path in paths)
    union = ", union_by_name = true" if len(paths) > 1 else ""
    return _native(session, f"read_parquet([{listed}], hive_partitioning = false{union})", place)


def _attached(session: Session, table: Table, place: str) -> Relation:
    (path,) = files(table)
    alias = session.name("file")
    session.run(f"ATTACH {quoted(path)} AS {alias} (READ_ONLY)")
    known = [
        (schema, name)
        for schema, name in session.rows(
            "SELECT table_schema, table_name FROM information_schema.tables WHERE table_catalog = ?", alias
        )
    ]
    wanted = table.table or (known[0][1] if len(known) == 1 else "")
    for schema, name in known:
        if wanted in (name, f"{schema}.{name}"):
            return _native(session, f"{alias}.{identifier(schema)}.{identifier(name)}", f"{place}:{name}")
    hints = did_you_mean(wanted, [name for _, name in known]) or (
        f"the tables are: {', '.join(name for _, name in known)}",
    )
    raise DangolError(finding("E403", f"there is no table `{wanted}`", place, hints=hints))


def _native(session: Session, source: str, place: str) -> Relation:
    described = session.rows(f"DESCRIBE SELECT * FROM {source}")
    forms = {normal(row[0]): _form(row[1]) for row in described}
    return Relation((Columns(source, {normal(row[0]): _exact(row[0], row[1]) for row in described}),), forms, place)


def _exact(name: str, kind: str) -> str:
    """SQL: the column; a single-precision 19.99 is the decimal it is written as, not 19.98999977."""
    column = identifier(name)
    return f"CAST(CAST({column} AS VARCHAR) AS DOUBLE)" if kind == "FLOAT" else column


def _form(kind: str) -> Form:
    if kind.startswith(("ENUM", "VARCHAR", "UUID")):
        return "list" if kind == "VARCHAR[]" else "text" if not kind.endswith("]") else "other"
    if kind.endswith("]"):
        return "other"
    for start, form in _FORMS:
        if kind.startswith(start):
            return form
    return "other"


_FORMS: tuple[tuple[str | tuple[str, ...], Form], ...] = (
    ("TIMESTAMP WITH TIME ZONE", "instant"),
    ("TIMESTAMP", "local"),
    ("DATE", "date"),
    ("BOOLEAN", "boolean"),
    (
        (
            "TINYINT",
            "SMALLINT",
            "INTEGER",
            "BIGINT",
            "HUGEINT",
            "UTINYINT",
            "USMALLINT",
            "UINTEGER",
            "UBIGINT",
            "UHUGEINT",
        ),
        "integer",
    ),
    (("FLOAT", "DOUBLE", "DECIMAL"), "number"),
    ("JSON", "json"),
)
