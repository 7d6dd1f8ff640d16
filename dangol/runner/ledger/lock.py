"""One run at a time: a lock that the operating system or the server lets go of when its holder dies."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from dangol.diagnostics import DangolError
from dangol.runner.ledger.failures import code_of, refusal, understood
from dangol.runner.ledger.store import Store


@contextmanager
def run_lock(store: Store, wait: float) -> Iterator[None]:
    """Held while the block runs; waits `wait` seconds for another run to end, then raises E607."""
    with _file_lock(store, wait) if store.is_sqlite else _advisory_lock(store, wait):
        yield


@contextmanager
def _file_lock(store: Store, wait: float) -> Iterator[None]:
    with closing(sqlite3.connect(f"{store.name}.lock", timeout=wait, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorname.startswith("SQLITE_BUSY"):
                raise _taken(store) from error
            raise refusal("E605", store.name, f"the lock beside the ledger cannot be taken ({error})") from error
        yield


@contextmanager
def _advisory_lock(store: Store, wait: float) -> Iterator[None]:
    with understood(store.name), store.engine.connect() as connection:
        try:
            with connection.begin():
                connection.execute(text(f"SET LOCAL lock_timeout = {max(1, int(wait * 1000))}"))
                connection.execute(text(f"SELECT pg_advisory_lock({_KEY})"))
        except DBAPIError as error:
            raise (_taken(store) if code_of(error) == "E603" else error) from error
        try:
            yield
        finally:
            if not connection.closed and not connection.invalidated:
                connection.execute(text(f"SELECT pg_advisory_unlock({_KEY})"))
                connection.commit()


_KEY = "hashtext('dangol run ' || current_schema())"


def _taken(store: Store) -> DangolError:
    hint = "wait until it ends; what is due then goes out at the next run"
    return refusal("E607", store.name, "another run of this project is going on", hint)
