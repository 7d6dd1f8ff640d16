"""The delivery ledger: what was planned, sent and answered, so that no death of a process can lose or repeat it."""

from __future__ import annotations

import json
import secrets
import zlib
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Connection, and_, func, or_, select, update

from dangol.runner.ledger.journal import Journal
from dangol.runner.ledger.lock import run_lock
from dangol.runner.ledger.migrations import bring_up_to_date
from dangol.runner.ledger.responses import Responses
from dangol.runner.ledger.rows import Ends, Status
from dangol.runner.ledger.schema import entries, in_state, memberships, receipts, sends, suppressions, transitions
from dangol.runner.ledger.store import Faults, Store, no_faults, open_store

FORGOTTEN = "forgotten"


class Ledger(Journal, Responses):
    """A project's ledger. Every instant is given by the caller, in µs since the epoch; every write is one transaction.

    Methods raise DangolError (E601–E610) when the database refuses; then nothing of that call was written.
    """

    def __init__(self, store: Store) -> None:
        self.store = store

    def close(self) -> None:
        """Lets go of the database."""
        self.store.engine.dispose()

    def run_lock(self, wait: float = 0.0) -> AbstractContextManager[None]:
        """Held while one tick runs. Waits `wait` seconds for another run to end, then raises E607."""
        return run_lock(self.store, wait)

    def status(self) -> Status:
        """How things stand."""
        last = next(iter(self.runs(1)), None)
        standing = select(func.count()).where(suppressions.c.lifted_at.is_(None))
        unmatched = select(func.count()).where(receipts.c.entry.is_(None))
        next_ready = select(func.min(sends.c.ready_at)).where(in_state(sends.c.state, "planned"))
        with self.store.reading() as connection:
            return Status(
                last_run=last,
                entries=_counts(connection, entries.c.state),
                sends=_counts(connection, sends.c.state),
                next_ready=connection.scalar(next_ready),
                suppressions=connection.scalar(standing) or 0,
                unmatched=connection.scalar(unmatched) or 0,
                reasons=_reasons(connection),
            )

    def addresses_of(self, customer: str) -> set[str]:
        """Every address of a customer that messages went to, or that stands in their parts `email` and `phone`."""
        asked = select(sends.c.address, sends.c.content).join(entries, entries.c.id == sends.c.entry)
        found: set[str] = set()
        with self.store.reading() as connection:
            for address, content in connection.execute(asked.where(entries.c.customer == customer)):
                parts = json.loads(content) if content else {}
                found.update(each for each in (address, parts.get("email"), parts.get("phone")) if each)
        return found

    def forget(self, at: int, customer: str, addresses: Sequence[str] = ()) -> str | None:
        """Erases a person: the id becomes a random token, addresses, contents and providers' ids are gone.

        Counts, states and instants stay. What had not gone out is cancelled. Other addresses of the person than those
        sent to are given. Returns the token, or None when the ledger knows nobody of that id. Erase the person in the
        project's own data first: who still stands there is a new customer to the next run.
        """
        token = f"{FORGOTTEN}-{secrets.token_hex(8)}"
        mine = entries.c.customer == customer
        with self.store.reading() as connection:
            running = list(connection.scalars(select(entries.c.id).where(mine, entries.c.state == "running")))
        self.end_entries(at, Ends(running, "left", at, FORGOTTEN))
        with self.store.writing("forget") as connection:
            ids = list(connection.scalars(select(entries.c.id).where(mine)))
            theirs = sends.c.entry.in_(select(entries.c.id).where(mine))
            known = {a for a in connection.scalars(select(sends.c.address).where(theirs)) if a} | set(addresses)
            told = or_(
                receipts.c.customer == customer, receipts.c.address.in_(known),
                receipts.c.entry.in_(select(entries.c.id).where(mine)),
            )  # fmt: skip
            blank = dict.fromkeys(("address", "content", "provider_id"))
            said = (sends.c.attempts > 0, transitions.c.worker.is_not(None))  # what providers say may repeat addresses
            touched = [
                connection.execute(
                    update(receipts).where(told).values(customer=None, address=None, provider_id=None, reason=None)
                ),
                connection.execute(update(sends).where(theirs).values(blank)),
                connection.execute(update(sends).where(theirs, said[0]).values(reason=None)),
                connection.execute(
                    update(transitions)
                    .where(transitions.c.entry.in_(select(entries.c.id).where(mine)), said[1])
                    .values(reason=None)
                ),
                connection.execute(update(suppressions).where(_about(customer, known)).values(who=token)),
                connection.execute(update(entries).where(mine).values(customer=token)),
            ]
            packed = self._forget_members(connection, customer, token)
        if self.store.is_sqlite:
            with self.store.engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        return token if ids or packed or any(each.rowcount for each in touched) else None

    def _forget_members(self, connection: Any, customer: str, token: str) -> int:
        found = 0
        rows = connection.execute(select(memberships.c.run, memberships.c.name, memberships.c.members)).all()
        for run, name, packed in rows:
            ids = json.loads(zlib.decompress(packed)) if packed else []
            if customer in ids:
                found += 1
                again = json.dumps([token if id_ == customer else id_ for id_ in ids], ensure_ascii=False)
                this = and_(memberships.c.run == run, memberships.c.name == name)
                changed = update(memberships).where(this).values(members=zlib.compress(again.encode(), 1))
                connection.execute(changed)
        return found


def _counts(connection: Connection, state: Column[str]) -> dict[str, int]:
    """How many rows are in each state."""
    asked = select(state, func.count()).group_by(state)
    return {name: int(count) for name, count in connection.execute(asked)}


def _reasons(connection: Connection) -> dict[str, dict[str, int]]:
    """Why sends are held and have failed; what a provider said behind the colon is left out."""
    asked = select(sends.c.state, sends.c.reason, func.count()).where(in_state(sends.c.state, "held", "failed"))
    found: dict[str, dict[str, int]] = {}
    for state, reason, count in connection.execute(asked.group_by(sends.c.state, sends.c.reason)):
        reasons, why = found.setdefault(state, {}), (reason or "no reason").partition(":")[0]
        reasons[why] = reasons.get(why, 0) + count
    return found


def _about(customer: str, addresses: set[str]) -> Any:
    return or_(
        and_(suppressions.c.kind == "customer", suppressions.c.who == customer),
        and_(suppressions.c.kind == "address", suppressions.c.who.in_(addresses)),
    )


def open_ledger(location: str | Path, *, faults: Faults = no_faults, wait: float = 30.0) -> Ledger:
    """The ledger at a path (SQLite) or a `postgresql://` URL, made if there is none, brought up to this version.

    Writers wait `wait` seconds for each other. Raises E601 (written by a newer version), E603, E604, E605.
    """
    store = open_store(location, faults, wait)
    bring_up_to_date(store)
    return Ledger(store)


@contextmanager
def ledger_at(location: str | Path, *, faults: Faults = no_faults, wait: float = 30.0) -> Iterator[Ledger]:
    """An open ledger, closed at the end of the block."""
    ledger = open_ledger(location, faults=faults, wait=wait)
    try:
        yield ledger
    finally:
        ledger.close()
