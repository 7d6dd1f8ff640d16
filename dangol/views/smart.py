"""Targets to look at: five lights each, with the numbers behind them; and the same as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from dangol.playbook.smart.finding import Finding, Lint
from dangol.playbook.smart.rules import RULES
from dangol.views.text import paint

_TONES = {"error": "red", "warning": "yellow", "accepted": "yellow", "info": "cyan", "ok": "green"}


def as_text(lints: Iterable[Lint], *, colour: bool = False) -> str:
    """The lights of every target, without a final line break."""
    return "\n".join(line for one in lints for line in _lines(one, colour))


def _lines(one: Lint, colour: bool) -> Iterator[str]:
    yield f"{paint(one.full_name, 'bold', colour=colour)}: {one.kpi}"
    for light in one.lights:
        word = paint(f"{light.severity:<8}", _TONES[light.severity], colour=colour)
        yield f"  {light.letter}: {word} {light.line}".rstrip()
    for finding in one.findings:
        if finding.accepted is not None:
            yield f"  accepted: {finding.rule}, {finding.accepted}"
    if one.unasked:
        yield f"  not asked: {_unasked(one)}"


def _unasked(one: Lint) -> str:
    whys = dict.fromkeys(one.unasked.values())
    return "; ".join(f"{' '.join(rule for rule, why in one.unasked.items() if why == each)} ({each})" for each in whys)


def needing_data() -> str:
    """The rules that `check` cannot ask without data: `S03 S05 M02–M08 …`."""
    rules = [rule.id for rule in RULES.values() if rule.needs == "data"]
    first = [rule for rule in rules if _before(rule) not in rules]
    return " ".join(_span(rule, rules) for rule in first)


def _before(rule: str) -> str:
    return f"{rule[0]}{int(rule[1:]) - 1:02}"


def _span(rule: str, rules: Sequence[str]) -> str:
    last = int(rule[1:])
    while f"{rule[0]}{last + 1:02}" in rules:
        last += 1
    return rule if last == int(rule[1:]) else f"{rule}–{rule[0]}{last:02}"


def as_json(lints: Sequence[Lint]) -> list[dict[str, Any]]:
    """The targets as data, documented in docs/json.md."""
    return [
        {
            "playbook": one.playbook,
            "scenario": one.scenario,
            "kpi": one.kpi,
            "lights": {each.letter: {"severity": each.severity, "line": each.line} for each in one.lights},
            "findings": [_finding(each) for each in one.findings],
            "not_asked": dict(one.unasked),
        }
        for one in lints
    ]


def _finding(one: Finding) -> dict[str, Any]:
    return {
        "rule": one.rule,
        "severity": one.severity,
        "found": one.found,
        "needed": one.needed,
        "change": one.change,
        "accepted": one.accepted,
    }
