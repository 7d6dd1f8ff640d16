"""The command line: arguments in, exit code out; decides nothing."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dangol.diagnostics import DangolError, Diagnostic, in_file_order

if TYPE_CHECKING:
    from dangol.api import Progress
    from dangol.engine.reading import Lang

FINE, FINDINGS, WRONG_USE, DATA_FAILED = 0, 1, 2, 3
"""Exit codes: fine; findings in playbooks or lines; wrong use; a source or channel failed."""


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, no_args_is_help=True)
@click.version_option(package_name="dangol", message="%(prog)s %(version)s")
def cli() -> None:
    """CRM as code: who gets which message, when, and why, as text that is checked and rehearsed."""


def main() -> None:
    """Runs the command line; diagnostics that stop a command are shown, never a traceback."""
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
    sys.exit(code or FINE)


def _stopped(error: DangolError, as_json: bool) -> int:
    _show(error.diagnostics, as_json)
    return DATA_FAILED if any(d.code.startswith("E4") for d in error.diagnostics) else FINDINGS


def _show(diagnostics: Iterable[Diagnostic], as_json: bool = False) -> None:
    from dangol.views import diagnostics as view

    found = in_file_order(diagnostics)
    if as_json:
        _print_json(view.as_json(found))
    elif found:
        click.echo(view.terminal(found, colour=_colour(sys.stderr)), err=True)


def _print_json(data: Any) -> None:
    click.echo(json.dumps(data, ensure_ascii=False, indent=2))


def _colour(stream: Any) -> bool:
    return bool(stream.isatty()) and "NO_COLOR" not in os.environ


def _progress() -> Progress | None:
    """A bar on a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        return None
    from dangol.views.progress import bar

    return bar()


def _directory(function: Callable[..., Any]) -> Callable[..., Any]:
    option = click.option(
        "--project", "directory", type=click.Path(path_type=Path), default=Path(), help="The project's directory."
    )
    return option(function)


JSON = click.option("--json", "as_json", is_flag=True, help="Answer as JSON (versioned, see docs/json.md).")
AT = click.option("--at", metavar="T", help="The instant: 2026-01-31 or 2026-01-31T10:00 (local). Default: now.")
PERSONAL = click.option("--show-personal-data", is_flag=True, help="Do not mask names, addresses and numbers.")


@cli.command()
@_directory
@click.option("--data", "with_data", is_flag=True, help="Compare with the real tables too.")
@JSON
def check(directory: Path, with_data: bool, as_json: bool) -> int:
    """Parse, resolve and type everything; no data needed."""
    from dangol.playbook.verdict import checked

    verdict = checked(directory)
    found = list(verdict.diagnostics)
    if with_data and not any(d.is_error for d in found):
        from dangol import api

        found += api.load(directory, progress=_progress()).check_data()
    errors = sum(d.is_error for d in found)
    if as_json or found:
        _show(found, as_json)
    if not as_json:
        counts = f"{verdict.playbooks} playbooks, {verdict.segments} segments, {verdict.traits} traits, "
        click.echo(f"{counts}{verdict.scenarios} scenarios: " + (f"{errors} errors" if errors else "fine"))
    return FINDINGS if errors else FINE


@cli.command()
@_directory
@click.option("--check", "only_check", is_flag=True, help="Write nothing; exit 1 when a file would change.")
@click.option("--diff", "as_diff", is_flag=True, help="Write nothing; show what would change.")
def fmt(directory: Path, only_check: bool, as_diff: bool) -> int:
    """Write every file in the one canonical layout; comments are kept."""
    from dangol.playbook.format import format_project

    files = list(format_project(directory))
    changed = [file for file in files if file.changed]
    for file in changed:
        if as_diff:
            click.echo(file.diff, nl=False)
            continue
        if not only_check:
            file.write()
        click.echo(f"{'would change' if only_check else 'formatted'} {file.name}")
    refused = [finding for file in files for finding in file.diagnostics]
    _show(refused)
    return FINDINGS if refused or (changed and (only_check or as_diff)) else FINE


@cli.command()
@click.argument("expression")
@AT
@click.option("--timezone", "zone", metavar="Z", help="The zone of local times. Default: the project's, else UTC.")
@click.option("--customers", type=click.Path(path_type=Path), help="A file of customers (column `id`).")
@click.option("--events", type=click.Path(path_type=Path), help="A file of events (`customer`, `event`, `time`).")
@click.option("--columns", metavar="A=B,…", help="Other names: user_id=customer says that user_id is the customer.")
@click.option("--ids", "with_ids", is_flag=True, help="The ids of all who match, sorted as text.")
@click.option("--csv", "csv_file", type=click.Path(path_type=Path), help="Write the ids to a CSV file.")
@JSON
@_directory
def query(
    expression: str,
    at: str | None,
    zone: str | None,
    customers: Path | None,
    events: Path | None,
    columns: str | None,
    with_ids: bool,
    csv_file: Path | None,
    as_json: bool,
    directory: Path,
) -> int:
    """Who matches EXPRESSION: in the project, or in bare files (CSV, JSON Lines, Parquet)."""
    from dangol import bare
    from dangol.views import query as view

    if customers is None and events is None:
        answer = bare.in_project(directory, expression, at, zone, _progress())
    else:
        answer = bare.in_files(expression, customers, events, columns or "", at, zone, _progress())
    if csv_file is not None:
        view.write_csv(answer, csv_file)
    if as_json:
        _print_json(view.as_json(answer, with_ids=with_ids))
    else:
        click.echo(view.as_text(answer, with_ids=with_ids))
        _show(answer.diagnostics)
    return FINE


@cli.command()
@click.argument("only", nargs=-1)
@_directory
@AT
@PERSONAL
@click.option("--verbose", is_flag=True, help="Print the feature plan too.")
@JSON
def plan(
    only: tuple[str, ...], directory: Path, at: str | None, show_personal_data: bool, verbose: bool, as_json: bool
) -> int:
    """The dry run: who would get which message now, and why everyone else does not. Sends nothing."""
    from dangol import api
    from dangol.views import plan as view

    project = api.load(directory, progress=_progress())
    data = project.data
    rehearsed = project.plan(at, only=only, show_personal=show_personal_data)
    if as_json:
        _print_json(view.as_json(rehearsed))
    else:
        click.echo(view.as_text(rehearsed, colour=_colour(sys.stdout)))
    _show(rehearsed.diagnostics if as_json else (*rehearsed.diagnostics, *data.notes))
    return FINDINGS if any(d.is_error for d in rehearsed.diagnostics) else FINE


@cli.command()
@_directory
@AT
@click.option("--forever", is_flag=True, help="Keep ticking until stopped.")
@click.option(
    "--every", metavar="SECONDS", type=click.IntRange(1), default=60, show_default=True, help="With --forever."
)
@click.option("--confirm", "confirmed", is_flag=True, help="An unusually large audience is meant, once.")
@click.option("--migrate", is_flag=True, help="Customers in a scenario whose text has changed move to the new text.")
@click.option("--wait", metavar="SECONDS", type=float, default=0.0, help="Wait for another run to end.")
@JSON
def run(
    directory: Path,
    at: str | None,
    forever: bool,
    every: int,
    confirmed: bool,
    migrate: bool,
    wait: float,
    as_json: bool,
) -> int:
    """Send what is due: once, to those who may be sent to."""
    import time

    from dangol import api
    from dangol.views import run as view

    while True:
        report = api.load(directory, progress=_progress()).run(at, confirmed=confirmed, migrate=migrate, wait=wait)
        if as_json:
            click.echo(json.dumps(view.as_json(report), ensure_ascii=False, indent=None if forever else 2))
        else:
            click.echo(view.as_text(report))
        _show(report.plan.diagnostics)
        if not forever:
            return FINDINGS if any(d.is_error for d in report.plan.diagnostics) else FINE
        confirmed = migrate = False
        time.sleep(every)


@cli.command()
@click.argument("directory", type=click.Path(path_type=Path), default=Path("demo-shop"))
@AT
@click.option("--customers", type=click.IntRange(1, 1_000_000), default=2000, show_default=True)
@click.option("--no-open", is_flag=True, help="Do not open a report.")
def demo(directory: Path, at: str | None, customers: int, no_open: bool) -> int:
    """Write a ready shop into DIRECTORY and plan it."""
    from dangol.demo import write_project
    from dangol.views import plan as view

    project, instant = write_project(directory, at, customers, _progress())
    click.echo(view.as_text(project.plan(instant), colour=_colour(sys.stdout)))
    click.echo(f"\nThe shop is in {directory}. Change a playbook there, then:  dangol plan --project {directory}")
    return FINE


@cli.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--into", "directory", type=click.Path(path_type=Path), default=Path(), help="The project's directory.")
def init(files: tuple[Path, ...], directory: Path) -> int:
    """Propose a project from data files: dangol.yaml and a first playbook, and what was guessed."""
    from dangol.playbook.init import propose, write

    proposal = propose(files, directory)
    for path in write(proposal, directory):
        click.echo(f"wrote {path}")
    for guess in proposal.guesses:
        click.echo(f"  {guess}")
    return FINE


@cli.command()
@click.argument("what")
@_directory
@click.option("--lang", type=click.Choice(["en", "ko"]), default="en", show_default=True)
@click.option("--customer", metavar="ID", help="Why this customer is in or out, condition by condition.")
@AT
@PERSONAL
@JSON
def explain(
    what: str,
    directory: Path,
    lang: Lang,
    customer: str | None,
    at: str | None,
    show_personal_data: bool,
    as_json: bool,
) -> int:
    """What a segment, trait, scenario or line says, in plain English or Korean."""
    from dangol import api
    from dangol.views import explain as view

    project = api.load(directory, progress=_progress())
    if customer is None:
        text, data = view.reading(project, what, lang)
    else:
        found = project.explain(what, customer, at, lang)
        style = view.style(project, lang, show_personal=show_personal_data, colour=_colour(sys.stdout))
        text, data = view.as_text(found, style), view.as_json(found, style)
    if as_json:
        _print_json(data)
    else:
        click.echo(text)
    return FINE
