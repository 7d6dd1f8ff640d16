"""What a project sends with: its ledger and its channels, opened as dangol.yaml declares them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dangol.channels.base import Channel, Surroundings
from dangol.diagnostics import DangolError, Line, diagnose
from dangol.playbook.project import Project
from dangol.runner.declared import declared_channels
from dangol.runner.ledger import Ledger, ledger_at

LEDGER = "ledger.db"


@dataclass(frozen=True)
class Station:
    """An open ledger and open channels."""

    ledger: Ledger
    channels: Mapping[str, Channel]


@contextmanager
def open_station(project: Project, environ: Mapping[str, str] = os.environ) -> Iterator[Station]:
    """The ledger and channels of a project, closed at the end. Raises DangolError for what is wrong with them."""
    declared = declared_channels(project)
    missing = [
        diagnose("E705", f"the channel `{name}` needs the environment variable {variable}", Line.of("", "dangol.yaml"))
        for name, one in declared.items()
        for variable in one.missing(environ)
    ]
    if missing:
        raise DangolError(*missing)
    around = Surroundings(project.root.resolve(), environ)
    channels = {name: one.open(around) for name, one in declared.items()}
    try:
        with ledger_at(ledger_location(project, environ)) as ledger:
            yield Station(ledger, channels)
    finally:
        for channel in channels.values():
            channel.close()


def ledger_location(project: Project, environ: Mapping[str, str] = os.environ) -> str | Path:
    """Where the ledger is: as `ledger:` says, else a file under .dangol/."""
    written = project.config.ledger if project.config is not None else None
    if written is None:
        project.state_directory.mkdir(exist_ok=True)
        return project.state_directory / LEDGER
    if written.text.startswith("env:"):
        name = written.text.removeprefix("env:")
        if not environ.get(name):
            raise DangolError(diagnose("E705", f"the ledger needs the environment variable {name}", written))
        return environ[name]
    path = (project.root / written.text).resolve()
    if "://" in written.text or not path.is_relative_to(project.root.resolve()):
        hints = ("a path in the project, or `env:NAME` for a variable that holds a PostgreSQL URL",)
        raise DangolError(diagnose("E706", "this is no place for a ledger", written, hints=hints))
    return path
