"""Definitions over all files: order, rings, what does not cascade, and bounds."""

from __future__ import annotations

import time

from dangol.diagnostics import Line
from dangol.engine import ir
from dangol.engine.check import Definition, check, check_condition
from tests.engine.check import shop


def test_the_order_does_not_matter() -> None:
    found = shop.project({"c": "b and vip", "b": "a > 3"}, {"a": "sum(purchased.amount)"})
    assert not found.diagnostics
    assert found.types == {"a": "number", "b": "boolean", "c": "boolean"}
    assert found.program.segments["c"] == ir.And((ir.SegmentRef("b"), ir.Truth(ir.Attribute("vip", "boolean"))))
    assert found.program.segments["b"] == ir.Compare(">", ir.TraitRef("a", "number"), ir.Constant("number", 3.0))


def test_a_broken_definition_is_reported_once() -> None:
    found = shop.project({"a": "country < 3", "b": "a and vip", "c": "not b"})
    assert [d.code for d in found.diagnostics] == ["E209"]
    assert not found.program.segments


def test_what_did_not_parse_is_not_reported_again() -> None:
    line = shop.written("unread and vip", "expression")
    definition = Definition("segment", "b", line.line, line.tree, shop.ZONE)
    assert not check(shop.CATALOG, [definition], broken=frozenset({"unread"})).diagnostics


def test_a_property_hides_a_trait_of_its_name() -> None:
    found = shop.project(traits={"amount": "sum(purchased.amount where amount > 3)"})
    assert not found.diagnostics
    assert found.types == {"amount": "number"}


def test_names_are_normalised() -> None:
    found = shop.project({"카페": "vip", "b": "카페"})
    assert not found.diagnostics


def test_library_names() -> None:
    found = shop.project({"lib.champion": "purchased 5+ times", "mine": "lib.champion and vip"})
    assert not found.diagnostics
    assert shop.read("lib.champion", {"lib.champion": "vip"}) == ir.SegmentRef("lib.champion")


def test_a_long_chain_of_definitions() -> None:
    segments = {f"s{i}": f"s{i + 1} and vip" for i in range(3000)} | {"s3000": "visited"}
    start = time.perf_counter()
    found = shop.project(segments)
    assert not found.diagnostics
    assert len(found.program.segments) == 3001
    assert time.perf_counter() - start < 10


def test_a_long_ring() -> None:
    segments = {f"s{i}": f"s{(i + 1) % 2000}" for i in range(2000)}
    (ring,) = shop.project(segments).diagnostics
    assert ring.code == "E204"
    assert ring.message == "`s0` is defined by itself: s0 → s1 → s2 → s3 → s4 → … → s1996 → s1997 → s1998 → s1999 → s0"


def test_a_chain_of_time_travel_that_doubles_is_bounded() -> None:
    segments = {"s0": "visited"}
    for i in range(40):
        segments[f"s{i + 1}"] = f"s{i} and s{i} as of {i + 1}mo ago"
    start = time.perf_counter()
    assert [d.code for d in shop.project(segments).diagnostics] == ["E220"]
    assert time.perf_counter() - start < 5


def test_a_chain_of_equal_steps_is_fine() -> None:
    segments = {"s0": "visited"} | {f"s{i + 1}": f"s{i} and s{i} as of 1d ago" for i in range(400)}
    assert not shop.project(segments).diagnostics


def test_only_a_condition_will_do() -> None:
    line = shop.written("sum(purchased.amount)", "expression")
    node, (found,) = check_condition(line.tree, line.line, shop.ZONE, check(shop.CATALOG))
    assert (node, found.code) == (None, "E207")


def test_deep_brackets_and_long_chains() -> None:
    brackets = "(" * 45 + "visited or vip" + ")" * 45
    assert isinstance(shop.read(brackets), ir.Or)
    chain = " and ".join(["vip"] * 1000)
    assert len(shop.read(chain).items) == 1000
    assert len(shop.read("1" + " + 1" * 2000).rest) == 2000


def test_places_are_those_of_the_line() -> None:
    line = Line.of("vip and countri is set", "playbooks/a.yaml")
    from dangol.grammar.parser import parse

    tree, _ = parse(line, "expression")
    (found,) = check(shop.CATALOG, [Definition("segment", "a", line, tree)]).diagnostics  # type: ignore[arg-type]
    assert (found.file, found.line, found.column, found.end_column) == ("playbooks/a.yaml", 1, 9, 16)
