"""S, R and T with data, and what limits and guardrails leave room for."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from dangol.engine import ir
from dangol.engine.calendar import DAY, day_of, offset_at
from dangol.engine.state.model import NO_INSTANT, Micros, State
from dangol.measure.power import standard_error
from dangol.playbook.compliance.night import expiry, hours, landings, wait_of
from dangol.playbook.smart.finding import Finding
from dangol.runner.policy import Gate, Held
from dangol.runner.smart.facts import Facts, Today
from dangol.runner.smart.replay import Past, Replay, newest
from dangol.runner.smart.wording import day, percent

FRESH = DAY
OFTEN = 10
"""Events a day; of fewer, twice or half as many come by chance."""

_NORMAL = NormalDist()


def of_audience(facts: Facts) -> Iterator[Finding]:
    """S05."""
    size = max(facts.entrants, facts.stock)
    if size == 0:
        yield Finding(
            "S05", "error", "nobody is in the audience, now or in the last weeks", "somebody", "widen the rule"
        )
    elif size < 100:
        yield Finding("S05", "warning", f"{size:,} customers in the last weeks", "100", "widen the rule")


# --- R ------------------------------------------------------------------------------------------------------------


def of_relevance(facts: Facts, past: Past, replay: Replay) -> Iterator[Finding]:
    """R02 to R05."""
    kpi, today = facts.kpi, facts.today
    if not kpi.metric.ledger:
        yield from _at_risk(kpi, past)
        yield from _distance(facts, past, replay)
    if today is not None and today.kind == "share" and not 0.001 <= today.base.mean <= 0.95:
        found = f"today's value is {percent(today.base.mean, 2)}"
        yield Finding(
            "R03", "warning", found, "0.1% to 95%, so that there is room", "another event, or other customers"
        )
    if facts.reach is not None and facts.reach < 0.3:
        found = f"{percent(facts.reach, 0)} can be reached"
        yield Finding("R05", "warning", found, "30%", "add a channel with `else`")


def _at_risk(kpi: ir.Kpi, past: Past) -> Iterator[Finding]:
    """What nobody ever does twice cannot be done by who has done it."""
    size, done = past.state.size, np.zeros(past.state.size, np.int64)
    for name in kpi.metric.events.names:
        table = past.state.events.get(name)
        if table is not None:
            last = np.searchsorted(np.asarray(table.time), past.at, side="right")
            done += np.bincount(table.customer[:last], minlength=size)
    doers = done[done > 0]
    members = past.now.members(past.scenario.who)
    if len(doers) < 50 or (doers > 1).mean() > 0.01 or not members.any():
        return
    free = float((done[members] == 0).mean())
    if free < 0.2:
        name = kpi.metric.events.label or kpi.metric.events.names[0]
        found = f"`{name}` happens once in a life, and {percent(free, 0)} of them have it still before them"
        yield Finding("R02", "error" if free == 0 else "warning", found, "20%", f"add `and never {name}` to the rule")


def _distance(facts: Facts, past: Past, replay: Replay) -> Iterator[Finding]:
    """R04. Who does it anyhow, at any time, does it in the window as often as in any such stretch, so late is only what
    fewer than half as many do in it.
    """
    waits, watched = _waits(facts.kpi.metric, past, replay)
    inside, evenly = int(np.count_nonzero(waits <= facts.window)), len(waits) * facts.window / watched
    if len(waits) >= 20 and inside < evenly / 2 and evenly - inside > 2 * math.sqrt(evenly):
        middle = float(np.median(waits))
        found = f"half of those who do it do it after {middle:.0f} days, outside the window of {facts.window:.0f}"
        needed = math.ceil(middle)
        yield Finding("R04", "warning", found, f"a window of {needed} days", f"write `within {needed}d`")


def _waits(metric: ir.Metric, past: Past, replay: Replay) -> tuple[NDArray[np.float64], float]:
    """Days until each of those who entered in the first half did it, and for how many days all of them were watched."""
    if not len(replay.due):
        return np.zeros(0), 1.0
    middle = float(np.median(replay.due))
    watched = max(past.until - middle, DAY) / DAY
    first = _first_after(metric, past.state, replay)
    waits = (first - replay.due)[(first != NO_INSTANT) & (replay.due <= middle)] / DAY
    return waits[waits <= watched], watched


def _first_after(metric: ir.Metric, state: State, replay: Replay) -> Micros:
    """When each one first did it after their message was due (NO_INSTANT: never)."""
    due, far = np.full(state.size, np.iinfo(np.int64).max), np.iinfo(np.int64).max
    due[replay.codes] = replay.due
    first = np.full(state.size, far)
    for name in metric.events.names:
        table = state.events.get(name)
        if table is not None:
            rows = np.asarray(table.time) > due[table.customer]
            np.minimum.at(first, np.asarray(table.customer)[rows], np.asarray(table.time)[rows])
    first[first == far] = NO_INSTANT
    return first[replay.codes]


# --- T ------------------------------------------------------------------------------------------------------------


def of_time(facts: Facts, state: State) -> Iterator[Finding]:
    """T02, T03, T06, T08, T09."""
    zone, last = facts.kpi.zone, facts.by - 1
    if facts.by <= facts.start:
        yield Finding("T02", "error", f"{day(last, zone)} lies before the start", "a day to come",
                      f"write `by {day(facts.start + _least(facts) * DAY, zone)}`")  # fmt: skip
        return
    if facts.days < _least(facts) - 0.5:
        found = f"{facts.days:.0f} days from the start to the deadline"
        change = f"write `by {day(facts.start + _least(facts) * DAY, zone)}`"
        yield Finding("T03", "error", found, f"{_least(facts)} days", change)
    elif facts.days < 28 and (over := (facts.by - _midnight(facts)) // DAY % 7):
        change = f"write `by {day(last + (7 - over) * DAY, zone)}`"
        yield Finding("T03", "warning", f"{facts.days:.0f} days are no whole weeks", "the same weekdays", change)
    yield from _calendar(facts, state)
    yield from _freshness(facts, state)
    if facts.window + facts.delay > 90:
        found = f"today's value is at least {facts.window + facts.delay:.0f} days old, as long as the window"
        yield Finding("T09", "warning", found, "90 days", "a shorter window")


def _least(facts: Facts) -> int:
    return max(7, math.ceil(facts.window + facts.delay + 1))


def _midnight(facts: Facts) -> int:
    return facts.start - (facts.start - facts.by) % DAY


def _freshness(facts: Facts, state: State) -> Iterator[Finding]:
    lag = facts.at - newest(state, facts.at)
    if FRESH < lag <= 7 * DAY:
        found = f"the newest event is {lag / DAY:.1f} days old"
        yield Finding(
            "T08", "warning", found, "a day, or the verdict misses what comes late", "load the data more often"
        )


def _calendar(facts: Facts, state: State) -> Iterator[Finding]:
    """The unusual days of the same weeks last year against those of the last weeks."""
    zone, names = facts.kpi.zone, facts.kpi.metric.events.names
    tables = [np.asarray(t.time) for name in names if (t := state.events.get(name)) is not None and len(t.time)]
    start, by, now = (day_of(at, zone) for at in (facts.start, facts.by - 1, facts.at))
    if not tables or by - start >= 364:
        return
    days = (np.concatenate(tables) + offset_at(facts.at, zone)) // DAY
    first = int(days.min())
    if first > min(start - 364, now - 57):
        return
    counts = np.bincount(days - first, minlength=now - first + 1)[: now - first + 1]
    weekdays = np.array([np.median(counts[weekday::7]) for weekday in range(7)])
    if weekdays.min() < OFTEN:
        return
    usual = weekdays[np.arange(len(counts)) % 7]
    unusual = (counts > 2 * usual) | (2 * counts < usual)
    before, then = unusual[-57:-1], unusual[start - 364 - first : by - 363 - first]
    if len(then) and abs(before.mean() - then.mean()) > 0.2:
        last_year, lately = (percent(float(each.mean()), 0) for each in (then, before))
        found = f"{last_year} of these days were unusual last year, {lately} of the last weeks"
        yield Finding("T06", "warning", found, "within 20 points", "choose other weeks, or compare with a control")


# --- what stands beside -------------------------------------------------------------------------------------------


def of_capacity(facts: Facts, scenario: ir.Scenario, quiet: ir.Quiet | None) -> Iterator[Finding]:
    """A11 of the limit and of quiet hours."""
    first = facts.stock * facts.groups.treated
    if scenario.limit is not None and first > scenario.limit:
        found = f"the first run would hit {first:,.0f}"
        yield Finding(
            "A11", "warning", found, f"at most {scenario.limit:,}, the `limit`", f"write `limit: {math.ceil(first)}`"
        )
    for window in (one for one in (quiet, scenario.quiet) if one is not None):
        for landing in landings(scenario, window.zone):
            wait = wait_of(landing.minutes or frozenset(), window)
            if wait is not None and wait[1] > expiry(scenario):
                found = f"step {landing.step + 1} falls due in quiet hours and expires after {hours(expiry(scenario))}"
                yield Finding("A11", "warning", found, hours(wait[1]), "choose another time, or a longer `expires`")


def of_caps(sent: int, held: Iterable[Held]) -> Iterator[Finding]:
    """A11 of frequency caps, by what they keep back now; some of it goes out before it expires, so half may be."""
    capped = sum(one.count for one in held if one.reason == Gate.CAP.value)
    if capped > sent:
        found = f"a frequency cap keeps back {capped:,} of {sent + capped:,} messages now"
        yield Finding("A11", "warning", found, "half of them at most", "a wider cap, a `priority`, or fewer scenarios")


def of_guardrail(guard: ir.Guardrail, measured: Today | None, facts: Facts) -> Iterator[Finding]:
    """A12."""
    plan = facts.plan()
    if guard.versus is None:
        reached = facts.mature() * facts.groups.treated
        if (
            guard.metric.function is None
            and guard.op in ("<=", "<")
            and 0 < reached < 3 / max(float(guard.amount), 1e-9)
        ):
            found = f"`{guard.written}` would be kept by chance: {reached:,.0f} reached"
            needed = f"{math.ceil(3 / max(float(guard.amount), 1e-9)):,}"
            yield Finding("A12", "warning", found, needed, "a wider margin, or a larger audience")
        return
    if measured is None or plan is None:
        return
    margin = float(guard.amount) * (1.0 if guard.points else abs(measured.base.mean))
    error = standard_error(measured.base, 0.0, plan)
    shown = _NORMAL.cdf(margin / error - plan.bound) if error else 1.0
    if shown < 0.8:
        wide = (plan.bound + _NORMAL.inv_cdf(0.8)) * error
        relative = f"{math.ceil(100 * wide / abs(measured.base.mean))}%" if measured.base.mean else ""
        said = f"{100 * wide:.1f}pp" if guard.points else relative
        found = f"`{guard.written}` is shown with power {shown:.2f} when nothing gets worse"
        yield Finding("A12", "warning", found, "0.8", f"a margin of {said}, or a larger audience")
