"""The customers: ids with their order, who is a member, attributes, and lists of ids."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from dangol.diagnostics import DangolError
from dangol.engine.ir import Type
from dangol.engine.sources import CustomerSource, Sources
from dangol.engine.state.arrow import joined, numbers, strings
from dangol.engine.state.coding import coded, coder
from dangol.engine.state.encode import (
    DICTIONARY,
    DTYPES,
    MISSING,
    Scale,
    doubtful,
    encoded,
    identity,
    missing,
    text,
    unpacked,
)
from dangol.engine.state.filter import filter_of
from dangol.engine.state.growth import Mark, mark
from dangol.engine.state.hashes import Hashes
from dangol.engine.state.layout import Index
from dangol.engine.state.lists import read_lists
from dangol.engine.state.notes import finding
from dangol.engine.state.session import Session
from dangol.engine.state.tables import Form, Relation, relation
from dangol.engine.state.texts import Texts, vocabulary_name
from dangol.engine.state.vocabulary import Vocabulary
from dangol.engine.state.writer import Earliest, pad

IDS, RANK, MEMBER, FIRST_SEEN = "ids", "rank", "member", "first_seen"


def load_customers(
    session: Session, index: Index, source: CustomerSource, ids: Vocabulary, attributes: Mapping[str, Type]
) -> Mark:
    """Reads the customers table: members and the attributes, each a column over all codes known so far."""
    now = mark(source.table)
    table = relation(session, source.table)
    _Table(session, index, source, table, ids).load(attributes)
    index.meta["customers"]["mark"] = now.to_json()
    return now


class _Table:
    def __init__(
        self, session: Session, index: Index, source: CustomerSource, table: Relation, ids: Vocabulary
    ) -> None:
        self._session, self._index, self._source, self._table, self._ids = session, index, source, table, ids

    def load(self, attributes: Mapping[str, Type]) -> None:
        columns = {name: column for name in attributes if (column := self._column(name)) is not None}
        self._base(columns)
        self._check(columns, attributes)
        codes = self._codes()
        size = len(self._ids)
        member = np.zeros(size, np.bool_)
        member[codes] = True
        self._index.replace(MEMBER, "?", [member])
        for key in [key for key in self._index.entries if key.startswith("attributes/")]:
            self._index.drop(key)
        self._index.meta["attributes"] = {
            name: self._attribute(name, kind, columns, codes, size) for name, kind in attributes.items()
        }

    def _codes(self) -> NDArray[np.int32]:
        """The codes of the ids; they are also kept by hash, so that events find them."""
        hashed = {"text": "hash(id)"}
        if self._table.forms[self._table.require(self._source.id, "the customer id")] == "integer":
            hashed["integer"] = "hash(CAST(id AS HUGEINT))"
        chosen = "".join(f", {sql} AS {form}" for form, sql in hashed.items())
        found = self._session.table(f"SELECT id{chosen} FROM {self._rows} WHERE id IS NOT NULL")
        texts = strings(found.column("id"))
        codes = coded(texts, self._ids)
        self._unique(codes, texts)
        for form in hashed:
            self._ids.hashed[form] = Hashes(numbers(found.column(form)), codes)
        return codes

    def _column(self, name: str) -> str | None:
        declared = self._source.attributes
        if declared is None:
            absent = name not in self._table.forms and self._source.table.format == "jsonl"
            return None if absent else self._table.require(name, f"the attribute `{name}`")
        return self._table.require(declared[name], f"the attribute `{name}`") if name in declared else None

    def _base(self, columns: Mapping[str, str]) -> None:
        key = self._table.require(self._source.id, "the customer id")
        where = filter_of(self._source.where, self._table, self._source.zone)
        names = list(dict.fromkeys([key, *columns.values(), *(where.columns if where else ())]))
        place = {name: f"f{i}" for i, name in enumerate(names)}
        raw = "".join(f", {place[column]} AS v{i}" for i, column in enumerate(columns.values()))
        condition = f" WHERE {where.sql(place)}" if where else ""
        self._rows = self._session.name("customers")
        self._session.run(
            f"CREATE TEMP TABLE {self._rows} AS SELECT {identity(place[key], self._table.forms[key])} AS id{raw}"
            f" FROM ({self._table.select(names)}){condition}"
        )

    def _check(self, columns: Mapping[str, str], attributes: Mapping[str, Type]) -> None:
        rows, missing = self._session.rows(f"SELECT count(*), count_if(id IS NULL) FROM {self._rows}")[0]
        self._index.meta["customers"]["left"] = [rows, missing]
        found = []
        for i, (name, column) in enumerate(columns.items()):
            form, kind = self._table.forms[column], attributes[name]
            if not doubtful(form, kind):
                continue
            written, value = text(f"v{i}", form), encoded(f"v{i}", form, kind)
            bad = self._session.rows(
                f"SELECT {written} FROM {self._rows} WHERE {written} IS NOT NULL AND ({value}) IS NULL LIMIT 1"
            )
            if bad:
                message = f"`{str(bad[0][0])[:60]}` in the column `{column}` is not a {kind}"
                hint = "correct the value or declare the type"
                found.append(finding("E405", message, self._table.place, hints=(hint,)))
        if found:
            raise DangolError(*found)

    def _unique(self, codes: NDArray[np.int32], found: Any) -> None:
        count = np.bincount(codes, minlength=1)
        twice = np.flatnonzero(count > 1)
        if len(twice):
            example = found[int(np.flatnonzero(codes == twice[0])[0])].as_py()
            more = f" (and {len(twice) - 1} more)" if len(twice) > 1 else ""
            message = f"the customer id `{example}` stands {count[twice[0]]} times in the customers table{more}"
            hint = "one row per customer; a table of events belongs under `events`"
            raise DangolError(finding("E408", message, self._table.place, hints=(hint,)))

    def _attribute(
        self, name: str, kind: Type, columns: Mapping[str, str], codes: NDArray[np.int32], size: int
    ) -> dict[str, Any]:
        data = np.full(size, MISSING[kind], DTYPES[kind])
        if kind in DICTIONARY:
            Vocabulary(self._index, vocabulary_name(name, kind))  # there even if nobody has a value
        if name in columns:
            data[codes] = self._values(f"v{list(columns).index(name)}", name, kind, self._table.forms[columns[name]])
        self._index.replace(f"attributes/{name}", DTYPES[kind], [data])
        scale = Scale()
        if kind == "number":
            scale.see(data)
        return {"kind": kind, "scale": scale.places if kind == "number" else None}

    def _values(self, place: str, name: str, kind: Type, form: Form) -> NDArray[Any]:
        value = encoded(place, form, kind)
        if kind in DICTIONARY:
            vocabulary = Vocabulary(self._index, vocabulary_name(name, kind))
            found = coder(self._session, self._rows, value, vocabulary)
            return found.codes(self._one(found.sql))
        plain = self._one(f"coalesce({value}, {missing(kind)})")
        return unpacked(plain, self._source.zone) if kind == "instant" else plain

    def _one(self, sql: str) -> NDArray[Any]:
        return self._session.columns(f"SELECT {sql} AS value FROM {self._rows} WHERE id IS NOT NULL")["value"]


# --- after customers and events ---------------------------------------------------------------------------------


def finish_customers(index: Index, sources: Sources, ids: Vocabulary, seen: Earliest) -> None:
    """Brings everything that goes by customer up to the ids there are now: their order, members, lists."""
    size = len(ids)
    _rank(index, ids.texts)
    for name, known in index.meta.get("attributes", {}).items():
        pad(index, f"attributes/{name}", size, MISSING[known["kind"]])
    if sources.customers is not None:
        pad(index, MEMBER, size, False)
    else:
        index.replace(FIRST_SEEN, "<i8", [seen.of(size)])
    read_lists(index, sources, ids)


def _rank(index: Index, texts: Texts) -> None:
    known = index.read(RANK) if RANK in index else np.empty(0, np.int64)
    size = len(texts)
    if len(known) == size and size:
        return
    order = _merged(known, texts) if (size - len(known)) * 100 < size else _sorted(texts)
    rank = np.empty(size, np.int64)
    rank[order] = np.arange(size)
    index.replace(RANK, "<i8", [rank])


def _sorted(texts: Texts) -> NDArray[np.int64]:
    """Codes in code-point order of their texts (UTF-8 bytes sort the same way)."""
    return numbers(pc.sort_indices(joined(*texts.raw))).astype(np.int64)


def _merged(known: NDArray[np.int64], texts: Texts) -> NDArray[np.int64]:
    """The old order with the few new codes put in their places."""
    order = np.empty(len(known), np.int64)
    order[known] = np.arange(len(known))
    fresh = sorted(range(len(known), len(texts)), key=texts.__getitem__)
    places = [bisect_left(order, texts[code], key=lambda old: texts[int(old)]) for code in fresh]
    return np.insert(order, places, fresh)
