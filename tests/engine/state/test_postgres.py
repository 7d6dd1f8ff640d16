"""PostgreSQL tables, when a server can be started."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from typing import Any

import pytest

from dangol.diagnostics import DangolError
from dangol.engine.sources import CustomerSource, EventSource, Table
from tests.engine.state.world import everything

psycopg = pytest.importorskip("psycopg")
INITDB, SERVER = shutil.which("initdb"), shutil.which("postgres")


@pytest.fixture(scope="module")
def url():
    if INITDB is None or SERVER is None:
        pytest.skip("no PostgreSQL server is installed")
    with tempfile.TemporaryDirectory(prefix="postgres-") as data:
        who = _someone(data)
        made = subprocess.run([INITDB, "-D", data, "-U", "test", "-A", "trust"], capture_output=True, cwd="/", **who)
        if made.returncode:
            pytest.skip("no PostgreSQL cluster can be made here")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = [SERVER, "-D", data, "-p", str(port), "-k", data, "-c", "listen_addresses=127.0.0.1"]
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", **who)
        try:
            yield _answering(f"postgresql://test@127.0.0.1:{port}/postgres")
        finally:
            server.send_signal(signal.SIGINT)
            server.wait()


def _someone(data: str) -> dict[str, Any]:
    """PostgreSQL does not run as root."""
    if os.geteuid() != 0:
        return {}
    shutil.chown(data, "nobody")
    return {"user": "nobody", "env": {"PATH": os.environ["PATH"]}}


def _answering(url: str) -> str:
    for _ in range(100):
        try:
            psycopg.connect(url).close()
            return url
        except psycopg.OperationalError:
            time.sleep(0.1)
    raise RuntimeError("the server does not answer")


def run(url: str, sql: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql)


def test_tables(world, url):
    run(
        url,
        'CREATE SCHEMA shop; CREATE TABLE shop."People" (id int, name text, spent numeric(9,2), vip bool, born date,'
        " seen timestamptz, local timestamp, tags text[], extra jsonb);"
        """ INSERT INTO shop."People" VALUES (1, 'Bo', 1.25, true, '1990-05-01', '2026-01-01T10:00Z',"""
        " '2026-01-01', '{a,b}',"
        " '{}'), (2, null, null, null, null, null, null, null, null);"
        " CREATE TABLE log (customer int, event text, time timestamp, n float8);"
        " INSERT INTO log VALUES (1, 'x', '2026-01-01 09:00', 1.5), (null, 'x', '2026-01-01', null)",
    )
    world.of(
        EventSource(Table(url, "postgres", "log"), "customer", "time", event_column="event", zone="Asia/Seoul"),
        customers=CustomerSource(Table(url, "postgres", "shop.People"), "id"),
    )
    state = world.state()
    found = everything(state)
    assert found["attributes"]["name"] == {"1": "Bo"}
    assert found["attributes"]["spent"] == {"1": 1.25}
    assert found["attributes"]["tags"] == {"1": ("a", "b")}
    assert found["events"] == {"x": [("1", 1767225600000000, {"n": 1.5})]}
    assert [d.message for d in world.notes] == ["1 of 2 rows have no customer and are left out"]
    run(url, "INSERT INTO log VALUES (2, 'x', '2026-01-01 10:00', 2)")
    assert len(everything(world.state())["events"]["x"]) == 2


def test_failures(world, url):
    for table, said in ((Table(url, "postgres", "nothing"), "nothing"), (Table(url + "x", "postgres", "log"), "exist")):
        with pytest.raises(DangolError) as error:
            world.of(EventSource(table, "customer", "time", event="x")).state()
        (found,) = error.value.diagnostics
        assert found.code == "E407"
        assert said in found.message
