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
    from dangol.views import smart

    project = api.load(directory, progress=progress())
    data = project.data
    rehearsed = project.plan(at, only=only, show_personal=show_personal_data, migrate=migrate)
    targets = project.lint(at, rehearsed, thorough=False)
    features = project.features(at) if verbose else []
    if as_json:
        found = view.as_json(rehearsed, show_personal=show_personal_data)
        print_json({**found, "targets": smart.as_json(targets), **({"features": features} if verbose else {})})
    else:
        text = view.as_text(rehearsed, colour=colour(sys.stdout), show_personal=show_personal_data, migrate=migrate)
        lights = ["", "Targets that are not started:", smart.as_text(targets, colour=colour(sys.stdout))]
        click.echo("\n".join([text, *(lights if targets else []), *features]))
    errors = [one for one in project.told(targets) if one.is_error]
    show((*rehearsed.diagnostics, *errors, *(() if as_json else data.notes)))
    return FINDINGS if errors or any(d.is_error for d in rehearsed.diagnostics) else FINE
