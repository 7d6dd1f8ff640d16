"""A reading says exactly what the node computes, in both languages, and no two nodes read the same."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import get_args

import pytest

from dangol.engine import ir
from dangol.engine.ir import Edge, Events, Follow, Matches, Point, Shift, Window
from dangol.engine.reading import in_full, read, walk
from dangol.engine.reading.josa import Particle, josa

SEOUL = "Asia/Seoul"
DAY = 86_400_000_000
JANUARY_1 = 1_767_193_200_000_000
"""2026-01-01 00:00 in Seoul."""


def back(days: float = 0, months: int = 0) -> Point:
    return Point("at", SEOUL, Shift(months=-months, micros=-round(days * DAY)))


def fixed(days: float = 0) -> Point:
    return Point("fixed", SEOUL, micros=JANUARY_1 + round(days * DAY))


def day(days: int = 0) -> Point:
    return Point("day", SEOUL, Shift(days=days))


def event(name: str = "purchased", window: Window | None = None, *follows: Follow) -> Events:
    return Events((name,), window, None, follows, name)


def unfollowed(name: str, gap: Shift | None = None, same: tuple[str, ...] = ()) -> Follow:
    return Follow("not_followed", event(name), gap, same, SEOUL)


WEEK = Window(Edge(back(7)))
CART = event("cart_added", WEEK, unfollowed("purchased"))
AMOUNT = ir.Aggregate("sum", event("purchased", WEEK), "amount", "number", SEOUL)
LAST_VISIT = ir.Aggregate("last", event("visited"), None, "instant", SEOUL)
COUNTRY = ir.Attribute("country", "text")
KOREA = ir.Constant("text", "KR")
IN_KOREA = ir.Compare("=", COUNTRY, KOREA)

READINGS = [
    (
        Matches(CART),
        "at least one `cart_added` in the last 7 days that no later `purchased` followed",
        "최근 7일 이내 `cart_added` 중 그 뒤에 `purchased`이(가) 없었던 것이 1번 이상 있음",
    ),
    (ir.Not(Matches(event())), "no `purchased`", "`purchased`이(가) 한 번도 없음"),
    (Matches(event("장바구니_담기"), 3), "at least 3 `장바구니_담기`", "`장바구니_담기`가 3번 이상 있음"),
    (Matches(event(), 1, 1), "exactly one `purchased`", "`purchased`이(가) 정확히 1번 있음"),
    (Matches(event(), 0, 2), "at most 2 (or no) `purchased`", "`purchased`이(가) 2번 이하(없어도 해당)"),
    (Matches(event(), 2, 5), "2 to 5 `purchased`", "`purchased`이(가) 2번 이상 5번 이하 있음"),
    (
        ir.Compare(">=", AMOUNT, ir.Constant("number", 100_000.0)),
        "the sum of `purchased.amount` in the last 7 days is at least 100,000",
        "최근 7일 이내 `purchased`의 `amount` 합계가 100,000 이상임",
    ),
    (
        ir.InWindow(LAST_VISIT, Window(high=Edge(back(60), open=True))),
        "the time of the last `visited` is more than 60 days ago",
        "마지막 `visited` 시각이 60일보다 더 전임",
    ),
    (
        ir.Not(IN_KOREA),
        '`country` is not "KR" (or is missing)',
        '`country`이(가) "KR"이(가) 아님(값이 없어도 해당)',
    ),
    (
        ir.Compare(">=", ir.Population("percentile", ir.TraitRef("spent", "number")), ir.Constant("number", 0.9)),
        "the percentile of trait `spent` among all customers (the share with a strictly lower value) is at least 90%",
        "전체 고객 중 특성 `spent`의 백분위(값이 더 낮은 고객의 비율)가 90% 이상임",
    ),
    (
        ir.ConditionAsOf(ir.SegmentRef("champion"), back(30)),
        "as of 30 days ago: [in segment `champion`]",
        "30일 전 기준으로 [세그먼트 `champion`에 속함]에 해당함",
    ),
    (
        ir.Top(ir.TraitRef("spent", "number"), None, Fraction(1, 10)),
        "among the top 10% (rounded up) of all customers by trait `spent` (highest first, ties by customer id)",
        "전체 고객 중 특성 `spent` 기준 상위 10%(인원은 올림, 높은 순, 같으면 고객 ID 순)에 듦",
    ),
]


@pytest.mark.parametrize(("node", "english", "korean"), READINGS)
def test_readings(node: ir.Node, english: str, korean: str) -> None:
    assert read(node) == english
    assert read(node, lang="ko") == korean


WINDOWS: list[tuple[Window | None, str, str]] = [
    (WEEK, "in the last 7 days", "최근 7일 이내"),
    (Window(Edge(back(1))), "in the last day", "최근 1일 이내"),
    (Window(Edge(back(1.5))), "in the last 36 hours", "최근 36시간 이내"),
    (Window(Edge(back(months=3))), "in the last 3 months", "최근 3개월 이내"),
    (Window(Edge(back(months=12))), "in the last year", "최근 1년 이내"),
    (
        Window(Edge(back(60)), Edge(back(30), open=True)),
        "more than 30 days and up to 60 days ago",
        "60일 전부터 30일 전까지(30일 전 시점은 제외)",
    ),
    (Window(high=Edge(back(60), open=True)), "more than 60 days ago", "60일보다 더 전"),
    (Window(Edge(fixed())), "from 2026-01-01 on (Asia/Seoul)", "2026-01-01부터(Asia/Seoul)"),
    (Window(Edge(fixed(0.5))), "from 2026-01-01 12:00 on (Asia/Seoul)", "2026-01-01 12:00부터(Asia/Seoul)"),
    (
        Window(Edge(fixed(0.5), open=True)),
        "after 2026-01-01 12:00 (Asia/Seoul)",
        "2026-01-01 12:00보다 나중(Asia/Seoul)",
    ),
    (Window(Edge(fixed(), open=True)), "after 2026-01-01 00:00 (Asia/Seoul)", "2026-01-01 00:00보다 나중(Asia/Seoul)"),
    (Window(high=Edge(fixed(), open=True)), "before 2026-01-01 (Asia/Seoul)", "2026-01-01 전(Asia/Seoul)"),
    (
        Window(high=Edge(fixed())),
        "no later than 2026-01-01 00:00 (Asia/Seoul)",
        "2026-01-01 00:00까지(그 시점 포함)(Asia/Seoul)",
    ),
    (Window(Edge(fixed()), Edge(fixed(1), open=True)), "on 2026-01-01 (Asia/Seoul)", "2026-01-01 하루(Asia/Seoul)"),
    (
        Window(Edge(fixed()), Edge(fixed(31), open=True)),
        "from 2026-01-01 to 2026-01-31, both days included (Asia/Seoul)",
        "2026-01-01부터 2026-01-31까지(두 날 모두 포함, Asia/Seoul)",
    ),
    (Window(Edge(day())), "today (Asia/Seoul)", "오늘(Asia/Seoul)"),
    (Window(Edge(day(-1)), Edge(day(), open=True)), "yesterday (Asia/Seoul)", "어제(Asia/Seoul)"),
    (Window(Edge(day(-1))), "from the start of yesterday on (Asia/Seoul)", "어제 시작부터(Asia/Seoul)"),
    (Window(Edge(Point("week", SEOUL))), "this week (Asia/Seoul, from Monday)", "이번 주(월요일부터, Asia/Seoul)"),
    (
        Window(Edge(Point("month", SEOUL, Shift(months=-1))), Edge(Point("month", SEOUL), open=True)),
        "last month (Asia/Seoul)",
        "지난달(Asia/Seoul)",
    ),
    (Window(Edge(Point("entry", SEOUL))), "from the entry on", "진입 시점부터"),
]


@pytest.mark.parametrize(("window", "english", "korean"), WINDOWS)
def test_windows_of_events(window: Window, english: str, korean: str) -> None:
    assert read(Matches(event(window=window))) == f"at least one `purchased` {english}"
    assert read(Matches(event(window=window)), lang="ko") == f"{korean} `purchased`이(가) 1번 이상 있음"


BIRTHDAY = ir.Attribute("birthday", "date")
DATE_WINDOWS = [
    (Window(Edge(day(-7)), Edge(day())), "today or in the last 7 days"),
    (Window(Edge(day()), Edge(day(7))), "today or in the next 7 days"),
    (Window(Edge(fixed()), Edge(fixed())), "on 2026-01-01 (Asia/Seoul)"),
    (Window(Edge(fixed()), Edge(fixed(30))), "from 2026-01-01 to 2026-01-31, both days included (Asia/Seoul)"),
    (Window(Edge(fixed(), open=True)), "after 2026-01-01 (Asia/Seoul)"),
    (Window(high=Edge(fixed(), open=True)), "before 2026-01-01 (Asia/Seoul)"),
    (Window(high=Edge(fixed())), "no later than 2026-01-01 (Asia/Seoul)"),
    (Window(Edge(day()), Edge(day(1), open=True)), "today (Asia/Seoul)"),
    (Window(Edge(day()), Edge(day())), "today (Asia/Seoul)"),
]


@pytest.mark.parametrize(("window", "english"), DATE_WINDOWS)
def test_windows_of_dates_name_days(window: Window, english: str) -> None:
    assert read(ir.InWindow(BIRTHDAY, window)) == f"`birthday` is {english}"


def test_an_instant_that_may_lie_ahead_is_not_said_to_be_past() -> None:
    assert read(ir.InWindow(LAST_VISIT, WEEK)) == "the time of the last `visited` is from 7 days ago on"
    both = Window(Edge(back(7)), Edge(back()))
    assert read(ir.InWindow(LAST_VISIT, both)) == "the time of the last `visited` is in the last 7 days"


def test_compound_conditions_stand_in_brackets() -> None:
    a, b, c = (Matches(event(name)) for name in "abc")
    assert read(ir.And((a, ir.Or((b, c))))) == ("at least one `a`, and [at least one `b`, or at least one `c`]")
    assert read(ir.Not(ir.And((a, ir.Not(b))))) == "not [at least one `a`, and no `b`]"
    assert read(ir.Not(Matches(event(), 3))) == "fewer than 3 `purchased` (or none)"
    assert read(ir.Not(Matches(event(), 2, 3))) == "not [2 to 3 `purchased`]"


def test_the_outline_numbers_every_member() -> None:
    a, b, c = (Matches(event(name)) for name in "abc")
    node = ir.And((a, ir.Or((b, ir.Not(ir.Or((a, c)))))))
    assert list(in_full(node)) == [
        "all of:",
        "   1. at least one `a`",
        "   2. any of:",
        "      2.1. at least one `b`",
        "      2.2. none of:",
        "         2.2.1. at least one `a`",
        "         2.2.2. at least one `c`",
    ]


def test_definitions_stand_behind_the_line_once_and_in_order() -> None:
    program = ir.Program(
        {"abandoner": Matches(CART), "target": ir.And((ir.SegmentRef("abandoner"), ir.SegmentRef("rich")))}
        | {"rich": ir.Compare(">=", ir.TraitRef("spent", "number"), ir.Constant("number", 5.0))},
        {"spent": AMOUNT},
    )
    assert read(ir.SegmentRef("target"), program) == (
        "in segment `target`. Segment `target`: in segment `abandoner`, and in segment `rich`. "
        "Segment `abandoner`: at least one `cart_added` in the last 7 days that no later `purchased` followed. "
        "Segment `rich`: trait `spent` is at least 5. "
        "Trait `spent`: the sum of `purchased.amount` in the last 7 days"
    )
    assert list(in_full(ir.SegmentRef("rich"), program, "ko"))[-2:] == [
        "특성 `spent`:",
        "   최근 7일 이내 `purchased`의 `amount` 합계",
    ]


def test_a_long_chain_of_definitions_and_negations_is_read() -> None:
    segments: dict[str, ir.Condition] = {f"s{i}": ir.SegmentRef(f"s{i + 1}") for i in range(3000)}
    assert read(ir.SegmentRef("s0"), ir.Program(segments)).count("Segment") == 3000
    node: ir.Condition = ir.SegmentRef("s")
    for _ in range(5001):
        node = ir.Not(node)
    assert read(node) == "not in segment `s`"


def every_condition() -> Iterator[ir.Condition]:
    """Many different conditions: every node, every window, count, sequence and negation."""
    windows = [None, *(window for window, *_ in WINDOWS)]
    counts = [(1, None), (2, None), (0, 1), (1, 1), (2, 3), (0, 0)]
    gaps = [None, Shift(micros=3 * DAY), Shift(months=1)]
    kinds = get_args(Follow.__annotations__["kind"]) or ("followed", "not_followed", "follows")
    for window, (low, high) in itertools.product(windows, counts):
        yield Matches(event(window=window), low, high)
    for kind, gap, same in itertools.product(kinds, gaps, [(), ("product",), ("product", "category")]):
        if kind != "follows" or gap is not None:
            follow = Follow(kind, event("visited"), gap, same, SEOUL)
            yield Matches(event("viewed", None, follow))
            yield Matches(event("viewed", WEEK, follow, unfollowed("purchased")))
            yield Matches(event("viewed", None, replace(follow, other=event("a", None, unfollowed("b")))))
    yield Matches(Events(("a", "b"), label="g"))
    yield Matches(Events(("a", "c"), label="g"))
    category = ir.Compare("=", ir.Property("category", "text"), ir.Constant("text", "dress"))
    for where in (category, ir.Not(category), ir.Or((category, IN_KOREA)), IN_KOREA):
        yield Matches(replace(event(), where=where))
        yield Matches(event("viewed", None, replace(unfollowed("x"), other=replace(event(), where=where))))
    for value, op in itertools.product(every_value(), get_args(ir.Compare.__annotations__["op"]) or ("=", "<", ">=")):
        yield ir.Compare(op, value, ir.Constant("number", 3.5))
    for value in every_value():
        yield ir.IsMissing(value)
        yield ir.Top(value, 500, None)
        yield ir.Top(value, None, Fraction(1, 8))
        yield ir.Truth(value)
        yield ir.OneOf(value, (ir.Constant("text", "a"), ir.Constant("text", "b")))
    for kind in ("contains", "starts with", "ends with", "matches", "has"):
        yield ir.TextTest(kind, COUNTRY, KOREA)
    for window, *_ in WINDOWS:
        yield ir.InWindow(LAST_VISIT, window or WEEK)
    for point in (back(30), back(months=1), fixed(), fixed(0.5), day(-1), day(), Point("entry", SEOUL)):
        yield ir.ConditionAsOf(ir.SegmentRef("a"), point)
    yield from (ir.SegmentRef("a"), ir.InList("a"), ir.Always(True), ir.And((ir.SegmentRef("a"), IN_KOREA)))
    yield from (ir.Or((ir.SegmentRef("a"), IN_KOREA)), ir.Not(ir.And((ir.SegmentRef("a"), IN_KOREA))))


def every_value() -> Iterator[ir.Value]:
    functions = ("count", "active_days", "gap", "first", "last")
    for function, window in itertools.product(functions, (None, WEEK)):
        kind: ir.Type = "instant" if function in ("first", "last") else "number"
        yield ir.Aggregate(function, event(window=window), None, kind, SEOUL)
    for function in ("sum", "avg", "min", "max", "distinct", "first", "last", "most"):
        yield ir.Aggregate(function, event(), "amount", "number", SEOUL)
        yield ir.Aggregate(function, CART, "amount", "number", SEOUL)
        yield ir.Aggregate(function, Events(("a", "b"), label="g"), "amount", "number", SEOUL)
    yield from (COUNTRY, BIRTHDAY, KOREA, ir.Constant("boolean", True), ir.Constant("date", 20_000))
    yield from (ir.Constant("version", "1.2.3"), ir.Constant("instant", JANUARY_1), ir.Property("p", "text"))
    yield from (ir.Now("instant", back()), ir.Now("date", day()), ir.Now("date", day(-1)))
    yield from (ir.DaysSince(LAST_VISIT, SEOUL), ir.DaysSince(BIRTHDAY, SEOUL), ir.DayOf(LAST_VISIT, SEOUL))
    yield from (ir.Anniversary(BIRTHDAY, SEOUL), ir.Flag(IN_KOREA), ir.TraitRef("t", "number"))
    yield ir.Arithmetic(AMOUNT, (("/", AMOUNT), ("*", ir.Constant("number", 2.0))))
    yield ir.Arithmetic(ir.Arithmetic(AMOUNT, (("-", AMOUNT),)), (("+", ir.Constant("number", 2.0)),))
    yield ir.Case(((IN_KOREA, AMOUNT),), None, "number")
    yield ir.Case(((IN_KOREA, AMOUNT),), ir.Constant("number", 0.0), "number")
    yield from (ir.Population(function, AMOUNT) for function in ("percentile", "quintile", "rank"))
    yield ir.SplitArm("copy", "salt", (("a", Fraction(1)),))
    yield from (ir.ValueAsOf(AMOUNT, point, "number") for point in (back(1), fixed()))


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_no_two_conditions_read_the_same(lang: str) -> None:
    seen: dict[str, ir.Condition] = {}
    for node in every_condition():
        for negated in (node, ir.Not(node)):
            if (
                isinstance(negated, ir.Not)
                and isinstance(node, Matches)
                and (node.low, node.high) in ((0, 0), (1, None))
            ):
                continue  # `not exactly 0` is `at least one`
            if isinstance(node, ir.Not):
                continue
            text = read(negated, lang=lang)  # type: ignore[arg-type]
            assert seen.setdefault(text, negated) == negated
    assert len(seen) > 500


def test_every_node_has_a_reading() -> None:
    found = {type(part) for node in every_condition() for part in walk(node)}
    assert {*get_args(ir.Condition), *get_args(ir.Value)} <= found | {ir.Not}


PARTICLES: list[tuple[str, Particle, str]] = [
    ("구매", "이/가", "구매가"),
    ("상품", "이/가", "상품이"),
    ("`구매`", "을/를", "`구매`를"),
    ("`purchased`", "이/가", "`purchased`이(가)"),
    ("서울", "(으)로", "서울로"),
    ("부산", "(으)로", "부산으로"),
    ("3", "이/가", "3이"),
    ("2", "이/가", "2가"),
    ("100", "은/는", "100은"),
    ("90%", "이/가", "90%가"),
    ("합계(서울)", "이/가", "합계(서울)가"),
    ("`a`(`b` 중 하나)", "이/가", "`a`(`b` 중 하나)이(가)"),
    ("()", "이/가", "()이(가)"),
    ("", "과/와", "과(와)"),
]


@pytest.mark.parametrize(("word", "particle", "expected"), PARTICLES)
def test_particles(word: str, particle: Particle, expected: str) -> None:
    assert josa(word, particle) == expected
