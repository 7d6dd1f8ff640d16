"""The dry run: who is hit, and at which gate everyone else of the audience stops."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from dangol.diagnostics import DangolError
from tests.runner.shops import NOON, held, only, sent, shop

EVERYBODY = [{"id": f"c{n}"} for n in range(400)]


def rule(line: str, beside: str = "", more: str = "") -> str:
    return f"playbook: p\nscenarios:\n  s:\n    rule: {line}\n{beside}{more}"


def test_everyone_is_somewhere(tmp_path: Path) -> None:
    customers = [
        {"id": "yes"},
        {"id": "no", "ok_push": "false"},
        {"id": "unsaid", "ok_push": ""},
        {"id": "nowhere", "token": ""},
    ]
    plan = only(shop(tmp_path, rule('grade = "gold" → push "Hi"'), customers).plan(NOON))
    assert sent(plan) == {"yes": ("push", 1)}
    assert held(plan) == {"no consent": 2, "no address": 1}


def test_else_is_tried_when_the_channel_is_closed(tmp_path: Path) -> None:
    customers = [
        {"id": "both"},
        {"id": "phone", "token": ""},
        {"id": "neither", "token": "", "ok_sms": ""},
        {"id": "nothing", "ok_push": "false", "ok_sms": "false"},
    ]
    plan = only(shop(tmp_path, rule('grade = "gold" → push "Hi" else sms "Hi"'), customers).plan(NOON))
    assert sent(plan) == {"both": ("push", 1), "phone": ("sms", 1)}
    assert held(plan) == {"no consent": 1, "no address": 1}


def test_else_is_tried_when_the_condition_is_false(tmp_path: Path) -> None:
    customers = [{"id": "gold"}, {"id": "basic", "grade": "basic"}]
    line = 'name = "Kim" → if grade = "gold" push "Hi" else sms "Hello"'
    assert sent(only(shop(tmp_path, rule(line), customers).plan(NOON))) == {"gold": ("push", 1), "basic": ("sms", 1)}


def test_a_false_condition_without_else_passes_on(tmp_path: Path) -> None:
    customers = [{"id": "gold"}, {"id": "basic", "grade": "basic"}]
    line = 'name = "Kim" → if grade = "gold" push "Hi" → if grade = "silver" sms "Hello"'
    plan = only(shop(tmp_path, rule(line), customers).plan(NOON))
    assert sent(plan) == {"gold": ("push", 1)}
    assert held(plan) == {"the condition of every step is false": 1}


def test_stop_ends_an_entry(tmp_path: Path) -> None:
    customers = [{"id": "gold"}, {"id": "basic", "grade": "basic"}]
    line = 'name = "Kim" → if grade = "basic" stop → push "Hi"'
    plan = only(shop(tmp_path, rule(line), customers).plan(NOON))
    assert sent(plan) == {"gold": ("push", 2)}
    assert held(plan) == {"stopped by a step": 1}


def test_an_exit_condition_lets_go_what_happened_since_the_entry(tmp_path: Path) -> None:
    events = [
        "stays cart_added 2026-03-10T10:00 hat",
        "goes cart_added 2026-03-10T10:00 hat",
        "goes visited 2026-03-10T10:30",
        "before visited 2026-03-10T09:30",
        "before cart_added 2026-03-10T10:00 hat",
    ]
    customers = [{"id": name} for name in ("stays", "goes", "before")]
    project = shop(tmp_path, rule('cart_added → after 1h push "Hi"', "    exit: visited\n"), customers, events)
    plan = only(project.plan(NOON))
    assert set(sent(plan)) == {"stays", "before"}
    assert held(plan) == {"left by an exit condition": 1}


def test_a_limit_is_told_before_a_run_would_stop(tmp_path: Path) -> None:
    project = shop(tmp_path, rule('grade = "gold" → push "Hi"', "    limit: 399\n"), EVERYBODY)
    (finding,) = project.plan(NOON).diagnostics
    assert finding.message == "a run would stop here: 400 customers would be hit, the limit is 399"


def test_steps_are_due_after_the_entry(tmp_path: Path) -> None:
    events = [
        "soon cart_added 2026-03-10T11:30 hat",
        "edge cart_added 2026-03-10T11:00 hat",
        "late cart_added 2026-03-09T11:00 hat",
        "next cart_added 2026-03-09T10:59:59 hat",
        "gone cart_added 2026-03-01T11:00 hat",
        "buyer cart_added 2026-03-10T10:00 hat",
        "buyer purchased 2026-03-10T10:05 hat",
    ]
    customers = [{"id": name} for name in ("soon", "edge", "late", "next", "gone", "buyer")]
    line = 'cart_added and not purchased → after 1h push "One" → after 24h email "Two"'
    plan = only(shop(tmp_path, rule(line), customers, events).plan(NOON))
    assert sent(plan) == {"edge": ("push", 1), "late": ("push", 1), "next": ("email", 2)}
    assert held(plan) == {"a step is due later": 1, "every step that was due has expired": 1}


def test_wait_counts_from_the_step_before(tmp_path: Path) -> None:
    events = ["a cart_added 2026-03-08T09:00 hat", "b cart_added 2026-03-09T09:00 hat"]
    line = 'cart_added → after 1h push "One" → wait 47h email "Two"'
    project = shop(tmp_path, rule(line, "    expires: 2h\n"), [{"id": "a"}, {"id": "b"}], events)
    plan = only(project.plan("2026-03-10T09:30"))
    assert sent(plan) == {"a": ("email", 2)}
    assert held(plan) == {"a step is due later": 1}


def test_a_time_of_day_is_the_next_one(tmp_path: Path) -> None:
    events = ["early cart_added 2026-03-09T09:00 hat", "late cart_added 2026-03-09T11:00 hat"]
    line = 'cart_added → wait until 10:00 push "Hi"'
    project = shop(tmp_path, rule(line, "    expires: 1h\n"), [{"id": "early"}, {"id": "late"}], events)
    assert sent(only(project.plan("2026-03-09T10:00"))) == {"early": ("push", 1)}
    assert sent(only(project.plan("2026-03-10T10:00"))) == {"late": ("push", 1)}


@pytest.mark.parametrize(
    ("at", "quiet"),
    [("20:59:59", False), ("21:00", True), ("23:59", True), ("00:00", True), ("07:59:59", True), ("08:00", False)],
)
def test_quiet_hours_are_half_open(tmp_path: Path, at: str, quiet: bool) -> None:
    project = shop(tmp_path, rule('grade = "gold" → push "Hi"'), [{"id": "a"}], config="quiet: 21:00–08:00\n")
    assert held(only(project.plan(f"2026-03-10T{at}"))) == ({"quiet hours": 1} if quiet else {})


def test_holdouts_are_sticky_and_independent(tmp_path: Path) -> None:
    line = rule('grade = "gold" → push "Hi"', "    holdout: 20%\n", "holdout: 10%\n")
    project = shop(tmp_path, line, EVERYBODY, config="holdout: 5%\n")
    plan = only(project.plan(NOON))
    counts = held(plan)
    assert set(counts) == {"project holdout", "playbook holdout", "holdout"}
    assert 8 <= counts["project holdout"] <= 36
    assert 50 <= counts["holdout"] <= 110
    assert sent(plan) == sent(only(project.plan("2026-06-01T12:00")))


def test_the_control_arm_gets_nothing(tmp_path: Path) -> None:
    more = "splits:\n  copy: a 40%, b 40%, control 20%\nmessages:\n  a: {push: A}\n  b: {push: B}\n"
    plan = only(shop(tmp_path, rule('grade = "gold" → push split copy', more=more), EVERYBODY).plan(NOON))
    assert sum(plan.arms.values()) == 400
    assert held(plan) == {"control arm": plan.arms["control"]}
    assert {(send.arm, send.message) for send in plan.sends} == {("a", "a"), ("b", "b")}
    assert 50 <= plan.arms["control"] <= 110
    assert {s.send.arm: s.content["body"] for s in plan.samples} == {"a": "A", "b": "B"}


def test_caps_count_over_all_scenarios_of_the_tick(tmp_path: Path) -> None:
    playbook = """
playbook: p
scenarios:
  low: {rule: 'grade = "gold" → push "low"'}
  high: {rule: 'grade = "gold" → push "high"', priority: 5}
  sms: {rule: 'grade = "gold" → sms "sms"'}
"""
    project = shop(tmp_path, playbook, [{"id": "a"}, {"id": "b", "token": ""}], config="caps: [1 per 1d]\n")
    plan = project.plan(NOON)
    hit = {scenario.scenario: [send.customer for send in scenario.sends] for scenario in plan.scenarios}
    assert hit == {"low": [], "high": ["a"], "sms": ["b"]}
    assert plan.volume == {"push": 1, "sms": 1}


def test_a_cap_on_a_channel_leaves_the_others(tmp_path: Path) -> None:
    playbook = """
playbook: p
scenarios:
  one: {rule: 'grade = "gold" → push "one"'}
  two: {rule: 'grade = "gold" → push "two"'}
  sms: {rule: 'grade = "gold" → sms "sms"'}
"""
    plan = shop(tmp_path, playbook, [{"id": "a"}], config="caps: [1 per 1d on push]\n").plan(NOON)
    assert [len(scenario.sends) for scenario in plan.scenarios] == [1, 0, 1]
    assert [(o.first, o.second, o.customers) for o in plan.overlaps] == [("p/one", "p/sms", 1)]


def test_messages_are_filled_in_and_masked(tmp_path: Path) -> None:
    more = 'messages:\n  m: {push: "{{ customer.name }}: {{ event.product }} {{ event.amount }}"}\n'
    events = ["a cart_added 2026-03-10T10:00 hat 1500", "a cart_added 2026-03-10T11:00 cap 2500.5"]
    project = shop(tmp_path, rule("cart_added within 7d → push m", more=more), [{"id": "a"}], events)
    (sample,) = only(project.plan(NOON)).samples
    assert sample.content == {"body": "K**: cap 2500.5"}
    (sample,) = only(project.plan(NOON, show_personal=True)).samples
    assert sample.content == {"body": "Kim: cap 2500.5"}


def test_the_sample_is_the_same_whatever_the_order_of_the_table(tmp_path: Path) -> None:
    for n, ids in enumerate(("abc", "cba")):
        project = shop(tmp_path / str(n), rule('grade is set → push "hi"'), [{"id": each} for each in ids])
        assert [sample.send.customer for sample in only(project.plan(NOON)).samples] == ["a"]


def test_a_missing_value_is_told_for_how_many(tmp_path: Path) -> None:
    more = 'messages:\n  m: {push: "{{ customer.name }}, look"}\n'
    customers = [{"id": "a"}, {"id": "b", "name": ""}, {"id": "c", "name": ""}]
    result = shop(tmp_path, rule('grade = "gold" → push m', more=more), customers).plan(NOON)
    assert sent(only(result)) == {"a": ("push", 1)}
    assert held(only(result)) == {"a value of the message is missing": 2}
    (finding,) = result.diagnostics
    assert (finding.code, finding.message) == ("E503", "2 of 3 recipients on push have no `customer.name`")
    assert (finding.file, finding.line) == ("playbooks/p.yaml", 6)


def test_a_default_stands_in_for_a_missing_value(tmp_path: Path) -> None:
    more = "messages:\n  m: {push: \"{{ customer.name | default: 'there' }}\"}\n"
    result = shop(tmp_path, rule('grade = "gold" → push m', more=more), [{"id": "a", "name": ""}]).plan(NOON)
    assert [s.content["body"] for s in only(result).samples] == ["there"]
    assert result.diagnostics == ()


def test_traits_are_variables(tmp_path: Path) -> None:
    more = 'traits:\n  spent: sum(purchased.amount)\nmessages:\n  m: {push: "{{ traits.spent }} won"}\n'
    events = ["a purchased 2026-03-01T10:00 hat 1000", "a purchased 2026-03-02T10:00 hat 250"]
    result = shop(tmp_path, rule('grade = "gold" → push m', more=more), [{"id": "a"}], events).plan(NOON)
    assert [s.content["body"] for s in only(result).samples] == ["1250 won"]


def test_disabled_scenarios_are_left_out(tmp_path: Path) -> None:
    project = shop(tmp_path, rule('grade = "gold" → push "Hi"', "    enabled: false\n"), [{"id": "a"}])
    assert project.plan(NOON).scenarios == ()


def test_planning_is_chosen_by_name(tmp_path: Path) -> None:
    playbook = "playbook: p\nscenarios:\n  a: {rule: 'visited → push \"x\"'}\n  b: {rule: 'visited → push \"y\"'}\n"
    project = shop(tmp_path, playbook, [{"id": "a"}])
    assert [s.scenario for s in project.plan(NOON, only=["p/b"]).scenarios] == ["b"]
    assert len(project.plan(NOON, only=["p"]).scenarios) == 2
    with pytest.raises(DangolError, match="no playbook or scenario `p/c`"):
        project.plan(NOON, only=["p/c"])


def _tree(directory: Path) -> dict[str, str]:
    files = (path for path in directory.rglob("*") if path.is_file() and ".dangol" not in path.parts)
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_planning_twice_is_equal_and_writes_nothing(tmp_path: Path) -> None:
    events = [f"c{n} cart_added 2026-03-09T{n % 24:02}:00 hat" for n in range(100)]
    project = shop(tmp_path, rule('cart_added within 7d → push "Hi"'), EVERYBODY, events)
    before = _tree(tmp_path)
    assert project.plan(NOON) == project.plan(NOON)
    assert _tree(tmp_path) == before
