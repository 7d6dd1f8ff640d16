"""Any IR node in plain Korean: every word of it follows from the node, compound parts stand in brackets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, assert_never

from dangol.engine import ir
from dangol.engine.reading import times
from dangol.engine.reading.josa import josa
from dangol.engine.reading.literals import Words, constant, is_empty, names, peel, percent, quantity

_UNITS = {"year": "년", "month": "개월", "day": "일", "hour": "시간", "minute": "분", "second": "초"}
_CURRENT = {
    "today": "오늘",
    "yesterday": "어제",
    "this week": "이번 주",
    "last week": "지난주",
    "this month": "이번 달",
    "last month": "지난달",
}
_TEXT = {
    "contains": ("들어 있음", "들어 있지 않음"),
    "starts with": ("시작함", "시작하지 않음"),
    "ends with": ("끝남", "끝나지 않음"),
    "matches": ("일치함", "일치하지 않음"),
    "has": ("있음", "없음"),
}
_NUMBER_OF = {"sum": "합계", "avg": "평균", "min": "최솟값", "max": "최댓값"}
_OR_MISSING = "(값이 없어도 해당)"


@dataclass(frozen=True)
class Korean(Words):
    """Reads conditions and values; `inside` an event's `where`, attributes are said to be the customer's."""

    inside: bool = False
    both: str = "모두 해당"
    either: str = "하나 이상 해당"
    not_both: str = "모두 해당하지는 않음"
    neither: str = "어느 것에도 해당하지 않음"
    segment: str = "세그먼트"
    trait: str = "특성"

    def condition(self, node: ir.Condition) -> str:
        """The condition as a statement about the customer."""
        positive, core = peel(node)
        match core:
            case ir.And() | ir.Or():
                text = self.joined(core)
                return text if positive else f"[{text}]에 해당하지 않음"
            case ir.Always(value):
                return "모든 고객이 해당" if value is positive else "어떤 고객도 해당하지 않음"
            case ir.Matches():
                return self._matches(core, positive)
            case ir.ConditionAsOf():
                when = self.point(core.point, where=True)
                return f"{when} 기준으로 [{self.condition(core.condition)}]에 {_applies(positive)}"
            case ir.SegmentRef(name):
                return f"세그먼트 {names(name)}에 {'속함' if positive else '속하지 않음'}"
            case ir.InList(name):
                return f"명단 {names(name)}에 {'있음' if positive else '없음'}"
            case ir.Top():
                return f"{self._top(core)}에 {'듦' if positive else '들지 않음'}"
            case _:
                return self._about_value(core, positive)

    def joined(self, node: ir.And | ir.Or) -> str:
        """The members of an `and` or an `or`, compound ones in brackets."""
        word = ", 그리고 " if isinstance(node, ir.And) else ", 또는 "
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
                verdict = "중 하나임" if positive else "중 어느 것도 아님"
                return f"{josa(self.value(value), '이/가')} {listed} {verdict}{missing}"
            case ir.TextTest():
                return f"{self._text_test(node)} {_TEXT[node.kind][not positive]}{missing}"
            case ir.IsMissing(value):
                return f"{josa(self.value(value) + ' 값', '이/가')} {'없음' if positive else '있음'}"
            case ir.InWindow(value, window):
                subject: Literal["date", "instant"] = "date" if value.type == "date" else "instant"
                text = f"{josa(self.value(value), '이/가')} {self.window(window, subject)}"
                return f"{text}임" if positive else f"{josa(text, '이/가')} 아님{missing}"
            case ir.Truth(value):
                return f"{josa(self.value(value), '이/가')} {'참임' if positive else '참이 아님'}{missing}"
            case _:
                raise TypeError(f"no reading for {type(node).__name__}")

    def _text_test(self, node: ir.TextTest) -> str:
        value, argument = self.value(node.value), self.value(node.argument)
        match node.kind:
            case "contains":
                return f"{value}에 {josa(argument, '이/가')}"
            case "has":
                return f"{value} 목록에 {josa(argument, '이/가')}"
            case "starts with" | "ends with":
                return f"{josa(value, '이/가')} {josa(argument, '(으)로')}"
        pattern = node.argument.value if isinstance(node.argument, ir.Constant) else argument
        return f"{josa(value, '이/가')} 정규식 /{pattern}/에"

    def _compare(self, node: ir.Compare, positive: bool) -> str:
        left, right = self.value(node.left), self.value(node.right)
        share = isinstance(node.left, ir.Population) and node.left.function == "percentile"
        if share and isinstance(node.right, ir.Constant):
            right = percent(node.right.value)
        in_time = node.left.type in ("instant", "date")
        return f"{josa(left, '이/가')} {_verdict(node.op, right, positive, in_time)}"

    def _top(self, node: ir.Top) -> str:
        how_many, note = f"{quantity(node.count)}명", ""
        if node.share is not None:
            how_many, note = percent(node.share), "인원은 올림, "
        return f"전체 고객 중 {self.value(node.by)} 기준 상위 {how_many}({note}높은 순, 같으면 고객 ID 순)"

    # --- events

    def _matches(self, node: ir.Matches, positive: bool) -> str:
        subject, low, high = josa(self.events(node.events), "이/가"), node.low, node.high
        if (low, high, positive) == (1, None, False) or (low, high, positive) == (0, 0, True):
            return f"{subject} 한 번도 없음"
        if not positive and high is None:
            return f"{subject} {quantity(low)}번 미만(없어도 해당)"
        text = f"{subject} {_times(low, high)}"
        return text if positive else f"[{text}]에 해당하지 않음"

    def events(self, node: ir.Events) -> str:
        """The events as a noun phrase: window, name, `where`, what follows."""
        noun = self._window_of(node) + self._noun(node)
        if not node.follows:
            return noun
        if len(node.follows) == 1:
            return f"{noun} 중 {self._follow(node.follows[0])} 것"
        return f"{noun} 중 " + "이면서 ".join(f"[{self._follow(follow)} 것]" for follow in node.follows)

    def _window_of(self, node: ir.Events) -> str:
        return "" if is_empty(node.window) else self.window(node.window, "event") + " "

    def _noun(self, node: ir.Events) -> str:
        text = names(*node.names)
        if len(node.names) > 1:
            text = f"{names(node.label) if node.label else '이벤트'}({text} 중 하나)"
        if node.where is not None:
            text += f"(조건: {Korean(self.zone, inside=True).condition(node.where)})"
        return text

    def _follow(self, node: ir.Follow) -> str:
        other = self.events(node.other)
        if not is_empty(node.other.window) or node.other.follows:
            other = f"[{other}]"
        if node.same:
            same = ", ".join(names(name) for name in node.same)
            other = f"{josa(same, '이/가')} 같은 {other}"
        gap = "" if node.gap is None else f"{self.duration(node.gap)} 안에 "
        subject = josa(other, "이/가")
        if node.kind == "follows":
            return f"{subject} 있은 뒤 {gap}일어난"
        return f"{'그 뒤 ' if gap else '그 뒤에 '}{gap}{subject} {'있었던' if node.kind == 'followed' else '없었던'}"

    # --- values

    def value(self, node: ir.Value) -> str:
        """The value as a noun phrase."""
        match node:
            case ir.Constant():
                return self._constant(node)
            case ir.Now(_, point):
                return self.point(point, by_day=node.type == "date", where=True)
            case ir.Attribute(name):
                return f"고객의 {names(name)}" if self.inside else names(name)
            case ir.Property(name):
                return names(name)
            case ir.Aggregate():
                return self._aggregate(node)
            case ir.DaysSince(value, zone):
                place = f"(그날이 시작된 때부터, {zone})" if value.type == "date" else ""
                return f"{self.value(value)}{place} 이후 지난 일수"
            case ir.DayOf(value, zone):
                return f"{self.value(value)}의 날짜({zone})"
            case ir.Anniversary(value):
                return f"{self.value(value)}의 다음 기념일"
            case ir.Arithmetic():
                return self._arithmetic(node)
            case ir.Case():
                return self._case(node)
            case ir.Flag(condition):
                return f"[{self.condition(condition)}] 여부"
            case ir.Population():
                return self._population(node)
            case ir.TraitRef(name):
                return f"특성 {names(name)}"
            case ir.SplitArm(split):
                return f"{names(split)} 분할에서 배정된 안"
            case ir.ValueAsOf():
                return f"{self.point(node.point, where=True)} 기준 [{self.value(node.value)}]"
        assert_never(node)

    def _constant(self, node: ir.Constant) -> str:
        if node.type == "boolean":
            return "참" if node.value else "거짓"
        return constant(node, self.zone)

    def _aggregate(self, node: ir.Aggregate) -> str:
        events = self.events(node.events)
        base = f"[{events}]" if node.events.follows else events
        match node.function:
            case "count":
                return f"{base} 횟수"
            case "active_days":
                return f"{josa(base, '이/가')} 있은 날의 수({node.zone})"
            case "gap":
                return f"{base} 사이의 평균 일수"
            case "first" | "last":
                return self._end(node)
            case "most":
                return f"{base}에서 가장 많이 나온 {names(node.property or '')} 값"
            case "distinct":
                return f"{base}에 나온 서로 다른 {names(node.property or '')} 값의 수"
        return f"{base}의 {names(node.property or '')} {_NUMBER_OF[node.function]}"

    def _end(self, node: ir.Aggregate) -> str:
        order = "첫" if node.function == "first" else "마지막"
        what = " 시각" if node.property is None else f"의 {names(node.property)} 값"
        if node.events.follows:
            return f"[{self.events(node.events)}] 중 {order} 이벤트{what}"
        return f"{self._window_of(node.events)}{order} {self._noun(node.events)}{what}"

    def _arithmetic(self, node: ir.Arithmetic) -> str:
        signs = {"+": "+", "-": "−", "*": "×", "/": "÷"}
        parts = [self._operand(node.first)]
        for sign, operand in node.rest:
            parts += [signs[sign], self._operand(operand)]
        mixed = len({sign in "+-" for sign, _ in node.rest}) > 1
        return " ".join(parts) + ("(왼쪽부터 차례로 계산)" if mixed else "")

    def _operand(self, node: ir.Value) -> str:
        text = self.value(node)
        plain = isinstance(node, ir.Constant | ir.Attribute | ir.Property | ir.TraitRef)
        return text if plain else f"[{text}]"

    def _case(self, node: ir.Case) -> str:
        parts = [f"[{self.condition(when)}]이면 {self.value(value)}" for when, value in node.branches]
        parts.append("아니면 " + ("값 없음" if node.otherwise is None else self.value(node.otherwise)))
        return f"[먼저 맞는 것: {'; '.join(parts)}]"

    def _population(self, node: ir.Population) -> str:
        what = {
            "percentile": "백분위(값이 더 낮은 고객의 비율)",
            "quintile": "5분위(1이 가장 낮고 5가 가장 높음)",
            "rank": "순위(1이 가장 높음)",
        }
        return f"전체 고객 중 {self._operand(node.value)}의 {what[node.function]}"

    # --- time

    def window(self, window: ir.Window | None, subject: Literal["event", "instant", "date"]) -> str:
        """The window as a noun: `최근 7일 이내`."""
        if window is None or is_empty(window):
            return "전체 기간"
        found = times.period(window, subject)
        by_day = subject == "date"
        match found:
            case times.Last(shift):
                return f"{'오늘 또는 ' if by_day else ''}최근 {self.duration(shift)} 이내"
            case times.Next(shift):
                return f"{'오늘 또는 ' if by_day else ''}앞으로 {self.duration(shift)} 이내"
            case times.Ago(near, far):
                return f"{self.duration(far)} 전부터 {self.duration(near)} 전까지({self.duration(near)} 전 시점은 제외)"
            case times.Older(shift):
                return f"{self.duration(shift)}보다 더 전"
            case times.Current(unit, zone):
                return f"{_CURRENT[unit]}({'월요일부터, ' if unit.endswith('week') else ''}{zone})"
            case times.Days(first, last, zone) if first == last:
                return f"{times.day_text(first)} 하루({zone})"
            case times.Days(first, last, zone):
                return f"{times.day_text(first)}부터 {times.day_text(last)}까지(두 날 모두 포함, {zone})"
            case times.Range(low, high):
                return self._range(low, high, by_day)
        assert_never(found)

    def _range(self, low: ir.Edge | None, high: ir.Edge | None, by_day: bool) -> str:
        parts = []
        if low is not None:
            text = self._bound(low, by_day, closes=False)
            parts.append(f"{text}보다 나중" if low.open else f"{text}부터")
        if high is not None:
            text = self._bound(high, by_day, closes=True)
            parts.append(f"{text} 전" if high.open else f"{text}까지(그 시점 포함)")
        zone = times.needs_zone(low, high)
        return " ".join(parts) + (f"({zone})" if zone else "")

    def _bound(self, edge: ir.Edge, by_day: bool, closes: bool) -> str:
        return self.point(edge.point, by_day=by_day, name_day=edge.open == closes)

    def point(self, point: ir.Point, *, by_day: bool = False, name_day: bool = False, where: bool = False) -> str:
        """An instant, or its day when `by_day`; with the zone in brackets when `where`."""
        shift, start = point.shift, "" if by_day else " 시작"
        near = {ir.Shift(): "오늘", ir.Shift(days=-1): "어제", ir.Shift(days=1): "내일"}
        if point.anchor == "at" and not by_day:
            text = "지금" if shift == ir.Shift() else self._shifted("", shift)
        elif point.anchor in ("day", "at") and shift in near:
            text = near[shift] + start
        elif point.anchor in ("day", "at") and by_day:
            text = self._shifted("", shift)
        else:
            text = self._anchor(point, by_day, name_day, start)
            text = text if shift == ir.Shift() else self._shifted(f"{text}에서 ", shift)
        zone = times.needs_zone(ir.Edge(point)) if where else None
        return f"{text}({zone})" if zone else text

    def _shifted(self, base: str, shift: ir.Shift) -> str:
        if times.is_forward(shift):
            return f"{base}{self.duration(shift)} 뒤"
        return f"{base}{self.duration(-shift)} 전"

    def _anchor(self, point: ir.Point, by_day: bool, name_day: bool, start: str) -> str:
        match point.anchor:
            case "at":
                return "지금"
            case "day":
                return f"오늘{start}"
            case "week":
                return "이번 주 월요일" if by_day else "이번 주(월요일) 시작"
            case "month":
                return "이번 달 1일" if by_day else "이번 달 시작"
            case "entry":
                return "진입 시점"
        day = times.whole_day(point)
        if day is not None and (by_day or name_day) and point.shift == ir.Shift():
            return times.day_text(day)
        text = times.instant_text(point.micros, point.zone)
        return text[:10] if by_day and "(" not in text else text

    def duration(self, shift: ir.Shift) -> str:
        """`7일`"""
        return " ".join(f"{quantity(amount)}{_UNITS[unit]}" for amount, unit in times.amounts(shift))


def _applies(positive: bool) -> str:
    return "해당함" if positive else "해당하지 않음"


def _verdict(op: str, right: str, positive: bool, in_time: bool) -> str:
    if op == "=":
        return f"{right}임" if positive else f"{josa(right, '이/가')} 아님"
    if in_time:
        word = {"<": "보다 전", "<=": "이거나 그 전", ">": "보다 뒤", ">=": "이거나 그 뒤"}[op]
    else:
        word = {"<": " 미만", "<=": " 이하", ">": " 초과", ">=": " 이상"}[op]
    return f"{right}{word}임" if positive else f"{josa(right + word, '이/가')} 아님"


def _times(low: int, high: int | None) -> str:
    if high is None:
        return f"{quantity(low)}번 이상 있음" if low else "몇 번이든 있거나 없음"
    if low == high:
        return f"정확히 {quantity(low)}번 있음"
    if low == 0:
        return f"{quantity(high)}번 이하(없어도 해당)"
    return f"{quantity(low)}번 이상 {quantity(high)}번 이하 있음"
