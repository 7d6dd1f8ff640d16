"""Why a customer is in or out: every condition with its answer and values, and the events that decided.

Every answer is read off the same `Evaluation` that decides membership; nothing is computed a second time.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from dangol.diagnostics import DangolError, Line, diagnose
from dangol.engine import ir
from dangol.engine.backends.vector import Evaluation
from dangol.engine.catalog import Catalog
from dangol.engine.features import Moment
from dangol.engine.needs import Needs, needs_of
from dangol.engine.reading import Reader, definitions, outline, walk
from dangol.engine.reading.literals import peel
from dangol.engine.sightings import Datum, Sighting, Sightings

DEEPEST = 40
"""How many levels of the tree are opened; below, a definition is named only."""


@dataclass(frozen=True)
class Found:
    """The events a phrase is about: how many matched, the latest of them, and the latest of the others."""

    count: int
    latest: tuple[Sighting, ...]
    others: int
    left_out: tuple[Sighting, ...]


@dataclass(frozen=True)
class Part:
    """A condition (`holds`) or value (`value`) with its reading, what it is made of, and the events it looked at.

    `closed` says that a definition was opened elsewhere in the tree, or that the tree would get too deep.
    """

    node: ir.Node
    text: str
    holds: bool | None = None
    value: Datum | None = None
    items: tuple[Part, ...] = ()
    events: Found | None = None
    closed: bool = False


@dataclass(frozen=True)
class Explanation:
    """A line for one customer at an instant (µs). `known`: whether the customer is in the universe at all."""

    customer: str
    at: int
    known: bool
    root: Part


def explanation_needs(nodes: Iterable[ir.Node], program: ir.Program, catalog: Catalog) -> Needs:
    """What a state must hold to explain these lines: as `needs_of`, with every property of the events they name."""
    needs = needs_of(nodes, program)
    for name in needs.events:
        needs.property((name,), *catalog.events.get(name, ()))
    return needs


def explain(node: ir.Node, customer: str, evaluation: Evaluation, words: Reader, events: int = 3) -> Explanation:
    """The tree for one customer; `events` are shown of each phrase at most. Raises DangolError for an unknown id."""
    code = _code(customer, evaluation)
    known = bool(evaluation.universe()[code])
    return Explanation(customer, evaluation.moment.at, known, _Tree(code, evaluation, words, events).part(node))


def _code(customer: str, evaluation: Evaluation) -> int:
    state = evaluation.state
    by_id = np.argsort(state.id_rank)
    place = bisect_left(by_id, customer, key=lambda code: state.ids[code])
    if place < len(by_id) and state.ids[int(by_id[place])] == customer:
        return int(by_id[place])
    raise DangolError(
        diagnose("E410", f"there is no customer `{customer}` in the data", Line.of(customer, "--customer"))
    )


@dataclass(frozen=True)
class _Place:
    """Where in time a part is asked: the `as of` points around it, outermost first, and how deep it stands."""

    points: tuple[ir.Point, ...]
    moment: Moment
    depth: int = 0

    def below(self) -> _Place:
        return replace(self, depth=self.depth + 1)

    def as_of(self, point: ir.Point) -> _Place:
        return _Place((*self.points, point), self.moment.inner(point), self.depth + 1)


@dataclass
class _Tree:
    code: int
    evaluation: Evaluation
    words: Reader
    limit: int
    opened: set[tuple[str, Moment]] = field(default_factory=set)

    def part(self, node: ir.Node, place: _Place | None = None) -> Part:
        place = place or _Place((), self.evaluation.moment)
        text = outline(node, self.words).text
        core: ir.Node = node
        if isinstance(node, ir.Condition):
            part, core = Part(node, text, holds=self._holds(node, place)), peel(node)[1]
        else:
            part = Part(node, text, value=self._value(node, place))
        if place.depth >= DEEPEST:
            return replace(part, closed=True)
        if isinstance(core, ir.SegmentRef | ir.TraitRef) and not self._open(core, place):
            return replace(part, closed=True)
        if isinstance(core, ir.Matches | ir.Aggregate):
            part = replace(part, events=self._events(core.events, place))
        return replace(part, items=tuple(self.part(item, at) for item, at in self._below(core, place)))

    def _open(self, reference: ir.SegmentRef | ir.TraitRef, place: _Place) -> bool:
        """Whether the definition is to be shown here: the first time that it is met at a moment."""
        key = reference.name, place.moment
        fresh = key not in self.opened
        self.opened.add(key)
        return fresh

    def _holds(self, node: ir.Condition, place: _Place) -> bool:
        for point in reversed(place.points):
            node = ir.ConditionAsOf(node, point)
        return bool(self.evaluation.members(node)[self.code])

    def _value(self, node: ir.Value, place: _Place) -> Datum:
        for point in reversed(place.points):
            node = ir.ValueAsOf(node, point, node.type)
        return Datum.of(self.evaluation.values(node), self.code)

    def _below(self, node: ir.Node, place: _Place) -> Iterator[tuple[ir.Node, _Place]]:
        """What decides the node, and where each is asked. Literals decide nothing and are left out."""
        if isinstance(node, ir.ConditionAsOf | ir.ValueAsOf):
            inner = node.condition if isinstance(node, ir.ConditionAsOf) else node.value
            yield inner, place.as_of(node.point)
            return
        for item in self._parts(node):
            if not isinstance(item, ir.Constant | ir.Now):
                yield item, place.below()

    def _parts(self, node: ir.Node) -> Iterator[ir.Node]:
        match node:
            case ir.And(items) | ir.Or(items):
                yield from items
            case ir.Compare(_, left, right):
                yield from (left, right)
            case ir.TextTest(_, value, argument):
                yield from (value, argument)
            case ir.OneOf(value) | ir.IsMissing(value) | ir.InWindow(value) | ir.Truth(value) | ir.Top(value):
                yield value
            case ir.DaysSince(value) | ir.DayOf(value) | ir.Anniversary(value) | ir.Population(_, value):
                yield value
            case ir.Arithmetic(first, rest):
                yield from (first, *(operand for _, operand in rest))
            case ir.Case(branches, otherwise):
                yield from (part for branch in branches for part in branch)
                yield from () if otherwise is None else (otherwise,)
            case ir.Flag(condition):
                yield condition
            case ir.SegmentRef(name):
                yield self.evaluation.plan.program.segments[name]
            case ir.TraitRef(name):
                yield self.evaluation.plan.program.traits[name]

    def _events(self, events: ir.Events, place: _Place) -> Found:
        seen = Sightings(self.evaluation, place.moment, self.code)
        matched, others = seen.of(events), seen.left_out(events)
        return Found(
            len(matched),
            tuple(seen.told(events, one) for one in _latest(matched, self.limit)),
            len(others),
            tuple(seen.told(events, one) for one in _latest(others, self.limit)),
        )


def _latest(rows: list[Sighting], limit: int) -> list[Sighting]:
    return rows[-limit:][::-1] if limit else []


def mentions(node: ir.Node, names: frozenset[str], program: ir.Program) -> bool:
    """Whether the node, or a definition under it, speaks of one of these attributes or event properties."""
    parts = (part for root in (node, *definitions(node, program).values()) for part in walk(root))
    return any(_named(part) in names for part in parts)


def _named(part: object) -> str | None:
    match part:
        case ir.Attribute(name) | ir.Property(name):
            return name.casefold()
        case ir.Aggregate(property=str(name)):
            return name.casefold()
    return None
