"""What plan, run, status and explain show of entries under earlier texts."""

from __future__ import annotations

from pathlib import Path

import dangol
from dangol.views import explain, status
from dangol.views import plan as plan_view
from dangol.views import run as run_view
from tests.runner.running import MINUTE
from tests.runner.shops import shop

OLD = 'playbook: p\nscenarios:\n  s: {rule: \'cart_added → after 1h push "One" → after 5h push "Two"\'}\n'
NEW = OLD.replace('after 5h push "Two"', 'after 3h push "New"')
CARTS = ["a cart_added 2026-03-01T10:00", "b cart_added 2026-03-01T10:00", "c cart_added 2026-03-01T12:30"]


def edited(directory: Path) -> dangol.Project:
    """A shop with three customers on their way, two of them past the first message, and a rule that has changed."""
    config = "ledger: .dangol/ledger.db\n"
    project = shop(directory, OLD, [{"id": each} for each in "abc"], CARTS, config)
    channels = directory / "dangol.yaml"
    text = channels.read_text(encoding="utf-8").replace("push: {", "push: {provider: file, ")
    channels.write_text(text.replace("email: {}", "email: {provider: file}"), encoding="utf-8")
    project = dangol.load(directory)
    for at in ("2026-03-01T11:00", "2026-03-01T12:40"):
        project.run(at)
    (directory / "playbooks/p.yaml").write_text(NEW, encoding="utf-8")
    return dangol.load(directory)


def test_all_of_them_tell_and_a_run_moves(tmp_path: Path) -> None:
    project = edited(tmp_path)
    at = project.run("2026-03-01T12:50").plan.at + MINUTE
    shown = plan_view.as_text(project.plan(at))
    assert "p/s, under the earlier text " in shown
    assert "step 2: 5 hours after the entry" in shown
    moving = project.plan("2026-03-01T13:00", migrate=True)
    lines = plan_view.as_text(moving, migrate=True)
    assert "p/s: 3 customers would move from the text " in lines
    assert '  no more: after 5h push "Two"\n  new: after 3h push "New"\n' in lines
    assert '  1 at step 1 (after 1h push "One") → step 1, the same\n' in lines
    assert (
        '  2 at step 2 (after 5h push "Two") → step 2 (after 3h push "New")\n      2 would be sent to at once\n'
        in lines
    )
    (change,) = plan_view.as_json(moving)["migration"]
    assert [(move["customers"], move["due"], move["same"]) for move in change["moves"]] == [(1, 0, True), (2, 2, False)]
    text, data = explain.reading(project, "p/s", "en")
    assert "In it under an earlier text, 3 customers:\n   who: " in text
    assert [each["customers"] for each in data["earlier"]] == [3]
    report = project.run("2026-03-01T13:00", migrate=True)
    assert "  p/s: 3 moved from the text " in run_view.as_text(report)
    assert sum(report.counts.states.values()) == 2
    assert "earlier" not in explain.reading(project, "p/s", "en")[0]
    assert (
        plan_view.as_text(project.plan(at + 20 * MINUTE, migrate=True), migrate=True).count("Nobody is under an") == 1
    )


def test_the_status_counts_them(tmp_path: Path) -> None:
    from dangol.runner.versions import under_earlier_texts

    project = edited(tmp_path)
    with project.ledger() as ledger:
        found = status.Standing(ledger.status(), ledger.runs(5), [], under_earlier_texts(project.files, ledger))
    told = status.as_text(found, "Asia/Seoul")
    assert "  3 in p/s under an earlier text: `dangol plan --migrate` shows where they would go on" in told
    assert "run 1 at 2026-" in told
    assert "+09:00:" in told
    assert status.as_json(found, "Asia/Seoul")["earlier_texts"] == {"p/s": 3}
