"""`dangol backtest`, and runs at a given instant."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from dangol.cli import cli
from tests.runner.running import rule
from tests.runner.shops import shop

EVENTS = [f"c{n} cart_added 2026-03-0{n}T10:00" for n in range(1, 6)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    line = rule('cart_added and not purchased → after 1h push "One" → after 24h email "Two"')
    shop(tmp_path, line, [{"id": f"c{n}"} for n in range(1, 6)], EVENTS, "quiet: 21:00–08:00\n")
    return tmp_path


def test_a_backtest_as_data(folder: Path) -> None:
    asked = ["backtest", "--project", str(folder), "--from", "2026-03-01", "--to", "2026-03-04", "--json"]
    found = json.loads(CliRunner().invoke(cli, asked, standalone_mode=False).output)
    assert found["runs"] == 73
    assert found["volume"] == {
        "2026-03-01": {"push": 1},
        "2026-03-02": {"push": 1, "email": 1},
        "2026-03-03": {"push": 1, "email": 1},
    }
    assert (found["customers"], found["most_per_customer"]) == (3, 2)


def test_a_backtest_for_people_leaves_no_ledger(folder: Path) -> None:
    asked = ["backtest", "--project", str(folder), "--from", "2026-03-01", "--to", "2026-03-04", "--every", "360"]
    output = CliRunner().invoke(cli, asked, standalone_mode=False).output
    assert "messages to 3 customers" in output
    assert not (folder / ".dangol/ledger.db").exists()


def test_runs_at_given_instants_send_once(folder: Path) -> None:
    for at in ("2026-03-01T11:00", "2026-03-01T11:01", "2026-03-02T10:00"):
        done = CliRunner().invoke(cli, ["run", "--project", str(folder), "--at", at], standalone_mode=False)
        assert done.exit_code == 0, done.output
    lines = [json.loads(each) for path in (folder / "outbox").iterdir() for each in path.read_text().splitlines()]
    assert sorted((line["channel"], line["customer"]) for line in lines) == [("email", "c1"), ("push", "c1")]
