"""CRM as code: `project = dangol.load(".")`, `project.members("abandoner", at=…)`, `project.plan(at=…)`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dangol.api import Project, load, query
    from dangol.diagnostics import DangolError, Diagnostic

__all__ = ["DangolError", "Diagnostic", "Project", "load", "query"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Loads the rooms when they are asked for: `import dangol` alone costs nothing."""
    if name in ("Project", "load", "query"):
        from dangol import api

        return getattr(api, name)
    if name in ("DangolError", "Diagnostic"):
        from dangol import diagnostics

        return getattr(diagnostics, name)
    raise AttributeError(f"module 'dangol' has no attribute '{name}'")
