"""A finished test asked the question of a running one: every arm against control, from sums, by the declared method."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

from dangol.diagnostics import DangolError, Diagnostic, Line, diagnose, did_you_mean
from dangol.engine.catalog import normal
from dangol.engine.state.notes import finding, shown
from dangol.measure.arms import Arms, Columns, read
from dangol.measure.estimate import Effect, Scale, effect, mean_interval, narrowing
from dangol.measure.power import Method
from dangol.measure.proportions import newcombe, pooled_z
from dangol.measure.ratio_mismatch import ALARM, Mismatch, mismatch
from dangol.measure.reason import Reason
from dangol.measure.sums import Sums, share_sums
from dangol.measure.verdict import Comparison, Design, compare

CHI_SQUARE_ALARM = 0.001
"""Of a test that is looked at once, at its end (measurement 2.5)."""

DEFAULT_PLANNED = 5_000
"""Customers of a pair of arms that an always-valid interval is tuned to if nobody says what was planned."""

Outcome = Literal["better", "worse", "no effect shown", "cannot be known"]


@dataclass(frozen=True)
class Question:
    """What is asked of the file. alpha: two-sided, of all comparisons together. expected: the split as it was planned,
    `A 50%, B 50%` or in parts, `A 1, B 1`; None: not known. planned: customers in all (always valid)."""

    file: str
    columns: Columns
    alpha: float = 0.05
    method: Method = "fixed"
    expected: str | None = None
    planned: int | None = None
    lower_is_better: bool = False


@dataclass(frozen=True)
class Arm:
    """One arm: customers assigned, the sums of those counted, their share, mean or ratio (None: there is none) and its
    interval at 1 − alpha."""

    name: str
    assigned: int
    sums: Sums
    value: float | None
    interval: tuple[float, float] | None


@dataclass(frozen=True)
class Pair:
    """One arm against control.

    absolute, relative: intervals at 1 − alpha/comparisons, None where there is none. z: of the test with the pooled
    share. narrowing: the part of the standard error that the covariate took away.
    """

    found: Comparison
    absolute: tuple[float, float] | None
    relative: tuple[float, float] | None
    z: float | None
    narrowing: float | None

    @property
    def outcome(self) -> Outcome:
        """Without a target the question is whether there is an effect, and in which direction."""
        if self.found.obstacle is not None:
            return "cannot be known"
        if not (self.found.shown and isinstance(self.found.effect, Effect)):
            return "no effect shown"
        return "worse" if (self.found.effect.value < 0) != self.found.design.lower_is_better else "better"

    def lift(self, scale: Scale) -> Effect | None:
        """The effect on that scale, where there is one."""
        both = (self.found.effect, self.found.other)
        return next((each for each in both if isinstance(each, Effect) and each.scale == scale), None)


@dataclass(frozen=True)
class Answer:
    """All there is to show. `mismatch` is against `shares`, equal ones unless the question says what was `expected`;
    then it forbids a verdict, too."""

    question: Question
    arms: Arms
    each: tuple[Arm, ...]
    pairs: tuple[Pair, ...]
    shares: Mapping[str, Fraction]
    mismatch: Mismatch | None
    alarm: bool
    notes: tuple[Diagnostic, ...]


def ask(question: Question) -> Answer:
    """The comparison of every arm of the file with its control. DangolError for what cannot be asked or read."""
    _possible(question)
    expected = None if question.expected is None else planned_split(question.expected)
    arms = read(question.file, question.columns, frozenset(expected or ()))
    shares = _shares(question, arms, expected)
    found = mismatch([list(arms.assigned.values())], [shares[arm] for arm in arms.assigned])
    problem = _problem(found, question.method) if found is not None else None
    problems = [problem] if problem is not None and question.expected is not None else []
    compared = compare(arms.sums, _design(question, arms, shares), final=True, problems=problems)
    each = tuple(_arm(name, arms, question.alpha) for name in arms.sums)
    pairs = tuple(_pair(_named(one)) for one in compared)
    notes = (*arms.notes, *_doubts(question, arms))
    return Answer(question, arms, each, pairs, shares, found, problem is not None, notes)


# --- what is asked ----------------------------------------------------------------------------------------------------


def _possible(question: Question) -> None:
    """Raises what options say against each other."""
    columns = question.columns
    if columns.per is None and columns.kind == "ratio":
        raise _wrong("a ratio needs the column it is divided by", "ratio", "--kind", "--per COLUMN")
    if columns.per is not None and columns.kind not in (None, "ratio"):
        message = f"a {columns.kind} is per customer, not per `{columns.per}`"
        raise _wrong(message, columns.per, "--per", "leave it out, or ask for --kind ratio")
    if columns.covariate is not None and columns.kind == "share":
        hint = "--kind mean takes the 0s and 1s as amounts, which a covariate can adjust"
        raise _wrong("a share takes no covariate", columns.covariate, "--covariate", hint)
    if columns.covariate is not None and normal(columns.covariate) in (
        normal(columns.metric),
        normal(columns.per or ""),
    ):
        hint = "name a column from before the test, such as last year's spend"
        raise _wrong("the covariate is what is measured itself", columns.covariate, "--covariate", hint)


def _wrong(message: str, written: str, option: str, hint: str) -> DangolError:
    return DangolError(diagnose("E811", message, Line.of(written, option), hints=(hint,)))


_PART = re.compile(r"\s*(?P<arm>.*?\S)\s+(?P<number>\d{1,9}(?:\.\d{1,9})?)\s*(?P<percent>%?)\s*(?:,|$)")


def planned_split(text: str) -> dict[str, Fraction]:
    """`A 50%, B 50%` as arm → percent, or `A 1, B 2` as arm → parts. DangolError for a text that is no split."""
    found: dict[str, Fraction] = {}
    units, at = set(), 0
    while at < len(text):
        part = _PART.match(text, at)
        if part is None or normal(part["arm"]) in found:
            what = "is no arm with its share" if part is None else "stands twice"
            raise _no_split(f"`{text[at:].strip(' ,')[:60] if part is None else part['arm']}` {what}", text)
        found[normal(part["arm"])] = Fraction(part["number"])
        units.add(part["percent"])
        at = part.end()
    if len(units) != 1 or ("%" in units and sum(found.values()) != 100):
        raise _no_split(_sum_of(found, units), text)
    if sum(share > 0 for share in found.values()) < 2:
        raise _no_split("a split has at least two arms with customers", text)
    return found


def _sum_of(found: Mapping[str, Fraction], units: set[str]) -> str:
    if not found:
        return "there is no arm in it"
    if len(units) > 1:
        return "some shares are in percent and others are not"
    arms = ", ".join(f"`{arm}`" for arm in found)
    return f"the shares of {arms} add up to {float(sum(found.values())):g} %, not to 100 %"


def _no_split(message: str, text: str) -> DangolError:
    hints = ("write every arm with its share, `A 50%, B 50%`, or in parts, `A 1, B 1, C 1`",)
    return DangolError(diagnose("E819", message, Line.of(text, "--expected"), hints=hints))


def _shares(question: Question, arms: Arms, expected: Mapping[str, Fraction] | None) -> dict[str, Fraction]:
    if expected is None:
        return {arm: Fraction(1, len(arms.assigned)) for arm in arms.assigned}
    for arm in arms.assigned:
        if arm not in expected:
            hints = did_you_mean(arm, expected) or (f"add `{arm} 0%` if nobody was to be in it",)
            message = f"the arm `{arm}` is in the file but not in --expected"
            raise DangolError(diagnose("E819", message, Line.of(question.expected or "", "--expected"), hints=hints))
    whole = sum(expected.values())
    return {arm: expected[arm] / whole for arm in arms.assigned}


def _design(question: Question, arms: Arms, shares: Mapping[str, Fraction]) -> Design:
    """The absolute scale decides: it has an answer for a control of 0, too."""
    control = next(iter(arms.sums))
    if question.planned is None:
        planned = dict.fromkeys(arms.sums, DEFAULT_PLANNED // 2)
    else:
        planned = {arm: round(question.planned * share) for arm, share in shares.items()}
    fewer = question.lower_is_better
    return Design(control, question.method, question.alpha, "absolute", lower_is_better=fewer, planned=planned)


# --- what is found ----------------------------------------------------------------------------------------------------


def _problem(found: Mismatch, method: Method) -> Reason | None:
    """Chi-square decides of a test looked at once, where it can be had; else the sequential test (measurement 2.5)."""
    p, least = found.p, ALARM
    if method == "fixed" and found.chi_square_p is not None:
        p, least = found.chi_square_p, CHI_SQUARE_ALARM
    return Reason("sample_ratio_mismatch", p, least) if p < least else None


def _arm(name: str, arms: Arms, alpha: float) -> Arm:
    sums = arms.sums[name]
    value = sums.mean if sums.has_mean else None
    return Arm(name, arms.assigned[name], sums, value, mean_interval(sums, alpha) if sums.has_mean else None)


def _named(found: Comparison) -> Comparison:
    """With the arm's own name and the count that is really needed where an arm was too small for an estimate."""
    reason, roles = found.verdict.reason, {"control": found.design.control, "treatment": found.arm}
    if reason is not found.effect or reason.arm is None:
        return found
    needed = None if reason.needed is None else max(reason.needed, found.design.minimum)
    return replace(found, verdict=replace(found.verdict, reason=replace(reason, arm=roles[reason.arm], needed=needed)))


def _pair(found: Comparison) -> Pair:
    shares = found.control.kind == "share" and found.control.n > 0 and found.treatment.n > 0
    relative, bound = found.other, found.bound
    around = relative.interval(bound) if isinstance(relative, Effect) and bound is not None else None
    absolute = found.interval
    if shares and found.design.method == "fixed":
        absolute = newcombe(found.control, found.treatment, found.design.alpha / found.comparisons)
    z = pooled_z(found.control, found.treatment) if shares else None
    return Pair(found, absolute, around, z, narrowing(found.control, found.treatment, "absolute"))


def _doubts(question: Question, arms: Arms) -> Iterator[Diagnostic]:
    """Differences between arms that a random draw leaves alone: of the covariate, and of who had to be left out."""
    asked = {}
    if question.columns.covariate is not None:
        asked[f"`{question.columns.covariate}`"] = {arm: _before(sums) for arm, sums in arms.sums.items()}
    if question.columns.empty == "drop":
        left = {arm: share_sums(arms.assigned[arm], arms.assigned[arm] - sums.n) for arm, sums in arms.sums.items()}
        asked["the share of customers left out"] = left
    for what, sums in asked.items():
        control, *others = sums
        for arm in others:
            found = effect(sums[control], sums[arm], "absolute")
            if isinstance(found, Effect) and found.p * len(others) < CHI_SQUARE_ALARM:
                message = f"{what} differs between `{arm}` and `{control}` (p {found.p:.1g})"
                hint = "in a sound test it does not: a covariate is from before the test, and cells are empty by chance"
                yield finding("W813", message, shown(question.file), hints=(hint,), warning=True)


def _before(sums: Sums) -> Sums:
    """The covariate as a metric of its own; a ratio's is an amount per customer."""
    first, second = (1, 2) if sums.kind == "mean" else (2, 7)
    return Sums("mean", sums.n, (sums.totals[first],), (sums.products[second],))
