"""What can be done to whole columns of values: compare, test, choose, count with, under the rules for missing values.

The data of a column are one value per row, or a single one (0-d) that holds for every row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from dangol.engine import ir
from dangol.engine.backends.vector import words
from dangol.engine.state.model import NO_DATE, NO_INSTANT, Column, Mask

_CODED = ("text", "version", "list")
MISSING: dict[ir.Type, Any] = {
    "number": np.nan, "text": -1, "version": -1, "list": -1, "boolean": -1, "instant": NO_INSTANT, "date": NO_DATE,
}  # fmt: skip
DTYPE: dict[ir.Type, Any] = {
    "number": np.float64, "text": np.int32, "version": np.int32, "list": np.int32, "boolean": np.int8,
    "instant": np.int64, "date": np.int32,
}  # fmt: skip
_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "=": np.equal, "<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal,
}  # fmt: skip

_WHOLE = 2.0**53
_MOST_PLACES = 15


def constant(node: ir.Constant) -> Column:
    """A literal as a column."""
    if node.type in _CODED:
        return Column(node.type, np.array(0, np.int32), [node.value])
    data = np.array(node.value, DTYPE[node.type])
    return Column(node.type, data, scale=_places(float(node.value)) if node.type == "number" else None)


def _places(value: float) -> int | None:
    """With how many decimal places the value is written, if at most 9."""
    return next((n for n in range(10) if abs(value) * 10.0**n < _WHOLE and round(value, n) == value), None)


def absent(kind: ir.Type, size: int) -> Column:
    """A column without any value."""
    return Column(kind, np.full(size, MISSING[kind], DTYPE[kind]), [] if kind in _CODED else None)


def missing(column: Column) -> Mask:
    """Where there is no value. A number in whole-number data is never missing."""
    data = column.data
    if column.type == "number":
        return np.isnan(data) if data.dtype.kind == "f" else np.zeros(data.shape, np.bool_)
    gone: Mask = np.equal(data, MISSING[column.type]) if column.type in ("instant", "date") else np.less(data, 0)
    return gone


def complete(column: Column) -> bool:
    """Whether no value is missing."""
    if column.type == "number" and column.data.dtype.kind == "f":
        with np.errstate(over="ignore", invalid="ignore"):
            return not np.isnan(column.data.sum()) or not np.isnan(column.data).any()
    return not missing(column).any()


def take(column: Column, places: Any) -> Column:
    """The values at those places."""
    return column if column.data.ndim == 0 else replace(column, data=column.data[places])


def without(column: Column, gone: Mask) -> Column:
    """The column with the values under the mask missing."""
    data = column.data
    if column.type == "number" and data.dtype.kind != "f":
        data = data.astype(np.float64)
    return replace(column, data=np.where(gone, np.array(MISSING[column.type], data.dtype), data))


def compare(op: str, left: Column, right: Column) -> Mask:
    """Left op right; false where a side is missing. Versions compare by their parts, also with a text."""
    apply = _COMPARE[op]
    if "version" in (left.type, right.type):
        first, second = words.version_ranks(left, right)
        return cast(Mask, apply(first, second) & (first >= 0) & (second >= 0))
    if left.type in _CODED:
        return _same_text(left, right)
    if left.type == "number":
        return cast(Mask, apply(_operand(left, right), _operand(right, left)))
    found: Mask = apply(left.data, right.data)
    for side in (left, right):
        found = found & ~missing(side)
    return found


def _same_text(left: Column, right: Column) -> Mask:
    first, second = words.same_codes(left, right)
    if second.ndim == 0 and second >= 0:
        return cast(Mask, np.equal(first, second))
    return cast(Mask, np.equal(first, second) & (first >= 0))


def _operand(column: Column, other: Column) -> Any:
    """A single whole number as an int when the other side is whole, so that nothing is widened to float."""
    if column.data.ndim:
        return column.data
    value = column.data.item()
    return int(value) if other.data.dtype.kind == "i" and float(value).is_integer() else value


def one_of(column: Column, options: Sequence[ir.Constant]) -> Mask:
    """Whether the value is one of the options; false where it is missing."""
    if column.type == "version":
        found = np.zeros(column.data.shape, np.bool_)
        for option in options:
            found |= compare("=", column, constant(option))
        return found
    if column.type in _CODED:
        vocabulary = column.vocabulary or ()
        wanted = words.codes_of(vocabulary, [option.value for option in options])
        chosen = np.zeros(len(vocabulary) + 1, np.bool_)
        chosen[wanted[wanted >= 0]] = True
        return np.asarray(chosen[column.data])
    return np.asarray(np.isin(column.data, np.array([option.value for option in options], DTYPE[column.type])))


def text_test(kind: str, column: Column, argument: Column) -> Mask:
    """Whether the text, or list, passes the test; false where a side is missing."""
    if argument.data.ndim == 0 and argument.data >= 0:
        given = (argument.vocabulary or ())[int(argument.data)]
        if kind == "has":
            return cast(Mask, words.per_word(column, lambda items: given in items, np.bool_, False))
        return words.tested(column, kind, given)
    if kind == "has":
        return words.pairs(column, argument, lambda items, item: item in items)
    return words.pairs(column, argument, lambda text, given: words.tester(kind, given)(text))


def calculate(op: str, left: Column, right: Column) -> Column:
    """One step of arithmetic; NaN where a side is missing or the divisor is 0.

    Decimals are calculated with as decimals: 60.02 - 50.01 is 10.01, and 0.3 / 3 is 0.1.
    """
    first, second = left.data.astype(np.float64), right.data.astype(np.float64)
    scales = scale_of(left), scale_of(right)
    with np.errstate(all="ignore"):
        if op == "/":
            if None not in scales and any(scales):
                unit = 10.0 ** max(each for each in scales if each is not None)
                first, second = np.rint(first * unit), np.rint(second * unit)
            return Column("number", np.where(second == 0, np.nan, first / second))
        found = {"+": np.add, "-": np.subtract, "*": np.multiply}[op](first, second)
    known = [each for each in scales if each is not None]
    return decimal(found, None if len(known) < 2 else sum(known) if op == "*" else max(known))


def scale_of(column: Column) -> int | None:
    """How many decimal places the numbers have at most; None when they are no decimals."""
    return 0 if column.data.dtype.kind == "i" else column.scale


def decimal(found: NDArray[np.float64], places: int | None) -> Column:
    """Numbers that are decimals but for the error of one calculation, if doubles can tell them apart."""
    if places is None or places > _MOST_PLACES:
        return Column("number", found)
    whole = np.rint(found * 10.0**places)
    if np.fmax.reduce(np.abs(whole), axis=None, initial=0) >= _WHOLE:
        return Column("number", found)
    return Column("number", whole / 10.0**places if places else found, scale=places)


def choose(kind: ir.Type, branches: Sequence[tuple[Mask, Column]], otherwise: Column | None, size: int) -> Column:
    """The value of the first branch whose mask holds, else `otherwise`, else missing."""
    last = otherwise or absent(kind, size)
    given = [column for _, column in branches] + [last]
    vocabulary: Sequence[Any] | None = None
    data = [column.data for column in given]
    if kind in _CODED:
        data, vocabulary = words.united(given)
    found = np.broadcast_to(data[-1], (size,)).astype(DTYPE[kind])
    for (mask, _), values in zip(reversed(branches), reversed(data[:-1]), strict=True):
        found = np.where(mask, values, found).astype(DTYPE[kind], copy=False)
    scales = (
        [scale_of(column) for column in given[: None if otherwise is not None else -1]] if kind == "number" else [None]
    )
    return Column(kind, found, vocabulary, None if None in scales else max(each for each in scales if each is not None))


def ranks(column: Column) -> NDArray[Any]:
    """Numbers that order the values, a missing one below all: numbers and times by size, texts by code point."""
    if column.type == "version":
        return words.version_ranks(column)[0]
    if column.type in _CODED:
        return words.text_ranks(column)
    if column.type == "number":
        data = column.data
        return np.where(np.isnan(data), -np.inf, data) if data.dtype.kind == "f" else data
    return column.data


def identities(column: Column) -> NDArray[Any]:
    """Whole numbers, equal exactly for equal values; only meaningful where a value is present."""
    if column.type == "version":
        return words.version_ranks(column)[0]
    if column.type != "number":
        return column.data
    return (column.data + 0.0).view(np.int64) if column.data.dtype.kind == "f" else column.data


def joined(columns: Sequence[Column]) -> Column:
    """Columns of one type end to end."""
    kind = columns[0].type
    if len(columns) == 1:
        return columns[0]
    data, vocabulary = words.united(columns) if kind in _CODED else ([each.data for each in columns], None)
    scales = [column.scale for column in columns]
    scale = None if None in scales else max(each for each in scales if each is not None)
    return Column(kind, np.concatenate(data), vocabulary, scale)
