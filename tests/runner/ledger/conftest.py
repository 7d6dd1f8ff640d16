"""Every test of the ledger runs on SQLite, and on a real PostgreSQL server where one can be started."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from dangol.runner.ledger import Ledger, ledger_at
from tests.runner.ledger.postgres_server import in_schema

_numbers = itertools.count()


@pytest.fixture(params=["sqlite", "postgres"])
def location(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a ledger may be made: nothing is there yet."""
    if request.param == "sqlite":
        return str(tmp_path / ".dangol" / "ledger.db")
    return in_schema(request.getfixturevalue("postgres"), f"ledger{next(_numbers)}")


@pytest.fixture
def memory_path() -> Iterator[Path]:
    """A folder in memory where the machine has one: a process may be killed there without waiting for a disk."""
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if memory.is_dir() and os.access(memory, os.W_OK) else None) as folder:
        yield Path(folder)


@pytest.fixture
def ledger(location: str) -> Iterator[Ledger]:
    with ledger_at(location) as opened:
        yield opened
