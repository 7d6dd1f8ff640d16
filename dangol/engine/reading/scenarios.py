"""A scenario in plain words: who, from what moment, what happens at each step, and the rules beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from dangol.engine import ir
from dangol.engine.reading import beside_english, beside_korean
from dangol.engine.reading.english import English
from dangol.engine.reading.josa import josa
from dangol.engine.reading.korean import Korean
from dangol.engine.reading.literals import clock, names, quoted, shares


@dataclass(frozen=True)
class ScenarioReading:
    """Who enters, from when its steps count, the steps in order, when somebody leaves, and the lines beside it."""

    who: str
    entry: str
    steps: tuple[str, ...]
    leaves: str
    beside: tuple[str, ...] = ()


class Teller(Protocol):
    """What a language says about the parts of a scenario."""

    def entry(self, scenario: ir.Scenario) -> str: ...
    def step(self, step: ir.Step, scenario: ir.Scenario) -> str: ...
    def leaves(self, scenario: ir.Scenario) -> str: ...
    def beside(self, scenario: ir.Scenario) -> tuple[str, ...]: ...


def tell(scenario: ir.Scenario, reader: English | Korean) -> ScenarioReading:
    """The scenario in the reader's language."""
    teller: Teller = InKorean(reader) if isinstance(reader, Korean) else InEnglish(reader)
    steps = tuple(teller.step(step, scenario) for step in scenario.steps)
    who = reader.condition(scenario.who)
    return ScenarioReading(who, teller.entry(scenario), steps, teller.leaves(scenario), teller.beside(scenario))


def _unfollowed(scenario: ir.Scenario) -> list[ir.Follow]:
    follows = scenario.anchor.follows if scenario.anchor is not None else ()
    return [follow for follow in follows if follow.kind == "not_followed"]


def _arms(scenario: ir.Scenario, name: str | None) -> str:
    known = next((split.arms for split in scenario.splits if split.name == name), ())
    return f" ({shares(known)})" if known else ""


@dataclass(frozen=True)
class InEnglish:
    reader: English

    def entry(self, scenario: ir.Scenario) -> str:
        if scenario.anchor is None:
            return "state-based: the first evaluation that finds the customer in it"
        source = f", found in segment {names(scenario.anchor_from)}" if scenario.anchor_from else ""
        return f"event-anchored: the time of the latest {self.reader.events(scenario.anchor)}{source}"

    def leaves(self, scenario: ir.Scenario) -> str:
        """Before every step; of an anchor, its own window and count are asked at the entry only."""
        parts = [f"{self._followed(follow)} followed the entry's event" for follow in _unfollowed(scenario)]
        parts.append("the customer is no longer in it" if scenario.anchor is None else "another condition has ended")
        parts += [f"[{self.reader.condition(condition)}]" for condition in scenario.exits]
        return "as soon as " + ", or ".join(parts)

    def _followed(self, follow: ir.Follow) -> str:
        same = f" with the same {' and '.join(names(name) for name in follow.same)}" if follow.same else ""
        gap = f" (within {self.reader.duration(follow.gap)})" if follow.gap else ""
        return f"[{self.reader.events(follow.other)}]{same}{gap}"

    def step(self, step: ir.Step, scenario: ir.Scenario) -> str:
        condition = f"if [{self.reader.condition(step.condition)}]: " if step.condition is not None else ""
        sends = ", else ".join(self._send(send, scenario) for send in step.sends) or "stop"
        return f"{self._due(step.due)}: {condition}{sends}"

    def _due(self, due: ir.Due | None) -> str:
        if due is None:
            return "at once"
        start = "the entry" if due.word == "after" else "the previous step"
        moment = start if due.shift is None else f"{self.reader.duration(due.shift)} after {start}"
        if due.at is None:
            return moment
        return f"at the first {clock(due.at)} ({due.zone}) from {moment} on"

    def _send(self, send: ir.Send, scenario: ir.Scenario) -> str:
        if send.inline is not None:
            return f"{send.channel} {quoted(send.inline)}"
        if send.message is not None:
            return f"{send.channel} message {names(send.message)}"
        return f"{send.channel} by split {names(send.split or '')}{_arms(scenario, send.split)}"

    def beside(self, scenario: ir.Scenario) -> tuple[str, ...]:
        return tuple(beside_english.lines(scenario, self.reader))


@dataclass(frozen=True)
class InKorean:
    reader: Korean

    def entry(self, scenario: ir.Scenario) -> str:
        if scenario.anchor is None:
            return "상태 기준: 고객이 대상에 든 것을 처음 확인한 시점"
        source = f"(세그먼트 {names(scenario.anchor_from)}에서 찾음)" if scenario.anchor_from else ""
        return f"이벤트 기준: [{self.reader.events(scenario.anchor)}] 중 가장 최근 이벤트의 시각{source}"

    def leaves(self, scenario: ir.Scenario) -> str:
        """Before every step; of an anchor, its own window and count are asked at the entry only."""
        parts = [f"진입 이벤트 뒤에 {self._followed(follow)} 생김" for follow in _unfollowed(scenario)]
        parts.append("더는 대상이 아님" if scenario.anchor is None else "다른 조건이 더는 맞지 않음")
        parts += [f"[{self.reader.condition(condition)}]" for condition in scenario.exits]
        return ", 또는 ".join(parts) + " 중 하나라도 해당하는 즉시" * (len(parts) > 1)

    def _followed(self, follow: ir.Follow) -> str:
        same = f"{josa(', '.join(names(n) for n in follow.same), '이/가')} 같은 " if follow.same else ""
        gap = f"{self.reader.duration(follow.gap)} 안에 " if follow.gap else ""
        return f"{gap}{same}{josa(f'[{self.reader.events(follow.other)}]', '이/가')}"

    def step(self, step: ir.Step, scenario: ir.Scenario) -> str:
        condition = f"[{self.reader.condition(step.condition)}]이면 " if step.condition is not None else ""
        sends = ", 안 되면 ".join(self._send(send, scenario) for send in step.sends) or "종료"
        return f"{self._due(step.due)}: {condition}{sends}"

    def _due(self, due: ir.Due | None) -> str:
        if due is None:
            return "즉시"
        start = "진입" if due.word == "after" else "이전 단계"
        moment = f"{start} 시점" if due.shift is None else f"{start} {self.reader.duration(due.shift)} 뒤"
        return moment if due.at is None else f"{moment}부터 처음 맞는 {clock(due.at)}({due.zone})"

    def _send(self, send: ir.Send, scenario: ir.Scenario) -> str:
        if send.inline is not None:
            return f"{send.channel} {quoted(send.inline)}"
        if send.message is not None:
            return f"{send.channel} 메시지 {names(send.message)}"
        return f"{send.channel} {names(send.split or '')} 분할에 따라{_arms(scenario, send.split)}"

    def beside(self, scenario: ir.Scenario) -> tuple[str, ...]:
        return tuple(beside_korean.lines(scenario, self.reader))
