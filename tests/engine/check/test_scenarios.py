"""Scenarios: what starts an entry, what is asked again before a step, and every line beside a rule."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from dangol.engine import ir
from dangol.engine.check import check_beside
from tests.engine.check import shop

SEGMENTS = {
    "abandoner": "cart_added within 7d and not purchased",
    "big_cart": "sum(cart_added.amount within 7d) >= 10만",
    "outer": "abandoner and vip",
    "korean": 'country = "KR"',
}
ENTRY = ir.Edge(ir.Point("entry", shop.ZONE))
PURCHASED = ir.Events(("purchased",))
HOUR = 3_600_000_000
DAY = 24 * HOUR
VIP = ir.Truth(ir.Attribute("vip", "boolean"))


def scenario(rule: str, **lines: Any) -> ir.Scenario:
    found = shop.project(SEGMENTS, rule=rule, **lines)
    assert not [d for d in found.diagnostics if d.is_error], found.diagnostics
    return found.program.scenarios[0]


ANCHORS = [
    ("cart_added", "cart_added", None),
    ("cart_added within 7d and not purchased", "cart_added", None),
    ("cart_added since 2026-01-01 and vip", "cart_added", None),
    ("cart_added today", "cart_added", None),
    ("cart_added this month", "cart_added", None),
    ("did cart_added and vip", "cart_added", None),
    ("viewed 3+ times within 14d and not purchased", "viewed", None),
    ("cart_added followed by purchased", "cart_added", None),
    ("purchased within 3d of cart_added", "purchased", None),
    ("vip and (cart_added and korean)", "cart_added", None),
    ("cart_added and never visited and count(viewed) > 3", "cart_added", None),
    ("abandoner and big_cart", "cart_added", "abandoner"),
    ("abandoner", "cart_added", "abandoner"),
    ("outer and big_cart", "cart_added", "outer"),
    ("abandoner and visited", "visited", None),
    ("cart_added 3d..7d ago", None, None),
    ("cart_added more than 3d ago", None, None),
    ("cart_added yesterday", None, None),
    ("cart_added before 2026-01-01", None, None),
    ("cart_added on 2026-01-01", None, None),
    ("cart_added at most 2 times", None, None),
    ("cart_added and visited", None, None),
    ("cart_added 3d..7d ago and visited", None, None),
    ("cart_added or visited", None, None),
    ("never cart_added", None, None),
    ("vip", None, None),
    ("big_cart", None, None),
    ("vip_2026 and korean", None, None),
    ("(cart_added) as of 3d ago", None, None),
]


@pytest.mark.parametrize(("who", "anchor", "source"), ANCHORS)
def test_the_anchor(who: str, anchor: str | None, source: str | None) -> None:
    found = scenario(f'{who} → push "x"')
    assert (found.anchor and found.anchor.label, found.anchor_from) == (anchor, source)
    if anchor is None:
        assert found.still == found.who


def test_what_is_asked_again_drops_the_anchors_own_time_and_number() -> None:
    found = scenario('cart_added 2+ times within 7d and vip and not purchased → push "x"')
    (follow,) = found.anchor.follows if found.anchor else ()
    fixed = ir.Events(("cart_added",), ir.Window(ENTRY, ENTRY), None, (follow,))
    assert found.still == ir.And((ir.Matches(fixed), VIP))
    assert scenario('cart_added within 7d → push "x"').still == ir.Always(True)
    assert scenario('cart_added followed by visited and vip → push "x"').still == VIP


def test_what_is_asked_again_of_a_segment_that_was_opened() -> None:
    found = scenario('outer and big_cart → push "x"')
    assert isinstance(found.still, ir.And)
    fixed, *rest = found.still.items
    assert isinstance(fixed, ir.Matches)
    assert fixed.events.window == ir.Window(ENTRY, ENTRY)
    assert rest == [ir.SegmentRef("big_cart"), VIP]
    assert found.who == ir.And((ir.SegmentRef("outer"), ir.SegmentRef("big_cart")))


def test_a_filter_that_moves_is_not_asked_again() -> None:
    fixed = scenario('cart_added where product = "a" and not purchased → push "x"').still
    moving = scenario('cart_added where product = last(viewed.product) and not purchased → push "x"').still
    assert isinstance(fixed, ir.Matches)
    assert isinstance(moving, ir.Matches)
    assert fixed.events.where == ir.Compare("=", ir.Property("product", "text"), ir.Constant("text", "a"))
    assert moving.events.where is None


def test_phrases_in_a_step_count_from_the_entry() -> None:
    def asked(condition: str) -> ir.Condition | None:
        return scenario(f'vip → if {condition} push "x"').steps[0].condition

    since = ir.Events(("purchased",), ir.Window(ENTRY))
    assert asked("purchased") == ir.Matches(since)
    assert asked("not purchased") == ir.Not(ir.Matches(since))
    assert asked("visited within 1d and not purchased") == ir.And(
        (
            ir.Matches(ir.Events(("visited",), ir.Window(ir.Edge(ir.Point("at", shop.ZONE, ir.Shift(micros=-DAY)))))),
            ir.Not(ir.Matches(since)),
        )
    )
    assert asked("did purchased") == ir.Matches(PURCHASED)
    assert asked("never purchased") == ir.Not(ir.Matches(PURCHASED))
    assert asked("purchased since entry") == ir.Matches(since)
    assert asked("abandoner") == ir.SegmentRef("abandoner")
    follows = ir.Follow("followed", ir.Events(("visited",)), None, (), shop.ZONE)
    assert asked("purchased followed by visited") == ir.Matches(
        ir.Events(("purchased",), ir.Window(ENTRY), None, (follows,))
    )


def test_steps() -> None:
    found = scenario(
        "cart_added → after 1h push hello → wait until 10:00 if not purchased push hello else email hello "
        '→ after 1d at 10:00 push "now" → wait 1d stop',
        messages={"hello": ["push", "email"]},
    )
    assert [step.due for step in found.steps] == [
        ir.Due("after", ir.Shift(micros=HOUR), None, shop.ZONE),
        ir.Due("wait", None, 600, shop.ZONE),
        ir.Due("after", ir.Shift(micros=DAY), 600, shop.ZONE),
        ir.Due("wait", ir.Shift(micros=DAY), None, shop.ZONE),
    ]
    assert found.steps[1].sends == (ir.Send("push", message="hello"), ir.Send("email", message="hello"))
    assert found.steps[2].sends == (ir.Send("push", inline="now"),)
    assert found.steps[3].sends == ()


def test_a_split_is_a_message_and_a_value() -> None:
    found = scenario(
        'vip → push split copy → wait 1d if copy = "a" push "x"',
        splits={"copy": "a 45%, b 45%, control 10%"},
        messages={"a": ["push"], "b": []},
    )
    arms = (("a", Fraction(9, 20)), ("b", Fraction(9, 20)), ("control", Fraction(1, 10)))
    assert found.splits == (ir.Split("copy", "cart/copy", arms),)
    assert found.steps[0].sends == (ir.Send("push", split="copy"),)
    assert found.steps[1].condition == ir.Compare("=", ir.SplitArm("copy", "cart/copy", arms), ir.Constant("text", "a"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0 10 * * 1-5", ir.Schedule(shop.ZONE, cron="0 10 * * 1-5")),
        ("every 10min", ir.Schedule(shop.ZONE, every=ir.Shift(micros=HOUR // 6))),
        ("daily at 10:30", ir.Schedule(shop.ZONE, cron="30 10 * * *")),
        ("weekly on Mon at 09:00", ir.Schedule(shop.ZONE, cron="0 9 * * 1")),
        ("weekly on Sun, Fri at 09:00", ir.Schedule(shop.ZONE, cron="0 9 * * 0,5")),
        ("once at 2026-01-01T10:00", ir.Schedule(shop.ZONE, once=1_767_229_200_000_000)),
    ],
)
def test_schedules(text: str, expected: ir.Schedule) -> None:
    assert scenario('vip → push "x"', schedule=text).schedule == expected


def test_lines_beside() -> None:
    found = scenario(
        'cart_added → push "x"', caps=["2 per 7d", "1 per calendar week on push"], quiet="21:00–08:00",
        again="after 30d", expires="36h", limit="5000", priority="3", holdout="10%",
        exits=["purchased", "never visited"],
    )  # fmt: skip
    week = ir.Cap(1, "week", "push", shop.ZONE)
    assert found.caps == (ir.Cap(2, ir.Shift(micros=7 * DAY), None, shop.ZONE), week)
    assert found.quiet == ir.Quiet(1260, 480, shop.ZONE)
    assert found.again == ir.Again("after", ir.Shift(micros=30 * DAY), shop.ZONE)
    assert (found.expires, found.limit, found.priority) == (ir.Shift(micros=36 * HOUR), 5000, 3)
    assert found.holdout == Fraction(1, 10)
    assert found.exits[0] == ir.Matches(ir.Events(("purchased",), ir.Window(ENTRY)))
    plain = scenario('vip → push "x"')
    assert (plain.again, plain.expires, plain.limit, plain.priority) == (ir.Again(zone=shop.ZONE), None, None, 0)


WEEK = ir.Shift(micros=7 * DAY)
RATE = ir.Metric(PURCHASED, None, None, WEEK, shop.ZONE)
SUM = ir.Metric(PURCHASED, "sum", "amount", WEEK, shop.ZONE)
CLICKED = ir.Metric(ir.Events(("clicked",)), None, None, WEEK, shop.ZONE, ledger=True)
BY = 20818


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("purchased within 7d >= 5%", ir.Kpi(RATE, None, ">=", Fraction(1, 20), False, None, None, BY, shop.ZONE)),
        ("purchased within 7d up 20% vs holdout",
         ir.Kpi(RATE, None, "up", Fraction(1, 5), False, "holdout", None, BY, shop.ZONE)),
        ("purchased within 7d down 2pp vs control",
         ir.Kpi(RATE, None, "down", Fraction(1, 50), True, "control", None, BY, shop.ZONE)),
        ("purchased within 7d with same product up 20% from 10%",
         ir.Kpi(RATE, None, "up", Fraction(1, 5), False, None, Fraction(1, 10), BY, shop.ZONE, ("product",))),
        ("sum(purchased.amount within 7d) per customer up 10% vs control",
         ir.Kpi(SUM, "customer", "up", Fraction(1, 10), False, "control", None, BY, shop.ZONE)),
        ("sum(purchased.amount within 7d) per purchased up 5% from 42000",
         ir.Kpi(SUM, PURCHASED, "up", Fraction(1, 20), False, None, Fraction(42000), BY, shop.ZONE)),
        ("clicked within 7d >= 5%", ir.Kpi(CLICKED, None, ">=", Fraction(1, 20), False, None, None, BY, shop.ZONE)),
    ],
)  # fmt: skip
def test_targets(text: str, expected: ir.Kpi) -> None:
    found = scenario(
        "cart_added → push split copy", kpis=[f"{text} by 2026-12-31"], holdout="10%",
        splits={"copy": "a 90%, control 10%"}, messages={"a": ["push"]},
    )  # fmt: skip
    assert found.kpis == (expected,)


def test_a_winner() -> None:
    found = scenario(
        "cart_added → push split copy", splits={"copy": "a 50%, b 50%"}, messages={"a": ["push"], "b": ["push"]},
        winner="by clicked within 7d at 95% after 1000 each → send to rest",
    )  # fmt: skip
    assert found.winner == ir.Winner("copy", CLICKED, Fraction(19, 20), 1000)


def test_a_line_of_the_project() -> None:
    answer, found = check_beside(shop.written("2 per 7d", "cap"), shop.ZONE)
    assert (answer, found) == (ir.Cap(2, WEEK, None, shop.ZONE), [])
    answer, found = check_beside(shop.written("100%", "holdout"), shop.ZONE)
    assert answer is None
    assert [d.code for d in found] == ["E307"]


def test_a_broken_part_leaves_the_scenario_out_and_is_said_once() -> None:
    found = shop.project({"bad": "country < 3"}, rule='bad → push "x" → if bad psh "y"')
    assert [d.code for d in found.diagnostics] == ["E209", "E301"]
    assert not found.program.scenarios
