"""The canonical text of a tree: `parse(print_node(x)) == x`, whatever the spacing and signs it was written with."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from dangol.grammar import ast

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def print_node(node: Any) -> str:
    """The one spelling of a line, clause or part of one: `→`, double quotes, single spaces, literals as written."""
    return _PRINTERS[type(node)](node)


def quoted(text: str) -> str:
    """A text in double quotes, with what must be escaped escaped."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _joined(separator: str, nodes: Any) -> str:
    return separator.join(print_node(node) for node in nodes)


def _plain(value: Fraction) -> str:
    digits = f"{float(value):.15f}".rstrip("0").rstrip(".")
    return str(value.numerator) if value.denominator == 1 else digits


def _number(node: ast.Number) -> str:
    return node.written or (f"{_plain(node.value * 100)}%" if node.percent else _plain(node.value))


def _duration(node: ast.Duration) -> str:
    return node.written or f"{_plain(node.amount)}{node.unit}"


def _instant(node: ast.Instant) -> str:
    return node.written or node.value.isoformat()


def _regex(node: ast.Regex) -> str:
    escaped = re.sub(r"\\.|/", lambda found: r"\/" if found[0] == "/" else found[0], node.pattern)
    return f"/{escaped}/"


def _times(node: ast.Times) -> str:
    if node.written:
        return node.written
    if node.high is None:
        return f"{node.low}+ times"
    if node.low == node.high:
        return f"exactly {node.low} times"
    return f"at most {node.high} times" if node.low == 0 else f"{node.low}..{node.high} times"


def _where(node: ast.Where) -> str:
    condition = print_node(node.condition)
    return f"where ({condition})" if node.bracketed else f"where {condition}"


def _sequence(node: ast.Sequence) -> str:
    other = print_node(node.other)
    if node.kind == "within of":
        text = f"within {print_node(node.gap)} of {other}"
    else:
        text = f"{node.kind} {other}" + (f" within {print_node(node.gap)}" if node.gap else "")
    return text + _same(node.same)


def _same(names: tuple[ast.Name, ...]) -> str:
    if not names:
        return ""
    text = _joined(", ", names)
    return f" with same ({text})" if len(names) > 1 else f" with same {text}"


def _chain(node: ast.Sum | ast.Product) -> str:
    return print_node(node.first) + "".join(f" {sign} {print_node(operand)}" for sign, operand in node.rest)


def _in(node: ast.In) -> str:
    word = "not in" if node.negated else "in"
    return f"{print_node(node.value)} {word} ({_joined(', ', node.options)})"


def _between(node: ast.Between) -> str:
    return f"{print_node(node.value)} between {print_node(node.low)} and {print_node(node.high)}"


def _case(node: ast.Case) -> str:
    branches = "".join(f" when {print_node(condition)} then {print_node(value)}" for condition, value in node.branches)
    otherwise = f" else {print_node(node.otherwise)}" if node.otherwise is not None else ""
    return f"case{branches}{otherwise} end"


def _as_of(node: ast.AsOf) -> str:
    ago = " ago" if isinstance(node.when, ast.Duration) else ""
    return f"{print_node(node.operand)} as of {print_node(node.when)}{ago}"


def _send(node: ast.Send) -> str:
    return f"{node.channel} {print_node(node.message)}"


def _timing(node: ast.Timing) -> str:
    if node.delay is None:
        return f"wait until {print_node(node.at)}"
    return f"{node.word} {print_node(node.delay)}" + (f" at {print_node(node.at)}" if node.at else "")


def _step(node: ast.Step) -> str:
    timing = f"{print_node(node.timing)} " if node.timing else ""
    condition = f"if {print_node(node.condition)} " if node.condition is not None else ""
    return timing + condition + ("stop" if node.stop else _joined(" else ", node.sends))


def _weekly(node: ast.Weekly) -> str:
    return f"weekly on {', '.join(DAYS[day] for day in node.days)} at {print_node(node.at)}"


def _kpi(node: ast.Kpi) -> str:
    against = f" vs {node.versus}" if node.versus else f" from {print_node(node.baseline)}" if node.baseline else ""
    return f"{_measured(node)} {node.op} {_amount(node)}{against} by {print_node(node.by)}"


def _guardrail(node: ast.Guardrail) -> str:
    if node.versus is None:
        return f"{_measured(node)} {node.op} {_amount(node)}"
    return f"{_measured(node)} {node.op} at most {_amount(node)} vs {node.versus}"


def _measured(node: ast.Kpi | ast.Guardrail) -> str:
    per = f" per {print_node(node.per)}" if node.per else ""
    return f"{print_node(node.metric)}{_same(node.same)}{per}"


def _amount(node: ast.Kpi | ast.Guardrail) -> str:
    return node.amount.written or (f"{_plain(node.amount.value * 100)}pp" if node.points else print_node(node.amount))


def _on_deadline(node: ast.OnDeadline) -> str:
    return f"{node.action} {print_node(node.delay)}" if node.delay else node.action


def _cap(node: ast.Cap) -> str:
    window = f"calendar {node.window}" if isinstance(node.window, str) else print_node(node.window)
    return f"{node.count} per {window}" + (f" on {node.channel}" if node.channel else "")


def _again(node: ast.Again) -> str:
    return f"after {print_node(node.delay)}" if node.delay else node.mode


_PRINTERS: dict[type, Callable[[Any], str]] = {
    ast.Duration: _duration,
    ast.Number: _number,
    ast.Text: lambda node: quoted(node.value),
    ast.Boolean: lambda node: "true" if node.value else "false",
    ast.Date: lambda node: node.value.isoformat(),
    ast.Instant: _instant,
    ast.Moment: lambda node: node.name,
    ast.Regex: _regex,
    ast.Name: lambda node: node.text,
    ast.Call: lambda node: f"{node.function}({print_node(node.argument)})",
    ast.Within: lambda node: f"within {print_node(node.duration)}",
    ast.WithinNext: lambda node: f"within next {print_node(node.duration)}",
    ast.Ago: lambda node: f"{print_node(node.near)}..{print_node(node.far)} ago",
    ast.MoreThanAgo: lambda node: f"more than {print_node(node.duration)} ago",
    ast.Relative: lambda node: f"{node.word} {print_node(node.bound)}",
    ast.BetweenDates: lambda node: f"between {print_node(node.low)} and {print_node(node.high)}",
    ast.Calendar: lambda node: node.unit,
    ast.Times: _times,
    ast.Where: _where,
    ast.Sequence: _sequence,
    ast.Phrase: lambda node: _joined(" ", (node.subject, *node.clauses)),
    ast.Did: lambda node: f"did {print_node(node.phrase)}",
    ast.Never: lambda node: f"never {print_node(node.phrase)}",
    ast.Bracket: lambda node: f"({print_node(node.content)})",
    ast.And: lambda node: _joined(" and ", node.items),
    ast.Or: lambda node: _joined(" or ", node.items),
    ast.Not: lambda node: f"not {print_node(node.item)}",
    ast.Compare: lambda node: f"{print_node(node.left)} {node.op} {print_node(node.right)}",
    ast.In: _in,
    ast.Between: _between,
    ast.TextTest: lambda node: f"{print_node(node.value)} {node.kind} {print_node(node.argument)}",
    ast.IsSet: lambda node: f"{print_node(node.value)} is {'missing' if node.missing else 'set'}",
    ast.Sum: _chain,
    ast.Product: _chain,
    ast.Negative: lambda node: f"-{print_node(node.value)}",
    ast.Case: _case,
    ast.Top: lambda node: f"top {print_node(node.amount)} by {print_node(node.by)}",
    ast.AsOf: _as_of,
    ast.Inline: lambda node: quoted(node.text),
    ast.MessageName: lambda node: node.name,
    ast.SplitName: lambda node: f"split {node.name}",
    ast.Send: _send,
    ast.Stop: lambda node: "stop",
    ast.TimeOfDay: lambda node: f"{node.hour:02}:{node.minute:02}",
    ast.Timing: _timing,
    ast.Step: _step,
    ast.Scenario: lambda node: _joined(" → ", (node.who, *node.steps)),
    ast.Cron: lambda node: node.text,
    ast.Every: lambda node: f"every {print_node(node.duration)}",
    ast.Daily: lambda node: f"daily at {print_node(node.at)}",
    ast.Weekly: _weekly,
    ast.Once: lambda node: f"once at {print_node(node.at)}",
    ast.Arm: lambda node: f"{node.name} {print_node(node.share)}",
    ast.Split: lambda node: _joined(", ", node.arms),
    ast.Holder: lambda node: f"{node.name} {print_node(node.share)}",
    ast.Namespace: lambda node: _joined(", ", node.holders),
    ast.Share: lambda node: print_node(node.share),
    ast.Winner: lambda node: (
        f"by {print_node(node.metric)} at {print_node(node.confidence)} after {node.minimum} each → send to rest"
    ),
    ast.Kpi: _kpi,
    ast.Guardrail: _guardrail,
    ast.OnDeadline: _on_deadline,
    ast.Cap: _cap,
    ast.Quiet: lambda node: f"{print_node(node.start)}–{print_node(node.end)}",
    ast.Again: _again,
}
