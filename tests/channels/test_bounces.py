"""Bounces and complaints as mail servers write them."""

from __future__ import annotations

from contextlib import suppress

import pytest

from dangol.channels.base import CallbackError, Receipt
from dangol.channels.bounces import parse_bounce
from tests.channels.contract import only

REPORT = """\
From: MAILER-DAEMON@mx.example
Date: Wed, 18 Nov 2026 20:00:00 +0900
Subject: Undelivered
MIME-Version: 1.0
Content-Type: multipart/report; report-type={type}; boundary="B"

--B
Content-Type: text/plain

Sorry.
--B
Content-Type: message/{type}

{report}
--B
Content-Type: {original}

From: hello@shop.example
Message-ID: <0a1b@shop.example>
X-Dangol-Key: 0a1b

--B--
"""


def report(status: str = "5.1.1", action: str = "failed", original: str = "text/rfc822-headers") -> bytes:
    text = (f"Reporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; user@people.example\nAction: {action}\n"
            f"Status: {status}\nDiagnostic-Code: smtp; 550 {status} no such\n user\n")  # fmt: skip
    return REPORT.format(type="delivery-status", report=text, original=original).encode()


@pytest.mark.parametrize("original", ["text/rfc822-headers", "message/rfc822"])
def test_a_bounce(original: str) -> None:
    assert only(parse_bounce(report(original=original), {})) == Receipt(
        "failed", 1_794_999_600_000_000, "0a1b", "<0a1b@shop.example>", "user@people.example", "address",
        "5.1.1 smtp; 550 5.1.1 no such user",
    )  # fmt: skip


@pytest.mark.parametrize(("status", "kind"), [("5.1.2", "address"), ("5.7.1", "content"), ("5.2.2", "refused")])
def test_only_a_bad_mailbox_is_an_address(status: str, kind: str) -> None:
    assert only(parse_bounce(report(status), {})).kind == kind


def test_other_actions() -> None:
    assert only(parse_bounce(report(action="delivered"), {})).event == "delivered"
    assert parse_bounce(report(action="delayed"), {}) == []


def test_a_complaint() -> None:
    mail = REPORT.format(type="feedback-report", report="Feedback-Type: abuse\nVersion: 1\n", original="message/rfc822")
    receipt = only(parse_bounce(mail.encode(), {}))
    assert (receipt.event, receipt.kind, receipt.key) == ("unsubscribed", "consent", "0a1b")


def test_a_response_log_is_taken_too() -> None:
    assert only(parse_bounce(b'{"event": "unsubscribed", "key": "k"}', {})).event == "unsubscribed"


@pytest.mark.parametrize("cut", range(0, 600, 37))
def test_half_a_bounce(cut: int) -> None:
    with suppress(CallbackError):
        assert len(parse_bounce(report()[:cut], {})) <= 1


def test_an_ordinary_mail_is_none() -> None:
    with pytest.raises(CallbackError, match="neither a bounce"):
        parse_bounce(b"Subject: hello\n\nhi\n", {})
