"""What is wrong with the messages of a project before any data is read: templates, filters, unknown variables."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from dangol.diagnostics import Diagnostic, Line, Span, diagnose, did_you_mean
from dangol.engine import ir
from dangol.engine.catalog import LEDGER_EVENTS, LEDGER_PROPERTIES, Catalog, normal
from dangol.playbook.lines import PlaybookFile, ScenarioFile

LIQUID = ("{{", "{%")


def is_template(text: str) -> bool:
    """Whether a text has anything to fill in."""
    return any(mark in text for mark in LIQUID)


@dataclass(frozen=True)
class Text:
    """One message on one channel as written: part → template; `name` is None when it stands in the line."""

    channel: str
    parts: Mapping[str, Line]
    name: str | None = None
    kind: str = "advertising"


@dataclass(frozen=True)
class Use:
    """A text and the scenario that sends it (None: none does, or it is broken)."""

    playbook: PlaybookFile
    text: Text
    scenario: ir.Scenario | None = None


def uses_of(
    playbooks: Iterable[PlaybookFile], scenarios: Iterable[ScenarioFile], compiled: Iterable[ir.Scenario]
) -> list[Use]:
    """Every text of the project, once per scenario that sends it."""
    found: list[Use] = []
    by_name = {(one.playbook, one.name): one for one in compiled}
    for playbook in playbooks:
        own = [file for file in scenarios if file.playbook is playbook]
        sent: set[tuple[str, str]] = set()
        for file in own:
            scenario = by_name.get((playbook.name, file.name))
            for text in texts_of(playbook, scenario, file.text.rule.line) if scenario is not None else ():
                found.append(Use(playbook, text, scenario))
                sent |= {(text.name, text.channel)} if text.name is not None else set()
        for name, channels in playbook.messages.items():
            for channel, parts in channels.items():
                if (name, channel) not in sent:
                    found.append(Use(playbook, Text(channel, parts, name, playbook.kind_of(name))))
    return found


def texts_of(playbook: PlaybookFile, scenario: ir.Scenario, rule: Line) -> Iterator[Text]:
    """The texts that a scenario's steps send."""
    arms = {split.name: [arm for arm, _ in split.arms] for split in scenario.splits}
    for step in scenario.steps:
        for send in step.sends:
            if send.inline is not None:
                yield Text(send.channel, {"body": inline(rule, send.inline)})
                continue
            for name in arms.get(send.split, ()) if send.split is not None else (send.message or "",):
                parts = playbook.messages.get(name, {}).get(send.channel)
                if parts is not None:
                    yield Text(send.channel, parts, name, playbook.kind_of(name))


def inline(rule: Line, text: str) -> Line:
    """The place of a message written in the line, when it stands there letter by letter."""
    start = rule.text.find(text)
    if start < 0 or rule.places is None:
        places = None if rule.text == text else [rule.in_source(Span(0, 1)).start] * (len(text) + 1)
        return Line(text, rule.source, places)
    return Line(text, rule.source, rule.places[start : start + len(text) + 1])


def template_problems(
    uses: Iterable[Use], catalog: Catalog, program: ir.Program, broken: Collection[str] = ()
) -> Iterator[Diagnostic]:
    """E501 and E502 of these texts, each once. `broken` are names that are reported elsewhere."""
    for use in uses:
        for part, line in use.text.parts.items():
            if is_template(line.text):
                yield from _in_part(use, part, line, catalog, program, broken)


def _in_part(
    use: Use, part: str, line: Line, catalog: Catalog, program: ir.Program, broken: Collection[str]
) -> Iterator[Diagnostic]:
    from dangol.playbook.messages.template import TemplateError, variables_of

    try:
        variables = variables_of(line.text, part)
    except TemplateError as error:
        span = Span(error.offset, min(len(line.text), error.offset + 1))
        yield diagnose("E501", f"this message cannot be read: {error}", line, span, hints=error.hints)
        return
    for variable in variables:
        if (problem := _unknown(variable.root, normal(variable.name), use, catalog, program, broken)) is not None:
            span = Span(variable.offset, variable.offset + len(str(variable)))
            yield diagnose("E502", problem[0], line, span, hints=problem[1])


def _properties(catalog: Catalog, event: str) -> Iterable[str]:
    """The properties of an event; the ledger's own events are in no catalog."""
    own = LEDGER_PROPERTIES if event in LEDGER_EVENTS else ()
    return catalog.events.get(event, own)


def _unknown(
    root: str, name: str, use: Use, catalog: Catalog, program: ir.Program, broken: Collection[str]
) -> tuple[str, tuple[str, ...]] | None:
    """Why a variable cannot be had, with hints; None when it can."""
    if root == "customer":
        known: Collection[str] = ("id", *catalog.attributes)
        what = f"`{name[:60]}` is no attribute of the customers"
    elif root == "traits":
        known = (*program.traits, *broken)
        what = f"`{name[:60]}` is no trait"
    elif use.scenario is None:
        return None
    elif use.scenario.anchor is None:
        told = f"event.{name}" if root == "event" else "items"
        return f"`{told}` needs an event, but `{use.scenario.name}` starts from a state", ()
    else:
        anchor = use.scenario.anchor
        known = ("", "*", *sorted({p for event in anchor.names for p in _properties(catalog, event)}))
        what = f"`{name[:60]}` is no property of `{anchor.label or anchor.names[0]}`"
    return None if name in known else (what, did_you_mean(name, known))
