"""Two scenarios of a namespace never have the same customer; who is outside is in neither experiment."""

from __future__ import annotations

from pathlib import Path

import pytest

import dangol
from dangol.diagnostics import DangolError
from dangol.playbook.project import load_project
from tests.runner.running import Running
from tests.runner.shops import shop as project

MANY = [f"고객{n:04}" for n in range(600)]
BOTH = """playbook: p
scenarios:
  s: {rule: 'grade = "gold" → push split offer', again: after 1d}
  t: {rule: 'grade = "gold" → sms "Hi"', holdout: 50%, again: after 1d}
splits: {offer: 'mint 50%, control 50%'}
messages: {mint: {push: Mint}}
"""


def namespace(line: str) -> str:
    return f"namespaces: {{checkout: '{line}'}}\n"


def test_nobody_is_in_both(tmp_path: Path) -> None:
    shop = Running(tmp_path, BOTH, MANY, config=namespace("p/s 40%, p/t 30%"))
    report = shop.run("03-10 12:00", confirmed=True)
    first, second = (shop.ledger.assigned("p", name) for name in "st")
    assert first is not None
    assert second is not None
    assert not set(first.customer) & set(second.customer)
    assert 190 <= len(first) <= 290
    assert 130 <= len(second) <= 230
    assert shop.reasons(report, "s")["left to another experiment"] == 600 - len(first)
    assert {message.customer for message in shop.messages} <= set(first.customer) | set(second.customer)
    assert 80 <= (first.arms["offer"] == 0).sum() <= 160  # the arm is another draw than the place
    assert shop.reasons(shop.run("03-10 12:10"), "s") == {"every step is done": 600}


def test_a_place_grows_at_its_end_and_moves_nobody(tmp_path: Path) -> None:
    shop = Running(tmp_path, BOTH, MANY, config=namespace("p/s 40%, p/t 30%"))
    shop.tick("03-10 12:00", confirmed=True)
    before = shop.ledger.assigned("p", "t")
    config = (tmp_path / "dangol.yaml").read_text(encoding="utf-8")

    def run(line: str, at: str) -> None:
        (tmp_path / "dangol.yaml").write_text(config.replace("p/s 40%, p/t 30%", line), encoding="utf-8")
        shop.project = dangol.load(tmp_path)
        shop.tick(at, confirmed=True)

    run("p/s 40%, p/t 60%", "03-12 12:00")
    after = shop.ledger.assigned("p", "t")
    assert before is not None
    assert after is not None
    assert len(after) > len(before)
    assert after.holdout[: len(before)].tolist() == before.holdout.tolist()
    for line in ("p/s 50%, p/t 50%", "p/s 40%, p/t 50%", "p/t 60%", "p/t 60%, p/s 40%"):
        with pytest.raises(DangolError, match=r"E840.*the place in a namespace cannot change now"):
            run(line, "03-14 12:00")


@pytest.mark.parametrize(("line", "code"), [
    ("p/s 60%, p/t 50%", "E320"), ("p/s 40%, p/s 10%", "E320"), ("p/s 0.4", "E320"), ("p/s 0%", "E320"),
    ("p/x 40%", "E321"),
    ("p/s 40%, free 20%, p/t 40%", ""), ("p/s forty", "E1"),
])  # fmt: skip
def test_a_namespace_is_checked(tmp_path: Path, line: str, code: str) -> None:
    project(tmp_path, BOTH, [])
    path = tmp_path / "dangol.yaml"
    path.write_text(path.read_text(encoding="utf-8") + namespace(line), encoding="utf-8")
    codes = [one.code for one in load_project(tmp_path, discover=False).errors]
    assert (codes == []) if not code else all(one.startswith(code) for one in codes) and codes
