"""What was sent and what came back, as events of the language."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

from dangol.runner.ledger import Receipt
from tests.runner.running import Running, rule, texts

LINE = 'cart_added → push "One" → wait 1h if clicked where channel = "push" stop → sms "Two"'


def open_to(shop: Running) -> None:
    """Lets the shop's data see its ledger, as a project's do."""
    object.__setattr__(shop.project, "data", replace(shop.project.data, past=lambda: nullcontext(shop.ledger)))


def test_who_clicked_is_left_alone(tmp_path: Path) -> None:
    events = [f"{who} cart_added 2026-03-01T10:00" for who in ("a", "b")]
    shop = Running(tmp_path, rule(LINE), ["a", "b"], events)
    open_to(shop)
    shop.tick("03-01 10:00")
    key = next(message.key for message in shop.messages if message.customer == "a")
    shop.ledger.ingest(0, [Receipt("push", "1", "clicked", shop.micros("03-01 10:30"), key=key)])
    assert texts(shop.every(30, "03-01 10:30", "03-01 12:00")) == [("03-01 11:00", "b", "Two")]
    ask = shop.project.query
    assert ask("clicked", "2026-03-01T12:00").ids == ("a",)
    assert ask('sent where scenario = "s"', "2026-03-01T12:00").ids == ("a", "b")
    assert ask('sent where (step = "3" and channel = "sms")', "2026-03-01T12:00").ids == ("b",)
    assert ask("sent 2+ times", "2026-03-01T12:00").ids == ("b",)
    assert ask("sent not followed by clicked", "2026-03-01T12:00").ids == ("b",)
    assert ask("sent", "2026-03-01T09:59").ids == ()
    assert ask('last(sent.message) = "Two"', "2026-03-01T12:00").ids == ("b",)


def test_a_message_may_start_a_journey(tmp_path: Path) -> None:
    playbook = (
        "playbook: p\nscenarios:\n"
        "  s: {rule: 'cart_added → push \"One\"'}\n"
        '  t: {rule: \'sent where scenario = "s" → after 2h sms "{{ event.channel }}"\'}\n'
    )
    shop = Running(tmp_path, playbook, ["a"], ["a cart_added 2026-03-01T10:00"])
    open_to(shop)
    assert texts(shop.every(60, "03-01 10:00", "03-01 13:00")) == [
        ("03-01 10:00", "a", "One"),
        ("03-01 12:00", "a", "push"),
    ]


def test_without_a_ledger_nothing_was_sent(tmp_path: Path) -> None:
    shop = Running(tmp_path, rule('grade = "gold" and not clicked → push "One"'), ["a"])
    assert shop.project.query("never sent", "2026-03-01").ids == ("a",)
    assert shop.project.query("sent", "2026-03-01").ids == ()
