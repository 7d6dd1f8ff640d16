"""Brings a ledger to the schema of this program: a new one is made, an older one mended, a newer one refused."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence

from sqlalchemy import Connection, func, insert, inspect, select, text, update

from dangol.runner.ledger import schema
from dangol.runner.ledger.failures import refusal
from dangol.runner.ledger.store import Store

Migration = Callable[[Connection], None]

MIGRATIONS: tuple[Migration, ...] = ()
"""The n-th brings a ledger from version n to n + 1; released ones are never edited."""


def bring_up_to_date(store: Store, migrations: Sequence[Migration] = MIGRATIONS) -> None:
    """Leaves the ledger at version 1 + the number of migrations, in one transaction. Raises E601, E604."""
    with store.reading() as connection:
        if _version(connection, store.name) == 1 + len(migrations):
            return
    with store.writing("migrate") as connection:
        _alone(connection)
        found = _version(connection, store.name)
        if found > 1 + len(migrations):
            raise refusal("E601", store.name, _newer(found, 1 + len(migrations)), "upgrade dangol on this machine")
        if found == 0:
            _create(connection)
        for migration in migrations[found - 1 :] if found else ():
            migration(connection)
        connection.execute(update(schema.version).values(version=1 + len(migrations)))


def _newer(found: int, known: int) -> str:
    return f"the ledger was written by a newer dangol (its version is {found}, this program knows {known})"


def _version(connection: Connection, name: str) -> int:
    """0 for an empty database."""
    tables = inspect(connection).get_table_names()
    if "schema_version" in tables:
        found = connection.scalar(select(func.max(schema.version.c.version)))
        if isinstance(found, int) and found > 0:
            return found
    elif connection.dialect.name != "sqlite" or not tables:
        return 0
    raise refusal("E604", name, "this database is not a ledger: it holds other tables")


def _create(connection: Connection) -> None:
    schema.metadata.create_all(connection)
    connection.execute(insert(schema.version).values(version=1))
    connection.execute(insert(schema.meta).values(one=1, ledger=uuid.uuid4().hex[:12], next_entry=1))


def _alone(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('dangol migrate ' || current_schema()))"))
