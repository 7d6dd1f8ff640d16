"""Projects as a whole: everything wrong in one go, in file order, in words and at the exact place."""

from __future__ import annotations

import os
import subprocess
import sys
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from dangol.playbook.project import Project, load_project
from dangol.views.diagnostics import terminal

SHOP = Path(__file__).parents[2] / "dangol/demo/shop"
CONFIG = """\
project: shop
timezone: Asia/Seoul
attributes: {name: text, age: number, email: text}
events:
  visited: {channel: text}
  cart_added: {product: text, amount: number}
  purchased: {product: text, amount: number}
channels: {push: , email: {address: email}}
"""


def project(directory: Path, *playbooks: str | bytes, config: str | None = CONFIG) -> Project:
    (directory / "playbooks").mkdir(exist_ok=True)
    if config is not None:
        (directory / "dangol.yaml").write_text(config)
    for number, text in enumerate(playbooks):
        path = directory / f"playbooks/{'abcdefgh'[number]}.yaml"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
    return load_project(directory)


def shown(found: Project) -> str:
    return terminal(found.diagnostics)


def test_the_demo_shop_is_free_of_findings() -> None:
    found = load_project(SHOP)
    assert shown(found) == ""
    assert found.name == "demo_shop"
    assert [one.name for one in found.playbooks] == ["cart_rescue", "vip", "welcome", "winback"]
    assert len(found.compiled) == len(found.scenarios) == 9
    assert found.holdout == Fraction(1, 20)
    assert found.quiet is not None
    assert (found.quiet.start, found.quiet.end) == (21 * 60, 8 * 60)
    assert [cap.count for cap in found.caps] == [1, 3]
    assert found.playbooks[0].messages["discount"]["push"]["title"].text == "(광고)단골옷장 이번 주만 10% 할인!"


def test_all_findings_of_all_files_come_at_once(tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    found = project(
        tmp_path,
        "playbook: cart\nstage: convresion\nsegments:\n  a: cart_added within 7d and not purchesed\n  a: visited\n"
        "scenarios:\n  s:\n    rule: a → push hello\n    schedul: daily at 10:00\nmessages:\n  hello: {pus: hi}\n",
        "playbook: cart\nsegments:\n\tb: visited\n",
        "playbook: c\nsegments:\n  c: b and a and visited wihtin 7d\n",
        config=CONFIG.replace("Seoul", "Seul") + "groups: {g: [visted]}\n",
    )
    assert shown(found) == snapshot


BAD = {
    "colon": 'playbook: x\nscenarios:\n  a:\n    rule: visited → push "할인: 10%"\n',
    "quote first": 'playbook: x\nscenarios:\n  a:\n    rule: "vip" → push "x"\n',
    "liquid": "playbook: x\nmessages:\n  a:\n    push: {{ customer.name }}님 안녕\n",
    "open quote": 'playbook: x\nmessages:\n  a:\n    push: "{{ customer.name }}님 안녕\nsplits: {}\n',
    "comment in line": 'playbook: x\nscenarios:\n  a:\n    rule: visited → push "sale #1"\n',
    "comment in message": "playbook: x\nmessages:\n  a:\n    push: sale #1\n",
    "star": "playbook: x\nsegments:\n  a: *b\n",
    "tag": "playbook: x\nsegments:\n  a: !b c\n",
    "percent": "playbook: x\nsegments:\n  a: %10\n",
    "greater": "playbook: x\nsegments:\n  a: > 5\n",
    "indentation": "playbook: x\nsegments:\n  a: visited\n   b: purchased\n",
    "no colon": "playbook: x\nsegments\n  a: visited\n",
    "no space": "playbook:x\nsegments:\n  a: visited\n",
    "list for text": "playbook: x\nsegments:\n  a: [visited]\n",
    "text for group": "playbook: x\nsegments: visited\nmessages: {a: hi}\n",
    "nothing": "playbook: x\nsegments:\n  a:\nscenarios:\n",
    "unknown keys": "playbook: x\nenabled: true\nsegments: {b: {iff: a, rule: visited}}\nscenarios:\n  s: {exits: a}\n",
    "yes or no": "playbook: x\nscenarios:\n  s: {rule: visited → push 'a', enabled: maybe}\n",
    "merge": "playbook: x\nsegments:\n  <<: {a: visited}\n",
    "empty": "# only a comment\n",
    "list": "- a\n- b\n",
    "text": "visited\n",
    "two documents": "playbook: x\n---\nplaybook: y\n",
    "itself": "playbook: x\nsegments: &a\n  b: *a\n",
    "names": "playbook: a b\nmessages: {split: {push: x}}\n",
    "korean": "playbook: 가나다라\n".encode("cp949"),
    "utf-16": "playbook: x\n".encode("utf-16"),
    "binary": bytes(range(256)),
    "nul": b"playbook: j\0\n",
    "line separator": "playbook: x\nsegments:\n  a: visited\u2028  b: c\n",
}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
def test_a_bad_playbook(text: str | bytes, tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    assert shown(project(tmp_path, text)) == snapshot


def test_a_bad_config(tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    os.symlink("/etc/passwd", tmp_path / "link.csv")
    config = """\
project: x
data:
  customers: {file: ../c.csv}
  events:
    - {file: /etc/passwd, name: purchased}
    - {file: "data/*.xls"}
    - {file: d.csv, databse: x}
    - {file: d.csv, database: x}
    - {database: x.duckdb}
    - {file: e.csv, name: a, event: b}
    - {file: link.csv}
    - {file: "a\\0b.csv"}
attributes: {today: text, age: numbr, "a b": text}
events:
  purchased: {amount: number}
  $pageview: {url: text}
  age: {}
  x:
groups: {g: [purchsed]}
channels: {push: {address: agee}, wait: {}}
lists: {vip: ../x.csv}
holdout: 5
quiet: 25:00–08:00
"""
    assert shown(project(tmp_path, config=config)) == snapshot


def test_a_directory_without_a_project(tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    assert shown(project(tmp_path, "playbook: x\nsegments: {a: anything}\n", config=None)) == snapshot


def test_odd_files_among_the_playbooks(tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    playbooks = tmp_path / "playbooks"
    playbooks.mkdir()
    os.symlink("/etc/passwd", playbooks / "a.yaml")
    os.symlink("b.yaml", playbooks / "b.yaml")
    (playbooks / "c.yaml").mkdir()
    (playbooks / "d.yaml").write_bytes(b"a" * 10_000_000)
    os.mkfifo(playbooks / "e.yaml")
    (playbooks / "f.yml").write_text("playbook: x\n")
    (playbooks / "g.yaml").write_text("playbook: x\n")
    assert shown(project(tmp_path)) == snapshot


@pytest.mark.parametrize("escape", [r"\ud800", r"\ud83d\ude00", r"\udfff"])
def test_half_a_character_is_no_text(escape: str, tmp_path: Path) -> None:
    found = project(tmp_path, f'playbook: x\nmessages:\n  m: {{push: "a {escape} b"}}\n')
    assert [(one.code, one.line, one.column) for one in found.diagnostics if one.is_error] == [("E002", 3, 13)]


def test_a_repetition_that_explodes_is_bounded(tmp_path: Path) -> None:
    names = "abcdefghi"
    text = "playbook: x\na: &a [x,x,x,x,x,x,x,x,x]\n"
    text += "".join(f"{n}: &{n} [{','.join([f'*{m}'] * 9)}]\n" for m, n in pairwise(names))
    assert {finding.code for finding in project(tmp_path, text).diagnostics} == {"E008"}


@pytest.mark.parametrize("text", ["a: " + "[" * 10_000, "a: " + "{b: " * 10_000, "- " * 10_000, "a: " + "(" * 10_000])
def test_deep_nesting_is_bounded(text: str, tmp_path: Path) -> None:
    assert project(tmp_path, f"playbook: x\nsegments:\n  {text}\n").diagnostics


def test_a_line_of_a_megabyte_is_bounded(tmp_path: Path) -> None:
    for size, code in ((1_000_000, "E001"), (200_000, "E101")):
        text = f"playbook: x\nsegments:\n  a: {'visited and ' * (size // 12)}visited\n"
        assert {d.code for d in project(tmp_path, text).diagnostics} == {code}


def test_findings_of_one_file_are_bounded(tmp_path: Path) -> None:
    text = "playbook: x\nsegments: {" + ", ".join(f"k{n}: {{z: 1}}" for n in range(2000)) + "}\n"
    assert 100 <= len(project(tmp_path, text).diagnostics) <= 500


def test_yaml_never_interprets_a_text(tmp_path: Path) -> None:
    found = project(tmp_path, "playbook: no\nowner: 2026-01-01\nmessages: {a: {push: 10:00}, b: {push: true}}\n")
    assert shown(found) == ""
    assert found.playbooks[0].name == "no"
    assert [m["push"]["body"].text for m in found.playbooks[0].messages.values()] == ["10:00", "true"]


@pytest.mark.parametrize("newline", ["\r\n", "\n", "\r"])
def test_line_breaks_and_byte_order_mark(newline: str, tmp_path: Path) -> None:
    text = "\ufeffplaybook: x\nsegments:\n  a: >\n    visited\n    and nobdy\n".replace("\n", newline)
    (finding,) = project(tmp_path, text.encode()).diagnostics
    if newline != "\r":
        assert (finding.line, finding.column, finding.end_column) == (5, 9, 14)


def test_aliases_repeat_a_line(tmp_path: Path) -> None:
    found = project(tmp_path, "playbook: x\nsegments:\n  a: &v visited within 7d\n  b: *v\n")
    assert shown(found) == ""
    assert set(found.checked.program.segments) == {"a", "b"}


def test_check_loads_no_data_library() -> None:
    code = (
        "import sys; from pathlib import Path; from dangol.playbook.project import load_project;"
        f"load_project(Path({str(SHOP)!r}));"
        "print([m for m in ('numpy', 'pandas', 'duckdb', 'pyarrow', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_names_that_are_not_declared_are_discovered(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/events.csv").write_text("customer,event,time,amount\nc1,purchased,2026-01-01T10:00:00Z,5\n")
    (tmp_path / "data/customers.csv").write_text("id,city\nc1,Seoul\n")
    config = "project: x\ndata: {customers: {file: data/customers.csv}, events: {file: data/events.csv}}\n"
    found = project(tmp_path, 'playbook: x\nsegments: {a: purchased.amount > 3 and city = "Seoul"}\n', config=config)
    found = project(
        tmp_path, 'playbook: x\nsegments: {a: sum(purchased.amount) > 3 and city = "Seoul"}\n', config=config
    )
    assert shown(found) == ""
    assert found.catalog.attributes["city"] == "text"
    assert not load_project(tmp_path, discover=False).checked.program.segments


def test_a_database_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = CONFIG + "data: {events: {database: 'env:SHOP_DB_FOR_TESTS', table: events}}\n"
    playbook = "playbook: x\nsegments: {a: visited}\n"
    found = project(tmp_path, playbook, config=config)
    assert shown(found) == ""
    assert [d.code for d in found.data_diagnostics] == ["E024"]
    assert "E024" in [
        d.code for d in project(tmp_path, playbook.replace("visited", "viewed"), config=config).diagnostics
    ]
    monkeypatch.setenv("SHOP_DB_FOR_TESTS", "postgresql://shop/db")
    (source,) = project(tmp_path, playbook, config=config).sources.events
    assert (source.table.location, source.table.format) == ("postgresql://shop/db", "postgres")


def test_what_one_file_lacks_hides_nothing_else(tmp_path: Path) -> None:
    missing = CONFIG + "data: {customers: {file: c.csv, id: id}}\n"
    message = "scenarios: {s: {rule: visitd → push m}}\nmessages: {m: text without a channel}\n"
    found = project(tmp_path, f"playbook: p\n{message}", config=missing).errors
    assert [one.code for one in found] == ["E401", "E203", "E013"]
    assert found[1].hints == ("did you mean `visited`?", "or it is in the data, which cannot be read here")


def test_aliases_and_mappings_of_sources(tmp_path: Path) -> None:
    config = """\
project: x
timezone: Asia/Seoul
data:
  customers: {file: c.csv, id: no, attributes: {city: town}}
  events:
    - {file: e.csv.gz, customer: who, event: what, time: at, id: n, timezone: UTC, where: amount > 0}
    - {file: "orders/*.parquet", name: purchased, properties: {amount: total}}
events: {pageview: {from: $pageview, url: text}, purchased: {amount: number}}
"""
    found = project(tmp_path, config=config)
    log, orders = found.sources.events
    assert shown(found) == ""
    assert (log.customer, log.event_column, log.time, log.id_column, log.zone) == ("who", "what", "at", "n", "UTC")
    assert (log.where, dict(log.aliases)) == ("amount > 0", {"$pageview": "pageview"})
    assert (orders.event, orders.properties, orders.zone) == ("purchased", {"amount": "total"}, "Asia/Seoul")
    assert orders.types == {"amount": "number"}
    assert found.sources.customers is not None
    assert (found.sources.customers.id, found.sources.customers.attributes) == ("no", {"city": "town"})
