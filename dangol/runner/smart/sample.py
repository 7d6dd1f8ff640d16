"""Every k-th customer of a state: enough to know a rate by, few enough to replay weeks of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from dangol.engine.state.model import Column, EventTable, State

ENOUGH = 50_000
"""Customers that are replayed at most."""


def sampled(state: State, enough: int = ENOUGH) -> tuple[State, int]:
    """The state of every k-th customer, and k (1: all of them)."""
    every = -(-state.size // enough) if state.size else 1
    if every == 1:
        return state, 1
    kept = np.arange(0, state.size, every)
    rank = np.empty(len(kept), np.int64)
    rank[np.argsort(state.id_rank[kept], kind="stable")] = np.arange(len(kept))
    return State(
        ids=_Some(state.ids, every, len(kept)),
        id_rank=rank,
        member=None if state.member is None else state.member[kept],
        attributes={name: _rows(column, kept) for name, column in state.attributes.items()},
        events={name: _of(table, every) for name, table in state.events.items()},
        lists={name: mask[kept] for name, mask in state.lists.items()},
        first_seen=state.first_seen[kept],
    ), every


def _of(table: EventTable, every: int) -> EventTable:
    rows = np.flatnonzero(np.asarray(table.customer) % every == 0)
    properties = {name: _rows(column, rows) for name, column in table.properties.items()}
    return EventTable((table.customer[rows] // every).astype(np.int32), table.time[rows], properties)


def _rows(column: Column, rows: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Column:
    return replace(column, data=column.data[rows])


class _Some(Sequence[str]):
    """Every k-th id, read when it is asked for."""

    def __init__(self, ids: Sequence[str], every: int, size: int) -> None:
        self._ids, self._every, self._size = ids, every, size

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, place: int) -> str:  # type: ignore[override]
        if not -self._size <= place < self._size:
            raise IndexError(place)
        return self._ids[place % self._size * self._every]
