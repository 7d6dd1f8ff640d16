"""The rules that need only the files: each finds its bad line and leaves a good one alone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dangol.playbook.project import load_project
from dangol.playbook.smart.rules import RULES
from dangol.views.reference import renewed

PAGE = Path(__file__).parents[3] / "docs/smart.md"
CONFIG = """\
project: shop
attributes: {vip: boolean}
events:
  visited: {}
  viewed: {product: text}
  cart_added: {product: text}
  purchased: {amount: number}
  refunded: {}
  email_clicked: {}
channels: {push: {address: id}, email: {address: id}}
"""
LIFT = "purchased within 7d up 20% vs control by 2027-03-31"
SPLIT = '{a: "a 50%, control 50%"}'
TIDY = {"rule": "cart_added → push split a", "kpi": LIFT}


def found(
    tmp_path: Path, scenario: dict[str, str], stage: str = "conversion", other: str = "", config: str = CONFIG
) -> list[str]:
    """`rule severity` of the findings about a project with this scenario."""
    (tmp_path / "playbooks").mkdir(exist_ok=True)
    (tmp_path / "dangol.yaml").write_text(config)
    body = "\n".join(f"    {key}: {value}" for key, value in scenario.items())
    text = f"playbook: one\nstage: {stage}\nsegments: {{buyer: purchased within 30d}}\nscenarios:\n  x:\n{body}\n"
    text += f"splits: {SPLIT}\nmessages: {{a: {{push: hello, email: hello}}}}\n"
    (tmp_path / "playbooks/one.yaml").write_text(text)
    if other:
        (tmp_path / "playbooks/two.yaml").write_text(other)
    return [f"{one.code} {one.severity}" for one in load_project(tmp_path).diagnostics]


CASES: list[tuple[str, dict[str, str], dict[str, str]]] = [
    # finding, lines that are found, lines that are not
    ("S01 warning", {"rule": "cart_added → push split a"}, TIDY),
    ("S01 warning", {"rule": 'visited → push "x"', "holdout": "10%"}, {"rule": 'visited → push "x"'}),
    (
        "S01 warning",
        {**TIDY, "kpi": f"[{LIFT}, {LIFT.replace('7d', '8d')}, {LIFT.replace('7d', '9d')}]"},
        {**TIDY, "kpi": f"[{LIFT}, {LIFT.replace('7d', '8d')}]"},
    ),
    (
        "S02 warning",
        {**TIDY, "kpi": "sum(purchased.amount within 7d) >= 100 by 2027-03-31"},
        {**TIDY, "kpi": "sum(purchased.amount within 7d) per customer >= 100 by 2027-03-31"},
    ),
    ("E310 error", {**TIDY, "kpi": LIFT.replace("20%", "20")}, TIDY),  # S04
    ("E310 error", {**TIDY, "kpi": f"sum(purchased.amount within 7d) {LIFT[20:]}"}, TIDY),  # S07
    ("E203 error", {**TIDY, "kpi": LIFT.replace("purchased", "engagement")}, TIDY),  # M01
    ("E111 error", {**TIDY, "kpi": LIFT.replace("2027-03-31", "March")}, TIDY),  # T01
    ("S06 warning", {"rule": "buyer → push a", "kpi": "purchased within 7d >= 5% by 2027-03-31"},
     {"rule": "buyer → push split a", "kpi": LIFT}),
    ("S06 warning", {"rule": "purchased and vip → push a", "kpi": "purchased within 7d >= 5% by 2027-03-31"},
     {"rule": "cart_added and not purchased → push a", "kpi": "purchased within 7d >= 5% by 2027-03-31"}),
    ("M09 warning", {**TIDY, "kpi": LIFT.replace("purchased", "email_clicked")}, TIDY),
    ("E311 error", {**TIDY, "kpi": LIFT.replace("purchased", "clicked")}, TIDY),  # M09 of our own messages
    (
        "M10 warning",
        {"rule": "visited → email a", "kpi": "opened within 2d >= 20% by 2027-03-31"},
        {"rule": "visited → push a", "kpi": "opened within 2d >= 20% by 2027-03-31"},
    ),
    ("R01 warning", {**TIDY, "kpi": LIFT.replace("purchased", "visited")}, TIDY),
    ("R07 error", {"rule": "visited → push a", "kpi": "clicked within 2d >= 5% by 2027-03-31"},
     {"rule": "visited → push a", "kpi": "clicked within 2d >= 5% by 2027-03-31",
      "guardrails": "unsubscribed within 7d <= 0.5%"}),
    ("R08 warning", {"rule": 'visited → push "10% 할인"', "kpi": "purchased within 7d >= 5% by 2027-03-31"},
     {"rule": 'visited → push "10% 할인"', "kpi": "purchased within 7d >= 5% by 2027-03-31",
      "guardrails": "sum(purchased.amount within 7d) per customer >= 1000"}),
    ("T04 error", {**TIDY, "schedule": "once at 2027-03-28T10:00"}, {**TIDY, "schedule": "once at 2027-03-20T10:00"}),
    ("E319 error", {**TIDY, "accept": "{R99: why}"}, {**TIDY, "accept": "{r08: the margin is known}"}),
]  # fmt: skip


@pytest.mark.parametrize(("finding", "bad", "good"), CASES, ids=lambda each: each if isinstance(each, str) else "")
def test_a_rule_finds_its_line_and_no_other(
    tmp_path: Path, finding: str, bad: dict[str, str], good: dict[str, str]
) -> None:
    assert finding in found(tmp_path, bad)
    assert finding not in found(tmp_path, good)


def test_a_tidy_target_has_no_finding(tmp_path: Path) -> None:
    assert found(tmp_path, TIDY) == []


@pytest.mark.parametrize(("stage", "fits"), [("awareness", False), ("interest", True), ("dormant", True)])
def test_what_fits_depends_on_the_stage(tmp_path: Path, stage: str, fits: bool) -> None:
    assert ("R01 warning" not in found(tmp_path, TIDY, stage)) == fits


def test_the_same_target_for_the_same_customers_twice(tmp_path: Path) -> None:
    twin = (
        f"playbook: two\nscenarios: {{y: {{rule: cart_added → push split a, kpi: {LIFT}}}}}\n"
        f"splits: {SPLIT}\nmessages: {{a: {{push: hello}}}}\n"
    )
    # a split's name is the playbook's own
    assert found(tmp_path, TIDY, other=twin) == ["S08 warning"]
    assert found(tmp_path, TIDY, other=twin.replace("rule: cart_added", "rule: visited")) == []
    apart = CONFIG + "namespaces: {shared: 'one/x 50%, two/y 50%'}\n"
    assert found(tmp_path, TIDY, other=twin, config=apart) == []


def test_a_warning_is_accepted_with_a_reason_and_an_error_is_not(tmp_path: Path) -> None:
    sale = {"rule": 'visited → push "10% 할인"', "kpi": "purchased within 7d >= 5% by 2027-03-31"}
    assert found(tmp_path, sale) == ["R08 warning"]
    assert found(tmp_path, {**sale, "accept": "{R08: the margin is known}"}) == []
    clicks = {"rule": "visited → push a", "kpi": "clicked within 2d >= 5% by 2027-03-31"}
    assert "R07 error" in found(tmp_path, {**clicks, "accept": "{R07: whatever}"}, "awareness")


def test_the_page_has_every_rule_and_is_up_to_date() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert renewed(text) == text, "run: python -m dangol.views.reference docs/smart.md"
    assert re.findall(r"^\| `([SMART]\d\d)`", text, re.MULTILINE) == list(RULES)


def test_what_the_language_settles_names_a_diagnostic_that_has_a_page() -> None:
    named = [rule.by for rule in RULES.values() if rule.by]
    assert named
    assert all((PAGE.parent / f"diagnostics/{code}.md").exists() for code in named)
