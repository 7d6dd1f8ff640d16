"""The verdict on a project that has not changed since it was last checked, without reading a line of it again.

Parsing forty playbooks costs half a second, most of it imports and YAML; comparing their bytes costs milliseconds.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dangol.diagnostics import Diagnostic, in_file_order

if TYPE_CHECKING:
    from dangol.playbook.project import Project

FILE = ".dangol/check.json"
_LARGEST = 250_000
_COUNTS = ("playbooks", "segments", "traits", "scenarios", "targets")


@dataclass(frozen=True)
class Verdict:
    """Every finding of a project, in file order, and how much of it there is."""

    diagnostics: tuple[Diagnostic, ...]
    playbooks: int
    segments: int
    traits: int
    scenarios: int
    targets: int


def checked(root: Path, *others: Callable[[Project], Iterable[Diagnostic]]) -> Verdict:
    """The verdict on a project: remembered when no byte of its files and of this program differs, else found anew.

    others: further checks of a project, always the same ones.
    """
    digest = _digest(root)
    if digest is not None and (known := _remembered(root, digest)) is not None:
        return known
    from dangol.library import is_library
    from dangol.playbook.project import load_project

    project = load_project(root)
    program = project.checked.program
    segments, traits = (sum(not is_library(name) for name in one) for one in (program.segments, program.traits))
    targets = sum(len(one.kpis) for one in program.scenarios)
    findings = in_file_order([*project.diagnostics, *(one for asks in others for one in asks(project))])
    found = Verdict(tuple(findings), len(project.playbooks), segments, traits, len(program.scenarios), targets)
    if digest is not None and not project.looked_at_data and digest == _digest(root):
        _remember(found, root, digest)
    return found


def _remembered(root: Path, digest: str) -> Verdict | None:
    try:
        kept = json.loads((root / FILE).read_text(encoding="utf-8"))
        if kept["digest"] != digest:
            return None
        found = tuple(Diagnostic(**{**one, "hints": tuple(one["hints"])}) for one in kept["diagnostics"])
        return Verdict(found, *(int(kept[count]) for count in _COUNTS))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _remember(found: Verdict, root: Path, digest: str) -> None:
    kept = {**vars(found), "digest": digest, "diagnostics": [vars(one) for one in found.diagnostics]}
    target = root / FILE
    with contextlib.suppress(OSError):  # a directory that cannot be written to is checked anew each time
        target.parent.mkdir(exist_ok=True)
        scratch = target.with_name(f"{target.name}.{os.getpid()}")
        scratch.write_text(json.dumps(kept, ensure_ascii=False), encoding="utf-8")
        scratch.replace(target)


def _digest(root: Path) -> str | None:
    """A digest of the project's files and of this program; None when a file is not an ordinary one."""
    found = hashlib.sha256(f"{sys.version}\n".encode())
    package = Path(__file__).parents[1]
    try:
        for path, status in _files(package, (".py", ".json", ".lark", ".yaml")):
            found.update(f"{path}\0{status.st_mtime_ns}\0{status.st_size}\n".encode())
        config = os.path.join(root, "dangol.yaml")
        for path in [config, *sorted(one for one, _ in _files(root / "playbooks", (".yaml", ".yml")))]:
            if os.path.islink(path) or not os.path.isfile(path) or os.path.getsize(path) > _LARGEST:
                return None
            data = Path(path).read_bytes()
            found.update(f"{os.path.relpath(path, root)}\0{len(data)}\n".encode() + data)
    except (OSError, UnicodeEncodeError):
        return None
    return found.hexdigest()


def _files(directory: Path | str, suffixes: Iterable[str]) -> Iterator[tuple[str, os.stat_result]]:
    """Files below a directory, and whatever else has such a name."""
    if not os.path.isdir(directory):
        return
    with os.scandir(directory) as entries:
        for entry in sorted(entries, key=lambda one: one.name):
            if entry.name.endswith(tuple(suffixes)):
                yield entry.path, entry.stat(follow_symlinks=False)
            elif entry.is_dir(follow_symlinks=False) and entry.name != "__pycache__":
                yield from _files(entry.path, suffixes)
