"""This engine, asked for the members of every segment of a project."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import dangol
from dangol.api import Project, instant_from
from dangol.engine.backends.vector import Evaluation
from dangol.engine.ir import SegmentRef
from dangol.engine.needs import needs_of


def members(directory: Path, at: str) -> dict[str, list[str]]:
    """The ids of every segment, sorted."""
    evaluation, masks = answer(dangol.load(directory), at)
    ids = evaluation.state.ids
    return {name: sorted(ids[code] for code in mask.nonzero()[0].tolist()) for name, mask in masks.items()}


def answer(project: Project, at: str) -> tuple[Evaluation, dict[str, NDArray[np.bool_]]]:
    """The members of every segment as masks over the customers, all of them planned together."""
    program = project.files.checked.program
    references = {name: SegmentRef(name) for name in program.segments}
    needs = needs_of(references.values(), program)
    evaluation = project.data.evaluate(needs, instant_from(at, project.files.zone))
    evaluation.prepare(references.values())
    return evaluation, {name: evaluation.members(node) for name, node in references.items()}
