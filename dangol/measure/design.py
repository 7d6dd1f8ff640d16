"""How the customers of a scenario are drawn: every holdout, namespace and split with its salt and ranges."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, TypeVar

from dangol.engine import ir
from dangol.engine.check.beside import CONTROL as CONTROL

Level = Literal["project", "playbook", "scenario"]
HOLDOUTS: tuple[Literal["none"] | Level, ...] = ("none", "project", "playbook", "scenario")
"""Where somebody may be held out, the widest first."""


@dataclass(frozen=True)
class Holdout:
    """Who is kept out: [0, share) of the salt's draw."""

    level: Level
    salt: str
    share: Fraction


@dataclass(frozen=True)
class Place:
    """What a scenario has of a namespace: [lower, upper) of the salt's draw, which no other scenario of it has."""

    namespace: str
    salt: str
    lower: Fraction
    upper: Fraction


@dataclass(frozen=True)
class Design:
    """The draws of one scenario in their order: project, playbook, namespace, the scenario's own holdout, arms. Every
    one has a salt of its own."""

    holdouts: tuple[Holdout, ...] = ()
    place: Place | None = None
    splits: tuple[ir.Split, ...] = ()

    @classmethod
    def of(
        cls,
        project: str,
        scenario: ir.Scenario,
        outer: Fraction | None,
        playbook: Fraction | None,
        place: Place | None = None,
    ) -> Design:
        """That of a scenario under the holdouts of its project and its playbook."""
        salt = f"holdout/{project}"
        own = salted(f"{salt}/{scenario.playbook}/{scenario.name}", scenario.phase)
        levels: tuple[tuple[Level, str, Fraction | None], ...] = (
            ("project", salt, outer),
            ("playbook", f"{salt}/{scenario.playbook}", playbook),
            ("scenario", own, scenario.holdout),
        )
        holdouts = tuple(Holdout(level, salt, share) for level, salt, share in levels if share)
        return cls(holdouts, place, scenario.splits)

    @property
    def draws(self) -> bool:
        """Whether anything is drawn at all."""
        return bool(self.holdouts or self.splits or self.place is not None)

    def written(self) -> str:
        """As JSON, in which equal designs are equal; `read` reads it back."""
        found: dict[str, Any] = {
            "holdouts": {one.level: {"salt": one.salt, "share": str(one.share)} for one in self.holdouts},
            "splits": {
                split.name: {"salt": split.salt, "arms": [[arm, str(share)] for arm, share in split.arms]}
                for split in sorted(self.splits, key=lambda each: each.name)
            },
        }
        if self.place is not None:
            here = self.place
            ends = {"lower": str(here.lower), "upper": str(here.upper)}
            found["namespace"] = {"name": here.namespace, "salt": here.salt, **ends}
        return json.dumps(found, ensure_ascii=False)

    @classmethod
    def read(cls, text: str) -> Design:
        """The design that was written down."""
        found: Mapping[str, Any] = json.loads(text)
        place = found.get("namespace")
        return cls(
            tuple(
                Holdout(level, one["salt"], Fraction(one["share"]))
                for level, one in found["holdouts"].items()
            ),
            None
            if place is None
            else Place(place["name"], place["salt"], Fraction(place["lower"]), Fraction(place["upper"])),
            tuple(
                ir.Split(name, one["salt"], tuple((arm, Fraction(share)) for arm, share in one["arms"]))
                for name, one in found["splits"].items()
            ),
        )  # fmt: skip

    def differences(self, recorded: Design) -> Iterator[tuple[str, str, str]]:
        """What is otherwise than recorded: (what, as recorded, as it is now). A place that only grew at its own end
        is not: who was inside is, and nobody has another number."""
        for level in HOLDOUTS[1:]:
            then, now = recorded._holdout(level), self._holdout(level)
            if then != now:
                yield f"the holdout of the {level}", *_told(then, now, _share)
        if _moved(recorded.place, self.place):
            yield "the place in a namespace", *_told(recorded.place, self.place, _place)
        names = sorted({split.name for split in (*recorded.splits, *self.splits)})
        for name in names:
            before, after = recorded._split(name), self._split(name)
            if before != after:
                yield f"the split `{name}`", *_told(before, after, _arms)

    def _holdout(self, level: str) -> Holdout | None:
        return next((one for one in self.holdouts if one.level == level), None)

    def _split(self, name: str) -> ir.Split | None:
        return next((split for split in self.splits if split.name == name), None)


def salted(salt: str, phase: int) -> str:
    """The salt of a phase: the plain one of the first."""
    return salt if phase == 1 else f"{salt}/{phase}"


def _moved(then: Place | None, now: Place | None) -> bool:
    if then is None or now is None:
        return then != now
    return (then.salt, then.lower) != (now.salt, now.lower) or now.upper < then.upper


def percent(share: Fraction) -> str:
    """A share as the language writes it."""
    return f"{float(share * 100):.10g}%"


Drawn = TypeVar("Drawn", Holdout, Place, ir.Split)


def _told(then: Drawn | None, now: Drawn | None, words: Callable[[Drawn], str]) -> tuple[str, str]:
    """Both in words; with their salts where nothing else tells them apart."""
    said = tuple("none" if one is None else words(one) for one in (then, now))
    if then is not None and now is not None and said[0] == said[1]:
        return f"{said[0]} (salt `{then.salt}`)", f"{said[1]} (salt `{now.salt}`)"
    return said[0], said[1]


def _share(one: Holdout) -> str:
    return percent(one.share)


def _place(one: Place) -> str:
    return f"`{one.namespace}` from {percent(one.lower)} to {percent(one.upper)}"


def _arms(one: ir.Split) -> str:
    return ", ".join(f"{arm} {percent(share)}" for arm, share in one.arms)
