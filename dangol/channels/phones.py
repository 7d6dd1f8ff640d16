"""Telephone numbers as they are dialled and as they are stored."""

from __future__ import annotations

import re

from dangol import addresses
from dangol.channels.base import Unsendable

_KOREAN_MOBILE = re.compile(r"\+82(1[016789]\d{7,8})")


def e164(number: str, country: str) -> str:
    """The number as `+821012345678`; `country` (such as KR) is meant without a prefix. Raises Unsendable("address")."""
    found = addresses.e164(number, country)
    if found is None:
        raise Unsendable("address", "this is not a telephone number")
    return found


def national(number: str, country: str) -> tuple[str, str]:
    """The country's calling code and the number as dialled inside it, digits only. Raises Unsendable("address")."""
    whole = e164(number, country)
    if (mobile := _KOREAN_MOBILE.fullmatch(whole)) is not None:
        return "82", f"0{mobile[1]}"
    import phonenumbers

    parsed = phonenumbers.parse(whole)
    digits = "".join(filter(str.isdigit, phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.NATIONAL)))
    return str(parsed.country_code), digits
