"""Steps whose condition asks for an arm: who would go which way if they were in another arm."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from itertools import product
from typing import Any

import numpy as np

from dangol.engine import ir
from dangol.engine.backends.vector import Evaluation
from dangol.engine.state.model import Mask, Micros


@dataclass(frozen=True)
class Crossroads:
    """A step whose condition asks for an arm: which of the entries are at it, when it was due, and of whom the
    condition would be true, or false, in at least one arm."""

    step: int
    here: Mask
    due: Micros
    true: Mask
    false: Mask


def asks_arm(condition: ir.Condition | None) -> bool:
    """Whether a condition depends on the arm of a split."""
    return condition is not None and any(_arms_in(condition))


def either_way(condition: ir.Condition, evaluation: Evaluation, entry: Micros) -> tuple[Mask, Mask]:
    """Of every customer of the state: whether the condition is true in some arm, and whether it is false in some."""
    splits = {arm.split: [name for name, _ in arm.arms] for arm in _arms_in(condition)}
    true, false = np.zeros(evaluation.state.size, bool), np.zeros(evaluation.state.size, bool)
    for names in product(*splits.values()):
        holds = evaluation.members(_in_arms(condition, dict(zip(splits, names, strict=True))), entry=entry)
        true |= holds
        false |= ~holds
    return true, false


def _arms_in(node: Any) -> Iterator[ir.SplitArm]:
    if isinstance(node, ir.SplitArm):
        yield node
    elif isinstance(node, tuple):
        for each in node:
            yield from _arms_in(each)
    elif is_dataclass(node):
        for each in fields(node):
            yield from _arms_in(getattr(node, each.name))


def _in_arms(node: Any, arms: Mapping[str, str]) -> Any:
    """The same with the arm of each split as given."""
    if isinstance(node, ir.SplitArm):
        return ir.Constant("text", arms[node.split])
    if isinstance(node, tuple):
        return tuple(_in_arms(each, arms) for each in node)
    if is_dataclass(node) and not isinstance(node, type) and any(_arms_in(node)):
        return replace(node, **{each.name: _in_arms(getattr(node, each.name), arms) for each in fields(node)})
    return node
