"""`dangol run`: send what is due: once, to those who may be sent to."""

from __future__ import annotations

import json
from pathlib import Path

import click

from dangol.cli.base import AT, FINDINGS, FINE, JSON, WAIT, in_project, progress, show
from dangol.diagnostics import DangolError

PASSING = ("E602", "E603", "E606", "E607")
"""What may be over by the next tick: no room, a locked ledger, a clock that was set back, another run going on."""


@click.command()
@in_project
@AT
@click.option("--forever", is_flag=True, help="Keep ticking until stopped.")
@click.option(
    "--every", metavar="SECONDS", type=click.IntRange(1), default=60, show_default=True, help="With --forever."
)
@click.option("--confirm", "confirmed", is_flag=True, help="An unusually large audience is meant, once.")
@click.option("--migrate", is_flag=True, help="Customers in a scenario whose text has changed move to the new text.")
@click.option("--wait", metavar="SECONDS", type=WAIT, default=0, help="Wait for another run to end.")
@JSON
def run(
    directory: Path,
    at: str | None,
    forever: bool,
    every: int,
    confirmed: bool,
    migrate: bool,
    wait: int,
    as_json: bool,
) -> int:
    """Send what is due: once, to those who may be sent to."""
    import time

    from dangol import api
    from dangol.views import run as view

    while True:
        try:
            report = api.load(directory, progress=progress()).run(at, confirmed=confirmed, migrate=migrate, wait=wait)
        except DangolError as error:
            if not forever or any(found.code not in PASSING for found in error.diagnostics):
                raise
            show(error.diagnostics)
            time.sleep(every)
            continue
        if as_json:
            click.echo(json.dumps(view.as_json(report), ensure_ascii=False, indent=None if forever else 2))
        else:
            click.echo(view.as_text(report))
        show(report.plan.diagnostics)
        if not forever:
            return FINDINGS if any(d.is_error for d in report.plan.diagnostics) else FINE
        confirmed = migrate = False
        time.sleep(every)
