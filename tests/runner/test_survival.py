"""Runs are killed at every named point, at random, and run side by side: nothing is lost, nothing goes out twice."""

from __future__ import annotations

import http.client
import itertools
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from dangol.channels.base import Answer, Message, Sent, Unknown
from dangol.data import drawn_arms
from dangol.diagnostics import DangolError
from dangol.engine.backends.vector import Evaluation
from dangol.engine.needs import Needs
from dangol.runner.ledger import Faults, ledger_at
from dangol.runner.tick import tick
from tests.runner.ledger.postgres_server import in_schema
from tests.runner.running import MINUTE, Recording, Running, rule

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked")

SECOND = MINUTE // 60
LATER = 20 * MINUTE
"""Between two runs: longer than a dead worker's lease."""

JOURNEY = 'visited → push "One" → after 1h push "Two"'
PEOPLE = [f"c{n}" for n in range(5)]


class Provider:
    """Counts what it delivers per key; an idempotent one delivers a key once."""

    def __init__(self, idempotent: bool) -> None:
        self.delivered: Counter[str] = Counter()
        self.idempotent, self.lock = idempotent, threading.Lock()

    def forget(self) -> None:
        self.delivered = Counter()

    def deliver(self, key: str) -> None:
        with self.lock:
            if not (self.idempotent and key in self.delivered):
                self.delivered[key] += 1


@contextmanager
def serving(provider: Provider) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            provider.deliver(self.path[1:])
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


class Posting(Recording):
    """A channel that posts every message, with named points where a process may die."""

    def __init__(self, port: int, idempotent: bool, faults: Faults) -> None:
        super().__init__("push", [], idempotent=idempotent)
        self.port, self.faults = port, faults

    def send(self, messages: Iterable[Message]) -> Iterator[tuple[str, Answer]]:
        for message in messages:
            self.faults("request.before")
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
            answer: Answer = Sent(message.key)
            try:
                connection.request("POST", f"/{message.key}", b"hello")
                self.faults("answer.before")
                connection.getresponse().read()
            except OSError:
                answer = Unknown("no answer")
            finally:
                connection.close()
            self.faults("answer.after")
            yield message.key, answer


class Town:
    """A shop, its ledger and its provider; lives are processes that run its ticks."""

    def __init__(self, shop: Running, location: str, port: int, idempotent: bool) -> None:
        self.shop, self.location, self.port, self.idempotent = shop, location, port, idempotent
        self.start = shop.micros("03-10 10:00")
        evaluated = shop.project.data.evaluate(Needs(attributes={"token", "ok_push"}, events={"visited": set()}), 0)
        self.program, self.state = evaluated.program, evaluated.state

    def live(self, ats: Iterable[int], faults: Faults, wait: float = 0.0) -> None:
        channel = Posting(self.port, self.idempotent, faults)
        with ledger_at(self.location, faults=faults) as ledger:
            for at in ats:
                try:
                    tick(
                        self.shop.project.files,
                        lambda needs, at: Evaluation(self.program, self.state, at, arms=drawn_arms),
                        ledger, {"push": channel}, at, now=lambda at=at: at, wait=wait, confirmed=True,
                    )  # fmt: skip
                except DangolError as error:
                    if error.diagnostics[0].code not in ("E606", "E607"):
                        raise

    def check(self, people: Iterable[str]) -> Counter[str]:
        """Every send is settled and was delivered as often as the ledger says; deliveries per customer."""
        from sqlalchemy import select

        from dangol.runner.ledger.schema import entries, sends

        with ledger_at(self.location) as ledger, ledger.store.reading() as connection:
            asked = select(sends.c.state, entries.c.customer).join(entries, entries.c.id == sends.c.entry)
            rows = connection.execute(asked).all()
            assert {row.state for row in rows} <= {"sent", "unknown"}
            assert len(ledger.unknown()) == sum(row.state == "unknown" for row in rows)
            assert not self.idempotent or not ledger.unknown()
        per_person = Counter(row.customer for row in rows)
        assert per_person == dict.fromkeys(people, 2)
        return per_person


def child(work: Callable[[], None]) -> int:
    number = os.fork()
    if number == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return number


def ended(number: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])


def no_faults(point: str) -> None: ...


def dies_at(number: int) -> Faults:
    """Kills the process at the point of that number, counted from 0."""
    left = [number]

    def faults(point: str) -> None:
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left[0] -= 1

    return faults


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Running:
    events = [f"{who} visited 2026-03-10T10:00" for who in PEOPLE]
    return Running(tmp_path_factory.mktemp("shop"), rule(JOURNEY, "expires: 30d"), PEOPLE, events)


Places = Callable[[], str]
"""Makes a place for a new ledger at every call."""


@pytest.fixture
def files(tmp_path: Path) -> Iterator[Places]:
    """Ledgers in memory where the machine has one, so that no disk is waited for."""
    memory, numbers = Path("/dev/shm"), itertools.count()
    name = f"{tmp_path.name}-{os.getpid()}"
    folder = memory if memory.is_dir() else tmp_path
    yield lambda: str(folder / f"{name}-{next(numbers)}.db")
    for each in folder.glob(f"{name}-*"):
        each.unlink()


@pytest.fixture(params=["sqlite", "postgres"])
def places(request: pytest.FixtureRequest, files: Places) -> Places:
    if request.param == "sqlite":
        return files
    url = request.getfixturevalue("postgres")
    return lambda: in_schema(url, f"survival{next(_schemas)}")


_schemas = itertools.count()


def points_of(town: Town, ats: list[int]) -> list[str]:
    """The names of the points that a whole story passes."""
    passed: list[str] = []
    town.live(ats, passed.append)
    return passed


@pytest.mark.parametrize("idempotent", [True, False])
def test_a_death_at_any_point_loses_nothing_and_repeats_nothing(shop: Running, files: Places, idempotent: bool) -> None:
    deaths = every_death(shop, files, idempotent, stride=31)
    assert deaths > 3


@pytest.mark.slow
@pytest.mark.parametrize("idempotent", [True, False])
def test_a_death_at_every_point(shop: Running, places: Places, idempotent: bool) -> None:
    assert every_death(shop, places, idempotent, stride=1) > 80


def every_death(shop: Running, places: Places, idempotent: bool, stride: int) -> int:
    """Kills the story at each point (every stride-th), goes on after it, and says how often."""
    provider, deaths = Provider(idempotent), 0
    with serving(provider) as port:
        town = Town(shop, places(), port, idempotent)
        ats = [town.start + n * LATER for n in range(5)]
        points = points_of(town, ats)
        assert {"request.before", "answer.before", "answer.after"} <= set(points)
        for number in range(idempotent, len(points), stride):
            provider.forget()
            town.location = places()
            assert ended(child(lambda: town.live(ats, dies_at(number)))) == -signal.SIGKILL  # noqa: B023
            town.live([town.start + n * LATER for n in (*range(3, 9), 24)], no_faults)
            town.check(PEOPLE)
            unsure = len_unknown(town.location)
            assert max(provider.delivered.values()) == 1, points[number]
            assert len(provider.delivered) >= 10 - unsure, points[number]
            assert unsure <= (0 if idempotent else 3), points[number]
            deaths += 1
    return deaths


def len_unknown(location: str) -> int:
    with ledger_at(location) as ledger:
        return len(ledger.unknown())


def random_deaths(tmp_path: Path, location: str, idempotent: bool, kills: int, seconds: float) -> int:
    people = [f"c{n}" for n in range(60)]
    events = [f"{who} visited 2026-03-1{n % 3}T{n % 24:02}:00" for n, who in enumerate(people)]
    shop = Running(tmp_path / "shop", rule(JOURNEY, "expires: 300d"), people, events)
    provider, rng, done, at = Provider(idempotent), random.Random(7), 0, 0
    until = time.monotonic() + seconds
    with serving(provider) as port:
        town = Town(shop, location, port, idempotent)
        while done < kills and time.monotonic() < until:
            ats = [town.start + (at + n) * LATER for n in range(3)]
            life = child(lambda: town.live(ats, no_faults))  # noqa: B023
            time.sleep(rng.random() * 0.12)
            os.kill(life, signal.SIGKILL)
            done += ended(life) == -signal.SIGKILL
            at += 3
        rest = [town.start + (max(at, 250) + n) * LATER for n in range(12)]
        town.live(rest, no_faults)
        town.check(people)
    assert max(provider.delivered.values()) == 1
    assert len(provider.delivered) >= 120 - len_unknown(location)
    return done


@pytest.mark.parametrize("idempotent", [True, False])
def test_random_deaths(tmp_path: Path, files: Places, idempotent: bool) -> None:
    assert random_deaths(tmp_path, files(), idempotent, 6, 300.0) == 6


@pytest.mark.slow
@pytest.mark.parametrize("idempotent", [True, False])
def test_a_thousand_random_deaths(tmp_path: Path, places: Places, idempotent: bool) -> None:
    assert random_deaths(tmp_path, places(), idempotent, 1000, 900.0) > 900


def test_four_runners_on_one_ledger(tmp_path: Path, places: Places) -> None:
    people = [f"c{n}" for n in range(60)]
    shop = Running(tmp_path / "shop", rule(JOURNEY), people, [f"{who} visited 2026-03-10T10:00" for who in people])
    provider, location = Provider(False), places()
    with serving(provider) as port:
        town = Town(shop, location, port, False)
        ats = [town.start + n * LATER for n in range(5)]
        ledger_at(location).__enter__().close()
        lives = [child(lambda: town.live(ats, no_faults, wait=30.0)) for _ in range(4)]
        assert [ended(life) for life in lives] == [0] * 4
        town.check(people)
    assert set(provider.delivered.values()) == {1}
    assert len(provider.delivered) == 120


@pytest.mark.parametrize("idempotent", [True, False])
def test_four_runners_whose_clocks_differ_and_one_of_whom_dies(
    tmp_path: Path, places: Places, idempotent: bool
) -> None:
    people = [f"c{n}" for n in range(40)]
    shop = Running(
        tmp_path / "shop", rule(JOURNEY, "expires: 30d"), people, [f"{who} visited 2026-03-10T10:00" for who in people]
    )
    provider, location = Provider(idempotent), places()
    with serving(provider) as port:
        town = Town(shop, location, port, idempotent)
        ledger_at(location).__enter__().close()

        sending, dies = tmp_path / "sending", dies_at(45)

        def faults(point: str) -> None:
            if point == "request.before":
                sending.touch()
            dies(point)

        def life(number: int) -> int:
            ats = [town.start + n * LATER + number * 7 * SECOND for n in range(5)]
            return child(lambda: town.live(ats, faults if number == 0 else no_faults, wait=60.0))

        first = life(0)
        while not sending.exists():  # the others come while it has the ledger
            time.sleep(0.005)
        assert [ended(one) for one in (first, *map(life, (1, 2, 3)))] == [-signal.SIGKILL, 0, 0, 0]
        town.live([town.start + n * LATER for n in (*range(6, 12), 24)], no_faults)
        town.check(people)
    unsure = len_unknown(location)
    assert set(provider.delivered.values()) == {1}
    assert 80 - unsure <= len(provider.delivered) <= 80
    assert unsure <= (0 if idempotent else 3)


def test_a_clock_a_little_behind_the_last_runs_is_taken_along_and_one_far_behind_is_refused(tmp_path: Path) -> None:
    shop = Running(tmp_path, rule(JOURNEY), ["a"], ["a visited 2026-03-10T10:00"])
    at = shop.micros("03-10 10:00")
    assert len(shop.tick("03-10 10:00", confirmed=True)) == 1
    assert shop.run(at - 20 * SECOND).plan.at == at
    with pytest.raises(DangolError, match=r"E606.*40 s before the last run"):
        shop.run(at - 40 * SECOND)
