"""Decisions about arms, and how the arms of a split stand, in words with their numbers."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

from dangol.api import Project
from dangol.measure.arithmetic import number
from dangol.measure.sums import Sums
from dangol.runner.experiments.race import Race
from dangol.runner.ledger.experiment_rows import Won
from dangol.views.text import instant, second
from dangol.views.verdicts import worded

_SAYS = {
    "won": "winner: {arm} since {at}{why}",
    "best": "best so far at the deadline, no winner: {arm} since {at}{why}",
    "chosen": "chosen by hand: {arm} since {at}{why}",
    "control": "no winner at the deadline: nobody new gets a message since {at}",
    "stopped": "no winner at the deadline: nobody enters since {at}",
    "extended": "no winner at the deadline: it was put off on {at}",
    "reverted": "taken back on {at}{why}: everyone new gets the arm they draw",
}


def sentence(one: Won, zone: str) -> str:
    """A decision on one line: `winner: discount since 2026-03-20T09:00 (p 0.003 against scarcity, n 900 and 880)`."""
    return _SAYS[one.kind].format(arm=one.arm, at=second(one.at, zone), why=_why(one, json.loads(one.body)))


def about(project: Project, what: str) -> list[str]:
    """The sentences about a scenario of the project; none about anything else."""
    every = project.files.compiled.items()
    names = [f"{playbook}/{name}" for (playbook, name), _ in every if what in (name, f"{playbook}/{name}")]
    return [sentence(one, project.files.zone) for name in names[:1] for one in project.decisions(name)]


def _why(one: Won, told: dict[str, Any]) -> str:
    if told.get("by") == "hand":
        return f" ({told['reason']})" if told.get("reason") else ""
    said = []
    for pair in told.get("pairs", ()):
        if one.arm in (pair["first"], pair["second"]):
            rival = pair["first"] if one.arm == pair["second"] else pair["second"]
            p = "" if pair["p"] is None else f"p {pair['p']:.2g} against "
            said.append(f"{p}{rival}, n {told['arms'][one.arm]['n']:,} and {told['arms'][rival]['n']:,}")
    return f" ({'; '.join(said)})" if said else ""


def as_json(one: Won, zone: str) -> dict[str, Any]:
    """A decision as data, with everything it rests on."""
    at = instant(one.at, zone)
    return {"kind": one.kind, "split": one.split or None, "arm": one.arm, "at": at, "because": json.loads(one.body)}


def standing(race: Race) -> Iterator[str]:
    """How the arms stand, the one ahead first, and why none of them is sent to the rest yet."""
    fewer = ", fewer is better" if race.lower_is_better else ""
    ordered = sorted(race.arms.items(), key=lambda each: _ahead(each[1], race))
    arms = ", ".join(f"{arm} {_shown(sums)} (n={sums.n:,})" for arm, sums in ordered)
    yield f"winner by {race.line.metric.events.label}{fewer}: {arms or 'nobody yet'}"
    yield from (f"  not yet: {worded(each)}" for each in race.obstacles)


def race_json(race: Race) -> dict[str, Any]:
    """The same as data."""
    return {
        "arms": {
            arm: {"value": sums.mean if sums.has_mean else None, **sums.record()} for arm, sums in race.arms.items()
        },
        "best": race.best,
        "promoted": race.promoted,
        "alpha": race.alpha,
        "minimum": race.minimum,
        "fewer_is_better": race.lower_is_better,
        "obstacles": [{**vars(each), "text": worded(each)} for each in race.obstacles],
    }


def _ahead(sums: Sums, race: Race) -> float:
    return math.inf if not sums.has_mean else sums.mean if race.lower_is_better else -sums.mean


def _shown(sums: Sums) -> str:
    return number(sums.mean, sums.kind) if sums.has_mean else "–"
