"""Sends: recorded once per entry and step, claimed by one worker at a time, settled by what the provider said."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Text,
    and_,
    case,
    false,
    func,
    literal,
    not_,
    or_,
    select,
    true,
    update,
)

from dangol.runner.ledger.experiment_rows import NewAssignments
from dangol.runner.ledger.experiments import Experiments
from dangol.runner.ledger.failures import refusal
from dangol.runner.ledger.given import Given, listed
from dangol.runner.ledger.matching import key_of, match_early, send_of, told
from dangol.runner.ledger.rows import Change, Claimed, NewSends, Outcomes, Revisions, SentTimes, Unknown
from dangol.runner.ledger.schema import MAYBE_GONE, entries, in_state, meta, scenarios, sends, texts, transitions
from dangol.runner.ledger.store import Store, columns_of

_PLANNED = in_state(sends.c.state, "planned")
_CLAIMED = in_state(sends.c.state, "claimed")
_UNKNOWN = in_state(sends.c.state, "unknown")
_OPEN = in_state(sends.c.state, "claimed", "unknown")
_UNCLAIMED = in_state(sends.c.state, "planned", "held")
_BEFORE = "it may have gone out before; now: "
_OVER = ("sent", "failed", "expired", "cancelled")
_DETAILS = ("channel", "arm", "message", "address", "content")


class Delivery(Experiments):
    """Part of a ledger: its sends."""

    store: Store

    def record_sends(self, run: int, at: int, new: NewSends, assigned: NewAssignments | None = None) -> int:
        """Records steps that are due, and who of them is assigned by that; returns how many were new. One that is
        recorded already stays as it is."""
        keys = {"entry": new.entry, "step": new.step}
        given = {name: getattr(new, name) for name in ("due", *_DETAILS, "state", "reason")}
        ready = new.due if new.ready_at is None else new.ready_at
        with self.store.writing("sends") as connection:
            row = {**keys, **given, "ready_at": ready, "changes": 0, "run": run, "attempts": 0}
            rows = Given(connection, sends, row)
            written = rows.insert(sends, {name: rows[name] for name in row})
            first = {**{name: rows[name] for name in ("entry", "step", "state", "reason")},
                     "number": literal(0), "at": literal(at, BigInteger)}  # fmt: skip
            rows.insert(transitions, first)
            self._mark(connection, new.entry, _each(new.uses, new.entry))
            self._assign(connection, at, assigned)
            return written

    def revise(self, at: int, revisions: Revisions, assigned: NewAssignments | None = None) -> int:
        """Decides anew about sends that nobody has claimed, by which some may be assigned; returns how many were still
        planned or held."""
        with self.store.writing("revise") as connection:
            self._assign(connection, at, assigned)
            self._mark(connection, revisions.entry, _each(revisions.uses, revisions.entry))
            return self._change(
                connection, at, revisions.entry, revisions.step, revisions.state, revisions.reason,
                _UNCLAIMED, gives_up=revisions.gives_up,
                **{name: getattr(revisions, name) for name in ("ready_at", *_DETAILS)},
            )  # fmt: skip

    def hold_back(self, at: int, reason: str, but: Collection[tuple[str, str]]) -> int:
        """Holds what an earlier tick planned and did not send, so that only what the tick of instant `at` decided goes
        out; returns how many. Of an entry that is over it is cancelled. `but`: the scenarios (playbook, name) that
        this tick decided about.
        """
        decided = or_(false(), *(and_(scenarios.c.playbook == p, scenarios.c.scenario == s) for p, s in but))
        asked = (
            select(sends.c.entry, sends.c.step, entries.c.state)
            .join(entries, entries.c.id == sends.c.entry)
            .join(scenarios, scenarios.c.id == entries.c.scenario)
            .where(_PLANNED, sends.c.ready_at <= at, or_(sends.c.ready_at < at, not_(decided)))
        )
        with self.store.writing("hold_back") as connection:
            entry, step, running = columns_of(connection.execute(asked).all(), 3)
            states = ["held" if state == "running" else "cancelled" for state in running]
            over = [state == "cancelled" for state in states]
            return self._change(connection, at, entry, step, states, reason, _PLANNED, gives_up=over) if entry else 0

    def claim(self, at: int, limit: int, worker: str, lease: int, channels: Collection[str] | None = None) -> Claimed:
        """Takes up to `limit` planned sends whose time has come, the earliest first, for `lease` µs.

        No two workers get the same one. `worker` must be a name that no other process ever used.
        """
        ready = and_(_PLANNED, sends.c.ready_at <= at)
        if channels is not None:
            ready = and_(ready, or_(false(), *(sends.c.channel == channel for channel in channels)))
        with self.store.writing("claim") as connection:
            taken = self._take(connection, ready, limit)
            if len(taken):
                self._change(
                    connection, at, taken.entry, taken.step, "claimed", None, _PLANNED, worker=worker,
                    claimed_by=worker, claimed_at=at, lease_until=at + lease, attempts=sends.c.attempts + 1,
                )  # fmt: skip
            return taken

    def settle(self, at: int, worker: str, outcomes: Outcomes) -> int:
        """Records what became of sends this worker claimed; returns how many were taken.

        An outcome that comes after the lease ran out is taken too, unless another worker has claimed the send since.
        """
        states = _each(outcomes.state, outcomes.entry)
        mine = and_(sends.c.claimed_by == worker, or_(_PLANNED, _OPEN))
        with self.store.writing("settle") as connection:
            taken = self._change(
                connection, at, outcomes.entry, outcomes.step, states, outcomes.reason, mine, worker=worker,
                sent=at, unsure=outcomes.unsure, provider_id=outcomes.provider_id, ready_at=outcomes.ready_at,
            )  # fmt: skip
            asked_again = _each(outcomes.unsure, outcomes.entry)
            went = [s in ("sent", "unknown") or unsure for s, unsure in zip(states, asked_again, strict=True)]
            self._mark(connection, outcomes.entry, went)
            match_early(connection, [id_ for id_ in _each(outcomes.provider_id, outcomes.entry) if id_])
            if "unknown" in states:
                self._settle_told(connection, at)
            return taken

    def lapse(self, at: int, idempotent: Collection[str]) -> dict[str, int]:
        """Ends the leases that ran out: planned again on idempotent channels, unknown on all others.

        Returns channel → sends. Whether a send went out whose worker died cannot be known; only a provider that
        recognises our key may be asked again.
        """
        over = and_(_CLAIMED, sends.c.lease_until <= at)
        asked = select(sends.c.entry, sends.c.step, sends.c.channel).where(over)
        with self.store.writing("lapse") as connection:
            rows = connection.execute(asked.with_for_update(skip_locked=True)).all()
            entry, step, channel = columns_of(rows, 3)
            states = ["planned" if each in idempotent else "unknown" for each in channel]
            if rows:
                reason = "the worker did not come back"
                self._change(connection, at, entry, step, states, reason, _CLAIMED)
                self._mark(connection, entry, [True] * len(entry))
                self._settle_told(connection, at)
        return {each: channel.count(each) for each in dict.fromkeys(channel)}

    def sent_times(self, since: int, among: Sequence[str] | None = None) -> SentTimes:
        """Every message (to these few customers, if given) that went out, or may have, in a tick after `since`: what
        frequency caps count."""
        asked = (
            select(entries.c.customer, sends.c.claimed_at, sends.c.channel, scenarios.c.playbook, scenarios.c.scenario)
            .select_from(sends)
            .join(entries, entries.c.id == sends.c.entry)
            .join(scenarios, scenarios.c.id == entries.c.scenario)
        )
        if among is not None:
            asked = asked.where(entries.c.customer.in_(list(among)))
        with self.store.reading() as connection:
            rows = [
                row
                for gone in (sends.c.sent_at > since, _CLAIMED, _UNKNOWN)
                for row in connection.execute(asked.where(gone, sends.c.claimed_at > since))
            ]
        customer, time, channel, playbook, scenario = columns_of(rows, 5)
        return SentTimes(customer, np.array(time, np.int64), channel, playbook, scenario)

    def unknown(self, limit: int = 1000) -> list[Unknown]:
        """Sends that may or may not have gone out, the oldest first. They are not sent again until `reconcile`."""
        asked = (
            select(sends.c.entry, sends.c.step, entries.c.customer, scenarios.c.playbook, scenarios.c.scenario,
                   sends.c.channel, sends.c.address, sends.c.claimed_at, sends.c.reason)
            .select_from(sends)
            .join(entries, entries.c.id == sends.c.entry)
            .join(scenarios, scenarios.c.id == entries.c.scenario)
            .where(_UNKNOWN)
            .order_by(sends.c.claimed_at, sends.c.entry, sends.c.step)
            .limit(limit)
        )  # fmt: skip
        with self.store.reading() as connection:
            rows = connection.execute(asked).all()
            ledger = self._ledger(connection)
        return [
            Unknown(key_of(ledger, r.entry, r.step), r.customer, r.playbook, r.scenario, r.step, r.channel, r.address,
                    r.claimed_at, r.reason)
            for r in rows
        ]  # fmt: skip

    def reconcile(self, at: int, key: str, state: str, reason: str = "reconciled by hand") -> None:
        """Says what became of an unknown send: `sent` (when it was claimed), `failed`, or `planned` to send it again.

        Raises E608 when there is no such send, or its outcome is not unknown.
        """
        with self.store.writing("reconcile") as connection:
            send = send_of(key, self._ledger(connection))
            this = and_(sends.c.entry == send.entry, sends.c.step == send.step) if send else false()
            found = connection.scalar(select(sends.c.state).where(this))
            if send is None or found is None:
                hint = "`dangol status --unknown` lists them"
                raise refusal("E608", self.store.name, f"there is no send `{key}`", hint)
            if found != "unknown" or state not in ("sent", "failed", "planned"):
                message = f"send `{key}` is {found}, not unknown: there is nothing to settle"
                raise refusal("E608", self.store.name, message)
            self._settle_unknown(connection, at, [send.entry], [send.step], [state], reason)

    def history(self, key: str) -> list[Change]:
        """Every state a send has been in, the first one first; empty when there is no such send."""
        with self.store.reading() as connection:
            send = send_of(key, self._ledger(connection))
            if send is None:
                return []
            this = and_(transitions.c.entry == send.entry, transitions.c.step == send.step)
            rows = connection.execute(select(transitions).where(this).order_by(transitions.c.number)).all()
        return [Change(r.number, r.at, r.state, r.reason, r.worker) for r in rows]

    # --- inside ---

    def _take(self, connection: Connection, ready: Any, limit: int) -> Claimed:
        asked = (
            select(sends.c.entry, sends.c.step, entries.c.customer, scenarios.c.playbook, scenarios.c.scenario,
                   texts.c.hash, sends.c.due, sends.c.attempts + 1, *(sends.c[name] for name in _DETAILS))
            .select_from(sends)
            .join(entries, entries.c.id == sends.c.entry)
            .join(scenarios, scenarios.c.id == entries.c.scenario)
            .join(texts, texts.c.id == entries.c.text)
            .where(ready)
            .order_by(sends.c.ready_at, sends.c.entry, sends.c.step)
            .limit(limit)
            .with_for_update(skip_locked=True, of=sends)
        )  # fmt: skip
        entry, step, *others = columns_of(connection.execute(asked).all(), 13)
        ledger = self._ledger(connection)
        key = [key_of(ledger, e, s) for e, s in zip(entry, step, strict=True)]
        return Claimed(entry, step, key, *others)

    def _settle_told(self, connection: Connection, at: int) -> int:
        """Settles the unknown sends that receipts speak of."""
        entry, step, states = told(connection)
        if not entry:
            return 0
        return self._settle_unknown(connection, at, entry, step, states, "the provider's receipt says so")

    def _settle_unknown(
        self, connection: Connection, at: int, entry: Sequence[int], step: Sequence[int], state: Sequence[str],
        reason: str,
    ) -> int:  # fmt: skip
        return self._change(connection, at, entry, step, state, reason, _UNKNOWN, sent=sends.c.claimed_at, unsure=False)

    def _change(
        self, connection: Connection, at: int, entry: Any, step: Any, state: Any, reason: Any, guard: Any,
        worker: str | None = None, sent: Any = None, unsure: Any = None, gives_up: Any = None, **values: Any,
    ) -> int:  # fmt: skip
        """Puts the sends that pass the guard into a state, and adds that to their history; returns how many.

        A value that is None, in all rows or in one, leaves what is recorded. sent: when those went out that are sent.
        unsure: whether one that is planned again may have gone out; its lease stays and says so. gives_up: whether
        such a one is asked about no more.
        """
        assigned = {name: each for name, each in values.items() if hasattr(each, "compile")}
        given = {name: each for name, each in values.items() if each is not None and name not in assigned}
        flags = {name: each for name, each in (("unsure", unsure), ("gives_up", gives_up)) if each is not None}
        decided = {"entry": entry, "step": step, "state": state, "reason": reason}
        rows = Given(connection, sends, {**decided, **given, **flags})
        assigned |= {name: func.coalesce(rows[name], sends.c[name]) for name in given}
        is_now, why = _decided(rows, gives_up is not None)
        assigned |= {"state": is_now, "reason": why, "ended_at": case((is_now.in_(_OVER), at))}
        if sent is not None:
            assigned["sent_at"] = case((is_now == "sent", sent), else_=sends.c.sent_at)
        if unsure is not None:
            assigned["lease_until"] = case(
                (or_(is_now.not_in(("planned", "held")), rows["unsure"]), sends.c.lease_until)
            )
        if "claimed_by" not in values and worker:  # a send that is planned again is no longer its worker's
            assigned["claimed_by"] = case((is_now != "planned", sends.c.claimed_by))
        this = and_(sends.c.entry == rows["entry"], sends.c.step == rows["step"])
        changed = rows.run(update(sends).where(this, guard).values(**assigned, changes=sends.c.changes + 1))
        rows.insert(transitions, _latest(at, worker), this)
        return changed

    def _mark(self, connection: Connection, entry: Any, used: Sequence[bool]) -> None:
        """Marks the entries of which something went out, or may have."""
        gone = sorted({id_ for id_, each in zip(listed(entry), used, strict=True) if each})
        if gone:
            rows = Given(connection, entries, {"id": gone})
            unmarked = and_(entries.c.id == rows["id"], entries.c.sent_any != true())
            rows.run(update(entries).where(unmarked).values(sent_any=True))

    def _ledger(self, connection: Connection) -> str:
        return str(connection.execute(select(meta.c.ledger)).scalar_one())


def _decided(rows: Given, may_give_up: bool) -> tuple[ColumnElement[str], ColumnElement[str]]:
    """State and reason of each send from now on."""
    state, reason = rows["state"], rows["reason"]
    if not may_give_up:
        return state, reason
    lost = and_(MAYBE_GONE, rows["gives_up"])
    before = literal(_BEFORE, Text) + func.coalesce(reason, "")
    return case((lost, "unknown"), else_=state), case((lost, before), else_=reason)


def _latest(at: int, worker: str | None) -> dict[str, ColumnElement[Any]]:
    """The latest change of a send, as a row of its history; of one that did not change it is there already."""
    return {
        **{name: sends.c[name] for name in ("entry", "step", "state", "reason")},
        "number": sends.c.changes, "at": literal(at, BigInteger), "worker": literal(worker, Text),
    }  # fmt: skip


def _each(value: Any, beside: Any) -> list[Any]:
    """A column as a list, one value for every row if it was one."""
    values = listed(value)
    return values if isinstance(values, list) else [value] * len(listed(beside))
