"""`dangol check`: parse, resolve and type everything; no data needed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dangol.cli.base import AT, FINDINGS, FINE, JSON, colour, counted_as, in_project, print_json, progress, show
from dangol.diagnostics import in_file_order

if TYPE_CHECKING:
    from dangol.diagnostics import Diagnostic
    from dangol.playbook.project import Project as Files
    from dangol.playbook.smart.finding import Lint


@click.command()
@in_project
@click.option("--data", "with_data", is_flag=True, help="Compare with the real tables, and lint targets with them.")
@AT
@JSON
def check(directory: Path, with_data: bool, at: str | None, as_json: bool) -> int:
    """Parse, resolve and type everything; no data needed."""
    from dangol.playbook.verdict import checked

    verdict = checked(directory, _channels)
    found = list(verdict.diagnostics)
    targets: tuple[Lint, ...] = ()
    with_data = with_data and not any(d.is_error for d in found)
    if with_data:
        from dangol import api

        project = api.load(directory, progress=progress())
        found += project.check_data()
        targets = project.lint(at)
        found += project.told(targets)
    errors = sum(d.is_error for d in found)
    if as_json:
        _as_json(found, targets, with_data)
    else:
        show(found)
        _targets(targets, 0 if with_data else verdict.targets)
        counted = [(verdict.playbooks, "playbook"), (verdict.segments, "segment"), (verdict.traits, "trait")]
        counts = ", ".join(counted_as(*each) for each in (*counted, (verdict.scenarios, "scenario")))
        click.echo(f"{counts}: {counted_as(errors, 'error') if errors else 'fine'}")
    return FINDINGS if errors else FINE


def _channels(project: Files) -> tuple[Diagnostic, ...]:
    from dangol.runner.declared import channel_problems

    return channel_problems(project)


def _as_json(found: list[Diagnostic], targets: tuple[Lint, ...], with_data: bool) -> None:
    from dangol.views import diagnostics, smart

    needing = "" if with_data else smart.needing_data()
    print_json({**diagnostics.as_json(in_file_order(found)), "targets": smart.as_json(targets), "not_asked": needing})


def _targets(targets: tuple[Lint, ...], unasked: int) -> None:
    """The lights; without data, how many targets wait for them."""
    if targets:
        from dangol.views import smart

        click.echo(smart.as_text(targets, colour=colour(sys.stdout)))
    if unasked:
        from dangol.views.smart import needing_data

        click.echo(f"{counted_as(unasked, 'target')}: `dangol check --data` also asks {needing_data()}")
