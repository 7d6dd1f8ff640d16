"""Texts of a big vocabulary are tested as a column, and alike."""

from __future__ import annotations

import numpy as np
import pytest

from dangol.engine.backends.vector import words
from dangol.engine.state.model import Column
from dangol.engine.state.texts import Texts

WORDS = ["", "é", "e\u0301", "가나다", "a\nb", "a.b", "A", "\0", "😀x", *(f"u{i}@example.com" for i in range(3_000))]
CASES = [
    (test, given) for test in ("contains", "starts with", "ends with") for given in ("", "é", "a", "\0", ".com", "나")
]
PATTERNS = ["^$", ".", "^.$", "a.b", r"\pL", "(?i)a", "[7-9]@", "x$", r"\bu1\b", "^u(12|99)+@", "가|é"]


@pytest.mark.parametrize(("test", "given"), [*CASES, *(("matches", pattern) for pattern in PATTERNS)])
def test_alike(test, given):
    data = [word.encode() for word in WORDS]
    texts = Texts(np.frombuffer(b"".join(data), np.uint8), np.cumsum([len(each) for each in data]))
    random = np.random.default_rng(3)
    for size in (10, 2_500, 20_000):
        codes = random.integers(-1, len(WORDS), size).astype(np.int32)
        expected = [code >= 0 and words.tester(test, given)(WORDS[code]) for code in codes.tolist()]
        assert words.tested(Column("text", codes, texts), test, given).tolist() == expected
