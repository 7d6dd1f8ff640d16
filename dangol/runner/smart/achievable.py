"""A: whether the target can be reached, and shown, by then and with these customers (measurement 5.4)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import NormalDist

from dangol.engine.calendar import DAY
from dangol.measure.power import Plan, minimum_detectable, power, relative_minimum_detectable, users_needed
from dangol.playbook.smart.finding import Finding, graded
from dangol.runner.smart.facts import Facts, Today
from dangol.runner.smart.wording import base, day, level, lift, percent, wanted

ENOUGH, HALF = 0.8, 0.5
SUSPICIOUS = 0.5
PRIOR_LIFT = 0.6
"""95% of lifts lie within (N(0, 0.3²))."""


def of_lift(facts: Facts) -> Iterator[Finding]:
    """A01 to A05, A07, A09, A10."""
    today = facts.today
    if today is None:
        return
    plan = facts.plan()
    if plan is None:
        if facts.mature_days >= 0:
            found = f"{facts.mature() * facts.groups.control:,.0f} customers in {facts.kpi.versus}"
            yield Finding("A03", "error", found, "somebody to compare with", "make the groups or the audience larger")
        return
    if today.base.mean == 0 or relative_minimum_detectable(today.base, plan) is None:
        yield _none_detectable(facts, today, plan)
    else:
        yield from _power(facts, today, plan)
    yield from _possible(facts, today)
    yield from _control(facts, today, plan)
    yield from _arms(facts, today, plan)


def _mde(facts: Facts, today: Today, plan: Plan) -> float | None:
    return minimum_detectable(today.base, plan, direction=-1 if facts.kpi.op == "down" else 1)


def _shown(facts: Facts, today: Today, plan: Plan | None) -> str:
    found = _mde(facts, today, plan) if plan is not None else None
    return "none at this size" if found is None else lift(found, today.base.mean, facts.kpi)


def arithmetic(facts: Facts) -> str:
    """`power 0.18 for +10 % (n=3,000 vs 27,000, base 4.0 % ± 0.22). MDE +26.7 %. 50/50 split: +16.5 %.`"""
    today, plan = facts.today, facts.plan()
    if today is None:
        return ""
    if facts.kpi.versus is None:
        return f"n={facts.mature() * (facts.groups.treated or 1):,.0f} by then, base {base(today)}"
    if plan is None:
        return f"n={facts.mature():,.0f} by then, base {base(today)}"
    told = f"power {power(today.base, facts.change, plan):.2f} for {wanted(facts)} "
    told += f"(n={plan.control:,.0f} vs {plan.treatment:,.0f}, base {base(today)}). MDE {_shown(facts, today, plan)}."
    even = facts.even()
    uneven = abs(facts.groups.control - facts.groups.treated) > 0.02
    return told + (f" 50/50 split: {_shown(facts, today, even)}." if uneven else "")


def _none_detectable(facts: Facts, today: Today, plan: Plan) -> Finding:
    variance, mean = today.base.variance_at(today.base.mean), today.base.mean
    k = NormalDist().inv_cdf(0.975) + NormalDist().inv_cdf(ENOUGH)
    least = "conversions" if mean == 0 else f"more than {k * k * variance / mean**2:,.0f}"
    found = f"{plan.control:,.0f} customers in {facts.kpi.versus} show no lift of any size"
    return Finding("A03", "error", found, least, "make the groups or the audience larger")


def _power(facts: Facts, today: Today, plan: Plan) -> Iterator[Finding]:
    reached = power(today.base, facts.change, plan)
    if reached >= ENOUGH:
        return
    severity = graded(reached < HALF)
    miss = "even if the target is reached, this plan misses it more often than not" if severity == "error" else (
        "if the target is reached, this plan may miss it"
    )  # fmt: skip
    yield Finding("A01", severity, f"power {reached:.2f} for {wanted(facts)}: {miss}", f"power {ENOUGH}",
                  _ways_out(facts, today, plan))  # fmt: skip
    yield from _more_users(facts, today, plan, severity == "error")


def _ways_out(facts: Facts, today: Today, plan: Plan) -> str:
    ways = []
    even = facts.even()
    if even is not None and power(today.base, facts.change, even) >= ENOUGH:
        ways.append("a 50/50 split shows it")
    if (least := _nearest(facts, today, plan)) is not None:
        ways.append(f"the nearest target that can be shown is `{facts.kpi.op} {least}`")
    return "; ".join(ways) or "make the audience larger"


def _nearest(facts: Facts, today: Today, plan: Plan) -> str | None:
    found = _mde(facts, today, plan)
    if found is None:
        return None
    if facts.kpi.points:
        return f"{math.ceil(1000 * abs(found) - 1e-9) / 10:g}pp"
    return f"{math.ceil(100 * abs(found / today.base.mean) - 1e-9)}%"


def _more_users(facts: Facts, today: Today, plan: Plan, hopeless: bool) -> Iterator[Finding]:
    needed = users_needed(today.base, facts.change, plan)
    if needed is None:
        return
    total = needed.total / (facts.groups.control + facts.groups.treated)
    found = f"{plan.control:,.0f} and {plan.treatment:,.0f} mature customers by {day(facts.by - 1, facts.kpi.zone)}"
    more = f"{needed.control:,.0f} and {needed.treatment:,.0f}"
    days = 0.0 if total <= facts.stock else math.inf
    if total > facts.stock and not facts.once and facts.per_day > 0 and total <= facts.customers:
        days = (total - facts.stock) / facts.per_day
    if math.isinf(days):
        yield Finding("A02", "warning", found, more, "there are not so many: widen the rule, or aim at less")
        return
    whole = math.ceil(days - 1e-9) + math.ceil(facts.window + facts.delay - 1e-9)
    date = day(facts.start + whole * DAY - 1, facts.kpi.zone)
    change = f"write `by {date}`, widen the rule or the groups, or aim at more"
    yield Finding("A02", graded(hopeless), found, f"{more}, that is {whole} days, until {date}", change)


def _possible(facts: Facts, today: Today) -> Iterator[Finding]:
    relative = abs(facts.change / today.base.mean) if today.base.mean else 0.0
    goal = today.base.mean + facts.change
    if today.kind == "share" and not 0 <= goal <= 1:
        yield Finding("A04", "error", f"the target is {percent(goal)} of all assigned", "0% to 100%", "aim at less")
    elif relative > 1 and facts.kpi.op == "up":
        found = f"those who are sent to would do it {1 + relative:.1f} times as often"
        yield Finding("A05", "error", found, "at most +100 %", "aim at less")
    elif relative > PRIOR_LIFT:
        found = f"a lift of {wanted(facts)}"
        yield Finding(
            "A07", "warning", found, f"within ±{100 * PRIOR_LIFT:.0f} %, as 95% of experiments", "aim at less"
        )
    elif relative > SUSPICIOUS:
        yield Finding("A05", "warning", f"a lift of {wanted(facts)}", "at most ±50 %", "aim at less")


def _control(facts: Facts, today: Today, plan: Plan) -> Iterator[Finding]:
    share = facts.groups.control / (facts.groups.control + facts.groups.treated)
    converted = plan.control * today.positive / today.n
    if share < 0.05 or converted < 20:
        even = facts.even()
        found = f"{facts.kpi.versus} is {percent(share)}, about {converted:,.0f} of them convert"
        gain = f"50/50 would show {_shown(facts, today, even)} instead of {_shown(facts, today, plan)}"
        yield Finding("A09", "warning", found, "5% and 20", gain)


def _arms(facts: Facts, today: Today, plan: Plan) -> Iterator[Finding]:
    many = len(facts.groups.arms)
    if many < 2 or facts.kpi.versus != "control":
        return
    smallest = facts.mature() * min(facts.groups.arms)
    if smallest < 2:
        return
    one = Plan(plan.control, smallest, 0.05 / many)
    reached = power(today.base, facts.change, one)
    if reached < HALF:
        found = f"each of {many} arms has power {reached:.2f} at 5 %/{many} (MDE {_shown(facts, today, one)})"
        yield Finding("A10", "warning", found, f"{HALF}", "have fewer arms; all of them together are another question")


# --- levels -------------------------------------------------------------------------------------------------------


def of_level(facts: Facts) -> Iterator[Finding]:
    """S03, M06, A06, A08: a level against today's value and the past year."""
    today, bar = facts.today, facts.target.bar
    if today is None or (facts.kpi.metric.function is not None and facts.kpi.per is None):
        return
    lower = facts.target.lower_is_better
    now, worse, better = today.base.mean, *((today.high, today.low) if lower else (today.low, today.high))
    beyond = bar >= worse if lower else bar <= worse
    met = f"today's value is {base(today)}"
    if beyond:
        yield Finding("S03", "error", f"{met}: the target is met already", f"beyond {level(better, today.kind)}",
                      "raise the target, or compare `vs holdout`")  # fmt: skip
    elif (bar >= better) if lower else (bar <= better):
        yield Finding("M06", "error", f"{met}: no telling the target from it", f"beyond {level(better, today.kind)}",
                      "raise the target, or compare `vs holdout`")  # fmt: skip
    stated = facts.kpi.baseline
    if stated is not None and not today.low <= float(stated) <= today.high:
        found = f"the stated baseline is {level(float(stated), today.kind)}, the measured one {base(today)}"
        change = f"write `from {100 * now:.1f}%`" if today.kind == "share" else f"write `from {now:.0f}`"
        yield Finding("M06", "warning", found, "one within the interval", change)
    if not beyond:
        yield from _seen(facts, today, bar, lower)


def _seen(facts: Facts, today: Today, bar: float, lower: bool) -> Iterator[Finding]:
    past = sorted((-each if lower else each) for each in facts.levels)
    if len(past) < 12:
        return
    goal = -bar if lower else bar
    if past[len(past) // 2] >= goal:
        yield Finding("A06", "warning", f"half of the last {len(past)} weeks were there", "", "raise the target")
    elif past[-1] < goal:
        most = level(-past[-1] if lower else past[-1], today.kind)
        yield Finding("A06", "warning", f"never seen in {len(past)} weeks: the best was {most}", "", "aim at less")
    elif past[int(0.95 * (len(past) - 1))] < goal:
        yield Finding("A06", "info", f"seen in less than 5% of {len(past)} weeks")
    season = past[:] if len(facts.levels) < 52 else [(-each if lower else each) for each in facts.levels[-8:]]
    if sorted(season)[int(0.1 * (len(season) - 1))] >= goal:
        change = "use a lift: `up … vs holdout`"
        yield Finding("A08", "warning", "it will be met by doing nothing (80% interval of like weeks)", "", change)
