"""A scenario in plain words: who, from what moment, and what happens at each step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from dangol.engine import ir
from dangol.engine.reading.english import English
from dangol.engine.reading.josa import josa
from dangol.engine.reading.korean import Korean
from dangol.engine.reading.literals import names, percent, quoted

Arms = Mapping[str, Sequence[tuple[str, Fraction]]]
"""The arms of each split with their shares, by the split's name."""


@dataclass(frozen=True)
class ScenarioReading:
    """Who enters, from when its steps count, the steps in order, and when somebody leaves."""

    who: str
    entry: str
    steps: tuple[str, ...]
    leaves: str


def english(scenario: ir.Scenario, reader: English, arms: Arms) -> ScenarioReading:
    """The scenario in English."""
    source = f", found in segment {names(scenario.anchor_from)}" if scenario.anchor_from else ""
    entry = (
        "state-based: the first evaluation at which the customer is in it"
        if scenario.anchor is None
        else f"event-anchored: the time of the latest {reader.events(scenario.anchor)}{source}"
    )
    still = "when the customer is no longer in it" if scenario.anchor is None else _anchored_exit(scenario, reader)
    leaves = "; ".join([still, *(f"when {reader.condition(condition)}" for condition in scenario.exits)])
    steps = tuple(_english_step(step, reader, arms) for step in scenario.steps)
    return ScenarioReading(reader.condition(scenario.who), entry, steps, leaves)


def _anchored_exit(scenario: ir.Scenario, reader: English) -> str:
    """What still holds of the anchor: its own window and count are asked at the entry only."""
    parts = [follow for follow in scenario.anchor.follows if follow.kind == "not_followed"] if scenario.anchor else []
    followed = [f"when the entry's event has been followed by {_other(follow, reader)}" for follow in parts]
    return "; ".join([*followed, "when another condition no longer holds"])


def _other(follow: ir.Follow, reader: English) -> str:
    same = f" with the same {', '.join(names(name) for name in follow.same)}" if follow.same else ""
    gap = f" within {reader.duration(follow.gap)}" if follow.gap else ""
    return f"[{reader.events(follow.other)}]{same}{gap}"


def _english_step(step: ir.Step, reader: English, arms: Arms) -> str:
    condition = f"if [{reader.condition(step.condition)}]: " if step.condition is not None else ""
    sends = ", else ".join(_english_send(send, arms) for send in step.sends) or "stop"
    return f"{_english_due(step.due, reader)}: {condition}{sends}"


def _english_due(due: ir.Due | None, reader: English) -> str:
    if due is None:
        return "at once"
    start = "the entry" if due.word == "after" else "the previous step"
    delay = f"{reader.duration(due.shift)} after {start}" if due.shift is not None else f"after {start}"
    if due.at is None:
        return delay
    return f"at the first {_clock(due.at)} ({due.zone}) from {delay if due.shift is not None else start} on"


def _english_send(send: ir.Send, arms: Arms) -> str:
    if send.inline is not None:
        return f"{send.channel} {quoted(send.inline)}"
    if send.message is not None:
        return f"{send.channel} message {names(send.message)}"
    return f"{send.channel} by split {names(send.split or '')}{_shares(send.split, arms)}"


def korean(scenario: ir.Scenario, reader: Korean, arms: Arms) -> ScenarioReading:
    """The scenario in Korean."""
    source = f"(세그먼트 {names(scenario.anchor_from)}에서 찾음)" if scenario.anchor_from else ""
    entry = (
        "상태 기준: 고객이 처음으로 대상에 든 평가 시점"
        if scenario.anchor is None
        else f"이벤트 기준: [{reader.events(scenario.anchor)}] 중 가장 최근 이벤트의 시각{source}"
    )
    leaves = [_korean_exit(scenario, reader), *(f"[{reader.condition(item)}]일 때" for item in scenario.exits)]
    steps = tuple(_korean_step(step, reader, arms) for step in scenario.steps)
    return ScenarioReading(reader.condition(scenario.who), entry, steps, "; ".join(leaves))


def _korean_exit(scenario: ir.Scenario, reader: Korean) -> str:
    if scenario.anchor is None:
        return "대상에서 벗어났을 때"
    parts = []
    for follow in scenario.anchor.follows:
        if follow.kind == "not_followed":
            same = f"{josa(', '.join(names(n) for n in follow.same), '이/가')} 같은 " if follow.same else ""
            gap = f"{reader.duration(follow.gap)} 안에 " if follow.gap else ""
            parts.append(f"진입 이벤트 뒤 {gap}{same}{josa(f'[{reader.events(follow.other)}]', '이/가')} 있었을 때")
    return "; ".join([*parts, "다른 조건이 더는 맞지 않을 때"])


def _korean_step(step: ir.Step, reader: Korean, arms: Arms) -> str:
    condition = f"[{reader.condition(step.condition)}]이면 " if step.condition is not None else ""
    sends = ", 안 되면 ".join(_korean_send(send, arms) for send in step.sends) or "종료"
    return f"{_korean_due(step.due, reader)}: {condition}{sends}"


def _korean_due(due: ir.Due | None, reader: Korean) -> str:
    if due is None:
        return "즉시"
    start = "진입" if due.word == "after" else "이전 단계"
    delay = f"{start} {reader.duration(due.shift)} 뒤" if due.shift is not None else f"{start} 뒤"
    return delay if due.at is None else f"{delay}부터 처음 맞는 {_clock(due.at)}({due.zone})"


def _korean_send(send: ir.Send, arms: Arms) -> str:
    if send.inline is not None:
        return f"{send.channel} {quoted(send.inline)}"
    if send.message is not None:
        return f"{send.channel} 메시지 {names(send.message)}"
    return f"{send.channel} {names(send.split or '')} 분할에 따라{_shares(send.split, arms)}"


def _shares(split: str | None, arms: Arms) -> str:
    known = arms.get(split or "", ())
    return f" ({', '.join(f'{name} {percent(share)}' for name, share in known)})" if known else ""


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
