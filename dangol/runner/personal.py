"""Personal data and how it is masked wherever it is shown."""

from __future__ import annotations

import re
from collections.abc import Iterable

PERSONAL_NAMES = frozenset(
    {
        *("name", "first_name", "last_name", "full_name", "email", "e_mail", "mail", "phone", "mobile", "tel"),
        *("telephone", "address", "street", "birthday", "birthdate", "push_token", "token"),
        *("user_name", "username", "nickname", "customer_name", "family_name", "given_name", "surname", "contact"),
        *("이름", "성명", "이메일", "전화", "전화번호", "휴대폰", "주소", "생일"),
        *("휴대전화", "연락처", "생년월일", "별명"),
    }
)
"""Attributes and properties that are personal by their name; the channels' address attributes are besides."""

_LAST_WORDS = PERSONAL_NAMES - {"name", "contact"}
_COUNTED = re.compile(r"(_?\d+|_number|_no)$")


def is_personal(name: str) -> bool:
    """Whether an attribute or property is personal by its name, or by its last word as in `home_phone`."""
    folded = _COUNTED.sub("", name.casefold())
    return folded in PERSONAL_NAMES or folded.rpartition("_")[2] in _LAST_WORDS


def personal_attributes(attributes: Iterable[str], addresses: Iterable[str | None]) -> frozenset[str]:
    """Those attributes whose values are masked unless asked for."""
    return frozenset(filter(is_personal, attributes)) | {a for a in addresses if a}


def shown_id(customer: str, show_personal: bool = False) -> str:
    """A customer's id as it is shown: masked when it is an e-mail address or a telephone number itself."""
    is_address = "@" in customer or re.fullmatch(r"(\+|0)[\d ().-]{7,20}", customer) is not None
    return mask(customer) if is_address and not show_personal else customer


def mask(value: object) -> str:
    """The first character, and a star for each other up to seven."""
    text = str(value)
    return text[:1] + "*" * min(max(len(text) - 1, 1), 7)
