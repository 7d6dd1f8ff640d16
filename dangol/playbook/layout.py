"""One canonical layout for a YAML text: every value as it was, or as `rewrite` says, and every comment at its place."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from dangol.playbook.source_map import block_lines
from dangol.playbook.tree import events

WIDTH = 120
_COMMENT = re.compile(r"(?:^|(?<=\s))#[^\r\n]*")
_BREAK = re.compile(r"\r\n|[\r\n\x85\u2028\u2029]")
_HEADER = re.compile(r"[|>][-+0-9]*")
_ANCHOR = re.compile(r"&\S+\s*")

Path = tuple[str | int, ...]
Rewrite = Callable[[Path, str, str | None, bool], str | None]
"""(place, value, style, within brackets) → how the value is written from now on, or None to leave it as it is. After
the first line break of an answer comes the content of a block."""


class NotLaidOut(Exception):
    """A text with a form of YAML that the layout does not know."""


@dataclass
class Value:
    """A scalar, alias, mapping or list as written; `raw` is its source text (of a scalar or alias)."""

    kind: str
    start: int
    end: int
    flow: bool = False
    anchor: str = ""
    raw: str = ""
    text: str = ""
    style: str | None = None
    items: list[tuple[Value | None, Value]] = field(default_factory=list)
    """(key, value) pairs; the key is None in a list."""


@dataclass
class Comment:
    start: int
    text: str
    trailing: bool


def lay_out(text: str, rewrite: Rewrite) -> str:
    """The canonical layout of a YAML mapping. Raises NotLaidOut."""
    root, scalars = _read(text)
    comments = list(_comments(text, scalars))
    return _Writer(text, comments, rewrite).write(root)


def comments_of(text: str) -> list[str]:
    """The comments of a YAML text, without the space around them."""
    _, scalars = _read(text)
    return [comment.text for comment in _comments(text, scalars)]


# --- reading ----------------------------------------------------------------------------------------------------


def _read(text: str) -> tuple[Value, list[Value]]:
    """The value in a text, and all its scalars in order."""
    scalars: list[Value] = []
    done: list[Value] = []
    stack: list[tuple[Value, list[Value]]] = []
    for event in events(text):
        name = type(event).__name__
        children = stack[-1][1] if stack else done
        if name in ("MappingStartEvent", "SequenceStartEvent"):
            value = Value(name[:3].lower(), event.start_mark.index, 0, bool(event.flow_style), _anchor(event))
            stack.append((value, []))
        elif name in ("MappingEndEvent", "SequenceEndEvent"):
            value, own = stack.pop()
            value.end = event.end_mark.index
            value.items = (
                list(zip(own[::2], own[1::2], strict=True)) if value.kind == "map" else [(None, v) for v in own]
            )
            (stack[-1][1] if stack else done).append(value)
        elif name in ("ScalarEvent", "AliasEvent"):
            value = _scalar(text, event, name)
            scalars.append(value)
            children.append(value)
    if len(done) != 1:
        raise NotLaidOut
    return done[0], scalars


def _anchor(event: Any) -> str:
    return f"&{event.anchor}" if event.anchor else ""


def _scalar(text: str, event: Any, name: str) -> Value:
    start, end = event.start_mark.index, event.end_mark.index
    if name == "AliasEvent":
        return Value("alias", start, end, raw=text[start:end])
    found = _ANCHOR.match(text, start, end) if event.anchor else None
    if event.tag:
        raise NotLaidOut
    start = found.end() if found else start
    return Value("scalar", start, end, False, _anchor(event), text[start:end], event.value, event.style)


def _comments(text: str, scalars: list[Value]) -> Iterator[Comment]:
    """Comments stand between scalars, or in the header of a block scalar."""
    position = 0
    for scalar in scalars:
        yield from _between(text, position, scalar.start)
        position = scalar.end
        if scalar.kind == "scalar" and scalar.style in ("|", ">"):
            header = _BREAK.search(text, scalar.start, scalar.end)
            yield from _between(text, scalar.start, header.start() if header else scalar.end)
    yield from _between(text, position, len(text))


def _between(text: str, start: int, end: int) -> Iterator[Comment]:
    for found in _COMMENT.finditer(text, start, end):
        begin = max((text.rfind(char, 0, found.start()) for char in "\r\n\x85\u2028\u2029"), default=-1) + 1
        before = text[begin : found.start()].strip()
        yield Comment(found.start(), found.group().rstrip(), bool(before) and not before.startswith("---"))


# --- writing ----------------------------------------------------------------------------------------------------


class _Writer:
    def __init__(self, text: str, comments: list[Comment], rewrite: Rewrite) -> None:
        self.text, self.rewrite, self.comments = text, rewrite, comments
        self.rows: list[str] = []
        self.enclosing: list[tuple[int, int]] = []
        """(column as written, indentation now) of the groups around the current entry, outermost first."""
        self.last = 0
        """Where the last thing written ended in the original."""

    def write(self, root: Value) -> str:
        if root.kind != "map" or root.anchor:
            raise NotLaidOut
        self._entries(root, (), 0)
        self._comments_before(len(self.text) + 1, -1, 0)
        return "\n".join(self.rows) + "\n"

    def _entries(self, value: Value, path: Path, indent: int, prefix: str = "") -> None:
        """The items of a mapping or list, one a row; `prefix` (such as `- `) goes before the first."""
        for number, (key, item) in enumerate(value.items):
            start = item.start if key is None else key.start
            self._comments_before(start, None if value.flow else self._column(start, key is None), indent, key is None)
            head = prefix if number == 0 and prefix else " " * indent
            step = number if key is None else key.text
            self._value(item, (*path, step), indent, head + self._name(key), key is None)

    def _name(self, key: Value | None) -> str:
        if key is None:
            return "-"
        if key.kind != "scalar" or key.style in ("|", ">") or _BREAK.search(key.raw):
            raise NotLaidOut
        self.last = max(self.last, key.end)
        return f"{_anchored(key)}{key.raw}:"

    def _value(self, item: Value, place: Path, indent: int, head: str, listed: bool) -> None:
        if item.kind in ("scalar", "alias"):
            self._scalar(item, place, indent, f"{head} {item.anchor}".rstrip())
        elif (line := self._joined(item, place, len(head))) is not None:
            self._row(f"{head} {line}", item.end)
        else:
            self._group(item, place, indent, head, listed)

    def _group(self, item: Value, place: Path, indent: int, head: str, listed: bool) -> None:
        first = item.items[0][0] or item.items[0][1]
        commented = bool(self.comments) and self.comments[0].start < first.start
        if listed and not commented and not item.anchor:
            self._entries(item, place, indent + 2, head + " ")
        else:
            rows = item.flow and _BREAK.search(self.text, item.start, item.end)
            end = item.start if item.flow else self.last
            self._row(f"{head} {item.anchor}".rstrip(), end, until=first.start if rows else None)
            self._entries(item, place, indent + 2)
        if item.flow:
            self.last = item.end
            self._trailing()

    def _scalar(self, item: Value, place: Path, indent: int, head: str) -> None:
        spelling = self._spelling(item, place, False)
        inner = " " * (indent + 2)
        if spelling is None:
            header, content = _block(self.text, item)
        else:
            header, *content = spelling.split("\n")
        if not content:
            self._row(f"{head} {header}".rstrip(), item.end)
            return
        stop = _BREAK.search(self.text, item.start, item.end)
        if item.style in ("|", ">"):
            self._row(f"{head} {header}", item.start, until=stop.start() if stop else item.end)
        else:
            self.rows.append(f"{head} {header}")
        self.rows += [inner + line if line else "" for line in content]
        self.last = item.start + max(1, len(item.raw.rstrip() if "+" not in header else item.raw[:-1]))
        if item.style not in ("|", ">"):
            self._trailing()

    def _spelling(self, item: Value, place: Path, flow: bool) -> str | None:
        """A value's text in the file; None for a block as it is."""
        if item.kind == "alias":
            return item.raw
        changed = self.rewrite(place, item.text, item.style, flow)
        if changed is not None:
            return changed
        return None if item.style in ("|", ">") else _unindented(item.raw)

    def _joined(self, value: Value, place: Path, used: int) -> str | None:
        """A flow collection on one line, if it fits and no comment stands in it."""
        if value.items and not value.flow:
            return None
        if any(value.start < comment.start < value.end for comment in self.comments):
            return None
        line = self._flow(value, place)
        return line if line is not None and (used + 1 + len(line) <= WIDTH or not value.items) else None

    def _flow(self, value: Value, place: Path) -> str | None:
        if value.kind in ("scalar", "alias"):
            spelling = self._spelling(value, place, True)
            return None if spelling is None or "\n" in spelling else f"{_anchored(value)}{spelling}"
        parts = [self._flow_part(key, item, place, number) for number, (key, item) in enumerate(value.items)]
        if any(part is None for part in parts):
            return None
        body = ", ".join(part for part in parts if part is not None)
        return _anchored(value) + (f"{{{body}}}" if value.kind == "map" else f"[{body}]")

    def _flow_part(self, key: Value | None, item: Value, place: Path, number: int) -> str | None:
        inner = self._flow(item, (*place, number if key is None else key.text))
        if inner is None or key is None:
            return inner
        return f"{self._name(key)} {inner}".rstrip()

    # --- comments and blank lines -------------------------------------------------------------------------------

    def _row(self, row: str, end: int, until: int | None = None) -> None:
        self.rows.append(row)
        self.last = max(self.last, end)
        self._trailing(until)

    def _trailing(self, until: int | None = None) -> None:
        """Comments behind the last thing on its line."""
        stop = _BREAK.search(self.text, self.last)
        limit = until if until is not None else (stop.start() if stop else len(self.text))
        while self.comments and self.comments[0].trailing and self.comments[0].start <= limit:
            comment = self.comments.pop(0)
            self.rows[-1] = f"{self.rows[-1]}  {comment.text}"
            self.last = max(self.last, comment.start + len(comment.text))

    def _comments_before(self, start: int, column: int | None, indent: int, listed: bool = False) -> None:
        """Comments and a blank line ahead of the entry at `start`; its `column` as written is None within brackets."""
        while self.comments and self.comments[0].start < start:
            comment = self.comments.pop(0)
            self._blank(comment.start)
            level = self._level(self._column(comment.start, False), column, indent)
            self.rows.append(" " * level + comment.text)
            self.last = comment.start + len(comment.text)
        if column is None or column < 0:
            return
        dash = self.text.find("-", self.last, start) if listed else -1
        self._blank(dash if dash >= 0 else start)
        while self.enclosing and self.enclosing[-1][1] >= indent:
            self.enclosing.pop()
        self.enclosing.append((column, indent))

    def _level(self, own: int, column: int | None, indent: int) -> int:
        """A comment belongs to what follows or, when it is indented further, to the group before."""
        if column is None or own <= column:
            return indent
        return max([indent, *(now for written, now in self.enclosing if written <= own)])

    def _blank(self, start: int) -> None:
        """One blank line where there was at least one."""
        if self.rows and self.rows[-1] and len(_BREAK.findall(self.text, self.last, start)) > 1:
            self.rows.append("")

    def _column(self, position: int, listed: bool) -> int:
        begin = max(self.text.rfind(char, 0, position) for char in "\r\n\x85\u2028\u2029") + 1
        dash = self.text.rfind("-", begin, position) if listed else -1
        return (dash if dash >= 0 else position) - begin


def _anchored(value: Value) -> str:
    return f"{value.anchor} " if value.anchor else ""


def _unindented(raw: str) -> str:
    """A plain or quoted scalar over several lines, without the indentation of the further ones."""
    first, *rest = _BREAK.split(raw)
    if not rest:
        return raw
    lines = [first, *(line.lstrip(" \t") for line in rest)]
    return "\n".join(line if line.rstrip(" \t").endswith("\\") else line.rstrip(" \t") for line in lines)


def _block(text: str, item: Value) -> tuple[str, list[str]]:
    """Header and content of a block scalar, without indentation."""
    lines = [text[begin:stop] for begin, stop in block_lines(text, item.start, item.end)]
    chomping = "".join(re.findall(r"[-+]", _HEADER.match(item.raw)[0]))  # type: ignore[index]
    if not chomping and not item.text.endswith("\n"):  # the file ends within it, without a line break
        chomping = "-"
    while lines and not lines[-1] and chomping != "+":
        lines.pop()
    first = next((line for line in lines if line), "")
    return f"{item.raw[0]}{'2' if first.startswith(' ') else ''}{chomping}", lines
