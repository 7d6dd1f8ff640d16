"""A shop whose ledger is written row by row, as runs would have: who was drawn when, what went out, who bought."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, select, update

import dangol.api
from dangol.measure.design import Design
from dangol.playbook.project import load_project
from dangol.runner.ledger import Cohort, Ends, Ledger, NewAssignments, NewEntries, NewSends, Outcomes, Receipt, Start
from dangol.runner.ledger.matching import key_of
from dangol.runner.ledger.schema import entries, experiments, meta, sends

ZONE = "Asia/Seoul"
DAY = 86_400_000_000
CONFIG = """
project: shop
timezone: Asia/Seoul
data:
  customers: {file: data/customers.csv, id: id}
  events:
    - {file: data/events.csv, customer: customer, event: event, time: time}
attributes: {token: text}
events:
  cart_added: {product: text, amount: number}
  purchased: {product: text, amount: number}
channels:
  push: {address: token}
"""
PLAYBOOK = """
playbook: p
holdout: HOLDOUT
scenarios:
  s:
    rule: cart_added → after 1h push split offer
    kpi: KPI
splits:
  offer: SPLIT
messages:
  discount: {push: {body: "hi"}}
  scarcity: {push: {body: "hi"}}
"""


def instant(text: str) -> int:
    """Local `2026-03-01T10:00` in µs."""
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(ZONE)).timestamp()) * 1_000_000


def local(micros: int) -> str:
    return dt.datetime.fromtimestamp(micros / 1e6, ZoneInfo(ZONE)).isoformat()[:19]


@dataclass(frozen=True)
class Person:
    """Drawn at `due` (µs) to an arm or (arm None) to a holdout; `sent` None: no message went out."""

    id: str
    due: int
    arm: str | None = "discount"
    holdout: str = "none"
    sent: int | None = None
    step: int = 1


_WRITTEN: dict[tuple[tuple[Person, ...], str], bytes] = {}


@dataclass
class Simulated:
    directory: Path
    people: Sequence[Person]
    events: Sequence[tuple[str, str, int, str, str]] = ()
    """customer, event, instant, product, amount"""
    kpi: str = "purchased within 7d up 20% vs control by 2026-03-31"
    split: str = "discount 50%, control 50%"
    holdout: str = ""
    beside: str = ""
    absent: frozenset[str] = frozenset()
    lines: Mapping[str, str] = field(default_factory=dict)
    playbook: str = PLAYBOOK
    config: str = CONFIG

    def project(self) -> dangol.Project:
        """The shop's files; its ledger is written."""
        self.files()
        project = dangol.api.Project(load_project(self.directory))  # whatever the linter says of its targets
        self._write(project)
        return project

    def _write(self, project: dangol.Project) -> None:
        """The ledger; one with the same people is copied, and only the lines it is judged by are its own."""
        path, design = project.files.state_directory / "ledger.db", self.design(project)
        key = (tuple(self.people), design)
        if key in _WRITTEN:
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(_WRITTEN[key])
        else:
            with project.ledger() as ledger:
                write(ledger, self.people, design, {})
            _WRITTEN[key] = path.read_bytes()
        with project.ledger() as ledger, ledger.store.writing("test") as connection:
            connection.execute(update(experiments).values(lines=json.dumps(dict(self.lines), ensure_ascii=False)))

    def design(self, project: dangol.Project) -> str:
        """How the scenario's customers are drawn, as runs write it down."""
        files = project.files
        playbook = next(file.holdout for file in files.playbooks)
        return Design.of(files.name, files.compiled["p", "s"], files.holdout, playbook).written()

    def files(self) -> None:
        data = self.directory / "data"
        data.mkdir(parents=True, exist_ok=True)
        (self.directory / "playbooks").mkdir(exist_ok=True)
        (self.directory / "dangol.yaml").write_text(self.config, encoding="utf-8")
        text = self.playbook.replace("KPI", f"'{self.kpi}'").replace("SPLIT", self.split)
        text = text.replace("holdout: HOLDOUT\n", f"holdout: {self.holdout}\n" if self.holdout else "")
        (self.directory / "playbooks/p.yaml").write_text(text + self.beside, encoding="utf-8")
        ids = [one for one in dict.fromkeys(person.id for person in self.people) if one not in self.absent]
        (data / "customers.csv").write_text("id,token\n" + "".join(f"{one},t\n" for one in ids), encoding="utf-8")
        rows = [f"{who},{what},{local(at)},{product},{amount}\n" for who, what, at, product, amount in self.events]
        (data / "events.csv").write_text("customer,event,time,product,amount\n" + "".join(rows), encoding="utf-8")


def write(
    ledger: Ledger, people: Iterable[Person], design: str, lines: Mapping[str, str], playbook: str = "p",
    scenario: str = "s", in_one_run: bool = False,
) -> None:  # fmt: skip
    """The people of each day are drawn in one run, half a day after its end; or all in one, after the last day."""
    people, by_run = list(people), dict[int, list[Person]]()
    last = max((person.due // DAY for person in people), default=0)
    for person in people:
        by_run.setdefault(last if in_one_run else person.due // DAY, []).append(person)
    for day, group in sorted(by_run.items()):
        at = (day + 1) * DAY + DAY // 2
        run = ledger.begin_run(at, at)
        entry = ledger.record_entries(
            run,
            NewEntries(playbook, scenario, "h", "{}", [one.id for one in group], [one.due - DAY // 24 for one in group],
                       "cart_added"),
        )  # fmt: skip
        cohorts = list(dict.fromkeys(_cohort(one) for one in group))
        goes = [one.sent is not None for one in group]
        sends = NewSends(
            entry=entry, step=[one.step for one in group], due=[one.due for one in group], channel="push",
            arm=[one.arm for one in group], message=[one.arm for one in group], ready_at=at,
            state=["planned" if one else "cancelled" for one in goes],
            reason=[None if one else "control arm" for one in goes],
        )  # fmt: skip
        start = Start(playbook, scenario, 1, design, lines)
        drawn = NewAssignments(
            start, cohorts, entry, [cohorts.index(_cohort(one)) for one in group], [one.due for one in group]
        )
        ledger.record_sends(run, at, sends, drawn)
        _deliver(ledger, group, entry.tolist(), at)
        ledger.end_entries(at, Ends(entry, "finished", at))
        ledger.finish_run(run, at, {})


def _cohort(one: Person) -> Cohort:
    return Cohort(one.step, "push", one.holdout, () if one.arm is None else (("offer", one.arm),))


def _deliver(ledger: Ledger, group: Sequence[Person], entry: Sequence[int], at: int) -> None:
    """Each message goes out at its own instant."""
    claimed = ledger.claim(at, len(group) + 1, f"w{at}", DAY)
    if not len(claimed):
        return
    ledger.settle(at, f"w{at}", Outcomes(claimed.entry, claimed.step, "sent"))
    times = [{"k": number, "t": one.sent} for number, one in zip(entry, group, strict=True) if one.sent is not None]
    with ledger.store.writing("test") as connection:
        connection.execute(update(sends).where(sends.c.entry == bindparam("k")).values(sent_at=bindparam("t")), times)


def clicked(ledger: Ledger, customers: Iterable[tuple[str, int]], kind: Any = "clicked") -> None:
    """Receipts for the customers' first messages."""
    with ledger.store.reading() as connection:
        prefix = connection.execute(select(meta.c.ledger)).scalar_one()
        rows = connection.execute(
            select(entries.c.customer, sends.c.entry, sends.c.step).join(sends, sends.c.entry == entries.c.id)
        ).all()
    first = {row[0]: (row[1], row[2]) for row in reversed(rows)}

    ledger.ingest(
        max(at for _, at in customers),
        [
            Receipt("x", f"{kind}-{n}", kind, at, key=key_of(prefix, *first[who]))
            for n, (who, at) in enumerate(customers)
        ],
    )
