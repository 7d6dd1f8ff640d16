"""What the ledger knows as events of the language: `sent`, `delivered`, `opened`, `clicked`, `failed` and so on."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dangol.engine.catalog import LEDGER_EVENTS, LEDGER_PROPERTIES, Catalog
from dangol.engine.needs import Needs
from dangol.engine.state.model import Column, EventTable, State
from dangol.runner.entries import codes_of
from dangol.runner.ledger import Happened, Ledger


def ledger_events(needs: Needs, catalog: Catalog) -> frozenset[str]:
    """Those of the events in question that come from the ledger: a source's own event of that name comes first."""
    return frozenset(name for name in needs.events if name in LEDGER_EVENTS and name not in catalog.events)


def with_ledger(state: State, names: Collection[str], ledger: Ledger) -> State:
    """The state with the ledger's events of these names; those of customers who are not in it count for nobody."""
    return with_events(state, names, ledger.events())


def with_events(
    state: State, names: Collection[str], happened: Happened, chosen: NDArray[np.bool_] | None = None
) -> State:
    """The state with those of the happened events (under the mask, if one is given) that have these names."""
    codes = codes_of(state, happened.customer)
    if chosen is not None:
        codes = np.where(chosen, codes, -1)
    kinds = np.array(happened.event, dtype=object)
    columns = {name: _column(_texts(happened, name)) for name in LEDGER_PROPERTIES}
    tables = {}
    for name in names:
        rows = np.flatnonzero((kinds == name) & (codes >= 0))
        rows = rows[np.argsort(happened.time[rows], kind="stable")]
        properties = {each: replace(column, data=column.data[rows]) for each, column in columns.items()}
        tables[name] = EventTable(codes[rows].astype(np.int32), happened.time[rows], properties)
    return replace(state, events={**state.events, **tables})


def _texts(happened: Happened, name: str) -> Sequence[str | None]:
    if name == "step":
        return [str(step) for step in happened.step.tolist()]
    texts: Sequence[str | None] = getattr(happened, name)
    return texts


def _column(texts: Sequence[str | None]) -> Column:
    vocabulary = {text: code for code, text in enumerate(dict.fromkeys(text for text in texts if text is not None))}
    data: NDArray[np.int32] = np.array([-1 if text is None else vocabulary[text] for text in texts], np.int32)
    return Column("text", data, list(vocabulary))
