"""Values and comparisons: every row of the table of functions and operators as IR."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from dangol.engine import ir
from dangol.engine.operators import FUNCTIONS, OPERATORS
from tests.engine.check import shop

PURCHASED = ir.Events(("purchased",))
VISITED = ir.Events(("visited",))


def aggregate(function: Any, prop: str | None, kind: Any, events: ir.Events = PURCHASED) -> ir.Aggregate:
    return ir.Aggregate(function, events, prop, kind, shop.ZONE)


def number(value: float) -> ir.Constant:
    return ir.Constant("number", value)


AGE = ir.Attribute("age", "number")
COUNTRY = ir.Attribute("country", "text")
SIGNED = ir.Attribute("signed_up_at", "instant")
BIRTHDAY = ir.Attribute("birthday", "date")
VERSION = ir.Attribute("app_version", "version")
TAGS = ir.Attribute("tags", "list")
LAST = aggregate("last", None, "instant", VISITED)
TODAY = ir.Now("date", ir.Point("day", shop.ZONE))

VALUES = [
    ("count(purchased)", aggregate("count", None, "number")),
    ("sum(purchased.amount)", aggregate("sum", "amount", "number")),
    ("avg(purchased.amount)", aggregate("avg", "amount", "number")),
    ("min(purchased.amount)", aggregate("min", "amount", "number")),
    ("max(purchased.due)", aggregate("max", "due", "date")),
    ("distinct(purchased.product)", aggregate("distinct", "product", "number")),
    ("active_days(visited)", aggregate("active_days", None, "number", VISITED)),
    ("first(purchased)", aggregate("first", None, "instant")),
    ("last(visited)", LAST),
    ("last(purchased.category)", aggregate("last", "category", "text")),
    ("most(purchased.category)", aggregate("most", "category", "text")),
    ("gap(purchased)", aggregate("gap", None, "number")),
    ("days_since(visited)", ir.DaysSince(LAST, shop.ZONE)),
    ("days_since(last(visited))", ir.DaysSince(LAST, shop.ZONE)),
    ("days_since(birthday)", ir.DaysSince(BIRTHDAY, shop.ZONE)),
    ("anniversary(birthday)", ir.Anniversary(BIRTHDAY, shop.ZONE)),
    ("percentile(age)", ir.Population("percentile", AGE)),
    ("quintile(age)", ir.Population("quintile", AGE)),
    ("rank(signed_up_at)", ir.Population("rank", SIGNED)),
    ("customer.age", AGE),
    ("10만", number(100_000.0)),
    ("30%", number(0.3)),
    ("age + 1 - 2", ir.Arithmetic(AGE, (("+", number(1)), ("-", number(2))))),
    ("age * 2 / 3", ir.Arithmetic(AGE, (("*", number(2)), ("/", number(3))))),
    ("-age", ir.Arithmetic(number(-1), (("*", AGE),))),
    ("case when vip then 1 else age end",
     ir.Case(((ir.Truth(ir.Attribute("vip", "boolean")), number(1)),), AGE, "number")),
    ("today", TODAY),
    ("yesterday", ir.Now("date", ir.Point("day", shop.ZONE, ir.Shift(days=-1)))),
    ("now", ir.Now("instant", ir.Point("at", shop.ZONE))),
    ("(age) as of 30d ago",
     ir.ValueAsOf(AGE, ir.Point("at", shop.ZONE, ir.Shift(micros=-30 * 86_400_000_000)), "number")),
]  # fmt: skip


@pytest.mark.parametrize(("line", "expected"), VALUES, ids=lambda v: v if isinstance(v, str) else "")
def test_a_value(line: str, expected: ir.Value) -> None:
    assert shop.read(line) == expected


def test_every_function_of_the_table_works_as_its_example() -> None:
    for function in FUNCTIONS.values():
        assert any(line.startswith(f"{function.name}(") for line, _ in VALUES)
        shop.read(function.example, traits={"ltv": "sum(purchased.amount)"})


CONDITIONS = [
    ("age = 25", ir.Compare("=", AGE, number(25))),
    ("age != 25", ir.Not(ir.Compare("=", AGE, number(25)))),
    *((f"age {op} 25", ir.Compare(op, AGE, number(25))) for op in ("<", "<=", ">", ">=")),
    ("birthday = today", ir.Compare("=", BIRTHDAY, TODAY)),
    ("signed_up_at <= 2026-01-31", ir.Compare("<=", ir.DayOf(SIGNED, shop.ZONE), ir.Constant("date", 20484))),
    ("2026-01-31 >= signed_up_at", ir.Compare(">=", ir.Constant("date", 20484), ir.DayOf(SIGNED, shop.ZONE))),
    ("signed_up_at > birthday", ir.Compare(">", ir.DayOf(SIGNED, shop.ZONE), BIRTHDAY)),
    ("signed_up_at > last(visited)", ir.Compare(">", SIGNED, LAST)),
    ('app_version >= "4.10"', ir.Compare(">=", VERSION, ir.Constant("version", "4.10"))),
    ('app_version in ("4.10", "5")',
     ir.OneOf(VERSION, (ir.Constant("version", "4.10"), ir.Constant("version", "5")))),
    ('country in ("KR", "US")', ir.OneOf(COUNTRY, (ir.Constant("text", "KR"), ir.Constant("text", "US")))),
    ('country not in ("KR")', ir.Not(ir.OneOf(COUNTRY, (ir.Constant("text", "KR"),)))),
    ("signed_up_at in (2026-01-31)", ir.OneOf(ir.DayOf(SIGNED, shop.ZONE), (ir.Constant("date", 20484),))),
    ("age between 18 and 30", ir.And((ir.Compare(">=", AGE, number(18)), ir.Compare("<=", AGE, number(30))))),
    ('country contains "K"', ir.TextTest("contains", COUNTRY, ir.Constant("text", "K"))),
    ('country starts with "K"', ir.TextTest("starts with", COUNTRY, ir.Constant("text", "K"))),
    ('country ends with "K"', ir.TextTest("ends with", COUNTRY, ir.Constant("text", "K"))),
    ("country matches /^K/", ir.TextTest("matches", COUNTRY, ir.Constant("text", "^K"))),
    ('tags has "vip"', ir.TextTest("has", TAGS, ir.Constant("text", "vip"))),
    ("country is set", ir.Not(ir.IsMissing(COUNTRY))),
    ("country is missing", ir.IsMissing(COUNTRY)),
    ("vip", ir.Truth(ir.Attribute("vip", "boolean"))),
    ("not vip", ir.Not(ir.Truth(ir.Attribute("vip", "boolean")))),
    ("vip = true", ir.Compare("=", ir.Attribute("vip", "boolean"), ir.Constant("boolean", True))),
    ("true", ir.Always(True)),
    ("top 10% by age", ir.Top(AGE, None, Fraction(1, 10))),
    ("top 500 by age", ir.Top(AGE, 500, None)),
    ("vip_2026", ir.InList("vip_2026")),
    ('customer.id = "c1"', ir.Compare("=", ir.Attribute("id", "text"), ir.Constant("text", "c1"))),
    ("purchased", ir.Matches(PURCHASED)),
    ("did purchased", ir.Matches(PURCHASED)),
    ("never purchased", ir.Not(ir.Matches(PURCHASED))),
    ("last(purchased.gift)", ir.Truth(aggregate("last", "gift", "boolean"))),
    ("(visited) as of 2026-01-01", ir.ConditionAsOf(
        ir.Matches(VISITED), ir.Point("fixed", shop.ZONE, micros=1_767_193_200_000_000))),
]  # fmt: skip


@pytest.mark.parametrize(("line", "expected"), CONDITIONS, ids=lambda v: v if isinstance(v, str) else "")
def test_a_condition(line: str, expected: ir.Condition) -> None:
    assert shop.read(line) == expected


def test_every_operator_of_the_table_is_tested() -> None:
    lines = " ".join(line for line, _ in [*CONDITIONS, *VALUES])
    for operator in OPERATORS:
        assert all(f" {word} " in f" {lines} " for word in operator.name.split(" … ")), operator.name


def test_a_where_sees_properties_first_then_customer_level_values() -> None:
    found = shop.read("viewed where (product = last(cart_added.product) and price > age)")
    product = ir.Compare(
        "=", ir.Property("product", "text"), aggregate("last", "product", "text", ir.Events(("cart_added",)))
    )
    price = ir.Compare(">", ir.Property("price", "number"), AGE)
    assert found.events.where == ir.And((product, price))


def test_a_time_clause_after_a_property_is_the_propertys() -> None:
    found = shop.read("visited where at_local within 1d within 7d")
    day = 86_400_000_000
    assert found.events.where == ir.InWindow(
        ir.Property("at_local", "instant"),
        ir.Window(ir.Edge(ir.Point("at", shop.ZONE, ir.Shift(micros=-day))), ir.Edge(ir.Point("at", shop.ZONE))),
    )
    assert found.events.window == ir.Window(ir.Edge(ir.Point("at", shop.ZONE, ir.Shift(micros=-7 * day))))


def test_a_function_of_a_property_stays_with_the_event() -> None:
    found = shop.read("visited where (days_since(at_local) > 3)")
    assert found.events.where == ir.Compare(">", ir.DaysSince(ir.Property("at_local", "instant"), shop.ZONE), number(3))
