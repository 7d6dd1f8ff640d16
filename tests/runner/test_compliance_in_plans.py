"""Consents, hours and rules at the send: who is held, and what texts filled in break."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.runner.shops import NOON, held, only, sent, shop

KR = """compliance: {rules: kr, sender: 단골}
quiet: 01:00–02:00
"""
AD = "(광고)단골 {{ customer.name }} 무료수신거부 080-123-4567"


def playbook(text: str = AD, channel: str = "sms", kind: str = "advertising") -> str:
    rule = f'playbook: p\nscenarios:\n  s:\n    rule: grade = "gold" → {channel} m\n'
    return rule + f'messages:\n  m:\n    kind: {kind}\n    {channel}: "{text}"\n'


def with_channels(project_file: Path, channels: str) -> None:
    text = project_file.read_text(encoding="utf-8")
    text = text[: text.index("channels:")] + f"channels:\n{channels}" + KR
    project_file.write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("at", "customers", "reason"),
    [
        ("2026-03-10T20:59", ["yes", "no"], None),
        ("2026-03-10T21:00", ["yes"], "night, without consent to it"),
        ("2026-03-11T07:59", ["yes"], "night, without consent to it"),
        ("2026-03-11T08:00", ["yes", "no"], None),
    ],
)
def test_the_night_needs_a_consent_of_its_own(
    tmp_path: Path, at: str, customers: list[str], reason: str | None
) -> None:
    import dangol

    shop(tmp_path, playbook(), [{"id": "yes"}, {"id": "no", "ok_push": ""}])
    with_channels(tmp_path / "dangol.yaml", "  sms: {address: phone, consent: ok_sms, night_consent: ok_push}\n")
    plan = only(dangol.load(tmp_path).plan(at))
    assert sorted(sent(plan)) == sorted(customers)
    assert list(held(plan)) == ([reason] if reason else [])


def test_e_mail_is_exempt_from_the_night_and_information_from_consent(tmp_path: Path) -> None:
    import dangol

    night = "2026-03-10T23:00"
    customers = [{"id": "yes"}, {"id": "no", "ok_sms": "false"}]
    shop(tmp_path, playbook("{{ customer.name }} 수신거부 unsubscribe 단골", "email"), customers)
    with_channels(tmp_path / "dangol.yaml", "  email: {consent: ok_sms}\n")
    assert sorted(sent(only(dangol.load(tmp_path).plan(night)))) == ["yes"]
    shop(tmp_path, playbook("{{ customer.name }} 배송", "sms", "informational"), customers)
    with_channels(tmp_path / "dangol.yaml", "  sms: {consent: ok_sms}\n")
    assert sorted(sent(only(dangol.load(tmp_path).plan(night)))) == ["no", "yes"]


def test_kakao_takes_advertising_by_day_only(tmp_path: Path) -> None:
    import dangol

    shop(tmp_path, playbook("{{ customer.name }} 수신거부: 채널 차단", "email"), [{"id": "a"}])
    with_channels(
        tmp_path / "dangol.yaml", "  email: {medium: brand, address: phone, consent: ok_sms, night_consent: ok_sms}\n"
    )
    project = dangol.load(tmp_path)
    assert held(only(project.plan("2026-03-10T20:00"))) == {"outside the hours of the channel": 1}
    assert sorted(sent(only(project.plan("2026-03-10T19:59")))) == ["a"]


def test_a_consent_ends_after_two_calendar_years(tmp_path: Path) -> None:
    import dangol

    days = {"day": "2024-03-11", "leap": "2024-02-29", "over": "2024-03-10", "unknown": ""}
    shop(
        tmp_path, playbook(), [{"id": name, "name": "Kim", "grade": "gold", "token": day} for name, day in days.items()]
    )
    with_channels(tmp_path / "dangol.yaml", "  sms: {consent: ok_sms, consented_at: token}\n")
    config = (tmp_path / "dangol.yaml").read_text(encoding="utf-8")
    config = config.replace("token: text", "token: date").replace("sender: 단골", "sender: 단골, reconfirm: 2y")
    (tmp_path / "dangol.yaml").write_text(config, encoding="utf-8")
    project = dangol.load(tmp_path)
    assert sorted(sent(only(project.plan(NOON)))) == ["day"]
    assert held(only(project.plan(NOON))) == {"consent to be confirmed again": 3}
    assert sorted(sent(only(project.plan("2026-02-28T12:00")))) == ["day", "over"]
    assert sorted(sent(only(project.plan("2026-02-27T12:00")))) == ["day", "leap", "over"]


def test_texts_that_break_a_rule_once_filled_in_are_held_and_told(tmp_path: Path) -> None:
    import dangol

    customers = [{"id": "fine"}, {"id": "emoji", "name": "🎁"}, {"id": "rare", "name": "똠"}]
    shop(tmp_path, playbook(), customers)
    with_channels(tmp_path / "dangol.yaml", "  sms: {address: phone, consent: ok_sms}\n")
    result = dangol.load(tmp_path).plan(NOON)
    assert sorted(sent(only(result))) == ["fine", "rare"]
    assert held(only(result)) == {"the text breaks a rule": 1}
    assert {finding.code: finding.severity for finding in result.diagnostics} == {
        "KR-EUCKR-CHARS": "error", "KR-EUCKR-SYLLABLES": "warning",
    }  # fmt: skip
    assert result.diagnostics[0].message.startswith("for 1 of 3 recipients: `🎁`")


def test_carted_items_newest_first(tmp_path: Path) -> None:
    each = "{{ item.product }}{% if item.amount %} {{ item.amount | money }}{% endif %},"
    text = f"{{% for item in items limit: 2 %}}{each}{{% endfor %}}{{{{ items.size }}}}"
    rule = 'playbook: p\nscenarios:\n  s:\n    rule: cart_added where product != "bag" within 7d → push m\n'
    events = [
        "a cart_added 2026-03-08T10:00 hat 1000",
        "a cart_added 2026-03-09T10:00 coat",
        "a cart_added 2026-03-09T11:00 bag",
        "a cart_added 2026-02-01T10:00 old",
        "a cart_added 2026-03-09T12:00 sock 500",
        "b cart_added 2026-03-09T12:00 shoe",
        "c cart_added 2026-03-11T12:00 later",
    ]
    customers = [{"id": "a"}, {"id": "b"}, {"id": "c"}]
    project = shop(tmp_path, f'{rule}messages:\n  m: {{push: "{text}"}}\n', customers, events)
    decisions = only(project.plan(NOON)).record.decisions
    assert [one.content for one in decisions] == [{"body": "sock 500원,coat,3"}, {"body": "shoe,1"}]


def test_a_plan_tells_how_long_texts_are_and_what_they_cost(tmp_path: Path) -> None:
    import dangol
    from dangol.views.plan import as_json, as_text

    customers = [{"id": "short"}, {"id": "long", "name": "가" * 40}, {"id": "rare", "name": "똠"}]
    shop(tmp_path, playbook(), customers)
    prices = "price: 9.9, lms_price: 30"
    with_channels(tmp_path / "dangol.yaml", f"  sms: {{address: phone, consent: ok_sms, {prices}}}\n")
    plan = dangol.load(tmp_path).plan(NOON)
    assert as_json(plan)["traffic"] == {
        "sms": {
            "messages": 3, "characters": [28, 67], "bytes": [39, 117], "subject": None, "lms": 1,
            "outside_euckr": "똠", "cost": 49.8,
        }
    }  # fmt: skip
    assert "  sms: 28–67 characters, 39–117 bytes, 1 as LMS, 똠 not in EUC-KR, cost 49.80" in as_text(plan).splitlines()
