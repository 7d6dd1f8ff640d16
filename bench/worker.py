"""One measurement in a process of its own; prints it as JSON.

    python -m bench.worker WAY DIRECTORY AT STARTED

WAY is a peer's module, or `fresh`, `warm`, `build`, `append`. STARTED is the wall clock when the process was launched:
seconds are counted from there, so that interpreter and imports belong to every way alike.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import resource
import shutil
import sys
import time
from collections.abc import Iterable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

WARM_RUNS = 5
MOST_MEMORY = 12 << 30
"""A way that needs more fails instead of taking the machine with it."""


def main(way: str, directory: Path, at: str, started: float) -> dict[str, Any]:
    resource.setrlimit(resource.RLIMIT_DATA, (MOST_MEMORY, MOST_MEMORY))
    if way in ("fresh", "warm", "build", "append"):
        return globals()[way](directory, at, started)
    return peer(way, directory, at, started)


def peer(way: str, directory: Path, at: str, started: float) -> dict[str, Any]:
    """A hand-written peer: Parquet in, ids out."""
    from bench.peers.clock import Clock

    instant = dt.datetime.fromisoformat(at).astimezone(dt.UTC).replace(tzinfo=None)
    found = import_module(f"bench.peers.{way}").members(directory, Clock(instant))
    return spent(started) | {"members": digests(found)}


def fresh(directory: Path, at: str, started: float) -> dict[str, Any]:
    """Everything from files to ids in a new process; the index is there."""
    from bench import engine

    found = engine.members(directory, at)
    return spent(started) | {"members": digests(found)}


def warm(directory: Path, at: str, started: float) -> dict[str, Any]:
    """A running process asked again: nothing of an earlier answer is kept but the memory map. The median of a few."""
    import dangol
    from bench import engine

    project = dangol.load(directory)
    engine.ids(*engine.answer(project, at))
    times = [_again(project, at) for _ in range(WARM_RUNS)]
    found = engine.ids(*engine.answer(project, at))
    median = sorted(times)[WARM_RUNS // 2]
    return spent(started) | {"seconds": median[0], "cpu": median[1], "members": digests(found)}


def _again(project: Any, at: str) -> tuple[float, float]:
    from bench import engine

    wall, cpu = time.perf_counter(), time.process_time()
    engine.ids(*engine.answer(project, at))
    return time.perf_counter() - wall, time.process_time() - cpu


def build(directory: Path, at: str, started: float) -> dict[str, Any]:
    """The index from nothing, with what the segments need."""
    from bench import engine

    shutil.rmtree(directory / ".dangol", ignore_errors=True)
    import dangol
    from dangol.engine.ir import SegmentRef
    from dangol.engine.needs import needs_of

    assert engine
    project = dangol.load(directory)
    program = project.files.checked.program
    project.data.evaluate(needs_of([SegmentRef(name) for name in program.segments], program), 0)
    return spent(started)


def append(directory: Path, at: str, started: float) -> dict[str, Any]:
    """A day's events arrive beside the others; a running process brings the index up to date and answers again."""
    import dangol
    from bench import engine

    project = dangol.load(directory)
    engine.answer(project, at)
    shutil.copy(directory / "next_day.parquet", directory / "events/zz_next_day.parquet")
    later = (dt.datetime.fromisoformat(at) + dt.timedelta(days=1)).isoformat()
    wall, cpu = time.perf_counter(), time.process_time()
    found = engine.ids(*engine.answer(project, later))
    seconds, burnt = time.perf_counter() - wall, time.process_time() - cpu
    return spent(started) | {"seconds": seconds, "cpu": burnt, "members": digests(found)}


def spent(started: float) -> dict[str, Any]:
    return {
        "seconds": time.time() - started,
        "cpu": time.process_time(),
        "rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


def digests(found: Mapping[str, Iterable[Any]]) -> dict[str, list[Any]]:
    """Per segment the number of members and a fingerprint of their sorted ids."""
    plain = {name: sorted(ids.to_pylist() if hasattr(ids, "to_pylist") else ids) for name, ids in found.items()}
    return {name: [len(ids), hashlib.sha256("\n".join(ids).encode()).hexdigest()[:16]] for name, ids in plain.items()}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], Path(sys.argv[2]), sys.argv[3], float(sys.argv[4]))))
