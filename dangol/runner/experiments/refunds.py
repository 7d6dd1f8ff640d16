"""Refunds are watched without being asked for, where the data have them."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from dangol.engine import ir
from dangol.engine.catalog import Catalog

REFUNDS = ("refunded", "refund", "returned", "환불")
MARGIN = Fraction(1, 100)
"""One percentage point more customers with a refund is tolerated."""


def refunds(scenario: ir.Scenario, catalog: Catalog) -> Iterator[ir.Guardrail]:
    """A guardrail about refunds beside the first lift of a scenario that declares none about them."""
    name = next((each for each in REFUNDS if each in catalog.events), None)
    kpi = next((each for each in scenario.kpis if each.versus is not None), None)
    if name is None or kpi is None or any(name in one.metric.events.names for one in scenario.guardrails):
        return
    metric = ir.Metric(ir.Events((name,), label=name), None, None, kpi.metric.within, kpi.zone)
    written = f"{name} up at most 1pp vs {kpi.versus}"
    yield ir.Guardrail(metric, None, "up", MARGIN, True, kpi.versus, kpi.zone, (), written)
