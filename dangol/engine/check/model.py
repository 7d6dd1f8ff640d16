"""What the checker is given and what it answers: texts in, a typed program and findings out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, Literal, TypeVar

from dangol.diagnostics import Diagnostic, Line
from dangol.engine import ir
from dangol.grammar import ast

if TYPE_CHECKING:
    from dangol.engine.check.scope import Names

Tree = TypeVar("Tree", covariant=True)

DefinitionKind = Literal["segment", "trait"]
Kind = Literal["event", "event group", "attribute", "trait", "segment", "list"]


@dataclass(frozen=True)
class Written(Generic[Tree]):
    """A line as written, and its tree (`grammar.parser.parse(line, kind)`)."""

    line: Line
    tree: Tree


@dataclass(frozen=True)
class Definition:
    """`abandoner: cart_added within 7d and not purchased` under `segments:` or `traits:`.

    `name` is global over all files; a shipped one is given as `lib.rfm`, with the zone of the project. `name_line` is
    the key (for errors about the name; the line itself when None). `zone` is the time zone of the playbook.
    """

    kind: DefinitionKind
    name: str
    line: Line
    tree: ast.Expr
    zone: str = "UTC"
    name_line: Line | None = None


@dataclass(frozen=True)
class ScenarioText:
    """A scenario and the lines that stand beside it.

    `splits` and `messages` are those of the playbook: messages maps each name to the channels it is written for
    (an empty set: any channel). `channels` are the project's channels (None: not known, any name will do).
    `holdout` is the scenario's own; `outer_holdout` says that the playbook or the project has one.
    Lines that did not parse are left out (None, or not in the tuple): they are reported already.
    """

    playbook: str
    name: str
    rule: Written[ast.Scenario]
    zone: str = "UTC"
    name_line: Line | None = None
    exits: tuple[Written[ast.Expr], ...] = ()
    kpis: tuple[Written[ast.Kpi], ...] = ()
    schedule: Written[ast.Schedule] | None = None
    caps: tuple[Written[ast.Cap], ...] = ()
    quiet: Written[ast.Quiet] | None = None
    again: Written[ast.Again] | None = None
    expires: Written[ast.Duration] | None = None
    limit: Written[ast.Number] | None = None
    priority: Written[ast.Number] | None = None
    phase: Written[ast.Number] | None = None
    holdout: Written[ast.Share] | None = None
    outer_holdout: bool = False
    winner: Written[ast.Winner] | None = None
    guardrails: tuple[Written[ast.Guardrail], ...] = ()
    on_deadline: Written[ast.OnDeadline] | None = None
    splits: Mapping[str, Written[ast.Split]] = field(default_factory=dict)
    broken_splits: frozenset[str] = frozenset()
    """Names of splits whose line did not parse: naming one is not reported again."""
    messages: Mapping[str, frozenset[str]] = field(default_factory=dict)
    broken_messages: frozenset[str] = frozenset()
    channels: frozenset[str] | None = None


@dataclass(frozen=True)
class Checked:
    """What a project's lines mean, and everything that is wrong with them.

    `program` holds what is free of errors: a broken definition or scenario is not in it, nor is one that uses it.
    `diagnostics` are in file order. `types`: the type of each trait, `boolean` for each segment that is in `program`.
    `program.scenarios[i].anchor` tells event-anchored (not None) from state-based, `.anchor_from` the segment that the
    anchor was found in (None: in the rule itself).
    """

    program: ir.Program
    diagnostics: tuple[Diagnostic, ...]
    types: Mapping[str, ir.Type]
    names: Names = field(repr=False)
    """The vocabulary, for `check_expression`."""

    @property
    def has_errors(self) -> bool:
        return any(d.is_error for d in self.diagnostics)
