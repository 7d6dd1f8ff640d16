"""`dangol compare` as a user runs it; the public e-mail test has the numbers published with it."""

from __future__ import annotations

import json
import re
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

from dangol.cli import main

ROOT = Path(__file__).parents[2]
HILLSTROM = ROOT.parent / "shared" / "data" / "hillstrom.csv.gz"
NONE, MENS, WOMENS = "No E-Mail", "Mens E-Mail", "Womens E-Mail"
Output = tuple[int, str, str]


@pytest.fixture
def dangol(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs the command line; its exit code, output and messages."""

    def run(*arguments: str) -> Output:
        monkeypatch.setattr(sys, "argv", ["dangol", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code, captured.out, captured.err

    return run


@pytest.fixture
def hillstrom(monkeypatch: pytest.MonkeyPatch) -> str:
    """The file's name, standing in its directory."""
    if not HILLSTROM.exists():
        pytest.skip("the public data file hillstrom.csv.gz is not here")
    monkeypatch.chdir(HILLSTROM.parent)
    return HILLSTROM.name


PUBLISHED = {
    "visit": {MENS: (18.276, 7.659, 22.49), WOMENS: (15.140, 4.523, 13.95), NONE: (10.617, None, None)},
    "conversion": {MENS: (1.253, 0.681, 7.39), WOMENS: (0.884, 0.311, 3.78), NONE: (0.573, None, None)},
}
"""Percent of customers; points against the control, and z."""


@pytest.mark.parametrize("metric", PUBLISHED)
def test_hillstrom(metric: str, hillstrom: str, dangol: Any) -> None:
    asked = (hillstrom, "--arm", "segment", "--control", NONE, "--metric", metric)
    code, out, err = dangol("compare", *asked, "--expected", f"{NONE} 1, {MENS} 1, {WOMENS} 1", "--json")
    assert (code, err) == (0, "")
    data = json.loads(out)
    assert (data["rows"], data["kind"], data["sizes"]["alarm"], data["warnings"]) == (64_000, "share", False, [])
    assert {arm["arm"]: arm["n"] for arm in data["arms"]} == {MENS: 21_307, WOMENS: 21_387, NONE: 21_306}
    published = PUBLISHED[metric]
    assert {arm["arm"]: round(100 * arm["value"], 3) for arm in data["arms"]} == {a: v[0] for a, v in published.items()}
    for pair in data["comparisons"]:
        _, points, z = published[pair["arm"]]
        assert (round(100 * pair["absolute"]["value"], 3), round(pair["pooled_z"], 2)) == (points, z)
        assert pair["outcome"] == "better"


def test_the_page_shows_what_is_printed(hillstrom: str, dangol: Any) -> None:
    page = (ROOT / "docs" / "compare.md").read_text(encoding="utf-8")
    found = re.search(r"```\n\$ dangol (compare .*?)\n(.*?)```", page, re.DOTALL)
    assert found is not None
    code, out, err = dangol(*shlex.split(found[1]))
    assert (code, out, err) == (0, found[2], "")


def test_every_field_is_documented(tmp_path: Path, dangol: Any) -> None:
    path = tmp_path / "t.csv"
    path.write_text("arm,m\n" + "A,1\nB,0\nA,0\nB,1\n" * 60)
    _, out, _ = dangol("compare", str(path), "--arm", "arm", "--control", "A", "--metric", "m", "--json")
    page = (ROOT / "docs" / "json.md").read_text(encoding="utf-8").partition("## `dangol compare --json`")[2]
    data = json.loads(out)
    names = {*data, *data["arms"][0], *data["comparisons"][0], *data["sizes"], *data["columns"], *data["intervals"]}
    assert {name for name in names if f"`{name}`" not in page and f"`{name}[]`" not in page} == {"version"}


def test_warnings_are_said_beside_the_answer(tmp_path: Path, dangol: Any) -> None:
    path = tmp_path / "반품.csv"
    path.write_text("집단,금액\n" + "대조,-1000\n실험,2000\n대조,3000\n실험,4000\n" * 60, encoding="utf-8")
    code, out, err = dangol("compare", str(path), "--arm", "집단", "--control", "대조", "--metric", "금액")
    assert code == 0
    assert "실험: 금액 +2,000 against 대조, shown to be better" in out
    assert err.startswith("W812")
    assert "60 of 240 rows have a negative value in the column `금액`" in err


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        ({"--control": "C"}, 2, "E812"),
        ({"--metric": "n"}, 3, "E403"),
        ({"--kind": "share"}, 1, "E816"),
        ({"--kind": "median"}, 2, "--kind"),
        ({"--alpha": "5"}, 2, "--alpha"),
        ({"--expected": "A 50%"}, 2, "E819"),
    ],
)
def test_exit_codes(change: dict[str, str], code: int, said: str, tmp_path: Path, dangol: Any) -> None:
    path = tmp_path / "t.csv"
    path.write_text("arm,m\nA,1\nB,2\n")
    options = {"--arm": "arm", "--control": "A", "--metric": "m", **change}
    found, out, err = dangol("compare", str(path), *(part for pair in options.items() for part in pair))
    assert (found, out) == (code, "")
    assert said in err
