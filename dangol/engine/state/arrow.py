"""Between Arrow, which texts and the reader speak, and numpy; without loading pandas, as Arrow's own ways do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Raw = tuple[NDArray[np.uint8], NDArray[np.int64]]
"""UTF-8 bytes one text after the other, and where each ends."""


def numbers(values: Any) -> NDArray[Any]:
    """A column of numbers without gaps as an array."""
    dtype = np.dtype(values.type.to_pandas_dtype())
    if isinstance(values, pa.ChunkedArray):
        parts = [numbers(chunk) for chunk in values.chunks]
        return parts[0] if len(parts) == 1 else np.concatenate([np.empty(0, dtype), *parts])
    if not len(values):
        return np.empty(0, dtype)
    return np.frombuffer(values.buffers()[1], dtype, len(values), values.offset * dtype.itemsize)


def strings(values: Any) -> Any:
    """Texts, from Python or a column, as one array."""
    if isinstance(values, pa.ChunkedArray):
        values = values.cast(pa.large_string()).combine_chunks()
    return values if isinstance(values, pa.LargeStringArray) else pa.array(values, pa.large_string())


def joined(data: NDArray[np.uint8], ends: NDArray[np.int64]) -> Any:
    """UTF-8 bytes one text after the other, and where each ends, as an array of texts."""
    offsets = np.concatenate([np.zeros(1, np.int64), ends])
    return pa.LargeStringArray.from_buffers(len(ends), pa.py_buffer(offsets), pa.py_buffer(data))


def apart(texts: Any) -> Raw:
    """The opposite of `joined`."""
    if not len(texts):
        return np.empty(0, np.uint8), np.empty(0, np.int64)
    _, offsets, data = texts.buffers()
    places = np.frombuffer(offsets, np.int64, len(texts) + 1, texts.offset * 8)
    whole = np.frombuffer(data, np.uint8) if data is not None else np.empty(0, np.uint8)
    return whole[places[0] : places[-1]], places[1:] - places[0]


def normalised(texts: Any, normal: Any) -> Any:
    """The texts, those that are not ASCII in their one spelling."""
    plain = pc.string_is_ascii(texts)
    if pc.all(plain).as_py() is not False:
        return texts
    other = pc.invert(plain)
    written: Sequence[str] = [normal(text) for text in texts.filter(other).to_pylist()]
    return pc.replace_with_mask(texts, other, pa.array(written, pa.large_string()))


_TESTS = {
    "contains": pc.match_substring,
    "starts with": pc.starts_with,
    "ends with": pc.ends_with,
    "matches": pc.match_substring_regex,
}


def passing(raw: Raw, test: str, given: str, codes: NDArray[Any] | None = None) -> NDArray[np.bool_]:
    """Which of the texts, or of those at `codes`, pass a test of the language; patterns are RE2's, as elsewhere."""
    texts = joined(*raw) if codes is None else joined(*raw).take(pa.array(codes))
    return numbers(_TESTS[test](texts, pattern=given).cast(pa.uint8())).astype(np.bool_)
