"""Entries that move from earlier texts to today's: who is where, and where each goes on; as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from dangol.runner.migration import Change, Move
from dangol.runner.versions import customers
from dangol.views.text import paint


def as_json(changes: Sequence[Change]) -> list[dict[str, Any]]:
    """The changes as data, as part of a plan's or a run's."""
    return [
        {
            "playbook": change.playbook,
            "scenario": change.scenario,
            "earlier": change.earlier,
            "customers": change.count,
            "stay": change.stay,
            "vanished": list(change.vanished),
            "added": list(change.added),
            "moves": [_move(move) for move in change.moves],
        }
        for change in changes
    ]


def _move(move: Move) -> dict[str, Any]:
    return {
        "step": move.step,
        "written": move.written,
        "to": move.to,
        "becomes": move.becomes,
        "same": move.is_same,
        "customers": len(move.entries),
        "given_up": len(move.given_up),
        "due": move.due,
        "leaves": dict(move.leaves),
    }


def as_lines(changes: Sequence[Change], colour: bool = False) -> Iterator[str]:
    """The changes for a terminal."""
    if not changes:
        yield "Nobody is under an earlier text."
    for change in changes:
        name = paint(f"{change.playbook}/{change.scenario}", "bold", colour=colour)
        yield f"{name}: {customers(change.count)} would move from the text {change.earlier[:8]} to that of today"
        yield from (f"  no more: {step}" for step in change.vanished)
        yield from (f"  new: {step}" for step in change.added)
        for move in change.moves:
            yield f"  {len(move.entries):,} at step {move.step} ({move.written}) → {_target(move)}"
            yield from (f"      {line}" for line in _outcome(move))
        if change.stay:
            yield f"  {change.stay:,} stay until it is known what became of a message of theirs"


def _target(move: Move) -> str:
    if move.to is None:
        return "nothing follows: they end"
    return f"step {move.to}, the same" if move.is_same else f"step {move.to} ({move.becomes})"


def _outcome(move: Move) -> Iterator[str]:
    if move.given_up:
        yield f"{len(move.given_up):,} waiting messages are given up"
    if move.due:
        yield f"{move.due:,} would be sent to at once"
    yield from (f"{count:,} leave: {reason}" for reason, count in move.leaves.items())
