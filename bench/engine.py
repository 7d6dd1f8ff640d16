"""This engine, asked for the members of every segment of a project."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

import dangol
from dangol.api import Project, instant_from
from dangol.engine.backends.vector import Evaluation
from dangol.engine.ir import SegmentRef
from dangol.engine.needs import needs_of
from dangol.engine.state.texts import Texts

Masks = dict[str, NDArray[np.bool_]]


def members(directory: Path, at: str) -> dict[str, pa.Array]:
    """The ids of every segment."""
    return ids(*answer(dangol.load(directory), at))


def answer(project: Project, at: str) -> tuple[Evaluation, Masks]:
    """The members of every segment as masks over the customers, all of them planned together."""
    program = project.files.checked.program
    references = {name: SegmentRef(name) for name in program.segments}
    needs = needs_of(references.values(), program)
    evaluation = project.data.evaluate(needs, instant_from(at, project.files.zone))
    evaluation.prepare(references.values())
    return evaluation, {name: evaluation.members(node) for name, node in references.items()}


def ids(evaluation: Evaluation, masks: Masks) -> dict[str, pa.Array]:
    """Masks to ids, all texts of a segment at once."""
    texts = evaluation.state.ids
    assert isinstance(texts, Texts)
    data, ends = texts.raw
    offsets = np.concatenate(([0], ends)).astype(np.int64)
    everybody = pa.LargeStringArray.from_buffers(len(ends), pa.py_buffer(offsets), pa.py_buffer(data))
    return {name: everybody.take(pa.array(mask.nonzero()[0])) for name, mask in masks.items()}
