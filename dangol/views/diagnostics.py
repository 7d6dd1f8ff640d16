"""Diagnostics to look at: the source line with a caret under the place, and the same as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from dangol.diagnostics import Diagnostic
from dangol.views.text import paint, printable, width

MARGIN = 6
"""Columns before the line number: as wide as a code and two spaces."""

VISIBLE = 160
"""Characters of a source line that are shown at most."""


def terminal(diagnostics: Iterable[Diagnostic], *, colour: bool = False) -> str:
    """Every diagnostic as a picture, one after the other, without a final line break."""
    return "\n".join(picture(diagnostic, colour=colour) for diagnostic in diagnostics)


def picture(diagnostic: Diagnostic, *, colour: bool = False) -> str:
    """One diagnostic: code, place and sentence; the source line; the caret with its label or first hint."""
    tone = "red" if diagnostic.is_error else "yellow"
    code = paint(diagnostic.code, tone, "bold", colour=colour)
    lines = [f"{code}  {printable(_place(diagnostic))}  {printable(diagnostic.message)}"]
    hints = [printable(hint) for hint in diagnostic.hints]
    gutter = " " * (MARGIN + len(str(diagnostic.line)))
    if diagnostic.text.strip():
        note = printable(diagnostic.label) or (hints.pop(0) if hints else "")
        lines += _excerpt(diagnostic, note, gutter, tone if colour else None)
    elif diagnostic.label:
        hints.insert(0, printable(diagnostic.label))
    return "\n".join(lines + [f"{gutter} = {hint}" for hint in hints])


def _place(diagnostic: Diagnostic) -> str:
    if diagnostic.line < 1:
        return diagnostic.file
    return f"{diagnostic.file}:{diagnostic.line}:{diagnostic.column}"


def _excerpt(diagnostic: Diagnostic, note: str, gutter: str, tone: str | None) -> list[str]:
    text, start, end = _window(diagnostic)
    before, marked = printable(text[:start]), printable(text[start:end])
    number = " " * MARGIN + str(diagnostic.line)
    caret = "^" * max(1, width(marked))
    if tone is not None:
        caret = paint(caret, tone, "bold")
    row = f"{gutter} | {' ' * width(before)}{caret} {note}"
    return [f"{number} | {printable(text)}".rstrip(), row.rstrip()]


def _window(diagnostic: Diagnostic) -> tuple[str, int, int]:
    """The visible part of the source line and the marked range in it."""
    text, start = diagnostic.text, max(0, diagnostic.column - 1)
    end = max(start + 1, diagnostic.end_column - 1)
    if len(text) <= VISIBLE:
        return text, start, end
    low = max(0, min(start - VISIBLE // 3, len(text) - VISIBLE))
    high = low + VISIBLE
    head, tail = ("…" if low else ""), ("…" if high < len(text) else "")
    shift = len(head) - low
    return head + text[low:high] + tail, start + shift, min(end, high) + shift


def summary(diagnostics: Sequence[Diagnostic]) -> str:
    """`2 errors, 1 warning`, or the empty text."""
    errors = sum(d.is_error for d in diagnostics)
    counts = ((errors, "error"), (len(diagnostics) - errors, "warning"))
    return ", ".join(f"{n} {word}{'' if n == 1 else 's'}" for n, word in counts if n)


def as_json(diagnostics: Iterable[Diagnostic]) -> dict[str, Any]:
    """`{"version": 1, "diagnostics": [{code, severity, message, file, line, column, end_column, hints}]}`"""
    return {"version": 1, "diagnostics": [_record(diagnostic) for diagnostic in diagnostics]}


def _record(diagnostic: Diagnostic) -> dict[str, Any]:
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity,
        "message": diagnostic.message,
        "file": diagnostic.file,
        "line": diagnostic.line,
        "column": diagnostic.column,
        "end_column": diagnostic.end_column,
        "hints": list(diagnostic.hints),
    }
