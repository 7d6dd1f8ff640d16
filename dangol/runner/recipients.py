"""The messages of a scenario, filled in for every recipient; who lacks a value of theirs is held and told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dangol.diagnostics import Diagnostic, Line, Span, diagnose
from dangol.engine import ir
from dangol.engine.backends.vector import Evaluation
from dangol.playbook.compliance.check import Rules, finding
from dangol.playbook.compliance.rules import RULES
from dangol.playbook.compliance.texts import Problem
from dangol.playbook.messages.check import Text, inline
from dangol.playbook.messages.template import Template, TemplateError, compile_template
from dangol.runner.entries import Entries
from dangol.runner.journey import Position
from dangol.runner.personal import mask
from dangol.runner.variables import Values

if TYPE_CHECKING:
    from dangol.runner.model import Playbook


@dataclass(frozen=True)
class Writing:
    """What one group of recipients gets: the step (from 1), the channel, the arm and the message."""

    number: int
    channel: str
    arm: str | None
    message: str
    parts: Mapping[str, Line]


@dataclass(frozen=True)
class Letter:
    """What one entry (its position) would be sent: the writing, and each part filled in."""

    place: int
    writing: Writing
    content: Mapping[str, str]


@dataclass(frozen=True)
class Rendering:
    """Every recipient's letter, who (of the entries) lacks a value of theirs, and findings."""

    letters: tuple[Letter, ...]
    incomplete: NDArray[np.bool_]
    forbidden: NDArray[np.bool_]
    """Whose text breaks a rule that is an error."""
    diagnostics: tuple[Diagnostic, ...]
    masked: Callable[[Letter, frozenset[str]], Letter]
    """The letter with the values of these attributes masked."""


Arms = Mapping[str, NDArray[np.int16]]


def render(
    scenario: ir.Scenario,
    playbook: Playbook,
    entries: Entries,
    position: Position,
    wanted: NDArray[np.bool_],
    arms: Arms,
    evaluation: Evaluation,
    rules: Rules,
) -> Rendering:
    """Renders every wanted recipient (a mask of the entries) who has a step due.

    Missing values become diagnostics at the message's place in its file.
    """
    findings: list[Diagnostic] = []
    letters: list[Letter] = []
    templates: dict[int, Template] = {}
    incomplete, forbidden = np.zeros(len(entries), bool), np.zeros(len(entries), bool)
    values = Values(scenario, entries, evaluation)
    for writing, here in _writings(scenario, playbook, position, wanted, arms):
        template = _template(writing)
        if template is None:
            incomplete |= here
            continue
        filled = _fill(template, np.flatnonzero(here), values, writing, findings)
        lacking = here.copy()
        lacking[list(filled)] = False
        incomplete |= lacking
        templates[id(writing)] = template
        forbidden[_broken(writing, filled, rules, playbook.informational, findings)] = True
        letters += [Letter(place, writing, content) for place, content in filled.items()]

    def masked(letter: Letter, personal: frozenset[str]) -> Letter:
        template = templates[id(letter.writing)]
        try:
            content = template.render(values.of(letter.place, values.names(template), personal))
        except TemplateError:  # such as a date that is no date any more
            content = {part: mask(text) for part, text in letter.content.items()}
        return replace(letter, content=content)

    return Rendering(tuple(letters), incomplete, forbidden, tuple(findings), masked)


def _writings(
    scenario: ir.Scenario, playbook: Playbook, position: Position, wanted: NDArray[np.bool_], arms: Arms
) -> Iterator[tuple[Writing, NDArray[np.bool_]]]:
    """Each message in question with the mask of its recipients over the entries."""
    for number, step in enumerate(scenario.steps):
        for alternative, send in enumerate(step.sends):
            here = wanted & (position.step == number) & (position.alternative == alternative)
            if not here.any():
                continue
            for arm, message, theirs in _by_arm(scenario, send, here, arms):
                parts = _parts(playbook, scenario.name, send, message)
                yield Writing(number + 1, send.channel, arm, message, parts), theirs


def _by_arm(
    scenario: ir.Scenario, send: ir.Send, here: NDArray[np.bool_], arms: Arms
) -> Iterator[tuple[str | None, str, NDArray[np.bool_]]]:
    if send.split is None:
        yield None, send.message if send.message is not None else send.inline or "", here
        return
    split = next(split for split in scenario.splits if split.name == send.split)
    for number, (arm, _) in enumerate(split.arms):
        if (theirs := here & (arms[split.name] == number)).any():
            yield arm, arm, theirs


def _parts(playbook: Playbook, scenario: str, send: ir.Send, message: str) -> Mapping[str, Line]:
    if send.inline is not None:
        return {"body": inline(playbook.rules[scenario], send.inline)}
    return playbook.messages[message][send.channel]


def _template(writing: Writing) -> Template | None:
    """The template, if it can be read; that it cannot is told when the project is checked."""
    try:
        return compile_template({part: line.text for part, line in writing.parts.items()})
    except TemplateError:
        return None


def _place(line: Line, variable: str) -> Span:
    start = line.text.find(variable)
    return Span(0, len(line.text)) if start < 0 else Span(start, start + len(variable))


def _fill(
    template: Template,
    recipients: NDArray[np.int64],
    values: Values,
    writing: Writing,
    findings: list[Diagnostic],
) -> dict[int, dict[str, str]]:
    """What each recipient (a position in the audience) reads; equal values are rendered once."""
    rendered: dict[tuple[object, ...], dict[str, str] | str] = {}
    filled: dict[int, dict[str, str]] = {}
    lacking: dict[str, int] = {}
    names = values.names(template)
    for n in recipients.tolist():
        key = values.key(n, names)
        if key not in rendered:
            try:
                rendered[key] = template.render(values.of(n, names))
            except TemplateError as error:
                rendered[key] = str(error)
        content = rendered[key]
        if isinstance(content, str):
            lacking[content] = lacking.get(content, 0) + 1
        else:
            filled[n] = content
    findings += [_lacks(writing, reason, count, len(recipients)) for reason, count in lacking.items()]
    return filled


def _broken(
    writing: Writing,
    filled: Mapping[int, Mapping[str, str]],
    rules: Rules,
    informational: frozenset[str],
    findings: list[Diagnostic],
) -> list[int]:
    """Whose text breaks a rule that is an error; what of it the template does not show becomes a finding."""
    kind = "informational" if writing.message in informational else "advertising"
    ask = rules.only_when_filled(Text(writing.channel, writing.parts, writing.message, kind))
    if ask is None:
        return []
    held: list[int] = []
    counts: dict[tuple[str, str], tuple[Problem, int]] = {}
    asked: dict[int, list[Problem]] = {}
    for place, content in filled.items():
        if id(content) not in asked:  # equal texts are one object
            asked[id(content)] = ask(content)
        broken = asked[id(content)]
        for problem in broken:
            first, count = counts.get((problem.rule, problem.part), (problem, 0))
            counts[problem.rule, problem.part] = (first, count + 1)
        if any(RULES[problem.rule].severity == "error" for problem in broken):
            held.append(place)
    findings += [
        finding(problem, writing.parts.get(problem.part, _first(writing)), f"{count} of {len(filled)} recipients")
        for problem, count in counts.values()
    ]
    return held


def _lacks(writing: Writing, reason: str, count: int, total: int) -> Diagnostic:
    variable = reason.removesuffix(" is undefined")
    people = f"{count} of {total} recipients"
    if variable == reason:
        return diagnose("E504", f"for {people} this message cannot be written: {reason}", _first(writing))
    variable = variable.strip("'")
    line = next((line for line in writing.parts.values() if variable in line.text), _first(writing))
    hint = f'write what they read instead: `{{{{ {variable} | default: "…" }}}}`'
    message = f"{people} on {writing.channel} have no `{variable}`"
    return diagnose("E503", message, line, _place(line, variable), hints=(hint,))


def _first(writing: Writing) -> Line:
    return next(iter(writing.parts.values()))
