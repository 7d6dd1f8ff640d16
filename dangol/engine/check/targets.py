"""Targets: what a KPI measures of whom, against what and until when; and how a winner is chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

from dangol.engine import ir
from dangol.engine.catalog import LEDGER_EVENTS
from dangol.engine.check import functions, instants, phrases, resolve
from dangol.engine.check.beside import CONTROL
from dangol.engine.check.scope import LEDGER, Broken, Scope, quoted, text_of, unwrap
from dangol.grammar import ast

MEASURED = ("count", "sum", "avg", "distinct", "active_days")


@dataclass(frozen=True)
class Setting:
    """What a target may refer to: the anchor, and whether someone is in control or held out."""

    anchor: ir.Events | None
    has_control: bool
    has_holdout: bool


def kpi(tree: ast.Kpi, setting: Setting, scope: Scope) -> ir.Kpi:
    """A SMART target."""
    scope = own_messages(scope)
    metric = read_metric(tree.metric, scope)
    per = _per(tree, metric, scope)
    versus = _versus(tree, metric, setting, scope)
    amount = _amount(tree, metric, scope)
    _baseline(tree, metric, scope)
    baseline = tree.baseline.value if tree.baseline is not None else None
    same = _same(tree, metric, setting, scope)
    by, written = instants.days(tree.by.value), scope.line.text.strip()
    return ir.Kpi(metric, per, tree.op, amount, tree.points, versus, baseline, by, scope.zone, same, written)


def guardrail(tree: ast.Guardrail, setting: Setting, scope: Scope) -> ir.Guardrail:
    """What must not get worse."""
    scope = own_messages(scope)
    metric = read_metric(tree.metric, scope)
    per = _per(tree, metric, scope)
    versus = _versus(tree, metric, setting, scope)
    amount = _amount(tree, metric, scope)
    same, written = _same(tree, metric, setting, scope), scope.line.text.strip()
    return ir.Guardrail(metric, per, tree.op, amount, tree.points, versus, scope.zone, same, written)


def on_deadline(tree: ast.OnDeadline, splits: Sequence[ir.Split], scope: Scope) -> ir.OnDeadline:
    """What happens at the deadline when no winner stands."""
    if tree.action in ("keep control", "send best") and not splits:
        message = f"`{tree.action}` chooses among the arms of a split, and the rule names none"
        raise scope.error("E318", message, tree, ("write `stop` or `extend 14d`, or leave it out",))
    if tree.action == "send best" and len(splits) > 1:
        named = ", ".join(f"`{split.name}`" for split in splits)
        message = f"`send best` chooses an arm of one split, and the rule names several: {named}"
        hint = "keep one split in the rule, or write `keep control`, `stop` or `extend 14d`"
        raise scope.error("E318", message, tree, (hint,))
    shift = instants.shift(tree.delay) if tree.delay is not None else None
    if tree.delay is not None and not tree.delay.amount:
        raise scope.error("E318", "the deadline is put off by a time above zero", tree.delay, ("write `extend 14d`",))
    return ir.OnDeadline(tree.action, shift, scope.zone)


def winner(tree: ast.Winner, splits: Sequence[ir.Split], scope: Scope) -> ir.Winner:
    """How one arm is chosen."""
    metric = read_metric(tree.metric, own_messages(scope))
    if len(splits) != 1:
        message = "a winner is one arm of the rule's split: " + (
            "the rule names no split" if not splits else "the rule names several"
        )
        raise scope.error("E312", message, tree)
    if not Fraction(1, 2) < tree.confidence.value < 1:
        raise scope.error("E312", "the confidence lies above 50% and below 100%, as in `95%`", tree.confidence)
    _comparable(tree, metric, splits[0], scope)
    return ir.Winner(splits[0].name, metric, tree.confidence.value, tree.minimum)


def _comparable(tree: ast.Winner, metric: ir.Metric, split: ir.Split, scope: Scope) -> None:
    """E312 where there are no two arms that can do what they are compared by."""
    sending = [arm for arm, _ in split.arms if arm != CONTROL]
    if len(split.arms) < 2:
        message = f"the split `{split.name}` has one arm only: nothing can be compared"
        raise scope.error("E312", message, tree, ("give the split a second arm, or an arm `control`",))
    if len(sending) < 2 and metric.ledger:
        can = f"the control cannot have `{metric.events.label}`: nothing can be compared"
        hint = "compare what customers do, as in `purchased within 2d`, or give the split a second arm with messages"
        raise scope.error("E312", f"only `{sending[0]}` gets messages, and {can}", tree.metric, (hint,))


def own_messages(scope: Scope) -> Scope:
    """In a target `sent`, `clicked` … mean the scenario's own messages, whatever the catalog has of that name."""
    catalog = scope.names.catalog
    names = replace(scope.names, catalog=replace(catalog, events={**catalog.events, **LEDGER}))
    return replace(scope, names=names)


# --- metrics ------------------------------------------------------------------------------------------------------


def read_metric(node: ast.Expr, scope: Scope) -> ir.Metric:
    """An event phrase or an aggregate, with `within` and no other time clause."""
    node = unwrap(node)
    function = None
    inner = node
    if isinstance(node, ast.Call):
        if node.function not in MEASURED:
            listed = ", ".join(f"`{name}`" for name in MEASURED)
            raise scope.error("E310", f"`{node.function}` cannot be a target", node, (f"a target takes {listed}",))
        function, inner = node.function, unwrap(node.argument)
    subject = unwrap(inner.subject) if isinstance(inner, ast.Phrase) else inner
    if not isinstance(subject, ast.Name) or not scope.names.is_event(subject.parts[0]):
        raise _no_metric(node, subject, scope)
    within, clauses = _within(inner, scope)
    bare = ast.Phrase(subject, clauses, span=inner.span) if clauses else subject
    if function is None:
        return _rate(bare, within, scope)
    found = functions.call(ast.Call(function, bare, span=node.span), scope)
    assert isinstance(found, ir.Aggregate)
    ledger = found.events.label in LEDGER_EVENTS
    return ir.Metric(found.events, found.function, found.property, within, scope.zone, ledger=ledger)


def _rate(bare: ast.Expr, within: ir.Shift, scope: Scope) -> ir.Metric:
    if phrases.event_of(bare, scope) is None:
        name = bare if isinstance(bare, ast.Name) else ast.Name(("",))
        raise resolve.unknown(name, scope)
    found = phrases.matching(bare, scope)
    if found.low == 0:
        raise scope.error("E310", "a target asks for something to happen: at least once", bare)
    ledger = found.events.label in LEDGER_EVENTS
    return ir.Metric(found.events, None, None, within, scope.zone, found.low, found.high, ledger)


def _no_metric(node: ast.Expr, subject: ast.Expr, scope: Scope) -> Broken:
    if (
        isinstance(subject, ast.Name)
        and not scope.names.look_up(subject.text)
        and subject.text not in scope.names.broken
    ):
        events = [*scope.names.catalog.events, *scope.names.catalog.groups]
        hints = scope.suggest(subject.parts[0], events)
        return scope.error("E203", f"`{subject.parts[0]}` is not an event", subject, hints)
    message = "a target is an event within a time, or an aggregate of such events"
    return scope.error("E310", message, node, ("as in `purchased within 7d` or `sum(purchased.amount within 7d)`",))


def _within(inner: ast.Expr, scope: Scope) -> tuple[ir.Shift, tuple[ast.Clause, ...]]:
    clauses = inner.clauses if isinstance(inner, ast.Phrase) else ()
    for clause in clauses:
        if isinstance(clause, ast.TimeClause) and not isinstance(clause, ast.Within):
            message = f"{quoted(clause)}: a target counts from each customer's first message, with `within`"
            raise scope.error("E310", message, clause, ("as in `within 7d`",))
    times = [c for c in clauses if isinstance(c, ast.Within)]
    if not times:
        raise scope.error(
            "E310", "say within how long after the message", inner, (f"write `{text_of(inner)} within 7d`",)
        )
    if not times[0].duration.amount:
        raise scope.error("E310", "a target needs a time above zero", times[0])
    rest = tuple(c for c in clauses if c is not times[0])
    return instants.shift(times[0].duration), rest


# --- what it is compared with -------------------------------------------------------------------------------------


def _per(tree: ast.Kpi | ast.Guardrail, metric: ir.Metric, scope: Scope) -> Literal["customer"] | ir.Events | None:
    if tree.per is None:
        if metric.function is not None and tree.versus is not None:
            message = "groups differ in size: compare per customer"
            raise scope.error("E310", message, tree.metric, (f"write `{text_of(tree.metric)} per customer`",))
        return None
    if metric.function is None:
        mend = f"write `count({text_of(unwrap(tree.metric))}) per {tree.per.text}`"
        raise scope.error("E310", "a rate is per customer already", tree.per, (mend,))
    if tree.per.text == "customer":
        return "customer"
    if phrases.event_of(tree.per, scope) is None:
        hints = scope.suggest(tree.per.text, ["customer", *scope.names.catalog.events])
        raise scope.error("E203", f"`{tree.per.text}` is not an event", tree.per, hints)
    return phrases.matching(tree.per, scope).events


def _versus(
    tree: ast.Kpi | ast.Guardrail, metric: ir.Metric, setting: Setting, scope: Scope
) -> Literal["control", "holdout"] | None:
    if tree.versus is None:
        return None
    if tree.versus not in ("control", "holdout"):
        hints = scope.suggest(tree.versus, ("control", "holdout"))
        raise scope.error(
            "E311", f"a target compares with `control` or `holdout`, not with `{tree.versus}`", tree, hints
        )
    if tree.versus == "control" and not setting.has_control:
        hints = ("give a split of the rule an arm `control`, or compare with `holdout`",)
        raise scope.error("E311", "no split of the rule has an arm `control` to compare with", tree, hints)
    if tree.versus == "holdout" and not setting.has_holdout:
        hints = ("add `holdout: 10%` to the scenario",)
        raise scope.error("E311", "there is no holdout to compare with", tree, hints)
    if metric.ledger:
        message = f"nobody in {tree.versus} got a message, so nobody there could have `{metric.events.label}`"
        hints = ("compare what customers do, as in `purchased within 7d`, or write a level",)
        raise scope.error("E311", message, tree.metric, hints)
    return tree.versus  # type: ignore[return-value]


def _amount(tree: ast.Kpi | ast.Guardrail, metric: ir.Metric, scope: Scope) -> Fraction:
    number = tree.amount
    rate = metric.function is None
    written = text_of(number)
    change = f"{tree.op} at most" if isinstance(tree, ast.Guardrail) else tree.op
    if tree.op in ("up", "down"):
        if tree.points and not rate:
            raise scope.error("E310", "percentage points are for rates", number, (f"write `{change} 10%`",))
        if not tree.points and not number.percent:
            hints = (f"write `{change} {written}%`", f"write `{change} {written}pp`") if rate else (
                f"write `{change} {written}%`",)  # fmt: skip
            raise scope.error("E310", "a change is a percentage", number, hints)
        if number.value <= 0:
            raise scope.error("E310", "a change lies above zero", number)
    elif rate and not number.percent:
        raise scope.error("E310", "a rate is a percentage", number, (f"write `{written}%`",))
    elif rate and not 0 <= number.value <= 1:
        raise scope.error("E310", "a rate lies between 0% and 100%", number)
    elif not rate and number.percent:
        raise scope.error("E310", "an amount is no percentage", number)
    return number.value / 100 if tree.points and not number.percent else number.value


def _baseline(tree: ast.Kpi, metric: ir.Metric, scope: Scope) -> None:
    if tree.baseline is None:
        return
    if (metric.function is None) != tree.baseline.percent:
        message = "the baseline of a rate is a percentage" if metric.function is None else "the baseline is an amount"
        raise scope.error("E310", message, tree.baseline)
    if tree.baseline.value <= 0:
        raise scope.error("E310", "a baseline lies above zero", tree.baseline)


def _same(tree: ast.Kpi | ast.Guardrail, metric: ir.Metric, setting: Setting, scope: Scope) -> tuple[str, ...]:
    if tree.same and setting.anchor is None:
        message = "`with same` ties to the event that starts an entry, and this rule is not started by one event"
        raise scope.error("E310", message, tree.same[0])
    for name in tree.same:
        assert setting.anchor is not None
        types = [_property_type(name, events.label, scope) for events in (setting.anchor, metric.events)]
        if types[0] != types[1]:
            raise scope.error("E209", f"`{name.text}` is of two types in the two events: they never agree", name)
    return tuple(dict.fromkeys(name.text for name in tree.same))


def _property_type(name: ast.Name, event: str, scope: Scope) -> ir.Type:
    properties = scope.names.catalog.properties(event)
    if name.text not in properties:
        raise resolve.unknown_property(name, scope, event)
    return resolve.plain_type(properties[name.text], name, scope)
