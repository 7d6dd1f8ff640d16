"""What is told of people after a message: opt-outs, dead addresses, erasure; and what is never shown of them."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook as Reference

import dangol
from dangol.cli import main
from tests.runner.shops import NOON, shop

CHANNELS = """channels:
  push: {address: token, consent: ok_push, medium: push}
  sms: {provider: file, path: outbox/texts.jsonl, address: phone, consent: ok_sms}
  banner: {provider: feed, path: feed/banner.json}
  ads: {provider: audience, format: meta, identifier: phone, address: phone}
  email: {address: id}
  kakao: {provider: solapi, type: sms, address: phone, api_key: env:A, api_secret: env:B, from: "0212345678"}
  crm: {provider: webhook, url: "https://shop.example/h", secret: env:HOOK}
"""
RULES = """playbook: p
scenarios:
  a: {rule: 'grade = "gold" → sms hello'}
  b: {rule: 'grade = "gold" → banner hello'}
  c: {rule: 'grade = "gold" → ads hello'}
messages:
  hello: {sms: "{{ customer.name }}", banner: "{{ customer.name }}", ads: "{{ customer.name }}"}
"""
SECRET = "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVowMTIz"


def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: object) -> tuple[int, str]:
    monkeypatch.setattr("sys.argv", ["dangol", *map(str, arguments)])
    with pytest.raises(SystemExit) as done:
        main()
    said = capsys.readouterr()
    return int(done.value.code or 0), said.out + said.err


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A shop that has sent a text, a banner and an ad audience to two customers."""
    for name, value in (("A", "key"), ("B", "secret"), ("HOOK", SECRET)):
        monkeypatch.setenv(name, value)
    customers = [{"id": "ann", "name": "Ann", "phone": "010-1111-1111"}, {"id": "bob", "name": "Bob"}]
    shop(tmp_path, "playbook: p\n", customers)
    config = tmp_path / "dangol.yaml"
    text = config.read_text(encoding="utf-8")
    config.write_text(text[: text.index("channels:")] + CHANNELS, encoding="utf-8")
    (tmp_path / "playbooks/p.yaml").write_text(RULES, encoding="utf-8")
    dangol.load(tmp_path).run(NOON)
    return tmp_path


def keys(project: Path) -> dict[str, str]:
    lines = (project / "outbox/texts.jsonl").read_text(encoding="utf-8").splitlines()
    return {each["customer"]: each["key"] for each in map(json.loads, lines)}


def standing(project: Path) -> list[tuple[str, str, str]]:
    with sqlite3.connect(project / ".dangol/ledger.db") as connection:
        return sorted(connection.execute("SELECT kind, who, channel FROM suppressions WHERE lifted_at IS NULL"))


def ingest(
    project: Path, capsys: Any, monkeypatch: Any, said: object, *options: str, name: str = "log"
) -> tuple[int, str]:
    body = said if isinstance(said, str) else "\n".join(json.dumps(each) for each in said)  # type: ignore[attr-defined]
    (project / name).write_text(body, encoding="utf-8")
    return command(capsys, monkeypatch, "ingest", project / name, "--project", project, *options)


def test_an_opt_out_at_the_relay_counts_at_once_though_its_report_is_one_event(
    project: Path, capsys: Any, monkeypatch: Any
) -> None:
    report = {"eventDataId": "E1", "data": {
        "messageId": "M1", "statusCode": "2061", "customFields": {"key": keys(project)["ann"]}
    }}  # fmt: skip
    code, out = ingest(project, capsys, monkeypatch, [[report]], "--channel", "kakao")
    assert (code, out) == (0, "2 new, 0 of them of no known message, 1 suppressed\n")
    assert standing(project) == [("customer", "ann", "kakao")]
    assert ingest(project, capsys, monkeypatch, [[report]], "--channel", "kakao")[1].startswith("0 new")


def test_an_address_at_which_nobody_is_is_suppressed(project: Path, capsys: Any, monkeypatch: Any) -> None:
    failed = {"event": "failed", "key": keys(project)["ann"], "kind": "address"}
    other = {"event": "failed", "key": keys(project)["bob"], "kind": "content"}
    assert ingest(project, capsys, monkeypatch, [failed, other])[1].endswith("1 suppressed\n")
    assert standing(project) == [("address", "010-1111-1111", "sms")]


def test_a_callback_is_genuine_by_the_headers_it_came_with(project: Path, capsys: Any, monkeypatch: Any) -> None:
    import datetime as dt

    body = json.dumps([{"event": "unsubscribed", "key": keys(project)["bob"]}])
    now = dt.datetime.now(dt.UTC)
    headers = {"webhook-id": "m", "webhook-timestamp": str(int(now.timestamp())),
               "webhook-signature": Reference(SECRET).sign("m", now, body)}  # fmt: skip
    options = [each for name, value in headers.items() for each in ("--header", f"{name}: {value}")]
    assert ingest(project, capsys, monkeypatch, body, "--channel", "crm")[0] == 1
    code, out = ingest(project, capsys, monkeypatch, body, "--channel", "crm", *options)
    assert code == 0, out
    assert standing(project) == [("customer", "bob", "crm")]


def test_a_response_log_needs_no_secret(project: Path, capsys: Any, monkeypatch: Any) -> None:
    for name in ("A", "B", "HOOK"):
        monkeypatch.delenv(name)
    assert ingest(project, capsys, monkeypatch, [{"event": "clicked", "key": keys(project)["ann"]}])[0] == 0


@pytest.mark.parametrize("said", ["\x00", "7", '{"event": "clicked", "key": "\\ud800"}', "[" * 9999, '{"event": 1}'])
def test_a_log_of_anything_ends_in_words(project: Path, capsys: Any, monkeypatch: Any, said: str) -> None:
    code, out = ingest(project, capsys, monkeypatch, said)
    assert code in (0, 1)
    assert "Traceback" not in out


def test_forgetting_reaches_the_files_of_channels(project: Path, capsys: Any, monkeypatch: Any) -> None:
    before, key = keys(project), keys(project)["ann"]
    code, out = command(capsys, monkeypatch, "forget", "ann", "--project", project)
    assert code == 0
    for file in ("outbox/texts.jsonl: 1", "feed/banner.json: 1", "audiences/hello.meta.csv: 1"):
        assert file in out
    files = [each for each in project.rglob("*") if each.is_file() and each.parent.name in ("outbox", "feed")]
    assert all(b"Ann" not in each.read_bytes() and b"1111" not in each.read_bytes() for each in files)
    lines = (project / "outbox/texts.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == len(before)
    assert {"key": key, "forgotten": True} in map(json.loads, lines)
    assert (project / "audiences/hello.meta.csv").read_text(encoding="utf-8").count("\n") == 2
    assert list(json.loads((project / "feed/banner.json").read_text(encoding="utf-8"))["customers"]) == ["bob"]
    code, out = command(capsys, monkeypatch, "forget", "ann", "--project", project)
    assert (code, out) == (1, "neither the ledger nor a file of a channel knows that id\n")


def test_what_a_provider_said_is_forgotten_too(project: Path) -> None:
    with sqlite3.connect(project / ".dangol/ledger.db") as connection:
        connection.execute("UPDATE transitions SET reason = '550 ann@shop' WHERE worker IS NOT NULL")
        connection.execute("UPDATE sends SET reason = '550 ann@shop'")
    with dangol.load(project).ledger() as ledger:
        ledger.forget(ledger.runs(1)[0].at, "ann")
    with sqlite3.connect(project / ".dangol/ledger.db") as connection:
        asked = """SELECT count(*) FROM transitions t JOIN entries e ON e.id = t.entry
                   WHERE e.customer LIKE 'forgotten%' AND t.reason LIKE '%ann@%'"""
        assert connection.execute(asked).fetchone() == (0,)


@pytest.mark.parametrize(
    "arguments",
    [["suppress"], ["suppress", "--customer", " "], ["suppress", "--customer", "a", "--channel", "smss"],
     ["forget", " "], ["reconcile", "x", "sent"], ["end", "x"], ["ingest", "/nowhere"]],
)  # fmt: skip
def test_wrong_use_is_told(project: Path, capsys: Any, monkeypatch: Any, arguments: list[str]) -> None:
    code, out = command(capsys, monkeypatch, *arguments, "--project", project)
    assert code > 0
    assert out.strip()


def test_a_suppression_is_lifted_whatever_way_the_address_is_written(
    project: Path, capsys: Any, monkeypatch: Any
) -> None:
    command(capsys, monkeypatch, "suppress", "--address", "010-1111-1111", "--channel", "sms", "--project", project)
    assert standing(project) == [("address", "010-1111-1111", "sms")]
    lifting = ("suppress", "--address", "+82 10 1111 1111", "--channel", "sms", "--lift", "--project", project)
    assert command(capsys, monkeypatch, *lifting) == (0, "lifted\n")
    assert standing(project) == []


PERSONAL = """playbook: p
traits: {called: name, reach: 'case when grade = "x" then "y" else phone end'}
scenarios:
  a: {rule: 'grade = "gold" → email hello'}
  b: {rule: 'grade = "gold" → push wrong'}
messages:
  hello:
    email:
      subject: s
      body: "{{ traits.called }} {{ traits.reach }} {{ customer.id }} {{ customer.phone | date: '%Y' }}"
  wrong: {push: "{{ customer.name | money }}"}
"""


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_nobody_is_shown_unless_asked_for(tmp_path: Path, capsys: Any, monkeypatch: Any, options: list[str]) -> None:
    shop(tmp_path, PERSONAL, [{"id": "hong@shop.example", "name": "HongGildong", "phone": "2026-01-01"}])
    config = tmp_path / "dangol.yaml"
    config.write_text(config.read_text(encoding="utf-8").replace("email: {}", "email: {address: id}"), encoding="utf-8")
    asked = ("plan", "--at", NOON, "--project", tmp_path, *options)
    _, hidden = command(capsys, monkeypatch, *asked)
    assert "would be sent to now" in hidden or '"sends"' in hidden
    for personal in ("hong@", "HongGildong", "2026-01-01"):
        assert personal not in hidden
    _, shown = command(capsys, monkeypatch, *asked, "--show-personal-data")
    assert "hong@shop.example" in shown
    assert "HongGildong 2026-01-01 hong@shop.example 2026" in shown


SLIPS = {
    "{provider: smpt}": "E051",
    "{provider: file, path: ../x}": "E050",
    "{provider: file, rate: {}}": "E050",
    "{provider: file, rate: {a: [1]}}": "E050",
    "{provider: webhook, url: [1], secret: env:S}": "E050",
    "{provider: smtp, host: h, from: a@b.example, user: u, password: open-sesame}": "E050",
    "{provider: smtp, host: h, from: a@b.example, pasword: open-sesame}": "E050",
    "{provider: solapi, api_key: env:S, api_secret: open-sesame, from: x, templates: {a: {b: c}}}": "E050",
    '{provider: ""}': "E051",
    "{provider: audience}": "E050",
    "{consent: phone}": "E053",
}


@pytest.mark.parametrize("settings", SLIPS)
@pytest.mark.parametrize("asked", ["check", "run", "forget"])
def test_a_slip_in_a_channel_is_told_at_its_line_and_no_secret_is_repeated(
    tmp_path: Path, capsys: Any, monkeypatch: Any, settings: str, asked: str
) -> None:
    shop(tmp_path, "playbook: p\n", [{"id": "a"}])
    config = tmp_path / "dangol.yaml"
    text = config.read_text(encoding="utf-8").replace("email: {}", f"email: {settings}")
    config.write_text(text, encoding="utf-8")
    line = text[: text.index("email:")].count("\n") + 1
    code, out = command(capsys, monkeypatch, asked, *(["x"] if asked == "forget" else []), "--project", tmp_path)
    assert code == 1
    assert f"{SLIPS[settings]}  dangol.yaml:{line}:" in out
    assert "open-sesame" not in out
