"""Codes of texts are exact, also where hashes are the same."""

from __future__ import annotations

from dangol.engine.state import vocabulary
from dangol.engine.state.layout import Index


def test_few_among_many(tmp_path, monkeypatch):
    monkeypatch.setattr(vocabulary, "_hashes", lambda values: vocabulary.np.array([len(v) for v in values], "u4"))
    words = vocabulary.Vocabulary(Index(tmp_path), "words")
    texts = ["", "é", "é!", *(f"{i}" for i in range(200)), "😀"]
    codes = words.codes(texts).tolist()
    assert codes == list(range(len(texts)))
    assert list(words.texts) == texts
    for some in (["", "😀", "nobody", "1"], ["150", "e", "é"], ["x"], ["", ""]):
        assert words.find(some).tolist() == [texts.index(each) if each in texts else -1 for each in some]
