"""Conditions and values over many rows at once: all customers, or the rows of an event that is being filtered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from dangol.engine import ir
from dangol.engine.backends.vector import columns
from dangol.engine.backends.vector.population import percentile, rank
from dangol.engine.backends.vector.zone import anniversaries, zone_for
from dangol.engine.calendar import DAY, day_of, resolve
from dangol.engine.features import Definition, Moment, high_bound, low_bound
from dangol.engine.state.model import NO_DATE, Column, Mask

if TYPE_CHECKING:
    from dangol.engine.backends.vector.evaluation import Evaluation
    from dangol.engine.backends.vector.selection import Rows

Bound = Callable[[ir.Edge, Callable[[ir.Point], Any]], Any]


class Expression:
    """Evaluates nodes at a moment, over all customers or, inside a `where`, over event rows.

    A result may have a single entry (0-d) that holds for every row. Results may be shared: never write to them.
    """

    def __init__(self, world: Evaluation, moment: Moment, rows: Rows | None = None) -> None:
        self.world, self.moment, self.rows = world, moment, rows
        self.size = world.state.size if rows is None else len(rows)

    def condition(self, node: ir.Condition) -> Mask:
        """True or false per row."""
        if self.rows is not None and not self.world.plan.facts(node).row:
            found = Expression(self.world, self.moment).condition(node)
            return found[self.rows.customer] if found.ndim else found
        return _CONDITIONS[type(node)](self, node)

    def value(self, node: ir.Value) -> Column:
        """A value, possibly missing, per row."""
        if self.rows is not None and not self.world.plan.facts(node).row:
            return columns.take(Expression(self.world, self.moment).value(node), self.rows.customer)
        return _VALUES[type(node)](self, node)

    # --- conditions ---------------------------------------------------------------------------------------------

    def always(self, node: ir.Always) -> Mask:
        return np.array(node.value)

    def matches(self, node: ir.Matches) -> Mask:
        if node.low <= 0 and node.high is None:
            return np.array(True)
        found = self.world.feature(self.world.plan.feature(node, self.moment))
        if not isinstance(found, Column):
            return found if node.high is None else ~found & (node.low <= 0)
        mask = found.data >= node.low
        return mask if node.high is None else mask & (found.data <= node.high)

    def conjunction(self, node: ir.And) -> Mask:
        if self.rows is not None or not any(map(_reads_texts, node.items)):
            return self._chain(node.items, np.logical_and, True)
        found = self._chain([item for item in node.items if not _reads_texts(item)], np.logical_and, True)
        return self._narrowed(found, [item for item in node.items if _reads_texts(item)])

    def _narrowed(self, found: Mask, slow: list[ir.Condition]) -> Mask:
        """Texts are read one by one, so only those of whom everything else is true."""
        places = np.flatnonzero(np.broadcast_to(found, (self.size,)))
        for item in slow:
            places = places[Among(self.world, self.moment, places).condition(item)]
        narrowed = np.zeros(self.size, np.bool_)
        narrowed[places] = True
        return narrowed

    def disjunction(self, node: ir.Or) -> Mask:
        return self._chain(node.items, np.logical_or, False)

    def _chain(self, items: Sequence[ir.Condition], join: Any, start: bool) -> Mask:
        found, owned = np.array(start), False
        for item in items:
            mask = self.condition(item)
            if owned:
                join(found, mask, out=found)
            else:
                owned = found.ndim > 0
                found = mask if found.ndim == 0 and bool(found) is start else np.asarray(join(found, mask))
        return found

    def negation(self, node: ir.Not) -> Mask:
        return np.asarray(~self.condition(node.item))

    def comparison(self, node: ir.Compare) -> Mask:
        return np.asarray(columns.compare(node.op, self.value(node.left), self.value(node.right)))

    def one_of(self, node: ir.OneOf) -> Mask:
        return np.asarray(columns.one_of(self.value(node.value), node.options))

    def text_test(self, node: ir.TextTest) -> Mask:
        return np.asarray(columns.text_test(node.kind, self.value(node.value), self.value(node.argument)))

    def is_missing(self, node: ir.IsMissing) -> Mask:
        return np.asarray(columns.missing(self.value(node.value)))

    def truth(self, node: ir.Truth) -> Mask:
        return np.asarray(self.value(node.value).data == 1)

    def in_window(self, node: ir.InWindow) -> Mask:
        column = self.value(node.value)
        found = ~columns.missing(column)
        low, high = node.window.low, node.window.high
        if low is not None:
            found = found & (column.data >= self._bound(low, low_bound, column.type)) & self._known(low)
        if high is not None:
            found = found & (column.data < self._bound(high, high_bound, column.type)) & self._known(high)
        return np.asarray(found)

    def _bound(self, edge: ir.Edge, bound: Bound, kind: ir.Type) -> Any:
        return bound(edge, self._day if kind == "date" else self._instant)

    def _instant(self, point: ir.Point) -> Any:
        if point.anchor != "entry":
            return resolve(point, self.moment.at)
        instants = self.world.entry_point(point, self.moment)
        return instants if self.rows is None else instants[self.rows.customer]

    def _day(self, point: ir.Point) -> Any:
        instant = self._instant(point)
        if point.anchor != "entry":
            return day_of(instant, point.zone)
        return zone_for(point.zone, instant).days(instant)

    def _known(self, edge: ir.Edge) -> Any:
        if edge.point.anchor != "entry":
            return True
        entered = self.world.entered(self.moment)
        return entered if self.rows is None else entered[self.rows.customer]

    def top(self, node: ir.Top) -> Mask:
        return self.world.top(node, self.moment)

    def segment(self, node: ir.SegmentRef) -> Mask:
        return cast(Mask, self.world.definition(Definition("segment", node.name, self.moment)))

    def in_list(self, node: ir.InList) -> Mask:
        return self.world.state.lists.get(node.name, np.array(False))

    def condition_as_of(self, node: ir.ConditionAsOf) -> Mask:
        inner = self.moment.inner(node.point)
        return Expression(self.world, inner).condition(node.condition) & self.world.universe_at(inner)

    # --- values -------------------------------------------------------------------------------------------------

    def constant(self, node: ir.Constant) -> Column:
        return columns.constant(node)

    def now(self, node: ir.Now) -> Column:
        found = self._day(node.point) if node.type == "date" else self._instant(node.point)
        data = np.asarray(found, columns.DTYPE[node.type])
        if data.ndim:
            data = np.where(self.world.entered(self.moment), data, columns.MISSING[node.type])
        return Column(node.type, data)

    def attribute(self, node: ir.Attribute) -> Column:
        state = self.world.state
        if node.name == "id":
            return Column("text", np.arange(state.size, dtype=np.int32), state.ids)
        return state.attributes.get(node.name) or columns.absent(node.type, state.size)

    def property(self, node: ir.Property) -> Column:
        found = self.rows.column(node.name) if self.rows is not None else None
        return found or columns.absent(node.type, self.size)

    def aggregate(self, node: ir.Aggregate) -> Column:
        found = self.world.feature(self.world.plan.feature(node, self.moment))
        assert isinstance(found, Column)
        return found

    def days_since(self, node: ir.DaysSince) -> Column:
        column = self.value(node.value)
        gone = columns.missing(column)
        instants = np.where(gone, 0, column.data).astype(np.int64)
        if column.type == "date":
            instants = zone_for(node.zone, instants * DAY).day_starts(instants)
        return Column("number", np.where(gone, np.nan, (self.moment.at - instants) / DAY))

    def day_of(self, node: ir.DayOf) -> Column:
        column = self.value(node.value)
        gone = columns.missing(column)
        instants = np.where(gone, 0, column.data)
        return Column("date", np.where(gone, np.int32(NO_DATE), zone_for(node.zone, instants).days(instants)))

    def anniversary(self, node: ir.Anniversary) -> Column:
        column = self.value(node.value)
        gone = columns.missing(column)
        found = anniversaries(np.where(gone, 0, column.data), day_of(self.moment.at, node.zone))
        return Column("date", np.where(gone, np.int32(NO_DATE), found))

    def arithmetic(self, node: ir.Arithmetic) -> Column:
        found = self.value(node.first)
        for op, operand in node.rest:
            found = columns.calculate(op, found, self.value(operand))
        return found

    def case(self, node: ir.Case) -> Column:
        branches = [(self.condition(condition), self.value(value)) for condition, value in node.branches]
        otherwise = None if node.otherwise is None else self.value(node.otherwise)
        return columns.choose(node.type, branches, otherwise, self.size)

    def flag(self, node: ir.Flag) -> Column:
        return Column("boolean", self.condition(node.condition).astype(np.int8))

    def population(self, node: ir.Population) -> Column:
        if node.function == "quintile":
            return self.world.quintile(node.value, self.moment)
        stand, size = self.world.standing(node.value, self.moment), self.world.state.size
        return percentile(stand, size) if node.function == "percentile" else rank(stand, size)

    def trait(self, node: ir.TraitRef) -> Column:
        return cast(Column, self.world.definition(Definition("trait", node.name, self.moment)))

    def split_arm(self, node: ir.SplitArm) -> Column:
        return self.world.arm(node)

    def value_as_of(self, node: ir.ValueAsOf) -> Column:
        inner = self.moment.inner(node.point)
        found = Expression(self.world, inner).value(node.value)
        return columns.without(found, ~self.world.universe_at(inner))


class Among(Expression):
    """Evaluates a condition over some of the customers."""

    def __init__(self, world: Evaluation, moment: Moment, places: NDArray[np.int64]) -> None:
        super().__init__(world, moment)
        self.places, self.size = places, len(places)

    def condition(self, node: ir.Condition) -> Mask:
        if isinstance(node, ir.Or | ir.Not | ir.TextTest):
            found = _CONDITIONS[type(node)](self, node)
        else:
            found = Expression(self.world, self.moment).condition(node)
            found = found[self.places] if found.ndim else found
        return np.broadcast_to(found, (self.size,))

    def value(self, node: ir.Value) -> Column:
        return columns.take(Expression(self.world, self.moment).value(node), self.places)


def _reads_texts(node: ir.Condition) -> bool:
    if isinstance(node, ir.Or):
        return any(map(_reads_texts, node.items))
    return _reads_texts(node.item) if isinstance(node, ir.Not) else isinstance(node, ir.TextTest)


_CONDITIONS: dict[type, Callable[[Expression, Any], Mask]] = {
    ir.Always: Expression.always,
    ir.Matches: Expression.matches,
    ir.And: Expression.conjunction,
    ir.Or: Expression.disjunction,
    ir.Not: Expression.negation,
    ir.Compare: Expression.comparison,
    ir.OneOf: Expression.one_of,
    ir.TextTest: Expression.text_test,
    ir.IsMissing: Expression.is_missing,
    ir.InWindow: Expression.in_window,
    ir.Truth: Expression.truth,
    ir.Top: Expression.top,
    ir.SegmentRef: Expression.segment,
    ir.InList: Expression.in_list,
    ir.ConditionAsOf: Expression.condition_as_of,
}

_VALUES: dict[type, Callable[[Expression, Any], Column]] = {
    ir.Constant: Expression.constant,
    ir.Now: Expression.now,
    ir.Attribute: Expression.attribute,
    ir.Property: Expression.property,
    ir.Aggregate: Expression.aggregate,
    ir.DaysSince: Expression.days_since,
    ir.DayOf: Expression.day_of,
    ir.Anniversary: Expression.anniversary,
    ir.Arithmetic: Expression.arithmetic,
    ir.Case: Expression.case,
    ir.Flag: Expression.flag,
    ir.Population: Expression.population,
    ir.TraitRef: Expression.trait,
    ir.SplitArm: Expression.split_arm,
    ir.ValueAsOf: Expression.value_as_of,
}
