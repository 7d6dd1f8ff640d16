"""The values that the templates of a scenario may use, in columns over its entries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dangol.engine import ir
from dangol.engine.backends.vector import Evaluation
from dangol.engine.catalog import normal
from dangol.engine.explanation import mentions
from dangol.engine.state.model import Column
from dangol.playbook.messages.template import EVERY, ITEMS, THE_LIST, Template
from dangol.runner.entries import Entries
from dangol.runner.personal import PERSONAL_NAMES, is_personal, mask
from dangol.runner.values import plain

Names = tuple[tuple[str, str], ...]


class Values:
    """Values by variable and position in the entries; each column is computed once. None: there is no such value."""

    def __init__(self, scenario: ir.Scenario, entries: Entries, evaluation: Evaluation) -> None:
        self.scenario, self.entries, self.codes, self.evaluation = scenario, entries, entries.codes, evaluation
        self._columns: dict[tuple[str, str], Sequence[object]] = {}

    def names(self, template: Template) -> Names:
        """The variables of a template, with all properties of the items named where it uses them all."""
        names = dict.fromkeys(template.variables)
        if (ITEMS, EVERY) in names:
            del names[(ITEMS, EVERY)]
            names |= dict.fromkeys((ITEMS, name) for name in (THE_LIST, *self._properties))
        return tuple(names)

    @cached_property
    def _properties(self) -> tuple[str, ...]:
        anchor = self.scenario.anchor
        tables = [] if anchor is None else [self.evaluation.state.events.get(event) for event in anchor.names]
        return tuple(dict.fromkeys(name for table in tables if table is not None for name in table.properties))

    def key(self, n: int, names: Names) -> tuple[object, ...]:
        """What decides how an entry's text reads."""
        return tuple(self._column(root, name)[n] for root, name in names)

    def of(self, n: int, names: Names, personal: frozenset[str] = frozenset()) -> dict[str, Any]:
        """root → name → value for one entry, and the list of items; what is missing is absent."""
        found: dict[str, Any] = {"customer": {}, "event": {}, "traits": {}}
        items: dict[str, Any] = {}
        for root, name in names:
            value = self._column(root, name)[n]
            if value is None:
                continue
            if personal and self._is_personal(root, normal(name), personal):
                value = tuple(map(_masked, value)) if isinstance(value, tuple) else mask(value)
            if root == ITEMS:
                items[name] = value
            else:
                found[root][name] = value
        return {**found, ITEMS: _rows(items)} if items else found

    def _is_personal(self, root: str, name: str, personal: frozenset[str]) -> bool:
        if root == "traits" and (trait := self.evaluation.program.traits.get(name)) is not None:
            names = PERSONAL_NAMES.union(map(str.casefold, personal))
            return trait.type not in ("number", "boolean") and mentions(trait, names, self.evaluation.program)
        return name in personal if root == "customer" else is_personal(name)

    def _column(self, root: str, name: str) -> Sequence[object]:
        key = (root, normal(name))
        if key not in self._columns:
            self._columns[key] = self._read(*key)
        return self._columns[key]

    def _read(self, root: str, name: str) -> Sequence[object]:
        state, zone = self.evaluation.state, self.scenario.zone
        if root == ITEMS:
            return self._items.column(name)
        if root == "event":
            return self._event_values(name, zone)
        if root == "traits" and (trait := self.evaluation.program.traits.get(name)) is not None:
            return plain(self.evaluation.values(ir.TraitRef(name, trait.type)), self.codes, zone)
        if root == "customer" and name == "id":
            return [state.ids[code] for code in self.codes.tolist()]
        if root == "customer" and name in state.attributes:
            return plain(state.attributes[name], self.codes, zone)
        return [None] * len(self.codes)

    def _event_values(self, name: str, zone: str) -> Sequence[object]:
        found: list[object] = [None] * len(self.codes)
        for position, event in enumerate(self.entries.names):
            here = np.flatnonzero(self.entries.event == position)
            column = _property(self.evaluation, event, name)
            if column is not None and len(here):
                for n, value in zip(here.tolist(), plain(column, self.entries.row[here], zone), strict=True):
                    found[n] = value
        return found

    @cached_property
    def _items(self) -> _Items:
        return _Items(self.scenario, self.codes, self.evaluation)


def _rows(columns: dict[str, Sequence[object]]) -> list[dict[str, object]]:
    count = len(next(iter(columns.values())))
    named = [(name, values) for name, values in columns.items() if name != THE_LIST]
    return [{name: values[k] for name, values in named if values[k] is not None} for k in range(count)]


def _masked(value: object) -> object:
    return None if value is None else mask(value)


def _property(evaluation: Evaluation, event: str, name: str) -> Column | None:
    table = evaluation.state.events.get(event)
    return None if table is None else table.properties.get(name)


class _Items:
    """Of each entry's customer the events that match the anchor's phrase now, newest first."""

    def __init__(self, scenario: ir.Scenario, codes: NDArray[np.int64], evaluation: Evaluation) -> None:
        self.evaluation, self.zone, self.size = evaluation, scenario.zone, len(codes)
        matched = evaluation.matches(scenario.anchor) if scenario.anchor is not None else []
        place = np.full(evaluation.state.size, -1, np.int64)
        place[codes] = np.arange(len(codes))
        self.names = tuple(rows.name for rows in matched)
        owner = _joined(place[rows.customer] for rows in matched)
        event = _joined(np.full(len(rows), number, np.int64) for number, rows in enumerate(matched))
        row, time = _joined(rows.places for rows in matched), _joined(rows.time for rows in matched)
        order = np.lexsort((-row, -event, -time, owner))
        order = order[owner[order] >= 0]
        self.event, self.row = event[order], row[order]
        self.bounds = np.searchsorted(owner[order], np.arange(len(codes) + 1)).tolist()

    def column(self, name: str) -> list[object]:
        """Per entry the values of a property, a tuple; None for an entry without such events."""
        values: list[object] = [None] * len(self.row)
        for number, event in enumerate(self.names):
            column = _property(self.evaluation, event, name)
            here = np.flatnonzero(self.event == number)
            if column is not None and len(here):
                for k, value in zip(here.tolist(), plain(column, self.row[here], self.zone), strict=True):
                    values[k] = tuple(value) if isinstance(value, list) else value
        return [tuple(values[low:high]) if low < high else None for low, high in pairwise(self.bounds)]


def _joined(arrays: Iterator[NDArray[Any]]) -> NDArray[np.int64]:
    return np.concatenate([np.zeros(0, np.int64), *arrays])
