"""Lines that stand in no file, as on a command line: an expression, an instant, a whole scenario."""

from __future__ import annotations

import datetime as dt
import time
from typing import Any, cast

from dangol.diagnostics import DangolError, Line, diagnose, in_file_order
from dangol.engine import ir
from dangol.engine.calendar import instant_of, micros_of
from dangol.engine.catalog import Catalog, normal
from dangol.engine.check import Checked, ScenarioText, Written, check
from dangol.grammar import ast
from dangol.grammar.parser import parse
from dangol.library import hinted, used_by
from dangol.playbook.project import Project

At = dt.datetime | dt.date | str | int | None
"""An instant: aware or local datetime, a date (its start), a text as in a playbook, µs since the epoch, None (now)."""

ARROWS = ("→", "->", "=>")


def parsed(line: Line) -> ast.Expr:
    """The tree of an expression. Raises DangolError when it is none."""
    tree, findings = parse(line, "expression")
    if tree is None:
        raise DangolError(*findings)
    return cast(ast.Expr, tree)


def instant(text: str) -> dt.datetime | dt.date | None:
    """An instant or date as a playbook writes it; None for `now`. Raises DangolError for anything else."""
    line = Line.of(text.strip(), "--at")
    match parsed(line):
        case ast.Date(value=day):
            return day
        case ast.Instant(value=moment):
            return moment
        case ast.Moment(name="now"):
            return None
    raise DangolError(
        diagnose("E511", "this is not an instant", line, hints=("such as `2026-01-31` or `2026-01-31T10:00`",))
    )


def instant_from(at: At, zone: str) -> int:
    """µs since the epoch. A text is a date or instant as a playbook writes it. Raises DangolError for anything else."""
    if at is None:
        return time.time_ns() // 1000
    if isinstance(at, int):
        return at
    if isinstance(at, str):
        at = instant(at)
        if at is None:
            return time.time_ns() // 1000
    if not isinstance(at, dt.datetime):
        at = dt.datetime(at.year, at.month, at.day)
    if at.tzinfo is not None:
        return micros_of(at)
    return instant_of(micros_of(at.replace(tzinfo=dt.UTC)), zone)


def scenario_tree(line: Line) -> ast.Scenario | None:
    """The tree of a line that is a scenario; None for an expression. Raises DangolError when it is neither."""
    if not any(arrow in line.text for arrow in ARROWS):
        return None
    tree, findings = parse(line, "scenario")
    if tree is None and parse(line, "expression")[0] is None:
        raise DangolError(*findings)
    return cast(ast.Scenario | None, tree)


def scenario_of(line: Line, tree: ast.Scenario, project: Project, catalog: Catalog) -> tuple[ir.Scenario, Checked]:
    """What a scenario in a line of its own means: its messages and splits may be those of any playbook.

    Raises DangolError when something is wrong with it.
    """
    splits: dict[str, Written[Any]] = {}
    messages: dict[str, frozenset[str]] = {}
    for file in project.scenarios:
        splits |= file.text.splits
    for playbook in project.playbooks:
        for name, written in playbook.messages.items():
            messages[name] = messages.get(name, frozenset()) | frozenset(written)
    config = project.config
    channels = frozenset(map(normal, config.channels)) if config is not None else frozenset()
    rule = Written(line, tree)
    text = ScenarioText("line", "line", rule, project.zone, splits=splits, messages=messages, channels=channels or None)
    defined = project.definitions
    lines = [rule, *(Written(one.line, one.tree) for one in defined)]
    used = used_by(lines, catalog, project.zone, {one.name for one in defined})
    checked = check(catalog, [*defined, *used.definitions], [text], used.broken)
    own = [one for one in (*hinted(checked.diagnostics), *used.found) if one.file == line.source.name]
    errors = [one for one in own if one.is_error]
    if errors or not checked.program.scenarios:
        raise DangolError(*in_file_order(errors))
    return checked.program.scenarios[0], checked
