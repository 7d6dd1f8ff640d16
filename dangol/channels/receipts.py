"""Response logs: what any system can tell of a message, one JSON object per line or as a list."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, get_args

from dangol.channels.base import CallbackError, FailureKind, Receipt, ReceiptEvent

_EVENTS = get_args(ReceiptEvent)
_KINDS = get_args(FailureKind)


def parse_log(body: bytes) -> list[Receipt]:
    """The receipts of a response log.

    Each object has `event` (sent, delivered, opened, clicked, failed, unsubscribed), one of `key`, `provider_id` and
    `address`, and may have `time` (ISO 8601 with a zone, or seconds since the epoch), `kind` and `reason` of a
    failure, `url` and `id`. Raises CallbackError naming the object that cannot be read.
    """
    return [_receipt(item, number) for number, item in enumerate(_objects(body), 1)]


def _objects(body: bytes) -> Iterable[Any]:
    found = entries(body)
    if found is None:
        raise CallbackError("this is not JSON, neither a list nor one object per line")
    return found


def entries(body: bytes) -> list[Any] | None:
    """The entries of a list in JSON, or of JSON Lines of which each is an entry or a list of them; None for neither."""
    try:
        text = body.decode("utf-8-sig").strip()
        values = [json.loads(text)] if "\n" not in text and text else _lines(text)
    except (ValueError, RecursionError):
        return None
    return [entry for value in values for entry in (value if isinstance(value, list) else [value])]


def _lines(text: str) -> list[Any]:
    try:
        return [json.loads(line) for line in text.split("\n") if line.strip()]
    except ValueError:
        return [json.loads(text)]  # one value over several lines


def _receipt(item: Any, number: int) -> Receipt:
    if not isinstance(item, dict):
        raise CallbackError(f"entry {number} is not an object")
    event: Any = item.get("event")
    kind: Any = item.get("kind")
    if event not in _EVENTS:
        raise CallbackError(f"entry {number} has no `event` of {', '.join(_EVENTS)}")
    names = {name: text_of(item.get(name)) for name in ("key", "provider_id", "address")}
    if not any(names.values()):
        raise CallbackError(f"entry {number} names no message: `key`, `provider_id` or `address`")
    try:
        time = instant(item.get("time"))
    except ValueError as error:
        raise CallbackError(f"entry {number}: {error}") from None
    return Receipt(
        event, time, **names, kind=kind if kind in _KINDS else None, reason=(text_of(item.get("reason")) or "")[:300],
        url=text_of(item.get("url")) or "", id=text_of(item.get("id")) or "",
    )  # fmt: skip


def text_of(value: Any) -> str | None:
    """A text or whole number as text that can be kept; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    if isinstance(value, int) and abs(value) >= 10**100:  # so long a number is not written out
        return None
    return str(value).replace("\0", "").encode("utf-8", "replace").decode().strip() or None


def instant(value: Any) -> int | None:
    """µs since the epoch of an ISO 8601 text with a zone or of seconds; None for None. Raises ValueError."""
    if value is None or value == "":
        return None
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return round(datetime.fromtimestamp(value, UTC).timestamp() * 1_000_000)
        moment = datetime.fromisoformat(value)
    except (ValueError, TypeError, OverflowError, OSError):
        raise ValueError("a time is written like 2026-12-01T10:00:00+09:00") from None
    if moment.tzinfo is None:
        raise ValueError("a time needs its zone, like 2026-12-01T10:00:00+09:00")
    return round(moment.timestamp() * 1_000_000)
