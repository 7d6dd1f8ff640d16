"""Korean particles that fit the word before them; both forms where its final sound is not known."""

from __future__ import annotations

from typing import Literal

Particle = Literal["이/가", "은/는", "을/를", "과/와", "(으)로", "(이)나"]

_FORMS: dict[Particle, tuple[str, str, str]] = {
    "이/가": ("이", "가", "이(가)"),
    "은/는": ("은", "는", "은(는)"),
    "을/를": ("을", "를", "을(를)"),
    "과/와": ("과", "와", "과(와)"),
    "(으)로": ("으로", "로", "(으)로"),
    "(이)나": ("이나", "나", "(이)나"),
}
_SILENT = "`\"'”’)]} "
_DIGIT_FINALS = {"0": "ㅇ", "1": "ㄹ", "3": "ㅁ", "6": "ㄱ", "7": "ㄹ", "8": "ㄹ"}
_RIEUL = 8
"""The position of ㄹ among the 28 finals of Unicode's syllables."""


def josa(word: str, particle: Particle) -> str:
    """The word with its particle: 장바구니가, 구매가, 상품이, `cart_added`이(가)."""
    closed, open_, unknown = _FORMS[particle]
    final = _final(word)
    if final is None:
        return word + unknown
    if final == "" or (particle == "(으)로" and final == "ㄹ"):
        return word + open_
    return word + closed


def _final(word: str) -> str | None:
    """The consonant that the word ends with: empty for a vowel, `ㄹ` apart from others, None when not known."""
    last = _heard(word)
    if "가" <= last <= "힣":
        index = (ord(last) - 0xAC00) % 28
        return "" if index == 0 else "ㄹ" if index == _RIEUL else "ㅇ"
    if last.isascii() and last.isdigit():
        return _DIGIT_FINALS.get(last, "")
    return "" if last == "%" else None


def _heard(word: str) -> str:
    """The last character that is read aloud; a remark in brackets at the end is not."""
    word = word.rstrip(_SILENT) if not word.endswith(")") else _before_remark(word).rstrip(_SILENT)
    return word[-1:]


def _before_remark(word: str) -> str:
    depth = 0
    for position in range(len(word) - 1, -1, -1):
        depth += {")": 1, "(": -1}.get(word[position], 0)
        if depth == 0:
            return word[:position]
    return word
