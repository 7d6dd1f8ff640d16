"""Numbers, durations, dates and times as people write them, in English and Korean, and what to say of near misses."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Container
from fractions import Fraction
from typing import Any, Literal, cast

from dangol.diagnostics import Span
from dangol.grammar.ast import Date, Duration, Instant, Node, Number, TimeOfDay, Times
from dangol.grammar.tokens import Problem, Token

Unit = Literal["s", "min", "h", "d", "w", "mo", "y"]

LONG_UNITS: dict[str, Unit] = {
    "second": "s", "seconds": "s", "minute": "min", "minutes": "min", "hour": "h", "hours": "h", "day": "d",
    "days": "d", "week": "w", "weeks": "w", "month": "mo", "months": "mo", "year": "y", "years": "y",
    "초": "s", "분": "min", "시간": "h", "일": "d", "주": "w", "개월": "mo", "년": "y",
}  # fmt: skip
SHORT_UNITS: dict[str, Unit] = {"s": "s", "min": "min", "h": "h", "d": "d", "w": "w", "mo": "mo", "y": "y"}
UNITS = SHORT_UNITS | LONG_UNITS
SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86400, "w": 604800, "mo": 30 * 86400, "y": 365 * 86400}
SCALES = {"": Fraction(1), "%": Fraction(1, 100), "k": Fraction(1000), "M": Fraction(10**6),
          "만": Fraction(10**4), "억": Fraction(10**8)}  # fmt: skip
LONGEST, LARGEST, YEARS = 200 * SECONDS["y"], 10**18, range(1700, 2201)

_ANY_UNIT = "|".join(sorted(UNITS, key=len, reverse=True))
_NUMBER = r"[0-9]+(?:_[0-9]+)*(?:\.[0-9]+)?"
_RUN = re.compile(rf"({_NUMBER})(%|[^\W\d]\w*|_\w*)?")
_LONG = re.compile(rf"\s+({'|'.join(sorted(LONG_UNITS, key=len, reverse=True))})(?!\w)")
_COMMAS = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?(?![0-9])(%|[^\W\d]\w*)?")
_VERSION = re.compile(r"[0-9]+(?:\.[0-9]+){2,}\w*")
_DASHED = re.compile(
    r"(?:19|20)[0-9]{2}([/.–])[0-9]{1,2}\1[0-9]{1,2}(?![\w.])|[0-9]+(?:-[0-9]+)+(?:T[0-9:.]*(?:Z|[+-][0-9:]+)?)?\w*"
)
_DASHED_RANGE = rf"([0-9]+)-([0-9]+)({_ANY_UNIT})"
_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)(T(\d\d):(\d\d)(?::(\d\d)(?:\.\d{1,6})?)?(Z|[+-]\d\d:?\d\d)?)?", re.ASCII)
_TIME = re.compile(r"([0-9]{1,2}):([0-9]{2})(?!\w)")
_TIME_LIKE = re.compile(r"[0-9]+:[0-9]\w*(?::\w+)*")
_COMPOUND = rf"(?:{_NUMBER}(?:{_ANY_UNIT})){{2,}}"
_PART = rf"({_NUMBER})({_ANY_UNIT})"
_NO_TIME = "`{}` is not a time of day; write hours and minutes from `00:00` to `23:59`."
_COUNT = r"[0-9]+(?:_[0-9]+)*"
_TIMES = re.compile(
    rf"(?:(at\s+least|at\s+most|exactly)\s+({_COUNT})\s+times?|({_COUNT})(?:\.\.({_COUNT})|\+)\s*times?|once|twice)(?!\w)"
)


def scan_times(text: str, start: int, problems: list[Problem]) -> Token | None:
    """The times clause that begins here, if one does."""
    found = _TIMES.match(text, start)
    if not found:
        return None
    low, high = _times_range(found)
    written = " ".join(found[0].split())
    span = Span(start, found.end())
    if high is not None and low > high:
        mend = f"{high}..{low} times"
        problems.append(Problem("E117", "The smaller number of times comes first.", span, (f"write `{mend}`",)))
    if max(low, high or 0) >= 10**9:
        problems.append(Problem("E107", "That is more times than can be counted.", span))
    return Token("TIMES", found[0], start, found.end(), Times(low, high, written, span=span))


def _times_range(found: re.Match[str]) -> tuple[int, int | None]:
    if found[2]:
        count = _whole(found[2])
        kind = found[1].split()[-1]
        return {"least": (count, None), "most": (0, count), "exactly": (count, count)}[kind]
    if found[3]:
        return _whole(found[3]), _whole(found[4]) if found[4] else None
    return (1, 1) if found[0] == "once" else (2, 2)


def _whole(digits: str) -> int:
    return int(digits) if len(digits) <= 20 else 10**20


def scan_digits(text: str, start: int, accepts: Container[str], problems: list[Problem]) -> Token:
    """The literal that begins with the digit at `start`; always a token, so that reading goes on after a slip."""
    for scan in (_scan_time, _scan_date, _scan_version, _scan_commas):
        token = scan(text, start, accepts, problems)
        if token:
            return token
    found = _RUN.match(text, start)
    assert found, "a digit begins a run"
    number, suffix = found[1], found[2] or ""
    if not suffix and "DURATION" in accepts and (unit := _LONG.match(text, found.end())):
        return _duration(text, start, unit.end(), number, LONG_UNITS[unit[1]], problems)
    if suffix in SCALES:
        return _number(text, start, found.end(), number, suffix, problems)
    if suffix in UNITS:
        return _duration(text, start, found.end(), number, UNITS[suffix], problems)
    if suffix == "pp":
        return _points(text, start, found.end(), number, problems)
    return _misspelt(text, start, found.end(), number, suffix, accepts, problems)


def _slip(kind: str, text: str, start: int, end: int, problems: list[Problem], *problem: Any) -> Token:
    """A token that stands in for what could not be read, so that the rest of the line is still looked at."""
    code, message, *hints = problem
    span = Span(start, end)
    problems.append(Problem(code, message, span, tuple(hints)))
    values: dict[str, Node] = {
        "NUMBER": Number(Fraction(1), span=span), "DURATION": Duration(Fraction(1), "d", span=span),
        "DATE": Date(dt.date(2000, 1, 1), span=span), "INSTANT": Instant(dt.datetime(2000, 1, 1), span=span),
        "TIME": TimeOfDay(0, 0, span=span),
    }  # fmt: skip
    return Token(kind, text[start:end], start, end, values[kind])


def _scan_time(text: str, start: int, accepts: Container[str], problems: list[Problem]) -> Token | None:
    found = _TIME.match(text, start)
    if found and int(found[1]) < 24 and int(found[2]) < 60:
        value = TimeOfDay(int(found[1]), int(found[2]), span=Span(start, found.end()))
        return Token("TIME", found[0], start, found.end(), value)
    wrong = _TIME_LIKE.match(text, start)
    if not wrong:
        return None
    return _slip("TIME", text, start, wrong.end(), problems, "E109", _NO_TIME.format(wrong[0]))


def _scan_date(text: str, start: int, accepts: Container[str], problems: list[Problem]) -> Token | None:
    wrong = _DASHED.match(text, start)
    if not wrong:
        return None
    found = _DATE.fullmatch(wrong[0])
    if not found:
        return _not_a_date(text, wrong, accepts, problems)
    kind, span = ("INSTANT" if found[4] else "DATE"), Span(start, wrong.end())
    if int(found[1]) not in YEARS:
        message = f"`{found[1]}` is not a year from {YEARS[0]} to {YEARS[-1]}."
        return _slip(kind, text, start, wrong.end(), problems, "E109", message)
    try:
        value = dt.datetime.fromisoformat(found[0])
    except ValueError:
        return _slip(kind, text, start, wrong.end(), problems, *_no_such_day(found))
    node = Instant(value, found[0], span=span) if found[4] else Date(value.date(), span=span)
    return Token(kind, found[0], start, wrong.end(), node)


def _no_such_day(found: re.Match[str]) -> tuple[str, ...]:
    year, month = int(found[1]), int(found[2])
    if not 1 <= month <= 12:
        return "E109", f"`{found[0]}` is no date: there are 12 months, and {found[2]} is none of them."
    last = (dt.date(year + month // 12, month % 12 + 1, 1) - dt.timedelta(days=1)).day
    if not 1 <= int(found[3]) <= last:
        return "E109", f"`{found[0]}` is no date: that month has {last} days.", f"write `{year}-{month:02}-{last}`"
    return "E109", f"`{found[4][1:]}` is not a time of day on that date; write it like `T10:00` or `T10:00+09:00`."


def _not_a_date(text: str, found: re.Match[str], accepts: Container[str], problems: list[Problem]) -> Token:
    if "TIME" in accepts:
        return _slip("TIME", text, found.start(), found.end(), problems, "E109", _NO_TIME.format(found[0]))
    parts = re.split(r"[-–/.]", found[0])
    hints = [f"write `{mend}`"] if (mend := _mended_date(parts)) else []
    if window := re.fullmatch(_DASHED_RANGE, found[0]):
        hints = [f"for a window, write `{window[1]}{window[3]}..{window[2]}{window[3]} ago`"]
    elif re.match(r"\s+times?\b", text[found.end() : found.end() + 20]):
        hints = [f"write `{parts[0]}..{parts[-1]} times`"]
    elif not mend and len(parts) == 2:
        hints = [f"to subtract, write spaces: `{parts[0]} - {parts[1]}`"]
    message = f"`{found[0]}` is not a date; dates are written year-month-day, like `2026-01-31`."
    kind = "DATE" if "DATE" in accepts else "NUMBER"
    return _slip(kind, text, found.start(), found.end(), problems, "E109", message, *hints)


def _mended_date(parts: list[str]) -> str | None:
    if len(parts) != 3 or not all(part.isdecimal() for part in parts) or len(parts[0]) != 4:
        return None
    try:
        return dt.date(*map(int, parts)).isoformat()
    except (ValueError, OverflowError):
        return None


def _scan_version(text: str, start: int, accepts: Container[str], problems: list[Problem]) -> Token | None:
    found = _VERSION.match(text, start)
    if not found:
        return None
    message = f"`{found[0][:60]}` is not a number; a version is written in quotes."
    return _slip("NUMBER", text, start, found.end(), problems, "E107", message, f'write `"{found[0][:60]}"`')


def _scan_commas(text: str, start: int, accepts: Container[str], problems: list[Problem]) -> Token | None:
    found = _COMMAS.match(text, start)
    if not found:
        return None
    plain = found[0].replace(",", "_")
    hints = [f"write `{plain}`" if not found[1] or found[1] in SCALES else f"write `{plain[: -len(found[1])]}`"]
    if "NUMBER" in accepts and text.rfind("(", 0, start) > text.rfind(")", 0, start):
        hints.append(f"or, for several values, `{found[0].replace(',', ', ')}`")
    message = f"`{found[0]}` has commas in it; the thousands of a number are set apart with `_`."
    return _slip("NUMBER", text, start, found.end(), problems, "E107", message, *hints)


def _fraction(number: str) -> Fraction | None:
    digits = number.replace("_", "")
    return Fraction(digits) if len(digits) <= 40 else None


def _number(text: str, start: int, end: int, number: str, scale: str, problems: list[Problem]) -> Token:
    value = _fraction(number)
    if value is None or value * SCALES[scale] >= LARGEST:
        message = "This number is too long; numbers have at most 18 digits."
        return _slip("NUMBER", text, start, end, problems, "E107", message)
    node = Number(value * SCALES[scale], scale == "%", text[start:end], span=Span(start, end))
    return Token("NUMBER", text[start:end], start, end, node)


def _points(text: str, start: int, end: int, number: str, problems: list[Problem]) -> Token:
    token = _number(text, start, start + len(number), number, "", problems)
    value = cast(Number, token.value).value / 100
    return Token("POINTS", text[start:end], start, end, Number(value, True, text[start:end], span=Span(start, end)))


def _duration(text: str, start: int, end: int, number: str, unit: Unit, problems: list[Problem]) -> Token:
    amount = _fraction(number)
    if amount is None or amount * SECONDS[unit] > LONGEST:
        message = "This is longer than 200 years; leave the window out to mean all of history."
        return _slip("DURATION", text, start, end, problems, "E108", message)
    if unit in ("mo", "y") and amount.denominator != 1:
        days = int(amount * SECONDS[unit] / SECONDS["d"])
        message = "Months and years step on the calendar and are whole numbers."
        return _slip("DURATION", text, start, end, problems, "E108", message, f"write `{days}d`")
    written = " ".join(text[start:end].split())
    return Token("DURATION", text[start:end], start, end, Duration(amount, unit, written, span=Span(start, end)))


def _misspelt(
    text: str, start: int, end: int, number: str, suffix: str, accepts: Container[str], problems: list[Problem]
) -> Token:
    written = text[start:end]
    if "TIME" in accepts:
        return _slip("TIME", text, start, end, problems, "E109", _NO_TIME.format(written[:60]))
    compound = re.fullmatch(_COMPOUND, written)
    if compound:
        single = f"write `{_single_unit(written)}`"
        message = f"`{written[:60]}` mixes units; a duration has one."
        return _slip("DURATION", text, start, end, problems, "E108", message, single)
    if suffix == "m":
        message = f"`{written}` could be minutes or months."
        choices = f"write `{number}min` for minutes", f"write `{number}mo` for months"
        return _slip("DURATION", text, start, end, problems, "E108", message, *choices)
    mend = _mended_suffix(suffix)
    is_duration = mend in UNITS or (mend is None and "NUMBER" not in accepts)
    kind, code, noun = ("DURATION", "E108", "duration") if is_duration else ("NUMBER", "E107", "number")
    examples = "like `7d`, `36h`, `3mo`" if is_duration else "like `100`, `30%`, `10k`, `100만`"
    hints = () if mend is None else (f"write `{number}{mend}`",)
    message = f"`{written[:60]}` is not a {noun}; write it {examples}."
    return _slip(kind, text, start, end, problems, code, message, *hints)


def _single_unit(written: str) -> str:
    parts = [(Fraction(number.replace("_", "")), UNITS[unit]) for number, unit in re.findall(_PART, written[:200])]
    total = sum(amount * SECONDS[unit] for amount, unit in parts)
    unit = min((unit for _, unit in parts), key=lambda name: SECONDS[name])
    return f"{float(Fraction(total) / SECONDS[unit]):g}{unit}"


_SUFFIX_SLIPS = {
    "K": "k", "thousand": "k", "million": "M", "mil": "M", "mm": "M", "percent": "%", "pct": "%", "천": "k",
    "hr": "h", "hrs": "h", "mins": "min", "sec": "s", "secs": "s", "wk": "w", "wks": "w", "mon": "mo", "mth": "mo",
    "mths": "mo", "mos": "mo", "yr": "y", "yrs": "y", "달": "개월", "월": "개월", "주일": "주",
}  # fmt: skip
_KOREAN = ("만", "억", "개월", "시간", "주일", "일", "주", "분", "년", "초")
_COUNTED = frozenset({"원", "won", "krw", "usd", "eur", "명", "회", "번", "개", "st", "nd", "rd", "th"})


def _mended_suffix(suffix: str) -> str | None:
    """What was meant by a unit or scale that is spelt, cased or followed up differently (`D`, `hrs`, `만원`)."""
    mend = _SUFFIX_SLIPS.get(suffix) or _SUFFIX_SLIPS.get(suffix.lower())
    if mend or suffix.lower() in UNITS:
        return mend or suffix.lower()
    for begin in _KOREAN:
        if suffix.startswith(begin):
            return _SUFFIX_SLIPS.get(begin, begin)
    return "" if suffix.lower() in _COUNTED else None
