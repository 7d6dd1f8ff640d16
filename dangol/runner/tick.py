"""One tick: what is due at an instant is planned with the ledger's past, written down, and sent."""

from __future__ import annotations

import gc
import os
import socket
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from dangol.channels.base import Channel
from dangol.playbook.project import Project
from dangol.runner.apply import Counts, Now, deliver, record
from dangol.runner.due import is_asked
from dangol.runner.endings import NEVER, stays
from dangol.runner.entries import done
from dangol.runner.experiments.phases import widened
from dangol.runner.experiments.winner import decide
from dangol.runner.guards import arrivals, guard
from dangol.runner.ledger import Ends, Ledger, Run, Won
from dangol.runner.migration import carry_out
from dangol.runner.model import Plan
from dangol.runner.policy import Gate
from dangol.runner.rehearse import Evaluate, rehearse
from dangol.runner.smart.start import fit_to_start, keep
from dangol.runner.texts import Text, Texts


@dataclass(frozen=True)
class Report:
    """What a tick did."""

    run: int
    plan: Plan
    counts: Counts
    lapsed: Mapping[str, int]
    """Channel → sends whose worker had died."""
    decided: tuple[Won, ...] = ()
    """What was decided about arms, by `winner` and `on_deadline`."""


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
    linted: bool = True,
) -> Report:
    """Plans, records and sends what is due at `at` (µs).

    confirmed: an unusual audience is fine, once. migrate: running entries move to the scenarios' texts as they are now.
    wait: seconds to wait for another tick to end. linted: whether targets are before they start. Raises DangolError
    before anything is sent when a limit, a guard, a vanished scenario, an earlier text that reads no more or a target
    with errors stands against it.
    """
    with ledger.run_lock(wait), _few_collections():
        runs = ledger.runs(20)
        at = _in_step(at, runs)
        clock: Now = lambda: max(at, now())  # noqa: E731
        _close_finished(ledger, project, at)
        last = next((run.at for run in runs if run.finished_at is not None), None)
        lapsed = ledger.lapse(clock(), [name for name, channel in channels.items() if channel.idempotent])
        is_late = any(run.at > at for run in runs[:1])  # such a run is refused when it begins
        decided = () if is_late else decide(project, evaluate, ledger, at)
        plan = rehearse(
            project, evaluate, at, past=ledger, migrate=migrate,
            asked=lambda scenario: is_asked(scenario.schedule, last, at),
        )  # fmt: skip
        guard(project, ledger, plan, confirmed)
        targets = fit_to_start(project, evaluate, ledger, plan) if linted else ()
        run = ledger.begin_run(at, clock())
        carry_out(ledger, run, at, plan.migration)
        for experiment, design in widened(plan, ledger):
            ledger.widen_experiment(experiment, design)
        record(ledger, run, plan)
        keep(ledger, targets)
        if new := arrivals(plan):
            ledger.record_memberships(run, new, keep_ids=False)
        told = {(one.record.text.hash, name) for one in plan.scenarios for name in one.record.informational}
        others = {
            (one.record.text.hash, number + one.record.text.behind): [send.channel for send in step.sends]
            for one in plan.scenarios
            for number, step in enumerate(one.record.scenario.steps, 1)
        }
        counts = deliver(ledger, channels, at, worker or worker_name(), clock, told, others)
        ledger.finish_run(run, clock(), counts.states)
        return Report(run, plan, counts, lapsed, decided)


SKEW = 30_000_000
"""µs by which the clocks of a project's runners may differ; a tick so little before the last one is at its instant."""


def _in_step(at: int, runs: Sequence[Run]) -> int:
    """The instant of a tick: its own, or that of the last one when the clock of another runner is a little ahead."""
    latest = max((run.at for run in runs), default=at)
    return max(at, latest) if latest - at <= SKEW else at


@contextmanager
def _few_collections() -> Iterator[None]:
    """Spares the search for cycles among millions of small values that have none: an eighth of a large tick."""
    usual = gc.get_threshold()
    gc.set_threshold(500_000, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)


def _close_finished(ledger: Ledger, project: Project, at: int) -> None:
    """Ends the entries that are through with an earlier text, so that another cannot lengthen them."""
    texts = Texts(project)
    for playbook, name in ledger.scenarios_running():
        scenario = project.compiled.get((playbook, name))
        if scenario is not None and stays(scenario):
            continue
        earlier = {hash_: Text(body) for hash_, body in ledger.texts(playbook, name).items()}
        if scenario is not None:
            today = texts.of(scenario)
            earlier = {hash_: text for hash_, text in earlier.items() if not text.says_as(today)}
        if earlier:
            _close_through(ledger, playbook, name, earlier, at)


def _close_through(ledger: Ledger, playbook: str, name: str, earlier: Mapping[str, Text], at: int) -> None:
    length = {hash_: len(text.steps) + text.behind for hash_, text in earlier.items()}
    running, steps = ledger.running_entries(playbook, name), ledger.steps(playbook, name)
    through, last = done(running.entry, steps)
    over = through >= np.array([length.get(text, NEVER) for text in running.text])
    if over.any():
        ledger.end_entries(at, Ends(running.entry[over], "finished", np.minimum(last[over], at), Gate.DONE.value))
