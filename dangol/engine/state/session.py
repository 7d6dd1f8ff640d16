"""The one place that opens DuckDB: no network, no extensions, UTC, and errors in a marketer's words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
from numpy.typing import NDArray

from dangol.diagnostics import DangolError, Diagnostic
from dangol.engine.state.arrow import numbers
from dangol.engine.state.notes import finding, shown
from dangol.engine.state.sql import quoted
from dangol.engine.state.tables import opened

BATCH = 1_000_000
MEMORY = "1GB"
BUFFER = "200MB"

Batch = dict[str, NDArray[Any]]


class Session:
    """A DuckDB connection that reads sources. Scratch files go to `scratch`."""

    def __init__(self, scratch: Path | None = None) -> None:
        self._connection = duckdb.connect(
            config={
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
                "enable_external_file_cache": "false",
                "memory_limit": MEMORY,
            }
        )
        self.run("SET TimeZone = 'UTC'")
        self.run(f"SET streaming_buffer_size = {quoted(BUFFER)}")
        self.run(f"SET temp_directory = {quoted(str(scratch) if scratch else '')}")
        self._names = 0

    def name(self, kind: str) -> str:
        """A name for a table or type that no other has."""
        self._names += 1
        return f"{kind}_{self._names}"

    def run(self, sql: str, *parameters: object) -> None:
        self._connection.execute(sql, list(parameters)).fetchall()

    def rows(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        return list(self._connection.execute(sql, list(parameters)).fetchall())

    def table(self, sql: str) -> Any:
        """The whole result as an Arrow table."""
        return self._connection.sql(sql).to_arrow_table()

    def columns(self, sql: str) -> Batch:
        """The whole result, of numbers without NULL, as arrays."""
        found = self.table(sql)
        return {name: numbers(found.column(name)) for name in found.column_names}

    def batches(self, sql: str) -> Iterator[Batch]:
        """The result, of numbers without NULL, in source order."""
        for batch in self._connection.sql(sql).to_arrow_reader(BATCH):
            yield {name: numbers(batch.column(name)) for name in batch.schema.names}

    def insert(self, table: str, rows: object) -> None:
        """The rows of a table of pandas or Arrow at the end of a table of the session."""
        self._connection.register("incoming", rows)
        self.run(f"INSERT INTO {table} SELECT * FROM incoming")
        self._connection.unregister("incoming")

    def close(self) -> None:
        self._connection.close()


@contextmanager
def session(scratch: Path | None = None) -> Iterator[Session]:
    """A session for the work inside; what the reader complains of becomes a diagnostic."""
    started = Session(scratch)
    try:
        yield started
    except duckdb.InterruptException:
        raise KeyboardInterrupt from None
    except duckdb.Error as error:
        raise DangolError(_explained(str(error))) from None
    except RuntimeError as error:
        if "interrupted" not in str(error):
            raise
        raise KeyboardInterrupt from None
    finally:
        started.close()


def _explained(error: str) -> Diagnostic:
    """DuckDB's complaint about a file as one sentence with file and line."""
    line = re.search(r"[Ll]ine:? (\d+)", error)
    file = re.search(r"(?m)^\s*file = (.+)$", error) or re.search(r'file "([^"]+)"', error)
    path = file.group(1).strip() if file else ""
    place = shown(path) if path else "data"
    number = _broken_json(path) if path and "Malformed JSON" in error else int(line.group(1)) if line else 0
    where = f"line {number}" if number else "the data"
    for pattern, message, hint in _COMPLAINTS:
        found = re.search(pattern, error, re.DOTALL)
        if found:
            return finding("E404", message.format(where, *found.groups()), place, hints=(hint,) if hint else ())
    return finding("E404", f"{where} cannot be read: {error.splitlines()[0]}", place)


_COMPLAINTS = (
    (
        r"Number of Columns: (\d+) Found: (\d+)",
        "{0} has {2} fields where the header has {1}",
        "a field with a comma or a line break in it needs double quotes around it",
    ),
    (r"not utf-8|[Ii]nvalid unicode", "{0} is not UTF-8 text", "save the file as UTF-8"),
    (r"unterminated quote", "a double quote is opened in {0} and never closed", "write a quote inside a field twice"),
    (r"quote", "{0} has a double quote where none can stand", "put the whole field in quotes, inner ones twice"),
    (r"Malformed JSON", "{0} is not valid JSON", "one JSON object a line"),
    (r"GZIP", "the compressed file ends too early or is damaged", "copy it again"),
    (r"maximum.*size|over.*size", "{0} is longer than a line may be", ""),
)


def _broken_json(path: str) -> int:
    """The number of the first line that is not JSON; the reader counts otherwise."""
    try:
        with opened(path) as file:
            for number, written in enumerate(file, 1):
                try:
                    json.loads(written or b"null")
                except ValueError:
                    if written.strip():
                        return number
    except (OSError, EOFError):
        pass
    return 0
