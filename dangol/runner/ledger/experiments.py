"""Experiments: how customers were drawn, who was assigned to what, what every look found, which arm won."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, and_, func, select, true, update

from dangol.engine.state.model import NO_INSTANT
from dangol.measure.design import HOLDOUTS
from dangol.runner.ledger.experiment_rows import (
    Assigned,
    Cohort,
    Experiment,
    NewAssignments,
    Result,
    Start,
    Won,
)
from dangol.runner.ledger.given import Given, insert_new
from dangol.runner.ledger.schema import (
    assignments,
    cohorts,
    decisions,
    entries,
    experiments,
    meta,
    results,
    sends,
)
from dangol.runner.ledger.store import Store, columns_of


class Experiments:
    """Part of a ledger: its experiments."""

    store: Store

    def experiments(self, playbook: str | None = None, scenario: str | None = None) -> list[Experiment]:
        """The phases that have begun (of a playbook, of a scenario), the earliest first."""
        named = ((experiments.c.playbook, playbook), (experiments.c.scenario, scenario))
        mine = and_(true(), *(where == name for where, name in named if name is not None))
        with self.store.reading() as connection:
            rows = connection.execute(select(experiments).where(mine).order_by(experiments.c.id)).all()
        return [_experiment(row) for row in rows]

    def count_assigned(self, experiment: int) -> int:
        """How many customers have been assigned in a phase."""
        path = assignments.join(cohorts, cohorts.c.id == assignments.c.cohort)
        path = path.join(entries, entries.c.id == assignments.c.entry)
        asked = select(func.count(entries.c.customer.distinct())).select_from(path)
        with self.store.reading() as connection:
            return int(connection.execute(asked.where(cohorts.c.experiment == experiment)).scalar_one())

    def plan_experiment(self, experiment: int, planned: int | None, lint: str | None) -> None:
        """Adds to an experiment what was planned, and the lint report accepted; what is there already stays."""
        kept = {
            "planned": func.coalesce(experiments.c.planned, planned),
            "lint": func.coalesce(experiments.c.lint, lint),
        }
        with self.store.writing("plan_experiment") as connection:
            connection.execute(update(experiments).where(experiments.c.id == experiment).values(kept))

    def widen_experiment(self, experiment: int, design: str) -> None:
        """Records a design that takes in more customers and moves nobody."""
        with self.store.writing("widen_experiment") as connection:
            connection.execute(update(experiments).where(experiments.c.id == experiment).values(design=design))

    def end_experiments(self, at: int, playbook: str, scenario: str) -> int:
        """Ends the experiments of a scenario that is gone, as one that another will not be a renaming of; how many."""
        mine = and_(experiments.c.playbook == playbook, experiments.c.scenario == scenario)
        with self.store.writing("end_experiments") as connection:
            ended = update(experiments).where(mine, experiments.c.ended_at.is_(None)).values(ended_at=at)
            return connection.execute(ended).rowcount

    def assigned(
        self, playbook: str, scenario: str, phase: int | None = None, until: int | None = None
    ) -> Assigned | None:
        """Everyone assigned in a phase of a scenario (None: the last one) by runs up to `until` (µs; None: ever), by
        the order of their entries. None when none has begun."""
        begun = self.experiments(playbook, scenario)
        chosen = max((one for one in begun if phase in (None, one.start.phase)), key=_phase, default=None)
        if chosen is None:
            return None
        with self.store.reading() as connection:
            return _read(connection, chosen, until)

    # --- results and decisions

    def record_result(self, result: Result) -> Result:
        """Records a look; returns the one recorded, which is the earlier when this look was taken before."""
        chosen = and_(
            results.c.experiment == result.experiment, results.c.kpi == result.kpi, results.c.look == result.look
        )
        with self.store.writing("result") as connection:
            connection.execute(insert_new(connection, results).values(vars(result)))
            return Result(*connection.execute(select(results).where(chosen)).one())

    def results(self, experiment: int) -> list[Result]:
        """Every look at an experiment, by KPI and look."""
        asked = select(results).where(results.c.experiment == experiment).order_by(results.c.kpi, results.c.look)
        with self.store.reading() as connection:
            return [Result(*row) for row in connection.execute(asked)]

    def decide(self, won: Won, seen: int) -> Won:
        """Records a decision by whoever has `seen` so many before it; returns the one that stands in that place, which
        is another's when they were first. It holds for entries that begin from now on."""
        chosen = and_(decisions.c.experiment == won.experiment, decisions.c.number == seen + 1)
        with self.store.writing("decide") as connection:
            entry = connection.execute(select(meta.c.next_entry)).scalar_one()
            row = {**vars(won), "number": seen + 1, "entry": entry}
            connection.execute(insert_new(connection, decisions).values(row))
            return _won(connection.execute(select(decisions).where(chosen)).one())

    def decided(self, experiment: int) -> list[Won]:
        """The decisions about an experiment, the earliest first; of each split the last one holds."""
        asked = select(decisions).where(decisions.c.experiment == experiment).order_by(decisions.c.number)
        with self.store.reading() as connection:
            return [_won(row) for row in connection.execute(asked)]

    def decisions(self, playbook: str, scenario: str, phase: int) -> list[Won]:
        """The decisions about a phase of a scenario, the earliest first."""
        mine = (experiments.c.playbook == playbook, experiments.c.scenario == scenario, experiments.c.phase == phase)
        asked = select(decisions).join(experiments, experiments.c.id == decisions.c.experiment).where(*mine)
        with self.store.reading() as connection:
            return [_won(row) for row in connection.execute(asked.order_by(decisions.c.number))]

    # --- inside ---

    def _assign(self, connection: Connection, at: int, new: NewAssignments | None) -> None:
        """Records who reaches the draw, as part of the transaction of the step. Entries of a time when draws were not
        recorded are left out: their first one is not known."""
        if new is None:
            return
        first = connection.execute(select(meta.c.assigned_from)).scalar_one()
        entry = np.asarray(new.entry, np.int64)
        fresh = entry >= first
        if not fresh.any():
            return
        numbers = self._cohorts(connection, self._start(connection, at, new.start), new.cohorts)
        cohort, due = (
            np.broadcast_to(np.asarray(each, np.int64), entry.shape)[fresh] for each in (new.cohort, new.due)
        )
        row = {"entry": entry[fresh], "cohort": numbers[cohort], "due": due, "at": at}
        rows = Given(connection, assignments, row)
        rows.insert(assignments, {name: rows[name] for name in row})

    def _start(self, connection: Connection, at: int, start: Start) -> int:
        lines = json.dumps(dict(start.lines), ensure_ascii=False)
        key = {"playbook": start.playbook, "scenario": start.scenario, "phase": start.phase}
        row = {**key, "design": start.design, "lines": lines, "started_at": at}
        connection.execute(insert_new(connection, experiments).values(row))
        chosen = and_(*(experiments.c[name] == value for name, value in key.items()))
        return int(connection.execute(select(experiments.c.id).where(chosen)).scalar_one())

    def _cohorts(self, connection: Connection, experiment: int, given: Sequence[Cohort]) -> NDArray[np.int64]:
        """The number of each cohort."""
        rows = [(experiment, one.step, one.channel, one.holdout, _written(one.arms)) for one in given]
        names = ("experiment", "step", "channel", "holdout", "arms")
        columns = dict(zip(names, columns_of(rows, len(names)), strict=True))
        known = select(cohorts).where(cohorts.c.experiment == experiment)
        found = {tuple(row[1:]): row[0] for row in connection.execute(known)}
        if not set(rows) <= found.keys():
            fresh = Given(connection, cohorts, columns)
            fresh.insert(cohorts, {name: fresh[name] for name in names})
            found = {tuple(row[1:]): row[0] for row in connection.execute(known)}
        return np.array([found[row] for row in rows], np.int64)


def _won(row: Any) -> Won:
    return Won(row.experiment, row.split, row.arm, row.at, row.body, row.kind, row.number, row.entry)


def _written(arms: Sequence[tuple[str, str]]) -> str:
    return json.dumps(dict(arms), ensure_ascii=False, sort_keys=True)


def _phase(one: Experiment) -> int:
    return one.start.phase


def _experiment(row: Any) -> Experiment:
    start = Start(row.playbook, row.scenario, row.phase, row.design, json.loads(row.lines))
    return Experiment(row.id, start, row.started_at, row.ended_at, row.planned, row.lint)


def _read(connection: Connection, chosen: Experiment, until: int | None) -> Assigned:
    kinds = {row.id: row for row in connection.execute(select(cohorts).where(cohorts.c.experiment == chosen.id))}
    last = LATER if until is None else until
    mine = and_(assignments.c.cohort.in_(list(kinds)), assignments.c.at <= last)
    asked = (
        select(assignments, entries.c.time, entries.c.customer)
        .join(entries, entries.c.id == assignments.c.entry)
        .where(mine)
        .order_by(assignments.c.entry)
    )
    entry, cohort, due, at, time, customer = _columns(connection, asked, *[np.int64] * 5, np.object_)
    owner, once = _owners(customer.tolist())
    groups = _groups(cohort[once], kinds)
    state, sent_at = _became(connection, mine, entry, owner, once, groups["step"], last)
    return Assigned(
        customer[once], entry[once], time[once], due[once], at[once], state=state, sent_at=sent_at,
        **groups,
    )  # fmt: skip


def _became(
    connection: Connection, mine: Any, entry: NDArray[np.int64], owner: NDArray[np.int64], once: NDArray[np.int64],
    step: NDArray[np.int64], last: int,
) -> tuple[NDArray[np.object_], NDArray[np.int64]]:  # fmt: skip
    """What became of the step of each customer's first entry, and when the first message to them went out."""
    went = func.coalesce(sends.c.sent_at, LATER)
    asked = select(sends.c.entry, sends.c.step, went, sends.c.state)
    asked = asked.join(assignments, assignments.c.entry == sends.c.entry).where(mine)
    its_entry, its_step, its_sent, its_state = _columns(connection, asked, *[np.int64] * 3, np.object_)
    place = np.searchsorted(entry, its_entry)
    who = owner[place]
    sent_at = np.full(len(once), LATER)
    np.minimum.at(sent_at, who, np.where(its_sent > last, LATER, its_sent))
    state = np.full(len(once), None, object)
    first = (once[who] == place) & (step[who] == its_step)
    state[who[first]] = its_state[first]
    return state, np.where(sent_at == LATER, NO_INSTANT, sent_at)


LATER = int(np.iinfo(np.int64).max)
_AT_ONCE = 50_000


def _owners(customer: list[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The customers numbered as they come: of each row the number, and of each number the first row."""
    numbers = dict.fromkeys(customer)
    if len(numbers) == len(customer):
        return np.arange(len(customer)), np.arange(len(customer))
    numbered = {each: number for number, each in enumerate(numbers)}
    owner = np.array([numbered[each] for each in customer], np.int64)
    return owner, np.unique(owner, return_index=True)[1]


def _columns(connection: Connection, asked: Any, *types: Any) -> list[NDArray[Any]]:
    """What is asked, column by column, each of its type; the driver's rows are let go of as they are read."""
    cursor: Any = connection.execute(asked).cursor
    found: list[list[NDArray[Any]]] = [[np.array([], each)] for each in types]
    while rows := cursor.fetchmany(_AT_ONCE):
        for column, values, kind in zip(found, zip(*rows, strict=True), types, strict=True):
            column.append(np.array(values, kind))
    return [np.concatenate(column) for column in found]


def _groups(which: NDArray[np.int64], kinds: dict[int, Any]) -> dict[str, Any]:
    """What the cohort of each customer says."""
    known = np.array(sorted(kinds), np.int64)
    place = np.searchsorted(known, which)
    rows = [kinds[number] for number in known.tolist()]
    drawn = [json.loads(row.arms) for row in rows]
    names = {split: tuple(sorted({arms[split] for arms in drawn if split in arms})) for arms in drawn for split in arms}
    of = {
        split: [found.index(arms[split]) if split in arms else -1 for arms in drawn] for split, found in names.items()
    }
    return {
        "step": np.array([row.step for row in rows], np.int64)[place],
        "channel": np.array([row.channel for row in rows], object)[place],
        "holdout": np.array([HOLDOUTS.index(row.holdout) for row in rows], np.int8)[place],
        "arms": {split: np.array(found, np.int16)[place] for split, found in of.items()},
        "names": names,
    }
