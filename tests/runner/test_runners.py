"""Four `dangol run --forever` on one PostgreSQL ledger, one of them killed: every message once, none lost."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from sqlalchemy import select

from dangol.runner.ledger import ledger_at
from dangol.runner.ledger.schema import sends
from tests.runner.ledger.postgres_server import in_schema
from tests.runner.ledger.story import faults_in

CONFIG = """
project: shop
timezone: UTC
ledger: env:LEDGER_URL
data:
  customers: {file: customers.csv, id: id}
  events:
    - {file: events.csv, customer: customer, event: event, time: time}
attributes: {name: text}
events:
  visited: {}
channels:
  web: {provider: webhook, url: "env:HOOK", secret: "env:SECRET", concurrency: 2}
"""
PLAYBOOK = """
playbook: p
scenarios:
  s:
    rule: 'visited → web "One" → after 1h web "Two"'
    expires: 30d
"""
PEOPLE, RUNNERS = 400, 4


class Receiver:
    """A system that keeps to one message per `webhook-id`, as the specification wants it."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.lock = threading.Lock()


@contextmanager
def receiving(receiver: Receiver) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with receiver.lock:
                receiver.asked[said["data"]["key"]] += 1
            time.sleep(0.01)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()


def shop(folder: Path) -> dt.datetime:
    """Everybody visited an hour ago, give or take some seconds, so that second messages fall due one tick after
    another. Returns the instant of the last."""
    now = dt.datetime.now(dt.UTC)
    visits = [now - dt.timedelta(hours=1) + dt.timedelta(seconds=8 + n % 12) for n in range(PEOPLE)]
    (folder / "playbooks").mkdir(parents=True)
    (folder / "dangol.yaml").write_text(CONFIG)
    (folder / "playbooks/p.yaml").write_text(PLAYBOOK, encoding="utf-8")
    (folder / "customers.csv").write_text("id,name\n" + "".join(f"c{n},Kim\n" for n in range(PEOPLE)))
    rows = "".join(f"c{n},visited,{at.isoformat()}\n" for n, at in enumerate(visits))
    (folder / "events.csv").write_text("customer,event,time\n" + rows)
    return max(visits) + dt.timedelta(hours=1)


def dangol(folder: Path, environment: dict[str, str], *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", "from dangol.cli import main; main()", *arguments]
    return subprocess.Popen(
        command, cwd=folder, env=environment, text=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )


def at_work(url: str, runners: Sequence[subprocess.Popen[str]]) -> subprocess.Popen[str]:
    """The runner that has claimed messages now."""
    with ledger_at(url) as ledger:
        while True:
            with ledger.store.reading() as connection:
                worker = connection.scalar(select(sends.c.claimed_by).where(sends.c.state == "claimed").limit(1))
            if worker is not None:
                return next(one for one in runners if f"-{one.pid}-" in worker)
            time.sleep(0.01)


def codes(said: str) -> list[str]:
    """The findings that a command told of."""
    return re.findall(r"\b[EW]\d{3}\b", said)


@pytest.mark.slow
def test_four_commands_and_one_is_killed(tmp_path: Path, postgres: str) -> None:
    receiver, url = Receiver(), in_schema(postgres, "commands")
    with receiving(receiver) as hook:
        over = shop(tmp_path / "shop")
        secret, here = "whsec_" + "A" * 32, str(Path(__file__).parents[2])
        environment = os.environ | {
            "LEDGER_URL": url, "HOOK": hook, "SECRET": secret, "PYTHONPATH": here,
        }  # fmt: skip
        runners = [
            dangol(tmp_path / "shop", environment, "run", "--forever", "--every", "1", "--confirm")
            for _ in range(RUNNERS)
        ]
        while sum(receiver.asked.values()) < PEOPLE // 2:
            assert all(one.poll() is None for one in runners)
            time.sleep(0.01)
        victim = at_work(url, runners)
        victim.kill()
        victim.wait()
        while dt.datetime.now(dt.UTC) < over + dt.timedelta(seconds=5):
            assert all(one.poll() is None for one in runners if one is not victim)
            time.sleep(0.2)
        said = []
        for one in runners:
            one.send_signal(signal.SIGTERM)
            said.append(one.communicate(timeout=60)[1])
        later = (dt.datetime.now(dt.UTC) + dt.timedelta(minutes=20)).strftime("%Y-%m-%dT%H:%M")
        for _ in range(2):  # the first asks again what the dead one had; then it is the second message's turn
            last = dangol(tmp_path / "shop", environment, "run", "--at", later, "--wait", "60", "--confirm")
            assert "Traceback" not in last.communicate(timeout=120)[1]
    assert not any("Traceback" in text for text in said)
    assert all(set(codes(text)) <= {"E603", "E607"} for text in said)
    with ledger_at(url) as ledger:
        assert ledger.status().sends == {"sent": 2 * PEOPLE}
        assert faults_in(ledger) == []
    assert len(receiver.asked) == 2 * PEOPLE
    asked_twice = [key for key, count in receiver.asked.items() if count > 1]
    assert len(asked_twice) <= PEOPLE  # what the dead one had claimed, and nothing else
    assert max(receiver.asked.values()) <= 2
