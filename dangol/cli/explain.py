"""`dangol explain`: what a segment, trait, scenario or line says, in plain English or Korean."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dangol.cli.base import AT, FINE, JSON, PERSONAL, colour, in_project, print_json, progress

if TYPE_CHECKING:
    from dangol.engine.reading import Lang


@click.command()
@click.argument("what")
@in_project
@click.option("--lang", type=click.Choice(["en", "ko"]), default="en", show_default=True)
@click.option("--customer", metavar="ID", help="Why this customer is in or out, condition by condition.")
@AT
@PERSONAL
@JSON
def explain(
    what: str,
    directory: Path,
    lang: Lang,
    customer: str | None,
    at: str | None,
    show_personal_data: bool,
    as_json: bool,
) -> int:
    """What a segment, trait, scenario or line says, in plain English or Korean."""
    from dangol import api
    from dangol.views import draw, winner
    from dangol.views import explain as view

    project = api.load(directory, progress=progress())
    if customer is None:
        text, data = view.reading(project, what, lang)
    else:
        found = project.explain(what, customer, at, lang)
        style = view.style(project, lang, show_personal=show_personal_data, colour=colour(sys.stdout))
        text, data = view.as_text(found, style), view.as_json(found, style)
        decided = winner.about(project, what)
        drawn, draws = draw.about(project, what, customer)
        text, data = "\n".join([text, *drawn, *decided]), {**data, "draws": draws, "decided": decided}
    if as_json:
        print_json(data)
    else:
        click.echo(text)
    return FINE
