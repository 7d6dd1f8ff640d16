"""Personal data and how it is masked wherever it is shown."""

from __future__ import annotations

from collections.abc import Iterable

PERSONAL_NAMES = frozenset(
    {
        *("name", "first_name", "last_name", "full_name", "email", "e_mail", "mail", "phone", "mobile", "tel"),
        *("telephone", "address", "street", "birthday", "birthdate", "push_token", "token"),
        *("이름", "성명", "이메일", "전화", "전화번호", "휴대폰", "주소", "생일"),
    }
)
"""Attributes that are personal by their name; the channels' address attributes are besides."""


def personal_attributes(attributes: Iterable[str], addresses: Iterable[str | None]) -> frozenset[str]:
    """Those attributes whose values are masked unless asked for."""
    return frozenset(a for a in attributes if a.casefold() in PERSONAL_NAMES) | {a for a in addresses if a}


def mask(value: object) -> str:
    """The first character, and a star for each other up to seven."""
    text = str(value)
    return text[:1] + "*" * min(max(len(text) - 1, 1), 7)
