"""A world of data files for each test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engine.state.world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
def no_reading(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """After it is called, opening a data source fails."""

    def forbid() -> None:
        import dangol.engine.state.session as session

        def refuse(*_: object) -> None:
            raise AssertionError("a source was read")

        monkeypatch.setattr(session.Session, "__init__", refuse)

    return forbid
