"""`dangol init`: propose a project from data files: dangol.yaml and a first playbook, and what was guessed."""

from __future__ import annotations

from pathlib import Path

import click

from dangol.cli.base import FINE


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--into", "directory", type=click.Path(path_type=Path), default=Path(), help="The project's directory.")
def init(files: tuple[Path, ...], directory: Path) -> int:
    """Propose a project from data files: dangol.yaml and a first playbook, and what was guessed."""
    from dangol.playbook.init import propose, write

    proposal = propose(files, directory)
    for path in write(proposal, directory):
        click.echo(f"wrote {path}")
    for guess in proposal.guesses:
        click.echo(f"  {guess}")
    return FINE
