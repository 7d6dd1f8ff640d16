"""`dangol results`: what experiments have shown, and whether targets are reached."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from dangol.cli.base import AT, FINE, JSON, colour, in_project, print_json, progress


@click.command()
@click.argument("names", metavar="[PLAYBOOK]...", nargs=-1)
@in_project
@AT
@JSON
def results(names: tuple[str, ...], directory: Path, at: str | None, as_json: bool) -> int:
    """Whether targets are reached: per experiment the numbers, their intervals, a verdict and why."""
    from dangol import api
    from dangol.views import results as view
    from dangol.views import results_json

    found, late = api.load(directory, progress=progress()).look(at, only=names)
    if as_json:
        print_json(results_json.as_json(found, late))
    else:
        click.echo(view.as_text(found, late, colour=colour(sys.stdout)))
    return FINE
