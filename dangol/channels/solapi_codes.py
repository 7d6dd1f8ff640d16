"""Solapi's status codes and what they mean for a message (its documentation, message status codes)."""

from __future__ import annotations

from dangol.channels.base import Answer, Failed, FailureKind, RetryAfter, Sent

AUTH_ERRORS = frozenset({"InvalidAPIKey", "InvalidApiKey", "SignatureDoesNotMatch", "RequestTimeTooSkewed",
                         "DuplicatedSignature", "Unauthorized"})  # fmt: skip
BALANCE_ERRORS = frozenset({"NotEnoughBalance", "NotEnoughCash"})

_CODES: dict[FailureKind, tuple[int, ...]] = {
    "content": (1010, 1011, 1013, 1014, 1025, 1027, 1028, 1029, *range(1031, 1035), *range(1044, 1054)),
    "duplicate": (1026,),
    "balance": (1030, 2230),
    "sender": (1041, 1042, 1062, 2062, 3013, 3059, 3101, 3105, 3106),
    "template": (1043, 3103),
    "consent": (1060, 1061, 2060, 2061, 3047),
    "blocked": (1064, 2063, 2064, 2254, 3054, 3055),
    "address": (3010, 3032),
    "friend": (3102, 3104, 3107),
    "hours": (3108,),
}
_KINDS = {str(code): kind for kind, codes in _CODES.items() for code in codes}
_FOR_NOW = frozenset({"1024", "2024"})


def meaning(code: str) -> FailureKind:
    """What a code that is no success means; codes from 3000 on come from the carrier and are final."""
    return _KINDS.get(code, "carrier" if code.startswith("3") or code in _FOR_NOW else "refused")


def outcome(code: str, said: str, identifier: str | None) -> Answer:
    """The answer to a message that the provider has put on its list with this code."""
    if code in ("2000", "3000", "4000"):
        return Sent(identifier)
    reason = f"{code} {said}".strip()
    return RetryAfter(60, reason) if code in _FOR_NOW else Failed(meaning(code), reason)
