"""`dangol fmt`: write every file in the one canonical layout; comments are kept."""

from __future__ import annotations

from pathlib import Path

import click

from dangol.cli.base import FINDINGS, FINE, in_project, show


@click.command()
@in_project
@click.option("--check", "only_check", is_flag=True, help="Write nothing; exit 1 when a file would change.")
@click.option("--diff", "as_diff", is_flag=True, help="Write nothing; show what would change.")
def fmt(directory: Path, only_check: bool, as_diff: bool) -> int:
    """Write every file in the one canonical layout; comments are kept."""
    from dangol.playbook.format import format_project

    files = list(format_project(directory))
    changed = [file for file in files if file.changed]
    for file in changed:
        if as_diff:
            click.echo(file.diff, nl=False)
            continue
        if not only_check:
            file.write()
        click.echo(f"{'would change' if only_check else 'formatted'} {file.name}")
    refused = [finding for file in files for finding in file.diagnostics]
    show(refused)
    return FINDINGS if refused or (changed and (only_check or as_diff)) else FINE
