"""The schedule replayed over history with a ledger of its own: what would have gone out, what would have been held."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import combinations, takewhile
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import distinct, func, select

from dangol.channels.base import Answer, CallbackError, Channel, Message, Receipt, Request, Response, Sent
from dangol.diagnostics import DangolError, Diagnostic
from dangol.engine.calendar import local_of
from dangol.playbook.project import Project
from dangol.runner.due import occurrences
from dangol.runner.ledger import Ledger, ledger_at
from dangol.runner.ledger.schema import entries, scenarios, sends, transitions
from dangol.runner.rehearse import Evaluate
from dangol.runner.tick import tick

_EPOCH = dt.datetime(1970, 1, 1)


@dataclass(frozen=True)
class Waited:
    """Messages of a scenario that waited for a reason, or were given up for it, and how many of them went out later."""

    scenario: str
    reason: str
    count: int
    sent: int


@dataclass(frozen=True)
class Overlap:
    """Customers who would have had messages from both scenarios."""

    first: str
    second: str
    customers: int


@dataclass(frozen=True)
class Backtest:
    """`volume`: local day → channel → messages; `scenarios`: messages per scenario; `customers`: who had any;
    `most`: the most messages that one customer had; `stopped`: findings at which runs would have stopped."""

    start: int
    end: int
    zone: str
    runs: int
    volume: Mapping[str, Mapping[str, int]]
    scenarios: Mapping[str, int]
    customers: int
    most: int
    overlaps: tuple[Overlap, ...]
    waited: tuple[Waited, ...]
    stopped: tuple[Diagnostic, ...]


class Simulated:
    """A channel to nowhere that takes every message over at once."""

    idempotent = True
    batch = 10_000
    rate: float | None = None
    addressed = False

    def __init__(self, name: str) -> None:
        self.name = name

    def build(self, message: Message) -> Request:
        return Request(self.name, {}, b"")

    def send(self, messages: Iterable[Message]) -> Iterator[tuple[str, Answer]]:
        yield from ((message.key, Sent()) for message in messages)

    def classify(self, response: Response, message: Message) -> Answer:
        return Sent()

    def parse_callback(self, body: bytes, headers: Mapping[str, str]) -> list[Receipt]:
        raise CallbackError("a simulated channel is told nothing")

    def close(self) -> None:
        """There is nothing to give back."""


def backtest(
    project: Project,
    evaluate: Callable[[Ledger], Evaluate],
    start: int,
    end: int,
    every: int,
    *,
    ledger: str | Path | None = None,
    told: Callable[[str, float], None] | None = None,
) -> Backtest:
    """Runs every tick from start to end (µs, both included) as `dangol run` would have, each `every` µs and whenever a
    schedule asks.

    evaluate: the project's data, with the events of the ledger it is given. ledger: where to keep it (None: nowhere).
    """
    with TemporaryDirectory() as folder, ledger_at(ledger or Path(folder) / "ledger.db") as simulated:
        found = _replay(project, evaluate(simulated), simulated, _ticks(project, start, end, every), told)
        return _summary(project.zone, start, end, found, simulated)


def _ticks(project: Project, start: int, end: int, every: int) -> list[int]:
    """The instants at which a run is played: an even grid, and the schedules' own where they are no denser."""
    grid = range(start, end + 1, every)
    found = set(grid)
    for scenario in project.compiled.values():
        if scenario.schedule is not None:
            own = []
            for instant in takewhile(lambda each: each <= end, occurrences(scenario.schedule, start - 1)):
                own.append(instant)
                if len(own) > len(grid):
                    break
            else:
                found.update(own)
    return sorted(found)


def _replay(
    project: Project,
    evaluate: Evaluate,
    ledger: Ledger,
    ticks: list[int],
    told: Callable[[str, float], None] | None,
) -> tuple[int, tuple[Diagnostic, ...]]:
    channels: dict[str, Channel] = {name: Simulated(name) for name in _channels(project)}
    stopped: dict[tuple[str, str], Diagnostic] = {}
    runs = 0
    for number, at in enumerate(ticks):
        try:
            tick(project, evaluate, ledger, channels, at, now=partial(int, at), confirmed=True, linted=False)
            runs += 1
        except DangolError as error:
            if not all(finding.code == LIMIT for finding in error.diagnostics):
                raise
            stopped.update({(each.file or "", each.message): each for each in error.diagnostics})
        if told is not None:
            told("replaying", (number + 1) / len(ticks))
    return runs, tuple(stopped.values())


LIMIT = "E512"
"""A run would have stopped here; the next one may go on."""


def _channels(project: Project) -> list[str]:
    return [str(name) for name in project.config.channels] if project.config is not None else []


def _summary(zone: str, start: int, end: int, found: tuple[int, tuple[Diagnostic, ...]], ledger: Ledger) -> Backtest:
    happened = ledger.events()
    sent = [place for place, event in enumerate(happened.event) if event == "sent"]
    volume: dict[str, Counter[str]] = {}
    received: dict[str, set[str]] = {}
    names = [f"{p}/{s}" for p, s in zip(happened.playbook, happened.scenario, strict=True)]
    for place in sent:
        volume.setdefault(_day(int(happened.time[place]), zone), Counter())[happened.channel[place] or ""] += 1
        received.setdefault(names[place], set()).add(happened.customer[place])
    per_customer = Counter(happened.customer[place] for place in sent)
    return Backtest(
        start=start,
        end=end,
        zone=zone,
        runs=found[0],
        volume={day: dict(counts) for day, counts in volume.items()},
        scenarios=dict(Counter(names[place] for place in sent)),
        customers=len(per_customer),
        most=max(per_customer.values(), default=0),
        overlaps=tuple(
            Overlap(a, b, both) for a, b in combinations(received, 2) if (both := len(received[a] & received[b]))
        ),
        waited=tuple(_waited(ledger)),
        stopped=found[1],
    )


def _day(micros: int, zone: str) -> str:
    return (_EPOCH + dt.timedelta(microseconds=local_of(micros, zone))).date().isoformat()


def _waited(ledger: Ledger) -> Iterator[Waited]:
    one = func.count(distinct(sends.c.entry * 1000 + sends.c.step))
    asked = (
        select(scenarios.c.playbook, scenarios.c.scenario, transitions.c.reason, one,
               one.filter(sends.c.state == "sent"))
        .join(sends, (sends.c.entry == transitions.c.entry) & (sends.c.step == transitions.c.step))
        .join(entries, entries.c.id == sends.c.entry)
        .join(scenarios, scenarios.c.id == entries.c.scenario)
        .where(transitions.c.reason.is_not(None))
        .group_by(scenarios.c.playbook, scenarios.c.scenario, transitions.c.reason)
        .order_by(scenarios.c.playbook, scenarios.c.scenario, one.desc(), transitions.c.reason)
    )  # fmt: skip
    with ledger.store.reading() as connection:
        for playbook, scenario, reason, count, went in connection.execute(asked).all():
            yield Waited(f"{playbook}/{scenario}", reason, count, went)
