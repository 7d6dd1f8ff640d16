"""A KPI looked at on every day so far, from the sums of those days: the first look that decides stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from dangol.measure import sequential, verdict
from dangol.measure.estimate import Effect, Scale, effect
from dangol.measure.power import Method
from dangol.measure.proportions import least_expected
from dangol.measure.reason import Reason
from dangol.measure.sequential import Look
from dangol.measure.sums import Sums
from dangol.measure.verdict import Comparison, Design, Target, Verdict

LEAST_DAYS = 7
LEAST_CUSTOMERS = 100
ALPHA = 0.05
CONTROL, TREATMENT = "control", "messages"


@dataclass(frozen=True)
class Horizon:
    """Local days (since 1970-01-01): of the first assignment, of the deadline (None: there is none), and the last one
    that is over. `start` None: nobody has been assigned."""

    start: int | None
    by: int | None
    until: int

    @property
    def final(self) -> bool:
        """Whether the deadline has passed."""
        return self.by is not None and self.until >= self.by

    def elapsed(self, day: int) -> float:
        """The share of the time to the deadline that is over at the end of a day; 1 without one, or on it."""
        if self.by is None or self.start is None or day >= self.by:
            return 1.0
        return (day + 1 - self.start) / (self.by + 1 - self.start)

    def early(self, day: int) -> Reason | None:
        """Why a look on that day decides nothing."""
        days = day + 1 - self.start if self.start is not None else 0
        return Reason("too_few_days", days, LEAST_DAYS) if days < LEAST_DAYS else None


@dataclass(frozen=True)
class Seen:
    """One look: its number (from 1) and day, mature customers, α spent so far, the bound in standard errors, and the
    effect with its interval; `effect` is a reason where there is none, and then there is no bound."""

    number: int
    day: int
    control: Sums
    treatment: Sums
    spent: float
    bound: float | None
    effect: Effect | Reason
    interval: tuple[float, float] | None


@dataclass(frozen=True)
class Lift:
    """Two groups compared day by day. now: at the last look; decided: at the first one that settled the target (None:
    none has); shown_on: the day of the first look that showed an effect. `verdict` is the one that stands."""

    looks: tuple[Seen, ...]
    now: Comparison
    decided: Seen | None
    shown_on: int | None
    verdict: Verdict


def lift(
    control: Sequence[Sums],
    treatment: Sequence[Sums],
    days: Sequence[int],
    horizon: Horizon,
    target: Target | None,
    problems: Sequence[Reason] = (),
    *,
    alpha: float = ALPHA,
    planned: int | None = None,
    least: int = LEAST_CUSTOMERS,
    scale: Scale = "relative",
) -> Lift:
    """The treatment against the control; sums at the end of each of the `days`, in order (there must be one).

    With a deadline: group sequential, α spent by the share of the time that is over (O'Brien–Fleming type), which is
    fixed before the first look. `planned` customers instead: a confidence sequence tuned to them. `problems` forbid
    a verdict. A target that is settled at a look stays so. A look has `least` customers in each group; `scale` is of
    the effect without a target.
    """
    method: Method = "group_sequential" if planned is None else "always_valid"
    tuned = {} if planned is None else {CONTROL: planned}
    design = Design(CONTROL, method, alpha, target.scale if target else scale, least, planned=tuned)
    chosen = _chosen(control, treatment, days, horizon, least)
    clock = [_look(control[k], treatment[k], days[k], horizon) for k in chosen or [len(days) - 1]]
    looks = _looks(control, treatment, days, chosen, clock, design) if chosen else []
    last = chosen[-1] if chosen else -1
    pair = {CONTROL: control[last], TREATMENT: treatment[last]}
    every = list(problems)
    if not chosen and (early := horizon.early(horizon.until)):
        every.append(early)
    (now,) = verdict.compare(pair, design, clock, target, horizon.final, every)
    decided = None if every or target is None else _first(looks, target)
    shown = next((look.day for look in looks if look.interval and not _straddles(look.interval, 0.0)), None)
    answer = _standing(decided, target) if decided else _sized(now.verdict) if shown is not None else now.verdict
    return Lift(tuple(looks), now, decided, None if every else shown, answer)


def _look(control: Sums, treatment: Sums, day: int, horizon: Horizon) -> Look:
    return Look(control.n + treatment.n, horizon.elapsed(day))


def _chosen(
    control: Sequence[Sums], treatment: Sequence[Sums], days: Sequence[int], horizon: Horizon, least: int
) -> list[int]:
    """The days that are looks: not too early, with enough customers, and with more than at the look before. The
    deadline is one in any case."""
    chosen: list[int] = []
    for k, day in enumerate(days):
        if horizon.early(day) or not _enough(control[k], treatment[k], least):
            continue
        users = control[k].n + treatment[k].n
        before = control[chosen[-1]].n + treatment[chosen[-1]].n if chosen else 0
        if users - before > 1e-4 * users or day == horizon.by:
            chosen.append(k)
    if chosen and horizon.final and chosen[-1] != len(days) - 1:
        chosen.append(len(days) - 1)
    return chosen


def _enough(control: Sums, treatment: Sums, least: int) -> bool:
    if min(control.n, treatment.n) < max(2, least):
        return False
    return control.kind != "share" or least_expected(control, treatment) >= 5


def _looks(
    control: Sequence[Sums], treatment: Sequence[Sums], days: Sequence[int], chosen: Sequence[int],
    clock: Sequence[Look], design: Design,
) -> list[Seen]:  # fmt: skip
    found = []
    for number, (k, look, bound) in enumerate(zip(chosen, clock, _bounds(clock, design), strict=True), 1):
        estimate = effect(control[k], treatment[k], design.scale)
        errors = None if isinstance(estimate, Reason) else design.errors(estimate, bound)
        spent = sequential.alpha_spent(look.time, design.alpha) if design.method == "group_sequential" else 0.0
        around = _interval(estimate, errors, design)
        found.append(Seen(number, days[k], control[k], treatment[k], spent, errors, estimate, around))
    return found


def _bounds(clock: Sequence[Look], design: Design) -> tuple[float, ...]:
    """The bound at each look. At the deadline without new customers the last look is taken once more, with all of α."""
    found = design.bounds(TREATMENT, sequential.distinct_looks(clock), design.alpha)
    if len(found) == len(clock):
        return found
    return *design.bounds(TREATMENT, tuple(clock[:-1]), design.alpha), found[-1]


def _interval(found: Effect | Reason, errors: float | None, design: Design) -> tuple[float, float] | None:
    if isinstance(found, Reason) or errors is None or (design.scale == "relative" and found.control < 0):
        return None
    return found.interval(errors)


def _straddles(interval: tuple[float, float], value: float) -> bool:
    return interval[0] <= value <= interval[1]


def _first(looks: Sequence[Seen], target: Target) -> Seen | None:
    return next((look for look in looks if look.interval and target.side(*look.interval) != "straddles"), None)


def _sized(verdict: Verdict) -> Verdict:
    """An effect that an earlier look has shown is shown, whatever the last one says alone."""
    hidden = verdict.reason.code == "no_effect_shown"
    return replace(verdict, reason=Reason("effect_shown_size_not")) if hidden else verdict


def _standing(look: Seen, target: Target | None) -> Verdict:
    assert target is not None
    assert look.interval is not None
    if target.side(*look.interval) == "reached":
        return Verdict("achieved", Reason("target_reached"))
    return Verdict("missed", Reason("target_not_reached"))


# --- each arm -------------------------------------------------------------------------------------------------------


def arms(
    groups: Mapping[str, Sequence[Sums]], control: Sequence[Sums], days: Sequence[int], horizon: Horizon,
    target: Target | None, problems: Sequence[Reason] = (),
) -> dict[str, Lift]:  # fmt: skip
    """Each arm against the control, α shared between them; p adjusted by Holm (measurement 2.9)."""
    alpha = ALPHA / max(1, len(groups))
    found = {name: lift(control, sums, days, horizon, target, problems, alpha=alpha) for name, sums in groups.items()}
    adjusted = verdict.holm([1.0 if one.now.p is None else one.now.p for one in found.values()])
    return {
        name: replace(one, now=_adjusted(one.now, p)) for (name, one), p in zip(found.items(), adjusted, strict=True)
    }


def _adjusted(now: Comparison, p: float) -> Comparison:
    return replace(now, adjusted_p=None if now.p is None else p, shown=now.obstacle is None and p <= ALPHA)


# --- totals ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Total:
    """What all customers together come to: counted, not estimated, so there is no interval."""

    value: float
    customers: int
    target: Target
    verdict: Verdict


def total(sums: Sums | None, target: Target, final: bool, problems: Sequence[Reason] = ()) -> Total:
    """A count or sum over all mature customers against a target, decided at the deadline."""
    value, customers = (float(sums.totals[0]), sums.n) if sums is not None else (0.0, 0)
    if problems or not customers:
        obstacle = problems[0] if problems else Reason("no_customers", 0, 1)
        return Total(value, customers, target, Verdict("unknown" if final else "open", obstacle))
    if not final:
        return Total(value, customers, target, Verdict("open", Reason("before_deadline")))
    if target.side(value, value) == "reached":
        return Total(value, customers, target, Verdict("achieved", Reason("target_reached")))
    return Total(value, customers, target, Verdict("missed", Reason("target_not_reached")))


__all__ = ["Horizon", "Lift", "Seen", "Total", "arms", "lift", "total"]
