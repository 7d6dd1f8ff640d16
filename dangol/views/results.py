"""Results as text: what is wrong first, then per target the verdict, its arithmetic and the numbers behind it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dangol.measure.arithmetic import arithmetic, change, number
from dangol.measure.estimate import Effect
from dangol.measure.experiment import Lift, Seen, Total
from dangol.measure.proportions import wilson
from dangol.runner.experiments.credits import Sent
from dangol.runner.experiments.measured import Guarded, Measured, Row
from dangol.runner.experiments.results import Count, ExperimentResult, Results
from dangol.views import winner
from dangol.views.text import crop, paint, second, table
from dangol.views.verdicts import worded

_COLOURS = {"achieved": "green", "missed": "red", "unknown": "yellow", "open": "cyan"}
_WORDS = {"achieved": "achieved", "missed": "missed", "open": "still open", "unknown": "cannot be known"}


def as_text(found: Results, late: Sequence[str] = (), *, colour: bool = False) -> str:
    """The results for a terminal, without a final line break; experiments that cannot be trusted come first.

    late: KPIs whose earlier looks counted otherwise.
    """
    if not found.experiments:
        return "No scenario has a target, a split or a holdout yet: there is nothing to measure."
    ordered = sorted(found.experiments, key=lambda each: not (each.problems or each.changed))
    lines = [f"Results at {second(found.at, found.zone)}; days count when they are over."]
    for experiment in ordered:
        lines += ["", *_experiment(experiment, colour)]
    if late:
        lines += [
            "",
            "Earlier looks counted otherwise, as events came late or were changed:",
            *(f"  {one}" for one in late),
        ]
    return "\n".join(lines)


def _experiment(found: ExperimentResult, colour: bool) -> Iterator[str]:
    yield paint(found.full_name, "bold", colour=colour) + _since(found)
    for reason in found.problems:
        yield paint(f"  unhealthy: {worded(reason)}", "red", colour=colour)
    for line in found.changed:
        yield paint(f"  changed since the start: {line}", "red", colour=colour)
    if found.phase is None:
        yield "  nobody has been assigned yet"
    yield from _indented(_counts(found.groups))
    if found.srm is not None:
        display = "" if found.srm.chi_square_p is None else f"; chi-square today alone {found.srm.chi_square_p:.2g}"
        yield f"  sizes as drawn: p {found.srm.p:.2g} over all days, alarm below 0.01{display}"
    if found.decided or found.race is not None:
        yield from _indented(["", *(winner.sentence(one, found.zone) for one in found.decided)])
    for one in found.rest:
        if one.lift is not None:
            yield f"    since then, decides nothing: {one.kpi.written}: {arithmetic(one.lift.now)}"
    if found.race is not None and not found.decided:
        yield from _indented(winner.standing(found.race))
    for kpi in found.kpis:
        yield from _indented(["", *_kpi(kpi, colour)])
    if found.guardrails:
        yield from _indented(["", "guardrails", *(f"  {_guarded(one)}" for one in found.guardrails)])


def _since(found: ExperimentResult) -> str:
    if found.phase is None:
        return ""
    phase = f", phase {found.phase.start.phase}" if found.phase.start.phase > 1 else ""
    return f"  since {second(found.phase.started_at, found.zone)}{phase}"


def _indented(lines: Sequence[str] | Iterator[str]) -> Iterator[str]:
    return (f"  {line}".rstrip() for line in lines)


def _counts(groups: Sequence[Count]) -> list[str]:
    if not groups:
        return []
    rows: list[tuple[str, ...]] = [("group", "planned", "assigned", "reached", "unsubscribed")]
    for one in groups:
        left = f"{one.unsubscribed:,} ({most_unsubscribed(one)})" if one.reached else "–"
        share = f"{float(100 * one.group.share):.4g} %"
        rows.append((one.group.name, share, f"{one.assigned:,}", f"{one.reached:,}", left))
    return table(rows, right=frozenset({1, 2, 3, 4}))


def most_unsubscribed(one: Count) -> str:
    """The share, and below what it lies with 95 % confidence (Wilson, one-sided)."""
    _, high = wilson(one.reached, one.unsubscribed, ONE_SIDED)
    return f"{100 * one.unsubscribed / one.reached:.2f} %, below {100 * high:.2f} %"


ONE_SIDED = 1.6448536269514722


# --- a target ---------------------------------------------------------------------------------------------------------


def _kpi(found: Measured, colour: bool) -> Iterator[str]:
    answer = paint(_WORDS[found.verdict.answer], "bold", _COLOURS[found.verdict.answer], colour=colour)
    yield f"{answer}  {found.kpi.written}"
    yield f"  {worded(found.verdict.reason)}{_days_left(found)}"
    if found.lift is not None:
        yield from _lift(found, found.lift)
    elif found.level is not None:
        yield f"  {arithmetic(found.level)}"
        if found.level.status is not None:
            yield f"  {found.level.status.replace('_', ' ')}"
    elif found.total is not None:
        yield f"  {_total(found.total)}"
    yield from _indented(_rows(found))
    if gone := sum(row.gone for row in found.rows):
        yield f"  {gone:,} of them are not in the data any more and left out"
    yield from _indented(_credits(found))


def _days_left(found: Measured) -> str:
    horizon = found.horizon
    if horizon.final or horizon.by is None:
        return ""
    left = horizon.by - horizon.until
    return f"; {left:,} day{'' if left == 1 else 's'} to go"


def _lift(found: Measured, lift: Lift) -> Iterator[str]:
    if lift.decided is not None:
        yield f"  {_seen(lift.decided)}"
        yield f"  decided on {day(lift.decided.day)} at look {lift.decided.number}, and it stays so"
        yield f"  now: {arithmetic(lift.now)}"
    else:
        yield f"  {arithmetic(lift.now)}"
    yield f"  effect: {_effect(lift)}"
    if lift.now.chance_to_win is not None:
        narrower = (
            "" if (found.narrowed or 0) < 0.005 else f"; earlier behaviour narrows the interval by {found.narrowed:.0%}"
        )
        yield f"  chance to win {lift.now.chance_to_win:.1%} (shown, decides nothing){narrower}"
    for name, arm in found.arms:
        shown = "an effect is shown" if arm.now.shown or arm.shown_on is not None else "no effect shown yet"
        yield f"  {name}: {arithmetic(arm.now)}; {shown}"


def _effect(lift: Lift) -> str:
    spent = f"{len(lift.looks)} looks, {lift.looks[-1].spent:.2g} of 0.05 spent" if lift.looks else "no look yet"
    if lift.shown_on is None:
        return f"none shown ({spent})"
    return f"shown on {day(lift.shown_on)} ({spent})"


def _seen(look: Seen) -> str:
    if not isinstance(look.effect, Effect) or look.interval is None:
        return ""
    low, high = (change(end, look.effect.scale, look.control.kind) for end in look.interval)
    value = change(look.effect.value, look.effect.scale, look.control.kind)
    means = (number(mean, look.control.kind) for mean in (look.effect.treatment, look.effect.control))
    return f"{' vs '.join(means)} (n={look.treatment.n:,} vs {look.control.n:,}): {value} [{low}, {high}]"


def _total(total: Total) -> str:
    target = f"target {number(total.target.bar, 'mean')}"
    return f"{number(total.value, 'mean')} of {total.customers:,} customers, {target} (counted, not estimated)"


def _rows(found: Measured) -> list[str]:
    shown = [row for row in found.rows if found.kpi.versus is not None or row.group.role == "arm"]
    if not shown:
        return []
    label = "assigned" if found.kpi.versus is not None else "reached"
    rows: list[tuple[str, ...]] = [("group", label, "mature", _label(found))]
    rows += [(row.group.name, f"{row.customers:,}", f"{row.mature:,}", _value(row, found)) for row in shown]
    return table(rows, right=frozenset({1, 2, 3}))


def _label(found: Measured) -> str:
    return {"share": "share", "mean": "per customer", "ratio": "ratio", "total": "total"}[found.kind]


def _value(row: Row, found: Measured) -> str:
    if found.kind == "total":
        return number(float(row.sums.totals[0]), "mean")
    return number(row.sums.mean, row.sums.kind) if row.sums.has_mean else "–"


def _credits(found: Measured) -> list[str]:
    if not any(one.sent for one in found.credits):
        return []
    amounts = any(one.first.value is not None for one in found.credits)
    head = ("message", "sent", "delivered", "opened", "clicked", "converted", "first", "last", "other later")
    rows: list[tuple[str, ...]] = [(*head, "amount (last)") if amounts else head]
    for one in found.credits:
        receipts = [f"{one.answers.get(name, 0):,}" for name in ("delivered", "opened", "clicked")]
        share = f"{one.converted:,} ({one.converted / max(1, one.sent):.1%})"
        cells = (
            _message(one), f"{one.sent:,}", *receipts, share, f"{one.first.conversions:,}",
            f"{one.last.conversions:,}", f"{one.elsewhere:,}",
        )  # fmt: skip
        rows.append((*cells, number(one.last.value or 0.0, "mean")) if amounts else cells)
    return table(rows, right=frozenset(range(1, len(rows[0]))))


def _message(one: Sent) -> str:
    arm = f" ({one.kind.arm})" if one.kind.arm not in (None, one.kind.message) else ""
    return crop(f"{one.kind.step} {one.kind.channel or ''} {one.kind.message or ''}{arm}", 32)


def _guarded(found: Guarded) -> str:
    words = {"kept": "kept", "broken": "broken", "not shown": "not shown either way"}
    if found.value is None or found.interval is None:
        reason = f": {worded(found.reason)}" if found.reason is not None else ""
        return f"{found.line.written}  {words[found.state]}{reason}"
    sums = found.rows[0].sums if found.rows else None
    kind = sums.kind if sums is not None else "share"
    if found.margin.is_lift:
        value, low, high = (change(each, found.margin.scale, kind) for each in (found.value, *found.interval))
    else:
        value, low, high = (number(each, kind) for each in (found.value, *found.interval))
    return f"{found.line.written}  {words[found.state]}: {value} [{low}, {high}]"


def day(number: int) -> str:
    """A local day as a date."""
    import datetime as dt

    return (dt.date(1970, 1, 1) + dt.timedelta(days=number)).isoformat()


__all__ = ["as_text", "day"]
