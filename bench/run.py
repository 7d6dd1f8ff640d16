"""The benchmark in one command: generates the data once, runs every way in turn, compares members, writes the table.

python -m bench.run                     the full size, three rounds
python -m bench.run --customers 10000 --events 500000 --rounds 1
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.generate import generate
from bench.project import segments, write_many, write_project
from bench.table import Results, write_table

AT, NEXT_DAY = "2026-01-01T18:00:00+09:00", "2026-01-02T18:00:00+09:00"
PEERS = ("duckdb_pruned", "duckdb_exists", "duckdb_shared", "polars_shared", "pandas_shared")
VARIANTS = 5
COMMAND_RUNS = 9
CLI = "import sys; from dangol.cli import main; sys.exit(main())"

Measured = dict[str, list[dict[str, Any]]]


def main() -> None:
    given = _arguments()
    directory = given.data or Path(f"bench/data/{given.customers}_{given.events}")
    if not (directory / "about.json").exists():
        _say(f"generating {given.events:,} events of {given.customers:,} customers")
        generate(directory, given.customers, given.events)
    _clean(directory)
    measured = _rounds(directory, given.rounds, given.ways)
    _agree(measured)
    _commands(measured, directory.parent)
    results = Results(measured, json.loads((directory / "about.json").read_text()), os.cpu_count() or 1, given.rounds)
    write_table(results, None if given.dry else Path(__file__).with_name("README.md"))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--events", type=int, default=50_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--data", type=Path, help="a folder with generated data")
    parser.add_argument("--ways", nargs="*", default=PEERS, choices=PEERS, help="the peers to run")
    parser.add_argument("--dry", action="store_true", help="print the table, leave bench/README.md alone")
    return parser.parse_args()


def _rounds(directory: Path, rounds: int, peers: Sequence[str]) -> Measured:
    """Every way once a round, in turn."""
    measured: Measured = defaultdict(list)
    for number in range(1, rounds + 1):
        _say(f"round {number} of {rounds}")
        write_project(directory)
        measured["build"].append(_run("build", directory))
        if "duckdb_shared" in peers:
            measured["duckdb_shared"].append(_run("duckdb_shared", directory))
        for way in ("fresh", "warm"):
            measured[way].append(_run(way, directory))
        for peer in [peer for peer in peers if peer != "duckdb_shared"]:
            measured[peer].append(_run(peer, directory))
            measured["fresh"].append(_run("fresh", directory))
        write_project(directory, VARIANTS)
        measured["fresh_200_first"].append(_run("fresh", directory))
        for way in ("fresh", "warm"):
            measured[f"{way}_200"].append(_run(way, directory))
        write_project(directory)
        measured["append"].append(_appended(directory))
    return measured


def _appended(directory: Path) -> dict[str, Any]:
    """Appends a day and compares with a peer that reads all files anew. Puts everything back."""
    try:
        found = _run("append", directory)
        peer = _run("duckdb_shared", directory, NEXT_DAY)
    finally:
        _clean(directory)
    if found["members"] != peer["members"]:
        wrong = [name for name, digest in peer["members"].items() if found["members"][name] != digest]
        sys.exit(f"members differ after appending: {', '.join(wrong)}")
    return found


def _clean(directory: Path) -> None:
    (directory / "events/zz_next_day.parquet").unlink(missing_ok=True)


def _run(way: str, directory: Path, at: str = AT) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.worker", way, str(directory), at, repr(time.time())]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{way} failed:\n{done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1]) | {"load": os.getloadavg()[0]}
    _say(f"  {way:16} {found['seconds']:8.2f} s  {found['cpu']:8.2f} cpu  {found['rss'] / 1e9:5.2f} GB")
    return found


def _agree(measured: Measured) -> None:
    """Every way that answered the forty has the same members in each of them, in every round."""
    answers = {way: runs for way, runs in measured.items() if way in (*PEERS, "fresh", "warm")}
    expected = answers["fresh"][0]["members"]
    names = [name for name, _ in segments()]
    wrong = [
        f"{name}: {way} {run['members'].get(name)}, this engine {expected[name]}"
        for way, runs in answers.items()
        for run in runs
        for name in names
        if run["members"].get(name) != expected[name]
    ]
    if wrong:
        sys.exit("members differ:\n" + "\n".join(wrong))
    _say(f"the same members from {len(answers)} ways: {sum(count for count, _ in expected.values()):,} in all")


def _commands(measured: Measured, scratch: Path) -> None:
    """The commands as a user runs them, each a process."""
    forty, shop = scratch / "forty", scratch / "shop"
    for folder in (forty, shop):
        shutil.rmtree(folder, ignore_errors=True)
    write_many(forty)
    _command(["demo", str(shop), "--no-open"], Path())
    for name, where in (("check", forty), ("plan", shop)):
        measured[name] = [_command([name], where) for _ in range(COMMAND_RUNS)]
        _say(f"  {name:16} {statistics.median(run['seconds'] for run in measured[name]):8.3f} s")


def _command(arguments: Sequence[str], where: Path) -> dict[str, Any]:
    started = time.perf_counter()
    environment = os.environ | {"PYTHONPATH": str(Path.cwd())}
    command = [sys.executable, "-c", CLI, *arguments]
    done = subprocess.run(command, cwd=where, env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"dangol {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
    return {"seconds": time.perf_counter() - started}


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
