"""Ticks measured as a user runs them, each a process: 200,000 due sends, nothing due, and mail to a local server.

python -m bench.tick                              every one, ledger in SQLite; prints a table
python -m bench.tick --ways file --ledger URL     one of them, the ledger elsewhere (a new, empty schema)
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

CUSTOMERS = 1_000_000
DUE = 200_000
MAILS = 3_000
NOON, LATER, LAST = "2026-03-10T12:00", "2026-03-10T12:01", "2026-03-10T12:02"
CLI = "import sys; from dangol.cli import main; sys.exit(main())"

CONFIG = """\
project: bench
timezone: Asia/Seoul
data:
  customers: {file: customers.parquet, id: id}
  events:
    - {file: events.parquet, customer: customer, event: event, time: time, timezone: UTC}
attributes: {name: text, phone: text, email: text, grade: text, ok: boolean}
events:
  visited: {product: text}
  purchased: {product: text, amount: number}
channels:
  sms: {address: phone, consent: ok, price: 9.9}
  email: EMAIL
quiet: 21:00–08:00
caps: [1 per 1d, 3 per 7d]
LEDGER
"""
MAIL = (
    "{address: email, provider: smtp, host: 127.0.0.1, port: PORT, tls: none, from: shop@shop.example, connections: 4}"
)
PLAYBOOK = """\
playbook: bench
segments:
  reached: grade = "{grade}" and visited within 30d
scenarios:
  reach:
    rule: reached → {channel} hello
    schedule: daily at 12:00
messages:
  hello:
    sms: "[shop] {{{{ customer.name }}}}, {{{{ event.product }}}} is back in stock. Have a look before it is gone."
    email: {{subject: "Hello {{{{ customer.name }}}}", body: "Your favourite is back in stock. Have a look."}}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ways", nargs="*", default=("file", "smtp"), choices=("file", "smtp"))
    parser.add_argument("--ledger", help="a PostgreSQL URL")
    parser.add_argument("--data", type=Path, default=Path("bench/data/tick"))
    given = parser.parse_args()
    if not (given.data / "events.parquet").exists():
        write_data(given.data)
    for way in given.ways:
        with receiving() if way == "smtp" else nullcontext(0) as port:
            for name, measured in ticks(given.data, way, port, given.ledger):
                print(f"| {name} | {measured['wall']:.2f} s | {measured['cpu']:.2f} s | {measured['rss']:.2f} GB |")


def ticks(folder: Path, way: str, port: int, ledger: str | None) -> Iterator[tuple[str, dict[str, float]]]:
    """The tick with everything due, one a minute later that ends the entries, and one with nothing due. The index is
    there."""
    write_project(folder, way, port, ledger)
    run(folder, "plan", "--at", LATER)
    due = run(folder, "run", "--at", NOON, "--confirm", ledger=ledger)
    ends = run(folder, "run", "--at", LATER, ledger=ledger)
    nothing = run(folder, "run", "--at", LAST, ledger=ledger)
    sent = due["sent"]
    assert sent >= (DUE if way == "file" else MAILS)
    assert not nothing["sent"]
    yield f"{sent:,} due sends, {way}", due
    yield f"the tick after it, {sent:,} entries end", ends
    yield f"nothing due, {CUSTOMERS:,} customers", nothing
    if way == "smtp":
        print(f"{sent / due['wall']:,.0f} mails a second of the whole process")


def run(folder: Path, *arguments: str, ledger: str | None = None) -> dict[str, float]:
    """Wall and CPU seconds and the peak memory of a command, and how many it sent."""
    started = time.perf_counter()
    environment = os.environ | {"PYTHONPATH": str(Path.cwd()), "LEDGER_URL": ledger or ""}
    command = [sys.executable, "-c", CLI, *arguments, "--json"]
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        said = json.loads(process.stdout.read())
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - started
    return {
        "wall": wall, "cpu": used.ru_utime + used.ru_stime, "rss": used.ru_maxrss * 1024 / 1e9,
        "sent": said.get("messages", {}).get("sent", 0),
    }  # fmt: skip


def write_project(folder: Path, way: str, port: int, ledger: str | None) -> None:
    """The project of one way, its ledger and outbox gone."""
    for old in (*folder.glob(".dangol/ledger.db*"), *folder.glob("outbox/*")):
        old.unlink()
    (folder / "playbooks").mkdir(exist_ok=True)
    mail = MAIL.replace("PORT", str(port)) if way == "smtp" else "{address: email}"
    written = CONFIG.replace("EMAIL", mail).replace("LEDGER", "ledger: env:LEDGER_URL" if ledger else "")
    (folder / "dangol.yaml").write_text(written)
    grade, channel = ("gold", "sms") if way == "file" else ("vip", "email")
    (folder / "playbooks/bench.yaml").write_text(PLAYBOOK.format(grade=grade, channel=channel))


def write_data(folder: Path) -> None:
    """A million customers, of whom 220,000 are gold (one in twelve without consent) and 3,100 vip; all gold and vip
    have visited, and three events each of the others."""
    folder.mkdir(parents=True, exist_ok=True)
    rng, size = np.random.default_rng(7), CUSTOMERS
    grade = np.full(size, "basic", object)
    chosen = rng.permutation(size)
    grade[chosen[: DUE + 20_000]] = "gold"
    grade[chosen[-MAILS - 100 :]] = "vip"
    ok = np.ones(size, bool)
    ok[chosen[: DUE + 20_000 : 12]] = False
    ids = [f"c{number:07d}" for number in range(size)]
    customers = {
        "id": ids, "name": [f"Kim {number % 997}" for number in range(size)],
        "phone": [f"010-{number // 10000 % 10000:04d}-{number % 10000:04d}" for number in range(size)],
        "email": [f"c{number}@mail.example" for number in range(size)], "grade": grade.tolist(), "ok": ok,
    }  # fmt: skip
    pq.write_table(pa.table(customers), folder / "customers.parquet", compression="zstd")
    who = np.concatenate([np.arange(size), rng.integers(0, size, 2 * size)])
    kind = np.where(np.arange(len(who)) < size, "visited", rng.choice(["visited", "purchased"], len(who)))
    shuffled = rng.permutation(len(who))
    at = np.sort(1_773_111_600 - rng.integers(0, 20 * 86_400, len(who))) * 1_000_000
    events = {
        "time": pa.array(at).cast(pa.timestamp("us")),
        "customer": pa.array(ids).take(pa.array(who[shuffled])),
        "event": kind[shuffled].tolist(),
        "product": [f"product {number}" for number in rng.integers(0, 500, len(who))],
        "amount": rng.integers(1000, 99000, len(who)).astype(float),
    }
    pq.write_table(pa.table(events), folder / "events.parquet", compression="zstd")


class _Mailbox(StreamRequestHandler):
    """Takes every mail: the commands of SMTP and nothing else, so that the server is not what is measured."""

    def handle(self) -> None:
        self.wfile.write(b"220 mail\r\n")
        while line := self.rfile.readline():
            word = line[:4].upper()
            if word == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                while self.rfile.readline() not in (b".\r\n", b""):
                    pass
            self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 ok\r\n")
            if word == b"QUIT":
                return


@contextmanager
def receiving() -> Iterator[int]:
    """A mail server on this machine; its port."""
    ThreadingTCPServer.allow_reuse_address = ThreadingTCPServer.daemon_threads = True
    with ThreadingTCPServer(("127.0.0.1", 0), _Mailbox) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


if __name__ == "__main__":
    main()
