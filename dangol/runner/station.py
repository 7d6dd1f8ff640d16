"""What a project sends with: its ledger and its channels, opened as dangol.yaml declares them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from dangol.channels.base import Channel, Surroundings
from dangol.channels.registry import Declared, declare
from dangol.channels.registry import Path as Keys
from dangol.diagnostics import DangolError, Diagnostic, Line, diagnose
from dangol.playbook.project import Project
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


def declared_channels(project: Project) -> dict[str, Declared]:
    """The channels with their settings checked. Raises DangolError with every mistake."""
    found: list[Diagnostic] = []
    declared: dict[str, Declared] = {}
    channels = project.config.channels if project.config is not None else {}
    for name, channel in channels.items():
        extras = channel.model_extra or {}
        try:
            declared[str(name)] = declare(str(name), _plain(extras), partial(_place, (name, extras)))
        except DangolError as error:
            found += error.diagnostics
    if found:
        raise DangolError(*found)
    return declared


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value.text if isinstance(value, Line) else value


def _place(at: tuple[Any, Any], keys: Keys) -> Line:
    """The line of dangol.yaml that a path of settings leads to, as far as it goes."""
    line: Line = at[0].line
    value = at[1]
    for key in keys:
        if isinstance(value, Mapping):
            name = next((each for each in value if each == str(key)), None)
            if name is None:
                break
            line, value = name.line, value[name]
        elif isinstance(value, list | tuple) and isinstance(key, int) and key < len(value):
            value = value[key]
        if isinstance(value, Line):
            line = value
    return line
