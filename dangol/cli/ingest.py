"""`dangol ingest`: what providers tell of messages: callbacks and response logs."""

from __future__ import annotations

from pathlib import Path

import click

from dangol.cli.base import FINE, JSON, in_project, print_json


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@in_project
@click.option("--channel", help="The files are this channel's callbacks; without it they are response logs.")
@JSON
def ingest(files: tuple[Path, ...], directory: Path, channel: str | None, as_json: bool) -> int:
    """Take in receipts (JSON Lines): delivered, opened, clicked, failed, unsubscribed. The same one counts once."""
    from dangol import api
    from dangol.runner.ingest import ingest_files

    taken = ingest_files(api.load(directory).files, files, channel)
    if as_json:
        print_json({"version": 1, **vars(taken)})
    else:
        click.echo(
            f"{taken.new:,} new, {taken.unmatched:,} of them of no known message, {taken.suppressed:,} suppressed"
        )
    return FINE
