"""`dangol demo`: write a ready shop into DIRECTORY and plan it."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from dangol.cli.base import AT, FINE, colour, progress


@click.command()
@click.argument("directory", type=click.Path(path_type=Path), default=Path("demo-shop"))
@AT
@click.option("--customers", type=click.IntRange(1, 1_000_000), default=2000, show_default=True)
@click.option("--no-open", is_flag=True, help="Open nothing (there is no report to open yet).")
def demo(directory: Path, at: str | None, customers: int, no_open: bool) -> int:
    """Write a ready shop into DIRECTORY and plan it."""
    from dangol.demo import write_project
    from dangol.views import plan as view

    project, instant = write_project(directory, at, customers, progress())
    click.echo(view.as_text(project.plan(instant), colour=colour(sys.stdout)))
    click.echo(f"\nThe shop is in {directory}. Change a playbook there, then:  dangol plan --project {directory}")
    return FINE
