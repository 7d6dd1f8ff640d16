"""What stands in the library's files; each file is read when something of it is asked for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, cast

from dangol.diagnostics import Line
from dangol.engine.catalog import Catalog
from dangol.engine.check import Written
from dangol.engine.check.model import DefinitionKind
from dangol.engine.ir import Type
from dangol.grammar import ast
from dangol.grammar.parser import parse

PREFIX = "lib."
KINDS: tuple[DefinitionKind, ...] = ("trait", "segment")
ORDER = ("rfm", "purchases", "visits", "grids", "tiers", "churn", "audiences")
_HERE = Path(__file__).parent
_NAME = re.compile(r"^  (\w+):$", re.MULTILINE)


@dataclass(frozen=True)
class Entry:
    """A trait or segment. `serves`: the requirements it answers; `ours`: its numbers are our own choice."""

    name: str
    kind: DefinitionKind
    line: Line
    doc: str
    serves: tuple[str, ...]
    korean: str = ""
    ours: bool = False

    @cached_property
    def written(self) -> Written[ast.Expr]:
        """The line and its tree."""
        tree, problems = parse(self.line, "expression")
        assert tree is not None, problems
        return Written(self.line, cast(ast.Expr, tree))


@dataclass(frozen=True)
class Topic:
    """One file of the library."""

    title: str
    about: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class Vocabulary:
    """The names that the library is written over: their types, and in words what each stands for."""

    catalog: Catalog
    docs: Mapping[str, str]


def is_library(name: str) -> bool:
    """Whether a name is of the form `lib.…`, which is the library's alone."""
    return name.startswith(PREFIX)


def names() -> Iterable[str]:
    """Every name of the library, with its prefix."""
    return _files().keys()


def entry(name: str) -> Entry | None:
    """The trait or segment of that name (`lib.rfm`), if there is one."""
    file = _files().get(name)
    if file is None:
        return None
    return next(one for one in _topic(file).entries if one.name == name)


def topics() -> tuple[Topic, ...]:
    """All of it, in reading order."""
    return tuple(_topic(file) for file in ORDER)


@cache
def vocabulary() -> Vocabulary:
    """The conventional names."""
    content = _read("vocabulary")
    attributes, events = content["attributes"], content["events"]
    types = {name: cast(Type, found["type"]) for name, found in attributes.items()}
    properties: dict[str, Mapping[str, Type]] = {name: found.get("properties", {}) for name, found in events.items()}
    docs = {name: found["doc"] for name, found in (*attributes.items(), *events.items())}
    return Vocabulary(Catalog(attributes=types, events=properties), docs)


@cache
def _files() -> Mapping[str, str]:
    """Name → file. One look at the text; reading it as YAML takes a hundred times as long."""
    return {PREFIX + name: file for file in ORDER for name in _NAME.findall(_path(file).read_text(encoding="utf-8"))}


@cache
def _topic(file: str) -> Topic:
    content = _read(file)
    found = [_entry(name, kind, fields) for kind in KINDS for name, fields in content.get(f"{kind}s", {}).items()]
    return Topic(content["title"], content["about"], tuple(found))


def _entry(name: str, kind: DefinitionKind, fields: Mapping[str, Any]) -> Entry:
    line = Line.of(fields["line"], PREFIX + name)
    serves = tuple(fields["serves"].split(", "))
    return Entry(PREFIX + name, kind, line, fields["doc"], serves, fields.get("korean", ""), fields.get("ours", False))


def _read(file: str) -> dict[str, Any]:
    from ruamel.yaml import YAML

    content: dict[str, Any] = YAML(typ="safe").load(_path(file).read_text(encoding="utf-8"))
    return content


def _path(file: str) -> Path:
    return _HERE / f"{file}.yaml"
