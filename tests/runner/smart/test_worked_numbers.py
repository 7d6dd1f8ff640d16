"""The worked numbers of the facts about measurement, through project files and data, and a run that refuses."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

import dangol
from dangol.cli import cli
from dangol.playbook.smart.finding import Lint

CONFIG = """\
project: shop
timezone: Asia/Seoul
data:
  customers: {file: customers.csv, id: id}
  events:
    - {file: events.csv, customer: customer, event: event, time: time}
attributes: {mail: text}
events:
  joined: {}
  purchased: {}
channels: {email: {address: mail}}
"""
DAY = dt.timedelta(days=1)
MIDNIGHT = dt.datetime(2026, 11, 2)


def stock(customers: int, buyers: int) -> Iterator[tuple[str, str, str]]:
    """Customers who joined long ago; so many of them bought once, just as the replay begins."""
    for number in range(customers):
        yield f"c{number}", "joined", "2026-06-01"
        if number < buyers:
            yield f"c{number}", "purchased", (MIDNIGHT - 61 * DAY).isoformat()
    yield "c0", "purchased", (MIDNIGHT - DAY).isoformat()


def daily(a_day: int, buyers: int) -> Iterator[tuple[str, str, str]]:
    """So many join each day at noon, and so many of them buy a day later."""
    for day in range(75):
        noon = MIDNIGHT - day * DAY - dt.timedelta(hours=12)
        for number in range(a_day):
            yield f"c{day}-{number}", "joined", noon.isoformat()
            if number < buyers and day:
                yield f"c{day}-{number}", "purchased", (noon + DAY).isoformat()


def project(directory: Path, scenario: str, rows: Iterator[tuple[str, str, str]]) -> Path:
    (directory / "playbooks").mkdir()
    (directory / "dangol.yaml").write_text(CONFIG)
    messages = "messages: {a: {email: hello}, b: {email: hi}}\n"
    (directory / "playbooks/p.yaml").write_text(f"playbook: p\nscenarios:\n  s: {scenario}\n{messages}")
    events = list(rows)
    people = dict.fromkeys(customer for customer, _, _ in events)
    (directory / "customers.csv").write_text("id,mail\n" + "".join(f"{one},{one}@example.com\n" for one in people))
    (directory / "events.csv").write_text("customer,event,time\n" + "".join(",".join(row) + "\n" for row in events))
    return directory


def linted(directory: Path, at: str = "2026-11-02") -> Lint:
    loaded = dangol.load(directory)
    (found,) = loaded.lint(at, loaded.plan(at), thorough=False)
    return found


def findings(lint: Lint) -> dict[str, str]:
    return {one.rule: one.severity for one in lint.findings if one.severity != "info"}


def line(lint: Lint, letter: str) -> str:
    return next(each.line for each in lint.lights if each.letter == letter)


def joined(kpi: str, beside: str = "") -> str:
    return f"{{rule: joined → email a, kpi: {kpi} by 2026-12-31{beside}}}"


def test_twelve_thousand_in_halves(tmp_path: Path) -> None:
    scenario = "{rule: joined → email split half, kpi: purchased within 7d up 20% vs control by 2026-12-31}"
    found = linted(project(tmp_path, f'{scenario}\nsplits: {{half: "a 50%, control 50%"}}', stock(12_000, 600)))
    assert line(found, "A").startswith("power 0.67 for +20 % (n=6,000 vs 6,000, base 5.0 % ± 0.39). MDE +23.5 %.")
    assert findings(found)["A01"] == "warning"


def test_thirty_thousand_with_a_tenth_held_out(tmp_path: Path) -> None:
    scenario = joined("purchased within 7d up 10% vs holdout", ", holdout: 10%")
    found = linted(project(tmp_path, scenario, stock(30_000, 1_200)))
    assert line(found, "A").startswith(
        "power 0.18 for +10 % (n=3,000 vs 27,000, base 4.0 % ± 0.22). MDE +26.7 %. 50/50 split: +16.5 %."
    )
    assert findings(found)["A01"] == "error"


@pytest.fixture(scope="module")
def twelve_thousand(tmp_path_factory: pytest.TempPathFactory) -> Path:
    scenario = joined("purchased within 7d up 15% vs holdout", ", holdout: 5%")
    return project(tmp_path_factory.mktemp("twelve"), scenario, stock(12_000, 600))


def test_twelve_thousand_with_a_twentieth_held_out(twelve_thousand: Path) -> None:
    found = linted(twelve_thousand)
    assert line(found, "A").startswith("power 0.13 for +15 % (n=600 vs 11,400, base 5.0 % ± 0.39). MDE +51.8 %.")
    assert findings(found)["A01"] == "error"


EACH_DAY = "{{rule: joined today → email split half, schedule: 'daily at 23:59', kpi: {kpi}}}\nsplits: {splits}"


def test_only_those_who_have_the_whole_window_count(tmp_path: Path) -> None:
    kpi = "purchased within 7d up 15% vs control by 2026-11-23"
    scenario = EACH_DAY.format(kpi=kpi, splits='{half: "a 50%, control 50%"}')
    found = linted(project(tmp_path, scenario, daily(400, 32)))
    assert line(found, "A").startswith("power 0.36 for +15 % (n=2,800 vs 2,800, base 8.0 %")
    assert "MDE +26.9 %." in line(found, "A")
    needed = next(one for one in found.findings if one.rule == "A02")
    assert (needed.severity, needed.needed) == ("error", "8,565 and 8,565, that is 50 days, until 2026-12-22")


def test_several_arms_are_compared_each(tmp_path: Path) -> None:
    kpi = "purchased within 7d up 15% vs control by 2026-11-23"
    scenario = EACH_DAY.format(kpi=kpi, splits='{half: "a 33.3%, b 33.3%, control 33.4%"}')
    found = linted(project(tmp_path, scenario, daily(400, 32)))
    each = next(one for one in found.findings if one.rule == "A10")
    assert "(MDE +36.9 %)" in each.found


def test_a_target_that_cannot_be_shown_is_refused(twelve_thousand: Path) -> None:
    at = ("--at", "2026-11-02", "--project", str(twelve_thousand))
    asked = CliRunner().invoke(cli, ["check", "--data", *at], standalone_mode=False)
    assert asked.return_value == 1
    assert "power 0.13 for +15 %" in asked.stderr
    assert "the nearest target that can be shown is `up 52%`" in asked.stderr
    told = json.loads(CliRunner().invoke(cli, ["check", "--data", "--json", *at]).stdout)
    (target,) = told["targets"]
    first = next(one for one in target["findings"] if one["rule"] == "A01")
    assert (first["severity"], first["needed"], target["lights"]["A"]["severity"]) == ("error", "power 0.8", "error")
    with pytest.raises(dangol.DangolError, match="E820"):
        dangol.load(twelve_thousand).run("2026-11-02", confirmed=True)
    with dangol.load(twelve_thousand).ledger() as ledger:
        assert ledger.runs(1) == []


def test_a_target_that_can_be_shown_starts(twelve_thousand: Path) -> None:
    path = twelve_thousand / "playbooks/p.yaml"
    path.write_text(path.read_text().replace("up 15%", "up 52%"))
    assert "A01" not in findings(linted(twelve_thousand))
    report = dangol.load(twelve_thousand).run("2026-11-02", confirmed=True)
    assert report.counts.states["sent"] == pytest.approx(11_400, abs=100)
    later = dangol.load(twelve_thousand)
    assert later.lint("2026-11-02", later.plan("2026-11-02")) == ()  # it is started: plan says no more about it
