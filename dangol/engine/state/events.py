"""One event source as typed rows: what each column is read as, what is left out, and the stream of what is kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dangol.diagnostics import DangolError
from dangol.engine.catalog import normal
from dangol.engine.ir import Type
from dangol.engine.sources import EventSource
from dangol.engine.state.coding import Coder, Codes, LearningCoder, Recoding, coder
from dangol.engine.state.encode import DICTIONARY, doubtful, encoded, identity, missing, packed_time, text, unpacked
from dangol.engine.state.filter import Filter
from dangol.engine.state.notes import finding
from dangol.engine.state.session import Session
from dangol.engine.state.sql import quoted
from dangol.engine.state.tables import Relation
from dangol.engine.state.texts import vocabulary_name
from dangol.engine.state.vocabulary import Vocabulary

TIME_HINT = "a time is written 2026-01-31T10:00:00, with an offset or without, or as a Unix time"


@dataclass(frozen=True)
class Wanted:
    """A column to read: the catalog's name for it, the source's, the type, and the events that have it."""

    name: str
    column: str
    kind: Type
    events: frozenset[str]


@dataclass(frozen=True)
class Left:
    """How many rows were looked at, and how many of them say no customer, no time or no event."""

    rows: int = 0
    no_customer: int = 0
    no_time: int = 0
    no_event: int = 0

    def __add__(self, other: Left) -> Left:
        return Left(*(mine + its for mine, its in zip(astuple(self), astuple(other), strict=True)))


@dataclass(frozen=True)
class Rows:
    """Some kept rows in source order; `event` is a place in `EventReader.events` or −1."""

    customer: NDArray[np.int32]
    time: NDArray[np.int64]
    event: NDArray[np.int32]
    values: Sequence[NDArray[Any]]

    def where(self, kept: NDArray[np.bool_]) -> Rows:
        return Rows(self.customer[kept], self.time[kept], self.event[kept], [values[kept] for values in self.values])


class EventReader:
    """Reads `relation` as `source` says.

    `events` are the catalog's names of the events that are wanted in full; with `others`, rows of all other events
    are given too (as event −1).
    """

    def __init__(
        self,
        session: Session,
        source: EventSource,
        relation: Relation,
        where: Filter | None,
        columns: Sequence[Wanted],
        events: Sequence[str],
        *,
        others: bool,
    ) -> None:
        self._session, self._source, self._relation = session, source, relation
        self.columns, self.events = tuple(columns), tuple(events)
        self._named = source.event_column is not None
        self._others = others or source.id_column is not None
        self._base = self._based(where)
        self._kept = f"(SELECT * FROM {self._base} WHERE id IS NOT NULL AND time IS NOT NULL{self._sieve()})"

    # --- what is selected ---------------------------------------------------------------------------------------

    def _based(self, where: Filter | None) -> str:
        """A FROM item with id, time, event, own_id and the raw columns raw_time, v0, v1, …"""
        roles = self._roles()
        raw = [column.column for column in self.columns]
        names = list(dict.fromkeys([*roles.values(), *raw, *(where.columns if where else ())]))
        place = {name: f"f{i}" for i, name in enumerate(names)}
        forms = self._relation.forms
        chosen = [f"{self._role(role, place[name], name)} AS {role}" for role, name in roles.items()]
        chosen.append(f"{place[roles['time']]} AS raw_time")
        chosen += [f"{place[name]} AS v{i}" for i, name in enumerate(raw)]
        condition = f" WHERE {where.sql(place)}" if where else ""
        sql = f"SELECT {', '.join(chosen)} FROM ({self._relation.select(names)}){condition}"
        if not any(form in ("csv", "json") for form in forms.values()):
            return f"({sql})"
        table = self._session.name("rows")
        self._session.run(f"CREATE TEMP TABLE {table} AS {sql}")
        return table

    def _roles(self) -> dict[str, str]:
        source, require = self._source, self._relation.require
        roles = {"id": require(source.customer, "the customer"), "time": require(source.time, "the time")}
        if source.event_column is not None:
            roles["event"] = require(source.event_column, "the event name")
        if source.id_column is not None:
            roles["own_id"] = require(source.id_column, "the event id")
        return roles

    def _role(self, role: str, value: str, name: str) -> str:
        form = self._relation.forms[name]
        if role == "time":
            return packed_time(value, form)
        return value if role == "id" and form in ("integer", "text") else identity(value, form)

    def _sieve(self) -> str:
        """SQL that keeps the rows of wanted events, and the map from the source's spelling to `events`."""
        self._spelled: dict[str, int] = {}
        source = self._source
        if source.event_column is None:
            return ""
        for (name,) in self._session.rows(f"SELECT DISTINCT event FROM {self._base} WHERE event IS NOT NULL"):
            known = catalog_name(source, name)
            if known is not None and known in self.events:
                self._spelled[name] = self.events.index(known)
        if self._others:
            return ""
        # not IN: DuckDB makes a join of a long list, and streamed joins lose the order of time
        cases = " ".join(f"WHEN {name} THEN true" for name in _literals(self._spelled))
        return f" AND CASE event {cases} ELSE false END" if cases else " AND false"

    # --- what is wrong ------------------------------------------------------------------------------------------

    def count(self) -> Left:
        """What is left out. Raises the diagnostics of values that cannot be read."""
        checks = [
            "count(*)",
            "count(id)",
            "count(raw_time)",
            f"count({'event' if self._named else '*'})",
            self._bad_time(),
        ]
        checks += [self._wrong(i) for i in range(len(self.columns))]
        sql = f"SELECT {', '.join(checks)} FROM {self._base}"
        rows, with_customer, with_time, with_event, bad_time, *bad = self._session.rows(sql)[0]
        found = [] if bad_time is None else [self._bad(self._source.time, bad_time, "a time", TIME_HINT)]
        for column, value in zip(self.columns, bad, strict=True):
            if value is not None:
                found.append(
                    self._bad(column.column, value, f"a {column.kind}", "correct the value or declare the type")
                )
        if found:
            raise DangolError(*found)
        return Left(rows, rows - with_customer, rows - with_time, rows - with_event)

    def _bad_time(self) -> str:
        form = self._relation.forms[normal(self._source.time)]
        if not doubtful(form, "instant"):
            return "NULL"
        written = text("raw_time", form)
        return f"any_value({written}) FILTER (time IS NULL AND {written} IS NOT NULL AND id IS NOT NULL)"

    def _wrong(self, place: int) -> str:
        """SQL: some value of a column that is not of its type, where the events that have it are concerned."""
        column = self.columns[place]
        form = self._relation.forms[column.column]
        if not doubtful(form, column.kind):
            return "NULL"
        spelled = [name for name, event in self._spelled.items() if self.events[event] in column.events]
        if self._named and not spelled:
            return "NULL"
        mine = f"event IN ({', '.join(_literals(spelled))})" if spelled else "true"
        written, value = text(f"v{place}", form), encoded(f"v{place}", form, column.kind)
        return f"any_value({written}) FILTER ({mine} AND {written} IS NOT NULL AND ({value}) IS NULL)"

    def _bad(self, column: str, value: str, kind: str, hint: str):  # type: ignore[no-untyped-def]
        message = f"`{value[:60]}` in the column `{column}` is not {kind}"
        return finding("E405", message, self._relation.place, hints=(hint,))

    # --- the rows -----------------------------------------------------------------------------------------------

    def stream(self, ids: Vocabulary, vocabularies: Mapping[str, Codes], seen: NDArray[np.uint64]) -> Iterator[Rows]:
        """The kept rows in source order, without those whose own id is in `seen` or came before."""
        coders = [self._coder(i, vocabularies) for i in range(len(self.columns))]
        customers = self._coded = self._customers(ids)
        events, fixed = self._event_coder()
        keep = self._first(seen) if self._source.id_column else None
        chosen = [f"{customers.sql} AS customer", "time", f"{events} AS event"]
        chosen += [f"{self._value(i, coders[i])} AS v{i}" for i in range(len(self.columns))]
        start = 0
        for batch in self._session.batches(f"SELECT {', '.join(chosen)} FROM {self._kept}"):
            size = len(batch["time"])
            rows = self._rows(batch, customers, fixed, coders)
            kept = rows.customer >= 0 if keep is None else keep[start : start + size] & (rows.customer >= 0)
            start += size
            yield rows if kept.all() else rows.where(kept)

    def _rows(
        self,
        batch: Mapping[str, NDArray[Any]],
        customers: Coder,
        events: NDArray[np.int32],
        coders: Sequence[Coder | None],
    ) -> Rows:
        zone = self._source.zone
        values = [self._decoded(batch[f"v{i}"], column.kind, coders[i]) for i, column in enumerate(self.columns)]
        return Rows(customers.codes(batch["customer"]), unpacked(batch["time"], zone), events[batch["event"]], values)

    def _decoded(self, found: NDArray[Any], kind: Type, coded: Coder | None) -> NDArray[Any]:
        if coded is not None:
            return coded.codes(found)
        return unpacked(found, self._source.zone) if kind == "instant" else found

    def _coder(self, place: int, vocabularies: Mapping[str, Codes]) -> Coder | None:
        column = self.columns[place]
        if column.kind not in DICTIONARY:
            return None
        value = encoded(f"v{place}", self._relation.forms[column.column], column.kind)
        return coder(self._session, self._base, value, vocabularies[vocabulary_name(column.name, column.kind)])

    def _customers(self, ids: Vocabulary) -> Coder:
        whole = self._relation.forms[normal(self._source.customer)] == "integer"
        value, known = "CAST(id AS VARCHAR)" if whole else "id", ids.hashed.get("integer" if whole else "text")
        if known is not None:
            return LearningCoder(self._session, self._base, value, "id", ids, known)
        return coder(self._session, self._base, value, ids, raw="id" if whole else None, empty=False)

    def settle(self) -> Recoding | None:
        """After the stream: how the codes of customers it gave are to be corrected."""
        return self._coded.settle() if isinstance(self._coded, LearningCoder) else None

    def _value(self, place: int, coded: Coder | None) -> str:
        column = self.columns[place]
        if coded is not None:
            return coded.sql
        value = encoded(f"v{place}", self._relation.forms[column.column], column.kind)
        return f"coalesce({value}, {missing(column.kind)})"

    def _event_coder(self) -> tuple[str, NDArray[np.int32]]:
        """SQL for the row's event, and what its numbers stand for (the last: none of the wanted)."""
        if self._source.event_column is None:
            place = self.events.index(self._source.event) if self._source.event in self.events else -1
            return "0", np.array([place], np.int32)
        table = np.array([*self._spelled.values(), -1], np.int32)
        cases = " ".join(f"WHEN {name} THEN {i}" for i, name in enumerate(_literals(self._spelled)))
        return (f"CASE event {cases} ELSE {len(table) - 1} END" if cases else "0"), table

    def _first(self, seen: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Which kept rows carry an own id for the first time.

        `own_ids` then holds all ids seen, sorted, and `repeats` whether some row carries one of `seen`.
        """
        hashed = "coalesce(md5_number_lower(own_id), 0::UBIGINT)"
        sql = f"SELECT (own_id IS NULL)::TINYINT AS none, {hashed} AS hash FROM {self._kept}"
        found = list(self._session.batches(sql))
        hashes = np.concatenate([seen[:0], *(batch["hash"].astype(np.uint64) for batch in found)])
        none = np.concatenate([np.zeros(0, np.bool_), *(batch["none"].astype(np.bool_) for batch in found)])
        fresh, first = np.unique(hashes, return_index=True)
        known = np.isin(fresh, seen, assume_unique=True)
        self.repeats = bool(known.any())
        keep = np.zeros(len(hashes), np.bool_)
        keep[first[~known]] = True
        self.own_ids = np.union1d(seen, fresh)
        kept: NDArray[np.bool_] = keep | none
        return kept


def catalog_name(source: EventSource, name: str) -> str | None:
    """The catalog's name for an event of the source; None when the source leaves it out."""
    name = normal(name)
    if source.only is not None and name not in source.only:
        return None
    return source.aliases.get(name, name)


def _literals(texts: Sequence[str] | Mapping[str, int]) -> list[str]:
    return [quoted(name) for name in texts]
