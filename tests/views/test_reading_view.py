"""What `dangol explain` reads: a scenario that stands in no playbook, and a whole playbook."""

from __future__ import annotations

import pytest

import dangol
from dangol.diagnostics import DangolError
from dangol.views import explain
from tests.runner.shops import shop

PLAYBOOK = """playbook: cart
owner: growth
stage: conversion
segments: {rich: 'grade = "gold"'}
traits: {spent: sum(purchased.amount)}
scenarios:
  nudge: {rule: rich → push split copy}
  later: {rule: 'cart_added → after 1h push hello', enabled: false}
splits:
  copy: hello 50%, bye 50%
messages:
  hello: {push: Hello, sms: Hello}
  bye: {push: Bye}
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> dangol.Project:
    return shop(tmp_path_factory.mktemp("shop"), PLAYBOOK, [{"id": "a"}], ["a wished 2026-03-01T10:00"])


def read(project: dangol.Project, what: str) -> list[str]:
    return explain.reading(project, what, "en")[0].splitlines()


def test_a_scenario_line_reads_like_a_scenario(project: dangol.Project) -> None:
    written = read(project, "rich → push split copy")
    assert written == read(project, "cart/nudge") == read(project, "nudge")
    assert written[0] == "who: in segment `rich`"
    assert read(project, 'cart_added -> after 1h push "x"')[3] == '   1. 1 hour after the entry: push "x"'


@pytest.mark.parametrize(
    ("line", "code", "column"),
    [
        ('visitd → push "x"', "E203", 1), ('visited → pusch "x"', "E301", 11), ("visited → push nothing", "E302", 16),
        ('visited → after push "x"', "E111", 17), ("grade => 30", "E116", 7), ("visited →", "E111", 10),
    ],
)  # fmt: skip
def test_what_is_wrong_with_one_is_told_at_its_place(
    project: dangol.Project, line: str, code: str, column: int
) -> None:
    with pytest.raises(DangolError) as caught:
        read(project, line)
    assert [(one.code, one.column) for one in caught.value.diagnostics] == [(code, column)]


def test_an_arrow_in_a_text_is_a_text(project: dangol.Project) -> None:
    assert read(project, 'grade = "a -> b"') == ['`grade` is "a -> b"']


def test_an_event_that_only_the_data_know(project: dangol.Project) -> None:
    assert read(project, "wished → push hello")[0] == "who: at least one `wished`"


def test_a_playbook_lists_what_it_says(project: dangol.Project) -> None:
    assert read(project, "cart") == [
        "cart (playbooks/p.yaml): owner growth, stage conversion, timezone Asia/Seoul",
        "segments:",
        '   rich: `grade` is "gold"',
        "traits:",
        "   spent: the sum of `purchased.amount`",
        "scenarios:",
        "   nudge: in segment `rich` → (1) at once: push by split `copy` (hello 50%, bye 50%) [state-based: the first "
        "evaluation that finds the customer in it]",
        "   later (disabled): at least one `cart_added` → (1) 1 hour after the entry: push message `hello` "
        "[event-anchored: the time of the latest `cart_added`]",
        "messages:",
        "   hello: push, sms",
        "   bye: push",
    ]
    data = explain.reading(project, "cart", "en")[1]
    assert (data["playbook"], data["disabled"], data["messages"]["hello"]) == ("cart", ["later"], ["push", "sms"])


def test_a_playbook_has_no_members(project: dangol.Project) -> None:
    with pytest.raises(DangolError, match=r"E510.*this is a playbook"):
        project.explain("cart", "a")
