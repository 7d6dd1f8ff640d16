"""The lines beside a scenario in English: schedule, holdout, caps, quiet hours, targets."""

from __future__ import annotations

from collections.abc import Iterator

from dangol.engine import ir
from dangol.engine.reading import times
from dangol.engine.reading.english import English
from dangol.engine.reading.literals import clock, names, percent, quantity

_DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_COMPARISONS = {">=": "at least", "<=": "at most", ">": "more than", "<": "less than"}
_AT_DEADLINE = {
    "keep control": "customers who enter after that get no message",
    "send best": "customers who enter after that get the best arm so far",
    "stop": "nobody enters any more",
}


def lines(scenario: ir.Scenario, reader: English) -> Iterator[str]:
    """One sentence for each rule, defaults included where they decide what happens."""
    yield f"new entries are looked for {_schedule(scenario.schedule, reader)}"
    yield f"again: {_again(scenario.again, reader)}"
    late = "24 hours" if scenario.expires is None else reader.duration(scenario.expires)
    yield f"a step that could not go out {late} after it was due is dropped"
    if scenario.holdout is not None:
        yield f"{percent(scenario.holdout)} of the customers are held out, always the same ones"
    yield from (f"at most {cap(each, reader)}" for each in scenario.caps)
    if scenario.quiet is not None:
        yield quiet(scenario.quiet)
    if scenario.limit is not None:
        yield f"a run that would hit more than {quantity(scenario.limit)} customers is stopped"
    if scenario.priority:
        yield f"priority {scenario.priority}"
    yield from (f"target: {kpi(each, reader)}" for each in scenario.kpis)
    yield from (f"guardrail: {guardrail(each, reader)}" for each in scenario.guardrails)
    if scenario.on_deadline is not None:
        yield on_deadline(scenario.on_deadline, reader)
    if scenario.winner is not None:
        yield winner(scenario.winner, reader)


def _schedule(schedule: ir.Schedule | None, reader: English) -> str:
    if schedule is None:
        return "at every run"
    if schedule.cron is not None:
        return f"{_cron(schedule.cron)} ({schedule.zone})"
    if schedule.every is not None:
        return f"every {reader.duration(schedule.every)}"
    return f"once, at {times.instant_text(schedule.once or 0, schedule.zone)} ({schedule.zone})"


def _cron(cron: str) -> str:
    found = times.weekly(cron)
    if found is None:
        return f"at the times of the cron line {names(cron)}"
    minutes, days = found
    on = f"on {' and '.join(_DAYS[day] for day in days)}" if days else "daily"
    return f"{on} at {clock(minutes)}"


def _again(again: ir.Again, reader: English) -> str:
    if again.mode == "never":
        return "each customer enters once"
    if again.mode == "each time" or again.shift is None:
        return "a customer may enter again each time, once the running entry has ended"
    return f"a customer may enter again {reader.duration(again.shift)} after the last entry"


def cap(node: ir.Cap, reader: English) -> str:
    """`2 messages in any 7 days`"""
    over = (
        f"in a calendar {node.window} ({node.zone})"
        if isinstance(node.window, str)
        else f"in any {reader.duration(node.window)}"
    )
    on = f" on {node.channel}" if node.channel else ""
    return f"{quantity(node.count)} message{'' if node.count == 1 else 's'}{on} {over}"


def quiet(node: ir.Quiet) -> str:
    """The hours without messages."""
    return (
        f"nothing is sent from {clock(node.start)} to {clock(node.end)} ({node.zone}); it waits until {clock(node.end)}"
    )


def kpi(node: ir.Kpi, reader: English) -> str:
    """The target as a sentence, without `target:`."""
    what = _measured(node, reader)
    until = f"by the end of {times.day_text(node.by)} ({node.zone})"
    if node.op in _COMPARISONS:
        return f"{what} is {_level(node)} {until}"
    change = _change(node)
    against = f"against {node.versus}"
    if node.baseline is not None:
        against = f"from {percent(node.baseline) if node.is_share else quantity(node.baseline)}"
    return f"{what} is {node.op} by at least {change} {against}, {until}"


def guardrail(node: ir.Guardrail, reader: English) -> str:
    """What must stay so, as a sentence, without `guardrail:`."""
    what = _measured(node, reader)
    if node.op in _COMPARISONS:
        return f"{what} is {_level(node)}"
    return f"{what} goes {node.op} by at most {_change(node)} against {node.versus}"


def _measured(node: ir.Kpi | ir.Guardrail, reader: English) -> str:
    what = metric(node.metric, reader, from_due=node.versus is not None)
    if node.per == "customer":
        what += ", per customer,"
    elif isinstance(node.per, ir.Events):
        what += f", per {reader.events(node.per)},"
    if node.same:
        what += f" (with the same {' and '.join(names(name) for name in node.same)} as the entry's event)"
    return what


def _level(node: ir.Kpi | ir.Guardrail) -> str:
    return f"{_COMPARISONS[node.op]} {percent(node.amount) if node.is_share else quantity(node.amount)}"


def _change(node: ir.Kpi | ir.Guardrail) -> str:
    return f"{quantity(node.amount * 100)} percentage points" if node.points else percent(node.amount)


def on_deadline(node: ir.OnDeadline, reader: English) -> str:
    """What happens when the target's day has passed."""
    if node.shift is not None:
        longer = reader.duration(node.shift)
        return f"at the target's deadline, if no winner stands: an arm may still win for {longer} more"
    return f"at the target's deadline, if no winner stands: {_AT_DEADLINE[node.action]}"


def metric(node: ir.Metric, reader: English, *, from_due: bool) -> str:
    """What is measured of each customer from their first message on; from_due: from when that was due, alike in every
    group."""
    own = " of this scenario's own messages" if node.ledger else ""
    events = reader.events(node.events) + own
    after = f"within {reader.duration(node.within)} after the first message{' was due' if from_due else ''}"
    if node.function is None:
        how_many = reader.condition(ir.Matches(node.events, node.low, node.high)) + own
        return f"the share of customers with {how_many} {after}"
    if node.property is None:
        return f"the {node.function} of {events} {after}"
    return f"the {node.function} of {names(node.property)} over [{events}] {after}"


def winner(node: ir.Winner, reader: English) -> str:
    """How one arm is chosen."""
    better = "fewer is better" if node.fewer_is_better else "more is better"
    measured = metric(node.metric, reader, from_due=True)
    return (
        f"split {names(node.split)}: the best arm by [{measured}] ({better}) is chosen at "
        f"{percent(node.confidence)} confidence once each arm has {quantity(node.minimum)} customers; "
        f"customers who enter after that get it"
    )
