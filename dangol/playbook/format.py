"""`dangol fmt`: one canonical spelling of every line, one layout of every file, every comment kept, the meaning too."""

from __future__ import annotations

import difflib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from dangol.diagnostics import DangolError, Diagnostic, Line, Source, diagnose_source
from dangol.grammar.ast import LineKind
from dangol.playbook.layout import WIDTH, NotLaidOut, comments_of, lay_out
from dangol.playbook.layout import Path as Place
from dangol.playbook.load import decode, read_source
from dangol.playbook.project import CONFIG, playbook_paths
from dangol.playbook.tree import Mapping, Node, Scalar, read_tree

_BESIDE: dict[str, LineKind] = {
    "rule": "scenario", "schedule": "schedule", "kpi": "kpi", "cap": "cap", "exit": "expression",
    "holdout": "holdout", "again": "again", "expires": "expires", "limit": "limit", "priority": "priority",
    "phase": "limit", "winner": "winner", "quiet": "quiet", "guardrails": "guardrail", "on_deadline": "on_deadline",
}  # fmt: skip
_NAMED: dict[str, LineKind] = {"segments": "expression", "traits": "expression", "splits": "split"}
_TOP: dict[str, LineKind] = {"holdout": "holdout", "limit": "limit", "quiet": "quiet", "caps": "cap"}


@dataclass(frozen=True)
class Formatted:
    """A file and its canonical text (the text as it is, where `diagnostics` say why it was left alone)."""

    path: Path
    name: str
    before: str
    after: str
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def changed(self) -> bool:
        return self.before != self.after

    @property
    def diff(self) -> str:
        """A unified diff, empty when nothing changes."""
        before, after = self.before.splitlines(True), self.after.splitlines(True)
        return "".join(difflib.unified_diff(before, after, self.name, self.name))

    def write(self) -> None:
        """Replaces the file as a whole, or leaves it as it is. Raises DangolError."""
        target = self.path.resolve()
        try:
            with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as file:
                file.write(self.after.encode())
            os.chmod(file.name, target.stat().st_mode & 0o7777)
            os.replace(file.name, target)
        except OSError as error:
            message = f"{self.name} cannot be written: {error.strerror}"
            raise DangolError(diagnose_source("E001", message, Source(self.name, ""))) from error


def format_project(root: Path) -> Iterator[Formatted]:
    """Every file of a project in its canonical text. Nothing is written."""
    paths = [root / CONFIG] if (root / CONFIG).exists() else []
    for path in [*paths, *playbook_paths(root)]:
        name = path.relative_to(root).as_posix()
        try:
            source = read_source(path, name)
        except DangolError as error:
            yield Formatted(path, name, "", "", error.diagnostics)
            continue
        try:
            yield Formatted(path, name, source.text, format_source(source, is_config=path.name == CONFIG))
        except DangolError as error:
            yield Formatted(path, name, source.text, source.text, error.diagnostics)


def format_source(source: Source, *, is_config: bool = False) -> str:
    """The canonical text of a file. Raises DangolError when the file cannot be read, or would change its meaning."""
    tree, found = read_tree(source)
    if any(diagnostic.is_error for diagnostic in found):
        raise DangolError(*found)
    if not isinstance(tree, Mapping):
        return source.text
    speller = _Speller(source, is_config)
    try:
        after = lay_out(source.text, speller.spell)
        again = lay_out(after, _Speller(Source(source.name, after), is_config).spell)
    except NotLaidOut:
        raise DangolError(_refused(source, "it has a form of YAML that is not used here")) from None
    if again != after or not _same(source, after, is_config):
        raise DangolError(_refused(source, "its canonical text would not mean the same"))
    return after


def _refused(source: Source, why: str) -> Diagnostic:
    hints = ("this is a mistake of ours; please report the file",) if "mean" in why else ()
    return diagnose_source("E040", f"{source.name} is left as it is: {why}", source, hints=hints)


def line_kind(place: Place, is_config: bool = False) -> LineKind | None:
    """What the value at a place of a file is read as; None for other texts."""
    names = tuple(step for step in place if isinstance(step, str))
    if len(names) == 1 and is_config:
        return _TOP.get(names[0])
    if is_config and names[0] == "namespaces":
        return "namespace"
    if is_config or not names:
        return None
    if names == ("holdout",):
        return "holdout"
    if names[0] in _NAMED and (len(names) == 2 or (names[0] == "segments" and names[2:] == ("rule",))):
        return _NAMED[names[0]]
    if names[0] == "scenarios" and len(names) in (2, 3):
        return _BESIDE.get(names[2] if len(names) == 3 else "rule")
    return None


class _Speller:
    def __init__(self, source: Source, is_config: bool) -> None:
        self.source, self.is_config = source, is_config

    def spell(self, place: Place, text: str, style: str | None, flow: bool) -> str | None:
        """The canonical spelling of a line; None for any other text, and for a line that does not parse."""
        kind = line_kind(place, self.is_config)
        if kind is None:
            return None
        tree = _parsed(Line.of(text), kind)
        if tree is None:
            return None
        from dangol.grammar.printer import print_node

        printed = print_node(tree)
        if style in ("|", ">") and (len(printed) > WIDTH - 20 or " → " in printed):
            return _folded(printed)
        return quoted(printed, flow)


def _parsed(line: Line, kind: LineKind) -> Any:
    from dangol.grammar.parser import parse

    return parse(line, kind)[0]


def quoted(text: str, flow: bool) -> str:
    return text if _is_plain(text, flow) else "'" + text.replace("'", "''") + "'"


def _is_plain(text: str, flow: bool) -> bool:
    """Whether YAML reads a text as it is when it stands there without quotes."""
    marks = (": ", " #", "\n", "\t", *(",[]{}" if flow else ""))
    return (
        bool(text)
        and text[0] not in " -?:,[]{}#&*!|>'\"%@`"
        and text[-1] not in ": "
        and not any(mark in text for mark in marks)
    )


def _folded(text: str) -> str:
    """A long line as a folded block: a step of a scenario a row, further breaks at spaces outside quotes."""
    rows: list[str] = []
    for part in _split_outside(text, " → "):
        start = "→ " if rows else ""
        rows += _wrapped(start + part)
    return "\n".join([">-", *rows])


def _wrapped(text: str) -> Iterator[str]:
    words = _split_outside(text, " ")
    row = words[0]
    for word in words[1:]:
        if len(row) + 1 + len(word) > WIDTH - 10:
            yield row
            row = word
        else:
            row = f"{row} {word}"
    yield row


def _split_outside(text: str, mark: str) -> list[str]:
    """A text split at a mark that stands outside quotes."""
    parts, begin, quote = [], 0, ""
    position = 0
    while position < len(text):
        char = text[position]
        if quote:
            position += 1 if char == "\\" else 0
            quote = "" if char == quote else quote
        elif char in "\"'/":
            quote = char if char != "/" or text[:position].endswith("matches ") else ""
        elif text.startswith(mark, position):
            parts.append(text[begin:position])
            position = begin = position + len(mark)
            continue
        position += 1
    return [*parts, text[begin:]]


# --- meaning ----------------------------------------------------------------------------------------------------


def _same(source: Source, after: str, is_config: bool) -> bool:
    """Whether both texts have the same names, texts, comments and, where a line is printed anew, the same trees."""
    try:
        tree, _ = read_tree(source)
        other, found = read_tree(decode(after.encode(), source.name))
    except DangolError:
        return False
    if found or tree is None or other is None or comments_of(source.text) != comments_of(after):
        return False
    return _equal(tree, other, (), is_config)


def _equal(one: Node, other: Node, place: Place, is_config: bool) -> bool:
    if isinstance(one, Scalar) and isinstance(other, Scalar):
        return one.text == other.text or _equal_lines(one.line, other.line, line_kind(place, is_config))
    if type(one) is not type(other) or len(cast(Any, one).items) != len(cast(Any, other).items):
        return False
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        pairs = zip(one.items, other.items, strict=True)
        return all(a.text == b.text and _equal(v, w, (*place, a.text), is_config) for (a, v), (b, w) in pairs)
    items = zip(cast(Any, one).items, cast(Any, other).items, strict=True)
    return all(_equal(a, b, (*place, number), is_config) for number, (a, b) in enumerate(items))


def _equal_lines(one: Line, other: Line, kind: LineKind | None) -> bool:
    if kind is None:
        return False
    tree = _parsed(one, kind)
    return tree is not None and tree == _parsed(other, kind)
