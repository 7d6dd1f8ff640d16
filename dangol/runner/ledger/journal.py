"""Runs, entries and what each run found: who entered when and under which text, and how it ended."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
    BigInteger,
    Connection,
    and_,
    case,
    func,
    insert,
    literal,
    null,
    select,
    update,
)

from dangol.engine.state.model import NO_INSTANT
from dangol.runner.ledger.failures import refusal
from dangol.runner.ledger.given import Given, insert_new
from dangol.runner.ledger.rows import Ends, LastEntries, NewEntries, Run, Running, Steps
from dangol.runner.ledger.schema import (
    MAYBE_GONE,
    entries,
    entry_changes,
    in_state,
    memberships,
    meta,
    runs,
    scenarios,
    sends,
    texts,
    transitions,
)
from dangol.runner.ledger.store import Store, chunks, columns_of

_RUNNING = in_state(entries.c.state, "running")


def instants(values: Sequence[int | None]) -> NDArray[np.int64]:
    """Instants as an array, NO_INSTANT for None."""
    return np.array([NO_INSTANT if value is None else value for value in values], np.int64)


class Journal:
    """Part of a ledger: its runs and entries."""

    store: Store

    # --- runs ---

    def begin_run(self, at: int, now: int) -> int:
        """Records that the tick of instant `at` begins, by the clock at `now`; returns its number.

        Raises E606 when `at` lies before the last tick: the clock was set back, or someone else's is ahead.
        """
        with self.store.writing("begin_run") as connection:
            last = connection.scalar(select(func.max(runs.c.at)))
            if last is not None and at < last:
                ahead = (last - at) / 1_000_000
                raise refusal(
                    "E606", self.store.name, f"the clock stands {ahead:,.0f} s before the last run; nothing was sent",
                    "set the clock right, or wait until it has passed the last run",
                )  # fmt: skip
            added = connection.execute(insert(runs).values(at=at, started_at=now).returning(runs.c.id))
            return int(added.scalar_one())

    def finish_run(self, run: int, now: int, counts: Mapping[str, int]) -> None:
        """Records that a run is over and what it counted."""
        with self.store.writing("finish_run") as connection:
            values = {"finished_at": now, "counts": json.dumps(dict(counts), ensure_ascii=False)}
            connection.execute(update(runs).where(runs.c.id == run).values(values))

    def runs(self, limit: int = 20) -> list[Run]:
        """The last runs, the latest first; one that did not finish has no `finished_at`."""
        with self.store.reading() as connection:
            rows = connection.execute(select(runs).order_by(runs.c.id.desc()).limit(limit)).all()
        return [Run(r.id, r.at, r.started_at, r.finished_at, json.loads(r.counts or "{}")) for r in rows]

    # --- entries ---

    def record_entries(self, run: int, new: NewEntries) -> NDArray[np.int64]:
        """Begins entries; returns their ids, parallel to `customer`.

        A customer who has a running entry in the scenario begins none and gets the id of that one.
        """
        count = len(new.customer)
        with self.store.writing("entries") as connection:
            scenario = self._scenario(connection, new.playbook, new.scenario)
            text = self._text(connection, run, scenario, new.text, new.body)
            first = self._next_entries(connection, count)
            ids = np.arange(first, first + count, dtype=np.int64)
            new_ones = {
                "id": ids, "scenario": scenario, "text": text, "customer": new.customer, "time": new.time,
                "event": new.event, "run": run, "state": "running", "changes": 0, "sent_any": False,
            }  # fmt: skip
            rows = Given(connection, entries, new_ones)
            written = rows.insert(entries, {name: rows[name] for name in new_ones})
            if written == count:
                return ids
            known: dict[str, int] = {}
            for chunk in chunks(new.customer):
                asked = select(entries.c.customer, entries.c.id).where(entries.c.scenario == scenario, _RUNNING)
                rows_of = connection.execute(asked.where(entries.c.customer.in_(chunk)))
                known.update((customer, id_) for customer, id_ in rows_of)
            return np.array([known[customer] for customer in new.customer], np.int64)

    def move_entries(
        self,
        run: int,
        at: int,
        ids: Sequence[int],
        text: str,
        body: str,
        given_up: Sequence[int] = (),
        reason: str | None = None,
    ) -> int:
        """Puts running entries of one scenario under another text, and cancels, for a reason, what those `given_up` had
        planned or held; returns how many moved."""
        with self.store.writing("move") as connection:
            asked = select(entries.c.scenario).where(entries.c.id.in_(list(ids)[:1]))
            scenario = connection.scalar(asked)
            if scenario is None:
                return 0
            number = self._text(connection, run, scenario, text, body)
            rows = Given(connection, entries, {"id": ids})
            chosen = (entries.c.id == rows["id"], entries.c.scenario == scenario, _RUNNING)
            moved = rows.run(update(entries).where(*chosen).values(text=number, changes=entries.c.changes + 1))
            self._note(rows, at)
            if given_up:
                self._cancel(Given(connection, entries, {"id": given_up, "reason": reason}), at)
            return moved

    def end_entries(self, at: int, ends: Ends) -> int:
        """Ends running entries and cancels what they had planned or held; returns how many ended.

        What may have gone out all the same is unknown.
        """
        given = {"id": ends.entry, "state": ends.state, "reason": ends.reason, "ended_at": ends.ended_at}
        with self.store.writing("ends") as connection:
            rows = Given(connection, entries, given)
            this = and_(entries.c.id == rows["id"], _RUNNING)
            values = {name: rows[name] for name in ("state", "reason", "ended_at")}
            ended = rows.run(update(entries).where(this).values(**values, changes=entries.c.changes + 1))
            self._note(rows, at)
            self._cancel(rows, at)
            return ended

    def running_entries(self, playbook: str, scenario: str) -> Running:
        """Everyone who is in the scenario now, by entry id."""
        asked = (
            select(entries.c.id, entries.c.customer, entries.c.time, entries.c.event, texts.c.hash, entries.c.sent_any)
            .join(texts, texts.c.id == entries.c.text)
            .where(entries.c.scenario == _scenario_id(playbook, scenario), _RUNNING)
            .order_by(entries.c.id)
        )
        with self.store.reading() as connection:
            ids, customer, time, event, text, used = columns_of(connection.execute(asked).all(), 6)
        return Running(np.array(ids, np.int64), customer, np.array(time, np.int64), event, text, np.array(used, bool))

    def steps(self, playbook: str, scenario: str) -> Steps:
        """The recorded sends of the scenario's running entries, by entry and step."""
        gone = case((in_state(sends.c.state, "claimed", "unknown"), sends.c.claimed_at), else_=sends.c.sent_at)
        asked = (
            select(sends.c.entry, sends.c.step, sends.c.state, sends.c.reason, sends.c.due, sends.c.ready_at, gone,
                   sends.c.channel, sends.c.arm)
            .join(entries, entries.c.id == sends.c.entry)
            .where(entries.c.scenario == _scenario_id(playbook, scenario), _RUNNING)
            .order_by(sends.c.entry, sends.c.step)
        )  # fmt: skip
        with self.store.reading() as connection:
            entry, step, state, reason, due, ready, sent, channel, arm = columns_of(connection.execute(asked).all(), 9)
        return Steps(
            np.array(entry, np.int64), np.array(step, np.int64), state, reason, instants(due), instants(ready),
            instants(sent), channel, arm,
        )  # fmt: skip

    def last_entries(self, playbook: str, scenario: str, among: Sequence[str] | None = None) -> LastEntries:
        """Of everyone who ever entered the scenario (of these few customers, if given), when they last did."""
        sent = case((entries.c.sent_any, entries.c.time), else_=null())
        open_ = func.max(case((_RUNNING, 1), else_=0))
        asked = (
            select(entries.c.customer, func.max(entries.c.time), func.max(sent),
                   case((open_ == 1, null()), else_=func.max(entries.c.ended_at)))
            .where(entries.c.scenario == _scenario_id(playbook, scenario))
            .group_by(entries.c.customer)
            .order_by(entries.c.customer)
        )  # fmt: skip
        if among is not None:
            asked = asked.where(entries.c.customer.in_(list(among)))
        with self.store.reading() as connection:
            customer, time, sent_time, ended = columns_of(connection.execute(asked).all(), 4)
        return LastEntries(customer, np.array(time, np.int64), instants(sent_time), instants(ended))

    def texts(self, playbook: str, scenario: str) -> dict[str, str]:
        """The texts (hash → body) that running entries of the scenario are under."""
        in_use = select(entries.c.text).where(entries.c.scenario == _scenario_id(playbook, scenario), _RUNNING)
        with self.store.reading() as connection:
            rows = connection.execute(select(texts.c.hash, texts.c.body).where(texts.c.id.in_(in_use))).all()
        return {row.hash: row.body for row in rows}

    def scenarios_running(self) -> dict[tuple[str, str], int]:
        """(playbook, scenario) → running entries, of every scenario that has some."""
        asked = (
            select(scenarios.c.playbook, scenarios.c.scenario, func.count())
            .join(entries, entries.c.scenario == scenarios.c.id)
            .where(_RUNNING)
            .group_by(scenarios.c.playbook, scenarios.c.scenario)
        )
        with self.store.reading() as connection:
            return {(playbook, name): count for playbook, name, count in connection.execute(asked)}

    # --- what a run found ---

    def record_memberships(self, run: int, members: Mapping[str, Sequence[str]], *, keep_ids: bool = True) -> None:
        """Records who was in each segment (or audience) at a run: the count, and the ids if wanted."""
        packed = [zlib.compress(_packed(ids), 1) if keep_ids else None for ids in members.values()]
        with self.store.writing("memberships") as connection:
            counts = [len(ids) for ids in members.values()]
            given = {"name": list(members), "run": run, "count": counts, "members": packed}
            rows = Given(connection, memberships, given)
            rows.insert(memberships, {name: rows[name] for name in given})

    def counts_of(self, name: str, limit: int = 10) -> list[int]:
        """How many were in a segment (or audience) at the last runs that recorded it, the latest first."""
        chosen = memberships.c.name == name
        asked = select(memberships.c["count"]).where(chosen).order_by(memberships.c.run.desc()).limit(limit)
        with self.store.reading() as connection:
            return list(connection.scalars(asked))

    def members_of(self, name: str, run: int) -> list[str] | None:
        """The ids that a run recorded for a segment; None when it recorded none."""
        asked = select(memberships.c.members).where(memberships.c.run == run, memberships.c.name == name)
        with self.store.reading() as connection:
            packed = connection.scalar(asked)
        return None if packed is None else json.loads(zlib.decompress(packed))

    # --- inside ---

    def _scenario(self, connection: Connection, playbook: str, scenario: str) -> int:
        row = {"playbook": playbook, "scenario": scenario}
        connection.execute(insert_new(connection, scenarios).values(row))
        return int(connection.execute(select(_scenario_id(playbook, scenario))).scalar_one())

    def _text(self, connection: Connection, run: int, scenario: int, hash_: str, body: str) -> int:
        at = select(runs.c.at).where(runs.c.id == run).scalar_subquery()
        row = {"scenario": scenario, "hash": hash_, "body": body, "recorded_at": at}
        connection.execute(insert_new(connection, texts).values(row))
        chosen = and_(texts.c.scenario == scenario, texts.c.hash == hash_)
        return int(connection.execute(select(texts.c.id).where(chosen)).scalar_one())

    def _next_entries(self, connection: Connection, count: int) -> int:
        connection.execute(update(meta).values(next_entry=meta.c.next_entry + count))
        return int(connection.execute(select(meta.c.next_entry)).scalar_one()) - count

    def _cancel(self, rows: Given, at: int) -> None:
        """Cancels what entries have planned or held; what may have gone out all the same is unknown."""
        waiting = and_(sends.c.entry == rows["id"], in_state(sends.c.state, "planned", "held"))
        now = case((MAYBE_GONE, "unknown"), else_="cancelled")
        history = {
            "entry": sends.c.entry, "step": sends.c.step, "number": sends.c.changes + 1,
            "at": literal(at, BigInteger), "state": now, "reason": rows["reason"],
        }  # fmt: skip
        rows.run(insert(transitions).from_select(list(history), select(*history.values()).where(waiting)))
        ended_at = case((MAYBE_GONE, null()), else_=at)
        over = {"state": now, "reason": rows["reason"], "ended_at": ended_at, "changes": sends.c.changes + 1}
        rows.run(update(sends).where(waiting).values(over))

    def _note(self, rows: Given, at: int) -> None:
        """Adds the latest change of each entry to the history; one that is there already did not change."""
        now = {
            "entry": entries.c.id, "number": entries.c.changes, "at": literal(at, BigInteger),
            "state": entries.c.state, "text": entries.c.text, "reason": entries.c.reason,
        }  # fmt: skip
        changed = and_(entries.c.id == rows["id"], entries.c.changes > 0)
        rows.insert(entry_changes, now, changed)


def _scenario_id(playbook: str, scenario: str) -> Any:
    chosen = and_(scenarios.c.playbook == playbook, scenarios.c.scenario == scenario)
    return select(scenarios.c.id).where(chosen).scalar_subquery()


def _packed(ids: Sequence[str]) -> bytes:
    return json.dumps(list(ids), ensure_ascii=False).encode()
