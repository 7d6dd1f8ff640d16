"""Korean particles after any word of a message: 상품을, 구매를, VIP가, 3월로, 7일로, iPhone을."""

from __future__ import annotations

import re

_PAIRS = (
    ("이", "가"), ("은", "는"), ("을", "를"), ("과", "와"), ("으로", "로"), ("이나", "나"), ("이랑", "랑"),
    ("아", "야"), ("이라", "라"), ("이라고", "라고"), ("이에요", "예요"), ("이여", "여"), ("이며", "며"),
    ("이든", "든"),
    ("으로서", "로서"), ("으로써", "로써"), ("으로부터", "로부터"),
)  # fmt: skip
"""Each particle after a final consonant, and after a vowel."""

_FORMS = {frozenset(pair): pair for pair in _PAIRS}
KNOWN = tuple("/".join(pair) for pair in _PAIRS)

_RIEUL = 8
"""The position of ㄹ among the 28 finals of Unicode's syllables."""
_DIGITS = {"0": "ㅇ", "1": "ㄹ", "3": "ㅁ", "6": "ㄱ", "7": "ㄹ", "8": "ㄹ"}
_LETTERS = {"l": "ㄹ", "r": "ㄹ", "m": "ㅁ", "n": "ㄴ"}
"""엘, 알, 엠, 엔: the letters whose Korean names have a final consonant."""
_WORD_ENDS = re.compile(r"(?:(le?)|[mn]|[aeiou][mn]e|ng|ck|[aeiou][cpt]|oo?k|[a-z]b)$")
_WORD = re.compile(r"[A-Za-z]+$")
_SYMBOLS = {"%": "", "㎏": "ㅁ", "℃": ""}
_REMARK = re.compile(r"\s*[(（\[][^()（）\[\]]*[)）\]]\s*$")
_SILENT = " \t\n\"'`”’」』》>*!?.,~"


def forms(pair: str) -> tuple[str, str] | None:
    """The particle after a consonant and after a vowel from `을/를`, in either order, or `(으)로`; None if unknown."""
    optional = re.fullmatch(r"\((이|으)\)(\w+)", pair.strip())
    written = [optional[1] + optional[2], optional[2]] if optional else [each.strip() for each in pair.split("/")]
    return _FORMS.get(frozenset(written))


def with_particle(word: str, pair: tuple[str, str]) -> str:
    """The word with the form that its last sound asks for."""
    closed, opened = pair
    final = final_of(word)
    vowel_like = not final or (closed.startswith("으로") and final == "ㄹ")
    return word + (opened if vowel_like else closed)


def final_of(word: str) -> str:
    """The consonant that a word is heard to end with: empty for a vowel, `ㄹ` apart from the others.

    Digits are read one by one at the end (10 십, 2 이), capitals by their names (URL 엘), other Latin words as Korean
    writes them down; a remark in brackets at the end is not read.
    """
    heard = (_REMARK.sub("", word) or word).rstrip(_SILENT)
    last = heard[-1:]
    if "가" <= last <= "힣":
        index = (ord(last) - 0xAC00) % 28
        return "" if index == 0 else "ㄹ" if index == _RIEUL else "ㅇ"
    if last.isdecimal():
        return _DIGITS.get(str(int(last)), "")
    latin = _WORD.search(heard)
    return _latin(latin[0]) if latin else _SYMBOLS.get(last, "")


def _latin(word: str) -> str:
    if word.isupper() or len(word) == 1:
        return _LETTERS.get(word[-1].lower(), "")
    found = _WORD_ENDS.search(word.lower())
    if found is None:
        return ""
    return "ㄹ" if found[1] else "ㅇ"
