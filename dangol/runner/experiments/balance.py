"""Whether the groups of an experiment have the sizes they were drawn to have, with those a plan would add."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow.compute as pc

from dangol.diagnostics import Diagnostic, diagnose
from dangol.engine.state.arrow import strings
from dangol.measure.design import percent
from dangol.measure.ratio_mismatch import mismatch
from dangol.playbook.project import Project
from dangol.runner.experiments.groups import Group, drawn, planned, recorded
from dangol.runner.ledger import Ledger
from dangol.runner.model import Plan, ScenarioPlan


def imbalances(project: Project, plan: Plan, past: Ledger | None) -> Iterator[Diagnostic]:
    """W840 for every experiment whose groups would not have their sizes if this plan were carried out."""
    rules = {(file.playbook.name, file.name): file.text.rule.line for file in project.scenarios}
    for one in plan.scenarios:
        if one.is_earlier or len(planned(one.record.design)) < 2:
            continue
        counts = sizes(one, past)
        found = mismatch([list(counts.values())], [group.share for group in counts])
        if found is not None and found.alarm:
            parts = (f"{group.name} {count:,} for {percent(group.share)}" for group, count in counts.items())
            message = f"`{one.full_name}` has not the groups it was to have: {', '.join(parts)} (p = {found.p:.2g})"
            hints = ("no result is told from such groups; look for what is asked of one group only",)
            yield diagnose("W840", message, rules[one.playbook, one.scenario], hints=hints, severity="warning")


def sizes(one: ScenarioPlan, past: Ledger | None) -> dict[Group, int]:
    """How many customers each group has, with those whom the plan assigns."""
    record = None if past is None else past.assigned(one.playbook, one.scenario, one.record.scenario.phase)
    design, places = one.record.design, np.flatnonzero(one.record.drawn.assigned)
    counts = [0] * len(planned(design))
    if record is not None:
        counts = recorded(record, design).sizes
        known = pc.is_in(strings(one.record.customers), value_set=strings(record.customer))
        places = places[~np.asarray(known)[places]]
    fresh = drawn(one.record.drawn, design, places)
    return dict(zip(fresh.every, np.add(counts, fresh.sizes).tolist(), strict=True))
