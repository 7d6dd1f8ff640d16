"""`dangol end`: ends the entries of a scenario, such as one that is in no playbook any more."""

from __future__ import annotations

from pathlib import Path

import click

from dangol.cli.base import FINDINGS, FINE, in_project


@click.command()
@click.argument("scenario", metavar="PLAYBOOK/SCENARIO")
@in_project
def end(scenario: str, directory: Path) -> int:
    """End every running entry of a scenario and cancel what it has planned."""
    from dangol import api
    from dangol.runner.ledger import Ends
    from dangol.runner.tick import real_now

    playbook, slash, name = scenario.partition("/")
    if not slash:
        raise click.UsageError("name it as PLAYBOOK/SCENARIO")
    with api.load(directory).ledger() as ledger:
        running = ledger.running_entries(playbook, name)
        now = real_now()
        ended = ledger.end_entries(now, Ends(running.entry.tolist(), "left", now, "ended by hand"))
        over = ledger.end_experiments(now, playbook, name)
    click.echo(f"{ended:,} entries of {scenario} ended")
    return FINE if ended or over else FINDINGS
