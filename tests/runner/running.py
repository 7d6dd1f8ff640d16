"""A shop that runs by a simulated clock: ticks at local times, and what went out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import dangol
from dangol.api import instant_from
from dangol.channels.base import Answer, Message, Receipt, Request, Response, Sent
from dangol.runner.ledger import Ledger, open_ledger
from dangol.runner.tick import Report, tick
from tests.runner.shops import shop

ZONE = "Asia/Seoul"
MINUTE = 60_000_000
HOUR = 60 * MINUTE


class Out(NamedTuple):
    """A message that went out; `at` is local: `03-10 12:00`."""

    at: str
    customer: str
    channel: str
    text: str


Says = Callable[[Message], Answer]


class Recording:
    """A channel that remembers its messages; `says` decides the answers."""

    batch, rate, addressed = 3, None, False

    def __init__(self, name: str, out: list[Message], says: Says = lambda message: Sent(None), idempotent: bool = True):
        self.name, self.out, self.says, self.idempotent = name, out, says, idempotent

    def send(self, messages: Iterable[Message]) -> Iterator[tuple[str, Answer]]:
        for message in messages:
            answer = self.says(message)
            if isinstance(answer, Sent):
                self.out.append(message)
            yield message.key, answer

    def build(self, message: Message) -> Request:
        return Request("", {})

    def classify(self, response: Response, message: Message) -> Answer:
        return Sent(None)

    def parse_callback(self, body: bytes, headers: Mapping[str, str]) -> list[Receipt]:
        return []

    def close(self) -> None: ...


class Running:
    """A shop whose events are known beforehand; a tick sees those up to its instant."""

    def __init__(
        self, directory: Path, playbook: str, customers: Iterable[str | Mapping[str, Any]], events: Iterable[str] = (),
        config: str = "", zone: str = ZONE,
    ) -> None:  # fmt: skip
        self.directory, self.zone = directory, zone
        self.customers = [{"id": each} if isinstance(each, str) else each for each in customers]
        self.events, self.config = list(events), config
        self.messages: list[Message] = []
        self.says: Says = lambda message: Sent(None)
        self.idempotent = True
        self.names = ("push", "sms", "email", "kakao")
        self.write(playbook)
        self.ledger: Ledger = open_ledger(directory / "ledger.db")

    def write(self, playbook: str) -> None:
        """The shop with this playbook, read anew."""
        self.playbook = playbook
        self.project: dangol.Project = shop(self.directory, playbook, self.customers, self.events, self.config)

    def micros(self, at: str | int) -> int:
        return instant_from(at if isinstance(at, int) else f"2026-{at.replace(' ', 'T')}", self.zone)

    def run(self, at: str | int, **options: Any) -> Report:
        instant = self.micros(at)
        channels = {name: Recording(name, self.messages, self._says, self.idempotent) for name in self.names}
        options.setdefault("now", lambda: instant)
        return tick(self.project.files, self.project.data.evaluate, self.ledger, channels, instant, **options)

    def _says(self, message: Message) -> Answer:
        return self.says(message)

    def tick(self, at: str | int, **options: Any) -> list[Out]:
        """What goes out at this instant, such as `03-10 12:00`, by customer."""
        before = len(self.messages)
        self.run(at, **options)
        when = self.shown(self.micros(at))
        return sorted(Out(when, m.customer, m.channel, m.parts["body"]) for m in self.messages[before:])

    def every(self, minutes: int, start: str, end: str, **options: Any) -> list[Out]:
        """What goes out at ticks from start to end, both included."""
        times = range(self.micros(start), self.micros(end) + 1, minutes * MINUTE)
        return [out for at in times for out in self.tick(at, **options)]

    def shown(self, micros: int) -> str:
        import datetime as dt
        from zoneinfo import ZoneInfo

        return dt.datetime.fromtimestamp(micros / 1e6, ZoneInfo(self.zone)).strftime("%m-%d %H:%M")

    def entries(self, scenario: str = "s") -> list[tuple[str, str, str | None, str | None]]:
        """(customer, began, ended, why) of every entry that ever was, in order."""
        from sqlalchemy import select

        from dangol.runner.ledger.schema import entries as table

        with self.ledger.store.reading() as connection:
            rows = connection.execute(select(table).order_by(table.c.id)).all()
        return [
            (r.customer, self.shown(r.time), None if r.ended_at is None else self.shown(r.ended_at), r.reason)
            for r in rows
        ]

    def reasons(self, report: Report, scenario: str = "s") -> dict[str, int]:
        """Gate → customers held there."""
        plan = next(each for each in report.plan.scenarios if each.scenario == scenario)
        return {held.reason: held.count for held in plan.held}


def rule(line: str, *beside: str, more: str = "") -> str:
    """A playbook with one scenario `s`."""
    lines = "".join(f"    {each}\n" for each in beside)
    return f"playbook: p\nscenarios:\n  s:\n    rule: '{line}'\n{lines}{more}"


def texts(found: Iterable[Out]) -> list[tuple[str, str, str]]:
    return [(out.at, out.customer, out.text) for out in found]
