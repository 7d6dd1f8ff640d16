"""Events that do harm by their names: of them fewer is better."""

from __future__ import annotations

import re

HARMFUL = (
    "unsubscribed", "unsubscribe", "failed", "bounced", "blocked", "refunded", "refund", "returned", "cancelled",
    "canceled", "cancel", "cancellation", "complained", "complaint", "churned", "churn",
    "환불", "반품", "취소", "차단", "수신거부", "탈퇴", "불만",
)  # fmt: skip
"""An English one is a whole word of a name (`order_refunded`), a Korean one stands anywhere in it (`주문취소`)."""

_KOREAN = tuple(word for word in HARMFUL if not word.isascii())
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


def is_harmful(event: str) -> bool:
    """Whether an event does harm by its name."""
    words = {word.lower() for word in _WORD.findall(event)}
    return bool(words.intersection(HARMFUL)) or any(word in event for word in _KOREAN)
