"""The index on disk: raw little-endian arrays that only ever grow, and one manifest that says how far to trust them."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from dangol.engine.state.sealed import read_sealed, write_sealed

FORMAT = 3
MANIFEST = "manifest.json"
NOT_THERE = "there is no index yet"
_PROBE = 4096


class Damaged(Exception):
    """The index on disk cannot be trusted; str() says why, in the user's words."""


@dataclass(frozen=True)
class Entry:
    """One array: `count` values of `dtype` at the start of `file`, and checksums of its first and last bytes."""

    file: str
    dtype: str
    count: int
    head: int = 0
    tail: int = 0

    @property
    def size(self) -> int:
        return self.count * np.dtype(self.dtype).itemsize


class Index:
    """Named arrays and the `meta` that belongs to them. Nothing is visible to others until `commit`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.entries: dict[str, Entry] = {}
        self.meta: dict[str, Any] = {}
        self._next = 1 + max((int(path.stem) for path in directory.glob("*.bin")), default=0)
        self._writing: dict[str, BinaryIO] = {}

    @classmethod
    def open(cls, directory: Path) -> Index:
        """The index in `directory`. Raises `Damaged`, also when there is none."""
        content = read_sealed(directory / MANIFEST)
        if content is None:
            there = (directory / MANIFEST).exists()
            raise Damaged("its table of contents is damaged" if there else NOT_THERE)
        index = cls(directory)
        try:
            if content["format"] != FORMAT:
                raise Damaged("it was written by another version")
            index.meta, index._next = content["meta"], content["next"]
            index.entries = {name: Entry(*values) for name, values in content["entries"].items()}
        except (KeyError, TypeError, AttributeError, ValueError):
            raise Damaged("its table of contents is another's") from None
        index._verify()
        return index

    def _verify(self) -> None:
        for entry in self.entries.values():
            path = self.directory / entry.file
            try:
                if path.stat().st_size < entry.size or _ends(path, entry.size) != (entry.head, entry.tail):
                    raise Damaged("one of its files is damaged")
            except OSError:
                raise Damaged("one of its files is gone") from None

    def __contains__(self, name: str) -> bool:
        return name in self.entries

    def read(self, name: str) -> NDArray[Any]:
        """The array, memory-mapped and read-only."""
        entry = self.entries[name]
        self._flush(name)
        if not entry.count:
            return np.empty(0, entry.dtype)
        mapped = np.memmap(self.directory / entry.file, entry.dtype, "r", shape=(entry.count,))
        return np.asarray(mapped).view(np.ndarray)

    def create(self, name: str, dtype: str) -> None:
        """An empty array, in a file of its own, in place of whatever had the name."""
        self._flush(name)
        self.entries[name] = Entry(f"{self._next:06d}.bin", dtype, 0)
        self._next += 1

    def append(self, name: str, values: NDArray[Any]) -> None:
        """Values after the last one."""
        entry = self.entries[name]
        data = np.ascontiguousarray(values, entry.dtype)
        if len(data):
            self._file(name).write(data.data)
            self.entries[name] = Entry(entry.file, entry.dtype, entry.count + len(data))

    def replace(self, name: str, dtype: str, pieces: Iterable[NDArray[Any]]) -> None:
        """The array anew; readers of the old one keep it."""
        found = list(pieces)
        self.create(name, dtype)
        for values in found:
            self.append(name, values)

    def rename(self, old: str, new: str) -> None:
        """The array `old` under the name `new`, in place of whatever had it."""
        self._flush(old)
        self._flush(new)
        self.entries[new] = self.entries.pop(old)

    def count(self, name: str) -> int:
        """The length of an array, 0 when there is none."""
        entry = self.entries.get(name)
        return entry.count if entry else 0

    def drop(self, name: str) -> None:
        self._flush(name)
        self.entries.pop(name, None)

    def _file(self, name: str) -> BinaryIO:
        if name not in self._writing:
            entry = self.entries[name]
            path = self.directory / entry.file
            path.touch()
            file = path.open("r+b")
            file.truncate(entry.size)
            file.seek(entry.size)
            self._writing[name] = file
        return self._writing[name]

    def _flush(self, name: str) -> None:
        file = self._writing.pop(name, None)
        if file is not None:
            file.close()

    def commit(self) -> None:
        """Makes the arrays and `meta` as they are now what the next reader finds, all at once."""
        for name in list(self._writing):
            self._flush(name)
        for name, entry in self.entries.items():
            path = self.directory / entry.file
            path.touch()
            head, tail = _ends(path, entry.size)
            self.entries[name] = Entry(entry.file, entry.dtype, entry.count, head, tail)
        entries = {name: list(asdict(entry).values()) for name, entry in self.entries.items()}
        content = {"format": FORMAT, "next": self._next, "meta": self.meta, "entries": entries}
        write_sealed(self.directory / MANIFEST, content)
        self._sweep()

    def _sweep(self) -> None:
        kept = {entry.file for entry in self.entries.values()}
        for path in self.directory.glob("*.bin"):
            if path.name not in kept:
                path.unlink(missing_ok=True)


def _ends(path: Path, size: int) -> tuple[int, int]:
    """Checksums of the first and the last bytes of the first `size`."""
    with path.open("rb", buffering=0) as file:
        head = zlib.crc32(file.read(min(_PROBE, size)))
        file.seek(max(0, size - _PROBE))
        return head, zlib.crc32(file.read(min(_PROBE, size)))
