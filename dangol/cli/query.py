"""`dangol query`: who matches EXPRESSION: in the project, or in bare files (CSV, JSON Lines, Parquet)."""

from __future__ import annotations

from pathlib import Path

import click

from dangol.cli.base import AT, FINE, JSON, in_project, print_json, progress, show


@click.command()
@click.argument("expression")
@AT
@click.option("--timezone", "zone", metavar="Z", help="The zone of local times. Default: the project's, else UTC.")
@click.option("--customers", type=click.Path(path_type=Path), help="A file of customers (column `id`).")
@click.option("--events", type=click.Path(path_type=Path), help="A file of events (`customer`, `event`, `time`).")
@click.option("--columns", metavar="A=B,…", help="Other names: user_id=customer says that user_id is the customer.")
@click.option("--ids", "with_ids", is_flag=True, help="The ids of all who match, sorted as text.")
@click.option("--csv", "csv_file", type=click.Path(path_type=Path), help="Write the ids to a CSV file.")
@JSON
@in_project
def query(
    expression: str,
    at: str | None,
    zone: str | None,
    customers: Path | None,
    events: Path | None,
    columns: str | None,
    with_ids: bool,
    csv_file: Path | None,
    as_json: bool,
    directory: Path,
) -> int:
    """Who matches EXPRESSION: in the project, or in bare files (CSV, JSON Lines, Parquet)."""
    from dangol import bare
    from dangol.views import query as view

    if customers is None and events is None:
        answer = bare.in_project(directory, expression, at, zone, progress(), csv_file)
    else:
        answer = bare.in_files(expression, customers, events, columns or "", at, zone, progress(), csv_file)
    if csv_file is not None:
        view.write_csv(answer, csv_file)
    if as_json:
        print_json(view.as_json(answer, with_ids=with_ids))
    else:
        click.echo(view.as_text(answer, with_ids=with_ids))
        show(answer.diagnostics)
    return FINE
