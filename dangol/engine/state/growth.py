"""Whether a source is as it was, has only grown, or is another: asked of the file system before any data is read."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from dangol.engine.sources import Table
from dangol.engine.state.tables import files

_PROBE = 65_536


@dataclass(frozen=True)
class FileMark:
    """A file as it was read: its size, times, and checksums of its first and last bytes.

    `touched` is the time that no program can set back, so that a rewritten file is noticed whatever time it was given.
    """

    path: str
    size: int
    changed: int
    touched: int
    inode: int
    head: int
    tail: int
    whole: bool
    """The last line is complete."""


@dataclass(frozen=True)
class Mark:
    """What a source was when it was read; `digest` stands for one that is not a file."""

    files: tuple[FileMark, ...] = ()
    digest: str = ""

    def to_json(self) -> list[Any]:
        return [[list(astuple(file)) for file in self.files], self.digest]

    @classmethod
    def from_json(cls, written: Any) -> Mark:
        return cls(tuple(FileMark(*values) for values in written[0]), written[1])


@dataclass(frozen=True)
class Growth:
    """What there is to read of a source: `paths` whole and `tails` from an offset on. `anew`: all, as it is another.

    `between`: some of it stands before rows that were read already.
    """

    anew: bool = False
    paths: tuple[str, ...] = ()
    tails: tuple[tuple[str, int], ...] = ()
    between: bool = False

    def __bool__(self) -> bool:
        return self.anew or bool(self.paths or self.tails)


ANEW = Growth(anew=True)


def mark(table: Table) -> Mark:
    """The source as it is now."""
    if table.format == "postgres":
        from dangol.engine.state.postgres import digest

        return Mark(digest=digest(table))
    return Mark(tuple(_mark(path) for path in files(table)) + _log(table))


def _log(table: Table) -> tuple[FileMark, ...]:
    """A DuckDB file's write-ahead log belongs to it."""
    log = table.location + ".wal"
    return (_mark(log),) if table.format == "duckdb" and Path(log).exists() else ()


def growth(old: Mark | None, table: Table) -> Growth:
    """What has to be read since `old`."""
    if old is None:
        return ANEW
    if table.format == "postgres":
        return Growth() if mark(table) == old else ANEW
    paths = files(table) + tuple(file.path for file in _log(table))
    known = {file.path: file for file in old.files}
    if not known.keys() <= set(paths):
        return ANEW
    fresh = tuple(path for path in paths if path not in known)
    tails: list[tuple[str, int]] = []
    for path in paths:
        if path in known and not _same(known[path]):
            if not _grown(known[path], table):
                return ANEW
            tails.append((path, known[path].size))
    if fresh and table.format == "duckdb":
        return ANEW
    latest = max(known, default="")
    between = any(path < latest for path in (*fresh, *(path for path, _ in tails)))
    return Growth(False, fresh, tuple(tails), between)


def _same(file: FileMark) -> bool:
    status = Path(file.path).stat()
    now = (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
    return now == (file.size, file.changed, file.touched, file.inode)


def _grown(file: FileMark, table: Table) -> bool:
    """Whether the file has what it had, and more lines after it."""
    appendable = table.format in ("csv", "jsonl") and not file.path.endswith(".gz")
    if not appendable or not file.whole or Path(file.path).stat().st_size <= file.size:
        return False
    return _ends(file.path, file.size)[:2] == (file.head, file.tail)


def _mark(path: str) -> FileMark:
    status = Path(path).stat()
    head, tail, whole = _ends(path, status.st_size)
    times = (status.st_mtime_ns, status.st_ctime_ns)
    return FileMark(path, status.st_size, *times, status.st_ino, head, tail, whole)


def _ends(path: str, size: int) -> tuple[int, int, bool]:
    with Path(path).open("rb") as file:
        head = file.read(min(_PROBE, size))
        file.seek(max(0, size - _PROBE))
        tail = file.read(min(_PROBE, size))
    return zlib.crc32(head), zlib.crc32(tail), tail.endswith(b"\n")


def readable(found: Growth, now: Mark, table: Table, scratch: Path) -> Sequence[str] | None:
    """The files to read for a growth (None: all); new lines of a file are copied under its header into `scratch`."""
    if found.anew:
        return None
    sizes = {file.path: file.size for file in now.files}
    return [*found.paths, *(_copied(path, start, sizes[path], table, scratch) for path, start in found.tails)]


def _copied(path: str, start: int, stop: int, table: Table, scratch: Path) -> str:
    target = scratch / f"tail{zlib.crc32(path.encode()):08x}.{table.format}"
    with Path(path).open("rb") as source, target.open("wb") as copy:
        if table.format == "csv":
            copy.write(_header(source))
        source.seek(start)
        while start < stop and (block := source.read(min(1 << 20, stop - start))):
            start += copy.write(block)
    return str(target)


def _header(source: Any) -> bytes:
    record: bytes = source.readline()
    while record.count(b'"') % 2 and (more := source.readline()):
        record += more
    return record


def moved(now: Mark) -> bool:
    """Whether a file was written to since `now`, so that what was read of it may be more than that."""
    return any(not _same(file) for file in now.files)
