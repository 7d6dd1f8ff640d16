"""Files to read and a way to look at the state that came out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dangol.diagnostics import Diagnostic
from dangol.engine.sources import CustomerSource, EventSource, Sources, Table
from dangol.engine.state import discover, open_state
from dangol.engine.state.model import NO_DATE, NO_INSTANT, Column, State

NONE = {"number": None, "instant": NO_INSTANT, "date": NO_DATE, "boolean": -1}


def value(column: Column, row: int) -> Any:
    """A cell in plain Python; None when it is missing."""
    found = column.data[row].item()
    if column.type == "number":
        return None if found != found else found
    if column.vocabulary is not None:
        return None if found < 0 else column.vocabulary[found]
    if found == NONE[column.type]:
        return None
    return bool(found) if column.type == "boolean" else found


def events(state: State, event: str) -> list[tuple[Any, ...]]:
    """(customer, time, {property: value}) in the order of the table, missing values left out."""
    table = state.events[event]
    return [
        (
            state.ids[code],
            time,
            {name: cell for name, column in table.properties.items() if (cell := value(column, row)) is not None},
        )
        for row, (code, time) in enumerate(zip(table.customer.tolist(), table.time.tolist(), strict=True))
    ]


def _row(event: tuple[Any, ...]) -> str:
    customer, time, properties = event
    return repr((customer, time, sorted(properties.items())))


def everything(state: State) -> dict[str, Any]:
    """A state by ids instead of codes, equal times in any order."""
    codes = {state.ids[code]: code for code in range(state.size)}
    tables = {name: sorted(events(state, name), key=_row) for name in state.events}
    return {
        "events": {name: rows for name, rows in tables.items() if rows},
        "attributes": {
            name: {key: cell for key, code in codes.items() if (cell := value(column, code)) is not None}
            for name, column in state.attributes.items()
        },
        "members": None if state.member is None else {key for key, code in codes.items() if state.member[code]},
        "lists": {name: {key for key, code in codes.items() if mask[code]} for name, mask in state.lists.items()},
        "ranks": [key for key, code in sorted(codes.items(), key=lambda pair: state.id_rank[pair[1]])],
    }


def summaries_hold(state: State) -> bool:
    """Whether every summary is what its rows say, and every table is in time order."""
    for table in state.events.values():
        times = table.time.tolist()
        if times != sorted(times) or table.summary is None:
            return False
        rows = table.summary.rows
        for code in range(state.size):
            mine = [t for c, t in zip(table.customer[:rows].tolist(), times, strict=False) if c == code]
            last, first = (max(mine), min(mine)) if mine else (NO_INSTANT, NO_INSTANT)
            found = (table.summary.last[code], table.summary.first[code], table.summary.count[code])
            if found != (last, first, len(mine)):
                return False
    return True


@dataclass
class World:
    """A folder of data files with sources over them."""

    folder: Path
    sources: Sources = field(default_factory=Sources)
    notes: list[Diagnostic] = field(default_factory=list)

    def write(self, name: str, text: str | bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def extend(self, name: str, text: str) -> None:
        with (self.folder / name).open("a", encoding="utf-8") as file:
            file.write(text)

    def table(self, name: str) -> Table:
        formats: Sequence[tuple[str, Any]] = [("parquet", "parquet"), ("jsonl", "jsonl"), ("duckdb", "duckdb")]
        return Table(str(self.folder / name), next((f for ending, f in formats if name.endswith(ending)), "csv"))

    def log(self, name: str, **more: Any) -> EventSource:
        """A source with the columns customer, event, time."""
        single = "event" in more or "event_column" in more
        roles: dict[str, Any] = {"customer": "customer", "time": "time"} | ({} if single else {"event_column": "event"})
        return EventSource(self.table(name), **(roles | more))

    def of(
        self,
        *sources: EventSource,
        customers: str | CustomerSource | None = None,
        lists: Mapping[str, Path] | None = None,
    ) -> World:
        found = CustomerSource(self.table(customers), "id") if isinstance(customers, str) else customers
        self.sources = Sources(sources, found, lists or {})
        return self

    def state(
        self,
        needed: Mapping[str, Iterable[str]] | None = None,
        attributes: Iterable[str] | None = None,
        *,
        keep: bool = True,
    ) -> State:
        directory = self.folder / ".dangol" if keep else None
        catalog, found = discover(self.sources, directory)
        self.notes = list(found)
        return open_state(self.sources, catalog, needed, attributes, directory, notes=self.notes)

    @property
    def catalog(self) -> Any:
        return discover(self.sources)[0]
