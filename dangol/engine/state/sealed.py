"""Small JSON files under a checksum: read whole and unharmed, or not at all."""

from __future__ import annotations

import json
import os
import zlib
from pathlib import Path
from typing import Any


def write_sealed(path: Path, content: Any) -> None:
    """Writes by way of a temporary file, so that no one ever sees half of it."""
    body = json.dumps(content, ensure_ascii=False)
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    temporary.write_text(f"{_seal(body)}\n{body}", "utf-8")
    temporary.replace(path)


def read_sealed(path: Path) -> Any:
    """What `write_sealed` wrote; None when it is missing or damaged."""
    try:
        seal, _, body = path.read_text("utf-8").partition("\n")
        return json.loads(body) if seal == _seal(body) else None
    except (OSError, ValueError):
        return None


def _seal(body: str) -> str:
    return f"{zlib.crc32(body.encode()):08x}"
