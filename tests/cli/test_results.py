"""`dangol results`: text, JSON and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dangol.cli import main
from tests.measure.simulated import DAY, Person, Simulated, instant

START = instant("2026-03-01T10:00")


def dangol(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: str
) -> tuple[int, str, str]:
    monkeypatch.setattr("sys.argv", ["dangol", "results", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    told = capsys.readouterr()
    return int(str(ended.value.code)), told.out, told.err


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    people = [
        Person(f"c{n}", START + n * DAY // 24, arm, sent=START + n * DAY // 24 if arm != "control" else None)
        for n in range(300) for arm in (("discount", "control")[n % 2],)
    ]  # fmt: skip
    events = [(f"c{n}", "purchased", START + (n + 1) * DAY // 24, "x", "1") for n in range(0, 300, 3)]
    Simulated(tmp_path, people, events).project()
    return tmp_path


def test_text_and_json_say_the_same(
    directory: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    where = ("--project", str(directory), "--at", "2026-04-05")
    code, text, _ = dangol(capsys, monkeypatch, *where)
    assert code == 0
    assert "cannot be known  purchased within 7d up 20% vs control by 2026-03-31" in text
    code, written, _ = dangol(capsys, monkeypatch, "p/s", "--json", *where)
    (kpi,) = json.loads(written)["experiments"][0]["kpis"]
    assert (kpi["verdict"], kpi["reason"]["code"]) == ("unknown", "no_effect_shown")
    assert [(group["name"], group["mature"], group["value"]) for group in kpi["groups"]] == [
        ("discount", 150, pytest.approx(1 / 3)), ("control", 150, pytest.approx(1 / 3)),
    ]  # fmt: skip


def test_a_scenario_is_named_with_its_playbook(
    directory: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, _, told = dangol(capsys, monkeypatch, "s", "--project", str(directory))
    assert code == 1
    assert "E801" in told
    assert "write `p/s`" in told
