"""The exact reading of a line, in English or Korean, generated from the IR so that it cannot lie.

read(node, program)                  # one line, the definitions it rests on behind it
"\\n".join(in_full(node, program))    # the same as a numbered outline
scenario_reading(scenario)           # who, from when, each step, when somebody leaves
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from dangol.engine import ir
from dangol.engine.reading.english import English
from dangol.engine.reading.korean import Korean
from dangol.engine.reading.literals import names
from dangol.engine.reading.outline import Outline, Reader, lines, outline
from dangol.engine.reading.references import definitions, walk
from dangol.engine.reading.scenarios import ScenarioReading, tell

__all__ = [
    "Lang",
    "Outline",
    "Reader",
    "ScenarioReading",
    "definitions",
    "in_full",
    "lines",
    "outline",
    "read",
    "reader",
    "scenario_in_full",
    "scenario_reading",
    "walk",
]

Lang = Literal["en", "ko"]

_LABELS = {
    "en": {"who": "who", "entry": "entry", "steps": "steps", "leaves": "leaves", "beside": "rules"},
    "ko": {"who": "대상", "entry": "진입 시점", "steps": "단계", "leaves": "이탈", "beside": "규칙"},
}


def reader(lang: Lang = "en", zone: str = "UTC") -> Reader:
    """The words of a language; literal instants are shown in `zone`."""
    return Korean(zone) if lang == "ko" else English(zone)


def read(node: ir.Node | ir.Scenario, program: ir.Program | None = None, lang: Lang = "en", zone: str = "UTC") -> str:
    """The node on one line; with the program, followed by every definition that it rests on."""
    words = reader(lang, zone)
    sentences = [_line(node, words, lang)]
    for name, body in (definitions(node, program) if program else {}).items():
        sentences.append(f"{_kind(body, name, program, words)} {names(name)}: {_text(body, words)}")
    return ". ".join(sentences)


def in_full(node: ir.Node, program: ir.Program | None = None, lang: Lang = "en", zone: str = "UTC") -> Iterator[str]:
    """The node as a numbered outline, line by line, then each definition that it rests on after an empty line."""
    words = reader(lang, zone)
    yield from lines(outline(node, words))
    yield from _definitions_in_full(node, program, words)


def scenario_reading(scenario: ir.Scenario, lang: Lang = "en") -> ScenarioReading:
    """The parts of a scenario in plain words."""
    return tell(scenario, reader(lang, scenario.zone))


def scenario_in_full(scenario: ir.Scenario, program: ir.Program | None = None, lang: Lang = "en") -> Iterator[str]:
    """The scenario line by line, then each definition that it rests on."""
    words, label = reader(lang, scenario.zone), _LABELS[lang]
    found = tell(scenario, words)
    first, *rest = lines(outline(scenario.who, words))
    yield f"{label['who']}: {first}"
    yield from rest
    yield f"{label['entry']}: {found.entry}"
    yield f"{label['steps']}:"
    yield from (f"   {position}. {step}" for position, step in enumerate(found.steps, 1))
    yield f"{label['leaves']}: {found.leaves}"
    yield f"{label['beside']}:"
    yield from (f"   - {line}" for line in found.beside)
    yield from _definitions_in_full(scenario, program, words)


def _definitions_in_full(node: ir.Node | ir.Scenario, program: ir.Program | None, words: Reader) -> Iterator[str]:
    for name, body in (definitions(node, program) if program else {}).items():
        yield ""
        yield f"{_kind(body, name, program, words)} {names(name)}:"
        yield from ("   " + line for line in lines(outline(body, words)))


def _line(node: ir.Node | ir.Scenario, words: Reader, lang: Lang) -> str:
    if not isinstance(node, ir.Scenario):
        return _text(node, words)
    found = scenario_reading(node, lang)
    steps = " → ".join(f"({position}) {step}" for position, step in enumerate(found.steps, 1))
    return f"{found.who} → {steps} [{found.entry}]"


def _kind(body: ir.Node, name: str, program: ir.Program | None, words: Reader) -> str:
    return words.segment if program is not None and program.segments.get(name) is body else words.trait


def _text(node: ir.Node, words: Reader) -> str:
    return words.condition(node) if isinstance(node, ir.Condition) else words.value(node)
