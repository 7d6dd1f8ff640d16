"""What kind of value a column holds: every value is looked at, by language.md 1.4."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dangol.engine.catalog import Mixed
from dangol.engine.ir import Type
from dangol.engine.state.tables import Form

PLAIN, NUMBER, DOTTED, ZERO, WORD, DAY, TIME, TEXT = (1 << bit for bit in range(8))
JSON_NUMBER, JSON_BOOLEAN, JSON_LIST, JSON_OBJECT = (1 << bit for bit in range(8, 12))
NATIVE = 1 << 12

_TEXTS = PLAIN | NUMBER | DOTTED | ZERO | WORD | DAY | TIME | TEXT
NATIVE_KINDS: dict[str, Type] = {
    "integer": "number",
    "number": "number",
    "boolean": "boolean",
    "instant": "instant",
    "local": "instant",
    "date": "date",
    "list": "list",
}

OFFSET = r":\d\d([.]\d+)?\s?(Z|z|UTC|[+-]\d\d(:?\d\d)?)$"
"""The end of a date-time that says its offset."""

_DAY = r"\d{4}-\d\d-\d\d"
_TIME = _DAY + r"[Tt ]\d\d:\d\d(:\d\d([.]\d+)?)?\s?(Z|z|UTC|[+-]\d\d(:?\d\d)?)?"

TIME_PATTERN = f"{_DAY}|{_TIME}"
"""A day or a date-time as ISO 8601 writes them, whole."""


@dataclass(frozen=True)
class Seen:
    """What a table holds: the form of each column and, per event name of the source, the classes of its values."""

    forms: Mapping[str, Form]
    masks: Mapping[str, Mapping[str, int]]

    def __or__(self, other: Seen) -> Seen:
        masks = {event: dict(found) for event, found in self.masks.items()}
        for event, found in other.masks.items():
            known = masks.setdefault(event, {})
            for column, bits in found.items():
                known[column] = known.get(column, 0) | bits
        return Seen({**other.forms, **self.forms}, masks)


def text_mask(value: str) -> str:
    """SQL: the bit of the class that the text `value` belongs to.

    No number are `007` and whole numbers of more than 15 digits: they are ids, and would not survive as such.
    """

    def like(pattern: str) -> str:
        return f"regexp_full_match({value}, '{pattern}')"

    return (
        f"CASE WHEN {value}[1] NOT BETWEEN '-' AND '9' AND {value}[1] NOT IN ('t', 'f', 'T', 'F') THEN {TEXT}"
        f" WHEN {like(r'(0|[1-9][0-9]{0,14})([.][0-9]+)?')} THEN {PLAIN}"
        f" WHEN {like(r'-?((0|[1-9][0-9]{0,14})([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]+)?')}"
        f" AND isfinite(try_cast({value} AS DOUBLE)) THEN {NUMBER}"
        f" WHEN {like(r'[0-9]+([.][0-9]+){2,}')} THEN {DOTTED}"
        f" WHEN {like(r'[0-9]+([.][0-9]+)?')} THEN {ZERO}"
        f" WHEN {value} IN ('true', 'false', 'True', 'False', 'TRUE', 'FALSE') THEN {WORD}"
        f" WHEN {like(_DAY)} AND try_cast({value} AS DATE) IS NOT NULL THEN {DAY}"
        f" WHEN {like(_TIME)} AND try_cast({value} AS TIMESTAMPTZ) IS NOT NULL THEN {TIME}"
        f" ELSE {TEXT} END"
    )


def mask(value: str, form: Form) -> str:
    """SQL: an aggregate over a group of rows, the classes of all values present as bits (0: none present)."""
    if form in ("csv", "text"):
        found = text_mask(value if form == "csv" else f"CAST({value} AS VARCHAR)")
        found = f"CASE WHEN {value} IS NULL THEN 0 ELSE {found} END"
    elif form == "json":
        found = _json_mask(value)
    else:
        return f"CASE WHEN count({value}) > 0 THEN {NATIVE} ELSE 0 END"
    return f"coalesce(bit_or(({found})::INTEGER), 0)"


def _json_mask(value: str) -> str:
    texts = text_mask(f"({value} ->> '$')")
    return (
        f"CASE coalesce(json_type({value}), 'NULL') WHEN 'NULL' THEN 0 WHEN 'VARCHAR' THEN {texts}"
        f" WHEN 'BOOLEAN' THEN {JSON_BOOLEAN} WHEN 'OBJECT' THEN {JSON_OBJECT}"
        f" WHEN 'ARRAY' THEN CASE WHEN try_cast({value} AS JSON[]) IS NOT NULL AND len(list_filter("
        f"CAST({value} AS JSON[]), lambda item: json_type(item) NOT IN ('VARCHAR', 'NULL'))) = 0"
        f" THEN {JSON_LIST} ELSE {JSON_OBJECT} END"
        f" ELSE {JSON_NUMBER} END"
    )


def kind_of(found: int, form: Form) -> Type | Mixed | None:
    """The type of a column whose values have the classes `found`; None when it has no value or none of use."""
    if not found or form == "other":
        return None
    if form == "csv":
        return _csv_kind(found)
    if form == "text":
        return _text_kind(found)
    if form == "json":
        return _json_kind(found)
    return NATIVE_KINDS[form]


def _csv_kind(found: int) -> Type:
    if not found & ~(PLAIN | NUMBER):
        return "number"
    return "boolean" if found == WORD else _text_kind(found)


def _text_kind(found: int) -> Type:
    if found == DAY:
        return "date"
    if found == TIME:
        return "instant"
    return "version" if found & DOTTED and not found & ~(PLAIN | DOTTED | ZERO) else "text"


def _json_kind(found: int) -> Type | Mixed | None:
    families: dict[str, Type | None] = {}
    if found & _TEXTS:
        families["text"] = _text_kind(found & _TEXTS)
    for bit, name in ((JSON_NUMBER, "number"), (JSON_BOOLEAN, "boolean"), (JSON_LIST, "list")):
        if found & bit:
            families[name] = name  # type: ignore[assignment]
    if found & JSON_OBJECT:
        families["object"] = None
    if len(families) > 1:
        return Mixed(tuple(sorted(families)))
    return next(iter(families.values()))
