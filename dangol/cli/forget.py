"""`dangol forget`: erases a person from the ledger and leaves the counts."""

from __future__ import annotations

from pathlib import Path

import click

from dangol.cli.base import FINDINGS, FINE, WAIT, in_project


@click.command()
@click.argument("customer")
@in_project
@click.option("--address", "addresses", multiple=True, help="Another address of theirs that the ledger may know.")
@click.option("--wait", metavar="SECONDS", type=WAIT, default=30, show_default=True, help="Wait for a run to end.")
def forget(customer: str, directory: Path, addresses: tuple[str, ...], wait: int) -> int:
    """Erase CUSTOMER from the ledger, outbox files, feeds and audience lists; the counts stay. Erase them in your own
    data first."""
    from dangol import api
    from dangol.runner.forgetting import forget as erase
    from dangol.runner.tick import real_now

    if not customer.strip():
        raise click.UsageError("give the id of a customer")
    found = erase(api.load(directory).files, real_now(), customer, addresses, wait)
    if found.token is None and not found.files:
        click.echo("neither the ledger nor a file of a channel knows that id")
        return FINDINGS
    click.echo(f"forgotten; their rows are now {found.token}" if found.token else "the ledger knows nobody of that id")
    for file, count in found.files.items():
        click.echo(f"  {file}: {count:,} erased")
    click.echo("Not reached: files you moved away, lists you uploaded, what providers keep, backups.")
    return FINE
