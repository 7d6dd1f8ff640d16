"""From tokens to the syntax tree: one method per rule of dangol.lark, called as the rule is recognised."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, cast

from dangol.diagnostics import Span
from dangol.grammar import ast, phrases
from dangol.grammar.literals import SECONDS
from dangol.grammar.tokens import Problem, Token

_DAYS = (
    ("mon", "monday", "월", "월요일"),
    ("tue", "tuesday", "화", "화요일"),
    ("wed", "wednesday", "수", "수요일"),
    ("thu", "thursday", "목", "목요일"),
    ("fri", "friday", "금", "금요일"),
    ("sat", "saturday", "토", "토요일"),
    ("sun", "sunday", "일", "일요일"),
)
WEEKDAYS = {name: day for day, names in enumerate(_DAYS) for name in names}


def name_of(token: Token) -> str:
    return cast(str, token.value) if token.value else token.text


@dataclass(frozen=True)
class Target:
    """What a KPI aims at, before it has a metric and a date."""

    op: Any
    amount: ast.Number
    points: bool = False
    versus: str | None = None
    baseline: ast.Number | None = None


class Build:
    """The actions of one line; what is wrong beyond the grammar is noted in `problems`."""

    def __init__(self, line: str, problems: list[Problem]) -> None:
        self.line = line
        self.problems = problems

    def problem(self, code: str, message: str, span: Span, *hints: str) -> None:
        self.problems.append(Problem(code, message, span, hints))

    def written(self, span: Span) -> str:
        return self.line[span.start : span.end]

    def is_duration(self, node: ast.Expr) -> bool:
        """Whether a duration was written there; not what stands in for a number that could not be read."""
        return isinstance(node, ast.Duration) and not any(problem.span == node.span for problem in self.problems)

    # --- literals and names ---

    def literal(self, span: Span, token: Token) -> Any:
        return token.value

    number = duration = date = instant = time_of_day = regex = text = times = literal

    def boolean(self, span: Span, token: Token) -> ast.Boolean:
        return ast.Boolean(token.type == "true", span=span)

    def moment(self, span: Span, token: Token) -> ast.Moment:
        return ast.Moment(cast(Any, token.type), span=span)

    def negative(self, span: Span, value: ast.Expr) -> ast.Expr:
        if isinstance(value, ast.Number) and value.value > 0 and not value.written.startswith("-"):
            return replace(value, value=-value.value, written="-" + value.written, span=span)
        self.no_durations(value)
        return ast.Negative(value, span=span)

    def name(self, span: Span, token: Token) -> ast.Name:
        return ast.Name(tuple(name_of(token).split(".")), span=span)

    def call(self, span: Span, function: Token, argument: ast.Expr) -> ast.Call:
        return ast.Call(name_of(function), argument, span=span)

    def bracket(self, span: Span, content: ast.Expr) -> ast.Bracket:
        return ast.Bracket(content, span=span)

    def case(self, span: Span, *values: ast.Expr) -> ast.Case:
        branches = tuple(zip(values[0::2], values[1::2], strict=False))
        return ast.Case(branches, values[-1] if len(values) % 2 else None, span=span)

    def as_of(self, span: Span, operand: ast.Expr, when: ast.Duration | ast.Bound) -> ast.AsOf:
        return ast.AsOf(operand, when, span=span)

    # --- conditions and values ---

    def condition(self, span: Span, *items: ast.Expr) -> ast.Or:
        return ast.Or(items, span=span)

    def conjunction(self, span: Span, *items: ast.Expr) -> ast.And:
        return ast.And(items, span=span)

    def not_(self, span: Span, item: ast.Expr) -> ast.Not:
        return ast.Not(item, span=span)

    def did(self, span: Span, phrase: ast.Expr) -> ast.Did:
        return ast.Did(phrase, span=span)

    def never(self, span: Span, phrase: ast.Expr) -> ast.Never:
        return ast.Never(phrase, span=span)

    def top(self, span: Span, amount: ast.Number, by: ast.Expr) -> ast.Top:
        return ast.Top(amount, by, span=span)

    def compare(self, span: Span, left: ast.Expr, op: Token, right: ast.Expr) -> ast.Compare:
        if isinstance(right, ast.Duration) and self.is_duration(right) and not isinstance(left, ast.Duration):
            self.compared_with_duration(span, left, op.type, right)
        else:
            self.no_durations(left, right)
        return ast.Compare(cast(Any, op.type), left, right, span=span)

    def compared_with_duration(self, span: Span, left: ast.Expr, op: str, right: ast.Duration) -> None:
        subject, length = self.written(left.span), self.written(right.span)
        message = f"`{length}` is a length of time; it stands in a window like `within {length}`, not in a comparison."
        hints = []
        if isinstance(left, ast.Call) and left.function in ("days_since", "gap"):
            days = right.amount * Fraction(SECONDS[right.unit], SECONDS["d"])
            hints = [f"`{left.function}` counts days: `{subject} {op} {float(days):g}`"]
        elif isinstance(left, ast.Name | ast.Call | ast.Bracket) and op in ("<", "<="):
            hints = [f"write `{subject} within {length}`"]
        elif isinstance(left, ast.Name | ast.Call | ast.Bracket) and op in (">", ">="):
            hints = [f"write `{subject} more than {length} ago`"]
        self.problem("E115", message, span, *hints)

    def no_durations(self, *operands: ast.Expr) -> None:
        for operand in operands:
            if self.is_duration(operand):
                message = (
                    f"`{self.written(operand.span)}` is a length of time; one cannot calculate or compare with it."
                )
                self.problem("E115", message, operand.span, "lengths of time stand in clauses like `within 7d`")

    def options(self, span: Span, *options: ast.Expr) -> tuple[ast.Expr, ...]:
        return options

    def in_(self, span: Span, value: ast.Expr, options: tuple[ast.Expr, ...]) -> ast.In:
        self.no_durations(value, *options)
        return ast.In(value, options, span=span)

    def not_in(self, span: Span, value: ast.Expr, options: tuple[ast.Expr, ...]) -> ast.In:
        self.no_durations(value, *options)
        return ast.In(value, options, True, span=span)

    def between(self, span: Span, value: ast.Expr, _word: Token, low: ast.Expr, high: ast.Expr) -> ast.Between:
        self.no_durations(value, low, high)
        return ast.Between(value, low, high, span=span)

    def text_test(self, span: Span, value: ast.Expr, kind: Token, argument: ast.Expr) -> ast.TextTest:
        self.no_durations(value, argument)
        return ast.TextTest(cast(Any, kind.type), value, argument, span=span)

    def is_set(self, span: Span, value: ast.Expr) -> ast.IsSet:
        return ast.IsSet(value, span=span)

    def is_missing(self, span: Span, value: ast.Expr) -> ast.IsSet:
        return ast.IsSet(value, True, span=span)

    def sum(self, span: Span, first: ast.Expr, *rest: Any) -> ast.Sum:
        return ast.Sum(first, self.pairs(first, rest), span=span)

    def product(self, span: Span, first: ast.Expr, *rest: Any) -> ast.Product:
        return ast.Product(first, self.pairs(first, rest), span=span)

    def pairs(self, first: ast.Expr, rest: tuple[Any, ...]) -> tuple[Any, ...]:
        self.no_durations(first, *rest[1::2])
        return tuple((sign.type, operand) for sign, operand in zip(rest[0::2], rest[1::2], strict=True))

    # --- clauses ---

    def within(self, span: Span, duration: ast.Duration) -> ast.Within:
        return ast.Within(duration, span=span)

    def within_next(self, span: Span, duration: ast.Duration) -> ast.WithinNext:
        return ast.WithinNext(duration, span=span)

    def ago(self, span: Span, near: ast.Duration, far: ast.Duration) -> ast.Ago:
        return ast.Ago(near, far, span=span)

    def more_than_ago(self, span: Span, duration: ast.Duration) -> ast.MoreThanAgo:
        return ast.MoreThanAgo(duration, span=span)

    def relative(self, span: Span, word: Token, bound: ast.Bound) -> ast.Relative:
        return ast.Relative(cast(Any, word.type), bound, span=span)

    def between_dates(self, span: Span, _word: Token, low: ast.Bound, high: ast.Bound) -> ast.BetweenDates:
        return ast.BetweenDates(low, high, span=span)

    def calendar(self, span: Span, unit: Token) -> ast.Calendar:
        return ast.Calendar(cast(Any, unit.type), span=span)

    def where(self, span: Span, condition: ast.Expr) -> ast.Where:
        if isinstance(condition, ast.Bracket):
            return ast.Where(condition.content, True, span=span)
        return ast.Where(condition, span=span)

    def property_time(self, span: Span, subject: ast.Name, clause: ast.TimeClause) -> ast.Phrase:
        return ast.Phrase(subject, (clause,), span=span)

    def followed(self, span: Span, kind: Token, other: ast.Expr) -> ast.Sequence:
        return ast.Sequence(cast(Any, kind.type), other, span=span)

    def within_of(self, span: Span, gap: ast.Duration, other: ast.Expr) -> ast.Sequence:
        return ast.Sequence("within of", other, gap, span=span)

    def with_same(self, span: Span, *names: ast.Name) -> phrases.Same:
        return phrases.Same(names, span=span)

    def phrase(self, span: Span, subject: ast.Expr, *clauses: Any) -> Any:
        return phrases.gather(span, subject, clauses, self.line, self.problems)

    # --- scenarios ---

    def scenario(self, span: Span, who: ast.Expr, *steps: ast.Step) -> ast.Scenario:
        return ast.Scenario(who, steps, span=span)

    def step(self, span: Span, *parts: Any) -> ast.Step:
        timing = parts[0] if isinstance(parts[0], ast.Timing) else None
        condition = parts[-2] if len(parts) > 1 and parts[-2] is not timing else None
        action = parts[-1]
        if isinstance(action, ast.Stop):
            return ast.Step(timing, condition, (), action, span=span)
        return ast.Step(timing, condition, action, span=span)

    def after(self, span: Span, delay: ast.Duration, at: ast.TimeOfDay | None = None) -> ast.Timing:
        return ast.Timing("after", delay, at, span=span)

    def wait(self, span: Span, delay: ast.Duration) -> ast.Timing:
        return ast.Timing("wait", delay, span=span)

    def wait_until(self, span: Span, at: ast.TimeOfDay) -> ast.Timing:
        return ast.Timing("wait", None, at, span=span)

    def stop(self, span: Span) -> ast.Stop:
        return ast.Stop(span=span)

    def sends(self, span: Span, *sends: ast.Send) -> tuple[ast.Send, ...]:
        return sends

    def send(self, span: Span, channel: Token, message: Any) -> ast.Send:
        return ast.Send(name_of(channel), message, span=span)

    def inline(self, span: Span, token: Token) -> ast.Inline:
        return ast.Inline(cast(ast.Text, token.value).value, span=span)

    def message_name(self, span: Span, token: Token) -> ast.MessageName:
        return ast.MessageName(name_of(token), span=span)

    def split_name(self, span: Span, token: Token) -> ast.SplitName:
        return ast.SplitName(name_of(token), span=span)

    # --- lines beside a scenario ---

    def cron(self, span: Span, token: Token) -> ast.Cron:
        return ast.Cron(cast(str, token.value), span=span)

    def every(self, span: Span, duration: ast.Duration) -> ast.Every:
        return ast.Every(duration, span=span)

    def daily(self, span: Span, at: ast.TimeOfDay) -> ast.Daily:
        return ast.Daily(at, span=span)

    def weekly(self, span: Span, *parts: Any) -> ast.Weekly:
        *days, at = parts
        return ast.Weekly(tuple(self.weekday(day) for day in days), at, span=span)

    def weekday(self, token: Token) -> int:
        day = WEEKDAYS.get(name_of(token).lower())
        if day is None:
            self.problem("E118", f"`{token.text}` is not a day of the week.", token.span, "write `Mon`, `Tue`, … `Sun`")
        return day or 0

    def once(self, span: Span, at: ast.Instant) -> ast.Once:
        return ast.Once(at, span=span)

    def split(self, span: Span, *arms: ast.Arm) -> ast.Split:
        return ast.Split(arms, span=span)

    def arm(self, span: Span, name: Token, share: ast.Number) -> ast.Arm:
        return ast.Arm(name_of(name), share, span=span)

    def namespace(self, span: Span, *holders: ast.Holder) -> ast.Namespace:
        return ast.Namespace(holders, span=span)

    def holder(self, span: Span, *parts: Any) -> ast.Holder:
        name = "".join(part.text if part.text in "/-" else name_of(part) for part in parts[:-1])
        return ast.Holder(name, parts[-1], span=span)

    def holdout(self, span: Span, share: ast.Number) -> ast.Share:
        return ast.Share(share, span=span)

    def winner(self, span: Span, metric: ast.Expr, confidence: ast.Number, minimum: ast.Number) -> ast.Winner:
        return ast.Winner(metric, confidence, self.whole(minimum), span=span)

    def whole(self, number: ast.Number) -> int:
        if number.value.denominator != 1 or number.percent or number.value < 1:
            self.problem("E117", "A whole number of 1 or more is needed here.", number.span)
        return int(number.value)

    def kpi(self, span: Span, metric: ast.Expr, *parts: Any) -> ast.Kpi:
        metric, same = phrases.take_same(metric, self.problems)
        aim, by = parts[-2:]
        per = parts[0] if len(parts) == 3 else None
        target = (aim.op, aim.amount, aim.points, aim.versus, aim.baseline)
        return ast.Kpi(metric, per, *target, by, same, span=span)

    def guardrail(self, span: Span, metric: ast.Expr, *parts: Any) -> ast.Guardrail:
        metric, same = phrases.take_same(metric, self.problems)
        aim, per = parts[-1], parts[0] if len(parts) == 2 else None
        return ast.Guardrail(metric, per, aim.op, aim.amount, aim.points, aim.versus, same, span=span)

    def keep_control(self, span: Span) -> ast.OnDeadline:
        return ast.OnDeadline("keep control", span=span)

    def send_best(self, span: Span) -> ast.OnDeadline:
        return ast.OnDeadline("send best", span=span)

    def extend(self, span: Span, delay: ast.Duration) -> ast.OnDeadline:
        return ast.OnDeadline("extend", delay, span=span)

    def stop_at_deadline(self, span: Span) -> ast.OnDeadline:
        return ast.OnDeadline("stop", span=span)

    def per(self, span: Span, group: Token) -> ast.Name:
        return self.name(group.span, group)

    def level(self, span: Span, op: Token, amount: ast.Number) -> Target:
        return Target(op.type, amount)

    def lift(self, span: Span, op: Token, change: ast.Number, against: Token | ast.Number) -> Target:
        points = change.written.endswith("pp")
        if isinstance(against, ast.Number):
            return Target(op.type, change, points, baseline=against)
        return Target(op.type, change, points, versus=name_of(against))

    points = literal

    def cap(self, span: Span, count: ast.Number, window: Any, channel: Token | None = None) -> ast.Cap:
        if isinstance(window, Token):
            window = window.type.split()[-1]
        return ast.Cap(self.whole(count), window, name_of(channel) if channel else None, span=span)

    def quiet(self, span: Span, start: ast.TimeOfDay, end: ast.TimeOfDay) -> ast.Quiet:
        return ast.Quiet(start, end, span=span)

    def again_never(self, span: Span) -> ast.Again:
        return ast.Again("never", span=span)

    def again_each_time(self, span: Span) -> ast.Again:
        return ast.Again("each time", span=span)

    def again_after(self, span: Span, delay: ast.Duration) -> ast.Again:
        return ast.Again("after", delay, span=span)
