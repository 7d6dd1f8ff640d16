"""An explanation to look at, and the same as JSON: true or false, the values, and the events that decided."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from dangol.api import Project
from dangol.engine import ir
from dangol.engine.catalog import normal
from dangol.engine.explanation import Explanation, Found, Part, mentions
from dangol.engine.reading import Lang, in_full, read, scenario_in_full
from dangol.engine.reading.literals import peel, quantity, quoted
from dangol.engine.reading.times import day_text, instant_text
from dangol.engine.sightings import Datum, Decision, Sighting
from dangol.runner.personal import PERSONAL_NAMES, is_personal, mask
from dangol.runner.versions import customers
from dangol.views import playbook
from dangol.views.text import paint, printable

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)

_WORDS = {
    "en": {
        "in": "is in", "out": "is not in", "unknown": "is not a customer at this time",
        "true": "true ", "false": "false", "missing": "no value", "closed": "(opened elsewhere)",
        "count": "{} matching", "others": "{} not matching", "time": "outside the time", "where": "fails the `where`",
        "followed": "followed by", "follows": "came after", "not_followed": "followed by",
        "nothing": "nothing fitting", "yes": "true", "no": "false",
    },
    "ko": {
        "in": "해당함", "out": "해당하지 않음", "unknown": "이 시점에는 고객이 아님",
        "true": "참  ", "false": "거짓", "missing": "값 없음", "closed": "(다른 곳에 펼쳐져 있음)",
        "count": "해당 {}건", "others": "해당하지 않는 것 {}건", "time": "기간 밖", "where": "조건에 맞지 않음",
        "followed": "뒤에 옴:", "follows": "앞에 있음:", "not_followed": "뒤에 옴:",
        "nothing": "맞는 이벤트 없음", "yes": "참", "no": "거짓",
    },
}  # fmt: skip


@dataclass(frozen=True)
class Style:
    """How an explanation is shown: the zone of its times, the language, and which attributes are masked."""

    program: ir.Program
    zone: str = "UTC"
    lang: Lang = "en"
    masked: frozenset[str] = frozenset()
    """Attributes and properties that are personal besides `PERSONAL_NAMES`."""

    show_personal: bool = False

    colour: bool = False

    def word(self, name: str) -> str:
        return _WORDS[self.lang][name]


def style(project: Project, lang: Lang, *, show_personal: bool, colour: bool) -> Style:
    """The style for a project: what is personal by its name, and its channels' address attributes, are masked."""
    files, catalog = project.files, project.data.catalog
    addresses = [normal(c.address.text) for c in files.config.channels.values() if c.address] if files.config else []
    names = {*catalog.attributes, *(name for properties in catalog.events.values() for name in properties)}
    masked = frozenset(filter(is_personal, names)).union(addresses)
    return Style(project.data.asked.program, files.zone, lang, masked, show_personal, colour)


def reading(project: Project, what: str, lang: Lang) -> tuple[str, dict[str, Any]]:
    """What a line, a scenario or a playbook says, as text and as JSON."""
    listed = playbook.named(project.files, what)
    if listed is not None:
        said = playbook.reading(project.files, listed, lang)
        return "\n".join(playbook.as_lines(said)), {"version": 1, "what": what, **said}
    node, program, zone = project.find(what), project.data.asked.program, project.files.zone
    data = {"version": 1, "what": what, "reading": read(node, program, lang, zone)}
    if not isinstance(node, ir.Scenario):
        return "\n".join(in_full(node, program, lang, zone)), data
    lines, earlier = [*scenario_in_full(node, program, lang)], project.earlier(node)
    for count, version in earlier.versions:
        lines += ["", f"In it under an earlier text, {customers(count)}:"]
        own = scenario_in_full(version.scenario, version.program or program, lang)
        lines += (f"   {line}" for line in own)
    lines += (f"\n{found.message}" for found in earlier.unreadable)
    data["earlier"] = [{"customers": count, "reading": each.reading.line} for count, each in earlier.versions]
    return "\n".join(lines), data


# --- terminal -----------------------------------------------------------------------------------------------------


def as_text(found: Explanation, style: Style) -> str:
    """The tree for a terminal, without a final line break."""
    verdict = "unknown" if not found.known else "in" if found.root.holds else "out"
    said = f" {style.word(verdict)}" if found.root.holds is not None or not found.known else ""
    when = f"{instant_text(found.at // 1_000_000 * 1_000_000, style.zone)} ({style.zone})"
    head = paint(f"{printable(found.customer)}{said}", "bold", colour=style.colour)
    return "\n".join([f"{head}  {when}", *_lines(found.root, "", 0, style)])


def _lines(part: Part, number: str, depth: int, style: Style) -> Iterator[str]:
    indent, head = "  " * depth, number
    closed = f" {style.word('closed')}" if part.closed else ""
    colon = ":" if part.items and part.holds is not None else ""
    if part.holds is None:
        yield f"{' ' * 7}{indent}{head}{printable(part.text)} = {_value(part, style)}{closed}"
    else:
        yield f"{_mark(part.holds, style)}  {indent}{head}{printable(part.text)}{colon}{closed}"
    if part.events is not None:
        yield from (f"{' ' * 7}{indent}   {line}" for line in _events(part.events, style))
    members = isinstance(peel(part.node)[1], ir.And | ir.Or) if isinstance(part.node, ir.Condition) else False
    for position, item in enumerate(part.items, 1):
        yield from _lines(item, f"{position}. " if members else "", depth + 1, style)


def _mark(holds: bool, style: Style) -> str:
    return paint(style.word("true" if holds else "false"), "green" if holds else "red", colour=style.colour)


def _value(part: Part, style: Style) -> str:
    assert part.value is not None
    return shown(part.value, style, masked=_is_masked(part, style))


def _is_masked(part: Part, style: Style) -> bool:
    if isinstance(part.node, ir.Condition) or part.value is None or style.show_personal:
        return False
    told = part.value.type not in ("number", "boolean") or isinstance(part.node, ir.Attribute)
    return told and mentions(part.node, PERSONAL_NAMES.union(map(str.casefold, style.masked)), style.program)


def _events(found: Found, style: Style) -> Iterator[str]:
    yield style.word("count").format(quantity(found.count))
    yield from (f"  · {_sighting(seen, style)}" for seen in found.latest)
    if found.others:
        yield style.word("others").format(quantity(found.others))
        yield from (f"  · {_sighting(seen, style)} — {_reason(seen, style)}" for seen in found.left_out)


def _sighting(seen: Sighting, style: Style) -> str:
    told = [f"{printable(name)} {text}" for name, text in _properties(seen, style).items()]
    deciding = [_decision(decision, style) for decision in seen.decisions] if seen.reason == "matched" else []
    rest = f" ({', '.join(told)})" if told else ""
    return f"{instant_text(seen.time, style.zone)} {printable(seen.name)}{rest}" + "".join(f" — {d}" for d in deciding)


def _properties(seen: Sighting, style: Style) -> dict[str, str]:
    return {
        name: shown(datum, style, masked=not style.show_personal and is_personal(name))
        for name, datum in seen.properties.items()
        if datum.value is not None
    }


def _reason(seen: Sighting, style: Style) -> str:
    if seen.reason != "sequence":
        return style.word(seen.reason)
    return ", ".join(_decision(decision, style) for decision in seen.decisions)


def _decision(decision: Decision, style: Style) -> str:
    if decision.other is None:
        return f"{style.word(decision.follow.kind)} {style.word('nothing')}"
    return f"{style.word(decision.follow.kind)} {_sighting(decision.other, style)}"


def shown(datum: Datum, style: Style, *, masked: bool = False) -> str:
    """A value as a person reads it; masked where it is personal."""
    value = datum.value
    if value is None:
        return style.word("missing")
    if masked:
        return mask(value if isinstance(value, str) else "*")
    if isinstance(value, bool):
        return style.word("yes" if value else "no")
    if isinstance(value, tuple):
        return f"({', '.join(printable(quoted(each)) for each in value)})"
    if isinstance(value, str):
        return printable(quoted(value) if datum.type == "text" else value)
    if datum.type == "instant":
        return instant_text(int(value), style.zone)
    return day_text(int(value)) if datum.type == "date" else quantity(value)


# --- JSON ---------------------------------------------------------------------------------------------------------


def as_json(found: Explanation, style: Style) -> dict[str, Any]:
    """The tree as data, version 1: instants and dates as ISO 8601, instants with their offset, missing values null."""
    return {
        "version": 1,
        "customer": found.customer,
        "at": _iso(found.at, style.zone),
        "known": found.known,
        "tree": _part(found.root, style),
    }


def _part(part: Part, style: Style) -> dict[str, Any]:
    record: dict[str, Any] = {"reading": part.text}
    if part.holds is not None:
        record["holds"] = part.holds
    if part.value is not None:
        record["value"] = _plain(part.value, style, masked=_is_masked(part, style))
    if part.events is not None:
        record["events"] = {
            "matching": part.events.count,
            "latest": [_event(seen, style) for seen in part.events.latest],
            "others": part.events.others,
            "left_out": [_event(seen, style) for seen in part.events.left_out],
        }
    if part.items:
        record["items"] = [_part(item, style) for item in part.items]
    if part.closed:
        record["closed"] = True
    return record


def _event(seen: Sighting, style: Style) -> dict[str, Any]:
    record: dict[str, Any] = {"event": seen.name, "time": _iso(seen.time, style.zone), "properties": {}}
    for name, datum in seen.properties.items():
        masked = not style.show_personal and is_personal(name)
        record["properties"][name] = _plain(datum, style, masked=masked)
    if seen.reason != "matched":
        record["reason"] = seen.reason
    if seen.decisions:
        record["decided_by"] = [
            {"clause": d.follow.kind, "event": None if d.other is None else _event(d.other, style)}
            for d in seen.decisions
        ]
    return record


def _plain(datum: Datum, style: Style, *, masked: bool) -> Any:
    value = datum.value
    if value is None:
        return None
    if masked:
        return shown(datum, style, masked=True)
    if datum.type == "instant":
        return _iso(int(value), style.zone)  # type: ignore[arg-type]
    if datum.type == "date":
        return day_text(int(value))  # type: ignore[arg-type]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return list(value) if isinstance(value, tuple) else value


def _iso(micros: int, zone: str) -> str:
    try:
        return (_EPOCH + dt.timedelta(microseconds=micros)).astimezone(ZoneInfo(zone)).isoformat()
    except OverflowError:
        return instant_text(micros, zone)
