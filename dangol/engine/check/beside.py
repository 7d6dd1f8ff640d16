"""Lines beside a scenario: schedules, splits, caps, quiet hours, holdouts, and the numbers."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from dangol.diagnostics import Diagnostic
from dangol.engine import ir
from dangol.engine.calendar import SECOND
from dangol.engine.catalog import Catalog
from dangol.engine.check import cron, instants
from dangol.engine.check.model import Written
from dangol.engine.check.scope import Broken, Names, Scope, text_of
from dangol.grammar import ast

BesideIR = ir.Schedule | ir.Cap | ir.Quiet | ir.Again | ir.Shift | Fraction | int
MINUTE = 60 * SECOND
CONTROL = "control"


def check_beside(
    written: Written[Any], zone: str, channels: frozenset[str] | None = None
) -> tuple[BesideIR | None, list[Diagnostic]]:
    """A line of the playbook or project by itself: a schedule, a cap, quiet hours, again, a share, a time, a limit."""
    scope = Scope(written.line, zone, Names.of(Catalog()), [])
    try:
        return _read(written.tree, scope, channels), scope.report
    except Broken:
        return None, scope.report


def _read(tree: Any, scope: Scope, channels: frozenset[str] | None) -> BesideIR:
    match tree:
        case ast.Cap():
            return cap(tree, scope, channels)
        case ast.Quiet():
            return quiet(tree, scope)
        case ast.Again():
            return again(tree, scope)
        case ast.Share():
            return holdout(tree, scope)
        case ast.Duration():
            return expires(tree, scope)
        case ast.Number():
            return whole(tree, "limit", 1, scope)
    return schedule(tree, scope)


# --- schedules ----------------------------------------------------------------------------------------------------


def schedule(tree: ast.Schedule, scope: Scope) -> ir.Schedule:
    """When WHO is asked for new entries; `daily` and `weekly` become cron fields."""
    zone = scope.zone
    match tree:
        case ast.Cron(text=text):
            try:
                cron.parse(text)
            except cron.NotCron as problem:
                hints = ("for example `daily at 10:00` or `0 10 * * *`",)
                raise scope.error("E308", str(problem), tree, hints) from None
            return ir.Schedule(zone, cron=" ".join(text.split()))
        case ast.Every(duration=duration):
            step = instants.shift(duration)
            if step.months or step.micros < MINUTE:
                raise scope.error("E308", "`every` takes a minute or more, in exact units up to weeks", duration)
            return ir.Schedule(zone, every=step)
        case ast.Daily(at=at):
            return ir.Schedule(zone, cron=f"{at.minute} {at.hour} * * *")
        case ast.Weekly(days=days, at=at):
            listed = ",".join(str(day) for day in sorted({(day + 1) % 7 for day in days}))
            return ir.Schedule(zone, cron=f"{at.minute} {at.hour} * * {listed}")
        case ast.Once(at=instant):
            return ir.Schedule(zone, once=instants.micros(instant.value, zone))


def interval(found: ir.Schedule) -> int | None:
    """The least time between two runs in microseconds; None for `once`."""
    if found.every is not None:
        return found.every.micros
    return cron.least_gap(found.cron) * MINUTE if found.cron is not None else None


def minute_of_day(at: ast.TimeOfDay) -> int:
    """Minutes since midnight."""
    return at.hour * 60 + at.minute


# --- splits and holdouts ------------------------------------------------------------------------------------------


def split(name: str, tree: ast.Split, playbook: str, scope: Scope, phase: int = 1) -> ir.Split:
    """Arms and their shares, which must be distinct and sum to 100%. Every phase of a scenario draws anew."""
    seen: set[str] = set()
    for arm in tree.arms:
        if arm.name in seen:
            raise scope.error("E306", f"`{arm.name}` stands twice in `{name}`", arm)
        seen.add(arm.name)
        if not arm.share.percent:
            mend = f"write `{arm.name} {text_of(arm.share)}%`"
            raise scope.error("E306", "the share of an arm is a percentage", arm.share, (mend,))
        if not 0 <= arm.share.value <= 1:
            raise scope.error("E306", "a share lies between 0% and 100%", arm.share)
    total = sum((arm.share.value for arm in tree.arms), Fraction())
    if total != 1:
        raise _not_whole(name, tree, total, scope)
    salt = f"{playbook}/{name}" if phase == 1 else f"{playbook}/{name}/{phase}"
    return ir.Split(name, salt, tuple((arm.name, arm.share.value) for arm in tree.arms))


def _not_whole(name: str, tree: ast.Split, total: Fraction, scope: Scope) -> Broken:
    last = tree.arms[-1]
    rest = last.share.value + 1 - total
    hints: tuple[str, ...] = ()
    if 0 < rest <= 1:
        hints = (f"write `{last.name} {_exact(rest * 100)}%` for the last, or change another",)
    return scope.error("E305", f"the arms of `{name}` sum to {_exact(total * 100)}%, not to 100%", tree, hints)


def _exact(number: Fraction) -> str:
    return f"{float(number):.10g}"


def holdout(tree: ast.Share, scope: Scope) -> Fraction:
    """The share of customers kept out."""
    if not tree.share.percent:
        share = tree.share.value * (100 if tree.share.value < 1 else 1)
        raise scope.error("E307", "a holdout is a percentage", tree, (f"write `{_exact(share)}%`",))
    if not 0 < tree.share.value < 1:
        raise scope.error("E307", "a holdout lies above 0% and below 100%", tree)
    return tree.share.value


# --- caps, quiet hours, again, numbers ----------------------------------------------------------------------------


def cap(tree: ast.Cap, scope: Scope, channels: frozenset[str] | None) -> ir.Cap:
    if tree.channel is not None:
        channel(tree.channel, tree, scope, channels)
    window = tree.window if isinstance(tree.window, str) else lasting(tree.window, "E313", "a cap", scope)
    return ir.Cap(tree.count, window, tree.channel, scope.zone)


def channel(name: str, node: ast.Node, scope: Scope, channels: frozenset[str] | None) -> None:
    """E301 for a channel that the project does not have."""
    if channels is None or name in channels:
        return
    hints = scope.suggest(name, channels) or ((f"its channels are {', '.join(sorted(channels))}",) if channels else ())
    raise scope.error("E301", f"`{name}` is not a channel of this project", node, hints)


def lasting(duration: ast.Duration, code: str, what: str, scope: Scope) -> ir.Shift:
    """A duration above zero."""
    if not duration.amount:
        raise scope.error(code, f"{what} needs a duration above zero", duration)
    return instants.shift(duration)


def quiet(tree: ast.Quiet, scope: Scope) -> ir.Quiet:
    start, end = minute_of_day(tree.start), minute_of_day(tree.end)
    if start == end:
        raise scope.error("E314", "quiet hours that end when they begin are no hours or all of them", tree)
    return ir.Quiet(start, end, scope.zone)


def again(tree: ast.Again, scope: Scope) -> ir.Again:
    if tree.delay is None:
        return ir.Again(tree.mode, None, scope.zone)
    return ir.Again("after", lasting(tree.delay, "E315", "`again: after`", scope), scope.zone)


def expires(tree: ast.Duration, scope: Scope) -> ir.Shift:
    return lasting(tree, "E315", "`expires`", scope)


def whole(tree: ast.Number, what: str, least: int | None, scope: Scope) -> int:
    """A whole number, `least` or more."""
    if tree.percent or tree.value.denominator != 1:
        raise scope.error("E316", f"`{what}` is a whole number", tree, (f"write it like `{max(least or 1, 2)}`",))
    if least is not None and tree.value < least:
        raise scope.error("E316", f"`{what}` is {least} or more", tree, (f"write it like `{max(least, 2)}`",))
    return int(tree.value)


def optional(written: Written[Any] | None, scope_of: Callable[[Written[Any]], Scope], read: Any) -> Any:
    """What `read(tree, scope)` makes of a line that may not be there."""
    return None if written is None else read(written.tree, scope_of(written))
