"""Response logs, keys, secrets."""

from __future__ import annotations

import pickle
import re

import pytest

from dangol.channels.base import CallbackError, Message, Receipt, Unsendable, send_key
from dangol.channels.receipts import parse_log
from dangol.channels.settings import Secret, Secrets
from tests.channels.contract import message


def test_a_log_line_by_line_and_as_a_list() -> None:
    one = '{"event": "opened", "key": "k1", "time": "2026-11-18T20:00:00+09:00", "id": 7}'
    two = '{"event": "failed", "provider_id": "p2", "kind": "address", "reason": "gone", "time": 1795000000}'
    expected = [
        Receipt("opened", 1_794_999_600_000_000, "k1", id="7"),
        Receipt("failed", 1_795_000_000_000_000, None, "p2", kind="address", reason="gone"),
    ]
    assert parse_log(f"\ufeff{one}\n\n{two}\r\n".encode()) == expected
    assert parse_log(f"[{one}, {two}]".encode()) == expected
    assert parse_log(f"{one}\n[{two}]\n".encode()) == parse_log(f"[{one},\n {two}]".encode()) == expected
    assert parse_log(b"") == parse_log(b"[]") == []


def test_what_cannot_be_kept_is_left_out() -> None:
    found = parse_log(b'{"event": "opened", "key": "a\\ud800\\u0000b", "id": "\\udfff", "reason": "\\ud800"}')
    assert (found[0].key, found[0].id, found[0].reason) == ("a?b", "?", "?")


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ('{"event": "bought", "key": "k"}', "entry 2 has no `event`"),
        ('{"event": "opened"}', "entry 2 names no message"),
        ('{"event": "opened", "key": true}', "entry 2 names no message"),
        ('{"event": "opened", "key": "k", "time": "2026-11-18T20:00:00"}', "zone"),
        ('{"event": "opened", "key": "k", "time": "yesterday"}', "written like"),
        ('{"event": "opened", "key": "k", "time": 1e300}', "written like"),
        ('{"event": ["opened"], "key": "k"}', "entry 2 has no `event`"),
        ("7", "entry 2 is not an object"),
    ],
)
def test_an_entry_that_cannot_be_read_is_named(entry: str, said: str) -> None:
    with pytest.raises(CallbackError, match=re.escape(said)):
        parse_log(b'{"event": "opened", "key": "k"}\n' + entry.encode())


def test_keys() -> None:
    assert send_key("a", 1) == send_key("a", "1")
    assert send_key("a", 1) == "cbfffe3bc7ac333f71cb35e1fbdcae50"
    assert send_key("a", "b") != send_key("ab") != send_key("b", "a")
    for key in ("", "a b", "a.b", "가", "x" * 65, "a\n"):
        with pytest.raises(ValueError, match="a key is"):
            Message(key, "c", None, {})


def test_a_message_does_not_show_who_or_what() -> None:
    shown = repr(message(address="user@shop.example"))
    for hidden in ("customer-1", "user@shop.example", "장바구니"):
        assert hidden not in shown


def test_secrets() -> None:
    secrets = Secrets({"A": " value-a ", "AB": "value-a-and-b", "EMPTY": " "})
    assert [secrets.reveal(Secret(name)) for name in ("A", "AB")] == ["value-a", "value-a-and-b"]
    assert secrets.redact("x value-a-and-b\n y value-a") == "x env:AB y env:A"
    assert len(secrets.redact("y " * 1000)) == 300
    token = "fcm:" + "aB3_" * 40
    for told in ("kim@shop.example", "010-1234-5678", "01012345678", "+821012345678", token):
        assert secrets.redact(f'550 <{told}>, "to":"{told}": no') == '550 <(address)>, "to":"(address)": no'
    kept = "1043 M4V20180307110044DTYYJBBYLPQZIB1 2026-11-18T11:00:00.000Z 4096"
    assert secrets.redact(kept) == kept
    for name in ("EMPTY", "NONE"):
        with pytest.raises(Unsendable, match=f"{name} is not set"):
            secrets.reveal(Secret(name))
    assert repr(Secret("A")) == str(Secret("A")) == "env:A"
    assert b"value" not in pickle.dumps(Secret("A"))
