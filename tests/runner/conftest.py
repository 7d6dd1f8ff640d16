"""A real PostgreSQL server, where one can be started."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.runner.ledger.postgres_server import server


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    pytest.importorskip("psycopg")
    with server() as url:
        if url is None:
            pytest.skip("no PostgreSQL server could be started on this machine")
        yield url
