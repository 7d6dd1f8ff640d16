"""Processes die and compete: no write is ever half done, no send is ever taken twice."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from dangol.diagnostics import DangolError
from dangol.runner.ledger import Ends, Ledger, NewSends, Outcomes, Receipt, Revisions, ledger_at
from dangol.runner.ledger.store import Faults, no_faults
from tests.runner.ledger.postgres_server import in_schema
from tests.runner.ledger.story import LEASE, T, begun, faults_in

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked")

COUNT = 6


def in_child(work: Callable[[], None]) -> int:
    """Runs work in a process of its own; returns its number."""
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(1)
    return child


def done(child: int) -> int:
    return os.waitpid(child, 0)[1]


def life(location: str, asked: Path, faults: Faults, at: int, worker: str) -> None:
    """A tick that may follow one that died: it begins what is missing and carries on."""
    with ledger_at(location, faults=faults) as ledger, ledger.run_lock(), asked.open("a") as requests:
        ledger.lapse(at, [])
        run, ids = begun(ledger, COUNT, at)
        ledger.record_sends(run, at, NewSends(ids, 1, T, "sms", state="held", reason="quiet hours"))
        ledger.revise(at, Revisions(ids, 1, "planned"))
        ledger.suppress(at, "test", customer="c9")
        while len(taken := ledger.claim(at, 2, worker, LEASE)):
            faults("request.before")
            for key in taken.key:
                requests.write(key + "\n")
            requests.flush()
            faults("answer.before")
            ledger.settle(at, worker, Outcomes(taken.entry, taken.step, "sent", taken.key))
        ledger.ingest(at, [Receipt("p", "1", "delivered", at, provider_id="x")])
        ledger.record_memberships(run, {"vip": ["c1"]})
        ledger.finish_run(run, at, {"sent": 1})
        if at > T:
            ledger.end_entries(at, Ends(ids, "finished", at))
            ledger.forget(at, "c1")


def killing(number: int) -> Faults:
    """Dies at the n-th point that is passed."""
    passed = 0

    def faults(point: str) -> None:
        nonlocal passed
        passed += 1
        if passed > number:
            os.kill(os.getpid(), signal.SIGKILL)

    return faults


def points(location: str, asked: Path) -> list[str]:
    passed: list[str] = []
    life(location, asked, passed.append, T + 1, "w")
    return passed


def test_every_write_has_its_points(location: str, tmp_path: Path) -> None:
    passed = points(location, tmp_path / "requests")
    writes = {
        "migrate", "lapse", "begin_run", "entries", "sends", "revise", "suppress", "claim", "settle", "ingest",
        "memberships", "finish_run", "ends", "forget",
    }  # fmt: skip
    assert {f"{name}.{when}" for name in writes for when in ("before", "written", "after")} <= set(passed)


@pytest.mark.parametrize("part", [0, *(pytest.param(part, marks=pytest.mark.slow) for part in (1, 2, 3))])
def test_killed_at_every_point_nothing_is_lost_or_sent_twice(memory_path: Path, part: int) -> None:
    total = len(points(str(memory_path / "whole.db"), memory_path / "whole"))
    for number in range(part, total, 4):
        location, asked = str(memory_path / f"{number}.db"), memory_path / f"{number}"
        status = done(in_child(lambda: life(location, asked, killing(number), T + 1, "w1")))  # noqa: B023
        assert os.WTERMSIG(status) == signal.SIGKILL
        survives(location, asked, number)


def survives(location: str, asked: Path, number: int) -> None:
    with ledger_at(location) as ledger:
        assert faults_in(ledger) == [], number
    life(location, asked, no_faults, T + LEASE + 1, "w2")
    requests = Counter(asked.read_text().split())
    assert set(requests.values()) <= {1}, number
    with ledger_at(location) as ledger:
        assert faults_in(ledger) == [], number
        unknown = {one.key for one in ledger.unknown()}
        sent = ledger.status().sends.get("sent", 0)
        assert len(unknown | requests.keys()) == sent + len(unknown) >= COUNT, number
        assert ledger.status().entries.get("running", 0) == 0


def test_killed_on_a_server_nothing_is_half_written(postgres: str, tmp_path: Path) -> None:
    for number in range(2, 44, 5):
        location, asked = in_schema(postgres, f"killed{number}"), tmp_path / f"{number}"
        status = done(in_child(lambda: life(location, asked, killing(number), T + 1, "w1")))  # noqa: B023
        assert os.WTERMSIG(status) == signal.SIGKILL
        survives(location, asked, number)


def test_four_workers_take_every_send_once(location: str, tmp_path: Path) -> None:
    with ledger_at(location) as ledger:
        run, ids = begun(ledger, 600)
        ledger.record_sends(run, T, NewSends(ids, 1, T, "sms"))

    def work(name: str) -> None:
        with ledger_at(location) as ledger:
            keys: list[str] = []
            while len(taken := ledger.claim(T, 20, name, LEASE)):
                keys += taken.key
                assert ledger.settle(T, name, Outcomes(taken.entry, taken.step, "sent")) == len(taken)
            (tmp_path / name).write_text("\n".join(keys))
        os._exit(0)

    children = [in_child(lambda name=f"w{n}": work(name)) for n in range(4)]  # type: ignore[misc]
    assert [done(child) for child in children] == [0] * 4
    taken = Counter(key for n in range(4) for key in (tmp_path / f"w{n}").read_text().split())
    assert len(taken) == 600
    assert set(taken.values()) == {1}
    with ledger_at(location) as ledger:
        assert ledger.status().sends == {"sent": 600}
        assert faults_in(ledger) == []


def test_several_may_make_the_same_ledger(location: str) -> None:
    def work() -> None:
        with ledger_at(location):
            os._exit(0)

    children = [in_child(work) for _ in range(4)]
    assert [done(child) for child in children] == [0] * 4


def test_a_second_run_waits_or_leaves(ledger: Ledger, location: str) -> None:
    with ledger.run_lock(), ledger_at(location) as other:
        with pytest.raises(DangolError, match=r"E607.*another run"), other.run_lock():
            pass
        begun(other)  # reading and writing go on
    with ledger.run_lock():
        pass


def test_a_second_run_gets_the_lock_when_the_first_ends_or_dies(location: str, tmp_path: Path) -> None:
    held = tmp_path / "held"

    def hold() -> None:
        with ledger_at(location) as ledger, ledger.run_lock():
            held.write_text("yes")
            time.sleep(60)

    with ledger_at(location) as ledger:
        child = in_child(hold)
        while not held.exists():
            time.sleep(0.01)
        with pytest.raises(DangolError, match=r"E607"), ledger.run_lock(0.1):
            pass
        os.kill(child, signal.SIGKILL)
        done(child)
        with ledger.run_lock(10):
            pass
