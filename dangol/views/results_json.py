"""Results as JSON: with the sums of every look, so that every number can be computed again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dangol.measure.experiment import Lift, Seen, Total
from dangol.measure.reason import Reason
from dangol.measure.sums import Sums
from dangol.measure.verdict import Comparison, Level, Target, Verdict
from dangol.runner.experiments.credits import Credited, Sent
from dangol.runner.experiments.measured import Guarded, Measured, Row
from dangol.runner.experiments.results import Count, ExperimentResult, Results
from dangol.views import winner
from dangol.views.results import day
from dangol.views.text import instant
from dangol.views.verdicts import worded


def as_json(found: Results, late: Sequence[str] = ()) -> dict[str, Any]:
    """The results as data, version 1; documented in docs/json.md. `late`: KPIs that earlier looks counted otherwise."""
    return {
        "version": 1,
        "at": instant(found.at, found.zone),
        "experiments": [_experiment(each) for each in found.experiments],
        "late": list(late),
    }


def _experiment(found: ExperimentResult) -> dict[str, Any]:
    phase = found.phase
    return {
        "playbook": found.playbook,
        "scenario": found.scenario,
        "phase": None if phase is None else phase.start.phase,
        "started_at": None if phase is None else instant(phase.started_at, found.zone),
        "groups": [_count(each) for each in found.groups],
        "sample_ratio": None if found.srm is None else {"p": found.srm.p, "chi_square_p": found.srm.chi_square_p},
        "unhealthy": [_reason(each) for each in found.problems],
        "changed": list(found.changed),
        "kpis": [_kpi(each) for each in found.kpis],
        "guardrails": [_guarded(each) for each in found.guardrails],
        "winner": None if found.race is None else winner.race_json(found.race),
        "rest": [_kpi(each) for each in found.rest],
        "decided": [winner.as_json(each, found.zone) for each in found.decided],
    }


def _count(one: Count) -> dict[str, Any]:
    return {
        "name": one.group.name,
        "role": one.group.role,
        "planned": float(one.group.share),
        "assigned": one.assigned,
        "reached": one.reached,
        "unsubscribed": one.unsubscribed,
    }


def _kpi(found: Measured) -> dict[str, Any]:
    horizon = found.horizon
    return {
        "kpi": found.kpi.written,
        "metric": found.kind,
        "start": None if horizon.start is None else day(horizon.start),
        "by": None if horizon.by is None else day(horizon.by),
        "until": day(horizon.until),
        "final": horizon.final,
        **_verdict(found.verdict),
        "problems": [_reason(each) for each in found.problems],
        "groups": [_row(each) for each in found.rows],
        "lift": None if found.lift is None else _lift(found.lift),
        "level": None if found.level is None else _level(found.level),
        "total": None if found.total is None else _total(found.total),
        "arms": [{"arm": name, **_lift(one)} for name, one in found.arms],
        "narrowed": found.narrowed,
        "messages": [_sent(each) for each in found.credits],
    }


def _verdict(found: Verdict) -> dict[str, Any]:
    return {"verdict": found.answer, "reason": _reason(found.reason)}


def _reason(found: Reason) -> dict[str, Any]:
    return {"code": found.code, "found": found.found, "needed": found.needed, "arm": found.arm, "text": worded(found)}


def _row(one: Row) -> dict[str, Any]:
    return {
        "name": one.group.name,
        "role": one.group.role,
        "customers": one.customers,
        "mature": one.mature,
        "gone": one.gone,
        "value": one.sums.mean if one.sums.has_mean else None,
        "sums": one.sums.record(),
    }


def _lift(found: Lift) -> dict[str, Any]:
    return {
        **_verdict(found.verdict),
        "target": None if found.now.target is None else _target(found.now.target),
        "now": _comparison(found.now),
        "shown_on": None if found.shown_on is None else day(found.shown_on),
        "decided": None if found.decided is None else {"look": found.decided.number, "day": day(found.decided.day)},
        "looks": [_look(each) for each in found.looks],
    }


def _comparison(found: Comparison) -> dict[str, Any]:
    return {
        "method": found.design.method,
        "alpha": found.design.alpha,
        "scale": found.design.scale,
        "planned": sum(found.design.planned.values()) or None,
        **_effect(found.effect),
        "interval": found.interval,
        "bound": found.bound,
        "spent": found.spent,
        "p": found.p,
        "adjusted_p": found.adjusted_p,
        "effect_shown": found.shown,
        "chance_to_win": found.chance_to_win,
        "loss_of_shipping": found.loss_of_shipping,
        "loss_of_keeping": found.loss_of_keeping,
        **_sides(found.control, found.treatment),
    }


def _effect(found: Any) -> dict[str, Any]:
    if isinstance(found, Reason):
        return {"effect": None, "standard_error": None, "no_effect_because": _reason(found)}
    return {"effect": found.value, "standard_error": found.se, "theta": found.theta, "no_effect_because": None}


def _sides(control: Sums, treatment: Sums) -> dict[str, Any]:
    return {"control": control.record(), "treatment": treatment.record()}


def _look(one: Seen) -> dict[str, Any]:
    return {
        "look": one.number,
        "day": day(one.day),
        "spent": one.spent,
        "bound": one.bound,
        **_effect(one.effect),
        "interval": one.interval,
        **_sides(one.control, one.treatment),
    }


def _level(found: Level) -> dict[str, Any]:
    return {
        "target": _target(found.target),
        "value": found.value,
        "interval": found.interval,
        "forecast": found.forecast,
        "status": found.status,
        "sums": found.sums.record(),
    }


def _total(found: Total) -> dict[str, Any]:
    return {"target": _target(found.target), "value": found.value, "customers": found.customers}


def _target(found: Target) -> dict[str, Any]:
    return {"op": found.op, "amount": float(found.amount), "points": found.points, "bar": found.bar}


def _sent(one: Sent) -> dict[str, Any]:
    return {
        "step": one.kind.step,
        "channel": one.kind.channel,
        "message": one.kind.message,
        "arm": one.kind.arm,
        "sent": one.sent,
        **dict(one.answers),
        "converted": one.converted,
        "first": _credited(one.first),
        "last": _credited(one.last),
        "other_later": one.elsewhere,
    }


def _credited(one: Credited) -> dict[str, Any]:
    return {"conversions": one.conversions, "amount": one.value}


def _guarded(found: Guarded) -> dict[str, Any]:
    return {
        "guardrail": found.line.written,
        "state": found.state,
        "value": found.value,
        "interval": found.interval,
        "margin": _target(found.margin),
        "reason": None if found.reason is None else _reason(found.reason),
        "groups": [_row(each) for each in found.rows],
    }
