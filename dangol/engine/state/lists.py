"""Static lists of customer ids as masks over the customers."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dangol.diagnostics import DangolError
from dangol.engine.catalog import normal
from dangol.engine.sources import Sources
from dangol.engine.state.layout import Index
from dangol.engine.state.notes import finding, shown
from dangol.engine.state.tables import csv_header, opened

if TYPE_CHECKING:
    from dangol.engine.state.vocabulary import Vocabulary


def read_lists(index: Index, sources: Sources, ids: Vocabulary) -> None:
    """Who stands in each list file, as a mask over the codes."""
    known = index.meta.setdefault("lists", {})
    for name in set(known) - set(sources.lists):
        index.drop(f"lists/{name}")
        del known[name]
    for name, path in sources.lists.items():
        status = list_status(path)
        if known.get(name) != status or index.count(f"lists/{name}") != len(ids):
            codes = ids.find([normal(value) for value in _list_ids(path)])
            mask = np.zeros(len(ids), np.bool_)
            mask[codes[codes >= 0]] = True
            index.replace(f"lists/{name}", "?", [mask])
            known[name] = status


def list_status(path: Path) -> list[int]:
    """Size, times and place of a list file. Raises the diagnostic of a missing one."""
    try:
        status = path.stat()
    except OSError:
        raise DangolError(finding("E401", f"there is no file `{shown(str(path))}`", shown(str(path)))) from None
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]


def _list_ids(path: Path) -> list[str]:
    """The column `id`; without one the first column, from the first line on, as that may be an id too."""
    delimiter, header = csv_header(str(path))
    column = header.index("id") if "id" in header else 0
    try:
        with io.TextIOWrapper(opened(str(path)), "utf-8-sig", newline="") as file:
            rows = csv.reader(file, delimiter=delimiter)
            if "id" in header:
                next(rows, None)
            return [row[column] for row in rows if len(row) > column and row[column]]
    except (UnicodeDecodeError, csv.Error, OSError, EOFError) as error:
        raise DangolError(finding("E404", f"the list cannot be read: {error}", shown(str(path)))) from None
