"""Journeys by a simulated clock: when steps are due, who leaves when, who may enter again."""

from __future__ import annotations

from pathlib import Path

from dangol.channels.base import Failed, RetryAfter, Sent, Unknown
from tests.runner.running import MINUTE, Running, rule, texts

CART = 'cart_added and not purchased → after 1h kakao "One" → after 24h email "Two"'


def test_the_cart_journey(tmp_path: Path) -> None:
    events = [
        "quick cart_added 2026-03-10T10:00",
        "quick purchased 2026-03-10T10:05",
        "slow cart_added 2026-03-10T10:00",
        "slow purchased 2026-03-11T16:00",
        "never cart_added 2026-03-10T10:00",
        "next cart_added 2026-03-10T10:00",
        "next purchased 2026-03-10T20:00",
        "night cart_added 2026-03-10T20:30",
    ]
    shop = Running(tmp_path, rule(CART), ["quick", "slow", "never", "next", "night"], events, "quiet: 21:00–08:00\n")
    first = shop.every(30, "03-10 10:00", "03-10 22:00")
    second = [*shop.every(60, "03-11 07:00", "03-11 11:00"), *shop.every(30, "03-11 20:00", "03-11 21:00")]
    assert [*first, *second, *shop.tick("03-12 12:00")] == [
        ("03-10 11:00", "never", "kakao", "One"),
        ("03-10 11:00", "next", "kakao", "One"),
        ("03-10 11:00", "slow", "kakao", "One"),
        ("03-11 08:00", "night", "kakao", "One"),
        ("03-11 10:00", "never", "email", "Two"),
        ("03-11 10:00", "slow", "email", "Two"),
        ("03-11 20:30", "night", "email", "Two"),
    ]
    ended = {customer: (began, end, why) for customer, began, end, why in shop.entries()}
    assert ended["quick"] == ("03-10 10:00", "03-10 10:05", "no longer qualifies")
    assert ended["next"] == ("03-10 10:00", "03-10 20:00", "no longer qualifies")
    assert ended["slow"] == ("03-10 10:00", "03-11 10:00", "every step is done")


def test_wait_counts_from_the_due_time_and_from_what_really_went_out(tmp_path: Path) -> None:
    line = 'cart_added → after 1h push "One" → wait 24h push "Two"'
    shop = Running(tmp_path, rule(line, "expires: 3d"), ["a", "b"], [
        "a cart_added 2026-03-10T10:00", "b cart_added 2026-03-11T18:30",
    ])  # fmt: skip
    shop.tick("03-10 10:00")
    assert texts(shop.tick("03-11 20:00")) == [("03-11 20:00", "a", "One"), ("03-11 20:00", "b", "One")]
    assert shop.tick("03-11 20:01") == []
    assert shop.tick("03-12 19:59") == []
    assert texts(shop.tick("03-12 20:00")) == [("03-12 20:00", "a", "Two"), ("03-12 20:00", "b", "Two")]


def test_after_is_not_pushed_back_by_a_late_run(tmp_path: Path) -> None:
    line = 'cart_added → after 1h push "One" → after 24h push "Two"'
    shop = Running(tmp_path, rule(line, "expires: 3d"), ["a"], ["a cart_added 2026-03-10T10:00"])
    assert texts(shop.tick("03-11 09:59")) == [("03-11 09:59", "a", "One")]
    assert texts(shop.tick("03-11 10:00")) == [("03-11 10:00", "a", "Two")]


def test_two_steps_of_an_entry_never_go_out_in_one_tick(tmp_path: Path) -> None:
    line = 'cart_added → push "One" → sms "Two" → email "Three"'
    shop = Running(tmp_path, rule(line), ["a"], ["a cart_added 2026-03-10T10:00"])
    assert texts(shop.every(1, "03-10 10:00", "03-10 10:05")) == [
        ("03-10 10:00", "a", "One"), ("03-10 10:01", "a", "Two"), ("03-10 10:02", "a", "Three"),
    ]  # fmt: skip


def test_a_time_of_day(tmp_path: Path) -> None:
    line = 'cart_added → after 1d at 10:00 push "One" → wait until 18:00 push "Two"'
    shop = Running(tmp_path, rule(line), ["a"], ["a cart_added 2026-03-10T12:00"])
    assert texts(shop.every(120, "03-10 12:00", "03-13 12:00")) == [
        ("03-12 10:00", "a", "One"),
        ("03-12 18:00", "a", "Two"),
    ]


def test_if_else_and_stop(tmp_path: Path) -> None:
    line = 'cart_added → if visited push "Seen" else sms "Not" → wait 1h if visited stop → push "Last"'
    shop = Running(tmp_path, rule(line), ["sees", "before", "later"], [
        "before visited 2026-03-10T09:00", "before cart_added 2026-03-10T10:00",
        "sees cart_added 2026-03-10T10:00", "sees visited 2026-03-10T10:00",
        "later cart_added 2026-03-10T10:00", "later visited 2026-03-10T10:30",
    ])  # fmt: skip
    assert texts(shop.every(30, "03-10 10:00", "03-10 13:00")) == [
        ("03-10 10:00", "before", "Not"), ("03-10 10:00", "later", "Not"), ("03-10 10:00", "sees", "Seen"),
        ("03-10 11:00", "before", "Last"),
    ]  # fmt: skip
    assert {c: why for c, _, _, why in shop.entries()} == {
        "before": "every step is done", "later": "stopped by a step", "sees": "stopped by a step",
    }  # fmt: skip


def test_who_leaves_by_an_exit_leaves_when_it_happened(tmp_path: Path) -> None:
    line = 'cart_added → after 1h push "One" → after 5h push "Two"'
    shop = Running(tmp_path, rule(line, "exit: visited", "again: each time"), ["a"], [
        "a visited 2026-03-10T09:00", "a cart_added 2026-03-10T10:00", "a visited 2026-03-10T11:30",
        "a cart_added 2026-03-10T11:40", "a visited 2026-03-10T11:50", "a cart_added 2026-03-10T11:55",
    ])  # fmt: skip
    shop.tick("03-10 10:00")
    assert texts(shop.tick("03-10 11:00")) == [("03-10 11:00", "a", "One")]
    shop.tick("03-10 13:00")  # nobody looked when they left, nor when they came again
    assert shop.entries() == [
        ("a", "03-10 10:00", "03-10 11:30", "left by an exit condition"),
        ("a", "03-10 11:55", None, None),
    ]
    assert texts(shop.messages and shop.tick("03-10 17:00")) == [("03-10 17:00", "a", "Two")]


def test_a_filter_with_the_same_product_ends_by_that_product(tmp_path: Path) -> None:
    line = 'cart_added not followed by purchased with same product → after 5h push "{{ event.product }}"'
    shop = Running(tmp_path, rule(line, "again: each time"), ["a", "b"], [
        "a cart_added 2026-03-10T10:00 hat", "a purchased 2026-03-10T10:30 cap", "a purchased 2026-03-10T10:40 hat",
        "b cart_added 2026-03-10T10:00 hat", "b purchased 2026-03-10T10:30 cap",
    ])  # fmt: skip
    shop.tick("03-10 10:00")
    assert texts(shop.every(60, "03-10 11:00", "03-10 16:00")) == [("03-10 15:00", "b", "hat")]
    assert shop.entries()[0] == ("a", "03-10 10:00", "03-10 10:40", "no longer qualifies")


def test_the_anchor_stays_the_one_of_the_entry(tmp_path: Path) -> None:
    line = 'cart_added within 2h and not purchased → after 3h push "{{ event.product }}"'
    shop = Running(tmp_path, rule(line), ["a", "b"], [
        "a cart_added 2026-03-10T10:00 hat", "a cart_added 2026-03-10T11:00 cap",
        "b cart_added 2026-03-10T10:00 hat", "b purchased 2026-03-10T11:00 hat", "b cart_added 2026-03-10T12:00 hat",
    ])  # fmt: skip
    out = shop.every(30, "03-10 10:00", "03-10 20:00")
    assert texts(out) == [("03-10 13:00", "a", "hat"), ("03-10 15:00", "b", "hat")]
    assert shop.entries() == [
        ("a", "03-10 10:00", "03-10 13:00", "every step is done"),
        ("b", "03-10 10:00", "03-10 11:00", "no longer qualifies"),
        ("b", "03-10 12:00", "03-10 15:00", "every step is done"),
    ]


def test_expired_steps_are_dropped_and_told(tmp_path: Path) -> None:
    line = 'cart_added → after 1h push "One" → after 24h push "Two"'
    shop = Running(tmp_path, rule(line, "expires: 2h"), ["a"], ["a cart_added 2026-03-10T10:00"])
    shop.tick("03-10 10:30")
    assert shop.tick("03-10 13:01") == []
    assert shop.ledger.status().sends == {"expired": 1}
    assert texts(shop.tick("03-11 12:00")) == [("03-11 12:00", "a", "Two")]


def test_the_edge_of_expiry(tmp_path: Path) -> None:
    line = 'cart_added → after 1h push "One"'
    shop = Running(tmp_path, rule(line, "expires: 2h"), ["a"], ["a cart_added 2026-03-10T10:00"])
    assert texts(shop.tick("03-10 13:00")) == [("03-10 13:00", "a", "One")]


def test_due_times_never_change_once_recorded(tmp_path: Path) -> None:
    shop = Running(tmp_path, rule('visited → push "One"', "expires: 4h"), [{"id": "a", "ok_push": "false"}],
                   ["a visited 2026-03-10T10:00"])  # fmt: skip
    for at in ("03-10 10:00", "03-10 11:00", "03-10 14:00"):
        shop.tick(at)
    running = shop.ledger.running_entries("p", "s")
    steps = shop.ledger.steps("p", "s")
    assert steps.due.tolist() == [shop.micros("03-10 10:00")] == running.time.tolist()
    assert shop.ledger.status().sends == {"held": 1}
    shop.tick("03-10 14:01")
    assert shop.ledger.status().sends == {"expired": 1}


def test_a_held_step_is_written_once_however_long_it_waits(tmp_path: Path) -> None:
    shop = Running(tmp_path, rule('grade = "gold" → push "{{ customer.name }}"'), [{"id": "a", "name": ""}])
    for minute in range(10):
        shop.tick(shop.micros("03-10 10:00") + minute * MINUTE)
    key = f"{_ledger(shop)}-{shop.ledger.running_entries('p', 's').entry[0]}-1"
    assert [change.state for change in shop.ledger.history(key)] == ["held"]


def _ledger(shop: Running) -> str:
    from sqlalchemy import select

    from dangol.runner.ledger.schema import meta

    with shop.ledger.store.reading() as connection:
        return str(connection.execute(select(meta.c.ledger)).scalar_one())


def test_consent_that_comes_in_time_lets_the_step_go(tmp_path: Path) -> None:
    shop = Running(tmp_path, rule('grade = "gold" → push "One"'), [{"id": "a", "ok_push": ""}])
    assert shop.tick("03-10 10:00") == []
    shop.customers = [{"id": "a"}]
    shop.write(shop.playbook)
    assert texts(shop.tick("03-10 20:00")) == [("03-10 20:00", "a", "One")]


# --- again ---

CARTS = [f"a cart_added 2026-03-{day:02}T10:00" for day in range(1, 32)]


def test_never_again_is_the_default(tmp_path: Path) -> None:
    shop = Running(tmp_path, rule('cart_added → push "One"'), ["a"], CARTS)
    assert texts(shop.every(720, "03-01 12:00", "03-05 12:00")) == [("03-01 12:00", "a", "One")]


def test_each_time_is_each_event_after_the_last_entry_ended(tmp_path: Path) -> None:
    line = 'cart_added → push "One" → wait 36h push "Two"'
    shop = Running(tmp_path, rule(line, "again: each time"), ["a"], CARTS)
    assert texts(shop.every(720, "03-01 12:00", "03-06 12:00")) == [
        ("03-01 12:00", "a", "One"), ("03-03 00:00", "a", "Two"), ("03-03 12:00", "a", "One"),
        ("03-05 00:00", "a", "Two"), ("03-05 12:00", "a", "One"),
    ]  # fmt: skip


def test_events_during_an_entry_start_nothing_after_it(tmp_path: Path) -> None:
    line = 'cart_added → after 2h push "{{ event.product }}"'
    shop = Running(tmp_path, rule(line, "again: each time"), ["a"], [
        "a cart_added 2026-03-01T10:00 hat", "a cart_added 2026-03-01T11:00 cap", "a cart_added 2026-03-01T13:00 bag",
    ])  # fmt: skip
    assert texts(shop.every(30, "03-01 10:00", "03-01 18:00")) == [
        ("03-01 12:00", "a", "hat"), ("03-01 15:00", "a", "bag"),
    ]  # fmt: skip


def test_again_after_a_while_counts_from_the_last_entry(tmp_path: Path) -> None:
    shop = Running(tmp_path, rule('cart_added → push "One"', "again: after 3d"), ["a"], CARTS)
    assert texts(shop.every(720, "03-01 12:00", "03-08 12:00")) == [
        ("03-01 12:00", "a", "One"), ("03-04 12:00", "a", "One"), ("03-07 12:00", "a", "One"),
    ]  # fmt: skip


def test_an_entry_of_which_nothing_was_sent_does_not_use_up_again(tmp_path: Path) -> None:
    line = 'cart_added and not purchased → after 1h push "{{ event.product }}"'
    shop = Running(tmp_path, rule(line), ["a"], [
        "a cart_added 2026-03-01T10:00 hat", "a purchased 2026-03-01T10:20", "a cart_added 2026-03-02T10:00 cap",
        "a cart_added 2026-03-03T10:00 bag",
    ])  # fmt: skip
    assert texts(shop.every(60, "03-01 10:00", "03-03 12:00")) == [("03-02 11:00", "a", "cap")]


def test_an_event_whose_entry_ended_at_once_starts_no_other(tmp_path: Path) -> None:
    line = 'cart_added → if grade = "gold" push "One"'
    shop = Running(tmp_path, rule(line), [{"id": "a", "grade": "basic"}], ["a cart_added 2026-03-01T10:00"])
    shop.tick("03-01 10:00")
    shop.customers = [{"id": "a"}]
    shop.write(shop.playbook)
    assert shop.tick("03-01 11:00") == []


STATES = [
    "a visited 2026-03-01T10:00", "a visited 2026-03-10T10:00",
]  # fmt: skip
IN_STATE = 'count(visited within 2d) >= 1 → push "One" → wait 1d sms "Two"'


def test_a_state_each_time_needs_leaving_it(tmp_path: Path) -> None:
    shop = Running(tmp_path, rule(IN_STATE.replace("count(visited within 2d) >= 1", "count(visited) >= 1"),
                                  "again: each time"), ["a"], STATES)  # fmt: skip
    assert texts(shop.every(720, "03-01 12:00", "03-12 12:00")) == [
        ("03-01 12:00", "a", "One"), ("03-02 12:00", "a", "Two"),
    ]  # fmt: skip


def test_a_state_that_is_left_and_come_to_again(tmp_path: Path) -> None:
    lines = {
        "each time": [("03-01 12:00", "a", "One"), ("03-02 12:00", "a", "Two"), ("03-10 12:00", "a", "One"),
                      ("03-11 12:00", "a", "Two")],
        "never": [("03-01 12:00", "a", "One"), ("03-02 12:00", "a", "Two")],
        "after 10d": [("03-01 12:00", "a", "One"), ("03-02 12:00", "a", "Two"), ("03-11 12:00", "a", "One")],
    }  # fmt: skip
    recent = 'days_since(visited) <= 1.5 → push "One" → wait 1d sms "Two"'
    for number, (again, expected) in enumerate(lines.items()):
        shop = Running(tmp_path / str(number), rule(recent, f"again: {again}"), ["a"], STATES)
        assert texts(shop.every(720, "03-01 12:00", "03-12 12:00")) == expected


def test_a_state_left_by_exit_or_stop_is_not_entered_again_while_it_lasts(tmp_path: Path) -> None:
    events = ["a visited 2026-03-02T10:00", "b purchased 2026-03-02T10:00"]
    line = 'grade = "gold" → push "One" → wait 2d if visited stop → push "Two"'
    shop = Running(tmp_path, rule(line, "again: each time", "exit: purchased"), ["a", "b", "c"], events)
    assert texts(shop.every(720, "03-01 12:00", "03-12 12:00")) == [
        ("03-01 12:00", "a", "One"), ("03-01 12:00", "b", "One"), ("03-01 12:00", "c", "One"),
        ("03-03 12:00", "c", "Two"),
    ]  # fmt: skip


def test_a_customer_who_is_gone_leaves(tmp_path: Path) -> None:
    shop = Running(tmp_path, rule('grade = "gold" → wait 2h push "One"'), ["a", "b"])
    shop.tick("03-01 12:00")
    shop.customers = [{"id": "b"}]
    shop.write(shop.playbook)
    assert texts(shop.tick("03-01 14:00")) == [("03-01 14:00", "b", "One")]
    assert ("a", "03-01 12:00", "03-01 14:00", "no longer qualifies") in shop.entries()


# --- holdouts ---


def test_who_is_held_out_enters_once_and_matures(tmp_path: Path) -> None:
    line = 'grade = "gold" → push "One" → wait 1d push "Two"'
    for number, more in enumerate(("holdout: 50%", "again: each time\n    holdout: 50%")):
        shop = Running(tmp_path / str(number), rule(line, more), [f"c{n}" for n in range(40)])
        out = shop.every(360, "03-01 12:00", "03-06 12:00")
        assert len(out) == 2 * len({each.customer for each in out})
        assert 5 < len({each.customer for each in out}) < 35
        entries = [customer for customer, *_ in shop.entries()]
        assert sorted(entries) == sorted({f"c{n}" for n in range(40)})
        sends = shop.ledger.status().sends
        assert sends["sent"] + sends["cancelled"] == 80


def test_the_control_arm_gets_no_step_at_all(tmp_path: Path) -> None:
    more = "splits:\n  copy: a 50%, control 50%\nmessages:\n  a: {push: A}\n"
    shop = Running(tmp_path, rule('grade = "gold" → push split copy → wait 1d sms "Two"', more=more),
                   [f"c{n}" for n in range(40)])  # fmt: skip
    out = shop.every(720, "03-01 12:00", "03-04 12:00")
    assert len(out) == 2 * len({each.customer for each in out}) > 10
    assert len(shop.entries()) == 40


# --- answers ---


def test_what_the_provider_puts_off_goes_out_later_and_once(tmp_path: Path) -> None:
    shop = Running(tmp_path, rule('cart_added → after 1h push "One"'), ["a"], ["a cart_added 2026-03-01T10:00"])
    shop.says = lambda message: RetryAfter(90, "busy")
    assert shop.tick("03-01 11:00") == []
    assert shop.ledger.status().sends == {"planned": 1}
    shop.says = lambda message: Sent(None)
    assert shop.tick("03-01 11:01") == []
    assert texts(shop.tick("03-01 11:02")) == [("03-01 11:02", "a", "One")]


def test_what_is_put_off_is_not_sent_to_who_has_left(tmp_path: Path) -> None:
    shop = Running(tmp_path, rule('cart_added and not purchased → after 1h push "One"'), ["a"], [
        "a cart_added 2026-03-01T10:00", "a purchased 2026-03-01T11:01",
    ])  # fmt: skip
    shop.says = lambda message: RetryAfter(90, "busy")
    shop.tick("03-01 11:00")
    shop.says = lambda message: Sent(None)
    assert shop.every(1, "03-01 11:01", "03-01 11:10") == []
    assert shop.ledger.status().sends == {"cancelled": 1}


def test_an_unknown_outcome_is_asked_again_only_of_who_knows_our_key(tmp_path: Path) -> None:
    for idempotent in (True, False):
        shop = Running(tmp_path / str(idempotent), rule('visited → push "One"'), ["a"], ["a visited 2026-03-01T10:00"])
        shop.idempotent = idempotent
        shop.says = lambda message: Unknown("no answer")
        shop.tick("03-01 11:00")
        shop.says = lambda message: Sent(None)
        assert len(shop.every(1, "03-01 11:01", "03-01 11:10")) == (1 if idempotent else 0)
        assert len(shop.ledger.unknown()) == (0 if idempotent else 1)
        assert shop.entries()[0][3] == "every step is done"


def test_a_refused_message_is_failed_and_the_journey_goes_on(tmp_path: Path) -> None:
    line = 'visited → push "One" → wait 1h sms "Two"'
    shop = Running(tmp_path, rule(line), ["a"], ["a visited 2026-03-01T10:00"])
    shop.says = lambda message: Failed("address", "no such device") if message.channel == "push" else Sent(None)
    assert texts(shop.every(30, "03-01 10:00", "03-01 12:00")) == [("03-01 11:00", "a", "Two")]


def test_a_channel_that_stops_is_tried_again_and_the_others_go_on(tmp_path: Path) -> None:
    playbook = "playbook: p\nscenarios:\n  s: {rule: 'visited → push \"P\"'}\n  t: {rule: 'visited → sms \"S\"'}\n"
    shop = Running(tmp_path, playbook, ["a", "b"], ["a visited 2026-03-01T10:00", "b visited 2026-03-01T10:00"])
    shop.says = lambda message: Failed("auth", "wrong key") if message.channel == "push" else Sent(None)
    report = shop.run("03-01 10:00")
    assert report.counts.stopped == {"push": "auth: wrong key"}
    assert [m.channel for m in shop.messages] == ["sms", "sms"]
    shop.says = lambda message: Sent(None)
    assert len(shop.every(5, "03-01 10:05", "03-01 10:15")) == 2


def test_a_channel_that_breaks_leaves_unknown_messages_not_a_traceback(tmp_path: Path) -> None:
    shop = Running(tmp_path, rule('visited → push "One"'), ["a", "b"],
                   ["a visited 2026-03-01T10:00", "b visited 2026-03-01T10:00"])  # fmt: skip
    shop.idempotent = False

    def breaks(message: object) -> Sent:
        raise ZeroDivisionError

    shop.says = breaks
    shop.tick("03-01 10:00")
    assert {each.reason for each in shop.ledger.unknown()} == {"the channel broke off (ZeroDivisionError)"}
    assert len(shop.ledger.unknown()) == 2


def test_a_send_by_hand_reconciled_goes_out_again(tmp_path: Path) -> None:
    shop = Running(tmp_path, rule('visited → push "One" → wait 5h sms "Two"'), ["a"], ["a visited 2026-03-01T10:00"])
    shop.idempotent = False
    shop.says = lambda message: Unknown("no answer")
    shop.tick("03-01 10:00")
    shop.says = lambda message: Sent(None)
    (unknown,) = shop.ledger.unknown()
    shop.ledger.reconcile(shop.micros("03-01 11:00"), unknown.key, "planned")
    assert texts(shop.every(60, "03-01 12:00", "03-01 18:00")) == [
        ("03-01 12:00", "a", "One"), ("03-01 17:00", "a", "Two"),
    ]  # fmt: skip
