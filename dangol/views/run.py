"""What a run did, and how things stand: as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dangol.runner.tick import Report
from dangol.views import migration, winner
from dangol.views.text import instant, second


def as_json(report: Report) -> dict[str, Any]:
    """A run as data, version 1."""
    return {
        "version": 1,
        "run": report.run,
        "at": instant(report.plan.at, report.plan.zone),
        "messages": report.counts.states,
        "stopped": report.counts.stopped,
        "lapsed": dict(report.lapsed),
        "scenarios": [
            {
                "playbook": plan.playbook,
                "scenario": plan.scenario,
                "earlier": plan.record.text.hash if plan.is_earlier else None,
                "audience": plan.audience,
                "planned": len(plan.sends),
                "held": [{"reason": held.reason, "count": held.count} for held in plan.held],
            }
            for plan in report.plan.scenarios
        ],
        "decided": [winner.as_json(one, report.plan.zone) for one in report.decided],
        "migration": migration.as_json(report.plan.migration),
    }


def as_text(report: Report) -> str:
    """A run for a terminal, without a final line break."""
    return "\n".join(_lines(report))


def _lines(report: Report) -> Iterator[str]:
    counts = ", ".join(f"{count:,} {state}" for state, count in sorted(report.counts.states.items())) or "nothing due"
    yield f"Run {report.run} at {second(report.plan.at, report.plan.zone)}: {counts}"
    for change in report.plan.migration:
        yield f"  {change.playbook}/{change.scenario}: {change.count:,} moved from the text {change.earlier[:8]}"
    for one in report.decided:
        yield f"  {one.split or 'arms'}: {winner.sentence(one, report.plan.zone)}"
    for plan in report.plan.scenarios:
        if plan.sends:
            volume = ", ".join(f"{channel} {count:,}" for channel, count in plan.volume.items())
            yield f"  {plan.full_name}{' (earlier text)' if plan.is_earlier else ''}: {volume}"
    for channel, count in report.lapsed.items():
        yield f"  {count:,} messages on {channel} were in the hands of a run that died"
    for channel, reason in report.counts.stopped.items():
        yield f"  {channel} has stopped: {reason}"
