"""A live journey is edited: who is in it goes on under the text they entered with, or moves when that is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import update

import dangol
from dangol.channels.base import Sent, Unknown
from dangol.diagnostics import DangolError
from dangol.runner.ledger.schema import texts as table
from dangol.runner.migration import aligned
from dangol.runner.rehearse import rehearse
from dangol.runner.texts import Texts
from tests.runner.running import Running, rule, texts

TWO = 'cart_added → after 1h push "One" → after 5h push "Two"'
NEW = 'cart_added → after 1h push "First" → after 3h push "Second"'
CARTS = ["a cart_added 2026-03-01T10:00", "b cart_added 2026-03-01T12:00"]


def hash_of(shop: Running) -> str:
    (scenario,) = shop.project.files.compiled.values()
    return Texts(shop.project.files).of(scenario).hash


def changed(shop: Running, playbook: str) -> bool:
    before = hash_of(shop)
    shop.write(playbook)
    return hash_of(shop) != before


# --- going on ---


def test_entries_go_on_under_their_text_and_new_ones_start_under_the_new(tmp_path: Path) -> None:
    shop = Running(tmp_path, rule(TWO), ["a", "b"], CARTS)
    assert texts(shop.every(60, "03-01 10:00", "03-01 11:00")) == [("03-01 11:00", "a", "One")]
    shop.write(rule(NEW))
    assert texts(shop.every(60, "03-01 12:00", "03-01 18:00")) == [
        ("03-01 13:00", "b", "First"), ("03-01 15:00", "a", "Two"), ("03-01 15:00", "b", "Second"),
    ]  # fmt: skip
    assert {who: why for who, _, _, why in shop.entries()} == dict.fromkeys("ab", "every step is done")


def test_who_is_in_under_an_earlier_text_does_not_enter_the_new_one_too(tmp_path: Path) -> None:
    shop = Running(tmp_path, rule(TWO, "again: each time"), ["a"], [*CARTS[:1], "a cart_added 2026-03-01T10:30"])
    shop.tick("03-01 10:00")
    shop.write(rule(NEW, "again: each time"))
    report = shop.run("03-01 10:40")
    today, earlier = report.plan.scenarios
    assert [today.audience, earlier.audience] == [0, 1]
    assert (today.is_earlier, earlier.is_earlier) == (False, True)
    assert texts(shop.every(60, "03-01 11:00", "03-01 20:00")) == [
        ("03-01 11:00", "a", "One"),
        ("03-01 15:00", "a", "Two"),
    ]


PLAYBOOK = """playbook: p
segments:
  rich: {segment}
traits:
  spent: {trait}
scenarios:
  s: {{rule: "cart_added → after 1h if rich push offer"}}
messages:
  offer: {{push: "{text} {{{{ traits.spent }}}}"}}
"""


def test_segments_traits_and_messages_are_those_of_the_entry(tmp_path: Path) -> None:
    then = PLAYBOOK.format(segment="grade = 'gold'", trait="sum(purchased.amount)", text="Old")
    shop = Running(
        tmp_path, then, ["a", "b"], ["a purchased 2026-02-01T10:00 x 7", "b purchased 2026-02-01T10:00 x 8", *CARTS]
    )
    shop.tick("03-01 10:00")
    shop.write(PLAYBOOK.format(segment="grade = 'gold' and customer.id = 'b'", trait="count(purchased)", text="New"))
    assert texts(shop.every(60, "03-01 11:00", "03-01 14:00")) == [
        ("03-01 11:00", "a", "Old 7"), ("03-01 13:00", "b", "New 1"),
    ]  # fmt: skip


def test_what_a_text_rested_on_may_be_gone(tmp_path: Path) -> None:
    then = PLAYBOOK.format(segment="grade = 'gold'", trait="count(purchased)", text="Old")
    shop = Running(tmp_path, then, ["a"], [*CARTS[:1], "a purchased 2026-02-01T10:00"])
    shop.tick("03-01 10:00")
    shop.write(rule(NEW))
    assert texts(shop.every(60, "03-01 11:00", "03-01 14:00")) == [("03-01 11:00", "a", "Old 1")]


def test_an_event_group_and_the_library_are_as_they_were(tmp_path: Path) -> None:
    line = rule("cart_added → after 1h if lib.recency >= 0 and came push 'One'".replace("'", '"'))
    shop = Running(tmp_path, line, ["a"], [*CARTS[:1], "a visited 2026-03-01T10:30", "a purchased 2026-02-01T10:00"],
                   "groups: {came: [visited]}\n")  # fmt: skip
    (scenario,) = shop.project.files.compiled.values()
    content = Texts(shop.project.files).of(scenario).content
    assert content["groups"] == {"came": ["visited"]}
    assert "lib.recency" in content["definitions"]
    shop.tick("03-01 10:00")
    shop.config = "groups: {came: [purchased]}\n"
    shop.write(line)
    assert texts(shop.tick("03-01 11:00")) == [("03-01 11:00", "a", "One")]


def test_what_restrains_sending_is_todays(tmp_path: Path) -> None:
    shop = Running(tmp_path, rule(TWO), ["a"], CARTS[:1])
    shop.every(60, "03-01 10:00", "03-01 11:00")
    shop.write(rule(NEW, "cap: 1 per 1d"))
    report = shop.run("03-01 15:00")
    assert [held.reason for plan in report.plan.scenarios for held in plan.held] == ["frequency cap"]


def test_a_message_keeps_its_kind(tmp_path: Path) -> None:
    then = rule("cart_added → after 1h push order", more="messages:\n  order: {kind: informational, push: Shipped}\n")
    shop = Running(tmp_path, then, ["a"], CARTS[:1])
    shop.tick("03-01 10:00")
    shop.write(rule(NEW))
    shop.tick("03-01 11:00")
    assert [message.kind for message in shop.messages] == ["informational"]


# --- what is a change ---


def test_a_comment_spacing_another_scenario_or_another_message_is_no_change(tmp_path: Path) -> None:
    base = rule("cart_added → after 1h push offer", more="messages:\n  offer: {push: Hi}\n")
    shop = Running(tmp_path, base, ["a"])
    assert not changed(shop, "# a comment\n" + base.replace("→", "->").replace("after 1h", "after  1h"))
    assert not changed(shop, base + "  other: {push: Unused}\n")
    assert not changed(shop, base.replace("{push: Hi}", "{push: Hi, sms: Unused}"))
    before = hash_of(shop)
    shop.write(base.replace("scenarios:", "scenarios:\n  t: {rule: visited → push offer}"))
    assert Texts(shop.project.files).of(shop.project.files.compiled["p", "s"]).hash == before


@pytest.mark.parametrize("more", ["exit: purchased", "expires: 2h"])
def test_lines_that_an_entry_was_promised_are_a_change(tmp_path: Path, more: str) -> None:
    shop = Running(tmp_path, rule(TWO), ["a"])
    assert changed(shop, rule(TWO, more))


@pytest.mark.parametrize("more", ["cap: 1 per 7d", "quiet: 21:00–08:00", "limit: 5", "again: each time", "priority: 3",
                                  "holdout: 10%", "schedule: daily at 10:00"])  # fmt: skip
def test_lines_about_sending_or_entering_are_none(tmp_path: Path, more: str) -> None:
    shop = Running(tmp_path, rule(TWO), ["a"])
    assert not changed(shop, rule(TWO, more))


def test_a_text_reads_as_the_scenario_did(tmp_path: Path) -> None:
    more = "splits:\n  copy: x 50%, y 50%\nmessages:\n  x: {push: X, sms: X}\n  y: {push: Y, sms: Y}\n"
    line = 'cart_added where (amount > 3) and not purchased → after 1d at 10:00 if copy = "x" push split copy → stop'
    shop = Running(tmp_path, rule(line.replace("'", "''"), "exit: [purchased, visited]", more=more), ["a"])
    (scenario,) = shop.project.files.compiled.values()
    reader = Texts(shop.project.files)
    read = reader.recalled(reader.of(scenario), "p", "s").scenario
    assert (read.who, read.anchor, read.still, read.steps, read.exits, read.splits) == (
        scenario.who, scenario.anchor, scenario.still, scenario.steps, scenario.exits, scenario.splits,
    )  # fmt: skip


IDLE = 'grade = "gold" → after 1h if did visited push "One"'


def test_who_has_nothing_to_come_under_todays_text_is_left_alone_while_another_is_under_an_earlier_one(
    tmp_path: Path,
) -> None:
    later = rule(IDLE + ' → after 20h push "Two"')
    shop = Running(tmp_path, later, ["b"], ["b visited 2026-03-01T09:00", "c visited 2026-03-01T14:30"])
    shop.tick("03-01 10:00")
    shop.customers.append({"id": "c"})
    shop.write(rule(IDLE))
    assert texts(shop.every(60, "03-01 11:00", "03-01 17:00")) == [("03-01 11:00", "b", "One")]
    assert [(who, began, ended) for who, began, ended, _ in shop.entries()] == [
        ("b", "03-01 10:00", None), ("c", "03-01 11:00", None),
    ]  # fmt: skip


@pytest.mark.parametrize("migrate", [False, True])
def test_a_target_counts_who_is_under_an_earlier_text_or_has_moved(tmp_path: Path, migrate: bool) -> None:
    kpi = "kpi: purchased within 7d >= 5% by 2026-12-31"
    shop = Running(tmp_path, rule('cart_added → after 1h push "One"', kpi), ["a", "b"], CARTS)
    shop.tick("03-01 10:30", linted=False)
    shop.write(rule('cart_added → push "Before" → after 1h push "One"', kpi))
    shop.tick("03-01 11:00", linted=False, migrate=migrate)
    (experiment,) = shop.ledger.experiments()
    assert shop.ledger.count_assigned(experiment.id) == 1
    assert list(experiment.start.lines.values()) == ["purchased within 7d >= 5% by 2026-12-31"]


# --- texts that read no more ---


def test_an_event_that_is_no_more_stops_and_names_who_is_concerned(tmp_path: Path) -> None:
    shop = Running(tmp_path, rule("visited → after 1h if did cart_added push 'One'".replace("'", '"')), ["a", "b@c.kr"],
                   ["a visited 2026-03-01T10:00", "b@c.kr visited 2026-03-01T10:00"])  # fmt: skip
    shop.tick("03-01 10:00")
    config = tmp_path / "dangol.yaml"
    shop.write(rule(NEW.replace("cart_added", "visited")))
    config.write_text(config.read_text().replace("cart_added:", "basket_added:"), encoding="utf-8")
    shop.project = dangol.load(tmp_path)
    with pytest.raises(DangolError) as caught:
        shop.run("03-01 11:00")
    (found,) = caught.value.diagnostics
    assert found.code == "E704"
    assert found.message.startswith(
        "2 customers (a, b*****) in `p/s` entered under an earlier text that reads no more: `cart_added`"
    )
    assert "dangol end p/s" in found.hints[-1]
    assert shop.messages == []
    dry = rehearse(shop.project.files, shop.project.data.evaluate, shop.micros("03-01 11:00"), past=shop.ledger)
    assert [one.code for one in dry.diagnostics] == ["E704"]
    assert [one.audience for one in dry.scenarios] == [0]
    assert texts(shop.tick("03-01 11:00", migrate=True, confirmed=True)) == [
        ("03-01 11:00", "a", "First"), ("03-01 11:00", "b@c.kr", "First"),
    ]  # fmt: skip


# --- moving ---


def moves(shop: Running, at: str) -> list[tuple[str, str | None, int, int, dict[str, int]]]:
    plan = rehearse(shop.project.files, shop.project.data.evaluate, shop.micros(at), past=shop.ledger, migrate=True)
    return [
        (move.written, move.becomes, len(move.entries), move.due, dict(move.leaves))
        for change in plan.migration for move in change.moves
    ]  # fmt: skip


def test_a_plan_shows_who_would_move_where_and_the_run_does_that(tmp_path: Path) -> None:
    line = 'cart_added and not purchased → after 1h push "One" → after 5h push "Two"'
    shop = Running(tmp_path, rule(line), ["a", "b", "c"], [
        *CARTS, "c cart_added 2026-03-01T10:00", "c purchased 2026-03-01T12:30",
    ])  # fmt: skip
    shop.every(60, "03-01 10:00", "03-01 12:00")
    shop.write(rule(line.replace('after 5h push "Two"', 'after 3h push "New"')))
    now = [
        ('after 1h push "One"', 'after 1h push "One"', 1, 1, {}),
        ('after 5h push "Two"', 'after 3h push "New"', 2, 1, {"no longer qualifies": 1}),
    ]
    assert moves(shop, "03-01 13:00") == now
    report = shop.run("03-01 13:00", migrate=True)
    assert [len(move.entries) for change in report.plan.migration for move in change.moves] == [1, 2]
    assert sorted(m.parts["body"] for m in shop.messages) == ["New", "One", "One", "One"]
    assert moves(shop, "03-01 13:30") == []
    assert texts(shop.every(60, "03-01 14:00", "03-01 20:00")) == [("03-01 15:00", "b", "New")]


def test_an_inserted_step_is_not_sent_to_who_is_past_it_and_a_deleted_one_not_waited_for(tmp_path: Path) -> None:
    steps = ['after 1h push "One"', 'after 5h push "Two"', 'after 9h push "Three"']
    write = lambda lines: rule(" → ".join(["cart_added", *lines]))  # noqa: E731
    for number, (new, rest) in enumerate([
        ([steps[0], 'after 2h push "Extra"', *steps[1:]], ["Two", "Three"]),
        (steps[1:], ["Two", "Three"]),
        ([steps[0], steps[2]], ["Three"]),
        (steps[:1], []),
        ([steps[1], steps[0], steps[2]], ["Three"]),  # the first would go out twice
    ]):  # fmt: skip
        shop = Running(tmp_path / str(number), write(steps), ["a"], CARTS[:1])
        shop.every(60, "03-01 10:00", "03-01 12:00")
        shop.write(write(new))
        shop.tick("03-01 12:30", migrate=True)
        out = shop.every(60, "03-01 13:00", "03-01 23:00")
        assert [each.text for each in out] == rest, new


def test_a_waiting_message_of_a_step_that_is_gone_is_given_up(tmp_path: Path) -> None:
    shop = Running(tmp_path, rule(TWO, "expires: 3d"), [{"id": "a", "ok_push": ""}], CARTS[:1])
    shop.every(60, "03-01 10:00", "03-01 11:00")
    assert shop.ledger.status().sends == {"held": 1}
    shop.customers = [{"id": "a"}]
    shop.write(rule(NEW.replace("after 1h", "after 2h"), "expires: 3d"))
    assert shop.tick("03-01 11:30", migrate=True) == []
    assert texts(shop.every(30, "03-01 12:00", "03-01 14:00")) == [
        ("03-01 12:00", "a", "First"), ("03-01 13:00", "a", "Second"),
    ]  # fmt: skip
    assert shop.ledger.status().sends == {"cancelled": 1, "sent": 2}


def test_a_waiting_message_of_the_same_step_keeps_its_place(tmp_path: Path) -> None:
    shop = Running(tmp_path, rule(TWO, "expires: 3d"), [{"id": "a", "ok_push": ""}], CARTS[:1])
    shop.every(60, "03-01 10:00", "03-01 11:00")
    shop.customers = [{"id": "a"}]
    shop.write(rule('cart_added → after 30min push "Zero" → after 1h push "One"', "expires: 3d"))
    assert texts(shop.tick("03-01 11:30", migrate=True)) == [("03-01 11:30", "a", "One")]
    assert shop.tick("03-01 12:00") == []
    assert shop.entries()[0][3] == "every step is done"


def test_moved_entries_are_under_the_text_of_today_and_move_again(tmp_path: Path) -> None:
    steps = ['after 1h push "One"', 'after 5h push "Two"', 'after 9h push "Three"']
    shop = Running(tmp_path, rule(" → ".join(["cart_added", *steps])), ["a"], CARTS[:1])
    shop.every(60, "03-01 10:00", "03-01 12:00")
    shop.write(rule(" → ".join(["cart_added", *steps[1:]])))
    report = shop.run("03-01 13:00", migrate=True)
    assert [plan.is_earlier for plan in report.plan.scenarios] == [False, False]
    shop.write(rule(" → ".join(["cart_added", *steps])))
    shop.run("03-01 13:30", migrate=True)
    assert [each.text for each in shop.every(60, "03-01 14:00", "03-01 23:00")] == ["Two", "Three"]


def test_who_has_moved_gets_the_next_step_whatever_is_found_out_about_an_earlier_one(tmp_path: Path) -> None:
    shop = Running(tmp_path, rule(TWO), ["a"], CARTS[:1])
    shop.idempotent, shop.says = False, lambda message: Unknown("the answer was lost")
    shop.every(60, "03-01 10:00", "03-01 11:00")
    shop.says = lambda message: Sent(None)
    shop.write(rule('cart_added → after 5h push "Two" → after 9h push "Three"'))
    shop.tick("03-01 12:00", migrate=True)
    (unknown,) = shop.ledger.unknown()
    shop.ledger.reconcile(shop.micros("03-01 12:30"), unknown.key, "planned")
    shop.write(rule('cart_added → after 5h push "Two" → after 8h push "Three"'))
    assert texts(shop.every(60, "03-01 13:00", "03-01 20:00", migrate=True)) == [
        ("03-01 15:00", "a", "Two"), ("03-01 18:00", "a", "Three"),
    ]  # fmt: skip


def test_a_run_that_is_refused_moves_nobody(tmp_path: Path) -> None:
    shop = Running(tmp_path, rule(TWO), ["a", "b"], ["a cart_added 2026-03-01T10:00", "b cart_added 2026-03-01T10:00"])
    shop.tick("03-01 10:00")
    before = shop.ledger.texts("p", "s")
    shop.write(rule(NEW, "limit: 1"))
    with pytest.raises(DangolError, match="E512"):
        shop.run("03-01 11:00", migrate=True)
    assert shop.ledger.texts("p", "s") == before


@pytest.mark.parametrize(
    ("earlier", "today", "expected"),
    [
        ("ab", "ab", [(0, True), (1, True)]),
        ("ab", "axb", [(0, True), (2, True)]),
        ("abc", "ac", [(0, True), (1, False), (1, True)]),
        ("abc", "axc", [(0, True), (1, False), (2, True)]),
        ("ab", "", [(0, False), (0, False)]),
        ("aa", "aa", [(0, True), (1, True)]),
        ("ab", "cdef", [(0, False), (1, False)]),
    ],
)
def test_where_a_step_goes_on(earlier: str, today: str, expected: list[tuple[int, bool]]) -> None:
    assert aligned(earlier, today) == expected


def test_nobody_gets_a_step_again_that_changed_its_place() -> None:
    assert aligned("abc", "bac")[1] in [(0, True), (2, False)]
    for today in ("bac", "cab", "cba", "bca"):
        for place, (to, _) in enumerate(aligned("abc", today)):
            assert not set("abc"[:place]) & set(today[to:]) or aligned("abc", today)[place][1]


def test_a_moved_text_means_the_same(tmp_path: Path) -> None:
    shop = Running(tmp_path, rule(TWO), ["a"])
    (scenario,) = shop.project.files.compiled.values()
    text = Texts(shop.project.files).of(scenario)
    assert text.moved(2).hash != text.hash == text.moved(2).moved(0).hash
    assert text.moved(2).says_as(text)


@pytest.mark.parametrize(
    "body", ["", "[]", "{}", "7", '{"steps": 1}', '{"steps": [], "rule": "visited → push \\"x\\""}']
)
def test_a_damaged_record_of_a_text_stops_the_run(tmp_path: Path, body: str) -> None:
    shop = Running(tmp_path, rule(TWO), ["a"], CARTS[:1])
    shop.tick("03-01 10:00")
    with shop.ledger.store.writing("text") as connection:
        connection.execute(update(table).values(body=body))
    shop.write(rule(NEW))
    for migrate in (False, True):
        with pytest.raises(DangolError, match="the ledger is damaged"):
            shop.run("03-01 11:00", migrate=migrate)
    assert shop.messages == []


class Died(BaseException):
    """What a process that is killed leaves: nothing after this point is done."""


@pytest.mark.parametrize("point", ["begin_run.after", "move.before", "move.written", "move.after", "entries.before"])
def test_a_run_that_dies_while_it_moves_entries_loses_and_repeats_nothing(tmp_path: Path, point: str) -> None:
    customers = [{"id": "a", "ok_push": ""}, {"id": "b"}, {"id": "c"}]
    carts = ["a cart_added 2026-03-01T10:00", "b cart_added 2026-03-01T10:00", "c cart_added 2026-03-01T11:30"]
    shop = Running(tmp_path, rule(TWO, "expires: 3d"), customers, carts)
    shop.every(60, "03-01 10:00", "03-01 11:00")
    shop.customers = [{"id": each} for each in "abc"]
    shop.write(rule(NEW, "expires: 3d"))

    def dies(reached: str) -> None:
        if reached == point:
            raise Died

    shop.ledger.store.faults = dies
    with pytest.raises(Died):
        shop.run("03-01 11:45", migrate=True)
    shop.ledger.store.faults = lambda reached: None
    out = [*shop.tick("03-01 11:50", migrate=True), *shop.every(30, "03-01 12:00", "03-01 20:00")]
    assert sorted((each.customer, each.text) for each in out) == [
        ("a", "First"), ("a", "Second"), ("b", "Second"), ("c", "First"), ("c", "Second"),
    ]  # fmt: skip


def test_an_earlier_text_may_name_what_only_the_data_know(tmp_path: Path) -> None:
    line = 'cart_added → after 1h if did wished push "One"'
    shop = Running(tmp_path, rule(line), ["a"], [*CARTS[:1], "a wished 2026-02-01T10:00"])
    assert shop.project.files.looked_at_data
    shop.tick("03-01 10:00")
    shop.write(rule(NEW))
    assert not shop.project.files.looked_at_data
    assert texts(shop.tick("03-01 11:00")) == [("03-01 11:00", "a", "One")]
