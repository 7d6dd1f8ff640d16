"""`dangol suppress`: nobody sends to this customer or address any more."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from dangol.addresses import AddressKind, canonical
from dangol.cli.base import FINE, in_project
from dangol.diagnostics import DangolError, Line, diagnose, did_you_mean
from dangol.engine.catalog import normal

if TYPE_CHECKING:
    from dangol.runner.ledger import Suppressed


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

    if (customer is None) == (address is None) or not (customer or address or "").strip():
        raise click.UsageError("give either --customer or --address")
    project = api.load(directory)
    known = [normal(name) for name in project.files.config.channels] if project.files.config is not None else []
    if channel is not None and (channel := normal(channel)) not in known:
        message = f"`{channel}` is not a channel of this project"
        raise DangolError(diagnose("E707", message, Line.of(channel, "--channel"), hints=did_you_mean(channel, known)))
    with project.ledger() as ledger:
        if lift:
            ways = [address] if address is None else [address, *_other_ways(address, ledger.suppressed(channel or ""))]
            lifted = [ledger.lift(real_now(), customer=customer, address=way, channel=channel) for way in ways]
            click.echo("lifted" if any(lifted) else "was not suppressed")
        else:
            done = ledger.suppress(real_now(), "by hand", customer=customer, address=address, channel=channel)
            click.echo("suppressed" if done else "was suppressed already")
    return FINE


def _other_ways(address: str, listed: Suppressed) -> list[str]:
    """The suppressed addresses that are this one, written in another way."""
    kinds: tuple[AddressKind, ...] = ("phone", "email")
    forms = {(kind, canonical(kind, address, "KR")) for kind in kinds} - {(kind, None) for kind in kinds}
    same = (other for other in listed.addresses for kind in kinds if (kind, canonical(kind, other, "KR")) in forms)
    return [other for other in same if other != address]
