"""Every command as a user runs it: what it prints, its exit code, and that a mistake never ends in a traceback."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dangol.demo import write_project
from tests.command import AT, dangol

CUSTOMERS = "id,country,age\na,KR,30\nb,KR,\nc,US,20\nd,,40\n"
EVENTS = """customer,event,time,product,amount
a,cart_added,2026-11-19T10:00:00+09:00,hat,1000
a,purchased,2026-11-01T10:00:00+09:00,hat,1000
b,cart_added,2026-11-19T10:00:00+09:00,cap,2000
b,purchased,2026-11-19T11:00:00+09:00,cap,2000
c,cart_added,2026-11-01T10:00:00+09:00,hat,10
"""


def answer(*arguments: str | Path, cwd: Path | None = None, code: int = 0) -> Any:
    done = dangol(*arguments, "--json", cwd=cwd)
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("bare")
    (directory / "c.csv").write_text(CUSTOMERS, encoding="utf-8")
    (directory / "e.csv").write_text(EVENTS, encoding="utf-8")
    return directory


LINE = "cart_added within 7d and not purchased"
FILES = ("--customers", "c.csv", "--events", "e.csv", "--at", "2026-11-20")


def test_query_on_bare_files(bare: Path) -> None:
    assert answer("query", LINE, *FILES, "--ids", cwd=bare) == {
        "version": 1,
        "expression": LINE,
        "reading": "at least one `cart_added` in the last 7 days that no later `purchased` followed",
        "at": "2026-11-20T00:00:00+00:00",
        "universe": 4,
        "count": 1,
        "ids": ["a"],
    }
    assert "ids" not in answer("query", LINE, *FILES, cwd=bare)


def test_query_without_customers_has_those_with_events(bare: Path) -> None:
    found = answer("query", "never purchased", "--events", "e.csv", "--at", "2026-11-20", "--ids", cwd=bare)
    assert (found["universe"], found["ids"]) == (3, ["c"])


def test_query_in_a_zone(bare: Path) -> None:
    line = "cart_added on 2026-11-19 and last(cart_added) before 2026-11-19T10:00:01"
    assert answer("query", line, *FILES, "--timezone", "Asia/Seoul", cwd=bare)["count"] == 2
    assert answer("query", line, *FILES, "--timezone", "Asia/Seoul", cwd=bare)["at"] == "2026-11-20T00:00:00+09:00"
    assert answer("query", "cart_added on 2026-11-19 and age is missing", *FILES, cwd=bare)["count"] == 1


def test_query_with_other_column_names(bare: Path) -> None:
    (bare / "log.csv").write_text("user_id,name,ts,sku\n7,viewed,2026-11-19T10:00Z,x\n", encoding="utf-8")
    columns = ("--columns", "user_id=customer,name=event,ts=time")
    found = answer(
        "query", 'viewed where sku = "x"', "--events", "log.csv", *columns, "--at", "2026-11-20", "--ids", cwd=bare
    )
    assert found["ids"] == ["7"]


@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
def test_query_reads_other_formats(bare: Path, ending: str) -> None:
    import duckdb

    form = {"jsonl": "FORMAT JSON", "parquet": "FORMAT PARQUET"}[ending]
    for name in ("c", "e"):
        duckdb.sql(f"COPY (FROM read_csv('{bare / name}.csv')) TO '{bare / name}.{ending}' ({form})")
    files = ("--customers", f"c.{ending}", "--events", f"e.{ending}", "--at", "2026-11-20", "--ids")
    assert answer("query", LINE, *files, cwd=bare)["ids"] == ["a"]


def test_query_writes_csv(bare: Path) -> None:
    assert dangol("query", "age >= 20", *FILES, "--csv", "out.csv", cwd=bare).returncode == 0
    with (bare / "out.csv").open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == [["id"], ["a"], ["c"], ["d"]]


def test_a_wrong_line_is_a_diagnostic(bare: Path) -> None:
    found = answer("query", "cart_added and not purchesed", *FILES, cwd=bare, code=1)
    assert found == {
        "version": 1,
        "diagnostics": [
            {
                "code": "E203",
                "severity": "error",
                "message": "`purchesed` is not an event, attribute, trait or segment",
                "file": "<line>",
                "line": 1,
                "column": 20,
                "end_column": 29,
                "hints": ["did you mean `purchased`?"],
            }
        ],
    }
    shown = dangol("query", "cart_added and not purchesed", *FILES, cwd=bare)
    assert "^^^^^^^^^ did you mean `purchased`?" in shown.stderr


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("query", "age > 3", "--customers", "nowhere.csv"), 3),
        (("query", "age > 3", "--customers", "c.xlsx"), 2),
        (("query", "age > 3", *FILES, "--at", "soon"), 2),
        (("query", "age > 3", *FILES, "--timezone", "Asia/Seol"), 2),
        (("query", "age > 3", *FILES, "--columns", "x"), 2),
        (("query", "age > 3", *FILES, "--csv", "nowhere/x.csv"), 3),
        (("query", "age > 3", *FILES, "--csv", "e.csv"), 2),
        (("demo", "c.csv", "--no-open"), 1),
        (("demo", "c.csv/shop", "--no-open"), 3),
        (("query", "sum(cart_added.amount)", *FILES), 1),
        (("query", "", *FILES), 1),
        (("query", "age > 3"), 1),
        (("plan",), 1),
        (("nonsense",), 2),
        (("query", "age > 3", "--wrong"), 2),
        (("run", "--wait", "-1"), 2),
        (("run", "--wait", "nan"), 2),
        (("end", "nudge"), 2),
    ],
)
def test_wrong_use_has_an_exit_code(bare: Path, arguments: tuple[str, ...], code: int) -> None:
    done = dangol(*arguments, cwd=bare)
    assert done.returncode == code, done.stderr
    assert done.stderr
    assert (bare / "e.csv").read_text(encoding="utf-8") == EVENTS


def test_an_index_that_cannot_be_written_is_a_diagnostic(demo: Path, tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    shutil.copytree(demo, shop, ignore=shutil.ignore_patterns(".dangol"))
    (shop / ".dangol").write_text("a file")
    done = dangol("plan", "--project", shop, "--at", AT)
    assert (done.returncode, done.stderr[:4]) == (3, "E411")
    shutil.copy(shop / "data" / "customers.csv", tmp_path)
    done = dangol("query", "age > 3", "--csv", "data/customers.csv", cwd=shop)
    assert (done.returncode, done.stderr[:4]) == (2, "E513")
    assert (shop / "data" / "customers.csv").read_bytes() == (tmp_path / "customers.csv").read_bytes()


def test_demo_projects_are_clean(demo: Path) -> None:
    checked = dangol("check", "--project", demo)
    assert (checked.returncode, checked.stderr) == (0, "")
    assert dangol("fmt", "--check", "--project", demo).returncode == 0


def test_demo_is_the_same_for_the_same_instant(demo: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    write_project(again, AT, 2000, None)
    files = [path.relative_to(demo) for path in demo.rglob("*") if path.is_file() and ".dangol" not in path.parts]
    assert len(files) >= 8
    for file in files:
        assert (demo / file).read_bytes() == (again / file).read_bytes(), file


def test_demo_leaves_edited_playbooks_alone(tmp_path: Path) -> None:
    directory = tmp_path / "shop"
    write_project(directory, AT, 10, None)
    edited = directory / "playbooks/vip.yaml"
    edited.write_text(edited.read_text(encoding="utf-8") + "# mine\n", encoding="utf-8")
    assert dangol("demo", directory, "--no-open", "--customers", "20").returncode == 0
    assert edited.read_text(encoding="utf-8").endswith("# mine\n")
    assert (directory / "data/customers.csv").read_text(encoding="utf-8").count("\n") == 21


def test_demo_leaves_other_directories_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    done = dangol("demo", tmp_path, "--no-open")
    assert done.returncode == 1
    assert "is not empty" in done.stderr


def test_the_command_in_a_process_of_its_own(bare: Path) -> None:
    command = [sys.executable, "-c", "from dangol.cli import main; main()", "query", "age > 3", *FILES, "--json"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(command, cwd=bare, env=environment, capture_output=True, text=True, encoding="utf-8")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["count"] == 3


def test_plan_as_json(demo: Path) -> None:
    plan = answer("plan", "--project", demo, "--at", AT)
    assert plan["version"] == 1
    assert plan["at"] == "2026-11-20T10:00:00+09:00"
    assert len(plan["scenarios"]) == 9
    for scenario in plan["scenarios"]:
        assert scenario["audience"] == len(scenario["sends"]) + sum(h["count"] for h in scenario["held"])
        assert all(set(send) == {"customer", "channel", "step", "arm", "message"} for send in scenario["sends"])
    assert sum(plan["volume"].values()) == sum(len(scenario["sends"]) for scenario in plan["scenarios"])


def test_plan_verbose_prints_the_feature_plan(demo: Path) -> None:
    features = answer("plan", "--verbose", "--project", demo, "--at", AT)["features"]
    assert any("cart_added" in line for line in features)
    assert features == list(dict.fromkeys(features))


def test_plan_agrees_with_query(demo: Path) -> None:
    (nudge,) = answer("plan", "cart_rescue/nudge", "--project", demo, "--at", AT)["scenarios"]
    members = answer("query", "abandoner and not staff", "--ids", "--project", demo, "--at", AT)
    assert nudge["audience"] == members["count"] > 0
    assert {send["customer"] for send in nudge["sends"]} <= set(members["ids"])


def test_explain(demo: Path) -> None:
    english = dangol("explain", "abandoner", "--project", demo).stdout
    assert english.strip() == "at least one `cart_added` in the last 7 days that no later `purchased` followed"
    assert "장바구니" not in english
    korean = dangol("explain", "abandoner", "--lang", "ko", "--project", demo).stdout
    assert "최근 7일" in korean
    member = answer("query", "abandoner", "--ids", "--project", demo, "--at", AT)["ids"][0]
    shown = dangol("explain", "abandoner", "--customer", member, "--at", AT, "--project", demo).stdout
    assert shown.startswith(f"{member} is in")


def test_fmt_writes_and_settles(demo: Path, tmp_path: Path) -> None:
    directory = tmp_path / "p"
    (directory / "playbooks").mkdir(parents=True)
    (directory / "dangol.yaml").write_text((demo / "dangol.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    book = directory / "playbooks/a.yaml"
    book.write_text(
        "playbook:   a   # mine\nsegments:\n    x:   visited   within   7d  and  not purchased\n", encoding="utf-8"
    )
    assert dangol("fmt", "--check", "--project", directory).returncode == 1
    assert "-    x:" in dangol("fmt", "--diff", "--project", directory).stdout
    assert dangol("fmt", "--project", directory).returncode == 0
    assert "x: visited within 7d and not purchased" in book.read_text(encoding="utf-8")
    assert "# mine" in book.read_text(encoding="utf-8")
    assert dangol("fmt", "--check", "--project", directory).returncode == 0


def test_check_reports_every_error_in_file_order(demo: Path, tmp_path: Path) -> None:
    directory = tmp_path / "p"
    shutil.copytree(demo, directory, ignore=shutil.ignore_patterns("playbooks", ".dangol"))
    (directory / "playbooks").mkdir()
    text = 'playbook: a\nsegments:\n  x: visted within 7d\n  y: purchased within 7m\n  z: x and age > "3"\n'
    (directory / "playbooks/a.yaml").write_text(text, encoding="utf-8")
    found = answer("check", "--project", directory, code=1)["diagnostics"]
    assert [(d["file"], d["line"]) for d in found] == [("playbooks/a.yaml", line) for line in (3, 4, 5)]
    assert found[0]["hints"] == ["did you mean `visited`?"]
