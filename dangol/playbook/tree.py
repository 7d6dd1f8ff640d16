"""A YAML text as a tree whose every name and text knows its place; nothing is interpreted, all scalars are text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NoReturn

from dangol.diagnostics import DangolError, Diagnostic, Line, Source, Span, diagnose_source
from dangol.playbook.mistakes import unquoted, yaml_mistake
from dangol.playbook.source_map import places

_ANCHOR = re.compile(r"&\S+\s*")
MAX_DEPTH = 50
MAX_NODES = 100_000


@dataclass(frozen=True)
class Scalar:
    """A text; `style` is None for a plain one, else one of ' " | >."""

    line: Line
    span: Span
    style: str | None

    @property
    def text(self) -> str:
        return self.line.text

    @property
    def is_nothing(self) -> bool:
        """Nothing written after the name, or one of YAML's words for it."""
        return self.style is None and self.text in ("", "~", "null")


@dataclass(frozen=True)
class Mapping:
    items: tuple[tuple[Scalar, Node], ...]
    span: Span

    @cached_property
    def named(self) -> dict[str, tuple[Scalar, Node]]:
        return {key.text: (key, value) for key, value in self.items}


@dataclass(frozen=True)
class Listing:
    items: tuple[Node, ...]
    span: Span


Node = Scalar | Mapping | Listing


@dataclass
class _Open:
    """A mapping or list being read: its children so far, and their number with everything an alias repeats."""

    event: Any
    children: list[Node] = field(default_factory=list)
    size: int = 1


def read_tree(source: Source) -> tuple[Node | None, list[Diagnostic]]:
    """The tree of a YAML text (None when it is empty), and what is wrong with it.

    Raises DangolError when there is no tree to speak of.
    """
    from ruamel.yaml.error import YAMLError, YAMLStreamError

    composer = _Composer(source)
    try:
        return composer.compose(), composer.found
    except (YAMLError, YAMLStreamError) as error:
        raise DangolError(*composer.found, yaml_mistake(source, error)) from error
    except (ValueError, IndexError, AttributeError, AssertionError, OverflowError, TypeError) as error:
        # ruamel's scanner stumbles over some malformed texts (an escape beyond Unicode, a lone indicator)
        raise DangolError(*composer.found, yaml_mistake(source, error)) from error


class _Composer:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.found: list[Diagnostic] = []
        self.stack: list[_Open] = []
        self.anchors: dict[str, tuple[Node, int] | None] = {}
        self.root: Node | None = None
        self.total = 0

    def compose(self) -> Node | None:
        documents = 0
        for event in events(self.source.text):
            kind = type(event).__name__
            if kind == "DocumentStartEvent":
                documents += 1
                if documents > 1:
                    self._refuse("E009", "a file is one document; `---` begins a second one", _span(event))
            elif kind == "ScalarEvent":
                self._add(self._scalar(event), 1, event.anchor)
            elif kind == "AliasEvent":
                self._alias(event)
            elif kind in ("MappingStartEvent", "SequenceStartEvent"):
                self._open(event)
            elif kind in ("MappingEndEvent", "SequenceEndEvent"):
                self._close(event)
        return self.root

    def _scalar(self, event: Any) -> Scalar:
        self._no_tag(event)
        span, value = _without_anchor(self.source.text, event), event.value
        where = places(self.source.text, span.start, span.end, event.style, value)
        return Scalar(Line(value, self.source, where), span, event.style)

    def _no_tag(self, event: Any) -> None:
        if event.tag:
            self._unquoted("!", _span(event))

    def _unquoted(self, mark: str, span: Span) -> NoReturn:
        """A text begins with a character that YAML has a use for."""
        raise DangolError(*self.found, unquoted(self.source, mark, span))

    def _open(self, event: Any) -> None:
        self._no_tag(event)
        if len(self.stack) >= MAX_DEPTH:
            self._refuse("E008", f"more than {MAX_DEPTH} levels inside one another", _span(event))
        if event.anchor:
            self.anchors[event.anchor] = None
        self.stack.append(_Open(event))

    def _close(self, event: Any) -> None:
        opened = self.stack.pop()
        span = Span(opened.event.start_mark.index, event.end_mark.index)
        node: Node
        if type(event).__name__ == "MappingEndEvent":
            node = Mapping(tuple(self._pairs(opened.children)), span)
        else:
            node = Listing(tuple(opened.children), span)
        self._add(node, opened.size, opened.event.anchor)

    def _pairs(self, children: list[Node]) -> Iterator[tuple[Scalar, Node]]:
        seen: dict[str, Scalar] = {}
        for key, value in zip(children[::2], children[1::2], strict=True):
            if not isinstance(key, Scalar):
                self._unquoted(self.source.text[key.span.start], key.span)
            if key.text == "<<" and key.style is None:
                self._refuse("E014", "`<<` is not used here; write the keys out", key.span)
            if key.text in seen:
                self._twice(key, seen[key.text])
                continue
            seen[key.text] = key
            yield key, value

    def _twice(self, key: Scalar, first: Scalar) -> None:
        row = diagnose_source("", "", self.source, first.span)
        message = f"`{_short(key.text)}` stands here twice"
        hint = f"first in {row.file}:{row.line}:{row.column}; delete or rename one of them"
        self.found.append(diagnose_source("E007", message, self.source, key.span, hints=(hint,)))

    def _alias(self, event: Any) -> None:
        known = self.anchors.get(event.anchor, ())
        if known == ():
            self._unquoted("*", _span(event))
        if known is None:
            self._refuse("E008", f"`*{_short(event.anchor)}` repeats itself without end", _span(event))
        assert known
        self._add(known[0], known[1], None, event)

    def _add(self, node: Node, size: int, anchor: str | None, event: Any = None) -> None:
        if anchor:
            self.anchors[anchor] = (node, size)
        if not self.stack:
            self.root = node
            return
        top = self.stack[-1]
        top.size += size
        top.children.append(node)
        if top.size > MAX_NODES:
            place = _span(event) if event is not None else node.span
            self._refuse("E008", f"more than {MAX_NODES:,} values, counting what `*` repeats", place)

    def _refuse(self, code: str, message: str, span: Span, hints: tuple[str, ...] = ()) -> NoReturn:
        raise DangolError(*self.found, diagnose_source(code, message, self.source, span, hints=hints))


def events(text: str) -> Iterator[Any]:
    """The events of ruamel's YAML parser (pure Python, YAML 1.2)."""
    from ruamel.yaml import YAML

    return iter(YAML(typ="safe", pure=True).parse(text))


def _span(event: Any) -> Span:
    return Span(event.start_mark.index, event.end_mark.index)


def _without_anchor(text: str, event: Any) -> Span:
    """The span of a scalar; ruamel lets it begin at its anchor."""
    span = _span(event)
    found = _ANCHOR.match(text, span.start, span.end) if event.anchor else None
    return Span(found.end(), span.end) if found else span


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "…"
