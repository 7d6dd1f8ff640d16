"""The command line: arguments in, exit code out; decides nothing."""

from __future__ import annotations

import importlib
import sys
from io import TextIOWrapper

import click

from dangol.cli.base import DATA_FAILED, FINDINGS, FINE, WRONG_USE, show
from dangol.diagnostics import DangolError, Line, diagnose

COMMANDS = (
    "init", "demo", "check", "fmt", "explain", "query", "plan", "backtest", "run", "status", "results", "winner",
    "compare", "ingest", "reconcile", "suppress", "forget", "end",
)  # fmt: skip
"""Each is a module of this package with a click command of that name, in the order in which help lists them."""


SOURCES = ("E4", "E6")
"""Findings of these kinds are about a source or the ledger, not about playbooks."""


class _Commands(click.Group):
    """Loads a command when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(importlib.import_module(f"dangol.cli.{cmd_name}"), cmd_name)
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]}, no_args_is_help=True)
@click.version_option(package_name="dangol", message="%(prog)s %(version)s")
def cli() -> None:
    """CRM as code: who gets which message, when, and why, as text that is checked, rehearsed and run."""


def main() -> None:
    """Runs the command line; diagnostics that stop a command are shown, never a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # what a terminal of another encoding cannot show
    try:
        code = cli.main(standalone_mode=False)
    except DangolError as error:
        code = _stopped(error, "--json" in sys.argv[1:])
    except click.ClickException as error:
        error.show()
        code = WRONG_USE
    except click.Abort:
        code = 130
    except BrokenPipeError:
        sys.stdout = None  # nobody reads on; say nothing at exit either
        code = FINE
    except OSError as error:
        code = _unusable(error)
    sys.exit(code or FINE)


def _stopped(error: DangolError, as_json: bool) -> int:
    show(error.diagnostics, as_json)
    if error.diagnostics and all(d.file.startswith("--") for d in error.diagnostics):
        return WRONG_USE
    return DATA_FAILED if any(d.code[:2] in SOURCES for d in error.diagnostics) else FINDINGS


def _unusable(error: OSError) -> int:
    """What the system refused, such as writing into a directory of somebody else."""
    if error.filename is None:
        sys.stdout = None  # it may be the output itself: nothing more goes there
    name = "output" if error.filename is None else str(error.filename)
    message = f"`{name}` cannot be used: {error.strerror or error}"
    hints = ("see whether it is there, may be written to, and has room",)
    show([diagnose("E411", message, Line.of("", name), hints=hints)])
    return DATA_FAILED
