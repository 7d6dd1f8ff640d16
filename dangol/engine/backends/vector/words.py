"""Vocabularies: finding texts, testing them once each, and bringing two of them together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from dangol.engine.state.model import Codes, Column, Mask

ABSENT = -2
"""The code of a text that is not in the vocabulary; −1 is a missing value."""

_FEW = 16
_MANY = 2_000
"""From so many texts on they are tested as a column."""


def codes_of(vocabulary: Sequence[Any], texts: Sequence[Any]) -> Codes:
    """The code of each text, ABSENT for one that is not in the vocabulary."""
    find = getattr(vocabulary, "find", None)
    if find is not None:
        found = np.asarray(find(texts), np.int32)
        return np.where(found < 0, np.int32(ABSENT), found).astype(np.int32)
    if len(texts) < _FEW and isinstance(vocabulary, list):
        return np.array([vocabulary.index(text) if text in vocabulary else ABSENT for text in texts], np.int32)
    wanted = dict.fromkeys(texts, ABSENT)
    for code, text in enumerate(vocabulary):
        if text in wanted:
            wanted[text] = code
    return np.array([wanted[text] for text in texts], np.int32)


def translation(source: Sequence[Any], target: Sequence[Any]) -> Codes:
    """For each code of `source` its code in `target` or ABSENT; one more entry, −1, so that −1 stays −1."""
    return np.append(codes_of(target, list(source)), np.int32(-1))


def same_codes(left: Column, right: Column) -> tuple[NDArray[Any], NDArray[Any]]:
    """The data of two coded columns with equal codes for equal texts; negative ones equal nothing."""
    if left.vocabulary is right.vocabulary:
        return left.data, right.data
    mine, other = left.vocabulary or (), right.vocabulary or ()
    if len(other) > len(mine):
        return translation(mine, other)[left.data], right.data
    return left.data, translation(other, mine)[right.data]


def per_word(column: Column, test: Callable[[Any], Any], dtype: Any, missing: Any) -> NDArray[Any]:
    """test(text) for each value, computed once for each distinct one."""
    vocabulary = column.vocabulary or ()
    if len(vocabulary) <= max(column.data.size, _FEW):
        table = np.fromiter(map(test, vocabulary), dtype, len(vocabulary))
        return cast(NDArray[Any], np.append(table, np.array([missing], dtype))[column.data])
    used, place = np.unique(column.data, return_inverse=True)
    table = np.full(len(used), missing, dtype)
    there = used >= 0
    table[there] = np.fromiter(map(test, texts_of(vocabulary, used[there])), dtype, int(there.sum()))
    return cast(NDArray[Any], table[place].reshape(column.data.shape))


def tested(column: Column, test: str, given: str) -> Mask:
    """Whether each text `contains`, `starts with`, `ends with` or `matches` the given one; missing ones do not."""
    vocabulary = column.vocabulary or ()
    raw: Any = getattr(vocabulary, "raw", None)
    if raw is None or min(len(vocabulary), column.data.size) < _MANY:
        return cast(Mask, per_word(column, tester(test, given), np.bool_, False))
    from dangol.engine.state.arrow import passing

    if len(vocabulary) <= column.data.size:
        return cast(Mask, np.append(passing(raw, test, given), False)[column.data])
    used, place = np.unique(column.data, return_inverse=True)
    there = used >= 0
    table = np.zeros(len(used), np.bool_)
    table[there] = passing(raw, test, given, used[there])
    return cast(Mask, table[place].reshape(column.data.shape))


def tester(test: str, given: str) -> Callable[[str], bool]:
    """Whether a text passes a test."""
    match test:
        case "contains":
            return lambda text: given in text
        case "starts with":
            return lambda text: text.startswith(given)
        case "ends with":
            return lambda text: text.endswith(given)
    return searcher(given)


def texts_of(vocabulary: Sequence[Any], codes: NDArray[Any]) -> list[Any]:
    """The texts of codes; a vocabulary that is read from a file knows a faster way for many."""
    many = getattr(vocabulary, "many", None)
    if many is not None and len(codes) > _FEW:
        return cast(list[Any], many(codes))
    return [vocabulary[code] for code in codes.tolist()]


def pairs(left: Column, right: Column, test: Callable[[Any, Any], bool]) -> Mask:
    """test(left, right) for each pair of present texts, computed once for each distinct pair."""
    first, second = np.broadcast_arrays(left.data, right.data)
    keys = first.astype(np.int64) << 32 | second.astype(np.int64) & 0xFFFFFFFF
    distinct, place = np.unique(keys, return_inverse=True)
    split = zip((distinct >> 32).tolist(), (distinct << 32 >> 32).tolist(), strict=True)
    mine, other = left.vocabulary or (), right.vocabulary or ()
    table = np.array([a >= 0 and b >= 0 and test(mine[a], other[b]) for a, b in split], np.bool_)
    return cast(Mask, table[place].reshape(first.shape))


def version_key(text: str) -> tuple[int, ...] | None:
    """A version's numbers without trailing zeros; None for a text that is no version."""
    parts = text.split(".")
    if not all(part.isascii() and part.isdigit() and len(part) < 4000 for part in parts):
        return None
    numbers = [int(part) for part in parts]
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)


def version_ranks(*columns: Column) -> list[NDArray[Any]]:
    """The data of version columns as ranks over all of them: equal versions equal, later ones greater, −1 missing."""
    used = [np.unique(column.data) for column in columns]
    keys = [_version_keys(column, codes[codes >= 0]) for column, codes in zip(columns, used, strict=True)]
    order = sorted({key for each in keys for key in each.values() if key is not None})
    rank: dict[Any, int] = {key: place for place, key in enumerate(order)}
    found = []
    for column, codes, known in zip(columns, used, keys, strict=True):
        table = np.array([rank.get(known.get(code), -1) for code in codes.tolist()], np.int32)
        found.append(table[np.searchsorted(codes, column.data)] if codes.size else column.data)
    return found


def _version_keys(column: Column, codes: NDArray[Any]) -> dict[int, tuple[int, ...] | None]:
    return dict(zip(codes.tolist(), map(version_key, texts_of(column.vocabulary or (), codes)), strict=True))


def text_ranks(column: Column) -> NDArray[Any]:
    """The data as ranks in code-point order of the texts (or tuples of texts), −1 missing."""
    used, place = np.unique(column.data, return_inverse=True)
    there = np.flatnonzero(used >= 0)
    texts = texts_of(column.vocabulary or (), used[there])
    table = np.full(len(used), -1, np.int64)
    table[there[sorted(range(len(texts)), key=texts.__getitem__)]] = np.arange(len(texts))
    return cast(NDArray[Any], table[place].reshape(column.data.shape))


def united(columns: Iterable[Column]) -> tuple[list[NDArray[Any]], Sequence[Any] | None]:
    """The data of coded columns over one common vocabulary, and that vocabulary."""
    given = list(columns)
    first = given[0].vocabulary if given else None
    if all(column.vocabulary is first for column in given):
        return [column.data for column in given], first
    codes: dict[Any, int] = {}
    tables = []
    for column in given:
        table = [codes.setdefault(text, len(codes)) for text in column.vocabulary or ()]
        tables.append(np.array([*table, -1], np.int32)[column.data])
    return tables, list(codes)


@lru_cache(maxsize=256)
def searcher(pattern: str) -> Callable[[str], bool]:
    """Whether an RE2 pattern is found in a text."""
    import re2

    compiled = re2.compile(pattern)
    return lambda text: compiled.search(text) is not None
