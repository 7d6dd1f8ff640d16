"""Who counts, what an instant sees, where one stands, and how missing values behave."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dangol.engine import ir
from dangol.engine.backends.vector import Evaluation
from dangol.engine.calendar import DAY, micros_of
from dangol.engine.state.model import NO_INSTANT
from dangol.engine.state.rows import state_from_rows
from tests.engine.vector.shop import (
    AT,
    CATALOG,
    HALF,
    ROWS,
    ZONE,
    Row,
    aggregate,
    at,
    events,
    follow,
    members,
    number,
    plain,
    state_of,
    summarised,
    text,
    values,
    window,
)  # fmt: skip

PURCHASED = ir.Matches(events("purchased"))


def event(customer: str, name: str, time: int, **properties: Any) -> Row:
    return {"customer": customer, "event": name, "time": time, **properties}


# --- the universe -----------------------------------------------------------------------------------------------


def test_members_and_members_of_the_negation_are_everybody_in_the_table() -> None:
    state = state_of([event("ann", "purchased", AT), event("zoe", "purchased", AT)])
    assert members(state, PURCHASED) == {"ann"}
    assert members(state, ir.Not(PURCHASED)) == {"bob", "cho"}
    assert members(state, ir.Always(True)) == {"ann", "bob", "cho"}


def test_without_a_table_the_universe_is_whoever_has_an_event_by_then() -> None:
    state = state_of([event("ann", "visited", AT), event("bob", "other", AT), event("cho", "visited", AT + 1)], False)
    assert members(state, ir.Always(True)) == {"ann", "bob"}
    assert members(state, ir.Not(PURCHASED), AT + 1) == {"ann", "bob", "cho"}


def test_time_travel_without_a_table_has_the_universe_of_the_inner_instant() -> None:
    state = state_of([event("ann", "visited", AT - 3 * DAY), event("bob", "visited", AT)], customers=False)
    never = ir.ConditionAsOf(ir.Not(PURCHASED), at(-1))
    assert members(state, never) == {"ann"}
    assert members(state, ir.Not(never)) == {"bob"}
    count = ir.ValueAsOf(aggregate("count", events("visited")), at(-1), "number")
    assert values(state, count) == {"ann": 1, "bob": None}


def test_a_later_inner_instant_sees_no_more_events_but_other_windows() -> None:
    state = state_of([event("ann", "visited", AT - DAY), event("bob", "visited", AT + 1)])
    visited = ir.Matches(events("visited", window=window(-1, 0)))
    assert members(state, ir.ConditionAsOf(visited, at(1))) == set()
    assert members(state, ir.ConditionAsOf(ir.Matches(events("visited")), at(1))) == {"ann"}
    assert members(state, ir.ConditionAsOf(ir.ConditionAsOf(visited, at(-1)), at(1))) == {"ann"}
    assert members(state, ir.ConditionAsOf(ir.ConditionAsOf(ir.Matches(events("visited")), at(5)), at(-2))) == set()


def test_the_empty_state() -> None:
    for customers in ([], None):
        state = state_from_rows(customers, [], CATALOG)
        spent = aggregate("sum", events("purchased"), "amount")
        conditions = (PURCHASED, ir.Top(spent, 3, None), ir.Compare(">", ir.Population("rank", spent), number(0)))
        for condition in conditions:
            assert members(state, condition) == set()


def test_an_event_no_row_of_which_is_there() -> None:
    state = state_from_rows([{"id": "ann"}], [], CATALOG)
    assert members(state, ir.Matches(events("unseen"))) == set()
    assert values(state, aggregate("last", events("unseen"), "product", "text")) == {"ann": None}


# --- standing ---------------------------------------------------------------------------------------------------

SCORE = ir.Attribute("score", "number")


def scores(**score: float | None) -> Any:
    rows = [{"id": name, "score": value} for name, value in score.items()]
    return state_from_rows(rows, [event("zoe", "purchased", AT)], CATALOG)


def test_percentile_quintile_and_rank_are_over_members_with_a_value() -> None:
    state = scores(a=0, b=0, c=5, d=7, e=7, f=None)
    assert values(state, ir.Population("percentile", SCORE)) == {
        "a": 0, "b": 0, "c": 0.4, "d": 0.6, "e": 0.6, "f": None, "zoe": None,
    }  # fmt: skip
    assert list(values(state, ir.Population("quintile", SCORE)).values())[:5] == [1, 1, 3, 4, 4]
    assert list(values(state, ir.Population("rank", SCORE)).values())[:5] == [4, 4, 3, 1, 1]


def test_top_takes_the_highest_and_breaks_ties_by_id_in_code_point_order() -> None:
    state = scores(b=1, a=1, Z=1, ä=1, c=0, d=None)
    assert members(state, ir.Top(SCORE, 2, None)) == {"Z", "a"}
    assert members(state, ir.Top(SCORE, None, Fraction(1, 5))) == {"Z"}
    assert members(state, ir.Top(SCORE, None, Fraction(21, 100))) == {"Z", "a"}
    assert members(state, ir.Top(SCORE, 99, None)) == {"b", "a", "Z", "ä", "c"}
    assert members(state, ir.Top(SCORE, 0, None)) == set()


@given(st.lists(st.one_of(st.none(), st.sampled_from([-1.5, 0.0, 0.0, 2.0, 3.0])), max_size=40))
def test_standing_by_the_definition(given_: list[float | None]) -> None:
    state = scores(**{f"c{place}": value for place, value in enumerate(given_)})
    there = [value for value in given_ if value is not None]
    quintile, rank = (values(state, ir.Population(function, SCORE)) for function in ("quintile", "rank"))  # type: ignore[arg-type]
    for place, value in enumerate(given_):
        lower = None if value is None else sum(each < value for each in there)
        assert quintile[f"c{place}"] == (None if lower is None else 1 + 5 * lower // len(there))
        assert rank[f"c{place}"] == (None if value is None else 1 + sum(each > value for each in there))


# --- values -----------------------------------------------------------------------------------------------------


def test_money_is_exact() -> None:
    rows = [event("ann", "purchased", AT, amount=amount) for amount in (0.1, 0.2)]
    total = aggregate("sum", events("purchased"), "amount")
    assert members(state_of(rows), ir.Compare("=", total, number(0.3))) == {"ann"}
    large = [event("ann", "purchased", AT, amount=amount) for amount in (2.0**52, 2.0**52 - 1, -(2.0**53) + 2, 3.0)]
    assert values(state_of(large), total)["ann"] == 4


def test_division_by_zero_is_missing_and_false() -> None:
    nothing = aggregate("count", events("purchased"))
    ratio = ir.Arithmetic(number(1), (("/", nothing),))
    state = state_of([event("ann", "purchased", AT)])
    assert values(state, ratio)["ann"] == 1
    assert values(state, ratio)["bob"] is None
    assert members(state, ir.Not(ir.Compare("=", ratio, number(1)))) == {"bob", "cho"}
    assert members(state, ir.IsMissing(ratio)) == {"bob", "cho"}


def test_versions_compare_by_their_parts_also_with_a_text() -> None:
    rows = [{"id": name, "app": app} for name, app in {"a": "1.9", "b": "1.10.0", "c": "2", "d": None}.items()]
    state = state_from_rows(rows, [], CATALOG)
    app = ir.Attribute("app", "version")
    assert members(state, ir.Compare(">=", app, text("1.10"))) == {"b", "c"}
    assert members(state, ir.Compare("=", app, text("2.0.0"))) == {"c"}
    assert members(state, ir.OneOf(app, (text("1.10"), text("1.9.0")))) == {"a", "b"}


def test_text_is_compared_in_its_composed_form_and_tests_leave_missing_values_out() -> None:
    names = {"a": "Cafe\u0301", "b": "", "c": None}
    state = state_from_rows([{"id": name, "country": value} for name, value in names.items()], [], CATALOG)
    country = ir.Attribute("country", "text")
    assert members(state, ir.Compare("=", country, text("Caf\u00e9"))) == {"a"}
    assert members(state, ir.TextTest("contains", country, text(""))) == {"a", "b"}
    assert members(state, ir.TextTest("matches", country, text("^C.f"))) == {"a"}
    assert members(state, ir.TextTest("starts with", country, country)) == {"a", "b"}
    assert members(state, ir.Not(ir.OneOf(country, (text(""),)))) == {"a", "c"}
    assert members(state, ir.Compare("=", ir.Attribute("id", "text"), text("c"))) == {"c"}


def test_texts_of_different_columns_and_branches_meet() -> None:
    rows = [event("ann", "viewed", AT, product="KR"), event("bob", "viewed", AT, product="DE")]
    table = [{"id": "ann", "country": "KR"}, {"id": "bob", "country": "KR"}]
    state = state_from_rows(table, rows, CATALOG)
    seen, country = aggregate("last", events("viewed"), "product", "text"), ir.Attribute("country", "text")
    assert members(state, ir.Compare("=", seen, country)) == {"ann"}
    case = ir.Case(((ir.Compare("=", seen, text("DE")), text("no")),), country, "text")
    assert values(state, case) == {"ann": "KR", "bob": "no"}


def test_dates_are_compared_by_local_day() -> None:
    late = micros_of(dt.datetime(2026, 1, 31, 23, 30, tzinfo=dt.UTC))
    state = state_from_rows([{"id": "a", "birthday": "2026-02-01"}, {"id": "b"}], [], CATALOG)
    today = ir.InWindow(ir.Attribute("birthday", "date"), ir.Window(*[ir.Edge(ir.Point("day", ZONE))] * 2))
    assert members(state, today, late) == {"a"}
    assert members(state, today, late - DAY) == set()
    since = values(state, ir.DaysSince(ir.Attribute("birthday", "date"), ZONE), late)
    assert since == {"a": 0.5 / 24, "b": None}


def test_where_may_use_values_of_the_customer() -> None:
    rows = [event("ann", "viewed", AT - DAY, product="a"), event("ann", "purchased", AT, product="a")]
    rows += [event("bob", "viewed", AT - DAY, product="b"), event("bob", "purchased", AT, product="a")]
    last = aggregate("last", events("viewed"), "product", "text")
    same = ir.Compare("=", ir.Property("product", "text"), last)
    assert members(state_of(rows), ir.Matches(events("purchased", where=same))) == {"ann"}
    earlier = ir.ConditionAsOf(ir.Matches(events("viewed", where=ir.Not(same))), at(-2))
    assert members(state_of(rows), earlier) == set()


def test_segments_and_traits_are_computed_in_any_depth() -> None:
    segments: dict[str, ir.Condition] = {"s0": PURCHASED}
    segments |= {f"s{n}": ir.Not(ir.Not(ir.SegmentRef(f"s{n - 1}"))) for n in range(1, 3000)}
    program = ir.Program(segments=segments, traits={"n": aggregate("count", events("purchased"))})
    state = state_of([event("ann", "purchased", AT)])
    assert members(state, ir.SegmentRef("s2999"), program=program) == {"ann"}
    assert members(state, ir.Compare("=", ir.TraitRef("n", "number"), number(0)), program=program) == {"bob", "cho"}


# --- entries ----------------------------------------------------------------------------------------------------


def test_the_entry_is_the_latest_matching_event_with_its_row() -> None:
    rows = [
        event("ann", "viewed", AT - DAY),
        event("ann", "purchased", AT),
        event("bob", "viewed", AT),
        event("zoe", "viewed", AT),
    ]
    state = state_of(rows)
    found = Evaluation(ir.Program(), state, AT).entries(events("viewed", "purchased"))
    by_id = {
        name: (int(found.time[code]), int(found.event[code]), int(found.row[code]))
        for code, name in enumerate(state.ids)
    }
    none = (NO_INSTANT, -1, -1)
    assert by_id == {"ann": (AT, 1, 0), "bob": (AT, 0, by_id["bob"][2]), "cho": none, "zoe": none}
    assert state.ids[state.events["viewed"].customer[by_id["bob"][2]]] == "bob"


def test_since_entry_counts_from_each_customers_own_instant() -> None:
    state = state_of(
        [event("ann", "purchased", AT), event("bob", "purchased", AT - DAY), event("cho", "purchased", AT)]
    )
    entry = np.full(state.size, NO_INSTANT)
    entry[[list(state.ids).index("ann"), list(state.ids).index("bob")]] = AT - HALF
    since = ir.Window(ir.Edge(ir.Point("entry", ZONE)))
    evaluation = Evaluation(ir.Program(), state, AT)
    condition = ir.Matches(events("purchased", window=since))
    assert [state.ids[code] for code in np.flatnonzero(evaluation.members(condition, entry=entry))] == ["ann"]
    assert not evaluation.members(condition).any()
    value = ir.InWindow(aggregate("last", events("purchased"), None, "instant"), since)
    assert [state.ids[code] for code in np.flatnonzero(evaluation.members(value, entry=entry))] == ["ann"]
    later = ir.Window(None, ir.Edge(ir.Point("entry", ZONE, ir.Shift(micros=HALF)), open=True))
    before = ir.Matches(events("purchased", window=later))
    assert [state.ids[code] for code in np.flatnonzero(evaluation.members(before, entry=entry))] == ["bob"]


def test_arms_come_from_outside() -> None:
    state = state_of([])
    arms = (("control", Fraction(1, 2)), ("bold", Fraction(1, 2)))
    arm = ir.SplitArm("style", "salt", arms)
    evaluation = Evaluation(ir.Program(), state, AT, arms=lambda split, ids: np.arange(len(ids)) % len(split.arms))
    assert list(plain(state, evaluation.values(arm)).values()) == ["control", "bold", "control"]
    with pytest.raises(ValueError, match="splits"):
        Evaluation(ir.Program(), state, AT).values(arm)


# --- the plan ---------------------------------------------------------------------------------------------------


def test_equal_leaves_are_one_feature_however_they_are_written() -> None:
    evaluation = Evaluation(ir.Program(), state_of([]), AT)
    last_week = ir.Matches(events("purchased", window=window(-7, 0)))
    since = ir.Window(ir.Edge(ir.Point("fixed", "UTC", micros=AT - 7 * DAY)))
    evaluation.prepare(
        [last_week, ir.Not(ir.Matches(events("purchased", window=since))), ir.Matches(last_week.events, 0, 0)]
    )
    assert evaluation.count_features() == 1
    evaluation.prepare([ir.Matches(last_week.events, 2)])
    assert evaluation.count_features() == 2
    assert evaluation.plan.lines()[0] == "4 leaf aggregates, 2 distinct features"


@settings(max_examples=60, deadline=None)
@given(ROWS, st.integers(0, 12))
def test_summaries_change_nothing(rows: list[Row], kept: int) -> None:
    state = state_of(rows)
    purchase = events("purchased")
    followed = events("viewed", follows=(follow("not_followed", purchase), follow("follows", events("visited"))))
    asked: list[ir.Value] = [
        *(aggregate(function, purchase) for function in ("count", "gap")),
        *(
            aggregate(function, phrase, None, "instant")
            for function in ("first", "last")
            for phrase in (purchase, followed)
        ),
        *(ir.Flag(ir.Matches(events("purchased", window=window(low, -1)))) for low in (None, -2)),
    ]
    for now in (AT, AT - DAY, AT - 9 * DAY):
        for value in asked:
            assert values(summarised(state, kept), value, now) == values(state, value, now)


def test_texts_are_only_read_of_those_of_whom_the_rest_is_true() -> None:
    names = {"ann": "KR", "bob": "KX", "cho": None, "dan": "DE"}
    rows = [event("ann", "purchased", AT), event("dan", "purchased", AT), event("cho", "purchased", AT)]
    state = state_from_rows([{"id": name, "country": value} for name, value in names.items()], rows, CATALOG)
    starts = ir.TextTest("starts with", ir.Attribute("country", "text"), text("K"))
    bought = PURCHASED
    assert members(state, ir.And((starts, bought))) == {"ann"}
    assert members(state, ir.And((bought, ir.Not(starts)))) == {"cho", "dan"}
    assert members(state, ir.And((bought, ir.Or((starts, ir.IsMissing(ir.Attribute("country", "text"))))))) == {
        "ann",
        "cho",
    }
    assert members(state, ir.And((starts, ir.Not(starts)))) == set()
    assert members(state, ir.And((ir.Always(False), starts))) == set()
    assert members(state, ir.And((ir.Or((ir.Always(True), starts)), bought))) == {"ann", "cho", "dan"}


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 20)), max_size=60))
def test_distinct_values_by_ticking_boxes_are_those_by_grouping(bought: list[tuple[str, int]]) -> None:
    rows = [event(who, "purchased", AT - n, amount=float(kind)) for n, (who, kind) in enumerate(bought)]
    state = state_of(rows, customers=False)
    wide = aggregate("distinct", events("purchased", window=window(-1, 0)), "amount")
    evaluation = Evaluation(ir.Program(), state, AT)
    evaluation.prepare([wide, aggregate("distinct", events("purchased", window=window(-2, 0)), "amount")])
    counted = {who: len({kind for name, kind in bought if name == who}) for who in {name for name, _ in bought}}
    assert values(state, wide) == plain(state, evaluation.values(wide)) == counted
