"""From a project's files to its plan: which scenarios, under which rules, over which columns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from dangol.diagnostics import DangolError, Line, diagnose, did_you_mean
from dangol.engine import ir
from dangol.engine.backends.vector import Evaluation
from dangol.engine.calendar import DAY
from dangol.engine.catalog import normal
from dangol.engine.needs import Needs
from dangol.measure.design import Place
from dangol.playbook.compliance.media import address_kind, closed, country_of, local_hours, night
from dangol.playbook.lines import ScenarioFile
from dangol.playbook.model import Channel as Said
from dangol.playbook.project import Project, price_of
from dangol.runner.entries import Past
from dangol.runner.experiments.phases import frozen
from dangol.runner.guards import over_limits
from dangol.runner.migration import Moving, changes_of, with_outcomes
from dangol.runner.model import Plan
from dangol.runner.personal import personal_attributes
from dangol.runner.plan import make_plan
from dangol.runner.policy import Channel, Policy
from dangol.runner.traffic import Price
from dangol.runner.versions import versions_of

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
    migrate: bool = False,
) -> Plan:
    """The plan of the enabled scenarios (those of `only`, when it names some) at an instant (µs).

    past: the record of earlier ticks; asked: whether a scenario looks for new entries now (a dry run asks them all);
    migrate: entries under earlier texts go on under today's.
    """
    scenarios = _chosen(project, only)
    changes = changes_of(project, scenarios, past) if migrate and past is not None else ()
    past = Moving(past, changes) if changes and past is not None else past
    versions = versions_of(project, scenarios, past)
    policy = policy_of(project)
    versions.needs.attributes |= policy.attributes
    plan = make_plan(
        versions.found,
        policy,
        evaluate(versions.needs, at),
        zone=project.zone,
        past=past,
        asked=asked,
        show_personal=show_personal,
    )
    findings = (*plan.diagnostics, *versions.unreadable, *over_limits(project, plan))
    findings += tuple(frozen(project, plan, past)) if past is not None else ()
    return replace(plan, diagnostics=findings, migration=with_outcomes(changes, plan))


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
        places={
            scenario: Place(one.namespace, f"namespace/{project.name}/{one.namespace}", one.lower, one.upper)
            for scenario, one in project.ranges.items()
        },
        spread=_micros(project.spread),
        recipient_zone=_name(project.config.recipient_timezone) if project.config is not None else None,
        prices={str(name): Price(price_of(one.price), price_of(one.lms_price)) for name, one in channels.items()},
    )


def _channel(project: Project, name: str, said: Said) -> Channel:
    rules = project.rules
    medium = rules.medium(normal(name))
    shut, by_recipient = closed(medium, rules.laws), local_hours(medium, rules.laws, project.zone)
    if (hours := project.hours.get(normal(name))) is not None:
        if shut is not None:
            shut = ir.Quiet(hours.end, hours.start, shut.zone)
        else:
            by_recipient = ir.Quiet(hours.end, hours.start, hours.zone)
    return Channel(
        address=_name(said.address),
        consent=_name(said.consent),
        night_consent=_name(said.night_consent),
        consented_at=_name(said.consented_at),
        night=night(medium, rules.laws),
        transaction_at=_name(said.transaction_at) if "kr" in rules.laws else None,
        closed=shut,
        local=by_recipient,
        kind=address_kind(medium),
        country=country_of(said, rules.laws, project.zone),
    )


def _micros(shift: ir.Shift | None) -> int:
    """A duration in µs, a month being 30 days."""
    return 0 if shift is None else (shift.months * 30 + shift.days) * DAY + shift.micros


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
