"""The scenarios of a project as they run: each under its text of today, and under every earlier one somebody is in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace

from dangol.diagnostics import DangolError, Diagnostic, Line
from dangol.engine import ir
from dangol.engine.catalog import Catalog, normal
from dangol.engine.needs import Needs, needs_of
from dangol.engine.reading import definitions, read, scenario_reading
from dangol.playbook.lines import PlaybookFile
from dangol.playbook.messages.check import texts_of
from dangol.playbook.messages.template import EVERY, ITEMS, TemplateError, variables_of
from dangol.playbook.project import Project
from dangol.runner.entries import Past
from dangol.runner.experiments.assignment import judged_by
from dangol.runner.model import Playbook, Reading, Version
from dangol.runner.personal import shown_id
from dangol.runner.texts import Text, Texts

SHOWN = 5
"""So many customers are named where a finding is about entries."""


@dataclass
class Versions:
    """Scenarios under their texts, what they need of the data, and why some texts cannot be read."""

    found: list[Version] = field(default_factory=list)
    needs: Needs = field(default_factory=Needs)
    unreadable: list[Diagnostic] = field(default_factory=list)


def versions_of(project: Project, scenarios: Iterable[ir.Scenario], past: Past | None) -> Versions:
    """These scenarios as they are today, each followed by the earlier texts under which entries run."""
    everything, texts = Versions(), Texts(project)
    files = {(one.playbook.name, one.name): one for one in project.scenarios}
    for scenario in scenarios:
        file, text = files[scenario.playbook, scenario.name], texts.of(scenario)
        today = _version(scenario, file.playbook, file.playbook, file.text.rule.line, text, project.checked.program)
        today = replace(today, program=None, lines=judged_by(file.text))
        everything.found.append(today)
        _need(everything.needs, scenario, file.playbook, file.text.rule.line, project.checked.program, project.catalog)
        recorded = past.texts(scenario.playbook, scenario.name) if past is not None else {}
        for hash_, body in recorded.items():
            if hash_ != text.hash:
                _add(everything, today, Text(body), hash_, texts, file.playbook, past)
    return everything


def _add(
    everything: Versions, today: Version, text: Text, hash_: str, texts: Texts, file: PlaybookFile, past: Past | None
) -> None:
    """The version of an earlier text, or of today's for entries that moved to it; or why it cannot be read."""
    scenario = today.scenario
    if text.says_as(today.text):
        everything.found.append(replace(today, text=text, takes_new=False))
        return
    try:
        old = texts.recalled(text, scenario.playbook, scenario.name)
    except DangolError as error:
        everything.unreadable.append(_unreadable(scenario, hash_, error.diagnostics, past))
        return
    program = old.program or texts.project.checked.program
    version = _version(with_rules_of(old.scenario, scenario), old.playbook, file, old.rule, text, program)
    lines = today.lines if old.scenario.phase == scenario.phase else {}
    everything.found.append(replace(version, program=old.program, takes_new=False, is_earlier=True, lines=lines))
    _need(everything.needs, old.scenario, old.playbook, old.rule, program, old.catalog)


def with_rules_of(old: ir.Scenario, today: ir.Scenario) -> ir.Scenario:
    """A scenario under an earlier text: what its entries are promised is as it was, what governs sending is today's."""
    return replace(
        old, schedule=today.schedule, kpis=today.kpis, caps=today.caps, quiet=today.quiet, again=today.again,
        limit=today.limit, priority=today.priority, holdout=today.holdout, winner=today.winner,
        guardrails=today.guardrails, on_deadline=today.on_deadline,
    )  # fmt: skip


def _version(
    scenario: ir.Scenario, written: PlaybookFile, today: PlaybookFile, rule: Line, text: Text, program: ir.Program
) -> Version:
    playbook = Playbook(
        name=written.name,
        holdout=today.holdout,
        messages=written.messages,
        rules={scenario.name: rule},
        informational=frozenset(name for name, kind in written.kinds.items() if kind == "informational"),
    )
    return Version(scenario, reading_of(scenario, program), playbook, text, program)


def reading_of(scenario: ir.Scenario, program: ir.Program) -> Reading:
    """The scenario in plain English."""
    found = scenario_reading(scenario)
    return Reading(
        line=read(scenario, program, zone=scenario.zone),
        who=found.who,
        entry=found.entry,
        steps=tuple(found.steps),
        definitions={name: read(node, zone=scenario.zone) for name, node in definitions(scenario, program).items()},
    )


def customers(count: int) -> str:
    """`1 customer`, `2 customers`."""
    return f"{count:,} customer" + ("" if count == 1 else "s")


def _unreadable(scenario: ir.Scenario, hash_: str, why: tuple[Diagnostic, ...], past: Past | None) -> Diagnostic:
    """E704, at the place in the earlier text."""
    running = past.running_entries(scenario.playbook, scenario.name) if past is not None else None
    who = [c for c, t in zip(running.customer, running.text, strict=True) if t == hash_] if running else []
    named = ", ".join(map(shown_id, who[:SHOWN])) + (", …" if len(who) > SHOWN else "")
    name = f"{scenario.playbook}/{scenario.name}"
    return replace(
        why[0],
        code="E704",
        message=f"{customers(len(who))} ({named}) in `{name}` entered under an earlier text that reads no more: "
        f"{why[0].message}",
        hints=(
            *why[0].hints, "`dangol plan --migrate` shows who would move where, `dangol run --migrate` moves them",
            f"or end them: `dangol end {name}`",
        ),
    )  # fmt: skip


@dataclass(frozen=True)
class Earlier:
    """The earlier texts of a scenario that somebody is in: how many customers with what it says, and findings about
    those that read no more."""

    versions: tuple[tuple[int, Version], ...] = ()
    unreadable: tuple[Diagnostic, ...] = ()


def earlier_of(project: Project, scenario: ir.Scenario, past: Past | None) -> Earlier:
    """Who is in a scenario under which earlier text."""
    if past is None or project.compiled.get((scenario.playbook, scenario.name)) is not scenario:
        return Earlier()
    found = versions_of(project, [scenario], past)
    running = past.running_entries(scenario.playbook, scenario.name).text
    earlier = [(running.count(each.text.hash), each) for each in found.found if each.is_earlier]
    return Earlier(tuple(earlier), tuple(found.unreadable))


def under_earlier_texts(project: Project, past: Past) -> dict[str, int]:
    """`playbook/scenario` → customers who are in it under an earlier text."""
    texts, found = Texts(project), dict[str, int]()
    for scenario in project.compiled.values():
        recorded = past.texts(scenario.playbook, scenario.name)
        today = texts.of(scenario) if recorded else None
        old = {h for h, body in recorded.items() if today is not None and not Text(body).says_as(today)}
        if old:
            running = past.running_entries(scenario.playbook, scenario.name).text
            found[f"{scenario.playbook}/{scenario.name}"] = sum(each in old for each in running)
    return found


# --- what they need of the data ---------------------------------------------------------------------------------


def _need(
    needs: Needs, scenario: ir.Scenario, playbook: PlaybookFile, rule: Line, program: ir.Program, catalog: Catalog
) -> None:
    """Adds what the scenario asks and what its messages print; unknown names are told when the project is checked."""
    _add_all(needs, needs_of([scenario], program))
    for root, name in _variables(scenario, playbook, rule):
        if root == "customer" and name in catalog.attributes:
            needs.attributes.add(name)
        elif root in ("event", ITEMS) and scenario.anchor is not None:
            for event in scenario.anchor.names:
                known = catalog.events.get(event, {})
                needs.property((event,), *(known if (root, name) == (ITEMS, EVERY) else {name} & set(known)))
        elif root == "traits" and name in program.traits:
            _add_all(needs, needs_of([program.traits[name]], program))


def _add_all(needs: Needs, more: Needs) -> None:
    needs.attributes |= more.attributes
    for event, properties in more.events.items():
        needs.property((event,), *properties)


def _variables(scenario: ir.Scenario, playbook: PlaybookFile, rule: Line) -> Iterator[tuple[str, str]]:
    for text in texts_of(playbook, scenario, rule):
        for part, line in text.parts.items():
            with suppress(TemplateError):
                yield from ((one.root, normal(one.name)) for one in variables_of(line.text, part))
