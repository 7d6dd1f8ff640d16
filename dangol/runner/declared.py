"""The channels that dangol.yaml declares, their settings checked; nothing is opened and no data is read."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from dangol.channels.registry import Declared, declare
from dangol.channels.registry import Path as Keys
from dangol.diagnostics import DangolError, Diagnostic, Line
from dangol.playbook.project import Project


def channel_problems(project: Project) -> tuple[Diagnostic, ...]:
    """What is wrong with the settings of channels."""
    try:
        declared_channels(project)
    except DangolError as error:
        return error.diagnostics
    return ()


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
            if str(key) not in value:
                break
            value = value[str(key)]
        elif isinstance(value, list | tuple) and isinstance(key, int) and key < len(value):
            value = value[key]
        if isinstance(value, Line):
            line = value
    return line
