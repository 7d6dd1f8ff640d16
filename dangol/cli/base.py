"""What commands share: options, exit codes, and how findings are shown."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dangol.diagnostics import Diagnostic, in_file_order

if TYPE_CHECKING:
    from dangol.api import Progress

FINE, FINDINGS, WRONG_USE, DATA_FAILED = 0, 1, 2, 3
"""Exit codes: fine; findings in playbooks or lines; wrong use; a source or channel failed."""


def show(diagnostics: Iterable[Diagnostic], as_json: bool = False) -> None:
    from dangol.views import diagnostics as view

    found = in_file_order(diagnostics)
    if as_json:
        print_json(view.as_json(found))
    elif found:
        click.echo(view.terminal(found, colour=colour(sys.stderr)), err=True)


def print_json(data: Any) -> None:
    click.echo(json.dumps(data, ensure_ascii=False, indent=2))


def counted_as(count: int, what: str) -> str:
    """`1 playbook`, `2 playbooks`."""
    return f"{count:,} {what}" + ("" if count == 1 else "s")


def colour(stream: Any) -> bool:
    return bool(stream.isatty()) and "NO_COLOR" not in os.environ


def progress() -> Progress | None:
    """A bar on a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        return None
    from dangol.views.progress import bar

    return bar()


def in_project(function: Callable[..., Any]) -> Callable[..., Any]:
    option = click.option(
        "--project", "directory", type=click.Path(path_type=Path), default=Path(), help="The project's directory."
    )
    return option(function)


JSON = click.option("--json", "as_json", is_flag=True, help="Answer as JSON (versioned, see docs/json.md).")
WAIT = click.IntRange(0, 86_400)
AT = click.option("--at", metavar="T", help="The instant: 2026-01-31 or 2026-01-31T10:00 (local). Default: now.")
PERSONAL = click.option("--show-personal-data", is_flag=True, help="Do not mask names, addresses and numbers.")
