"""What is wrong, where exactly, and how to mend it: one type for every stage."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class Source:
    """A text with the name it is shown under (a path relative to the project, or `<line>`)."""

    name: str
    text: str = field(repr=False)

    @cached_property
    def line_starts(self) -> tuple[int, ...]:
        starts = [0]
        position = self.text.find("\n")
        while position >= 0:
            starts.append(position + 1)
            position = self.text.find("\n", position + 1)
        return tuple(starts)

    @cached_property
    def _rows(self) -> dict[int, str]:
        return {}

    def row(self, number: int) -> str:
        """The line of that number (from 0) without its break; one text for all findings in it, however long it is."""
        if number not in self._rows:
            begin = self.line_starts[number]
            stop = self.line_starts[number + 1] - 1 if number + 1 < len(self.line_starts) else len(self.text)
            self._rows[number] = self.text[begin:stop].rstrip("\r")
        return self._rows[number]


@dataclass(frozen=True)
class Span:
    """Half-open range of character offsets in the text it belongs to."""

    start: int
    end: int

    def to(self, other: Span) -> Span:
        """The span from the start of this one to the end of `other`."""
        return Span(self.start, other.end)


NOWHERE = Span(0, 0)


@dataclass(frozen=True)
class Line:
    """One expression as written, with the place of each of its characters in its source.

    `places` has one offset into `source.text` per character of `text`, and one more for its end;
    None says that the text is the source.
    """

    text: str
    source: Source
    places: Sequence[int] | None = field(default=None, repr=False)

    @classmethod
    def of(cls, text: str, name: str = "<line>") -> Line:
        """A line that stands alone, as on a command line."""
        return cls(text, Source(name, text))

    def in_source(self, span: Span) -> Span:
        """The span of the source text that the span of this line was written as."""
        last = len(self.text)
        start, end = min(span.start, last), min(span.end, last)
        if self.places is None:
            return Span(start, end)
        if end > start:
            return Span(self.places[start], self.places[end - 1] + 1)
        return Span(self.places[start], self.places[start])


@dataclass(frozen=True)
class Diagnostic:
    """A finding in the marketer's words. Positions are 1-based; `end_column` is exclusive and on the same line."""

    code: str
    severity: Severity
    message: str
    file: str
    line: int
    column: int
    end_column: int
    hints: tuple[str, ...] = ()
    label: str = ""
    text: str = field(default="", repr=False)
    """The source line, for the caret picture."""

    @property
    def is_error(self) -> bool:
        return self.severity == "error"


def diagnose(
    code: str,
    message: str,
    line: Line,
    span: Span | None = None,
    *,
    severity: Severity = "error",
    hints: Iterable[str] = (),
    label: str = "",
) -> Diagnostic:
    """A diagnostic for a span of a line (the whole line when None)."""
    place = line.in_source(span if span is not None else Span(0, len(line.text)))
    return diagnose_source(code, message, line.source, place, severity=severity, hints=hints, label=label)


def diagnose_source(
    code: str,
    message: str,
    source: Source,
    span: Span = NOWHERE,
    *,
    severity: Severity = "error",
    hints: Iterable[str] = (),
    label: str = "",
) -> Diagnostic:
    """A diagnostic for a span of a source's text."""
    from bisect import bisect_right

    starts = source.line_starts
    start = min(span.start, len(source.text))
    row = bisect_right(starts, start) - 1
    begin = starts[row]
    stop = starts[row + 1] - 1 if row + 1 < len(starts) else len(source.text)
    text = source.row(row)
    column = start - begin + 1
    end_column = max(column + 1, min(span.end, stop) - begin + 1)
    return Diagnostic(code, severity, message, source.name, row + 1, column, end_column, tuple(hints), label, text)


class DangolError(Exception):
    """One or more diagnostics that stop the work; str() is their messages."""

    def __init__(self, *diagnostics: Diagnostic) -> None:
        super().__init__("\n".join(f"{d.code} {d.file}:{d.line}:{d.column} {d.message}" for d in diagnostics))
        self.diagnostics = diagnostics


def in_file_order(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Sorted by file, place and code, each once."""
    unique = dict.fromkeys(diagnostics)
    return sorted(unique, key=lambda d: (d.file, d.line, d.column, d.code, d.message))


def closest(name: str, names: Iterable[str]) -> str | None:
    """The name that `name` was most likely meant to be, or None."""
    if len(name) > 100:
        return None
    known = [candidate for candidate in names if abs(len(candidate) - len(name)) <= 3]
    folded = {candidate.casefold(): candidate for candidate in known}
    if name.casefold() in folded:
        return folded[name.casefold()]
    found = difflib.get_close_matches(name, known, n=1, cutoff=0.7)
    return found[0] if found else None


def did_you_mean(name: str, names: Iterable[str]) -> tuple[str, ...]:
    """The hint `did you mean …?`, or no hint."""
    best = closest(name, names)
    return (f"did you mean `{best}`?",) if best else ()
