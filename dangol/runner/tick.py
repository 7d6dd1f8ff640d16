"""One tick: what is due at an instant is planned with the ledger's past, written down, and sent."""

from __future__ import annotations

import json
import os
import socket
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from statistics import median

import numpy as np

from dangol.channels.base import Channel
from dangol.diagnostics import DangolError, Diagnostic, Line, diagnose
from dangol.playbook.project import Project
from dangol.runner.apply import Counts, Now, deliver, hash_of, record, text_of
from dangol.runner.due import is_asked
from dangol.runner.endings import stays
from dangol.runner.entries import done
from dangol.runner.ledger import Ends, Ledger
from dangol.runner.plan import Plan, ScenarioPlan
from dangol.runner.policy import Gate
from dangol.runner.rehearse import Evaluate, rehearse

FEW_RUNS = 3
"""Fewer earlier runs than this tell nothing about what is usual."""

UNUSUAL = 10
"""An audience of so many times the median of earlier runs asks for a confirmation."""


@dataclass(frozen=True)
class Report:
    """What a tick did."""

    run: int
    plan: Plan
    counts: Counts
    lapsed: Mapping[str, int]
    """Channel → sends whose worker had died."""


def real_now() -> int:
    """The clock, µs since the epoch."""
    return time.time_ns() // 1000


def clock_at(instant: int) -> Now:
    """A clock that shows this instant now and goes on from there."""
    begun = time.monotonic_ns() // 1000
    return lambda: instant + time.monotonic_ns() // 1000 - begun


def worker_name() -> str:
    """A name that no other process ever used."""
    return f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:12]}"


def tick(
    project: Project,
    evaluate: Evaluate,
    ledger: Ledger,
    channels: Mapping[str, Channel],
    at: int,
    *,
    now: Now = real_now,
    worker: str | None = None,
    confirmed: bool = False,
    migrate: bool = False,
    wait: float = 0.0,
) -> Report:
    """Plans, records and sends what is due at `at` (µs).

    confirmed: an unusual audience is fine, once. migrate: running entries move to the scenarios' texts as they are now.
    wait: seconds to wait for another tick to end. Raises DangolError before anything is sent when a limit, a guard, a
    vanished scenario or a changed text stands against it.
    """
    with ledger.run_lock(wait):
        _close_finished(ledger, project, at)
        last = next((run.at for run in ledger.runs(20) if run.finished_at is not None), None)
        lapsed = ledger.lapse(max(at, now()), [name for name, channel in channels.items() if channel.idempotent])
        plan = rehearse(
            project, evaluate, at, past=ledger, asked=lambda scenario: is_asked(scenario.schedule, last, at)
        )
        _guard(project, ledger, plan, confirmed)
        old = _earlier_texts(ledger, plan)
        if old and not migrate:
            raise DangolError(*(_changed(scenario, len(entries)) for scenario, entries in old))
        run = ledger.begin_run(at, now())
        for scenario, entries in old:
            ledger.move_entries(run, at, entries, *text_of(scenario))
        record(ledger, run, plan)
        hit = {one.full_name: [send.customer for send in one.sends] for one in plan.scenarios if one.sends}
        if hit:
            ledger.record_memberships(run, hit, keep_ids=False)
        told = {(f.name, name) for f in project.playbooks for name, kind in f.kinds.items() if kind == "informational"}
        counts = deliver(ledger, channels, at, worker or worker_name(), now, told)
        ledger.finish_run(run, now(), counts.states)
        return Report(run, plan, counts, lapsed)


def _guard(project: Project, ledger: Ledger, plan: Plan, confirmed: bool) -> None:
    found = [finding for finding in plan.diagnostics if finding.code == "E512"]
    found += _vanished(project, ledger)
    if not confirmed:
        found += _unusual(ledger, plan)
    if found:
        raise DangolError(*found)


def _vanished(project: Project, ledger: Ledger) -> Iterator[Diagnostic]:
    known = {(file.playbook.name, file.name) for file in project.scenarios}
    for (playbook, scenario), count in ledger.scenarios_running().items():
        if (playbook, scenario) not in known:
            message = f"{count:,} customers are in `{playbook}/{scenario}`, which is in no playbook any more"
            hints = ("put it back with `enabled: false`", f"or end them: `dangol end {playbook}/{scenario}`")
            yield diagnose("E701", message, Line.of("", "ledger"), hints=hints)


def _unusual(ledger: Ledger, plan: Plan) -> Iterator[Diagnostic]:
    for scenario in plan.scenarios:
        count = len(scenario.sends)
        earlier = ledger.counts_of(scenario.full_name)
        usual = median(earlier) if len(earlier) >= FEW_RUNS else 0
        if plan.universe > FEW_PEOPLE and count * 2 > plan.universe:
            message = f"`{scenario.full_name}` would hit {count:,} of {plan.universe:,} customers, more than half"
            yield diagnose("E702", message, Line.of("", "run"), hints=("if that is meant, run once with --confirm",))
        elif usual >= 1 and count > max(UNUSUAL * usual, FEW_PEOPLE, plan.universe * FEW_OF_ALL):
            message = f"`{scenario.full_name}` would hit {count:,}; the median of the last runs is {usual:,.0f}"
            yield diagnose("E703", message, Line.of("", "run"), hints=("if that is meant, run once with --confirm",))


FEW_PEOPLE = 20
"""So few are no mistake yet, whatever is usual and however few there are in all."""

FEW_OF_ALL = 0.01
"""Nor is so small a share of all customers, as when the messages of a night go out in the morning."""


def _close_finished(ledger: Ledger, project: Project, at: int) -> None:
    """Ends the entries that are through with the text they ran under, so that another text cannot lengthen them."""
    for playbook, name in ledger.scenarios_running():
        scenario = project.compiled.get((playbook, name))
        counts = {text: json.loads(body)["count"] for text, body in ledger.texts(playbook, name).items()}
        if scenario is not None and (stays(scenario) or counts.keys() <= {hash_of(scenario)}):
            continue
        running, steps = ledger.running_entries(playbook, name), ledger.steps(playbook, name)
        length = np.array([counts[text] for text in running.text])
        through, last = done(running.entry, steps)
        over = through >= length
        if over.any():
            ledger.end_entries(at, Ends(running.entry[over], "finished", np.minimum(last[over], at), Gate.DONE.value))


def _earlier_texts(ledger: Ledger, plan: Plan) -> list[tuple[ScenarioPlan, list[int]]]:
    """The running entries that are under another text of their scenario than the present one."""
    found = []
    for scenario in plan.scenarios:
        digest, _ = text_of(scenario)
        if ledger.texts(scenario.playbook, scenario.scenario).keys() <= {digest}:
            continue
        running = ledger.running_entries(scenario.playbook, scenario.scenario)
        over = set(scenario.record.gone.id.tolist())
        old = [
            int(entry) for entry, text in zip(running.entry, running.text, strict=True)
            if text != digest and entry not in over
        ]  # fmt: skip
        if old:
            found.append((scenario, old))
    return found


def _changed(scenario: ScenarioPlan, count: int) -> Diagnostic:
    message = f"{count:,} customers are in `{scenario.full_name}` under its earlier text"
    hints = ("`dangol plan` shows who is where; `dangol run --migrate` moves them to the new text",)
    return diagnose("E704", message, Line.of("", "ledger"), hints=hints)
