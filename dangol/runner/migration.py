"""Entries that move from earlier texts of their scenario to today's: who stands where, and what becomes of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dangol.engine import ir
from dangol.engine.state.model import NO_INSTANT
from dangol.playbook.project import Project
from dangol.runner.endings import stays
from dangol.runner.entries import IN_FLIGHT, Past, progress
from dangol.runner.ledger.experiment_rows import Experiment, Won
from dangol.runner.ledger.rows import LastEntries, Running, SentTimes, Steps, Suppressed
from dangol.runner.policy import Gate
from dangol.runner.texts import Text, Texts

if TYPE_CHECKING:
    from dangol.runner.ledger import Ledger
    from dangol.runner.model import Plan

Ids = NDArray[np.int64]

WAITING = ("planned", "held")
REASON = "moved to another text"


@dataclass(frozen=True)
class Move:
    """Entries (id → the text they will be under) that wait at one step of an earlier text and where they go on.

    step: from 1; to: the step of today's text (None: nothing follows). given_up: those of them a message of which was
    waiting for a step that today's text does not have. due: how many would be sent to at once; leaves: reason → how
    many end.
    """

    step: int
    written: str
    to: int | None
    becomes: str | None
    is_same: bool
    entries: Mapping[int, Text] = field(repr=False)
    given_up: frozenset[int] = frozenset()
    due: int = 0
    leaves: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Change:
    """The entries of a scenario under one earlier text (its hash): when the first and the last of them began (µs),
    which steps are in today's text no more, which are new, who moves where. `stay`: entries a message of which is in
    the hands of a run; they move when that is over."""

    playbook: str
    scenario: str
    earlier: str
    first: int
    last: int
    vanished: tuple[str, ...]
    added: tuple[str, ...]
    moves: tuple[Move, ...]
    stay: int = 0

    @property
    def count(self) -> int:
        return sum(len(move.entries) for move in self.moves)


def changes_of(project: Project, scenarios: Iterable[ir.Scenario], past: Past) -> tuple[Change, ...]:
    """What has to move so that every running entry of these scenarios is under its text of today."""
    texts = Texts(project)
    return tuple(change for scenario in scenarios for change in _of_scenario(scenario, texts, past))


def _of_scenario(scenario: ir.Scenario, texts: Texts, past: Past) -> Iterator[Change]:
    earlier = past.texts(scenario.playbook, scenario.name)
    today = texts.of(scenario) if earlier else None
    if today is None or earlier.keys() <= {today.hash}:
        return
    running = past.running_entries(scenario.playbook, scenario.name)
    steps = past.steps(scenario.playbook, scenario.name)
    for hash_, body in earlier.items():
        old = Text(body)
        if old.says_as(today):
            continue
        under = np.asarray(np.array(running.text, object) == hash_, bool)
        if under.any():
            yield _change(scenario, hash_, old, today, running.entry[under], running.time[under], steps)


def _change(
    scenario: ir.Scenario, hash_: str, old: Text, today: Text, ids: Ids, times: Ids, steps: Steps
) -> Change:  # fmt: skip
    following, due, ready, *_ = progress(ids, steps, old.behind)
    written, now, place = old.steps, today.steps, following - old.behind
    counterpart = aligned(written, now)
    through = place >= len(written)
    stay = ready == IN_FLIGHT
    moving = ~stay if stays(scenario) else ~stay & ~through
    moves = []
    for step in np.unique(np.minimum(place, len(written))[moving]).tolist():
        here = moving & (np.minimum(place, len(written)) == step)
        to, is_same = counterpart[step] if step < len(written) else (len(now), False)
        open_ = here & (due != NO_INSTANT) & (not is_same)
        behind = following[here] + open_[here] - to
        texts = {each: today.moved(each) for each in np.unique(behind).tolist()}
        entries = {entry: texts[each] for entry, each in zip(ids[here].tolist(), behind.tolist(), strict=True)}
        given_up = frozenset(ids[open_].tolist())
        said = written[step] if step < len(written) else "every step is done"
        becomes = now[to] if to < len(now) else None
        moves.append(Move(step + 1, said, None if becomes is None else to + 1, becomes, is_same, entries, given_up))
    same = {to for to, is_same in counterpart if is_same}
    return Change(
        scenario.playbook, scenario.name, hash_, int(times.min()), int(times.max()),
        vanished=tuple(step for step, (_, is_same) in zip(written, counterpart, strict=True) if not is_same),
        added=tuple(step for number, step in enumerate(now) if number not in same),
        moves=tuple(moves),
        stay=int(stay.sum()),
    )  # fmt: skip


def aligned(earlier: Sequence[str], today: Sequence[str]) -> list[tuple[int, bool]]:
    """Per step of the earlier text: where who waits for it goes on in today's, and whether that is the same step.

    A step that is there no more gives way to the one in its place, else to the next; never to one that stood before it
    in the earlier text, which would go out twice.
    """
    found: list[tuple[int, bool]] = []
    matched: set[int] = set()
    for kind, low, high, first, last in SequenceMatcher(None, earlier, today, autojunk=False).get_opcodes():
        if kind == "equal":
            matched |= set(range(first, last))
        for place in range(low, high):
            found.append((min(first + place - low, last), kind == "equal"))
    for place, (to, is_same) in enumerate(found):
        if not is_same:
            passed = {step for step, (_, same) in zip(earlier[:place], found, strict=False) if not same}
            again = [number for number, step in enumerate(today) if number not in matched and step in passed]
            found[place] = (max([to, *(number + 1 for number in again)]), False)
    return found


class Moving:
    """A record of earlier ticks as it will be when these changes have been carried out."""

    def __init__(self, past: Past, changes: Sequence[Change]) -> None:
        self._past = past
        moves = [move for change in changes for move in change.moves]
        self._texts = {entry: text for move in moves for entry, text in move.entries.items()}
        self._given_up = {entry for move in moves for entry in move.given_up}

    def texts(self, playbook: str, scenario: str) -> dict[str, str]:
        running = self.running_entries(playbook, scenario)
        known = {**self._past.texts(playbook, scenario), **{text.hash: text.body for text in self._texts.values()}}
        return {hash_: known[hash_] for hash_ in dict.fromkeys(running.text)}

    def running_entries(self, playbook: str, scenario: str) -> Running:
        found = self._past.running_entries(playbook, scenario)
        under = zip(found.entry.tolist(), found.text, strict=True)
        return replace(found, text=[self._texts[e].hash if e in self._texts else text for e, text in under])

    def steps(self, playbook: str, scenario: str) -> Steps:
        found = self._past.steps(playbook, scenario)
        rows = zip(found.entry.tolist(), found.state, strict=True)
        return replace(found, state=["cancelled" if s in WAITING and e in self._given_up else s for e, s in rows])

    def last_entries(self, playbook: str, scenario: str, among: Sequence[str] | None = None) -> LastEntries:
        return self._past.last_entries(playbook, scenario, among)

    def sent_times(self, since: int, among: Sequence[str] | None = None) -> SentTimes:
        return self._past.sent_times(since, among)

    def suppressed(self, channel: str) -> Suppressed:
        return self._past.suppressed(channel)

    def decisions(self, playbook: str, scenario: str, phase: int) -> list[Won]:
        return self._past.decisions(playbook, scenario, phase)

    def experiments(self, playbook: str | None = None, scenario: str | None = None) -> list[Experiment]:
        return self._past.experiments(playbook, scenario)

    def count_assigned(self, experiment: int) -> int:
        return self._past.count_assigned(experiment)


def with_outcomes(changes: Sequence[Change], plan: Plan) -> tuple[Change, ...]:
    """The changes with what the plan, made as if they had been carried out, decides about the entries that move."""
    due: set[int] = set()
    leaves: dict[int, str] = {}
    gates = tuple(Gate)
    for scenario in plan.scenarios:
        record, ids = scenario.record, scenario.record.entries.id.tolist()
        due |= {ids[one.place] for one in record.decisions if one.state == "planned"}
        leaves |= {ids[one.place]: one.reason for one in record.ends}
        leaves |= {id_: gates[gate].value for id_, gate in zip(record.gone.id.tolist(), record.gone.gate, strict=True)}
    return tuple(
        replace(change, moves=tuple(
            replace(
                move,
                due=len(due & move.entries.keys()),
                leaves=dict(Counter(leaves[entry] for entry in move.entries if entry in leaves)),
            )
            for move in change.moves
        ))
        for change in changes
    )  # fmt: skip


def carry_out(ledger: Ledger, run: int, at: int, changes: Sequence[Change]) -> None:
    """Writes the changes down, each entry's at once."""
    for change in changes:
        by_text: dict[str, tuple[list[int], list[int]]] = {}
        texts: dict[str, Text] = {}
        for move in change.moves:
            for entry, text in move.entries.items():
                texts[text.hash] = text
                moving, given_up = by_text.setdefault(text.hash, ([], []))
                moving.append(entry)
                given_up += [entry] if entry in move.given_up else []
        for hash_, (moving, given_up) in by_text.items():
            ledger.move_entries(run, at, moving, hash_, texts[hash_].body, given_up, REASON)
