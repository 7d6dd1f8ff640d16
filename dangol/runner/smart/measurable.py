"""M with data: whether the target's events arrive, belong to somebody, and tell today's value."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from dangol.engine import ir
from dangol.engine.calendar import DAY
from dangol.engine.state.model import Column, EventTable, State
from dangol.measure.assignment import draws
from dangol.measure.outcomes import Outcomes
from dangol.playbook.smart.finding import Finding, graded
from dangol.runner.smart.facts import Facts, Z

SALTS, SPLIT_AT_MOST = 200, 5_000
_CURRENCY = re.compile(r"currency|통화")


def of_events(facts: Facts, state: State) -> Iterator[Finding]:
    """M02 to M04, M11: the target's events as they stand in the data up to the instant."""
    metric = facts.kpi.metric
    name = metric.events.label or metric.events.names[0]
    tables = [table for each in metric.events.names if (table := state.events.get(each)) is not None]
    times = np.sort(np.concatenate([_until(table, facts.at) for table in tables] or [np.zeros(0, np.int64)]))
    if not len(times):
        yield Finding("M02", "error", f"there is no `{name}` in the data", "one", "check the source of the event")
        return
    yield from _arrives(name, times, facts)
    if (facts.at - int(times[0])) / DAY < facts.window:
        found = f"`{name}` is known for {(facts.at - int(times[0])) / DAY:.0f} days"
        yield Finding("M11", "error", found, f"{facts.window:.0f} days, the window", "write a shorter `within`")
    yield from _joined(name, tables, state)
    if metric.property is not None:
        yield from _complete(f"{name}.{metric.property}", metric, tables)


def currencies(catalog_properties: list[str]) -> list[str]:
    """The properties that tell a currency."""
    return [name for name in catalog_properties if _CURRENCY.search(name)]


def _until(table: EventTable, at: int) -> NDArray[np.int64]:
    times = np.asarray(table.time)
    return times[: np.searchsorted(times, at, side="right")]


def _arrives(name: str, times: NDArray[np.int64], facts: Facts) -> Iterator[Finding]:
    silence, recent = facts.at - int(times[-1]), times[times > facts.at - 56 * DAY]
    if silence > 7 * DAY:
        found = f"the last `{name}` is {silence / DAY:.0f} days old"
        yield Finding("M02", "error", found, "one within 7 days", "check the source of the event")
        return
    gap = float(np.median(np.diff(recent))) if len(recent) > 2 else 0.0
    if silence > max(3 * gap, DAY):
        found = f"the last `{name}` is {silence / DAY:.1f} days old, usually they are {gap / DAY:.2g} days apart"
        yield Finding("M02", "warning", found, "one within 3 such gaps", "check the source of the event")


def _joined(name: str, tables: list[EventTable], state: State) -> Iterator[Finding]:
    if state.member is None:
        return
    every = sum(len(table.customer) for table in tables)
    known = sum(int(np.count_nonzero(state.member[table.customer])) for table in tables) / max(every, 1)
    if known < 0.95:
        found = f"{100 * known:.0f}% of `{name}` belong to known customers"
        yield Finding("M03", graded(known < 0.8), found, "95%", "check how customers are named in both tables")


def _complete(name: str, metric: ir.Metric, tables: list[EventTable]) -> Iterator[Finding]:
    columns = [column for table in tables if (column := table.properties.get(metric.property or "")) is not None]
    values = np.concatenate([np.asarray(column.data, np.float64) for column in columns if column.type == "number"] or [
        np.zeros(0)])  # fmt: skip
    missing = float(np.isnan(values).mean()) if len(values) else 0.0
    if missing > 0.01:
        yield Finding(
            "M04", graded(missing > 0.1), f"{100 * missing:.1f}% of `{name}` are missing", "1%", "mend the source"
        )
    if metric.function in ("sum", "avg") and (values < 0).any():
        found = f"{int((values < 0).sum()):,} of `{name}` are negative"
        yield Finding("M04", "error", found, "none", "leave them out with `where`, or count refunds by themselves")
    for table in tables:
        for each in currencies(list(table.properties)):
            kinds = _kinds(table.properties[each])
            if len(kinds) > 1:
                found = f"`{name}` is in {', '.join(kinds[:4])}"
                yield Finding("M04", "error", found, "one currency", f'add `where {each} = "{kinds[0]}"`')


def _kinds(column: Column) -> list[str]:
    codes, counts = np.unique(np.asarray(column.data), return_counts=True)
    order = np.argsort(-counts)
    vocabulary = column.vocabulary or ()
    return [str(vocabulary[code]) for code in codes[order].tolist() if code >= 0 and code < len(vocabulary)]


def of_today(facts: Facts) -> Iterator[Finding]:
    """M05, M08: what today's value rests on."""
    today = facts.today
    if today is None:
        return
    if today.positive < 100:
        lift = facts.kpi.versus is not None and today.positive < 20
        found = f"{today.positive:,} of {today.n:,} customers did it in the last weeks"
        yield Finding("M05", "error" if lift else "warning", found, "20 at least, 100 better", "a more frequent event")
    if today.kind != "share" and today.top > 0.5 and today.positive >= 20:
        found = f"the top 1% of customers hold {100 * today.top:.0f}% of the sum"
        yield Finding("M08", "warning", found, "50% at most", "ask for the share instead, as in `purchased within 7d`")


def of_history_split(facts: Facts, done: Outcomes, salt: str, ids: list[str]) -> Finding | None:
    """M07: past customers, drawn as they will be, 200 times over: as many differences as chance makes."""
    share = facts.groups.control / (facts.groups.control + facts.groups.treated)
    values = _linear(done)
    if len(values) > SPLIT_AT_MOST:
        chosen = np.linspace(0, len(values) - 1, SPLIT_AT_MOST).astype(int)
        values, ids = values[chosen], [ids[place] for place in chosen.tolist()]
    if min(share, 1 - share) * np.count_nonzero(values) < 20:
        return None
    differs = sum(_differs(values, draws(f"{salt}/history/{number}", ids) < share) for number in range(SALTS)) / SALTS
    if 0.02 <= differs <= 0.09:
        return None
    found = f"of {SALTS} splits of past customers {100 * differs:.1f}% differ at p < 0.05, without any message"
    return Finding("M07", "error", found, "2% to 9%", "look for duplicated events, or a few customers that hold it all")


def _linear(done: Outcomes) -> NDArray[np.float64]:
    """One number per customer; of a ratio the linearised one."""
    if done.per is None:
        return done.now
    total = float(done.per.sum())
    return np.asarray(done.now - (float(done.now.sum()) / total if total else 0.0) * done.per)


def _differs(values: NDArray[np.float64], control: NDArray[np.bool_]) -> bool:
    one, two = values[control], values[~control]
    if len(one) < 2 or len(two) < 2:
        return False
    error = one.var(ddof=1) / len(one) + two.var(ddof=1) / len(two)
    return bool(error > 0 and abs(one.mean() - two.mean()) > Z * np.sqrt(error))
