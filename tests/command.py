"""`dangol` as a shell runs it, in this process: what it prints and its exit code."""

from __future__ import annotations

import contextlib
import io
import sys
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from dangol.cli import main

AT = "2026-11-20T10:00"
"""The instant of the demo shop."""


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


def dangol(*arguments: str | Path, cwd: Path | None = None) -> Done:
    """Runs the command in a folder; whatever it does not catch is raised here, where a user would see a traceback."""
    out, err = io.StringIO(), io.StringIO()
    code: object = None
    with (
        mock.patch.object(sys, "argv", ["dangol", *map(str, arguments)]),
        contextlib.chdir(cwd or Path()),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as exit_:
            code = exit_.code
    assert isinstance(code, int), code
    return Done(code, out.getvalue(), err.getvalue())
