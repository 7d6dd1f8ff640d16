"""What YAML could not read, in the words of whoever wrote it, with the mend."""

from __future__ import annotations

import re
from typing import Any

from dangol.diagnostics import Diagnostic, Source, Span, diagnose_source

_ENTRY = re.compile(
    r"""^(?P<lead>[ ]*(?:-[ ]+)*(?:(?:[^\s"'#:\[{][^:#]*|"[^"]*"|'[^']*')[ ]*:[ ]+)?)(?P<value>\S.*)$"""
)
_NAME = re.compile(r"^[ ]*([^\W\d]\w*)(?::(\S.*))?[ ]*$")
_MUST_QUOTE = "*&!%@`[]{},\"'|>?"
_INDENTATION = ("did not find expected", "expected <block end>", "could not find expected", "mapping values")


def yaml_mistake(source: Source, error: Exception) -> Diagnostic:
    """One diagnostic for an error of the YAML reader: tabs, then quotes, then indentation, then whatever it said."""
    offset = _offset(source, error)
    rows = _rows(source, offset, error)
    for row in rows:
        if (found := _tab(source, row) or _unquoted(source, row) or _no_colon(source, row)) is not None:
            return found
    if (found := _unclosed(source, error)) is not None:
        return found
    problem = str(getattr(error, "problem", "") or "")
    if problem.startswith(_INDENTATION):
        message = "this line does not fit the ones around it"
        hints = ("names of one group start in the same column, with two spaces more than the name they belong to",
                 "a name is followed by `:` and a space")  # fmt: skip
        return diagnose_source("E006", message, source, _line_span(source, offset), hints=hints)
    message = f"YAML cannot read this ({_plain(problem)})" if problem else "YAML cannot read this"
    return diagnose_source("E003", message, source, Span(offset, offset + 1), hints=("put the text in quotes: '…'",))


def unquoted(source: Source, mark: str, span: Span) -> Diagnostic:
    """A text that begins with a character that YAML has a use for."""
    if (found := _unquoted(source, _row_start(source, span.start))) is not None:
        return found
    message = f"a text that begins with `{mark}` must stand in quotes"
    hints = ("put the whole text in quotes: '…'",)
    return diagnose_source("E004", message, source, Span(span.start, span.start + 1), hints=hints)


def _offset(source: Source, error: Exception) -> int:
    mark: Any = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    return min(mark.index if mark is not None else 0, len(source.text))


def _rows(source: Source, offset: int, error: Exception) -> list[int]:
    """Offsets of the lines to look at: where the reader stopped, where it began, and the last one with content."""
    context: Any = getattr(error, "context_mark", None)
    starts = [offset]
    before = source.text[:offset].rstrip()
    starts.append(len(before))
    if context is not None and context.index < offset:
        starts.append(context.index)
    return list(dict.fromkeys(_row_start(source, start) for start in starts))


def _row_start(source: Source, offset: int) -> int:
    return source.text.rfind("\n", 0, offset) + 1


def _row_text(source: Source, start: int) -> str:
    stop = source.text.find("\n", start)
    return source.text[start : stop if stop >= 0 else len(source.text)].rstrip("\r")


def _line_span(source: Source, offset: int) -> Span:
    start = _row_start(source, offset)
    text = _row_text(source, start)
    if not text.strip() and start:
        return _line_span(source, len(source.text[:offset].rstrip()))
    return Span(start + len(text) - len(text.lstrip()), start + len(text.rstrip()))


def _tab(source: Source, row: int) -> Diagnostic | None:
    text = _row_text(source, row)
    tab = text.find("\t")
    if tab < 0 or text[:tab].strip(" -"):
        return None
    return diagnose_source(
        "E005", "a tab is used for indentation", source, Span(row + tab, row + tab + 1), hints=("use two spaces",)
    )


def _unquoted(source: Source, row: int) -> Diagnostic | None:
    """A text that YAML takes for something of its own: its first character, or a `: ` in it."""
    found = _ENTRY.match(_row_text(source, row))
    if found is None or found["value"].startswith("#"):
        return None
    value, start = found["value"], row + found.start("value")
    if value[0] in _MUST_QUOTE and not _is_closed(value):
        message = f"a text that begins with `{value[0]}` must stand in quotes"
        return diagnose_source("E004", message, source, Span(start, start + 1), hints=_quoted(value))
    colon = re.search(r":(?=\s|$)", value)
    if colon and value[0] not in _MUST_QUOTE and found["lead"].strip(" -"):
        place = Span(start + colon.start(), start + colon.end())
        message = "a text with `: ` in it must stand in quotes"
        return diagnose_source("E004", message, source, place, hints=_quoted(value))
    return None


def _no_colon(source: Source, row: int) -> Diagnostic | None:
    """A name that YAML does not see as one: `segments` or `playbook:x` in the line before the one it stumbled over."""
    before = source.text[:row].rstrip()
    start = _row_start(source, len(before))
    for begin in (row, start):
        found = _NAME.match(_row_text(source, begin))
        if found is not None:
            place = Span(begin + found.start(1), begin + found.end(1))
            message = f"there is no `: ` after `{found[1]}`"
            hints = (f"write `{found[1]}: {found[2] or ''}`".replace(": `", ":`"),)
            return diagnose_source("E006", message, source, place, hints=hints)
    return None


def _is_closed(value: str) -> bool:
    """Whether a quoted text, or a mapping or list in brackets, ends where its line ends."""
    bare = re.sub(r"\s+#.*$", "", value.rstrip())
    if bare[0] in "\"'":
        return len(bare) > 1 and bare[-1] == bare[0] and bare[0] not in bare[1:-1].replace("\\" + bare[0], "")
    if bare[0] == "{":
        return bare[-1] == "}" and not bare.startswith("{{")
    if bare[0] == "[":
        return bare[-1] == "]"
    return bare[0] in "|>" and re.fullmatch(r"[|>][-+0-9]*", bare) is not None


def _quoted(value: str) -> tuple[str, ...]:
    if len(value) > 200:
        return ("put the whole text in quotes: '…'",)
    quoted = value.rstrip().replace("'", "''")
    return (f"write it as '{quoted}'",)


def _unclosed(source: Source, error: Exception) -> Diagnostic | None:
    context = str(getattr(error, "context", "") or "")
    mark: Any = getattr(error, "context_mark", None)
    what = {"quoted scalar": "quote", "flow mapping": "bracket", "flow sequence": "bracket"}
    word = next((name for key, name in what.items() if key in context), None)
    if word is None or mark is None:
        return None
    place = Span(mark.index, mark.index + 1)
    return diagnose_source("E003", f"this {word} is not closed, or something in it is out of place", source, place)


def _plain(problem: str) -> str:
    return " ".join(problem.split())[:120]
