"""`dangol compare`: any finished test from a file, every arm against its control."""

from __future__ import annotations

from typing import Any

import click

from dangol.cli.base import FINE, JSON, print_json, show


@click.command()
@click.argument("file")
@click.option("--arm", metavar="COLUMN", required=True, help="Which arm each customer was assigned to.")
@click.option("--control", metavar="VALUE", required=True, help="The arm that the others are compared with.")
@click.option("--metric", metavar="COLUMN", required=True, help="What is compared: a number per customer.")
@click.option("--kind", type=click.Choice(["share", "mean", "ratio"]),
              help="Default: a ratio with --per, a share if all values are 0 or 1, else a mean.")  # fmt: skip
@click.option("--per", metavar="COLUMN", help="The denominator of a ratio.")
@click.option("--covariate", metavar="COLUMN", help="A value from before the test, to narrow the intervals (CUPED).")
@click.option("--id", "id", metavar="COLUMN", help="The customer's id: nobody may stand in the file twice.")
@click.option("--expected", metavar="SPLIT", help='The split as planned: "A 50%, B 50%", or in parts, "A 1, B 1".')
@click.option("--empty", type=click.Choice(["zero", "drop"]), help="What an empty cell of the metric means.")
@click.option("--alpha", type=click.FloatRange(0, 0.5, min_open=True), default=0.05, show_default=True,
              help="Two-sided, of all comparisons together.")  # fmt: skip
@click.option("--method", type=click.Choice(["fixed", "always_valid"]), default="fixed", show_default=True,
              help="always_valid if somebody looked on the way and could have stopped.")  # fmt: skip
@click.option("--planned", metavar="CUSTOMERS", type=click.IntRange(2), help="How many in all, for always_valid.")
@click.option("--lower-is-better", is_flag=True, help="Such as for unsubscribes.")
@JSON
def compare(file: str, as_json: bool, alpha: float, method: Any, expected: str | None, planned: int | None,
            lower_is_better: bool, **columns: Any) -> int:  # fmt: skip
    """Compare the arms of a finished test in FILE (CSV, gzip too, JSON Lines or Parquet), one row per customer."""
    from dangol.measure.arms import Columns
    from dangol.measure.comparison import Question, ask
    from dangol.views import compare as view

    question = Question(file, Columns(**columns), alpha, method, expected, planned, lower_is_better)
    answer = ask(question)
    if as_json:
        print_json(view.as_json(answer))
    else:
        click.echo(view.as_text(answer))
        show(answer.notes)
    return FINE
