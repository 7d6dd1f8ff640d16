"""Each thing computed once, whichever thread asks first."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from functools import cache
from typing import Any

_KEEPING = {-8: 1, -3: 32 << 20, -1: 256 << 20}
"""M_ARENA_MAX, M_MMAP_THRESHOLD and M_TRIM_THRESHOLD of malloc.h."""


class Memo:
    """Results by key. A second thread that asks for what is being computed waits for it."""

    def __init__(self) -> None:
        self._cells: dict[Hashable, Future[Any]] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, compute: Callable[[], Any]) -> Any:
        """The result of `compute` for that key; an exception is kept like a result."""
        with self._lock:
            cell = self._cells.get(key)
            fresh = cell is None
            if cell is None:
                cell = self._cells[key] = Future()
        if fresh:
            try:
                cell.set_result(compute())
            except BaseException as fault:
                cell.set_exception(fault)
        return cell.result()

    def known(self, key: Hashable) -> bool:
        """Whether that key has been asked for."""
        return key in self._cells

    def put(self, key: Hashable, result: Any) -> None:
        """Replaces a result by one that serves more."""
        cell: Future[Any] = Future()
        cell.set_result(result)
        with self._lock:
            self._cells[key] = cell


@cache
def keep_memory() -> None:
    """Arrays are made from what other arrays, of any thread, have left: new memory costs more than what is done to it.

    A setting of glibc's allocator for the whole process; with another one nothing is done.
    """
    try:
        allocator = ctypes.CDLL(None)
        for name, value in _KEEPING.items():
            allocator.mallopt(name, value)
    except (AttributeError, OSError, TypeError):
        return
