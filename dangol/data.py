"""Sources with their vocabulary: where lines are evaluated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from dangol.diagnostics import DangolError, Diagnostic, Line, diagnose, in_file_order
from dangol.engine import ir
from dangol.engine.catalog import LEDGER_EVENTS, Catalog
from dangol.engine.check import Checked, Written, check, check_expression, extend
from dangol.engine.needs import Needs, needs_of
from dangol.engine.sources import Sources
from dangol.library import hinted, used_by
from dangol.playbook import adhoc
from dangol.playbook.adhoc import At, instant_from, parsed
from dangol.playbook.project import UNKNOWN
from dangol.playbook.project import Project as Files

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dangol.engine.backends.vector import Evaluation
    from dangol.engine.state.model import State
    from dangol.grammar import ast
    from dangol.runner.ledger import Ledger

Progress = Callable[[str, float], None]
"""Told what is being read and which share of it is done."""


@dataclass(frozen=True)
class Answer:
    """Who matches a condition: `ids` sorted as text, the number of customers in the universe, the condition read."""

    expression: str
    condition: ir.Condition
    checked: Checked
    at: int
    zone: str
    universe: int
    ids: tuple[str, ...]
    diagnostics: tuple[Diagnostic, ...] = ()


@dataclass
class Data:
    """Sources with their vocabulary: where conditions are evaluated. The index is kept in `directory` (None: not)."""

    sources: Sources
    catalog: Catalog
    checked: Checked
    zone: str
    directory: Path | None = None
    progress: Progress | None = None
    notes: list[Diagnostic] = field(default_factory=list)
    """What was found while reading, such as rows without a customer."""

    asked: Checked = field(init=False, repr=False)
    """`checked`, and what ad-hoc lines named of the library."""

    unready: tuple[Diagnostic, ...] = ()
    """Why the sources cannot be read yet."""

    wider: Callable[[], Files] | None = None
    """The project with all that its data name, when nobody had to look for that."""

    def __post_init__(self) -> None:
        self.asked = self.checked

    past: Callable[[], AbstractContextManager[Ledger | None]] = nullcontext
    """Opens the ledger whose events the language may speak of."""

    def evaluate(self, needs: Needs, at: int) -> Evaluation:
        """The state that these needs ask for, at an instant. Raises DangolError when the data cannot be read."""
        from dangol.engine.backends.vector import Evaluation
        from dangol.engine.state import open_state

        self.raise_unready()
        self.notes.clear()
        needs = needs.with_all(self._usual)
        self._look_for(needs)
        state = open_state(
            self.sources, self.catalog, needs.events, needs.attributes, self.directory, self.progress, self.notes
        )
        return Evaluation(self.asked.program, self._with_ledger(state, needs), at, arms=drawn_arms)

    def _look_for(self, needs: Needs) -> None:
        """Looks into the data for what an earlier text names and no line does today."""
        events = {name for name in needs.events if name not in self.catalog.events and name not in LEDGER_EVENTS}
        if self.wider is not None and (events or needs.attributes - self.catalog.attributes.keys()):
            found, self.wider = self.wider(), None
            if not found.errors:
                self.catalog = found.catalog

    def _with_ledger(self, state: State, needs: Needs) -> State:
        if not any(name in LEDGER_EVENTS for name in needs.events):
            return state
        from dangol.runner.ledger_events import ledger_events, with_ledger

        with self.past() as ledger:
            names = ledger_events(needs, self.catalog)
            return with_ledger(state, names, ledger) if names and ledger is not None else state

    def raise_unready(self) -> None:
        """Raises DangolError when the sources cannot be read."""
        if self.unready:
            raise DangolError(*self.unready)

    @cached_property
    def _usual(self) -> Needs:
        """What the project's lines need: kept in the index whatever is asked, so that no question makes it anew."""
        program = self.checked.program
        return needs_of((*program.segments.values(), *program.traits.values(), *program.scenarios), program)

    def query(self, expression: str, at: At = None) -> Answer:
        """Who matches. Raises DangolError when the line is wrong or is no condition."""
        line = Line.of(expression)
        node, findings = self.node(line)
        if not isinstance(node, ir.Condition):
            raise DangolError(
                diagnose("E510", "this is a value, not a condition", line, hints=("compare it: `… >= 3`",))
            )
        instant = instant_from(at, self.zone)
        evaluation = self.evaluate(needs_of([node], self.asked.program), instant)
        ids = members(evaluation, node)
        universe = int(evaluation.universe().sum())
        return Answer(line.text, node, self.asked, instant, self.zone, universe, ids, (*findings, *self.notes))

    def node(self, line: Line) -> tuple[ir.Node, tuple[Diagnostic, ...]]:
        """What a line computes, and warnings about it. Raises DangolError when it is wrong."""
        try:
            return self._node(line)
        except DangolError as error:
            if self.wider is None or not any(one.code in UNKNOWN for one in error.diagnostics):
                raise
            found, self.wider = self.wider(), None
            if found.errors:
                raise
        self.catalog, self.checked, self.asked = found.catalog, found.checked, found.checked
        return self._node(line)

    def scenario(self, line: Line, tree: ast.Scenario, files: Files) -> ir.Scenario:
        """What a scenario that stands in no playbook means. Raises DangolError when it is wrong."""
        try:
            found, self.asked = adhoc.scenario_of(line, tree, files, self.catalog)
        except DangolError as error:
            if self.wider is None or not any(one.code in UNKNOWN for one in error.diagnostics):
                raise
            self.catalog, self.wider = self.wider().catalog, None
            found, self.asked = adhoc.scenario_of(line, tree, files, self.catalog)
        return found

    def _node(self, line: Line) -> tuple[ir.Node, tuple[Diagnostic, ...]]:
        tree = parsed(line)
        used = used_by([Written(line, tree)], self.catalog, self.zone, self.asked.names.defined)
        self.asked = extend(self.asked, used.definitions, used.broken)
        node, findings = check_expression(tree, line, self.zone, self.asked)
        errors = [finding for finding in findings if finding.is_error and not (used.found and finding.code == "E223")]
        errors = in_file_order([*hinted(errors), *used.found])
        if errors or node is None:
            raise DangolError(*errors)
        return node, tuple(findings)


def drawn_arms(split: ir.SplitArm, ids: Sequence[str]) -> NDArray[np.int16]:
    """The position of each customer's arm in a split."""
    from dangol.measure.assignment import arms

    return arms(split.salt, [share for _, share in split.arms], ids)


def members(evaluation: Evaluation, condition: ir.Condition) -> tuple[str, ...]:
    """The ids of the members, sorted as text."""
    ids = evaluation.state.ids
    return tuple(sorted(ids[code] for code in evaluation.members(condition).nonzero()[0].tolist()))


def query(
    expression: str,
    sources: Sources,
    *,
    at: At = None,
    zone: str = "UTC",
    progress: Progress | None = None,
) -> Answer:
    """Who matches a line on bare sources, without a project."""
    from dangol.engine.state import discover

    catalog, notes = discover(sources)
    checked = check(catalog, (), ())
    errors = [finding for finding in (*notes, *checked.diagnostics) if finding.is_error]
    if errors:
        raise DangolError(*errors)
    return Data(sources, catalog, checked, zone, None, progress).query(expression, at)
