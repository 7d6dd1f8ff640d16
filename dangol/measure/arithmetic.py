"""The one line of numbers behind a verdict."""

from __future__ import annotations

from dangol.measure.estimate import Effect, Scale
from dangol.measure.sums import Kind
from dangol.measure.verdict import Comparison, Level


def arithmetic(found: Comparison | Level) -> str:
    """`5.20 % (n=3,000) vs 4.80 % (n=3,000): +8.3 % [−4.1 %, +20.7 %], p 0.19, target +10.0 %`; what is known of it."""
    parts = _level(found) if isinstance(found, Level) else _comparison(found)
    return ", ".join(part for part in parts if part)


def number(value: float, kind: Kind) -> str:
    """A metric's value: a share in percent, else with thousands and the digits its size deserves."""
    if kind == "share":
        return f"{_signless(100 * value, 2)} %"
    if abs(value) >= 1e15:
        return f"{value:.4g}".replace("-", "−")
    return _signless(value, 0 if abs(value) >= 1000 else 2 if abs(value) >= 1 else 4)


def change(value: float, scale: Scale, kind: Kind) -> str:
    """A signed change: relative in percent, of a share in percentage points, else in the metric's unit."""
    sign = "−" if value < 0 else "+"
    if scale == "relative":
        return f"{sign}{_signless(100 * abs(value), 1)} %"
    return f"{sign}{_signless(100 * abs(value), 2)} pp" if kind == "share" else f"{sign}{number(abs(value), kind)}"


def _comparison(found: Comparison) -> list[str]:
    kind, pair = found.control.kind, f"n={found.treatment.n:,} vs {found.control.n:,}"
    if not isinstance(found.effect, Effect):
        return [pair]
    scale, effect = found.effect.scale, found.effect
    means = (
        f"{number(mean, kind)} (n={arm.n:,})"
        for mean, arm in ((effect.treatment, found.treatment), (effect.control, found.control))
    )
    low, high = (change(end, scale, kind) for end in found.interval or (0.0, 0.0))
    span = f" [{low}, {high}]" if found.interval else ""
    p = f"p {found.adjusted_p:.2g}" if found.adjusted_p is not None else ""
    target = f"target {change(found.target.bar, scale, kind)}" if found.target else ""
    return [" vs ".join(means) + f": {change(effect.value, scale, kind)}{span}", p, target]


def _level(found: Level) -> list[str]:
    kind, target = found.sums.kind, f"target {number(found.target.bar, found.sums.kind)}"
    if found.value is None or found.interval is None:
        return [f"n={found.sums.n:,}", target]
    low, high = (number(end, kind) for end in found.interval)
    chance = f"chance to get there {found.forecast:.2f}" if found.forecast is not None else ""
    return [f"{number(found.value, kind)} (n={found.sums.n:,}) [{low}, {high}]", target, chance]


def _signless(value: float, digits: int) -> str:
    return f"{value:,.{digits}f}".replace("-", "−")
