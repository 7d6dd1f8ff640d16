"""A real PostgreSQL server, where one can be started; ledgers that wait for no disk."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dangol.runner.ledger import store
from tests.runner.ledger.postgres_server import server


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    pytest.importorskip("psycopg")
    with server() as url:
        if url is None:
            pytest.skip("no PostgreSQL server could be started on this machine")
        yield url


@pytest.fixture(scope="session", autouse=True)
def unsynced() -> Iterator[None]:
    """SQLite syncs nothing: processes are killed here, machines are not."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "_PRAGMAS", (*store._PRAGMAS, "synchronous=OFF"))
        yield
