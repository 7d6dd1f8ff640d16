"""The shipped library: traits and segments in the language itself, known to every project as `lib.NAME`.

used = used_by(written_lines, catalog, zone)       # what of it they name, ready for the checker
entry("lib.champion").doc, names()                 # what there is
"""

from __future__ import annotations

from dangol.library.entries import Entry, Topic, entry, is_library, names, topics, vocabulary
from dangol.library.use import Used, hinted, names_in, used_by

__all__ = [
    "Entry",
    "Topic",
    "Used",
    "entry",
    "hinted",
    "is_library",
    "names",
    "names_in",
    "topics",
    "used_by",
    "vocabulary",
]
