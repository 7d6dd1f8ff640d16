"""Files that survive a crash: one writer at a time, whole or not at all."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Only one process at a time is inside for this path; the folder is made. On Windows there is no lock.

    Raises OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path.with_name(f".{path.name}.lock"), "ab") as handle:
        if sys.platform != "win32":
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def replace_file(path: Path, pieces: Iterable[bytes], mode: int = 0o644) -> None:
    """Put a new file in the place of the old one at once; readers see the old or the new one. Raises OSError."""
    number, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(number, "wb") as handle:
            handle.writelines(pieces)
            handle.flush()
            os.fsync(handle.fileno())
        os.chmod(temporary, mode)
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make a new name in the folder durable, where the system can."""
    if sys.platform != "win32":
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def append(path: Path, data: bytes) -> bool:
    """Add to the end of the file and to the disk, or leave it as it was.

    False says that writing failed and it cannot be told how much of it stayed. Raises OSError when nothing did.
    """
    new = not path.exists()
    number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        size = os.fstat(number).st_size
        try:
            _write(number, data)
            os.fsync(number)
        except OSError:
            if not _shorten(number, size):
                return False
            raise
    finally:
        os.close(number)
    if new:
        sync_folder(path.parent)
    return True


def _write(number: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(number, view) :]


def _shorten(number: int, size: int) -> bool:
    try:
        os.ftruncate(number, size)
        os.fsync(number)
    except OSError:
        return False
    return True
