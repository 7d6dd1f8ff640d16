"""The feature plan: every leaf aggregate of all lines, lowered to plain windows, each distinct one once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Literal, NamedTuple

from dangol.engine import ir
from dangol.engine.calendar import DAY, FAR, resolve, step

FeatureFunction = Literal["exists"] | ir.AggregateFunction


class Moment(NamedTuple):
    """The instant at which something is asked, and up to which events exist (the earliest of it and those around).

    `entry` numbers the entries that the lines' `entry` speaks of; 0 where there are none.
    """

    at: int
    horizon: int
    entry: int = 0

    def inner(self, point: ir.Point) -> Moment:
        """The moment of an `as of` at this one."""
        at = resolve(point, self.at)
        return Moment(at, min(at, self.horizon), self.entry)


class Definition(NamedTuple):
    """A segment or trait as seen from a moment."""

    kind: Literal["segment", "trait"]
    name: str
    moment: Moment


@dataclass(frozen=True, eq=False)
class Link:
    """A Follow with its other events lowered."""

    kind: Literal["followed", "not_followed", "follows"]
    other: Phrase
    gap: ir.Shift | None
    same: tuple[str, ...]
    zone: str


@dataclass(frozen=True, eq=False)
class Phrase:
    """Events with low ≤ t < high, at most the moment's horizon; interned, so equal phrases are one object.

    `edges` are the window's ends that differ by customer (the entry). `filter` names `where` for sharing: phrases of
    one event with equal filters meet the same rows.
    """

    key: int
    names: tuple[str, ...]
    low: int
    high: int
    edges: ir.Window | None
    where: ir.Condition | None
    filter: tuple[int, Moment | None] | None
    links: tuple[Link, ...]
    moment: Moment

    @property
    def plain(self) -> bool:
        """Only names and a window: its answer can come from kept summaries."""
        return self.where is None and not self.links and self.edges is None

    @property
    def tied(self) -> tuple[Any, ...]:
        """What tells its links from those of others."""
        return tuple((link.kind, link.other.key, link.gap, link.same, link.zone) for link in self.links)

    def __str__(self) -> str:
        text = " or ".join(self.names)
        text += f" where #{self.filter[0]}" if self.filter else ""
        text += "" if self.low <= -FAR else f" from {_show(self.low)}"
        text += f" before {_show(self.high)}"
        text += " around entry" if self.edges else ""
        for link in self.links:
            same = f" same {', '.join(link.same)}" if link.same else ""
            text += f" {link.kind} [{link.other}{same}{f' gap {_gap(link.gap)}' if link.gap else ''}]"
        return text


@dataclass(frozen=True, eq=False)
class Feature:
    """One number, value or truth per customer; interned like its phrase."""

    key: int
    function: FeatureFunction
    phrase: Phrase
    property: str | None
    zone: str
    type: ir.Type

    def effort(self) -> int:
        """What takes long is better begun early."""
        return (self.function in ("most", "distinct", "active_days")) * 2 + bool(self.phrase.links)

    def __str__(self) -> str:
        return f"{self.function}({self.phrase}{f' · {self.property}' if self.property else ''})"


class _Facts(NamedTuple):
    key: int
    row: bool
    timed: bool


_TIMELESS = (
    ir.Constant, ir.Attribute, ir.Property, ir.Arithmetic, ir.Case, ir.Flag, ir.SplitArm, ir.Always, ir.And, ir.Or,
    ir.Not, ir.Compare, ir.OneOf, ir.TextTest, ir.IsMissing, ir.Truth, ir.InList, ir.DayOf,
)  # fmt: skip


class Plan:
    """Collects what a set of lines needs. Nodes are added as lines come; everything is kept once."""

    def __init__(self, program: ir.Program) -> None:
        self.program = program
        self.features: dict[tuple[Any, ...], Feature] = {}
        self.definitions: dict[Definition, None] = {}
        self.ranges: dict[tuple[str, tuple[int, Moment | None]], tuple[int, int]] = {}
        self.leaves = 0
        self._phrases: dict[tuple[Any, ...], Phrase] = {}
        self._starts: dict[tuple[Any, ...], int] = {}
        self._asked: set[int] = set()
        self._numbers = count()
        self._keys: dict[tuple[Any, ...], int] = {}
        self._facts: dict[int, tuple[_Facts, Any]] = {}
        self._walked: set[tuple[int, Moment]] = set()

    # --- structure ----------------------------------------------------------------------------------------------

    def facts(self, node: Any) -> _Facts:
        """The structural key of a node (equal nodes, equal keys), and whether it asks the event row or the time."""
        known = self._facts.get(id(node))
        if known is not None:
            return known[0]
        row, timed = isinstance(node, ir.Property), not isinstance(node, _TIMELESS)
        parts: list[Any] = [type(node)]
        for each in fields(node):
            if each.compare:
                value = getattr(node, each.name)
                parts.append(self._part(value))
                for child in _inside(value):
                    below = self.facts(child)
                    row, timed = row or below.row, timed or below.timed
        key = self._keys.setdefault(tuple(parts), next(self._numbers))
        found = _Facts(key, row and not isinstance(node, ir.Events), timed)
        self._facts[id(node)] = found, node
        return found

    def _part(self, value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(map(self._part, value))
        return self.facts(value).key if is_dataclass(value) else (type(value), value)

    # --- lowering -----------------------------------------------------------------------------------------------

    def phrase(self, events: ir.Events, moment: Moment) -> Phrase:
        """The events lowered at a moment."""
        window = events.window or ir.Window()
        low = _low(window.low, moment.at)
        high = max(min(_high(window.high, moment.at), moment.horizon + 1), low)
        edges = ir.Window(_by_customer(window.low), _by_customer(window.high))
        links = tuple(
            Link(follow.kind, self.phrase(follow.other, moment), follow.gap, follow.same, follow.zone)
            for follow in events.follows
        )
        return self._phrase(events.names, low, high, edges, events.where, links, moment)

    def _phrase(
        self,
        names: tuple[str, ...],
        low: int,
        high: int,
        edges: ir.Window | None,
        where: ir.Condition | None,
        links: tuple[Link, ...],
        moment: Moment,
    ) -> Phrase:
        edges = edges if edges and (edges.low or edges.high) else None
        facts = self.facts(where) if where is not None else None
        sifted = (facts.key, moment if facts.timed else None) if facts else None
        fresh = Phrase(next(self._numbers), names, low, high, edges, where, sifted, links, moment)
        key = (names, low, high, edges, sifted, fresh.tied, moment.entry if edges else None)
        return self._phrases.setdefault(key, fresh)

    def single(self, phrase: Phrase, name: str) -> Phrase:
        """The part of a phrase that is about one event name."""
        if phrase.names == (name,):
            return phrase
        rest = phrase.low, phrase.high, phrase.edges, phrase.where, phrase.links, phrase.moment
        return self._phrase((name,), *rest)

    def ask(self, phrase: Phrase) -> None:
        """Notes which times the phrase asks about: of filtered events, of shared sequences, of the others in them."""
        if phrase.key in self._asked or phrase.low >= phrase.high:
            return
        self._asked.add(phrase.key)
        for name in phrase.names:
            single = self.single(phrase, name)
            if single.filter:
                low, high = self.ranges.get((name, single.filter), (single.low, single.high))
                self.ranges[name, single.filter] = min(low, single.low), max(high, single.high)
            if single.links:
                alike = _alike(single)
                self._starts[alike] = min(self._starts.get(alike, FAR), single.low)
                for link in single.links:
                    self.ask(self.reached(link, self._starts[alike], single.high))

    def shared(self, phrase: Phrase) -> Phrase:
        """The phrase of one name from the earliest of all low ends with which it is asked, without its links."""
        low = min(self._starts.get(_alike(phrase), phrase.low), phrase.low)
        return self._phrase(phrase.names, low, phrase.high, None, phrase.where, (), phrase.moment)

    def reached(self, link: Link, low: int, high: int) -> Phrase:
        """The other events of a link, as far as they can matter to events with low ≤ t < high."""
        if link.kind == "follows":
            low = _reach(low, link.gap, link.zone, -1)
        else:
            high = _reach(high, link.gap, link.zone, 1)
        other = link.other
        low = max(low, other.low)
        high = max(min(high, other.high), low)
        return self._phrase(other.names, low, high, other.edges, other.where, other.links, other.moment)

    def feature(self, node: ir.Matches | ir.Aggregate, moment: Moment) -> Feature:
        """The feature from which a leaf's answer follows."""
        phrase = self.phrase(node.events, moment)
        if isinstance(node, ir.Matches):
            exists = node.low <= 1 and node.high in (None, 0)
            return self.feature_of("exists" if exists else "count", phrase)
        zone = node.zone if node.function == "active_days" else ""
        return self.feature_of(node.function, phrase, node.property, zone, node.type)

    def feature_of(
        self,
        function: FeatureFunction,
        phrase: Phrase,
        prop: str | None = None,
        zone: str = "",
        kind: ir.Type = "number",
    ) -> Feature:
        """The one feature of that function and phrase."""
        key = (function, phrase.key, prop, zone)
        found = self.features.get(key)
        if found is None:
            self.ask(phrase)
            found = self.features.setdefault(key, Feature(next(self._numbers), function, phrase, prop, zone, kind))
        return found

    def widest(self, feature: Feature) -> Feature:
        """Of the features that differ in nothing but how early their window begins, the earliest."""
        return min(self._family(feature), key=lambda each: each.phrase.low)

    def alone(self, feature: Feature) -> bool:
        """Whether no other feature differs from it in nothing but how early its window begins."""
        return len(self._family(feature)) == 1

    def _family(self, feature: Feature) -> list[Feature]:
        if feature.phrase.links or feature.phrase.edges:
            return [feature]
        mark = _but_for_low(feature)
        return [each for each in list(self.features.values()) if _but_for_low(each) == mark]

    # --- collecting ---------------------------------------------------------------------------------------------

    def add(self, node: ir.Node, moment: Moment) -> list[Definition]:
        """Collects the leaves of a node and of all it refers to; the definitions in the order they can be computed."""
        order: dict[Definition, None] = {}
        pending: list[tuple[Definition, Iterator[Definition]]] = []
        ahead = iter(self._walk(node, moment))
        while True:
            reference = next(ahead, None)
            if reference is not None:
                if reference not in order and reference not in self.definitions:
                    pending.append((reference, ahead))
                    ahead = iter(self._walk(self.meaning(reference), reference.moment))
                continue
            if not pending:
                return list(order)
            done, ahead = pending.pop()
            order[done] = self.definitions[done] = None

    def meaning(self, reference: Definition) -> ir.Node:
        """What a segment or trait is defined as."""
        table = self.program.segments if reference.kind == "segment" else self.program.traits
        return table[reference.name]

    def _walk(self, node: Any, moment: Moment) -> list[Definition]:
        found: list[Definition] = []
        stack = [(node, moment)]
        while stack:
            each, now = stack.pop()
            mark = (self.facts(each).key, now)
            fresh = mark not in self._walked
            self._walked.add(mark)
            if isinstance(each, ir.SegmentRef):
                found.append(Definition("segment", each.name, now))
            elif isinstance(each, ir.TraitRef):
                found.append(Definition("trait", each.name, now))
            elif isinstance(each, ir.Matches | ir.Aggregate):
                self.leaves += 1
                if fresh:
                    self.feature(each, now)
            if isinstance(each, ir.ConditionAsOf | ir.ValueAsOf):
                now = now.inner(each.point)
            stack.extend((child, now) for child in _children(each))
        return found

    def lines(self) -> list[str]:
        """The plan as text: a headline, then one line per feature."""
        by_name = sorted(self.features.values(), key=lambda each: each.phrase.names)
        head = f"{self.leaves} leaf aggregates, {len(self.features)} distinct features"
        return [head, *(f"  {feature}" for feature in by_name)]


def _alike(phrase: Phrase) -> tuple[Any, ...]:
    return phrase.names, phrase.filter, phrase.tied, phrase.high


def _but_for_low(feature: Feature) -> tuple[Any, ...]:
    phrase = feature.phrase
    plain = not phrase.links and phrase.edges is None
    return feature.function, feature.property, feature.zone, phrase.names, phrase.filter, phrase.high, plain


def _inside(value: Any) -> Iterator[Any]:
    if isinstance(value, tuple):
        for each in value:
            yield from _inside(each)
    elif is_dataclass(value) and not isinstance(value, ir.Shift):
        yield value


def _children(node: Any) -> Iterator[Any]:
    return (child for each in fields(node) for child in _inside(getattr(node, each.name)))


def low_bound(edge: ir.Edge, resolved: Callable[[ir.Point], Any]) -> Any:
    """The first µs inside a window whose low end this is."""
    return resolved(edge.point) + edge.open


def high_bound(edge: ir.Edge, resolved: Callable[[ir.Point], Any]) -> Any:
    """The first µs behind a window whose high end this is."""
    return resolved(edge.point) + (not edge.open)


def _by_customer(edge: ir.Edge | None) -> ir.Edge | None:
    return edge if edge is not None and edge.point.anchor == "entry" else None


def _low(edge: ir.Edge | None, at: int) -> int:
    if edge is None or _by_customer(edge):
        return -FAR
    return int(low_bound(edge, lambda point: resolve(point, at)))


def _high(edge: ir.Edge | None, at: int) -> int:
    if edge is None or _by_customer(edge):
        return FAR
    return int(high_bound(edge, lambda point: resolve(point, at)))


def _reach(instant: int, gap: ir.Shift | None, zone: str, sign: int) -> int:
    """A bound on how far from an instant the other event can be; generous for calendar steps."""
    if gap is None or abs(instant) >= FAR:
        return sign * FAR
    moved = step(instant, gap if sign > 0 else -gap, zone)
    return moved + sign * 5 * DAY if gap.months or gap.days else moved


def _show(instant: int) -> str:
    if abs(instant) >= FAR:
        return "ever"
    try:
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=instant)).isoformat().replace("+00:00", "Z")
    except OverflowError:
        return str(instant)


def _gap(gap: ir.Shift) -> str:
    parts = (
        f"{gap.months}mo" * bool(gap.months),
        f"{gap.days}d" * bool(gap.days),
        f"{gap.micros}us" * bool(gap.micros),
    )
    return " ".join(filter(None, parts))
