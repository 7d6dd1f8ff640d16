"""The draws of one customer in a scenario, one after the other: each salt, number and range, and what it decides."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from typing import Literal

from dangol.engine import ir
from dangol.measure.assignment import draws
from dangol.measure.design import Design
from dangol.playbook.project import Project
from dangol.runner.rehearse import policy_of


@dataclass(frozen=True)
class Draw:
    """One draw: a holdout (its level), a namespace or a split (its name).

    u: the number of the customer; range: [lower, upper) that it is held against, of a split that of the customer's arm;
    outcome: `in`, `out`, or the arm. All are None where it is not evaluated, since an earlier draw has decided.
    """

    kind: Literal["holdout", "namespace", "split"]
    name: str
    salt: str
    u: float | None = None
    range: tuple[Fraction, Fraction] | None = None
    outcome: str | None = None

    @property
    def decides(self) -> bool:
        """Whether nothing is drawn after it: who is held out, or outside of the namespace, has no arm."""
        return (self.kind, self.outcome) in (("holdout", "in"), ("namespace", "out"))


def traced(project: Project, scenario: ir.Scenario, customer: str) -> tuple[Draw, ...]:
    """The draws of a customer in a scenario as the files say now, in their order; none where nothing is drawn."""
    policy = policy_of(project)
    playbook = next(file for file in project.playbooks if file.name == scenario.playbook)
    place = policy.places.get(f"{scenario.playbook}/{scenario.name}")
    design = Design.of(policy.project, scenario, policy.holdout, playbook.holdout, place)
    found: list[Draw] = []
    for one in _every(design, customer) if customer else ():
        over = any(before.decides for before in found)
        found.append(Draw(one.kind, one.name, one.salt) if over else one)
    return tuple(found)


def _every(design: Design, customer: str) -> Iterator[Draw]:
    outer = [one for one in design.holdouts if one.level != "scenario"]
    for one in outer:
        yield _ranged("holdout", one.level, one.salt, Fraction(0), one.share, customer)
    if (place := design.place) is not None:
        yield _ranged("namespace", place.namespace, place.salt, place.lower, place.upper, customer)
    for one in design.holdouts[len(outer) :]:
        yield _ranged("holdout", one.level, one.salt, Fraction(0), one.share, customer)
    for split in design.splits:
        u = float(draws(split.salt, [customer])[0])
        ends = list(accumulate(share for _, share in split.arms))
        number = next(number for number, end in enumerate(ends) if u < float(end))
        lower = ends[number - 1] if number else Fraction(0)
        yield Draw("split", split.name, split.salt, u, (lower, ends[number]), split.arms[number][0])


def _ranged(
    kind: Literal["holdout", "namespace"], name: str, salt: str, lower: Fraction, upper: Fraction, customer: str
) -> Draw:
    u = float(draws(salt, [customer])[0])
    return Draw(kind, name, salt, u, (lower, upper), "in" if float(lower) <= u < float(upper) else "out")
