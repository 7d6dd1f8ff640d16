"""`dangol winner`: which arm everyone new gets, chosen by hand or taken back."""

from __future__ import annotations

from pathlib import Path

import click

from dangol.cli.base import AT, FINE, JSON, in_project, print_json


@click.command()
@click.argument("scenario", metavar="PLAYBOOK/SCENARIO")
@in_project
@click.option("--choose", "arm", metavar="ARM", help="Everyone new gets this arm from now on.")
@click.option("--revert", is_flag=True, help="Take back what was decided: everyone new gets the arm they draw.")
@click.option("--reason", metavar="TEXT", default="", help="Why, for the record.")
@AT
@JSON
def winner(
    scenario: str, directory: Path, arm: str | None, revert: bool, reason: str, at: str | None, as_json: bool
) -> int:
    """What was decided about the arms of a scenario; chooses an arm by hand, or takes a decision back."""
    from dangol import api
    from dangol.views import winner as view

    if revert and arm is not None:
        raise click.UsageError("say either --choose or --revert")
    project = api.load(directory)
    if revert or arm is not None:
        project.choose_arm(scenario, arm, reason, at)
    decided, zone = project.decisions(scenario), project.files.zone
    if as_json:
        print_json({"version": 1, "decided": [view.as_json(one, zone) for one in decided]})
    else:
        click.echo("\n".join(view.sentence(one, zone) for one in decided) or "nothing is decided")
    return FINE
