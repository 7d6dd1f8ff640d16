"""What an expression can see where it stands: the names in reach, the zone, the event being filtered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Literal

from dangol.diagnostics import Diagnostic, Line, Severity, Span, diagnose, did_you_mean
from dangol.engine import ir
from dangol.engine.catalog import LEDGER_EVENTS, LEDGER_PROPERTIES, Catalog, Mixed
from dangol.engine.check.model import DefinitionKind, Kind
from dangol.grammar import ast

ColumnType = ir.Type | Mixed

LEDGER: dict[str, dict[str, ColumnType]] = {event: dict.fromkeys(LEDGER_PROPERTIES, "text") for event in LEDGER_EVENTS}


class Broken(Exception):
    """This part cannot be read further; why is reported already."""


@dataclass(frozen=True)
class Mention:
    """An event phrase somewhere in a line, as it would be pasted, and its event (or event group)."""

    phrase: ast.Phrase | ast.Name
    event: str


@dataclass(frozen=True)
class Known:
    """A definition that was read: its meaning, and what lines that use it must know about it.

    `mentions`: event phrases, those of definitions used included, not under `not` or `never`; `attribute`: one
    attribute that its answer depends on; `instants`: at which instants, as chains of `as of`, its parts are asked.
    """

    kind: DefinitionKind
    body: ir.Condition | ir.Value
    type: ir.Type
    mentions: tuple[Mention, ...] = ()
    attribute: str | None = None
    instants: frozenset[tuple[ir.Point, ...]] = frozenset({()})


@dataclass(frozen=True)
class Thing:
    """What a name stands for; `type` is None for events."""

    kind: Kind | Literal["property", "split"]
    name: str
    type: ColumnType | None = None

    @property
    def noun(self) -> str:
        """The kind with its article."""
        return f"{'an' if self.kind[0] in 'ae' else 'a'} {self.kind}"


@dataclass
class Names:
    """The vocabulary: the catalog with the ledger's events, and the definitions read so far.

    `defined` has every definition's kind; one that is not in `known` once all are read is broken.
    """

    catalog: Catalog
    defined: dict[str, DefinitionKind] = field(default_factory=dict)
    known: dict[str, Known] = field(default_factory=dict)
    broken: frozenset[str] = frozenset()
    guesses: int = 100

    @classmethod
    def of(cls, catalog: Catalog, broken: frozenset[str] = frozenset()) -> Names:
        return cls(replace(catalog, events={**LEDGER, **catalog.events}), broken=broken)

    def look_up(self, name: str) -> list[Thing]:
        """Everything the name stands for; more than one only if the catalog itself is at odds."""
        catalog = self.catalog
        found: list[Thing] = []
        if name in self.defined:
            kind = self.defined[name]
            found.append(Thing(kind, name, self.known[name].type if name in self.known else None))
        if name in catalog.events:
            found.append(Thing("event", name))
        if name in catalog.groups:
            found.append(Thing("event group", name))
        if name in catalog.attributes:
            found.append(Thing("attribute", name, catalog.attributes[name]))
        if name in catalog.lists:
            found.append(Thing("list", name))
        if not found and name == "id":
            found.append(Thing("attribute", "id", "text"))
        return found

    def is_event(self, name: str) -> bool:
        return name in self.catalog.events or name in self.catalog.groups

    @property
    def everything(self) -> Iterator[str]:
        """All names there are."""
        catalog = self.catalog
        yield from catalog.events
        yield from catalog.groups
        yield from catalog.attributes
        yield from self.defined
        yield from sorted(catalog.lists)
        yield "customer.id"


@dataclass(frozen=True)
class Scope:
    """Where an expression stands.

    `event` and `properties`: the event whose `where` it is in. `entry`: the instant of entry is known (steps and
    exits); `from_entry`: phrases without a time clause, those in aggregates included, count from it, and the shorthand
    does not apply.
    `splits`: split names that can be used as values. `attributes`, `instants` and `used` collect what is read: the
    attributes, the instants (as chains of `as of`, `chain` being that of this place), the definitions.
    """

    line: Line
    zone: str
    names: Names
    report: list[Diagnostic]
    event: str | None = None
    properties: Mapping[str, ColumnType] | None = None
    entry: bool = False
    from_entry: bool = False
    splits: Mapping[str, ir.SplitArm] = field(default_factory=dict)
    broken_splits: frozenset[str] = frozenset()
    attributes: list[str] = field(default_factory=list)
    chain: tuple[ir.Point, ...] = ()
    instants: set[tuple[ir.Point, ...]] = field(default_factory=lambda: {()})
    used: set[tuple[tuple[ir.Point, ...], str]] = field(default_factory=set)

    def inside_where(self, event: str) -> Scope:
        return replace(self, event=event, properties=self.names.catalog.properties(event))

    def customer_level(self) -> Scope:
        """Outside of any `where`: inside an aggregate or a population function."""
        return self if self.properties is None else replace(self, event=None, properties=None)

    def whole_history(self) -> Scope:
        return replace(self, from_entry=False) if self.from_entry else self

    def suggest(self, name: str, names: Iterable[str]) -> tuple[str, ...]:
        """`did you mean …?`, while there are guesses left: finding one takes time."""
        if not self.names.guesses:
            return ()
        self.names.guesses -= 1
        return did_you_mean(name, names)

    def error(
        self, code: str, message: str, at: ast.Node | Span | None, hints: Iterable[str] = (), label: str = ""
    ) -> Broken:
        """Report and return the exception to raise."""
        self.note(code, message, at, hints, label)
        return Broken()

    def note(
        self, code: str, message: str, at: ast.Node | Span | None, hints: Iterable[str] = (), label: str = ""
    ) -> None:
        span = at.span if isinstance(at, ast.Node) else at
        severity: Severity = "error" if code.startswith("E") else "warning"
        self.report.append(diagnose(code, message, self.line, span, severity=severity, hints=hints, label=label))


class Gathering:
    """Reads parts one after the other and goes on after a broken one: `with parts.next(): …`, then `parts.done()`."""

    def __init__(self) -> None:
        self.failed = False

    @contextmanager
    def next(self) -> Iterator[None]:
        try:
            yield
        except Broken:
            self.failed = True

    def done(self) -> None:
        if self.failed:
            raise Broken


def unwrap(node: ast.Expr) -> ast.Expr:
    """Without the brackets around it."""
    while isinstance(node, ast.Bracket):
        node = node.content
    return node


def text_of(node: ast.Node) -> str:
    """The node as text to paste."""
    from dangol.grammar.printer import print_node

    return print_node(node)


LONGEST_QUOTE = 80


def quoted(node: ast.Node) -> str:
    """The node as it is spoken of in a message: in backticks, cut where it is long."""
    text = text_of(node)
    return f"`{text}`" if len(text) <= LONGEST_QUOTE else f"`{text[:LONGEST_QUOTE]}…`"
