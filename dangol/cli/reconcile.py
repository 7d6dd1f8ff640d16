"""`dangol reconcile`: says what became of a message whose outcome is unknown."""

from __future__ import annotations

from pathlib import Path

import click

from dangol.cli.base import FINE, in_project


@click.command()
@click.argument("key")
@click.argument("outcome", type=click.Choice(["sent", "failed", "again"]))
@in_project
def reconcile(key: str, outcome: str, directory: Path) -> int:
    """Settle a message of `dangol status --unknown`: it was `sent`, it `failed`, or it is to be sent `again`."""
    from dangol import api
    from dangol.runner.tick import real_now

    with api.load(directory).ledger() as ledger:
        ledger.reconcile(real_now(), key, "planned" if outcome == "again" else outcome)
    click.echo(f"{key}: {outcome}")
    return FINE
