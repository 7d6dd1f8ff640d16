"""From a project's files to its plan: which scenarios, under which rules, over which columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace

from dangol.diagnostics import DangolError, Diagnostic, Line, diagnose, did_you_mean
from dangol.engine import ir
from dangol.engine.backends.vector import Evaluation
from dangol.engine.catalog import normal
from dangol.engine.needs import Needs, needs_of
from dangol.engine.reading import definitions, read, scenario_reading
from dangol.playbook.compliance.media import address_kind, closed, country_of, night
from dangol.playbook.lines import ScenarioFile
from dangol.playbook.messages.check import texts_of
from dangol.playbook.messages.template import EVERY, ITEMS, TemplateError, variables_of
from dangol.playbook.model import Channel as Said
from dangol.playbook.project import Project, price_of
from dangol.runner.entries import Past
from dangol.runner.personal import personal_attributes
from dangol.runner.plan import Plan, Playbook, Reading, make_plan
from dangol.runner.policy import Channel, Policy
from dangol.runner.traffic import Price

Evaluate = Callable[[Needs, int], Evaluation]


def rehearse(
    project: Project,
    evaluate: Evaluate,
    at: int,
    only: frozenset[str] = frozenset(),
    show_personal: bool = False,
    *,
    past: Past | None = None,
    asked: Callable[[ir.Scenario], bool] = lambda scenario: True,
) -> Plan:
    """The plan of the enabled scenarios (those of `only`, when it names some) at an instant (µs).

    past: the record of earlier ticks; asked: whether a scenario looks for new entries now (a dry run asks them all).
    """
    scenarios = _chosen(project, only)
    policy = policy_of(project)
    needs = needs_of(scenarios, project.checked.program)
    for channel in policy.channels.values():
        needs.attributes |= channel.attributes
    for scenario in scenarios:
        _message_needs(project, scenario, needs)
    plan = make_plan(
        [(scenario, reading_of(scenario, project.checked.program)) for scenario in scenarios],
        _playbooks(project),
        policy,
        evaluate(needs, at),
        zone=project.zone,
        past=past,
        asked=asked,
        show_personal=show_personal,
    )
    return replace(plan, diagnostics=(*plan.diagnostics, *_over_limit(project, plan)))


def _over_limit(project: Project, plan: Plan) -> Iterator[Diagnostic]:
    """The scenarios that would hit more customers than their `limit:` lets a run hit."""
    texts = {(file.playbook.name, file.name): file.text for file in project.scenarios}
    for planned in plan.scenarios:
        limit = project.compiled[planned.playbook, planned.scenario].limit
        written = texts[planned.playbook, planned.scenario].limit
        if limit is not None and written is not None and len(planned.sends) > limit:
            message = f"a run would stop here: {len(planned.sends):,} would be hit, the limit is {limit:,}"
            yield diagnose("E512", message, written.line, hints=("raise the limit, or make WHO smaller",))


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


def policy_of(project: Project) -> Policy:
    """The rules that hold for every send of the project."""
    channels = project.config.channels if project.config is not None else {}
    rules = {str(name): _channel(project, str(name), channel) for name, channel in channels.items()}
    return Policy(
        project=project.name,
        channels=rules,
        holdout=project.holdout,
        quiet=project.quiet,
        caps=project.caps,
        personal=personal_attributes(project.catalog.attributes, (c.address for c in rules.values())),
        reconfirm=project.reconfirm,
        zone=project.zone,
        rules=project.rules,
        prices={str(name): Price(price_of(one.price), price_of(one.lms_price)) for name, one in channels.items()},
    )


def _channel(project: Project, name: str, said: Said) -> Channel:
    rules = project.rules
    medium = rules.medium(normal(name))
    return Channel(
        address=_name(said.address),
        consent=_name(said.consent),
        night_consent=_name(said.night_consent),
        consented_at=_name(said.consented_at),
        night=night(medium, rules.laws),
        closed=closed(medium, rules.laws),
        kind=address_kind(medium),
        country=country_of(said, rules.laws, project.zone),
    )


def _name(line: Line | None) -> str | None:
    return None if line is None else normal(line.text)


def _chosen(project: Project, only: frozenset[str]) -> list[ir.Scenario]:
    enabled = [(f, s) for f in project.scenarios if f.enabled and (s := _compiled(project, f)) is not None]
    names = {name for f, _ in enabled for name in (f.playbook.name, f"{f.playbook.name}/{f.name}")}
    for name in only - names:
        message = f"there is no playbook or scenario `{name}` that is enabled"
        raise DangolError(diagnose("E505", message, Line.of(name, "plan"), hints=did_you_mean(name, names)))
    return [s for f, s in enabled if not only or only & {f.playbook.name, f"{f.playbook.name}/{f.name}"}]


def _compiled(project: Project, file: ScenarioFile) -> ir.Scenario | None:
    return project.compiled.get((file.playbook.name, file.name))


def _playbooks(project: Project) -> Mapping[str, Playbook]:
    rules: dict[str, dict[str, Line]] = {}
    for scenario in project.scenarios:
        rules.setdefault(scenario.playbook.name, {})[scenario.name] = scenario.text.rule.line
    return {
        file.name: Playbook(
            name=file.name,
            holdout=file.holdout,
            messages=file.messages,
            rules=rules.get(file.name, {}),
            informational=frozenset(name for name, kind in file.kinds.items() if kind == "informational"),
        )
        for file in project.playbooks
    }


def _message_needs(project: Project, scenario: ir.Scenario, needs: Needs) -> None:
    """Adds what the scenario's messages print; unknown names are told when the project is checked."""
    program, events = project.checked.program, project.catalog.events
    for root, name in _variables(project, scenario):
        if root == "customer" and name in project.catalog.attributes:
            needs.attributes.add(name)
        elif root in ("event", ITEMS) and scenario.anchor is not None:
            for event in scenario.anchor.names:
                known = events.get(event, {})
                needs.property((event,), *(known if (root, name) == (ITEMS, EVERY) else {name} & set(known)))
        elif root == "traits" and name in program.traits:
            found = needs_of([program.traits[name]], program)
            needs.attributes |= found.attributes
            for event, properties in found.events.items():
                needs.property((event,), *properties)


def _variables(project: Project, scenario: ir.Scenario) -> Iterator[tuple[str, str]]:
    playbook = next(file for file in project.playbooks if file.name == scenario.playbook)
    rule = next(f.text.rule.line for f in project.scenarios if (f.playbook, f.name) == (playbook, scenario.name))
    for text in texts_of(playbook, scenario, rule):
        for part, line in text.parts.items():
            with suppress(TemplateError):
                yield from ((one.root, normal(one.name)) for one in variables_of(line.text, part))
