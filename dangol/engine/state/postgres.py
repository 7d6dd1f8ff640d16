"""A PostgreSQL table, streamed into the session; DuckDB's own extension would have to be downloaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dangol.diagnostics import DangolError
from dangol.engine.sources import Table
from dangol.engine.state.notes import finding
from dangol.engine.state.session import Session
from dangol.engine.state.sql import identifier

if TYPE_CHECKING:
    import psycopg

_ROWS = 50_000
_KINDS = {
    "int2": "BIGINT",
    "int4": "BIGINT",
    "int8": "BIGINT",
    "numeric": "DOUBLE",
    "float4": "DOUBLE",
    "float8": "DOUBLE",
    "bool": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "timestamptz": "TIMESTAMPTZ",
    "_text": "VARCHAR[]",
    "_varchar": "VARCHAR[]",
}


def copied(session: Session, table: Table) -> str:
    """The name of a session table with the rows of the PostgreSQL table, kinds as they are there."""
    with _Connected(table) as connection:
        columns = _columns(connection, table)
        target = session.name("postgres")
        declared = ", ".join(f"{identifier(name)} {_KINDS.get(kind, 'VARCHAR')}" for name, kind in columns)
        session.run(f"CREATE TEMP TABLE {target} ({declared})")
        casts = ", ".join(identifier(n) + ("" if k in _KINDS else "::text") for n, k in columns)
        _stream(session, connection, f"SELECT {casts} FROM {_name(table)}", target)
        return target


def _stream(session: Session, connection: psycopg.Connection[Any], sql: str, target: str) -> None:
    import pandas as pd

    with connection.cursor("dangol") as cursor:
        cursor.itersize = _ROWS
        cursor.execute(sql)
        while rows := cursor.fetchmany(_ROWS):
            frame = pd.DataFrame(rows, columns=[f"c{i}" for i in range(len(rows[0]))], dtype=object)
            session.insert(target, frame)


def digest(table: Table) -> str:
    """A fingerprint of the table's rows, whatever their order; computed by the server."""
    with _Connected(table) as connection:
        hashes = "('x' || substr(md5(t::text), 1, 15))::bit(60)::bigint"
        sql = f"SELECT count(*), coalesce(sum({hashes}), 0) FROM {_name(table)} t"
        row = connection.execute(sql).fetchone()
        return ":".join(map(str, row or ()))


def _columns(connection: psycopg.Connection[Any], table: Table) -> list[tuple[str, str]]:
    """Names and types of the columns; those of arrays begin with an underscore."""
    cursor = connection.execute(f"SELECT * FROM {_name(table)} LIMIT 0")
    found = []
    for column in cursor.description or ():
        info = connection.adapters.types.get(column.type_code)
        kind = info.name if info else "text"
        found.append((column.name, kind if info is None or info.oid == column.type_code else f"_{kind}"))
    return found


def _name(table: Table) -> str:
    return ".".join(identifier(part) for part in (table.table or "").split("."))


class _Connected:
    """A read-only connection whose failures are diagnostics; the password is never shown."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def __enter__(self) -> psycopg.Connection[Any]:
        try:
            import psycopg
        except ImportError:
            hint = "install it with `pip install 'psycopg[binary]'`"
            raise DangolError(finding("E407", "reading PostgreSQL needs psycopg", "postgres", hints=(hint,))) from None
        self._error = psycopg.Error
        try:
            self._connection = psycopg.connect(self._table.location, connect_timeout=10)
            self._connection.read_only = True
        except psycopg.Error as error:
            raise self._failure(error) from None
        return self._connection

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        self._connection.close()
        if isinstance(error, self._error):
            raise self._failure(error) from None

    def _failure(self, error: Exception) -> DangolError:
        said = (str(error).strip().splitlines() or ["no answer"])[0]
        return DangolError(finding("E407", f"PostgreSQL says: {said}", self._table.table or "postgres"))
