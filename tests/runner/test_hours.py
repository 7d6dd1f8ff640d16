"""Hours by the recipient's clock, their end spread, and consents that begin and end by the day."""

from __future__ import annotations

import math
from pathlib import Path

import dangol
from dangol.measure.assignment import draws
from tests.runner.running import Running, rule
from tests.runner.shops import held, only, sent
from tests.runner.shops import shop as project


def _with(directory: Path, *lines: str, old: str = "", new: str = "") -> None:
    config = directory / "dangol.yaml"
    text = config.read_text(encoding="utf-8").replace(old, new) if old else config.read_text(encoding="utf-8")
    config.write_text(text + "".join(f"{line}\n" for line in lines), encoding="utf-8")


def test_quiet_hours_are_by_the_recipients_clock_where_it_is_known(tmp_path: Path) -> None:
    zones = {"seoul": "Asia/Seoul", "york": "America/New_York", "none": "", "odd": "Mars/Olympus", "path": "../../etc"}
    project(tmp_path, rule('name != "x" → push "One"'), [{"id": who, "grade": zone} for who, zone in zones.items()])
    _with(tmp_path, "quiet: 21:00–08:00", "recipient_timezone: grade")
    shop = dangol.load(tmp_path)
    assert sorted(sent(only(shop.plan("2026-03-10T22:00")))) == ["york"]  # 09:00 there
    assert sorted(sent(only(shop.plan("2026-03-10T20:59")))) == ["none", "odd", "path", "seoul"]  # 07:59 there
    assert held(only(shop.plan("2026-03-10T20:59"))) == {"quiet hours": 1}
    assert len(sent(only(shop.plan("2026-03-10T21:00+09:00")))) == 1  # 08:00 there
    # New York's clock goes forward on 8 March: one UTC instant, an hour later there than two days before
    assert "york" not in sent(only(shop.plan("2026-03-06T21:30")))
    assert "york" in sent(only(shop.plan("2026-03-10T21:30")))


def test_marketing_texts_keep_the_hours_of_the_us_by_the_recipients_clock(tmp_path: Path) -> None:
    line = "playbook: p\nscenarios:\n  s: {rule: 'name != \"x\" → sms m'}\n"
    text = line + 'messages:\n  m: {kind: KIND, sms: "Reply STOP"}\n'
    people = [{"id": "west", "grade": "America/Los_Angeles"}, {"id": "east", "grade": "America/New_York"}]
    project(tmp_path, text.replace("KIND", "advertising"), people)
    _with(tmp_path, "recipient_timezone: grade", "compliance: us")
    assert sorted(sent(only(dangol.load(tmp_path).plan("2026-03-10T14:00:00+00:00")))) == ["east"]  # 10:00 and 07:00
    assert held(only(dangol.load(tmp_path).plan("2026-03-10T14:00:00+00:00"))) == {
        "outside the hours of the channel": 1
    }
    assert sorted(sent(only(dangol.load(tmp_path).plan("2026-03-11T01:00:00+00:00")))) == ["west"]  # 21:00 and 18:00
    project(tmp_path, text.replace("KIND", "informational"), people)
    _with(tmp_path, "recipient_timezone: grade", "compliance: us")
    assert len(sent(only(dangol.load(tmp_path).plan("2026-03-10T09:00:00+00:00")))) == 2


def test_what_the_night_held_goes_out_over_a_while(tmp_path: Path) -> None:
    events = [f"c{n} cart_added 2026-03-01T2{n % 2}:30" for n in range(40)]
    events += ["late cart_added 2026-03-02T07:10"]
    shop = Running(tmp_path, rule('cart_added → after 1h push "One"'), [*(f"c{n}" for n in range(40)), "late"], events,
                   "quiet: 21:00–08:00\nspread: 30min\n")  # fmt: skip
    assert shop.every(60, "03-01 20:30", "03-02 07:30", confirmed=True) == []
    out = shop.every(5, "03-02 07:55", "03-02 08:40", confirmed=True)
    times = {each.customer: each.at for each in out}
    assert len(times) == len(out) == 41
    assert times.pop("late") == "03-02 08:10"  # it fell due after the night
    assert min(times.values()) >= "03-02 08:00"
    assert max(times.values()) <= "03-02 08:30"
    assert len(set(times.values())) >= 6
    delays = draws("spread/shop", sorted(times)) * 30
    for who, delay in zip(sorted(times), delays.tolist(), strict=True):
        assert int(times[who][-2:]) == math.ceil(delay / 5) * 5


def test_the_korean_night_is_spread_too_and_expiry_goes_on(tmp_path: Path) -> None:
    events = [f"c{n} cart_added 2026-03-01T21:30" for n in range(20)]
    text = "(광고)단골 무료수신거부 080-123-4567"
    shop = Running(tmp_path, rule(f'cart_added → sms "{text}"', "expires: 11h"), [f"c{n}" for n in range(20)], events)
    _with(tmp_path, "compliance: {rules: kr, sender: 단골}", "spread: 1h")
    shop.project = dangol.load(tmp_path)
    assert shop.every(60, "03-01 21:30", "03-02 07:30", confirmed=True) == []
    out = shop.every(5, "03-02 07:55", "03-02 09:10", confirmed=True)
    states = shop.ledger.status().sends
    assert out
    assert max(each.at for each in out) <= "03-02 08:30"
    assert states == {"sent": len(out), "expired": 20 - len(out)}
    assert 0 < len(out) < 20


def test_who_never_said_anything_may_be_written_to_for_six_months_after_a_transaction(tmp_path: Path) -> None:
    text = 'playbook: p\nscenarios:\n  s: {rule: \'name != "x" → sms "(광고)단골 무료수신거부 080-123-4567"\'}\n'
    people = [
        {"id": "yes", "grade": ""}, {"id": "no", "ok_sms": "false", "grade": "2026-03-01"},
        {"id": "recent", "ok_sms": "", "grade": "2025-09-11"}, {"id": "old", "ok_sms": "", "grade": "2025-09-10"},
        {"id": "unknown", "ok_sms": "", "grade": ""},
    ]  # fmt: skip
    project(tmp_path, text, people)
    consent = "consent: ok_sms, transaction_at: grade"
    _with(tmp_path, "compliance: {rules: kr, sender: 단골}", old="sms: {address: phone, consent: ok_sms}",
          new=f"sms: {{address: phone, {consent}}}")  # fmt: skip
    _with(tmp_path, old="grade: text", new="grade: date")
    assert sorted(sent(only(dangol.load(tmp_path).plan("2026-03-10T12:00")))) == ["recent", "yes"]
    _with(tmp_path, old="rules: kr", new="rules: eu")
    assert sorted(sent(only(dangol.load(tmp_path).plan("2026-03-10T12:00")))) == ["yes"]


def test_a_consent_of_an_instant_ends_as_the_same_day_begins(tmp_path: Path) -> None:
    text = 'playbook: p\nscenarios:\n  s: {rule: \'name != "x" → sms "(광고)단골 무료수신거부 080-123-4567"\'}\n'
    project(tmp_path, text, [{"id": "a", "grade": "2024-03-10T15:00"}])
    _with(tmp_path, "compliance: {rules: kr, sender: 단골, reconfirm: 2y}",
          old="sms: {address: phone, consent: ok_sms}", new="sms: {consent: ok_sms, consented_at: grade}")  # fmt: skip
    _with(tmp_path, old="grade: text", new="grade: instant")
    assert len(sent(only(dangol.load(tmp_path).plan("2026-03-09T20:59")))) == 1
    assert held(only(dangol.load(tmp_path).plan("2026-03-10T12:00"))) == {"consent to be confirmed again": 1}


def test_a_channel_may_have_hours_of_its_own(tmp_path: Path) -> None:
    text = 'playbook: p\nscenarios:\n  s: {rule: \'name != "x" → kakao "수신거부: 채널 차단"\'}\n'
    project(tmp_path, text, [{"id": "seoul", "grade": "Asia/Seoul"}, {"id": "berlin", "grade": "Europe/Berlin"}])
    _with(tmp_path, "recipient_timezone: grade", old="kakao: {", new="kakao: {hours: 09:00–20:50, ")
    at = {
        "08:59": [],
        "09:00": ["seoul"],
        "18:00": ["berlin", "seoul"],
        "20:49": ["berlin", "seoul"],
        "20:50": ["berlin"],
    }
    for time, people in at.items():
        assert sorted(sent(only(dangol.load(tmp_path).plan(f"2026-03-10T{time}")))) == people
    _with(tmp_path, "compliance: {rules: kr, sender: 단골}")
    for time, people in at.items():  # Kakao's hours are Korean ones, for everybody
        found = sorted(sent(only(dangol.load(tmp_path).plan(f"2026-03-10T{time}"))))
        assert found == (["berlin", "seoul"] if "seoul" in people else [])
