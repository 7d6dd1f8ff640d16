"""Caps, quiet hours, suppressions, consent and guards over many ticks; schedules; texts that change."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

import dangol
from dangol.channels.base import Answer, Failed, Message, Sent
from dangol.diagnostics import DangolError
from dangol.engine import ir
from dangol.runner.due import is_asked, occurrences
from dangol.runner.ledger import Receipt
from tests.runner.running import MINUTE, Running, Says, rule, texts
from tests.runner.shops import held, only, sent
from tests.runner.shops import shop as project

# --- caps ---


def daily(name: str, beside: str = "", channel: str = "push") -> str:
    """A scenario that would write to everybody every day."""
    line = f'  {name}: {{rule: \'grade = "gold" → {channel} "{name}"\', again: after 1d{beside}}}\n'
    return line.replace("  ", "  ", 1)


def test_a_rolling_cap_counts_ticks_over_playbooks_and_days(tmp_path: Path) -> None:
    playbook = "playbook: p\nscenarios:\n" + daily("x") + daily("y", ", priority: 5")
    shop = Running(tmp_path, playbook, ["a"], config="caps: [3 per 2d]\n")
    (tmp_path / "playbooks/q.yaml").write_text("playbook: q\nscenarios:\n" + daily("z"), encoding="utf-8")
    shop.write(playbook)
    out = shop.every(720, "03-01 12:00", "03-09 12:00")
    times = [shop.micros(each.at) for each in out]
    assert all(sum(last - 2 * DAY < t <= last for t in times) <= 3 for last in times)
    assert texts(out)[:3] == [("03-01 12:00", "a", each) for each in ("x", "y", "z")]
    assert len(out) >= 12


def test_a_day_is_over_at_the_same_instant_of_the_next(tmp_path: Path) -> None:
    playbook = "playbook: p\nscenarios:\n" + daily("x")
    shop = Running(tmp_path, playbook, ["a"], config="caps: [1 per 1d]\n")
    late = lambda at: lambda: shop.micros(at) + 30 * 1_000_000  # noqa: E731 - the clock goes on while a tick sends
    for day in ("03-01 10:00", "03-02 10:00", "03-03 10:00"):
        assert len(shop.tick(day, now=late(day))) == 1


def test_calendar_caps(tmp_path: Path) -> None:
    playbook = "playbook: p\nscenarios:\n" + daily("x", ", expires: 7d")
    shop = Running(tmp_path, playbook, ["a"], config="caps: [2 per calendar week]\n")
    out = shop.every(1440, "03-01 12:00", "03-16 12:00")  # 2026-03-02 is a Monday
    assert [each.at[:5] for each in out] == ["03-01", "03-02", "03-03", "03-09", "03-10", "03-16"]


def test_a_refused_message_leaves_its_slot_to_the_next(tmp_path: Path) -> None:
    playbook = "playbook: p\nscenarios:\n" + daily("high", ", priority: 9") + daily("low", channel="sms")
    shop = Running(tmp_path, playbook, ["a"], config="caps: [1 per 1d, 1 per 7d on push]\n")
    assert texts(shop.every(1440, "03-01 12:00", "03-03 12:00")) == [
        ("03-01 12:00", "a", "high"), ("03-02 12:00", "a", "low"), ("03-03 12:00", "a", "low"),
    ]  # fmt: skip


def test_one_that_is_quiet_or_lacks_a_value_takes_no_slot(tmp_path: Path) -> None:
    playbook = (
        "playbook: p\nscenarios:\n" + daily("low", channel="sms")
        + daily("quiet", ", priority: 9, quiet: '10:00–14:00'")
        + "  lacks: {rule: 'grade = \"gold\" → push lacks', priority: 9}\n"
        + "messages:\n  lacks: {push: '{{ customer.name }}'}\n"
    )  # fmt: skip
    shop = Running(tmp_path, playbook, [{"id": "a", "name": ""}], config="caps: [1 per 1d]\n")
    assert texts(shop.tick("03-01 12:00")) == [("03-01 12:00", "a", "low")]


def test_priority_then_due_then_name(tmp_path: Path) -> None:
    playbook = """playbook: p
scenarios:
  b: {rule: 'cart_added → after 2h push "b"'}
  a: {rule: 'visited → after 1h push "a"'}
  c: {rule: 'cart_added → after 2h push "c"', priority: 1}
"""
    events = ["k cart_added 2026-03-01T10:00", "k visited 2026-03-01T11:30", "k visited 2026-03-01T09:30"]
    shop = Running(tmp_path, playbook, ["k"], events, "caps: [1 per 1h]\n")
    assert texts(shop.every(60, "03-01 11:00", "03-01 15:00")) == [
        ("03-01 11:00", "k", "a"), ("03-01 12:00", "k", "c"), ("03-01 13:00", "k", "b"),
    ]  # fmt: skip


# --- quiet hours, consent, suppressions ---


def test_quiet_hours_hold_until_they_end_and_count_towards_expiry(tmp_path: Path) -> None:
    line = 'cart_added → after 1h push "One"'
    events = ["a cart_added 2026-03-01T20:30", "b cart_added 2026-03-02T05:00", "c cart_added 2026-03-01T19:59"]
    shop = Running(tmp_path, rule(line, "expires: 9h"), ["a", "b", "c"], events, "quiet: 21:00–08:00\n")
    assert texts(shop.every(30, "03-01 20:30", "03-02 12:00")) == [("03-02 08:00", "b", "One")]
    assert shop.ledger.status().sends == {"expired": 2, "sent": 1}


def test_a_cart_in_the_evening_is_written_to_in_the_morning(tmp_path: Path) -> None:
    line = 'cart_added → after 1h push "One"'
    shop = Running(tmp_path, rule(line), ["a"], ["a cart_added 2026-03-01T20:30"], "quiet: 21:00–08:00\n")
    assert texts(shop.every(30, "03-01 20:30", "03-02 08:30")) == [("03-02 08:00", "a", "One")]


def test_an_unsubscribe_holds_the_next_message(tmp_path: Path) -> None:
    line = 'cart_added → push "One" → wait 1h push "Two" → wait 1h sms "Three"'
    shop = Running(tmp_path, rule(line, "expires: 2h"), ["a", "b"], [
        f"{who} cart_added 2026-03-01T10:00" for who in "ab"
    ])  # fmt: skip
    shop.tick("03-01 10:00")
    receipt = Receipt("push", "1", "unsubscribed", shop.micros("03-01 10:10"), key=shop.messages[0].key)
    who = shop.messages[0].customer
    assert shop.ledger.ingest(shop.micros("03-01 10:10"), [receipt]).suppressed == 1
    out = shop.every(30, "03-01 10:30", "03-01 16:00")
    assert "Two" not in [each.text for each in out if each.customer == who]
    assert [each.text for each in out if each.customer != who] == ["Two", "Three"]


def test_a_suppressed_address_is_not_written_to(tmp_path: Path) -> None:
    shop = Running(tmp_path, rule('grade = "gold" → sms "One" else push "Two"'), [
        {"id": "a", "phone": "010-7777-7777"}, "b",
    ])  # fmt: skip
    shop.ledger.suppress(shop.micros("03-01 09:00"), "bounce", address="+82 10 7777 7777", channel="sms")
    assert texts(shop.tick("03-01 10:00")) == [("03-01 10:00", "a", "Two"), ("03-01 10:00", "b", "One")]


@pytest.mark.parametrize(
    ("channel", "attribute", "wrong"),
    [
        ("sms", "phone", ["010", "none", " ", "010-1234-567x", "12345"]),
        ("email", "token", ["kim", "kim@shop", "a b@shop.example", "@shop.example", "kim@shop..example"]),
        ("push", "token", [" "]),
    ],
)
def test_an_address_that_cannot_be_sent_to_is_none(
    tmp_path: Path, channel: str, attribute: str, wrong: list[str]
) -> None:
    fine = {"sms": "+82 10 1234 5678", "email": "Kim@Shop.example", "push": "t:1"}[channel]
    customers = [{"id": f"c{n}", attribute: value} for n, value in enumerate(wrong)] + [{"id": "ok", attribute: fine}]
    playbook = rule(f'grade = "gold" → {channel} "One"')
    shop = Running(tmp_path, playbook, customers)
    config = (tmp_path / "dangol.yaml").read_text(encoding="utf-8").replace("email: {}", "email: {address: token}")
    (tmp_path / "dangol.yaml").write_text(config, encoding="utf-8")
    plan = only(dangol.load(tmp_path).plan("2026-03-01T12:00"))
    assert list(sent(plan)) == ["ok"]
    assert held(plan) == {"no address": len(wrong)}
    shop.ledger.close()


def refusing(kind: str, on: str = "kakao") -> Says:
    return lambda message: Failed(kind, "no") if message.channel == on else Sent(None)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["friend", "address", "consent"])
def test_who_is_not_reached_gets_the_message_on_the_channel_behind_else(tmp_path: Path, kind: str) -> None:
    line = 'visited → kakao "One" else sms "Two" → wait 1h kakao "Three" else push "Four"'
    shop = Running(tmp_path, rule(line), ["a"], ["a visited 2026-03-01T10:00"])
    shop.says = refusing(kind)
    assert shop.tick("03-01 10:00") == []
    assert shop.ledger.status().sends == {"held": 1}
    assert shop.ledger.status().reasons == {"held": {"not reached on kakao": 1}}
    assert texts(shop.tick("03-01 10:01")) == [("03-01 10:01", "a", "Two")]
    assert texts(shop.every(1, "03-01 11:00", "03-01 11:03")) == [
        ("03-01 11:02" if kind == "friend" else "03-01 11:01", "a", "Four")
    ]
    assert shop.ledger.status().sends == {"sent": 2}


def test_who_is_reached_on_no_channel_has_failed(tmp_path: Path) -> None:
    line = 'visited → kakao "One" else sms "Two"'
    shop = Running(tmp_path, rule(line), ["a"], ["a visited 2026-03-01T10:00"])
    shop.says = lambda message: Failed("friend", "no")
    shop.every(1, "03-01 10:00", "03-01 10:05")
    assert shop.ledger.status().sends == {"failed": 1}
    assert shop.ledger.status().reasons == {"failed": {"friend": 1}}


def test_else_on_the_channel_that_refused_is_no_other_channel(tmp_path: Path) -> None:
    line = 'visited → if did purchased kakao "Again" else kakao "First"'
    events = ["a visited 2026-03-01T10:00", "b visited 2026-03-01T10:00", "b purchased 2026-02-01T10:00"]
    shop, asked = Running(tmp_path, rule(line), ["a", "b"], events), []
    shop.says = lambda message: asked.append(message.parts["body"]) or Failed("friend", "no")
    shop.every(1, "03-01 10:00", "03-01 10:05")
    assert sorted(asked) == ["Again", "First"]
    assert shop.ledger.status().sends == {"failed": 2}


def test_a_channel_that_refused_is_not_asked_again_while_the_next_may_not_be_used(tmp_path: Path) -> None:
    line = 'visited → kakao "One" else sms "Two"'
    shop = Running(tmp_path, rule(line, "quiet: '10:01–12:00'"), ["a"], ["a visited 2026-03-01T10:00"])
    asked: list[str] = []
    shop.says = lambda message: (asked.append(message.channel), refusing("friend")(message))[1]
    shop.every(30, "03-01 10:00", "03-01 12:00")
    assert asked == ["kakao", "sms"]


def test_what_a_provider_says_of_people_is_kept(tmp_path: Path) -> None:
    events = [f"{who} visited 2026-03-0{day}T10:00" for who in "ab" for day in (1, 2)]
    shop = Running(tmp_path, rule('visited → sms "One"', "again: each time"), ["a", {"id": "b", "phone": "0212345678"}],
                   events)  # fmt: skip
    shop.says = lambda m: Failed("consent" if m.customer == "a" else "address", "no")
    shop.tick("03-01 10:00")
    listed = shop.ledger.suppressed("sms")
    assert (set(listed.customers), set(listed.addresses)) == ({"a"}, {"0212345678"})
    assert not shop.ledger.suppressed("email").customers
    shop.says = lambda m: Sent(None)
    assert shop.every(60, "03-02 10:00", "03-02 12:00") == []


def test_missing_consent_waits_and_expires(tmp_path: Path) -> None:
    shop = Running(tmp_path, rule('visited → push "One"'), [{"id": "a", "ok_push": ""}], ["a visited 2026-03-01T10:00"])
    assert shop.every(720, "03-01 12:00", "03-04 12:00") == []
    assert shop.ledger.status().sends == {"expired": 1}
    assert shop.entries()[0][3] == "every step that was due has expired"


# --- guards ---

DAY = 24 * 60 * MINUTE
MANY = [f"c{n}" for n in range(100)]


def test_a_limit_stops_before_the_first_send(tmp_path: Path) -> None:
    shop = Running(tmp_path, rule('grade = "gold" → push "One"', "limit: 99"), MANY)
    with pytest.raises(DangolError) as caught:
        shop.run("03-01 12:00", confirmed=True)
    assert [each.code for each in caught.value.diagnostics] == ["E512"]
    assert shop.messages == []
    assert shop.ledger.status().sends == {}


def test_more_than_half_of_all_asks_for_a_confirmation(tmp_path: Path) -> None:
    shop = Running(tmp_path, rule('grade = "gold" → push "One"'), MANY)
    with pytest.raises(DangolError, match="E702"):
        shop.run("03-01 12:00")
    assert len(shop.tick("03-01 12:00", confirmed=True)) == 100


def test_ten_times_the_usual_asks_for_a_confirmation(tmp_path: Path) -> None:
    events = [f"c{n} visited 2026-03-0{1 + n // 2}T10:00" for n in range(8)]
    events += [f"c{n} visited 2026-03-09T10:00" for n in range(10, 40)]
    shop = Running(tmp_path, rule('visited → push "One"'), MANY, events)
    assert len(shop.every(720, "03-01 12:00", "03-08 12:00")) == 8
    with pytest.raises(DangolError, match="E703"):
        shop.run("03-09 12:00")
    assert len(shop.tick("03-09 12:00", confirmed=True)) == 30


def test_an_empty_condition_is_never_everybody(tmp_path: Path) -> None:
    for number, line in enumerate(('→ push "One"', "", '"" → push "One"', 'and → push "One"')):
        with pytest.raises(DangolError):
            project(tmp_path / str(number), rule(line), [{"id": "a"}]).plan("2026-03-01")


# --- texts that change (more in test_texts.py) ---

TWO = 'cart_added → after 1h push "One" → after 5h push "Two"'


def test_a_text_whose_entries_are_through_may_change_and_lengthens_nobody(tmp_path: Path) -> None:
    line = 'cart_added → push "One"'
    shop = Running(tmp_path, rule(line), ["a"], ["a cart_added 2026-03-01T10:00"])
    shop.tick("03-01 10:00")
    shop.write(rule(line + ' → push "More"'))
    assert shop.every(60, "03-01 11:00", "03-01 14:00") == []


def test_a_vanished_scenario_stops_and_a_disabled_one_pauses(tmp_path: Path) -> None:
    shop = Running(tmp_path, rule(TWO), ["a"], ["a cart_added 2026-03-01T10:00"])
    shop.tick("03-01 10:00")
    shop.write(rule(TWO).replace("  s:", "  t:"))
    with pytest.raises(DangolError, match=r"E701.*`p/s` is in no playbook any more, with 1 customer in"):
        shop.run("03-01 10:30")
    shop.write(rule(TWO, "enabled: false"))
    assert shop.tick("03-01 11:30") == []
    shop.write(rule(TWO))
    assert texts(shop.tick("03-01 12:00")) == [("03-01 12:00", "a", "One")]


def test_what_a_dead_run_planned_is_not_sent_by_a_run_that_did_not_decide_it(tmp_path: Path) -> None:
    shop = Running(tmp_path, rule('visited → push "One"'), ["a"], ["a visited 2026-03-01T10:00"])
    shop.names = ()  # the run dies before it sends
    shop.run("03-01 10:00")
    assert shop.ledger.status().sends == {"planned": 1}
    shop.names = ("push",)
    shop.write(rule('visited → push "One"', "enabled: false"))
    assert shop.tick("03-01 10:00") == shop.tick("03-01 11:00") == []
    shop.write(rule('visited → push "One"'))
    assert texts(shop.tick("03-01 12:00")) == [("03-01 12:00", "a", "One")]


# --- schedules ---

SEOUL = "Asia/Seoul"
BERLIN = "Europe/Berlin"


def micros(text: str, zone: str = BERLIN, fold: int = 0) -> int:
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp() * 1_000_000)


def first(schedule: ir.Schedule, after: str, count: int, zone: str = BERLIN) -> list[str]:
    found = occurrences(schedule, micros(after, zone))
    instants = [next(found) for _ in range(count)]
    return [f"{dt.datetime.fromtimestamp(each / 1e6, ZoneInfo(zone)):%m-%d %H:%M}" for each in instants]


def test_a_local_time_that_is_skipped_runs_at_the_first_later_instant() -> None:
    schedule = ir.Schedule(BERLIN, cron="30 2 * * *")
    assert first(schedule, "2026-03-27T12:00", 3) == ["03-28 02:30", "03-29 03:00", "03-30 02:30"]


def test_a_local_time_that_repeats_runs_once() -> None:
    schedule = ir.Schedule(BERLIN, cron="30 2 * * *")
    found = occurrences(schedule, micros("2026-10-24T12:00"))
    assert [next(found), next(found)] == [micros("2026-10-25T02:30"), micros("2026-10-26T02:30")]
    assert not is_asked(schedule, micros("2026-10-25T02:29", fold=1), micros("2026-10-25T02:31", fold=1))


def test_missed_ticks_are_caught_up_once(tmp_path: Path) -> None:
    events = ["a visited 2026-03-01T09:00", "b visited 2026-03-04T12:30", "c visited 2026-03-05T11:00"]
    line = rule('visited → push "One"', "schedule: daily at 10:00")
    shop = Running(tmp_path, line, ["a", "b", "c"], events)
    assert shop.tick("03-01 09:59") == []
    assert texts(shop.tick("03-01 10:01")) == [("03-01 10:01", "a", "One")]
    assert shop.tick("03-01 13:00") == []
    assert texts(shop.tick("03-04 13:00")) == [("03-04 13:00", "b", "One")]  # three missed: one catch-up
    assert shop.tick("03-05 09:00") == []
    assert shop.tick("03-05 10:00") == []
    assert texts(shop.tick("03-06 10:00")) == [("03-06 10:00", "c", "One")]


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("0 12 * * *", ["03-01", "03-02", "03-03"]),
        ("weekly on Mon at 09:00", ["03-02"]),
        ("once at 2026-03-02T10:00", ["03-02"]),
        ("every 2d", ["03-02", "03-04"]),
        ("every 10min", ["03-01", "03-02", "03-03"]),
    ],
)
def test_schedules_ask_for_new_entries(tmp_path: Path, schedule: str, expected: list[str]) -> None:
    line = rule('grade = "gold" → push "One"', f"schedule: {schedule}", "again: after 1h")
    shop = Running(tmp_path, line, ["a"])
    shop.tick("03-01 00:00")
    out = shop.every(720, "03-01 12:00", "03-04 00:00")
    assert list(dict.fromkeys(each.at[:5] for each in out))[: len(expected)] == expected


def test_due_steps_go_out_at_every_tick_whatever_the_schedule(tmp_path: Path) -> None:
    line = rule('visited → push "One" → wait 90min push "Two"', "schedule: daily at 10:00")
    shop = Running(tmp_path, line, ["a"], ["a visited 2026-03-01T09:00"])
    assert texts(shop.every(30, "03-01 09:30", "03-01 13:00")) == [
        ("03-01 10:00", "a", "One"), ("03-01 11:30", "a", "Two"),
    ]  # fmt: skip


def test_a_refused_run_is_caught_up(tmp_path: Path) -> None:
    line = rule('grade = "gold" → push "One"', "schedule: daily at 10:00")
    shop = Running(tmp_path, line, MANY)
    shop.tick("03-01 09:00")
    with pytest.raises(DangolError):
        shop.run("03-01 10:00")
    assert len(shop.tick("03-01 12:00", confirmed=True)) == 100


def test_a_second_run_waits_or_leaves_and_a_clock_set_back_is_refused(tmp_path: Path) -> None:
    shop = Running(tmp_path, rule('visited → push "One"'), ["a"], ["a visited 2026-03-01T10:00"])
    with shop.ledger.run_lock(), pytest.raises(DangolError, match="E607"):
        shop.run("03-01 10:00")
    shop.run("03-01 10:00")
    with pytest.raises(DangolError, match="E606"):
        shop.run("03-01 09:00")


# --- after a crash ---


class Death(BaseException):
    """Ends a run where a kill would: nothing after it is written."""


def test_what_a_crash_left_open_is_unknown_when_it_is_refused_and_asked_again_when_only_the_hour_is_wrong(
    tmp_path: Path,
) -> None:
    events = [f"{who} visited 2026-03-10T20:50" for who in ("a", "b")]
    shop = Running(tmp_path, rule('visited → push "One"', "expires: 9d"), ["a", "b"], events, "quiet: 21:00–08:00\n")

    def dies(message: Message) -> Answer:
        shop.messages.append(message)
        raise Death

    shop.says = dies
    with pytest.raises(Death):
        shop.tick("03-10 20:50", confirmed=True)
    shop.says = lambda message: Sent(None)
    assert shop.tick("03-10 21:10") == []
    assert shop.ledger.status().sends == {"held": 2}
    shop.ledger.suppress(shop.micros("03-11 07:00"), "opt-out", customer="b")
    assert [out.customer for out in shop.tick("03-11 08:00")] == ["a"]
    assert shop.messages[0].key in {message.key for message in shop.messages[1:]} | {shop.ledger.unknown()[0].key}
    assert shop.ledger.status().sends == {"sent": 1, "unknown": 1}
