"""What comes back by e-mail: bounces (RFC 3464) and complaints (RFC 5965) as receipts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from email import message_from_bytes
from email.message import EmailMessage, Message
from email.policy import default
from email.utils import parsedate_to_datetime
from typing import cast

from dangol.channels.base import CallbackError, FailureKind, Receipt
from dangol.channels.receipts import parse_log

_KEY = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


def parse_bounce(body: bytes, headers: Mapping[str, str]) -> list[Receipt]:
    """The receipts of a delivery status notification or a complaint; of a response log when it is JSON.

    A delay is no receipt. Raises CallbackError for anything else.
    """
    if body.lstrip()[:1] in (b"{", b"["):
        return parse_log(body)
    try:
        mail = message_from_bytes(body, policy=default)
        parts = {part.get_content_type(): part for part in reversed(list(mail.walk()))}
        receipts = list(_receipts(mail, parts))
    except Exception:  # the standard library's parser meets mail from anywhere
        raise CallbackError("this e-mail cannot be read") from None
    if "message/delivery-status" not in parts and "message/feedback-report" not in parts:
        raise CallbackError("this is neither a bounce nor a complaint nor a response log")
    return receipts


def _receipts(mail: EmailMessage, parts: Mapping[str, Message]) -> Iterator[Receipt]:
    original = _original(parts)
    key, provider_id = (original.get("X-Dangol-Key") or "").strip(), (original.get("Message-ID") or "").strip()
    about = {"key": key if _KEY.fullmatch(key) else None, "provider_id": provider_id or None, "time": _time(mail)}
    if "message/feedback-report" in parts:
        yield Receipt("unsubscribed", kind="consent", reason="complaint", **about)  # type: ignore[arg-type]
    for group in _groups(parts.get("message/delivery-status")):
        address = (group.get("Final-Recipient") or group.get("Original-Recipient") or "").partition(";")[2].strip()
        action, status = (group.get("Action") or "").strip().lower(), (group.get("Status") or "").strip()
        reason = " ".join(f"{status} {group.get('Diagnostic-Code') or ''}".split())[:300]
        if address and action == "failed":
            yield Receipt("failed", address=address, kind=_kind(status), reason=reason, **about)  # type: ignore[arg-type]
        elif address and action in ("delivered", "relayed", "expanded"):
            yield Receipt("delivered", address=address, **about)  # type: ignore[arg-type]


def _groups(part: Message | None) -> list[Message]:
    payload = part.get_payload() if part is not None else []
    return [group for group in payload if isinstance(group, Message)] if isinstance(payload, list) else []


def _original(parts: Mapping[str, Message]) -> Message:
    """The headers of the message that came back."""
    if (whole := parts.get("message/rfc822")) is not None and isinstance(payload := whole.get_payload(), list):
        return cast(Message, payload[0])
    if (headers := parts.get("text/rfc822-headers")) is not None:
        return message_from_bytes(cast(bytes, headers.get_payload(decode=True)), policy=default)
    return EmailMessage()


def _time(mail: EmailMessage) -> int | None:
    try:
        return round(parsedate_to_datetime(str(mail["Date"])).timestamp() * 1_000_000)
    except (ValueError, TypeError, OverflowError):
        return None


def _kind(status: str) -> FailureKind:
    if status.startswith("5.1."):
        return "address"
    return "content" if status.startswith(("5.6.", "5.7.")) else "refused"
