"""Each rule that needs data finds what it is for, and is silent otherwise."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dangol.diagnostics import Line
from dangol.engine import ir
from dangol.engine.calendar import DAY
from dangol.engine.catalog import Catalog
from dangol.engine.check import ScenarioText, Written, check
from dangol.engine.state.model import State
from dangol.engine.state.rows import state_from_rows
from dangol.grammar.ast import LineKind
from dangol.grammar.parser import parse
from dangol.measure.power import Baseline
from dangol.playbook.smart.finding import Finding
from dangol.playbook.smart.rules import RULES
from dangol.runner.policy import Held
from dangol.runner.smart import achievable, around, measurable
from dangol.runner.smart.facts import Facts, Groups, Today, facts, today
from dangol.runner.smart.proxy import of_proxy
from dangol.runner.smart.replay import Past, value
from dangol.runner.smart.sample import sampled

NOW = dt.datetime(2026, 11, 2, tzinfo=dt.UTC)
AT = int(NOW.timestamp()) * 1_000_000
CATALOG = Catalog(
    events={
        "joined": {},
        "purchased": {"amount": "number", "currency": "text"},
        "signed_up": {},
        "sent": {},
        "clicked": {},
    }
)
Row = tuple[str, str, float, dict[str, Any]]
"""Customer, event, days before now, properties."""

LIFT = "purchased within 7d up 20% vs holdout by 2026-12-31"
LEVEL = "purchased within 7d >= 30% by 2026-12-31"
SPENT = "sum(purchased.amount within 7d) per customer up 20% vs holdout by 2026-12-31"


def written(text: str, kind: LineKind) -> Written[Any]:
    line = Line.of(text)
    tree, found = parse(line, kind)
    assert tree is not None, found
    return Written(line, tree)


def scenario(kpi: str, rule: str = 'joined → email "hi"', **beside: Any) -> tuple[ir.Scenario, ir.Program]:
    lines: dict[str, Any] = {key: written(text, key) for key, text in beside.items() if isinstance(text, str)}  # type: ignore[arg-type]
    guards = tuple(written(text, "guardrail") for text in beside.get("guardrails", ()))
    text = ScenarioText("p", "s", written(rule, "scenario"), kpis=(written(kpi, "kpi"),), outer_holdout=True,
                        guardrails=guards, **lines)  # fmt: skip
    checked = check(CATALOG, [], [text])
    assert not checked.has_errors, checked.diagnostics
    return checked.program.scenarios[0], checked.program


def state(rows: Iterable[Row], customers: Iterable[str] | None = None) -> State:
    events = [
        {"customer": who, "event": event, "time": NOW - dt.timedelta(days=days), **more}
        for who, event, days, more in rows
    ]
    everyone = None if customers is None else [{"id": one} for one in customers]
    return state_from_rows(everyone, events, CATALOG)


def usual(size: int = 400, buyers: int = 100, **properties: Any) -> list[Row]:
    """So many customers joined long ago; so many bought at the start of the replay, and again yesterday."""
    rows: list[Row] = [(f"c{n}", "joined", 200.0, {}) for n in range(size)]
    for n in range(buyers):
        rows += [(f"c{n}", "purchased", days, {"amount": 100, "currency": "KRW", **properties}) for days in (61.0, 1.0)]
    return rows


def known(kpi: str = LIFT, data: State | None = None, rule: str = 'joined → email "hi"') -> tuple[Facts, Past]:
    found, program = scenario(kpi, rule)
    past = Past(found, program, state(usual()) if data is None else data, AT)
    replay = past.replay(found.kpis[0].metric.within)
    groups = Groups(0.5, (0.5,)) if found.kpis[0].versus else Groups(0.0, (1.0,))
    return facts(past, found.kpis[0], replay, 1, groups, AT, levels=True), past


def rules(found: Iterable[Finding]) -> list[str]:
    return [f"{one.rule} {one.severity}" for one in found]


BIG = replace(known()[0], customers=100_000, stock=100_000)
NOTHING_SOLD = replace(BIG, today=Today("share", 400, 0, Baseline(0.0), 0.0, 0.01))


def facts_with(start: Facts = BIG, **changes: Any) -> Facts:
    return replace(start, **changes)


def base(mean: float) -> Today:
    return Today("share", 10_000, int(10_000 * mean), Baseline(mean), mean - 0.005, mean + 0.005)


def lifted(amount: Fraction) -> Facts:
    return facts_with(kpi=replace(BIG.kpi, amount=amount))


RARE = Today("mean", 1000, 10, Baseline(1.0, 50.0), 0.9, 1.1)
LIFTS: list[tuple[str, Facts, Facts]] = [
    ("A01 error", facts_with(stock=400, customers=400), BIG),
    ("A01 warning", facts_with(stock=1500, customers=1500), BIG),
    ("A02 error", facts_with(stock=400, per_day=5.0), BIG),
    ("A02 warning", facts_with(stock=400, customers=400), BIG),
    ("A03 error", NOTHING_SOLD, BIG),
    ("A03 error", facts_with(groups=Groups(0.0, (1.0,))), BIG),
    ("A03 error", facts_with(stock=400, customers=400, today=base(0.01)), BIG),
    ("A04 error", facts_with(today=base(0.9)), BIG),
    ("A05 warning", lifted(Fraction(11, 20)), BIG),
    ("A05 error", lifted(Fraction(2)), BIG),
    ("A07 warning", lifted(Fraction(7, 10)), BIG),
    ("A09 warning", facts_with(groups=Groups(0.04, (0.96,))), BIG),
    ("A09 warning", facts_with(stock=1500, customers=1500, today=RARE), facts_with(today=RARE)),
    ("A10 warning", facts_with(kpi=replace(BIG.kpi, versus="control"), stock=1500, customers=1500,
                               groups=Groups(0.2, (0.2, 0.2, 0.2, 0.2))), BIG),
]  # fmt: skip


@pytest.mark.parametrize(("finding", "bad", "good"), LIFTS)
def test_lifts(finding: str, bad: Facts, good: Facts) -> None:
    assert finding in rules(achievable.of_lift(bad))
    assert finding not in rules(achievable.of_lift(good))


def test_a_sound_lift_has_no_finding() -> None:
    assert rules(achievable.of_lift(BIG)) == []


YEAR = tuple(0.2 + 0.002 * (week % 10) for week in range(52))
LEVELS = replace(known(LEVEL)[0], today=base(0.2))
KPI_20 = replace(LEVELS.kpi, amount=Fraction(1, 5))
FALLING = replace(LEVELS.kpi, op="<=")


@pytest.mark.parametrize(
    ("finding", "bad", "good"),
    [
        ("S03 error", replace(LEVELS, kpi=replace(LEVELS.kpi, amount=Fraction(1, 10))), LEVELS),
        ("S03 error", replace(LEVELS, kpi=FALLING), replace(LEVELS, kpi=replace(FALLING, amount=Fraction(1, 10)))),
        ("M06 error", replace(LEVELS, kpi=KPI_20), LEVELS),
        ("M06 warning", known("purchased within 7d up 40% from 90% by 2026-12-31")[0],
         known("purchased within 7d up 40% from 25% by 2026-12-31")[0]),
        ("A06 warning", replace(LEVELS, levels=YEAR), replace(LEVELS, levels=(*YEAR[:30], *(0.31,) * 22))),
        ("A06 warning", replace(LEVELS, levels=(0.4,) * 52), replace(LEVELS, levels=(*YEAR[:30], *(0.31,) * 22))),
        ("A06 info", replace(LEVELS, levels=(*YEAR[:-1], 0.31)), LEVELS),
        ("A08 warning", replace(LEVELS, levels=(0.4,) * 20), replace(LEVELS, levels=(*(0.1,) * 10, *(0.4,) * 10))),
    ],
)  # fmt: skip
def test_levels(finding: str, bad: Facts, good: Facts) -> None:
    assert finding in rules(achievable.of_level(bad))
    assert finding not in rules(achievable.of_level(good))


@pytest.mark.parametrize(
    ("finding", "bad", "good"),
    [
        ("S05 error", facts_with(entrants=0, stock=0), BIG),
        ("S05 warning", facts_with(entrants=20, stock=3), BIG),
    ],
)
def test_audiences(finding: str, bad: Facts, good: Facts) -> None:
    assert rules(around.of_audience(bad)) == [finding]
    assert rules(around.of_audience(good)) == []


FRESH = state(usual())


def seasons(sale: bool, daily: int = 10) -> State:
    """Two years of so many purchases a day; with two months of six times as many at the end of the first one."""
    return state([
        ("c0", "purchased", day + 0.01 * n, {})
        for day in range(1, 600) for n in range(6 * daily if sale and 305 <= day < 365 else daily)
    ])  # fmt: skip


@pytest.mark.parametrize(
    ("finding", "bad", "data", "good", "fine"),
    [
        ("T02 error", facts_with(by=AT), FRESH, BIG, FRESH),
        ("T03 error", facts_with(by=AT + 5 * DAY), FRESH, BIG, FRESH),
        ("T03 error", facts_with(window=60.0), FRESH, BIG, FRESH),
        ("T03 warning", facts_with(by=AT + 17 * DAY), FRESH, facts_with(by=AT + 21 * DAY), FRESH),
        ("T06 warning", BIG, seasons(True), BIG, seasons(False)),
        ("T08 warning", BIG, state([("c0", "purchased", 3.0, {})]), BIG, FRESH),
        ("T09 warning", facts_with(window=100.0, by=AT + 300 * DAY), FRESH, BIG, FRESH),
    ],
)
def test_times(finding: str, bad: Facts, data: State, good: Facts, fine: State) -> None:
    assert finding in rules(around.of_time(bad, data))
    assert finding not in rules(around.of_time(good, fine))


SUMMED = known(SPENT)[0]
TEN = [f"c{n}" for n in range(10)]
OUTSIDE = state([(who, "purchased", 1.0, {}) for who in [*TEN * 9, *(f"x{n}" for n in range(10))]], TEN)


@pytest.mark.parametrize(
    ("finding", "known_facts", "bad"),
    [
        ("M02 error", BIG, state([("c0", "joined", 9.0, {})])),
        ("M02 error", BIG, state([("c0", "purchased", 9.0, {})])),
        ("M02 warning", BIG, state([("c0", "purchased", 3 + n / 100, {}) for n in range(99)])),
        ("M03 error", BIG, state([("c0", "purchased", 1.0, {}), ("x", "purchased", 1.0, {})], ["c0"])),
        ("M03 warning", BIG, OUTSIDE),
        ("M04 error", SUMMED, state([*usual(50, 50), *(("c0", "purchased", 2.0, {}) for _ in range(30))])),
        ("M04 warning", SUMMED, state([*usual(50, 50), *(("c0", "purchased", 2.0, {}) for _ in range(5))])),
        ("M04 error", SUMMED, state(usual(amount=-1))),
        ("M04 error", SUMMED, state([*usual(), ("c0", "purchased", 2.0, {"amount": 1, "currency": "USD"})])),
        ("M11 error", BIG, state([("c0", "purchased", 2.0, {})])),
    ],
)  # fmt: skip
def test_events(finding: str, known_facts: Facts, bad: State) -> None:
    assert finding in rules(measurable.of_events(known_facts, bad))
    assert rules(measurable.of_events(known_facts, FRESH)) == []


WHALE = [1_000_000.0, *(1.0,) * 400]


@pytest.mark.parametrize(
    ("finding", "bad"),
    [
        ("M05 error", facts_with(today=Today("share", 400, 10, Baseline(0.025), 0.01, 0.05))),
        ("M05 warning", facts_with(today=Today("share", 400, 50, Baseline(0.125), 0.1, 0.16))),
        ("M08 warning", facts_with(today=Today("mean", 400, 400, Baseline(10.0, 400.0), 8.0, 12.0, top=0.7))),
    ],
)
def test_what_a_value_rests_on(finding: str, bad: Facts) -> None:
    assert rules(measurable.of_today(bad)) == [finding]
    assert rules(measurable.of_today(BIG)) == []


def test_past_customers_differ_by_chance_alone() -> None:
    found, past = known()
    replay = past.replay(found.kpi.metric.within)
    done, ids = past.did(replay, found.kpi), [past.state.ids[code] for code in replay.codes.tolist()]
    assert measurable.of_history_split(found, done, "salt", ids) is None
    whale = replace(done, now=np.array(WHALE), known=np.ones(len(WHALE), bool))
    told = measurable.of_history_split(found, whale, "salt", [f"c{n}" for n in range(len(WHALE))])
    assert told is not None
    assert rules([told]) == ["M07 error"]


NEW: Row = ("new", "joined", 0.0, {})
ONCE = [*usual(400, 100), *((f"c{n}", "signed_up", 190.0, {}) for n in range(400))]


@pytest.mark.parametrize(
    ("finding", "kpi", "rows", "rule"),
    [
        ("R02 error", "signed_up within 7d up 20% vs holdout by 2026-12-31", ONCE, 'signed_up → email "hi"'),
        ("R02 warning", "signed_up within 7d up 20% vs holdout by 2026-12-31", ONCE[:-40], 'joined → email "hi"'),
        ("R03 warning", LIFT, usual(400, 400), 'joined → email "hi"'),
        ("R04 warning", LIFT, [*usual(400, 0), *((f"c{n}", "purchased", 40.0, {}) for n in range(50)), NEW],
         'joined → email "hi"'),
    ],
)  # fmt: skip
def test_what_is_relevant(finding: str, kpi: str, rows: list[Row], rule: str) -> None:
    found, past = known(kpi, state(rows), rule)
    assert finding in rules(around.of_relevance(found, past, past.replay(found.kpi.metric.within)))
    calm, before = known()
    assert rules(around.of_relevance(calm, before, before.replay(calm.kpi.metric.within))) == []


def regulars(days_between: int, first: int = 0) -> State:
    """Customers who buy every so many days, each in a rhythm of their own; or all `first` days after the start."""
    rows: list[Row] = [(f"c{n}", "joined", 200.0, {}) for n in range(800)]
    for n in range(800):
        begin = 64 - first if first else 120 - n % days_between
        rows += [(f"c{n}", "purchased", float(day), {}) for day in range(begin, 0, -days_between)]
    return state(rows)


@pytest.mark.parametrize(("data", "found"), [
    (regulars(30), []),
    (regulars(45), []),
    (regulars(30, first=20), ["R04 warning"]),
])  # fmt: skip
def test_who_buys_now_and_then_does_not_buy_late(data: State, found: list[str]) -> None:
    """Purchases that come at any time tell nothing of the message; those that come long after its day do."""
    regular, past = known(data=data)
    told = rules(around.of_relevance(regular, past, past.replay(regular.kpi.metric.within)))
    assert [one for one in told if one.startswith("R04")] == found


def test_few_who_can_be_reached() -> None:
    found, past = known()
    replay = past.replay(found.kpi.metric.within)
    assert rules(around.of_relevance(replace(found, reach=0.2), past, replay)) == ["R05 warning"]


def clicks(helps: bool) -> State:
    rows: list[Row] = [(f"c{n}", "sent", 30.0, {}) for n in range(200)]
    rows += [(f"c{n}", "clicked", 29.0, {}) for n in range(100)]
    rows += [(f"c{n}", "purchased", 28.0, {}) for n in range(0, 100 if helps else 200, 2)]
    return state(rows)


def test_a_click_that_goes_with_orders_and_one_that_does_not() -> None:
    metric = scenario("clicked within 2d >= 5% by 2026-12-31")[0].kpis[0].metric
    told = of_proxy(metric, ("purchased",), clicks(helps=False), AT)
    assert isinstance(told, Finding)
    assert rules([told]) == ["R06 warning"]
    assert of_proxy(metric, ("purchased",), clicks(helps=True), AT) is None
    assert of_proxy(metric, ("purchased",), FRESH, AT) == "no message has gone out yet"


def test_limits_and_quiet_hours() -> None:
    limited, _ = scenario(LIFT, limit="10")
    assert rules(around.of_capacity(BIG, limited, None)) == ["A11 warning"]
    night, _ = scenario(LIFT, schedule="daily at 00:00", expires="2h", quiet="21:00–08:00")
    assert rules(around.of_capacity(BIG, night, None)) == ["A11 warning"]
    morning, _ = scenario(LIFT, schedule="daily at 07:00", expires="2h", quiet="21:00–08:00")
    assert rules(around.of_capacity(BIG, morning, None)) == []  # it waits for an hour
    assert (
        rules(around.of_capacity(BIG, scenario(LIFT, limit="100000", schedule="daily at 10:00")[0], night.quiet)) == []
    )


def test_caps_that_keep_messages_back() -> None:
    few, many = (Held("frequency cap", 40), Held("no consent", 90)), (Held("frequency cap", 70),)
    assert rules(around.of_caps(60, many)) == ["A11 warning"]
    assert rules(around.of_caps(60, few)) == rules(around.of_caps(0, ())) == []


def test_a_season_is_told_by_the_days_of_the_zone() -> None:
    """A year of purchases late in the evening of New York, the next day in UTC; the first 60 days are a sale."""
    rows: list[Row] = [
        (f"c{n}", "purchased", day + 0.98, {}) for day in range(364) for n in range(60 if day > 303 else 10)
    ]
    found = facts_with(kpi=replace(BIG.kpi, zone="America/New_York"))
    assert "T06 warning" in rules(around.of_time(found, state(rows)))


def test_a_season_is_not_told_from_single_events() -> None:
    assert rules(around.of_time(BIG, seasons(True, daily=2))) == []


def test_a_season_is_not_asked_before_the_data_begin() -> None:
    long_ago = facts_with(at=AT - 40_000 * DAY)
    assert rules(around.of_time(long_ago, seasons(True))) == []


def test_guardrails_that_could_not_fail() -> None:
    lines = ["unsubscribed within 7d <= 0.5%", "purchased within 7d down at most 5% vs holdout"]
    kept, compared = scenario(LIFT, guardrails=lines)[0].guardrails
    small = facts_with(stock=400, customers=400)
    assert rules(around.of_guardrail(kept, None, small)) == ["A12 warning"]
    assert rules(around.of_guardrail(kept, None, BIG)) == []
    assert rules(around.of_guardrail(compared, base(0.25), small)) == ["A12 warning"]
    assert rules(around.of_guardrail(compared, base(0.25), BIG)) == []


def test_a_replay_counts_each_customer_once_and_measures_from_there() -> None:
    found, past = known()
    replay = past.replay(found.kpi.metric.within)
    assert (len(replay.codes), replay.counts[0], sum(replay.counts)) == (400, 400, 400)
    assert value(past.did(replay, found.kpi)) == 0.25
    assert found.today is not None
    assert (found.today.n, found.today.positive) == (400, 100)
    amounts = today(past.did(replay, SUMMED.kpi))
    assert amounts is not None
    assert (amounts.kind, amounts.base.mean) == ("mean", 25.0)


def test_a_replay_ends_a_window_before_the_newest_event_not_before_now() -> None:
    """One of four who join buys the day after, always; the data end ten days ago, but for a message sent today."""
    rows: list[Row] = [("x", "signed_up", 10.0, {})]
    rows += [(f"d{day}-{n}", "joined", day + 0.5, {}) for day in range(10, 90) for n in range(8)]
    rows += [(f"d{day}-{n}", "purchased", day - 0.5, {}) for day in range(11, 90) for n in range(2)]
    late = state([*rows, ("x", "sent", 0.0, {})])
    found, _ = known(data=late, rule='joined within 1d → email "hi"')
    assert found.today is not None
    assert (found.today.n, found.today.positive / found.today.n) == (8 * 57, 0.25)
    assert "T08 warning" in rules(around.of_time(found, state([("x", "sent", 0.0, {}), ("x", "joined", 3.0, {})])))


def test_a_sample_is_every_kth_customer_with_all_their_events() -> None:
    whole = state(usual(10, 10))
    some, every = sampled(whole, 4)
    assert (every, list(some.ids)) == (3, ["c0", "c3", "c6", "c9"])
    assert np.bincount(some.events["purchased"].customer).tolist() == [2, 2, 2, 2]
    assert sampled(whole) == (whole, 1)


def test_every_rule_that_needs_data_has_its_case() -> None:
    cases = set(re.findall(r'"([SMART]\d\d) (?:error|warning|info)"', Path(__file__).read_text(encoding="utf-8")))
    assert cases == {rule.id for rule in RULES.values() if rule.needs == "data"}
