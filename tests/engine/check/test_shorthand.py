"""The one shorthand: what a bare `not B` in a conjunction reads as."""

from __future__ import annotations

import pytest

from tests.engine.check import shop

DEFINED = {
    "regular": "purchased 3+ times",
    "abandoner": "cart_added within 7d and not purchased",
    "quiet": "never visited",
    "korean": 'country = "KR"',
    "chain": "link and vip",
    "link": "viewed within 3d",
}
TRAITS = {"seen": "last(visited)", "spent": "sum(purchased.amount)"}
SAME = [
    ("cart_added within 7d and not purchased", "cart_added within 7d not followed by purchased"),
    ("not purchased and cart_added", "cart_added not followed by purchased"),
    ("viewed 3+ times within 14d and not purchased", "viewed 3+ times within 14d not followed by purchased"),
    ("(cart_added) and (not (purchased))", "cart_added not followed by purchased"),
    ("did cart_added and not purchased", "cart_added not followed by purchased"),
    ("(cart_added and vip) and not purchased", "cart_added not followed by purchased and vip"),
    ("cart_added and not purchased where gift = true", "cart_added not followed by purchased where gift = true"),
    ("cart_added and not purchased and not visited",
     "cart_added not followed by purchased not followed by visited"),
    ("cart_added and not (purchased or visited)", "cart_added not followed by purchased not followed by visited"),
    ("cart_added and not (purchased or (visited or viewed))",
     "cart_added not followed by purchased not followed by visited not followed by viewed"),
    ("cart_added followed by visited and not purchased", "cart_added followed by visited not followed by purchased"),
    ("cart_added and not did purchased", "cart_added and never purchased"),
    ("vip and not purchased", "vip and never purchased"),
    ("korean and vip_2026 and not purchased", "korean and vip_2026 and never purchased"),
    ("purchased within 3d and not purchased", "purchased within 3d and never purchased"),
    ("regular and not purchased", "regular and never purchased"),
    ("spent > 3 and not purchased", "spent > 3 and never purchased"),
    ("quiet and cart_added and not purchased", "quiet and cart_added not followed by purchased"),
    ("never visited and cart_added and not purchased", "never visited and cart_added not followed by purchased"),
    ("not visited within 3d and cart_added and not purchased",
     "not visited within 3d and cart_added not followed by purchased"),
    ("cart_added and not purchased and purchased within 30d",
     "cart_added not followed by purchased and purchased within 30d"),
    ("active within 30d and not visited", "active within 30d not followed by visited"),
    ("visited and not active", "visited not followed by active"),
    ("vip or (cart_added and not purchased)", "vip or cart_added not followed by purchased"),
]  # fmt: skip


@pytest.mark.parametrize(("short", "full"), SAME)
def test_reads_as(short: str, full: str) -> None:
    assert shop.read(short, DEFINED, TRAITS) == shop.read(full, DEFINED, TRAITS)


PLAIN = ["not purchased", "vip or not purchased", "not (purchased or visited)", "vip and not not purchased"]


@pytest.mark.parametrize("line", PLAIN)
def test_elsewhere_it_is_plain_negation(line: str) -> None:
    full = line.replace("not purchased", "not did purchased").replace("(purchased or", "(did purchased or")
    assert shop.read(line) == shop.read(full)


UNCLEAR = [
    ("cart_added and viewed and not purchased", ["cart_added", "viewed"]),
    ("cart_added and cart_added within 3d and not purchased", ["cart_added", "cart_added within 3d"]),
    ("(vip or cart_added) and not purchased", ["cart_added"]),
    ("count(viewed within 3d) > 2 and not purchased", ["viewed within 3d"]),
    ("sum(cart_added.amount) > 2 and not purchased", ["cart_added"]),
    ("case when viewed then 1 end = 1 and not purchased", ["viewed"]),
    ("(viewed) as of 3d ago and not purchased", ["viewed"]),
    ("viewed at most 2 times and not purchased", ["viewed at most 2 times"]),
    ("viewed exactly 0 times and not purchased", ["viewed exactly 0 times"]),
    ("abandoner and not visited", ["cart_added within 7d"]),
    ("abandoner and viewed and not visited", ["cart_added within 7d", "viewed"]),
    ("chain and not visited", ["viewed within 3d"]),
    ("days_since(purchased) > 3 and not viewed", ["purchased"]),
    ("seen within 3d and not purchased", ["visited"]),
    ("top 10% by seen and not purchased", ["visited"]),
]


@pytest.mark.parametrize(("line", "rivals"), UNCLEAR)
def test_anything_else_is_an_error_with_every_reading(line: str, rivals: list[str]) -> None:
    node, (found,) = shop.answer(line, DEFINED, TRAITS)
    assert node is None
    assert found.code == "E211"
    b = line.rsplit("not ", 1)[1]
    assert list(found.hints) == [f"write `never {b}`", *(f"write `{rival} not followed by {b}`" for rival in rivals)]
    for hint in found.hints:
        shop.read(line.replace(f"not {b}", hint[7:-1]), DEFINED, TRAITS)
