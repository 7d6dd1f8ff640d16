"""What comes back: receipts of providers, each counted once, and who must not be sent to any more."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sqlalchemy import Connection, and_, literal, select, union_all, update

from dangol.runner.ledger.delivery import Delivery
from dangol.runner.ledger.failures import refusal
from dangol.runner.ledger.given import Given
from dangol.runner.ledger.matching import sends_of
from dangol.runner.ledger.rows import RECEIPT_KINDS, Happened, Ingested, Receipt, SendKey, Suppressed
from dangol.runner.ledger.schema import entries, in_state, receipts, scenarios, sends, suppressions
from dangol.runner.ledger.store import chunks, columns_of

EVERY_CHANNEL = ""
_STANDING = suppressions.c.lifted_at.is_(None)


class Responses(Delivery):
    """Part of a ledger: receipts and suppressions."""

    def suppress(
        self, at: int, source: str, *, customer: str | None = None, address: str | None = None,
        channel: str | None = None,
    ) -> bool:  # fmt: skip
        """Nobody sends to this customer, or this address, any more (channel None: on no channel). False: already so."""
        with self.store.writing("suppress") as connection:
            who = [("customer", customer), ("address", address)]
            return self._suppress(
                connection, [(k, w, channel or EVERY_CHANNEL, at, source) for k, w in who if w is not None]
            ) > 0  # fmt: skip

    def suppress_all(self, rows: Sequence[tuple[str, str, str, int, str]]) -> int:
        """As `suppress`, for rows of `customer` or `address`, who, channel, since, source. Returns how many are new."""
        if not rows:
            return 0
        with self.store.writing("suppress") as connection:
            return self._suppress(connection, rows)

    def lift(
        self, at: int, *, customer: str | None = None, address: str | None = None, channel: str | None = None
    ) -> bool:
        """Ends a suppression, as after a new consent; what was recorded stays. False: there was none."""
        kind, who = ("customer", customer) if customer is not None else ("address", address)
        this = (
            suppressions.c.kind == kind,
            suppressions.c.who == who,
            suppressions.c.channel == (channel or EVERY_CHANNEL),
        )
        with self.store.writing("lift") as connection:
            done = connection.execute(update(suppressions).where(*this, _STANDING).values(lifted_at=at))
            return done.rowcount > 0

    def suppressed(self, channel: str) -> Suppressed:
        """Who may not be sent to on this channel."""
        here = suppressions.c.channel.in_([EVERY_CHANNEL, channel])
        with self.store.reading() as connection:
            rows = connection.execute(select(suppressions.c.kind, suppressions.c.who).where(here, _STANDING)).all()
        return Suppressed(
            frozenset(who for kind, who in rows if kind == "customer"),
            frozenset(who for kind, who in rows if kind == "address"),
        )

    def ingest(self, now: int, given: Sequence[Receipt]) -> Ingested:
        """Takes receipts; one seen before (by provider and event id) changes nothing.

        An `unsubscribed` suppresses the customer, or the address if the customer is not known, on its channel, at
        once; one that is `unreachable` the address. A receipt that comes before its send is recorded is matched when
        it is. A send whose outcome is unknown is settled by a receipt that shows it. Raises E610 when a kind is not
        one of RECEIPT_KINDS.
        """
        for receipt in given:
            if receipt.kind not in RECEIPT_KINDS:
                kinds = ", ".join(RECEIPT_KINDS)
                raise refusal("E610", self.store.name, f"`{receipt.kind}` is no kind of receipt", f"one of: {kinds}")
        with self.store.writing("ingest") as connection:
            fresh = self._fresh(connection, given)
            matched = sends_of(connection, self._ledger(connection), fresh)
            rows = [
                (r.provider, r.event_id, r.kind, r.at, now, m and m.entry, m and m.step, r.provider_id, r.customer,
                 r.address, r.channel, r.reason)
                for r, m in zip(fresh, matched, strict=True)
            ]  # fmt: skip
            names = ("provider", "event_id", "kind", "at", "recorded_at", "entry", "step", "provider_id", "customer",
                     "address", "channel", "reason")  # fmt: skip
            if not rows:
                return Ingested(0, 0, 0, 0)
            columns = dict(zip(names, columns_of(rows, len(names)), strict=True))
            told = Given(connection, receipts, columns)
            new = told.insert(receipts, {name: told[name] for name in names})
            suppressed = self._suppress(connection, self._unsubscribes(connection, fresh, matched))
            settled = self._settle_told(connection, now)
            return Ingested(new, matched.count(None), suppressed, settled)

    def events(self, since: int | None = None) -> Happened:
        """The built-in events at or after an instant, by time: what was sent and what came back of it."""
        about = (
            scenarios.c.playbook,
            scenarios.c.scenario,
            sends.c.step,
            sends.c.message,
            sends.c.arm,
            sends.c.channel,
        )
        sent = select(entries.c.customer, literal("sent"), sends.c.sent_at.label("time"), *about)
        failed = select(entries.c.customer, literal("failed"), sends.c.ended_at, *about)
        back = select(entries.c.customer, receipts.c.kind, receipts.c.at, *about)
        path = sends.join(entries, entries.c.id == sends.c.entry).join(scenarios, scenarios.c.id == entries.c.scenario)
        this = and_(receipts.c.entry == sends.c.entry, receipts.c.step == sends.c.step)
        start = -(2**63) if since is None else since
        asked = union_all(
            sent.select_from(path).where(sends.c.sent_at >= start),
            failed.select_from(path).where(in_state(sends.c.state, "failed"), sends.c.ended_at >= start),
            back.select_from(path.join(receipts, this)).where(receipts.c.at >= start),
        ).order_by("time")
        with self.store.reading() as connection:
            customer, event, time, playbook, scenario, step, message, arm, channel = columns_of(
                connection.execute(asked).all(), 9
            )
        return Happened(
            customer, event, np.array(time, np.int64), playbook, scenario, np.array(step, np.int64), message, arm,
            channel,
        )  # fmt: skip

    # --- inside ---

    def _fresh(self, connection: Connection, given: Sequence[Receipt]) -> list[Receipt]:
        once = {(receipt.provider, receipt.event_id): receipt for receipt in reversed(given)}
        seen: set[tuple[str, str]] = set()
        for provider in {receipt.provider for receipt in given}:
            ids = [event_id for name, event_id in once if name == provider]
            for chunk in chunks(ids):
                asked = select(receipts.c.event_id).where(receipts.c.provider == provider)
                found = connection.scalars(asked.where(receipts.c.event_id.in_(chunk)))
                seen.update((provider, event_id) for event_id in found)
        return [receipt for key, receipt in reversed(once.items()) if key not in seen]

    def _unsubscribes(
        self, connection: Connection, given: Sequence[Receipt], matched: Sequence[SendKey | None]
    ) -> list[tuple[str, str, str, int, str]]:
        rows = []
        for receipt, send in zip(given, matched, strict=True):
            if receipt.kind != "unsubscribed" and not receipt.unreachable:
                continue
            customer, address, channel = receipt.customer, receipt.address, receipt.channel
            if send is not None:
                asked = select(entries.c.customer, sends.c.channel, sends.c.address)
                this = (sends.c.entry == send.entry, sends.c.step == send.step)
                path = asked.join(entries, entries.c.id == sends.c.entry).where(*this)
                found = connection.execute(path).one()
                customer, channel = customer or found.customer, channel or found.channel
                address = address or (found.address if receipt.unreachable else None)
            if receipt.unreachable:
                customer = None
            for kind, who in (("customer", customer), ("address", address)):
                if who:
                    rows.append((kind, who, channel or EVERY_CHANNEL, receipt.at, receipt.provider))
        return rows

    def _suppress(self, connection: Connection, rows: Sequence[tuple[str, str, str, int, str]]) -> int:
        if not rows:
            return 0
        names = ("kind", "who", "channel", "since", "source")
        given = Given(connection, suppressions, dict(zip(names, columns_of(rows, 5), strict=True)))
        return given.insert(suppressions, {name: given[name] for name in names})
