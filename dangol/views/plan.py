"""A plan to look at, and the same as JSON: who would be hit, what they would read, why everyone else is left out."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from dangol.runner.due import occurrences
from dangol.runner.model import Plan, Reading, Sample, ScenarioPlan, Send
from dangol.runner.personal import shown_id
from dangol.runner.traffic import Traffic
from dangol.views import migration, winner
from dangol.views.text import instant, paint, second, width

COLUMNS = 110


def as_json(plan: Plan, *, show_personal: bool = False) -> dict[str, Any]:
    """The plan as data, version 1; documented in docs/json.md."""
    plan = plan if show_personal else _with_shown_ids(plan)
    return {
        "version": 1,
        "at": instant(plan.at, plan.zone),
        "universe": plan.universe,
        "scenarios": [_scenario(scenario, plan.at, plan.zone) for scenario in plan.scenarios],
        "volume": dict(plan.volume),
        "traffic": {channel: _traffic(one) for channel, one in plan.traffic.items()},
        "overlap": [{"scenarios": [o.first, o.second], "customers": o.customers} for o in plan.overlaps],
        "migration": migration.as_json(plan.migration),
    }


def _traffic(one: Traffic) -> dict[str, Any]:
    return {
        "messages": one.messages,
        "characters": list(one.characters),
        "bytes": None if one.bytes is None else list(one.bytes),
        "subject": None if one.subject is None else list(one.subject),
        "lms": one.lms,
        "outside_euckr": one.outside,
        "cost": None if one.cost is None else float(one.cost),
    }


def _scenario(plan: ScenarioPlan, at: int, zone: str) -> dict[str, Any]:
    asks = _asks_next(plan, at)
    return {
        "playbook": plan.playbook,
        "scenario": plan.scenario,
        "earlier": plan.record.text.hash if plan.is_earlier else None,
        "reading": plan.reading.line,
        "entry": plan.reading.entry,
        "asks_next": None if asks is None else instant(asks, zone),
        "audience": plan.audience,
        "sends": [_send(send) for send in plan.sends],
        "held": [{"reason": held.reason, "count": held.count} for held in plan.held],
        "volume": plan.volume,
        "arms": dict(plan.arms),
        "decided": [winner.as_json(one, zone) for one in plan.decided],
        "samples": [{**_send(sample.send), "content": dict(sample.content)} for sample in plan.samples],
    }


def _send(send: Any) -> dict[str, Any]:
    return {
        "customer": send.customer,
        "channel": send.channel,
        "step": send.step,
        "arm": send.arm,
        "message": send.message,
    }


def as_text(plan: Plan, *, colour: bool = False, migrate: bool = False, show_personal: bool = False) -> str:
    """The plan for a terminal, without a final line break."""
    return "\n".join(_lines(plan if show_personal else _with_shown_ids(plan), colour, migrate))


def _with_shown_ids(plan: Plan) -> Plan:
    """The plan with ids that are addresses masked."""

    def shown(send: Send) -> Send:
        return replace(send, customer=shown_id(send.customer))

    scenarios = (
        replace(
            one,
            sends=tuple(map(shown, one.sends)),
            samples=tuple(replace(sample, send=shown(sample.send)) for sample in one.samples),
        )
        for one in plan.scenarios
    )
    return replace(plan, scenarios=tuple(scenarios))


def _lines(plan: Plan, colour: bool, migrate: bool) -> Iterator[str]:
    yield f"Plan at {second(plan.at, plan.zone)} ({plan.zone}), {plan.universe:,} customers. Nothing is sent."
    if migrate:
        yield ""
        yield from migration.as_lines(plan.migration, colour)
    for scenario in plan.scenarios:
        yield ""
        yield from _scenario_lines(scenario, plan.at, plan.zone, colour)
    yield ""
    total = sum(plan.volume.values())
    yield f"In all: {_messages(total)}{_channels(plan.volume)}"
    yield from (f"  {channel}: {_measured(one)}" for channel, one in plan.traffic.items())
    for overlap in plan.overlaps:
        yield f"  {overlap.customers:,} customers are hit by both {overlap.first} and {overlap.second}"


def _scenario_lines(plan: ScenarioPlan, at: int, zone: str, colour: bool) -> Iterator[str]:
    earlier = f", under the earlier text {plan.record.text.hash[:8]}" if plan.is_earlier else ""
    yield paint(f"{plan.playbook}/{plan.scenario}{earlier}", "bold", colour=colour)
    yield from _reading(plan.reading)
    if (asks := _asks_next(plan, at)) is not None and asks > at:
        yield f"  asks next at {second(asks, zone)}; what follows is as if it asked now"
    rows = [(f"{plan.audience:,}", "in the audience")]
    rows += [(f"−{held.count:,}", held.reason) for held in plan.held]
    rows.append((f"{len(plan.sends):,}", f"would be sent to now{_channels(plan.volume)}"))
    size = max(width(count) for count, _ in rows)
    yield from (f"  {' ' * (size - width(count))}{count}  {what}" for count, what in rows)
    if plan.arms:
        yield "  arms: " + ", ".join(f"{arm} {count:,}" for arm, count in plan.arms.items())
    yield from (f"  {winner.sentence(one, zone)}" for one in plan.decided)
    yield from (line for sample in plan.samples for line in _sample(sample))


def _asks_next(plan: ScenarioPlan, at: int) -> int | None:
    """When the schedule next looks for new entries (µs); None without a schedule, or when it never does again."""
    schedule = plan.record.scenario.schedule
    return None if schedule is None or plan.is_earlier else next(occurrences(schedule, at - 1), None)


def _reading(reading: Reading) -> Iterator[str]:
    yield from _wrapped("who", reading.who)
    yield from _wrapped("entry", reading.entry)
    for number, step in enumerate(reading.steps, 1):
        yield from _wrapped(f"step {number}", step)
    for name, text in reading.definitions.items():
        yield from _wrapped(f"`{name}`", text)


def _wrapped(label: str, text: str) -> list[str]:
    return textwrap.wrap(
        f"{label}: {text}", COLUMNS, initial_indent="  ", subsequent_indent="      ", break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip


def _sample(sample: Sample) -> Iterator[str]:
    arm = f", {sample.send.arm}" if sample.send.arm else ""
    yield f"  {sample.send.customer} reads on {sample.send.channel} (step {sample.send.step}{arm}):"
    for part, text in sample.content.items():
        label = "" if part == "body" else f"{part}: "
        yield from (f"    │ {label if n == 0 else ''}{line}" for n, line in enumerate(text.splitlines() or [""]))


def _measured(one: Traffic) -> str:
    said = [f"{_range(one.characters)} characters"]
    if one.bytes is not None:
        said.append(f"{_range(one.bytes)} bytes")
    if one.subject is not None:
        said.append(f"subject {_range(one.subject)}" + (" bytes" if one.bytes is not None else ""))
    if one.lms:
        said.append(f"{one.lms:,} as LMS")
    if one.outside:
        said.append(f"{' '.join(one.outside[:5])} not in EUC-KR")
    if one.cost is not None:
        said.append(f"cost {float(one.cost):,.2f}".removesuffix(".00"))
    return ", ".join(said)


def _range(sizes: tuple[int, int]) -> str:
    return f"{sizes[0]:,}" if sizes[0] == sizes[1] else f"{sizes[0]:,}–{sizes[1]:,}"


def _messages(count: int) -> str:
    return f"{count:,} message" + ("" if count == 1 else "s")


def _channels(volume: Mapping[str, int]) -> str:
    return f" ({', '.join(f'{channel} {count:,}' for channel, count in volume.items())})" if volume else ""
