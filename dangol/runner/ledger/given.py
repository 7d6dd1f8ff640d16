"""Rows of values as a table inside the database, so that one statement writes a whole batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy import ARRAY, ColumnElement, Connection, Executable, FromClause, Table, bindparam, func, literal, select
from sqlalchemy.dialects import postgresql, sqlite

WIDTH = 20
"""The most columns that rows may have on SQLite, where they stand in a temporary table."""

CREATE = f"CREATE TEMP TABLE given ({', '.join(f'v{n}' for n in range(WIDTH))})"
"""What a connection to SQLite begins with."""


class Given:
    """Values for columns of a table, as rows: `given["state"]` is the row's own value in a statement.

    `columns`: name → a sequence or an array, all of equal length, or one value (a text, a number, None) for every row;
    the first must be a sequence. A column that the table does not have is of yes and no. On SQLite the rows stand until
    the next ones are given on the same connection.
    """

    def __init__(self, connection: Connection, table: Table, columns: Mapping[str, Any]) -> None:
        self._connection = connection
        key = next(iter(columns))
        keys = {key, *table.primary_key.c.keys()}
        lists, alike = _parted(
            {name: listed(value) for name, value in columns.items()}, len(listed(columns[key])), keys
        )
        types = {name: table.c[name].type if name in table.c else sa.Boolean() for name in columns}
        fill = _temporary if connection.dialect.name == "sqlite" else _unnested
        self.rows, self._columns = fill(connection, lists, types)
        self._columns |= {name: literal(value, types[name]) for name, value in alike.items()}

    def __getitem__(self, name: str) -> ColumnElement[Any]:
        return self._columns[name]

    def insert(self, table: Table, columns: Mapping[str, Any], where: ColumnElement[bool] | None = None) -> int:
        """Adds a row of `table` for each one, of these values (name → expression); returns how many were new.

        Those whose unique columns are taken there are left out. where: what joins other tables that the values name.
        """
        asked = select(*columns.values()).select_from(self.rows).where(sa.true() if where is None else where)
        return self.run(insert_new(self._connection, table).from_select(list(columns), asked))

    def run(self, statement: Executable) -> int:
        """Executes a statement over the rows; returns how many it wrote."""
        done = self._connection.execute(statement, execution_options={"preserve_rowcount": True})
        return int(done.rowcount)


def insert_new(connection: Connection, table: Table) -> Any:
    """An insert that leaves rows alone whose unique columns are already taken."""
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    return insert(table).on_conflict_do_nothing()


def listed(value: Any) -> Any:
    """The values of one column as a list of Python's own; one value for every row as it is."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return list(value)
    return value


def _parted(values: Mapping[str, Any], size: int, keys: Set[str]) -> tuple[dict[str, list[Any]], dict[str, Any]]:
    """The columns that differ between rows, and those that have one value.

    Keys stay columns: a server does not look a row up by half of its key.
    """
    lists: dict[str, list[Any]] = {}
    alike: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, list) and len(value) != size:
            raise ValueError(f"`{name}` has {len(value)} values where there are {size}")
        if name in keys:
            lists[name] = value if isinstance(value, list) else [value] * size
        elif isinstance(value, list) and value[:1] * size != value:
            lists[name] = value
        else:
            alike[name] = next(iter(value), None) if isinstance(value, list) else value
    return lists, alike


Filled = tuple[FromClause, dict[str, ColumnElement[Any]]]


def _temporary(connection: Connection, lists: Mapping[str, list[Any]], types: Mapping[str, Any]) -> Filled:
    places = {name: sa.column(f"v{number}", types[name]) for number, name in enumerate(lists)}
    given = sa.table("given", *places.values(), schema="temp").alias("given")
    connection.exec_driver_sql("DELETE FROM temp.given")
    if rows := list(zip(*lists.values(), strict=True)):
        names = ", ".join(place.name for place in places.values())
        connection.exec_driver_sql(f"INSERT INTO temp.given ({names}) VALUES ({', '.join('?' * len(places))})", rows)
    return given, {name: given.c[place.name] for name, place in places.items()}


def _unnested(connection: Connection, lists: Mapping[str, list[Any]], types: Mapping[str, Any]) -> Filled:
    arrays = [bindparam(None, values, type_=ARRAY(types[name]), unique=True) for name, values in lists.items()]
    named = [sa.column(name, types[name]) for name in lists]
    given = func.unnest(*arrays).table_valued(*named, name="given").render_derived()
    return given, {name: given.c[name] for name in lists}
