"""`dangol check`: parse, resolve and type everything; no data needed."""

from __future__ import annotations

from pathlib import Path

import click

from dangol.cli.base import FINDINGS, FINE, JSON, counted_as, in_project, progress, show


@click.command()
@in_project
@click.option("--data", "with_data", is_flag=True, help="Compare with the real tables too.")
@JSON
def check(directory: Path, with_data: bool, as_json: bool) -> int:
    """Parse, resolve and type everything; no data needed."""
    from dangol.playbook.verdict import checked

    verdict = checked(directory)
    found = list(verdict.diagnostics)
    if with_data and not any(d.is_error for d in found):
        from dangol import api

        found += api.load(directory, progress=progress()).check_data()
    errors = sum(d.is_error for d in found)
    if as_json or found:
        show(found, as_json)
    if not as_json:
        counted = [(verdict.playbooks, "playbook"), (verdict.segments, "segment"), (verdict.traits, "trait")]
        counts = ", ".join(counted_as(*each) for each in (*counted, (verdict.scenarios, "scenario")))
        click.echo(f"{counts}: {counted_as(errors, 'error') if errors else 'fine'}")
    return FINDINGS if errors else FINE
