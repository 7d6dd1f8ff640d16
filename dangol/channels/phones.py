"""Telephone numbers as they are dialled and as they are stored."""

from __future__ import annotations

from dangol.channels.base import Unsendable


def e164(number: str, country: str) -> str:
    """The number as `+821012345678`; `country` (such as KR) is meant without a prefix. Raises Unsendable("address")."""
    import phonenumbers

    try:
        parsed = phonenumbers.parse(number, country)
    except phonenumbers.NumberParseException:
        parsed = None
    if parsed is None or not phonenumbers.is_possible_number(parsed):
        raise Unsendable("address", "this is not a telephone number")
    return str(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164))


def national(number: str, country: str) -> tuple[str, str]:
    """The country's calling code and the number as dialled inside it, digits only. Raises Unsendable("address")."""
    import phonenumbers

    parsed = phonenumbers.parse(e164(number, country))
    digits = "".join(filter(str.isdigit, phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.NATIONAL)))
    return str(parsed.country_code), digits
