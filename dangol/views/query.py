"""Who matches a line: as text, as JSON, as a CSV file."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Any

from dangol.api import Answer
from dangol.engine.reading import read
from dangol.views.text import instant, second

SAMPLE = 10


def as_json(answer: Answer, *, with_ids: bool) -> dict[str, Any]:
    """The answer as data, version 1; `ids` only when asked for."""
    data = {
        "version": 1,
        "expression": answer.expression,
        "reading": read(answer.condition, answer.checked.program, zone=answer.zone),
        "at": instant(answer.at, answer.zone),
        "universe": answer.universe,
        "count": len(answer.ids),
    }
    return {**data, "ids": list(answer.ids)} if with_ids else data


def as_text(answer: Answer, *, with_ids: bool) -> str:
    """Reading, count and a few ids (all with `with_ids`), without a final line break."""
    share = f" ({len(answer.ids) / answer.universe:.1%})" if answer.universe else ""
    lines = [
        read(answer.condition, answer.checked.program, zone=answer.zone),
        f"at {second(answer.at, answer.zone)}: {len(answer.ids):,} of {answer.universe:,} customers{share}",
    ]
    shown = answer.ids if with_ids else answer.ids[:SAMPLE]
    lines += [f"  {customer}" for customer in shown]
    if len(shown) < len(answer.ids):
        lines.append(f"  … and {len(answer.ids) - len(shown):,} more (--ids shows all)")
    return "\n".join(lines)


def write_csv(answer: Answer, path: Path) -> None:
    """Writes the ids under the header `id`; the file is complete or untouched."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with temporary.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["id"])
            writer.writerows([customer] for customer in answer.ids)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
