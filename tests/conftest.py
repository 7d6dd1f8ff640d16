"""What every room's tests may share."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

from tests.command import AT, dangol

settings.register_profile("untimed", deadline=None)  # how busy a machine is says nothing of the code
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo shop at AT, planned once; tests write in copies of it."""
    directory = tmp_path_factory.mktemp("demo") / "demo-shop"
    done = dangol("demo", directory, "--no-open", "--at", AT)
    assert done.returncode == 0, done.stderr
    assert "would be sent to now" in done.stdout
    return directory
