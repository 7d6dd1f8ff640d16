"""A program over a state at one instant: who is a member, what their values are, from which event they entered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, cast, get_args

import numpy as np
from numpy.typing import NDArray

from dangol.engine import ir
from dangol.engine.backends.vector import columns
from dangol.engine.backends.vector.aggregate import computed
from dangol.engine.backends.vector.expression import Expression
from dangol.engine.backends.vector.memo import Memo, keep_memory
from dangol.engine.backends.vector.population import Standing, quintile, standing, top
from dangol.engine.backends.vector.selection import Rows, select
from dangol.engine.backends.vector.zone import zone_for
from dangol.engine.features import Definition, Feature, Moment, Plan
from dangol.engine.state.model import NO_INSTANT, Column, Mask, Micros, State

_SMALL = 10_000
"""Below so many customers threads cost more than they save."""

Arms = Callable[[ir.SplitArm, Sequence[str]], NDArray[Any]]
"""Which arm (its position) each customer id has in a split."""


@dataclass(frozen=True)
class Entries:
    """The latest matching event per customer: its time (NO_INSTANT without), the position of its name in `names`, and
    its row in the table of that name (−1 without)."""

    names: tuple[str, ...]
    time: Micros
    event: NDArray[np.int16]
    row: NDArray[np.int64]


class Evaluation:
    """Everything asked about one state at one instant `at` (µs); what has been computed is kept.

    arms: how splits assign, for lines that compare an arm. threads: how many features are computed at a time.
    """

    def __init__(
        self,
        program: ir.Program,
        state: State,
        at: int,
        *,
        arms: Arms | None = None,
        threads: int = 2,
    ) -> None:
        self.state, self.moment, self.threads = state, Moment(at, at), threads
        self.plan, self.memo = Plan(program), Memo()
        self._arms = arms
        self._entries: list[Micros] = []

    def under(self, program: ir.Program) -> Evaluation:
        """Another one of the same state and instant, with other definitions."""
        return Evaluation(program, self.state, self.at, arms=self._arms, threads=self.threads)

    def over(self, state: State) -> Evaluation:
        """Another one of the same definitions and instant, over another state of the same customers."""
        return Evaluation(self.program, state, self.at, arms=self._arms, threads=self.threads)

    def assigning(self, arms: Callable[[Arms], Arms]) -> Evaluation:
        """Another one of the same state, instant and definitions, whose splits assign as `arms` makes of theirs."""
        if self._arms is None:
            return self
        return Evaluation(self.program, self.state, self.at, arms=arms(self._arms), threads=self.threads)

    @property
    def program(self) -> ir.Program:
        return self.plan.program

    @property
    def at(self) -> int:
        return self.moment.at

    # --- what is asked ------------------------------------------------------------------------------------------

    def prepare(self, nodes: Iterable[ir.Node], entry: Micros | None = None) -> None:
        """Plans for all these lines together, then computes their features and definitions. Cheaper than one by one."""
        moment, nodes = self._asked(entry), list(nodes)
        order = [each for node in nodes for each in self._planned(node, moment)]
        features = [each for each in self.plan.features.values() if not self.memo.known(("feature", each.key))]
        self._each(self.feature, sorted(features, key=lambda each: -each.effort()))
        self._each(self.definition, order)
        conditions = [node for node in nodes if isinstance(node, get_args(ir.Condition))]
        self._each(lambda condition: self._members(condition, moment), conditions)

    def _members(self, condition: ir.Condition, moment: Moment) -> Mask:
        key = ("members", self.plan.facts(condition).key, moment)
        found = self.memo.get(key, lambda: Expression(self, moment).condition(condition) & self.universe())
        return cast(Mask, found)

    def _asked(self, entry: Micros | None) -> Moment:
        if entry is None:
            return self.moment
        known = next((number for number, each in enumerate(self._entries, 1) if each is entry), 0)
        if not known:
            self._entries.append(entry)
        return self.moment._replace(entry=known or len(self._entries))

    def _planned(self, node: ir.Node, moment: Moment) -> list[Definition]:
        key = ("planned", self.plan.facts(node).key, moment)
        if self.memo.known(key):
            return []
        order: list[Definition] = self.memo.get(key, lambda: self.plan.add(node, moment))
        return order

    def _each(self, compute: Callable[[Any], Any], items: Sequence[Any]) -> None:
        if self.state.size >= _SMALL:
            keep_memory()
        if self.threads < 2 or len(items) < 2 or self.state.size < _SMALL:
            for item in items:
                compute(item)
            return
        with ThreadPoolExecutor(self.threads) as pool:
            list(pool.map(compute, items))

    def universe(self) -> Mask:
        """Who exists at all."""
        return self.universe_at(self.moment)

    def members(self, condition: ir.Condition, entry: Micros | None = None) -> Mask:
        """Who satisfies the condition; false outside the universe.

        entry: per customer the instant at which they entered the scenario (NO_INSTANT: not), for lines that say so.
        """
        self.prepare([condition], entry)
        return self._members(condition, self._asked(entry))

    def values(self, value: ir.Value, entry: Micros | None = None) -> Column:
        """The value of every customer; missing outside the universe. `entry` as for `members`."""
        self.prepare([value], entry)
        found = Expression(self, self._asked(entry)).value(value)
        data = np.broadcast_to(found.data, (self.state.size,))
        return columns.without(replace(found, data=data), ~self.universe())

    def entries(self, events: ir.Events, entry: Micros | None = None) -> Entries:
        """The latest event of each member that matches; of several names at one instant the later in `names`. `entry`
        as for `members`."""
        phrase = self.plan.phrase(events, self._asked(entry))
        size = self.state.size
        found = Entries(
            phrase.names, np.full(size, NO_INSTANT, np.int64), np.full(size, -1, np.int16), np.full(size, -1, np.int64)
        )
        for rows in select(self, phrase):
            self._enter(found, rows)
        outside = ~self.universe()
        found.time[outside], found.event[outside], found.row[outside] = NO_INSTANT, -1, -1
        return found

    def matches(self, events: ir.Events, entry: Micros | None = None) -> list[Rows]:
        """All events that match, of members and others, per event name in time order. `entry` as for `members`."""
        return list(select(self, self.plan.phrase(events, self._asked(entry))))

    def _enter(self, found: Entries, rows: Rows) -> None:
        last = np.full(self.state.size, -1, np.int64)
        last[rows.customer] = rows.places
        who = np.flatnonzero(last >= 0)
        time = rows.table.time[last[who]]
        later = time >= found.time[who]
        who, time = who[later], time[later]
        found.time[who], found.row[who] = time, last[who]
        found.event[who] = found.names.index(rows.name)

    def count_features(self) -> int:
        """How many distinct features the lines asked so far need."""
        return len(self.plan.features)

    # --- what the parts ask of each other -----------------------------------------------------------------------

    def universe_at(self, moment: Moment) -> Mask:
        """Who exists at a moment."""
        if self.state.member is not None:
            return self.state.member
        seen = self.state.first_seen
        key = ("universe", moment.horizon)
        return cast(Mask, self.memo.get(key, lambda: (seen <= moment.horizon) & (seen != NO_INSTANT)))

    def feature(self, feature: Feature) -> Mask | Column:
        """A feature of every customer."""
        return cast(Mask | Column, self.memo.get(("feature", feature.key), lambda: computed(self, feature)))

    def definition(self, reference: Definition) -> Mask | Column:
        """A segment or trait at a moment."""
        return cast(Mask | Column, self.memo.get(reference, lambda: self._defined(reference)))

    def _defined(self, reference: Definition) -> Mask | Column:
        meaning: Any = self.plan.meaning(reference)
        scope = Expression(self, reference.moment)
        return scope.condition(meaning) if reference.kind == "segment" else scope.value(meaning)

    def row_condition(self, where: ir.Condition, moment: Moment, rows: Rows) -> Mask:
        """A filter over the rows of an event."""
        return Expression(self, moment, rows).condition(where)

    def entered(self, moment: Moment) -> Mask:
        """Who has an entry."""
        return np.not_equal(self._entry(moment), NO_INSTANT)

    def _entry(self, moment: Moment) -> Micros:
        if moment.entry:
            return self._entries[moment.entry - 1]
        return np.full(self.state.size, NO_INSTANT, np.int64)

    def entry_point(self, point: ir.Point, moment: Moment) -> Micros:
        """Per customer the instant of a point counted from the entry; only meaningful for who entered."""
        instants = np.where(self.entered(moment), self._entry(moment), 0)
        return zone_for(point.zone, instants, point.shift).step(instants, point.shift)

    def standing(self, value: ir.Value, moment: Moment) -> Standing:
        """Where every member with a value stands."""
        key = ("standing", self.plan.facts(value).key, moment)
        return cast(
            Standing,
            self.memo.get(key, lambda: standing(Expression(self, moment).value(value), self.universe_at(moment))),
        )

    def quintile(self, value: ir.Value, moment: Moment) -> Column:
        """Every member's fifth."""
        key = ("quintile", self.plan.facts(value).key, moment)
        universe = self.universe_at(moment)
        found = self.memo.get(key, lambda: quintile(Expression(self, moment).value(value), universe))
        return cast(Column, found)

    def top(self, node: ir.Top, moment: Moment) -> Mask:
        """The members at the top of a value."""
        universe = self.universe_at(moment)
        key = ("top", self.plan.facts(node).key, moment)
        by = Expression(self, moment)
        return cast(
            Mask,
            self.memo.get(key, lambda: top(by.value(node.by), universe, self.state.id_rank, node.count, node.share)),
        )

    def arm(self, node: ir.SplitArm) -> Column:
        """Each customer's arm as a text. Raises ValueError when the evaluation was not told how splits assign."""
        assign = self._arms
        if assign is None:
            raise ValueError("this evaluation does not know how splits assign")
        key = ("arm", self.plan.facts(node).key)
        data = self.memo.get(key, lambda: np.asarray(assign(node, self.state.ids), np.int32))
        return Column("text", data, [name for name, _ in node.arms])
