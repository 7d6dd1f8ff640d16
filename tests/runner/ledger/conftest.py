"""Every test of the ledger runs on SQLite, and on a real PostgreSQL server where one can be started."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from dangol.runner.ledger import Ledger, ledger_at
from tests.runner.ledger.postgres_server import server

_numbers = itertools.count()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    pytest.importorskip("psycopg")
    with server() as url:
        if url is None:
            pytest.skip("no PostgreSQL server could be started on this machine")
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def location(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a ledger may be made: nothing is there yet."""
    if request.param == "sqlite":
        return str(tmp_path / ".dangol" / "ledger.db")
    import psycopg

    url: str = request.getfixturevalue("postgres")
    name = f"ledger{next(_numbers)}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return url.replace("/postgres?", f"/{name}?")


@pytest.fixture
def ledger(location: str) -> Iterator[Ledger]:
    with ledger_at(location) as opened:
        yield opened
