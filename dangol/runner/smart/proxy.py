"""R06: whether a click, or an open, has ever gone with what the business wants."""

from __future__ import annotations

import numpy as np

from dangol.engine import ir
from dangol.engine.calendar import DAY
from dangol.engine.catalog import Catalog
from dangol.engine.state.model import State
from dangol.measure.proportions import newcombe
from dangol.measure.sums import share_sums
from dangol.playbook.smart.families import family_of
from dangol.playbook.smart.finding import Finding

AFTER = 14 * DAY
"""In which what follows a message is looked for."""

FEW = 50


def business(catalog: Catalog) -> tuple[str, ...]:
    """The events that are orders, by their names."""
    return tuple(name for name in catalog.events if family_of((name,)) == "purchase")


def of_proxy(metric: ir.Metric, wanted: tuple[str, ...], state: State, at: int) -> Finding | str | None:
    """The finding; a text says why it cannot be asked. Asked of everyone whose first message is 14 days old."""
    sent = state.events.get("sent")
    if sent is None or not len(sent.time) or not wanted:
        return "no message has gone out yet" if wanted else "no event is an order by its name"
    start = np.full(state.size, at, np.int64)
    np.minimum.at(start, np.asarray(sent.customer), np.asarray(sent.time))
    asked = start <= at - AFTER
    acted, bought = (_did(names, state, start)[asked] for names in (metric.events.names, wanted))
    yes, no = int(acted.sum()), int((~acted).sum())
    if min(yes, no) < FEW:
        return f"{yes:,} who did it and {no:,} who did not, {FEW} of each are needed"
    pair = share_sums(no, int(bought[~acted].sum())), share_sums(yes, int(bought[acted].sum()))
    low, high = newcombe(*pair)
    if not low <= 0 <= high:
        return None
    found = (
        f"who did it order {100 * (pair[1].mean - pair[0].mean):+.1f} points more [{100 * low:.1f}, {100 * high:.1f}]"
    )
    return Finding("R06", "warning", found, "a difference from 0", f"ask for `{wanted[0]} within …` itself")


def _did(
    names: tuple[str, ...], state: State, start: np.ndarray[tuple[int], np.dtype[np.int64]]
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    found = np.zeros(state.size, bool)
    for name in names:
        table = state.events.get(name)
        if table is not None:
            since = start[table.customer]
            time = np.asarray(table.time)
            found[np.asarray(table.customer)[(time > since) & (time <= since + AFTER)]] = True
    return found
