"""Text as a terminal shows it: how wide it is, and nothing in it that the terminal would obey."""

from __future__ import annotations

import datetime as dt
import unicodedata
from zoneinfo import ZoneInfo

_STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "blue": "34", "cyan": "36"}


def instant(micros: int, zone: str, timespec: str = "auto") -> str:
    """An instant as ISO 8601 with the zone's offset, exact unless `timespec` says otherwise."""
    epoch = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    return (epoch + dt.timedelta(microseconds=micros)).astimezone(ZoneInfo(zone)).isoformat(timespec=timespec)


def second(micros: int, zone: str) -> str:
    """An instant to the second, for people."""
    return instant(micros, zone, "seconds")


def width(text: str) -> int:
    """The number of columns: 2 for wide characters such as Korean, 0 for combining and invisible ones."""
    return len(text) if text.isascii() else sum(_columns(character) for character in text)


def _columns(character: str) -> int:
    if "\u1160" <= character <= "\u11ff":  # the vowel or final of a syllable that is written in parts
        return 0
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def printable(text: str) -> str:
    """The text on one line, one character for each of its own: control and direction characters become visible."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_visible(character) for character in text)


def _visible(character: str) -> str:
    if character in "\t\n\r\x0b\x0c\u2028\u2029\x85":
        return " "
    if "\x00" <= character < "\x20":
        return chr(0x2400 + ord(character))
    if character in "\u200c\u200d":  # part of emoji and of some scripts
        return character
    return "\ufffd" if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Cn") else character


def pad(text: str, columns: int, *, right: bool = False) -> str:
    """The text filled with spaces up to so many columns, on its left side when `right`."""
    space = " " * max(0, columns - width(text))
    return space + text if right else text + space


def crop(text: str, columns: int) -> str:
    """The text, cut with `…` where it is wider than so many columns."""
    if width(text) <= columns:
        return text
    kept, used = [], 0
    for character in text:
        used += _columns(character)
        if used >= columns:
            break
        kept.append(character)
    return "".join(kept) + "…"


def paint(text: str, *styles: str, colour: bool = True) -> str:
    """The text in the named styles, or as it is without colour."""
    if not colour or not text:
        return text
    return f"\x1b[{';'.join(_STYLES[style] for style in styles)}m{text}\x1b[0m"


def table(rows: list[tuple[str, ...]], *, right: frozenset[int] = frozenset(), gap: str = "  ") -> list[str]:
    """Rows of cells as lines with aligned columns; the columns in `right` are flush right."""
    if not rows:
        return []
    widths = [max(width(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [gap.join(pad(cell, widths[i], right=i in right) for i, cell in enumerate(row)).rstrip() for row in rows]
