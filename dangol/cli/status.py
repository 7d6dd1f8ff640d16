"""`dangol status`: what ran, what is due next, what failed."""

from __future__ import annotations

from pathlib import Path

import click

from dangol.cli.base import FINE, JSON, PERSONAL, in_project, print_json


@click.command()
@in_project
@click.option(
    "--unknown", "with_unknown", is_flag=True, help="List the messages of which nobody knows whether they went."
)
@PERSONAL
@JSON
def status(directory: Path, with_unknown: bool, show_personal_data: bool, as_json: bool) -> int:
    """What ran, what is due next, what failed."""
    from dangol import api
    from dangol.runner.versions import under_earlier_texts
    from dangol.views import status as view

    project = api.load(directory)
    with project.ledger() as ledger:
        earlier = under_earlier_texts(project.files, ledger)
        found = view.Standing(ledger.status(), ledger.runs(5), ledger.unknown() if with_unknown else [], earlier)
    if as_json:
        print_json(view.as_json(found, project.files.zone, show_personal_data))
    else:
        click.echo(view.as_text(found, project.files.zone, show_personal_data))
    return FINE
