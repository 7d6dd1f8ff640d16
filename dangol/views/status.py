"""How the ledger stands: as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from dangol.runner.ledger import Run, Status, Unknown
from dangol.runner.personal import shown_id
from dangol.views.text import second


@dataclass(frozen=True)
class Standing:
    """A ledger's status, its last runs, the sends nobody knows the outcome of (if asked for), and per scenario how many
    customers are in it under an earlier text."""

    status: Status
    runs: Sequence[Run]
    unknown: Sequence[Unknown]
    earlier: Mapping[str, int] = field(default_factory=dict)


def as_json(found: Standing, zone: str, show_personal: bool = False) -> dict[str, Any]:
    """The standing as data, version 1; instants in the zone. Addresses are left out."""
    status = found.status
    return {
        "version": 1,
        "runs": [_run(run, zone) for run in found.runs],
        "entries": dict(status.entries),
        "earlier_texts": dict(found.earlier),
        "sends": dict(status.sends),
        "reasons": {state: dict(reasons) for state, reasons in status.reasons.items()},
        "next_ready": _instant(status.next_ready, zone),
        "suppressions": status.suppressions,
        "unmatched_receipts": status.unmatched,
        "unknown": [
            {
                **{k: v for k, v in asdict(one).items() if k != "address"},
                "customer": shown_id(one.customer, show_personal),
                "claimed_at": _instant(one.claimed_at, zone),
            }
            for one in found.unknown
        ],
    }


def _run(run: Run, zone: str) -> dict[str, Any]:
    return {
        "run": run.id,
        "at": _instant(run.at, zone),
        "finished_at": _instant(run.finished_at, zone),
        "messages": dict(run.counts),
    }


def _instant(micros: int | None, zone: str) -> str | None:
    return None if micros is None else second(micros, zone)


def as_text(found: Standing, zone: str, show_personal: bool = False) -> str:
    """The standing for a terminal, without a final line break."""
    return "\n".join(_lines(found, zone, show_personal))


def _lines(found: Standing, zone: str, show_personal: bool) -> Iterator[str]:
    status = found.status
    if not found.runs:
        yield "Nothing has run yet."
    for run in found.runs:
        end = _counted(run.counts) or "nothing due" if run.finished_at is not None else "did not finish"
        yield f"run {run.id} at {second(run.at, zone)}: {end}"
    yield f"entries: {_counted(status.entries) or 'none'}"
    for name, count in found.earlier.items():
        yield f"  {count:,} in {name} under an earlier text: `dangol plan --migrate` shows where they would go on"
    yield f"messages: {_counted(status.sends) or 'none'}"
    for state, reasons in sorted(status.reasons.items()):
        yield f"  {state}: {_counted(reasons)}"
    if status.next_ready is not None:
        yield f"the next planned message may go out at {second(status.next_ready, zone)}"
    if status.suppressions:
        yield f"suppressed: {status.suppressions:,}"
    if status.unmatched:
        yield f"receipts that name no message: {status.unmatched:,}"
    if count := status.sends.get("unknown", 0):
        yield f"{count:,} messages may have gone out or not: `dangol status --unknown`, then `dangol reconcile KEY …`"
    for one in found.unknown:
        where = f"{one.playbook}/{one.scenario} step {one.step} on {one.channel}"
        who = shown_id(one.customer, show_personal)
        yield f"  {one.key}  {who}  {where}  {second(one.claimed_at, zone)}  {one.reason or ''}".rstrip()


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {state}" for state, count in sorted(counts.items()) if count)
