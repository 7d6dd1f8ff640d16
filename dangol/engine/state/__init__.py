"""From declared sources to the state every predicate is evaluated over.

`discover` finds the catalog of the sources, `open_state` their state, `peek` what a file looks like. Each is loaded
when it is asked for, so that checking a project loads neither numpy nor a data library.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dangol.engine.state.discovery import discover as discover
    from dangol.engine.state.opening import open_state as open_state
    from dangol.engine.state.peeking import peek as peek

_HOMES = {"discover": "discovery", "open_state": "opening", "peek": "peeking"}


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(f"dangol.engine.state.{_HOMES[name]}"), name)
    raise AttributeError(name)
