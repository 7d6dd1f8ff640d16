"""Brings a ledger to the schema of this program: a new one is made, an older one mended, a newer one refused."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence

from sqlalchemy import Connection, func, insert, inspect, select, text, update

from dangol.runner.ledger import schema
from dangol.runner.ledger.failures import refusal
from dangol.runner.ledger.store import Store

Migration = Callable[[Connection], None]


def _experiments(connection: Connection) -> None:
    """Who was assigned to what. Entries that began before are not: their draw was not recorded."""
    is_postgres = connection.dialect.name == "postgresql"
    number, which, lean = ("BIGSERIAL", "BIGINT", "") if is_postgres else ("INTEGER", "INTEGER", " WITHOUT ROWID")
    for statement in (
        "ALTER TABLE meta ADD COLUMN assigned_from BIGINT DEFAULT '1' NOT NULL",
        "UPDATE meta SET assigned_from = next_entry",
        "DROP TABLE splits",
        f"CREATE TABLE experiments (id {number} NOT NULL, playbook TEXT NOT NULL, scenario TEXT NOT NULL, "
        "phase INTEGER NOT NULL, design TEXT NOT NULL, lines TEXT NOT NULL, planned BIGINT, lint TEXT, "
        "started_at BIGINT NOT NULL, ended_at BIGINT, PRIMARY KEY (id), UNIQUE (playbook, scenario, phase))",
        f"CREATE TABLE cohorts (id {number} NOT NULL, experiment {which} NOT NULL, step INTEGER NOT NULL, "
        "channel TEXT NOT NULL, holdout TEXT NOT NULL, arms TEXT NOT NULL, PRIMARY KEY (id), "
        "UNIQUE (experiment, step, channel, holdout, arms), FOREIGN KEY (experiment) REFERENCES experiments (id))",
        f"CREATE TABLE assignments (entry {which} NOT NULL, cohort {which} NOT NULL, due BIGINT NOT NULL, "
        "at BIGINT NOT NULL, "
        "PRIMARY KEY (entry), FOREIGN KEY (entry) REFERENCES entries (id), "
        f"FOREIGN KEY (cohort) REFERENCES cohorts (id)){lean}",
        f"CREATE TABLE results (experiment {which} NOT NULL, kpi TEXT NOT NULL, look INTEGER NOT NULL, "
        "at BIGINT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (experiment, kpi, look), "
        "FOREIGN KEY (experiment) REFERENCES experiments (id))",
        f"CREATE TABLE decisions (id {number} NOT NULL, experiment {which} NOT NULL, split TEXT NOT NULL, arm TEXT, "
        "at BIGINT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (id), "
        "FOREIGN KEY (experiment) REFERENCES experiments (id))",
        "CREATE INDEX decisions_of_experiment ON decisions (experiment)",
    ):
        connection.execute(text(statement))


def _decisions(connection: Connection) -> None:
    """Decisions are numbered, and know from which entry on they hold. None has been made before."""
    which = "BIGINT" if connection.dialect.name == "postgresql" else "INTEGER"
    for statement in (
        "DROP TABLE decisions",
        f"CREATE TABLE decisions (experiment {which} NOT NULL, number INTEGER NOT NULL, kind TEXT NOT NULL, "
        "split TEXT NOT NULL, arm TEXT, at BIGINT NOT NULL, entry BIGINT NOT NULL, body TEXT NOT NULL, "
        "PRIMARY KEY (experiment, number), FOREIGN KEY (experiment) REFERENCES experiments (id))",
    ):
        connection.execute(text(statement))


MIGRATIONS: tuple[Migration, ...] = (_experiments, _decisions)
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
    connection.execute(insert(schema.meta).values(one=1, ledger=uuid.uuid4().hex[:12], next_entry=1, assigned_from=1))


def _alone(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('dangol migrate ' || current_schema()))"))
