"""Telephone numbers and e-mail addresses: which ones can be sent to, and the one form by which they are the same."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

AddressKind = Literal["phone", "email", "other"]

_KOREAN_MOBILE = re.compile(r"(?:\+82[-. ]?0?|0?)(1[016789])[-. ]?(\d{3,4})[-. ]?(\d{4})", re.ASCII)
"""Read without the tables of numbers, which are a hundred times slower and do not know the newest ones."""
_DIALLED = re.compile(r"[+\uff0b]?[\d\s()./-]{5,30}")
_EMAIL = re.compile(r"[^\s@,;:<>()\[\]\\\"]{1,64}@((?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W\d_][\w-]*)")


def canonical(kind: AddressKind, text: str, country: str | None) -> str | None:
    """The form in which equal addresses are equal; None for one that nothing can be sent to.

    A number becomes E.164; `country` (such as KR) is meant without a prefix, and if it is None such a number is only
    looked at. An e-mail address becomes lower case.
    """
    text = text.strip()
    if not text:
        return None
    if kind == "phone":
        return _number(text, country)
    return _mailbox(text) if kind == "email" else text


def e164(text: str, country: str) -> str | None:
    """A telephone number as `+821012345678`; None for what is none."""
    return _number(text.strip(), country)


def _mailbox(text: str) -> str | None:
    found = _EMAIL.fullmatch(text)
    local = text.rpartition("@")[0]
    if found is None or len(text) > 254 or local.startswith(".") or local.endswith(".") or ".." in local:
        return None
    return text.lower()


def _number(text: str, country: str | None) -> str | None:
    if country == "KR" and (mobile := _KOREAN_MOBILE.fullmatch(text)) is not None:
        return f"+82{mobile[1]}{mobile[2]}{mobile[3]}"
    if _DIALLED.fullmatch(text) is None:
        return None
    if country is None and not text.startswith("+"):
        digits = re.sub(r"\D", "", text)
        return digits if 7 <= len(digits) <= 15 else None
    return _looked_up(text, country)


@lru_cache(maxsize=100_000)
def _looked_up(text: str, country: str | None) -> str | None:
    import phonenumbers

    try:
        parsed = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(parsed):
        return None
    return str(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164))
