"""Any IR node in plain English: every word of it follows from the node, compound parts stand in brackets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, assert_never

from dangol.engine import ir
from dangol.engine.reading import times
from dangol.engine.reading.literals import Words, constant, is_empty, names, peel, percent, quantity

_COMPARE = {
    "=": ("equals", "does not equal"),
    "<": ("is less than", "is not less than"),
    "<=": ("is at most", "is not at most"),
    ">": ("is more than", "is not more than"),
    ">=": ("is at least", "is not at least"),
}
_IN_TIME = {
    "=": ("is", "is not"),
    "<": ("is before", "is not before"),
    "<=": ("is at or before", "is not at or before"),
    ">": ("is after", "is not after"),
    ">=": ("is at or after", "is not at or after"),
}
_BY_DAY = {op: (yes.replace(" at ", " on "), no.replace(" at ", " on ")) for op, (yes, no) in _IN_TIME.items()}
_TEXT = {
    "contains": ("contains", "does not contain"),
    "starts with": ("starts with", "does not start with"),
    "ends with": ("ends with", "does not end with"),
    "matches": ("matches", "does not match"),
    "has": ("has", "does not have"),
}
_NUMBER_OF = {"sum": "the sum of", "avg": "the average", "min": "the smallest", "max": "the largest"}
_OR_MISSING = " (or is missing)"


@dataclass(frozen=True)
class English(Words):
    """Reads conditions and values; `inside` an event's `where`, attributes are said to be the customer's."""

    inside: bool = False
    both: str = "all of"
    either: str = "any of"
    not_both: str = "not all of"
    neither: str = "none of"
    segment: str = "Segment"
    trait: str = "Trait"

    def condition(self, node: ir.Condition) -> str:
        """The condition as a statement about the customer."""
        positive, core = peel(node)
        match core:
            case ir.And() | ir.Or():
                text = self.joined(core)
                return text if positive else f"not [{text}]"
            case ir.Always(value):
                return "everybody" if value is positive else "nobody"
            case ir.Matches():
                return self._matches(core, positive)
            case ir.ConditionAsOf():
                text = f"as of {self.point(core.point, where=True)}: [{self.condition(core.condition)}]"
                return text if positive else f"not [{text}]"
            case ir.SegmentRef(name):
                return f"{_no(positive)}in segment {names(name)}"
            case ir.InList(name):
                return f"{_no(positive)}on the list {names(name)}"
            case ir.Top():
                return f"{_no(positive)}among the {self._top(core)}"
            case _:
                return self._about_value(core, positive)

    def joined(self, node: ir.And | ir.Or) -> str:
        """The members of an `and` or an `or`, compound ones in brackets."""
        word = ", and " if isinstance(node, ir.And) else ", or "
        return word.join(self._member(item) for item in node.items)

    def _member(self, node: ir.Condition) -> str:
        positive, core = peel(node)
        text = self.condition(node)
        return f"[{text}]" if positive and isinstance(core, ir.And | ir.Or) and len(core.items) > 1 else text

    def _about_value(self, node: ir.Condition, positive: bool) -> str:
        missing = "" if positive else _OR_MISSING
        match node:
            case ir.Compare():
                return self._compare(node, positive) + missing
            case ir.OneOf(value, options):
                listed = ", ".join(self.value(option) for option in options)
                return f"{self.value(value)} is {'one of' if positive else 'none of'} {listed}{missing}"
            case ir.TextTest(kind, value, argument):
                shown = f"/{argument.value}/" if kind == "matches" and isinstance(argument, ir.Constant) else None
                return f"{self.value(value)} {_TEXT[kind][not positive]} {shown or self.value(argument)}{missing}"
            case ir.IsMissing(value):
                return f"{self.value(value)} {'has no value' if positive else 'has a value'}"
            case ir.InWindow(value, window):
                subject: Literal["date", "instant"] = "date" if value.type == "date" else "instant"
                return f"{self.value(value)} is {_no(positive)}{self.window(window, subject)}{missing}"
            case ir.Truth(value):
                return f"{self.value(value)} is {_no(positive)}true{missing}"
            case _:
                raise TypeError(f"no reading for {type(node).__name__}")

    def _compare(self, node: ir.Compare, positive: bool) -> str:
        left, right = node.left, node.right
        table = {"instant": _IN_TIME, "date": _BY_DAY}.get(left.type, _COMPARE)
        verb = table[node.op][not positive]
        if node.op == "=" and isinstance(right, ir.Constant):
            verb = "is" if positive else "is not"
        share = isinstance(left, ir.Population) and left.function == "percentile"
        if share and isinstance(right, ir.Constant):
            return f"{self.value(left)} {verb} {percent(right.value)}"
        return f"{self.value(left)} {verb} {self.value(right)}"

    def _top(self, node: ir.Top) -> str:
        how_many = f"first {quantity(node.count)}" if node.share is None else f"top {percent(node.share)} (rounded up)"
        return f"{how_many} of all customers by {self.value(node.by)} (highest first, ties by customer id)"

    # --- events

    def _matches(self, node: ir.Matches, positive: bool) -> str:
        phrase, low, high = self.events(node.events), node.low, node.high
        if not positive and low <= 1 and high is None:
            return f"no {phrase}" if low == 1 else "nobody"
        if not positive and high is None:
            return f"fewer than {quantity(low)} {phrase} (or none)"
        text = f"{_times(low, high)} {phrase}"
        return text if positive else f"not [{text}]"

    def events(self, node: ir.Events) -> str:
        """The events as a noun phrase: name, `where`, window, what follows."""
        parts = [self._noun(node)]
        if node.where is not None:
            within = English(self.zone, inside=True)
            parts.append(f"[where {within.condition(node.where)}]")
        if not is_empty(node.window):
            parts.append(self.window(node.window, "event"))
        if node.follows:
            parts.append(" and ".join(self._follow(follow) for follow in node.follows))
        return " ".join(parts)

    def _noun(self, node: ir.Events) -> str:
        if len(node.names) == 1:
            return names(*node.names)
        listed = ", ".join(names(name) for name in node.names)
        return f"{names(node.label)} (any of {listed})" if node.label else f"(any of {listed})"

    def _follow(self, node: ir.Follow) -> str:
        other = self.events(node.other)
        if node.other.where is not None or not is_empty(node.other.window) or node.other.follows:
            other = f"[{other}]"
        same = f" with the same {' and '.join(names(name) for name in node.same)}" if node.same else ""
        gap = "" if node.gap is None else f" within {self.duration(node.gap)}"
        if node.kind == "follows":
            return f"that came after a {other}{same}{gap}"
        return f"that {'a later' if node.kind == 'followed' else 'no later'} {other}{same} followed{gap}"

    # --- values

    def value(self, node: ir.Value) -> str:
        """The value as a noun phrase."""
        match node:
            case ir.Constant():
                return constant(node, self.zone)
            case ir.Now(_, point):
                return self.point(point, by_day=node.type == "date", where=True)
            case ir.Attribute(name):
                return f"the customer's {names(name)}" if self.inside else names(name)
            case ir.Property(name):
                return names(name)
            case ir.Aggregate():
                return self._aggregate(node)
            case ir.DaysSince(value, zone):
                place = f" (from its start in {zone})" if value.type == "date" else ""
                return f"the days since {self.value(value)}{place}"
            case ir.DayOf(value, zone):
                return f"the day ({zone}) of {self.value(value)}"
            case ir.Anniversary(value):
                return f"the next anniversary of {self.value(value)}"
            case ir.Arithmetic():
                return self._arithmetic(node)
            case ir.Case():
                return self._case(node)
            case ir.Flag(condition):
                return f"whether [{self.condition(condition)}]"
            case ir.Population():
                return self._population(node)
            case ir.TraitRef(name):
                return f"trait {names(name)}"
            case ir.SplitArm(split):
                return f"the arm in split {names(split)}"
            case ir.ValueAsOf():
                return f"[{self.value(node.value)}] as of {self.point(node.point, where=True)}"
        assert_never(node)

    def _aggregate(self, node: ir.Aggregate) -> str:
        events, prop = self.events(node.events), node.property
        match node.function:
            case "count":
                return f"the number of {events}"
            case "active_days":
                return f"the number of days ({node.zone}) with {events}"
            case "gap":
                return f"the mean number of days between consecutive {events}"
            case "first" | "last":
                what = "the time" if prop is None else f"the {names(prop)}"
                return f"{what} of the {node.function} {events}"
            case "most":
                return f"the most frequent {self._property(node, events)}"
            case "distinct":
                return f"the number of different {self._property(node, events)}"
        return f"{_NUMBER_OF[node.function]} {self._property(node, events)}"

    def _property(self, node: ir.Aggregate, events: str) -> str:
        source, prop = node.events, node.property or ""
        if len(source.names) > 1 or source.where is not None or source.follows:
            return f"{names(prop)} over [{events}]"
        window = "" if is_empty(source.window) else f" {self.window(source.window, 'event')}"
        return f"{names(f'{source.names[0]}.{prop}')}{window}"

    def _arithmetic(self, node: ir.Arithmetic) -> str:
        signs = {"+": "+", "-": "−", "*": "×", "/": "÷"}
        parts = [self._operand(node.first)]
        for sign, operand in node.rest:
            parts += [signs[sign], self._operand(operand)]
        mixed = len({sign in "+-" for sign, _ in node.rest}) > 1
        return ("the result, from left to right, of " if mixed else "") + " ".join(parts)

    def _operand(self, node: ir.Value) -> str:
        text = self.value(node)
        plain = isinstance(node, ir.Constant | ir.Attribute | ir.Property | ir.TraitRef)
        return text if plain else f"[{text}]"

    def _case(self, node: ir.Case) -> str:
        parts = [f"{self.value(value)} if [{self.condition(when)}]" for when, value in node.branches]
        parts.append("otherwise " + ("nothing (missing)" if node.otherwise is None else self.value(node.otherwise)))
        return f"[the first that applies of: {'; '.join(parts)}]"

    def _population(self, node: ir.Population) -> str:
        note = {
            "percentile": "the share with a strictly lower value",
            "quintile": "1 lowest, 5 highest",
            "rank": "1 highest",
        }
        return f"the {node.function} of {self._operand(node.value)} among all customers ({note[node.function]})"

    # --- time

    def window(self, window: ir.Window | None, subject: Literal["event", "instant", "date"]) -> str:
        """The window as an adverbial: `in the last 7 days`."""
        if window is None or is_empty(window):
            return "at any time"
        found = times.period(window, subject)
        by_day = subject == "date"
        match found:
            case times.Last(shift):
                return f"{'today or ' if by_day else ''}in the last {self.duration(shift, bare=True)}"
            case times.Next(shift):
                return f"{'today or ' if by_day else ''}in the next {self.duration(shift, bare=True)}"
            case times.Ago(near, far):
                return f"more than {self.duration(near)} and up to {self.duration(far)} ago"
            case times.Older(shift):
                return f"more than {self.duration(shift)} ago"
            case times.Current(unit, zone):
                week = ", from Monday" if unit.endswith("week") else ""
                return f"{unit} ({zone}{week})"
            case times.Days(first, last, zone) if first == last:
                return f"on {times.day_text(first)} ({zone})"
            case times.Days(first, last, zone):
                return f"from {times.day_text(first)} to {times.day_text(last)}, both days included ({zone})"
            case times.Range(low, high):
                return self._range(low, high, by_day)
        assert_never(found)

    def _range(self, low: ir.Edge | None, high: ir.Edge | None, by_day: bool) -> str:
        parts = []
        if low is not None:
            text = self._bound(low, by_day, closes=False)
            parts.append(f"after {text}" if low.open else f"from {text} on")
        if high is not None:
            text = self._bound(high, by_day, closes=True)
            parts.append(f"before {text}" if high.open else f"no later than {text}")
        zone = times.needs_zone(low, high)
        return " and ".join(parts) + (f" ({zone})" if zone else "")

    def _bound(self, edge: ir.Edge, by_day: bool, closes: bool) -> str:
        """A fixed edge at the start of a day is called by the day where `from` and `before` then say the same."""
        exact = edge.open != closes
        return self.point(edge.point, by_day=by_day, name_day=not exact)

    def point(self, point: ir.Point, *, by_day: bool = False, name_day: bool = False, where: bool = False) -> str:
        """An instant, or its day when `by_day`; with the zone in brackets when `where`."""
        base, shift = point, point.shift
        text = self._moment(base, by_day, name_day)
        if text is None:
            text = self._anchor(base, by_day, name_day)
            if shift != ir.Shift():
                forward = times.is_forward(shift)
                text = f"{self.duration(shift if forward else -shift)} {'after' if forward else 'before'} {text}"
        zone = times.needs_zone(ir.Edge(point)) if where else None
        return f"{text} ({zone})" if zone else text

    def _moment(self, point: ir.Point, by_day: bool, name_day: bool) -> str | None:
        shift = point.shift
        start = "" if by_day else "the start of "
        if point.anchor == "at" or (point.anchor == "day" and by_day):
            if shift == ir.Shift():
                return "today" if by_day else "now"
            if times.is_forward(-shift) and shift != ir.Shift(days=-1):
                return f"{self.duration(-shift)} ago"
            if times.is_forward(shift) and shift != ir.Shift(days=1):
                return f"{self.duration(shift)} from now"
        near = {ir.Shift(): "today", ir.Shift(days=-1): "yesterday", ir.Shift(days=1): "tomorrow"}
        if point.anchor in ("day", "at") and shift in near:
            return start + near[shift]
        return None

    def _anchor(self, point: ir.Point, by_day: bool, name_day: bool) -> str:
        start = "" if by_day else "the start of "
        match point.anchor:
            case "at":
                return "now"
            case "day":
                return start + "today"
            case "week":
                return start + ("this week's Monday" if by_day else "this week (Monday)")
            case "month":
                return start + ("the first of this month" if by_day else "this month")
            case "entry":
                return "the entry"
        day = times.whole_day(point)
        if day is not None and (by_day or name_day) and point.shift == ir.Shift():
            return times.day_text(day)
        text = times.instant_text(point.micros, point.zone)
        return text[:10] if by_day and "(" not in text else text

    def duration(self, shift: ir.Shift, *, bare: bool = False) -> str:
        """`7 days`; `bare` leaves out a lone `1`, for `in the last day`."""
        parts = times.amounts(shift)
        if bare and len(parts) == 1 and parts[0][0] == 1:
            return str(parts[0][1])
        return " and ".join(f"{quantity(amount)} {unit}{'' if amount == 1 else 's'}" for amount, unit in parts)


def _no(positive: bool) -> str:
    return "" if positive else "not "


def _times(low: int, high: int | None) -> str:
    if high is None:
        return {0: "any number of", 1: "at least one"}.get(low, f"at least {quantity(low)}")
    if low == high:
        return {0: "no", 1: "exactly one"}.get(low, f"exactly {quantity(low)}")
    return f"at most {quantity(high)} (or no)" if low == 0 else f"{quantity(low)} to {quantity(high)}"
