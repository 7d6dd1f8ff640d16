"""Numbers as the lights print them."""

from __future__ import annotations

from dangol.engine import ir
from dangol.engine.calendar import day_of
from dangol.engine.reading.times import day_text
from dangol.runner.smart.facts import Facts, Today


def percent(share: float, digits: int = 1) -> str:
    """`4.0 %`"""
    return f"{100 * share:.{digits}f} %".replace("-", "−")


def level(amount: float, kind: str) -> str:
    """A value of the metric: `4.0 %`, `41,250`."""
    if kind == "share":
        return percent(amount)
    return f"{amount:,.{0 if abs(amount) >= 100 else 2}f}".replace("-", "−")


def lift(change: float, base: float, kpi: ir.Kpi) -> str:
    """A change as the target states it: `+26.7 %`, `+1.20 pp`."""
    sign = "−" if change < 0 else "+"
    if kpi.points:
        return f"{sign}{100 * abs(change):.2f} pp"
    return f"{sign}{100 * abs(change / base):.1f} %" if base else f"{sign}{abs(change):.3g}"


def wanted(facts: Facts) -> str:
    """The lift of the target: `+10 %`."""
    amount = 100 * float(facts.kpi.amount)
    sign, unit = "−" if facts.kpi.op == "down" else "+", "pp" if facts.kpi.points else "%"
    return f"{sign}{amount:g} {unit}"


def base(today: Today) -> str:
    """`4.0 % ± 0.22`"""
    half = (today.high - today.low) / 2
    return (
        f"{level(today.base.mean, today.kind)} ± {100 * half:.2f}"
        if today.kind == "share"
        else (f"{level(today.base.mean, today.kind)} ± {level(half, today.kind)}")
    )


def day(at: float, zone: str) -> str:
    """`2027-03-31`"""
    return day_text(day_of(int(at), zone))
