"""An explanation agrees with membership in every part, and names the events that decided."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest

from dangol.diagnostics import DangolError, Line
from dangol.engine import ir
from dangol.engine.backends.vector import Evaluation
from dangol.engine.catalog import Catalog
from dangol.engine.check import check_expression
from dangol.engine.explanation import Explanation, Part, explain, explanation_needs
from dangol.engine.reading import reader
from dangol.views.explain import Style, as_json, as_text
from tests.engine_path import checked_project, expression, state

SEOUL = "Asia/Seoul"
CATALOG = Catalog(
    attributes={"country": "text", "email": "text", "birthday": "date"},
    events={
        "cart_added": {"product": "text", "amount": "number"},
        "purchased": {"product": "text", "amount": "number"},
        "visited": {"phone": "text"},
    },
    lists=frozenset({"staff"}),
)
CUSTOMERS = [
    {"id": "a", "country": "KR", "email": "anna@example.com", "birthday": "1990-07-03"},
    {"id": "b", "country": None, "email": "ben@example.com"},
    {"id": "c", "country": "US"},
]
EVENTS = [
    {"customer": "a", "event": "cart_added", "time": "2026-06-20T10:00", "product": "hat", "amount": 100},
    {"customer": "a", "event": "cart_added", "time": "2026-06-28T10:00", "product": "hat", "amount": 200},
    {"customer": "a", "event": "purchased", "time": "2026-06-28T12:00", "product": "hat", "amount": 200},
    {"customer": "a", "event": "cart_added", "time": "2026-06-30T09:00", "product": "bag", "amount": 300},
    {"customer": "b", "event": "purchased", "time": "2026-06-30T09:00", "product": "bag", "amount": 900},
    {"customer": "b", "event": "visited", "time": "2026-06-30T09:00", "phone": "010-1234-5678"},
    {"customer": "a", "event": "purchased", "time": "2026-07-02T09:00", "product": "bag", "amount": 300},
]
SEGMENTS = {
    "abandoner": "cart_added within 7d and not purchased",
    "big": "spent >= 250",
    "target": "abandoner and (big or country = 'KR') and not staff",
    "fallen": "target as of 3d ago and not target",
}
TRAITS = {"spent": "sum(purchased.amount)"}
AT = dt.datetime(2026, 7, 1, 3, tzinfo=dt.UTC)

LINES = [
    "abandoner",
    "target",
    "fallen",
    "not (abandoner or big)",
    "never purchased",
    "purchased 2+ times",
    "count(cart_added within 7d) / count(purchased) > 1",
    "days_since(purchased) < 5",
    "percentile(spent) >= 50%",
    "top 50% by spent",
    "quintile(case when purchased then spent end) = 5",
    "first(purchased.product) = last(cart_added.product)",
    "email contains 'anna'",
    "country in ('KR', 'JP')",
    "country is missing",
    "anniversary(birthday) within next 7d",
    "last(visited) within 7d",
    "cart_added followed by purchased within 1d with same product",
    "purchased within 3h of cart_added",
    "staff",
    "(purchased within 7d) as of 2026-06-29",
]


def asked(line: str, customer: str, lang: str = "en") -> tuple[Explanation, Evaluation, ir.Program]:
    project = checked_project(CATALOG, SEGMENTS, TRAITS, SEOUL)
    assert not project.has_errors, project.diagnostics
    node, found = check_expression(expression(line), Line.of(line), SEOUL, project)
    assert node is not None, found
    data = state(CUSTOMERS, EVENTS, CATALOG, {"staff": ["c"]}, SEOUL)
    evaluation = Evaluation(project.program, data, int(AT.timestamp()) * 1_000_000)
    words = reader(lang, SEOUL)  # type: ignore[arg-type]
    return explain(node, customer, evaluation, words), evaluation, project.program


def parts(part: Part) -> Iterator[Part]:
    yield part
    for item in part.items:
        yield from parts(item)


@pytest.mark.parametrize("customer", ["a", "b", "c"])
@pytest.mark.parametrize("line", LINES)
def test_every_part_agrees_with_what_stands_under_it(line: str, customer: str) -> None:
    found, evaluation, _ = asked(line, customer)
    code = list(evaluation.state.ids).index(customer)
    node = found.root.node
    assert isinstance(node, ir.Condition)
    assert found.root.holds == bool(evaluation.members(node)[code])
    for part in parts(found.root):
        answers = [item.holds for item in part.items]
        match part.node:
            case ir.And():
                assert part.holds == all(answers)
            case ir.Or():
                assert part.holds == any(answers)
            case ir.SegmentRef() | ir.ConditionAsOf() if answers:
                assert [part.holds] == answers
            case ir.Matches(_, low, high):
                assert part.events is not None
                assert part.holds == (low <= part.events.count and (high is None or part.events.count <= high))
            case ir.Aggregate(function="count"):
                assert part.events is not None
                assert part.value is not None
                assert part.value.value == part.events.count


def test_an_abandoner_is_told_by_the_events() -> None:
    found, _, program = asked("abandoner", "a")
    assert as_text(found, Style(program, SEOUL)) == (
        "a is in  2026-07-01 12:00 (Asia/Seoul)\n"
        "true   in segment `abandoner`:\n"
        "true     at least one `cart_added` in the last 7 days that no later `purchased` followed\n"
        "            1 matching\n"
        '              · 2026-06-30 09:00 cart_added (product "bag", amount 300)\n'
        "            2 not matching\n"
        '              · 2026-06-28 10:00 cart_added (product "hat", amount 200)'
        ' — followed by 2026-06-28 12:00 purchased (product "hat", amount 200)\n'
        '              · 2026-06-20 10:00 cart_added (product "hat", amount 100) — outside the time'
    )


def test_the_same_in_korean() -> None:
    found, _, program = asked("abandoner", "b", "ko")
    assert as_text(found, Style(program, SEOUL, "ko")) == (
        "b 해당하지 않음  2026-07-01 12:00 (Asia/Seoul)\n"
        "거짓  세그먼트 `abandoner`에 속함:\n"
        "거짓    최근 7일 이내 `cart_added` 중 그 뒤에 `purchased`이(가) 없었던 것이 1번 이상 있음\n"
        "            해당 0건"
    )


def test_values_and_definitions_are_opened() -> None:
    found, _, program = asked("big", "a")
    assert as_text(found, Style(program, SEOUL)) == (
        "a is not in  2026-07-01 12:00 (Asia/Seoul)\n"
        "false  in segment `big`:\n"
        "false    trait `spent` is at least 250:\n"
        "           trait `spent` = 200\n"
        "             the sum of `purchased.amount` = 200\n"
        "                1 matching\n"
        '                  · 2026-06-28 12:00 purchased (product "hat", amount 200)'
    )


def test_a_definition_is_opened_once_a_moment() -> None:
    found, *_ = asked("fallen", "a")
    opened = [p for p in parts(found.root) if isinstance(p.node, ir.SegmentRef) and p.node.name == "abandoner"]
    assert [bool(part.items) for part in opened] == [True, True]  # three days ago, and now
    twice, *_ = asked("abandoner or (abandoner and big)", "a")
    closed = [p.closed for p in parts(twice.root) if isinstance(p.node, ir.SegmentRef) and p.node.name == "abandoner"]
    assert closed == [False, True]


def test_personal_data_is_masked() -> None:
    found, _, program = asked("email contains 'anna' and visited", "b")
    masked = as_text(found, Style(program, SEOUL))
    assert "ben@" not in masked
    assert "1234" not in masked
    shown = as_text(found, Style(program, SEOUL, show_personal=True))
    assert "ben@example.com" in shown
    assert "010-1234-5678" in shown
    assert "ben@" not in str(as_json(found, Style(program, SEOUL)))
    derived, _, program = asked("last(visited.phone) is set", "b")
    assert "1234" not in as_text(derived, Style(program, SEOUL))
    country, _, program = asked("country = 'KR'", "a")
    assert '"KR"' not in as_text(country, Style(program, SEOUL, masked=frozenset({"country"}))).splitlines()[-1]


def test_json_has_the_same_tree() -> None:
    found, _, program = asked("abandoner", "a")
    record = as_json(found, Style(program, SEOUL))
    assert record["version"] == 1
    assert record["at"] == "2026-07-01T12:00:00+09:00"
    events = record["tree"]["items"][0]["events"]
    assert (events["matching"], events["others"]) == (1, 2)
    assert events["latest"][0]["properties"] == {"product": "bag", "amount": 300}
    assert events["left_out"][0]["decided_by"][0]["event"]["event"] == "purchased"
    assert events["left_out"][1]["reason"] == "time"


def test_an_unknown_customer_is_a_finding() -> None:
    with pytest.raises(DangolError) as raised:
        asked("abandoner", "nobody")
    assert raised.value.diagnostics[0].code == "E410"


def test_a_long_chain_of_definitions_ends() -> None:
    segments = {f"s{i}": f"s{i + 1}" for i in range(500)} | {"s500": "purchased"}
    project = checked_project(CATALOG, segments, {}, SEOUL)
    data = state(CUSTOMERS, EVENTS, CATALOG, {}, SEOUL)
    evaluation = Evaluation(project.program, data, int(AT.timestamp()) * 1_000_000)
    found = explain(ir.SegmentRef("s0"), "a", evaluation, reader())
    assert found.root.holds
    assert [part.closed for part in parts(found.root)][-1]


def test_needs_hold_every_property_of_the_events() -> None:
    _, _, program = asked("abandoner", "a")
    needs = explanation_needs([ir.SegmentRef("abandoner")], program, CATALOG)
    assert needs.events == {"cart_added": {"product", "amount"}, "purchased": {"product", "amount"}}
