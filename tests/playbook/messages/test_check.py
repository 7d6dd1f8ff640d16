"""`dangol check` finds what is wrong with messages, at its place, without any data."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dangol.diagnostics import Diagnostic
from dangol.playbook.project import load_project

CONFIG = """\
project: shop
timezone: Asia/Seoul
attributes: {name: text, 이름: text}
events:
  cart_added: {product: text, amount: number}
  purchased: {product: text}
channels: {push: , sms: , email: }
"""


def found(directory: Path, rule: str, message: str, more: str = "", config: str = CONFIG) -> list[Diagnostic]:
    (directory / "playbooks").mkdir(exist_ok=True)
    (directory / "dangol.yaml").write_text(config)
    text = f"playbook: p\n{more}scenarios:\n  s: {{rule: '{rule}'}}\nmessages:\n  m: {{push: \"{message}\"}}\n"
    (directory / "playbooks/p.yaml").write_text(text)
    return list(load_project(directory).diagnostics)


@pytest.mark.parametrize(
    ("message", "code", "words", "caught"),
    [
        ("Hi {{ customer.nmae }}", "E502", "`nmae` is no attribute", "customer.nmae"),
        ("{{ customer.이룸 }}", "E502", "`이룸` is no attribute", "customer.이룸"),
        ("{{ event.prodct }}", "E502", "`prodct` is no property of `cart_added`", "event.prodct"),
        ("{% for i in items %}{{ i.prodct }}{% endfor %}", "E502", "`prodct` is no property", "i.prodct"),
        ("{{ traits.spend }}", "E502", "`spend` is no trait", "traits.spend"),
        ("{{ name }}", "E501", "`name` is no variable", "name"),
        ("{{ customer.name", "E501", "cannot be read", "{{"),
        ("{{ customer.name | josaa }}", "E501", "`josaa` is not a filter", "josaa"),
        ("{% if customer.name %}", "E501", "cannot be read", ""),
    ],
)
def test_a_message_is_read_when_checked(tmp_path: Path, message: str, code: str, words: str, caught: str) -> None:
    (one,) = found(tmp_path, "cart_added → push m", message)
    assert one.code == code
    assert words in one.message
    assert one.text[one.column - 1 :].startswith(caught)


@pytest.mark.parametrize(
    "message",
    [
        "{{ customer.name }} {{ customer.id }} {{ customer.이름 | josa: '은/는' }} {{ event.product }}",
        "{% for item in items limit: 3 %}{{ item.product }} {{ item.amount | money }}{% endfor %}",
        "{{ traits.spent | money }}",
        "100% {off} }} %}",
    ],
)
def test_what_is_known_is_fine(tmp_path: Path, message: str) -> None:
    assert found(tmp_path, "cart_added → push m", message, "traits: {spent: count(purchased)}\n") == []


def test_an_event_needs_an_anchor(tmp_path: Path) -> None:
    (one,) = found(tmp_path, 'name = "Kim" → push m', "{{ event.product }}")
    assert (one.code, "starts from a state" in one.message) == ("E502", True)


def test_a_text_in_the_line_has_its_place(tmp_path: Path) -> None:
    (one,) = found(tmp_path, 'cart_added → push "{{ customer.nmae }}"', "x")
    assert (one.code, one.line) == ("E502", 3)
    assert one.text[one.column - 1 :].startswith("customer.nmae")


def test_a_message_that_nobody_sends_is_read_too(tmp_path: Path) -> None:
    assert [one.code for one in found(tmp_path, 'cart_added → push "x"', "{{ customer.nmae }} {{ event.x }}")] == [
        "E502"
    ]


def test_a_kind_is_one_of_two(tmp_path: Path) -> None:
    assert found(tmp_path, "cart_added → push m", 'x", kind: "informational') == []
    (one,) = found(tmp_path, "cart_added → push m", 'x", kind: "info')
    assert (one.code, one.message) == ("E027", "a message is advertising or informational, not `info`")


def test_plain_texts_load_no_template_engine(tmp_path: Path) -> None:
    assert found(tmp_path, "cart_added → push m", "plain") == []
    load = f"load_project(Path({str(tmp_path)!r}))"
    code = f"import sys; from pathlib import Path; from dangol.playbook.project import load_project; {load}"
    code += "; sys.exit('liquid' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
