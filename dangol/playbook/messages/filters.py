"""The filters of messages: a closed set, deterministic, without a clock, a file or a network."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from liquid import Environment
from liquid.exceptions import FilterArgumentError
from liquid.undefined import is_undefined

from dangol.playbook.messages.particles import KNOWN, forms, with_particle

LIQUID = (
    "abs", "append", "at_least", "at_most", "capitalize", "ceil", "compact", "concat", "default", "divided_by",
    "downcase", "escape", "escape_once", "first", "floor", "join", "last", "lstrip", "map", "minus", "modulo",
    "newline_to_br", "plus", "prepend", "remove", "remove_first", "replace", "replace_first", "reverse", "round",
    "rstrip", "size", "slice", "sort", "sort_natural", "split", "strip", "strip_html", "strip_newlines", "sum",
    "times", "truncate", "truncatewords", "uniq", "upcase", "url_encode", "where",
)  # fmt: skip
"""What is kept of Liquid's own filters, as Liquid documents them."""


def add_filters(environment: Environment) -> None:
    """Leaves the environment the closed set of filters and nothing else."""
    kept = {name: environment.filters[name] for name in LIQUID}
    environment.filters.clear()
    environment.filters.update({**kept, **OWN})


def josa(value: object, pair: object = "") -> str:
    """The word with the particle that fits it."""
    found = forms(_text(pair))
    if found is None:
        raise _wrong(f"`josa` knows these pairs of particles: {', '.join(KNOWN)}")
    return with_particle(_text(value), found)


def money(value: object, currency: object = "KRW") -> str:
    """An amount as its currency writes it: 12,900원, $12.50."""
    code = _text(currency).upper()
    if not re.fullmatch("[A-Z]{3}", code):
        raise _wrong("`money` takes a currency by its three letters, such as KRW or USD")
    before, after, places = _CURRENCIES.get(code, ("", f" {code}", 2))
    amount = _rounded(value, places)
    return f"{'-' if amount < 0 else ''}{before}{abs(amount):,.{places}f}{after}"


_CURRENCIES = {
    "KRW": ("", "원", 0), "USD": ("$", "", 2), "EUR": ("€", "", 2), "GBP": ("£", "", 2), "JPY": ("¥", "", 0),
}  # fmt: skip


def number(value: object, places: object = None) -> str:
    """A number with thousands apart, rounded half up to so many places if they are given."""
    if places is None:
        return f"{_decimal(value).normalize():,f}"
    count = int(_decimal(places))
    if not 0 <= count <= 9:
        raise _wrong("a number has 0 to 9 places")
    return f"{_rounded(value, count):,.{count}f}"


def date(value: object, pattern: object = "%Y-%m-%d", language: object = "en") -> str:
    """A date or an instant (already local) by a pattern of `%Y %m %d %H %M …`; months and weekdays in en or ko."""
    moment, chosen = _moment(_text(value)), _text(language)
    if chosen not in _WEEKDAYS:
        raise _wrong("the languages of `date` are en and ko")
    return re.sub(r"%-?.?", lambda found: _part(found[0], moment, chosen), _text(pattern))


_WEEKDAYS: Mapping[str, Sequence[str]] = {
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "ko": "월화수목금토일",
}
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_PARTS: Mapping[str, Callable[[dt.datetime, str], str]] = {
    "%Y": lambda t, _: f"{t.year:04}",
    "%y": lambda t, _: f"{t.year % 100:02}",
    "%m": lambda t, _: f"{t.month:02}",
    "%-m": lambda t, _: str(t.month),
    "%d": lambda t, _: f"{t.day:02}",
    "%-d": lambda t, _: str(t.day),
    "%H": lambda t, _: f"{t.hour:02}",
    "%-H": lambda t, _: str(t.hour),
    "%I": lambda t, _: f"{(t.hour + 11) % 12 + 1:02}",
    "%-I": lambda t, _: str((t.hour + 11) % 12 + 1),
    "%M": lambda t, _: f"{t.minute:02}",
    "%p": lambda t, lang: ("오전", "오후")[t.hour >= 12] if lang == "ko" else ("AM", "PM")[t.hour >= 12],
    "%A": lambda t, lang: _WEEKDAYS[lang][t.weekday()] + ("요일" if lang == "ko" else ""),
    "%a": lambda t, lang: _WEEKDAYS[lang][t.weekday()][:3],
    "%B": lambda t, lang: f"{t.month}월" if lang == "ko" else _MONTHS[t.month - 1],
    "%b": lambda t, lang: f"{t.month}월" if lang == "ko" else _MONTHS[t.month - 1][:3],
    "%%": lambda t, _: "%",
}
DATE_PARTS = tuple(_PARTS)
_NO_NUMBER = "what a filter of numbers gets is no number"
_MOMENT = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[ T](\d{2}:\d{2})(?::\d{2})?)?")


def _part(code: str, moment: dt.datetime, language: str) -> str:
    if code not in _PARTS:
        raise _wrong(f"`date` knows these parts: {' '.join(_PARTS)}")
    return _PARTS[code](moment, language)


def _moment(text: str) -> dt.datetime:
    found = _MOMENT.fullmatch(text)
    try:
        if found is not None:
            return dt.datetime.fromisoformat(f"{found[1]}T{found[2] or '00:00'}")
    except ValueError:
        pass
    raise _wrong("what `date` gets is no date; a message has no clock, take a date of the customer or the event")


def _text(value: Any) -> str:
    """The value as text; one that is missing raises as if it were printed."""
    if is_undefined(value):
        str(value)
    return str(value)


def _decimal(value: Any) -> Decimal:
    text = _text(value)
    try:
        found = Decimal(text)
    except InvalidOperation:
        raise _wrong(_NO_NUMBER) from None
    if isinstance(value, bool) or not found.is_finite() or abs(found) >= 10**24:
        raise _wrong(_NO_NUMBER)
    return found


def _rounded(value: Any, places: int) -> Decimal:
    return _decimal(value).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def _wrong(message: str) -> FilterArgumentError:
    """The message never repeats a value: it may be a customer's."""
    return FilterArgumentError(message, token=None)


OWN: Mapping[str, Callable[..., str]] = {"josa": josa, "money": money, "number": number, "date": date}
"""The filters that are this project's."""
