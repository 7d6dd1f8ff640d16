"""`dangol plan`: the dry run: who would get which message now, and why everyone else does not. Sends nothing."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from dangol.cli.base import AT, FINDINGS, FINE, JSON, PERSONAL, colour, in_project, print_json, progress, show


@click.command()
@click.argument("only", nargs=-1)
@in_project
@AT
@PERSONAL
@click.option("--migrate", is_flag=True, help="As if who is in under an earlier text moved to today's; who is where.")
@click.option("--verbose", is_flag=True, help="Print the feature plan too.")
@JSON
def plan(
    only: tuple[str, ...],
    directory: Path,
    at: str | None,
    show_personal_data: bool,
    migrate: bool,
    verbose: bool,
    as_json: bool,
) -> int:
    """The dry run: who would get which message now, and why everyone else does not. Sends nothing."""
    from dangol import api
    from dangol.views import plan as view

    project = api.load(directory, progress=progress())
    data = project.data
    rehearsed = project.plan(at, only=only, show_personal=show_personal_data, migrate=migrate)
    features = project.features(at) if verbose else []
    if as_json:
        found = view.as_json(rehearsed, show_personal=show_personal_data)
        print_json({**found, **({"features": features} if verbose else {})})
    else:
        text = view.as_text(rehearsed, colour=colour(sys.stdout), show_personal=show_personal_data, migrate=migrate)
        click.echo("\n".join([text, *features]))
    show(rehearsed.diagnostics if as_json else (*rehearsed.diagnostics, *data.notes))
    return FINDINGS if any(d.is_error for d in rehearsed.diagnostics) else FINE
