"""The messages of a scenario, filled in for every recipient; who lacks a value of theirs is held and told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dangol.diagnostics import Diagnostic, Line, Span, diagnose, did_you_mean
from dangol.engine import ir
from dangol.engine.backends.vector import Evaluation
from dangol.engine.state.model import Column
from dangol.runner.entries import Entries
from dangol.runner.journey import Position
from dangol.runner.messages import Template, TemplateError, compile_template
from dangol.runner.personal import mask
from dangol.runner.values import plain

if TYPE_CHECKING:
    from dangol.runner.plan import Playbook


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
) -> Rendering:
    """Renders every wanted recipient (a mask of the entries) who has a step due.

    Templates that cannot be read, unknown
    variables and missing values become diagnostics at the message's place in its file.
    """
    findings: list[Diagnostic] = []
    letters: list[Letter] = []
    templates: dict[int, Template] = {}
    incomplete = np.zeros(len(entries), bool)
    values = _Values(scenario, entries, evaluation)
    for writing, here in _writings(scenario, playbook, position, wanted, arms):
        template = _template(writing, values, findings)
        if template is None:
            incomplete |= here
            continue
        filled = _fill(template, np.flatnonzero(here), values, writing, findings)
        lacking = here.copy()
        lacking[list(filled)] = False
        incomplete |= lacking
        templates[id(writing)] = template
        letters += [Letter(place, writing, content) for place, content in filled.items()]

    def masked(letter: Letter, personal: frozenset[str]) -> Letter:
        template = templates[id(letter.writing)]
        return replace(letter, content=template.render(values.of(letter.place, template, personal)))

    return Rendering(tuple(letters), incomplete, tuple(findings), masked)


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
        return {"body": _inline(playbook.rules[scenario], send.inline)}
    return playbook.messages[message][send.channel]


def _inline(rule: Line, text: str) -> Line:
    """The place of a message written in the line, when it stands there letter by letter."""
    start = rule.text.find(text)
    if start < 0 or rule.places is None:
        return Line(
            text, rule.source, None if rule.text == text else [rule.in_source(Span(0, 1)).start] * (len(text) + 1)
        )
    return Line(text, rule.source, rule.places[start : start + len(text) + 1])


def _template(writing: Writing, values: _Values, findings: list[Diagnostic]) -> Template | None:
    """The template, if it can be read and all its variables are known."""
    known = True
    for part, line in writing.parts.items():
        try:
            for root, name in compile_template({part: line.text}).variables:
                if (problem := values.problem(root, name)) is not None:
                    findings.append(diagnose("E502", problem[0], line, _place(line, root, name), hints=problem[1]))
                    known = False
        except TemplateError as error:
            span = Span(error.offset, min(len(line.text), error.offset + 1))
            findings.append(diagnose("E501", f"this message cannot be read: {error}", line, span))
            known = False
    return compile_template({part: line.text for part, line in writing.parts.items()}) if known else None


def _place(line: Line, root: str, name: str) -> Span:
    start = line.text.find(f"{root}.{name}")
    return Span(0, len(line.text)) if start < 0 else Span(start, start + len(root) + 1 + len(name))


def _fill(
    template: Template,
    recipients: NDArray[np.int64],
    values: _Values,
    writing: Writing,
    findings: list[Diagnostic],
) -> dict[int, dict[str, str]]:
    """What each recipient (a position in the audience) reads; equal values are rendered once."""
    rendered: dict[tuple[object, ...], dict[str, str] | str] = {}
    filled: dict[int, dict[str, str]] = {}
    lacking: dict[str, int] = {}
    for n in recipients.tolist():
        key = values.key(n, template)
        if key not in rendered:
            try:
                rendered[key] = template.render(values.of(n, template))
            except TemplateError as error:
                rendered[key] = str(error)
        content = rendered[key]
        if isinstance(content, str):
            lacking[content] = lacking.get(content, 0) + 1
        else:
            filled[n] = content
    findings += [_lacks(writing, reason, count, len(recipients)) for reason, count in lacking.items()]
    return filled


def _lacks(writing: Writing, reason: str, count: int, total: int) -> Diagnostic:
    variable = reason.removesuffix(" is undefined")
    people = f"{count} of {total} recipients"
    if variable == reason:
        return diagnose("E504", f"for {people} this message cannot be written: {reason}", _first(writing))
    root, _, name = variable.partition(".")
    line = next((line for line in writing.parts.values() if variable in line.text), _first(writing))
    hint = f'write what they read instead: `{{{{ {variable} | default: "…" }}}}`'
    message = f"{people} on {writing.channel} have no `{variable}`"
    return diagnose("E503", message, line, _place(line, root, name), hints=(hint,))


def _first(writing: Writing) -> Line:
    return next(iter(writing.parts.values()))


class _Values:
    """The values that templates may use, by position in the audience; each column is computed once."""

    def __init__(self, scenario: ir.Scenario, entries: Entries, evaluation: Evaluation) -> None:
        self.scenario, self.entries, self.codes, self.evaluation = scenario, entries, entries.codes, evaluation
        self._columns: dict[tuple[str, str], list[object]] = {}

    def problem(self, root: str, name: str) -> tuple[str, tuple[str, ...]] | None:
        """Why this variable cannot be had at all, with hints; None when it is known."""
        if root == "customer":
            known = ["id", *self.evaluation.state.attributes]
            what = f"`{name}` is no attribute of the customers"
        elif root == "traits":
            known = list(self.evaluation.program.traits)
            what = f"`{name}` is no trait"
        elif self.scenario.anchor is None:
            return f"`event.{name}` needs an event, but this scenario starts from a state", ()
        else:
            known = sorted({p for e in self.scenario.anchor.names for p in self._event_properties(e)})
            what = f"`{name}` is no property of `{self.scenario.anchor.label or self.scenario.anchor.names[0]}`"
        return None if name in known else (what, did_you_mean(name, known))

    def _event_properties(self, event: str) -> Sequence[str]:
        table = self.evaluation.state.events.get(event)
        return () if table is None else list(table.properties)

    def key(self, n: int, template: Template) -> tuple[object, ...]:
        return tuple(self._column(root, name)[n] for root, name in template.variables)

    def of(self, n: int, template: Template, personal: frozenset[str] = frozenset()) -> dict[str, dict[str, object]]:
        """root → name → value for one recipient; missing values are absent."""
        found: dict[str, dict[str, object]] = {"customer": {}, "event": {}, "traits": {}}
        for root, name in template.variables:
            value = self._column(root, name)[n]
            if value is not None:
                found[root][name] = mask(value) if root == "customer" and name in personal else value
        return found

    def _column(self, root: str, name: str) -> list[object]:
        key = (root, name)
        if key not in self._columns:
            self._columns[key] = self._read(root, name)
        return self._columns[key]

    def _read(self, root: str, name: str) -> list[object]:
        state, zone = self.evaluation.state, self.scenario.zone
        if root == "traits":
            trait = self.evaluation.program.traits[name]
            return plain(self.evaluation.values(ir.TraitRef(name, trait.type)), self.codes, zone)
        if root == "customer":
            if name == "id":
                return [state.ids[code] for code in self.codes.tolist()]
            return plain(state.attributes[name], self.codes, zone)
        return self._event_values(name, zone)

    def _event_values(self, name: str, zone: str) -> list[Any]:
        found: list[Any] = [None] * len(self.codes)
        for position, event in enumerate(self.entries.names):
            here = np.flatnonzero(self.entries.event == position)
            column = self._property(event, name)
            if column is not None and len(here):
                for n, value in zip(here.tolist(), plain(column, self.entries.row[here], zone), strict=True):
                    found[n] = value
        return found

    def _property(self, event: str, name: str) -> Column | None:
        table = self.evaluation.state.events.get(event)
        return None if table is None else table.properties.get(name)
