"""Findings about data, and how their place is shown."""

from __future__ import annotations

from pathlib import Path

from dangol.diagnostics import Diagnostic, Source, diagnose_source


def finding(code: str, message: str, place: str, *, hints: tuple[str, ...] = (), warning: bool = False) -> Diagnostic:
    """A diagnostic about a data source; `place` is how the user knows it."""
    return diagnose_source(code, message, Source(place, ""), severity="warning" if warning else "error", hints=hints)


def shown(path: str) -> str:
    """A path as the user would write it: relative to where they stand, if it lies below."""
    try:
        return str(Path(path).relative_to(Path.cwd()))
    except ValueError:
        return path
