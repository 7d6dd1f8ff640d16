"""Random shops of overlapping playbooks, and a simulation that shares no code: the same messages at the same ticks."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

import dangol
from tests.runner.running import Running

UTC = dt.UTC
HALF = dt.timedelta(minutes=30)
PLACES = [
    ("Europe/Berlin", "2026-03-28"), ("Europe/Berlin", "2026-10-24"), ("Asia/Seoul", "2026-02-27"),
    ("America/New_York", "2026-03-07"), ("America/New_York", "2026-10-31"), ("Australia/Lord_Howe", "2026-04-04"),
]  # fmt: skip
CHANNELS = ("push", "sms", "email")
EVENTS = ("cart_added", "purchased", "visited")
WINDOWS = {"30min": 30, "1h": 60, "6h": 360, "12h": 720, "1d": 1440, "2d": 2880}
QUIET = [None, ("21:00", "08:00"), ("02:00", "03:00"), ("02:30", "09:30"), ("23:30", "00:30"), ("01:30", "02:30")]


@dataclass(frozen=True)
class Cap:
    count: int
    window: str
    channel: str | None

    def __str__(self) -> str:
        return f"{self.count} per {self.window}" + (f" on {self.channel}" if self.channel else "")


@dataclass(frozen=True)
class One:
    """A scenario of one step."""

    playbook: str
    name: str
    event: str
    delay: int
    channel: str
    priority: int
    expires: int
    cap: Cap | None
    quiet: tuple[str, str] | None

    def __str__(self) -> str:
        after = f"after {self.delay}min " if self.delay else ""
        beside = f", cap: [{self.cap}]" if self.cap else ""
        beside += f", quiet: '{'–'.join(self.quiet)}'" if self.quiet else ""
        rule = f'{self.event} → {after}{self.channel} "{self.name}"'
        return f"  {self.name}: {{rule: '{rule}', priority: {self.priority}, expires: {self.expires}min{beside}}}\n"


def _cap(chance: random.Random) -> Cap:
    windows = [*WINDOWS, "calendar day", "calendar week", "calendar month"]
    return Cap(chance.choice([1, 1, 2]), chance.choice(windows), chance.choice([None, *CHANNELS]))


def _scenarios(chance: random.Random) -> list[One]:
    return [
        One(
            chance.choice("pq"), f"s{n}", EVENTS[n % 3], chance.choice([0, 30, 60, 90, 600, 1440]),
            chance.choice(CHANNELS), chance.choice([0, 0, 1, 5]), chance.choice([60, 360, 1440, 2880]),
            _cap(chance) if chance.random() < 0.4 else None, chance.choice([None, None, None, ("22:30", "06:00")]),
        )
        for n in range(5)
    ]  # fmt: skip


@dataclass(frozen=True)
class Simulation:
    zone: ZoneInfo
    scenarios: list[One]
    caps: list[Cap]
    quiet: tuple[str, str] | None
    events: dict[tuple[str, str], dt.datetime]

    def sends(self, ticks: list[dt.datetime]) -> list[tuple[dt.datetime, str, str]]:
        """(tick, customer, scenario) of every message."""
        sent: list[tuple[dt.datetime, str, str]] = []
        over: set[tuple[str, str]] = set()
        for at in ticks:
            for who in sorted({customer for customer, _ in self.events}):
                for one in self._due(who, at, ticks, over):
                    if self._allowed(one, who, at, sent):
                        sent.append((at, who, one.name))
                        over.add((who, one.name))
        return sent

    def _due(self, who: str, at: dt.datetime, ticks: list[dt.datetime], over: set[tuple[str, str]]) -> list[One]:
        found = []
        for one in self.scenarios:
            happened = self.events.get((who, one.event))
            if happened is None or happened > at or (who, one.name) in over:
                continue
            due = happened + dt.timedelta(minutes=one.delay) if one.delay else min(t for t in ticks if t >= happened)
            if at > due + dt.timedelta(minutes=one.expires):
                over.add((who, one.name))
            elif due <= at and not self._is_quiet(self.quiet, at) and not self._is_quiet(one.quiet, at):
                found.append((-one.priority, due, one.playbook, one.name, one))
        return [last for *_, last in sorted(found, key=lambda each: each[:4])]

    def _is_quiet(self, window: tuple[str, str] | None, at: dt.datetime) -> bool:
        if window is None:
            return False
        clock, (start, end) = at.astimezone(self.zone).strftime("%H:%M"), window
        return start <= clock < end if start < end else clock >= start or clock < end

    def _allowed(self, one: One, who: str, at: dt.datetime, sent: list[tuple[dt.datetime, str, str]]) -> bool:
        channels = {each.name: each.channel for each in self.scenarios}
        mine = [(time, name) for time, customer, name in sent if customer == who]
        for cap, names in [*((cap, set(channels)) for cap in self.caps), *([(one.cap, {one.name})] if one.cap else [])]:
            if cap.channel is not None and cap.channel != one.channel:
                continue
            counted = [t for t, name in mine if name in names and cap.channel in (None, channels[name])]
            if sum(self._inside(cap.window, time, at) for time in counted) >= cap.count:
                return False
        return True

    def _inside(self, window: str, time: dt.datetime, at: dt.datetime) -> bool:
        if window in WINDOWS:
            return at - dt.timedelta(minutes=WINDOWS[window]) < time <= at
        day = at.astimezone(self.zone).date()
        day -= dt.timedelta(days=day.weekday() if window == "calendar week" else 0)
        day = day.replace(day=1) if window == "calendar month" else day
        return dt.datetime.combine(day, dt.time(), self.zone) <= time <= at


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_every_message_goes_out_when_the_rules_say(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    place, day = PLACES[seed % len(PLACES)]
    zone, people = ZoneInfo(place), [f"c{n}" for n in range(12)]
    midnight = dt.datetime.fromisoformat(day).replace(tzinfo=zone).astimezone(UTC)
    ticks = sorted(midnight + HALF * n for n in range(130) if chance.random() < 0.6)
    pairs = [(who, event) for who in people for event in EVENTS if chance.random() < 0.8]
    events = {pair: midnight + HALF * chance.randrange(80) for pair in pairs}
    scenarios, caps, quiet = _scenarios(chance), [_cap(chance) for _ in range(2)], chance.choice(QUIET)
    simulation = Simulation(zone, scenarios, caps, quiet, events)
    beside = f"caps: [{', '.join(map(str, caps))}]\n" + (f"quiet: {'–'.join(quiet)}\n" if quiet else "")
    rows = [f"{who} {event} {time.isoformat()}" for (who, event), time in events.items()]
    shop = Running(tmp_path, "playbook: p\n", people, rows, beside, place)
    for name in "pq":
        lines = "".join(str(one) for one in scenarios if one.playbook == name)
        written = f"playbook: {name}\n" + (f"scenarios:\n{lines}" if lines else "")
        (tmp_path / f"playbooks/{name}.yaml").write_text(written, encoding="utf-8")
    config = tmp_path / "dangol.yaml"
    config.write_text(config.read_text(encoding="utf-8").replace("Asia/Seoul", place), encoding="utf-8")
    shop.project = dangol.load(tmp_path)
    got = []
    for at in ticks:
        before = len(shop.messages)
        shop.run(int(at.timestamp() * 1e6), confirmed=True)
        got += [(at, message.customer, message.scenario) for message in shop.messages[before:]]
    shop.ledger.close()
    assert sorted(got) == sorted(simulation.sends(ticks))
    assert len(got) > 5
