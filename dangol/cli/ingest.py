"""`dangol ingest`: what providers tell of messages: callbacks and response logs."""

from __future__ import annotations

from pathlib import Path

import click

from dangol.cli.base import FINE, JSON, in_project, print_json


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@in_project
@click.option("--channel", help="The files are this channel's callbacks; without it they are response logs.")
@click.option("--header", "headers", multiple=True, metavar="NAME:VALUE", help="A header that the callbacks came with.")
@JSON
def ingest(
    files: tuple[Path, ...], directory: Path, channel: str | None, headers: tuple[str, ...], as_json: bool
) -> int:
    """Take in receipts (JSON Lines): delivered, opened, clicked, failed, unsubscribed. The same one counts once."""
    from dangol import api
    from dangol.runner.ingest import ingest_files

    if any(":" not in header for header in headers):
        raise click.UsageError("a header is written like `webhook-id: msg_1`")
    named = {name.strip(): value.strip() for name, _, value in (header.partition(":") for header in headers)}
    taken = ingest_files(api.load(directory).files, files, channel, named)
    if as_json:
        print_json({"version": 1, **vars(taken)})
    else:
        click.echo(
            f"{taken.new:,} new, {taken.unmatched:,} of them of no known message, {taken.suppressed:,} suppressed"
        )
    return FINE
