"""Codes of texts and of their hashes are exact."""

from __future__ import annotations

import numpy as np

from dangol.engine.state.hashes import Hashes
from dangol.engine.state.layout import Index
from dangol.engine.state.vocabulary import Vocabulary


def test_few_among_many(tmp_path):
    words = Vocabulary(Index(tmp_path), "words")
    texts = ["", "é", "é!", *(f"{i}" for i in range(200)), "😀"]
    assert words.codes([]).tolist() == []
    assert words.codes(texts[:2]).tolist() == [0, 1]
    assert words.codes([*texts, *texts]).tolist() == [*range(len(texts))] * 2
    assert list(words.texts) == texts
    for some in (["", "😀", "nobody", "1"], ["150", "e", "é"], ["x"], ["", ""], []):
        assert words.find(some).tolist() == [texts.index(each) if each in texts else -1 for each in some]


def test_hashes_grow_and_are_found_among_their_like():
    hashes = np.random.default_rng(7).integers(1, 2**63, 5_000).astype(np.uint64)
    crowd = np.arange(1, 400, dtype=np.uint64) << np.uint64(56)  # the same slots, again and again
    known = Hashes(hashes[:10], np.arange(10, dtype=np.int32))
    known.add(hashes[10:], np.arange(10, 5_000, dtype=np.int32))
    known.add(np.unique(crowd[crowd > 0]), np.full(len(np.unique(crowd[crowd > 0])), 7, np.int32))
    codes, absent = known.find(np.concatenate([hashes, np.array([0, 5, 0, 6], np.uint64)]))
    assert codes.tolist() == [*range(5_000), -1, -1, -1, -1]
    assert absent.tolist() == [5_001, 5_003]
    known.add(hashes[:2], np.array([8, 9], np.int32))
    assert known.find(hashes[:3])[0].tolist() == [8, 9, 2]
