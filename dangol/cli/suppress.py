"""`dangol suppress`: nobody sends to this customer or address any more."""

from __future__ import annotations

from pathlib import Path

import click

from dangol.cli.base import FINE, in_project


@click.command()
@in_project
@click.option("--customer", metavar="ID")
@click.option("--address", help="A telephone number, an e-mail address or a push token.")
@click.option("--channel", help="On this channel only.")
@click.option("--lift", is_flag=True, help="End a suppression, as after a new consent.")
def suppress(directory: Path, customer: str | None, address: str | None, channel: str | None, lift: bool) -> int:
    """Put a customer or an address on the suppression list."""
    from dangol import api
    from dangol.runner.tick import real_now

    if (customer is None) == (address is None):
        raise click.UsageError("give either --customer or --address")
    with api.load(directory).ledger() as ledger:
        if lift:
            done = ledger.lift(real_now(), customer=customer, address=address, channel=channel)
            click.echo("lifted" if done else "was not suppressed")
        else:
            done = ledger.suppress(real_now(), "by hand", customer=customer, address=address, channel=channel)
            click.echo("suppressed" if done else "was suppressed already")
    return FINE
