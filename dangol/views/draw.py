"""The draws of one customer to look at: salt, number, range and what each decides."""

from __future__ import annotations

from typing import Any

from dangol.api import Project
from dangol.engine import ir
from dangol.measure.design import percent
from dangol.runner.experiments.trace import Draw, traced
from dangol.views.text import printable, table


def about(project: Project, what: str, customer: str) -> tuple[list[str], list[dict[str, Any]]]:
    """The draws of a customer in a scenario as lines and as JSON; none for anything else, and where none is made."""
    node = project.find(what)
    found = traced(project.files, node, customer) if isinstance(node, ir.Scenario) else ()
    lines = [f"  {line}" for line in table([_row(one) for one in found])]
    return (["draws:", *lines] if found else []), [_record(one) for one in found]


def _row(one: Draw) -> tuple[str, ...]:
    name = f"{one.name} holdout" if one.kind == "holdout" else f"{one.kind} {one.name}"
    if one.range is None:
        return printable(name), f"`{printable(one.salt)}`", "", "", "not evaluated"
    lower, upper = (percent(end) for end in one.range)
    return printable(name), f"`{printable(one.salt)}`", f"{one.u:.6f}", f"[{lower}, {upper})", one.outcome or ""


def _record(one: Draw) -> dict[str, Any]:
    ends = None if one.range is None else [float(end) for end in one.range]
    said = {"kind": one.kind, "name": one.name, "salt": one.salt, "u": one.u, "range": ends}
    return {**said, "outcome": one.outcome or "not evaluated"}
