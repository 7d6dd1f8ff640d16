"""`dangol backtest`: what runs would have sent over a stretch of history."""

from __future__ import annotations

from pathlib import Path

import click

from dangol.cli.base import FINDINGS, FINE, JSON, in_project, print_json, progress


@click.command()
@in_project
@click.option("--from", "start", metavar="T", help="The first run. Default: 30 days before the last.")
@click.option("--to", "end", metavar="T", help="The last run: 2026-01-31 or 2026-01-31T10:00. Default: now.")
@click.option(
    "--every", "minutes", metavar="MINUTES", type=click.IntRange(1), default=60, show_default=True,
    help="From one run to the next.",
)  # fmt: skip
@JSON
def backtest(directory: Path, start: str | None, end: str | None, minutes: int, as_json: bool) -> int:
    """Replay the schedules over history: volume per day and channel, overlaps, what caps and quiet hours hold."""
    from dangol import api
    from dangol.views import backtest as view

    project = api.load(directory, progress=progress())
    found = project.backtest(start, end, minutes=minutes)
    if as_json:
        print_json(view.as_json(found))
    else:
        click.echo(view.as_text(found))
    return FINDINGS if found.stopped else FINE
