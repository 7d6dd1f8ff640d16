"""A backtest as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dangol.runner.backtest import Backtest
from dangol.views.text import instant, second


def as_json(found: Backtest) -> dict[str, Any]:
    """A backtest as data, version 1."""
    return {
        "version": 1,
        "from": instant(found.start, found.zone),
        "to": instant(found.end, found.zone),
        "runs": found.runs,
        "customers": found.customers,
        "most_per_customer": found.most,
        "volume": {day: dict(counts) for day, counts in found.volume.items()},
        "scenarios": dict(found.scenarios),
        "overlaps": [vars(each) for each in found.overlaps],
        "waited": [vars(each) for each in found.waited],
        "stopped": [each.message for each in found.stopped],
    }


def as_text(found: Backtest) -> str:
    """A backtest for a terminal, without a final line break."""
    return "\n".join(_lines(found))


def _lines(found: Backtest) -> Iterator[str]:
    total = sum(found.scenarios.values())
    yield f"{second(found.start, found.zone)} to {second(found.end, found.zone)}, {found.runs:,} runs"
    yield f"{total:,} messages to {found.customers:,} customers, at most {found.most:,} to one"
    for day, counts in found.volume.items():
        yield f"  {day}  " + ", ".join(f"{channel} {count:,}" for channel, count in sorted(counts.items()))
    if found.scenarios:
        yield "By scenario"
        yield from (f"  {name}: {count:,}" for name, count in sorted(found.scenarios.items()))
    if found.overlaps:
        yield "Customers of two scenarios"
        yield from (f"  {each.first} and {each.second}: {each.customers:,}" for each in found.overlaps)
    if found.waited:
        yield "Held or given up"
        yield from (
            f"  {each.scenario}: {each.count:,} {each.reason}" + (f", {each.sent:,} sent later" if each.sent else "")
            for each in found.waited
        )
    for finding in found.stopped:
        yield f"Runs would have stopped: {finding.message}"
