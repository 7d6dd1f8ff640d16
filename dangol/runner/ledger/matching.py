"""Which send a receipt speaks of, whichever of the two is recorded first."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sqlalchemy import Connection, Integer, and_, func, select, update

from dangol.runner.ledger.given import Given
from dangol.runner.ledger.rows import Receipt, SendKey
from dangol.runner.ledger.schema import in_state, receipts, sends
from dangol.runner.ledger.store import chunks, columns_of

_KEY = re.compile(r"([0-9a-f]+)-([1-9][0-9]{0,17})-(0|[1-9][0-9]{0,8})")
_UNMATCHED = receipts.c.entry.is_(None)


def key_of(ledger: str, entry: int, step: int) -> str:
    """The idempotency key of a send: the same at every attempt, and in no other ledger."""
    return f"{ledger}-{entry}-{step}"


def send_of(key: str, ledger: str) -> SendKey | None:
    """The send that an idempotency key of this ledger stands for."""
    found = _KEY.fullmatch(key)
    return SendKey(int(found[2]), int(found[3])) if found and found[1] == ledger else None


def sends_of(connection: Connection, ledger: str, given: Sequence[Receipt]) -> list[SendKey | None]:
    """The recorded send of each receipt: by our key, else by the provider's id."""
    keys = [send_of(receipt.key, ledger) if receipt.key else None for receipt in given]
    known: set[SendKey | None] = set()
    for chunk in chunks(sorted({key.entry for key in keys if key})):
        asked = select(sends.c.entry, sends.c.step).where(sends.c.entry.in_(chunk))
        known.update(SendKey(entry, step) for entry, step in connection.execute(asked))
    by_provider: dict[str, SendKey] = {}
    for named in chunks([receipt.provider_id for receipt in given if receipt.provider_id]):
        found = select(sends.c.provider_id, sends.c.entry, sends.c.step).where(sends.c.provider_id.in_(named))
        by_provider.update((id_, SendKey(entry, step)) for id_, entry, step in connection.execute(found))
    return [
        key if key in known else by_provider.get(receipt.provider_id or "")
        for key, receipt in zip(keys, given, strict=True)
    ]


def match_early(connection: Connection, provider_ids: Sequence[str]) -> None:
    """Matches receipts that came before the sends with these provider's ids were recorded as sent."""
    if connection.execute(select(receipts.c.provider).where(_UNMATCHED).limit(1)).first() is None:
        return
    rows = [
        row
        for chunk in chunks(provider_ids)
        for row in connection.execute(
            select(receipts.c.provider, receipts.c.event_id, sends.c.entry, sends.c.step)
            .join(sends, sends.c.provider_id == receipts.c.provider_id)
            .where(_UNMATCHED, receipts.c.provider_id.in_(chunk))
        )
    ]
    if rows:
        names = ("provider", "event_id", "entry", "step")
        early = Given(connection, receipts, dict(zip(names, columns_of(rows, 4), strict=True)))
        this = and_(receipts.c.provider == early["provider"], receipts.c.event_id == early["event_id"])
        early.run(update(receipts).where(this).values(entry=early["entry"], step=early["step"]))


def told(connection: Connection) -> tuple[list[int], list[int], list[str]]:
    """The unknown sends that receipts speak of: entry, step, and `sent`, or `failed` if they only say so."""
    this = and_(receipts.c.entry == sends.c.entry, receipts.c.step == sends.c.step)
    went = func.max((receipts.c.kind != "failed").cast(Integer))
    asked = (
        select(sends.c.entry, sends.c.step, went)
        .join(receipts, this)
        .where(in_state(sends.c.state, "unknown"))
        .group_by(sends.c.entry, sends.c.step)
    )
    entry, step, sent = columns_of(connection.execute(asked).all(), 3)
    return entry, step, ["sent" if each else "failed" for each in sent]
