"""`dangol forget`: erases a person from the ledger and leaves the counts."""

from __future__ import annotations

from pathlib import Path

import click

from dangol.cli.base import FINDINGS, FINE, in_project


@click.command()
@click.argument("customer")
@in_project
@click.option("--address", "addresses", multiple=True, help="Another address of theirs that the ledger may know.")
def forget(customer: str, directory: Path, addresses: tuple[str, ...]) -> int:
    """Erase CUSTOMER from the ledger; the counts stay. Erase them in your own data first."""
    from dangol import api
    from dangol.runner.tick import real_now

    with api.load(directory).ledger() as ledger:
        token = ledger.forget(real_now(), customer, addresses)
    click.echo(f"forgotten; their rows are now {token}" if token else "the ledger knows nobody of that id")
    return FINE if token else FINDINGS
