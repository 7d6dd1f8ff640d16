"""How long a text is where Korean carriers count it: in bytes of EUC-KR."""

from __future__ import annotations

from collections.abc import Iterator

SMS_BYTES, LMS_BYTES, SUBJECT_BYTES = 90, 2000, 40


def bytes_of(text: str) -> int:
    """Bytes of a text: Hangul and the like 2; a character that is not to be had counts 2 as well."""
    try:
        return len(text.encode("cp949"))
    except UnicodeEncodeError:
        return sum(len(char.encode("cp949", "ignore")) or 2 for char in text)


def outside(text: str) -> str:
    """The characters that EUC-KR does not have at all, such as emoji, each once."""
    return "".join(dict.fromkeys(char for char in text if not char.encode("cp949", "ignore")))


def rare_syllables(text: str) -> str:
    """The syllables outside the 2,350 of KS X 1001 (똠, 햏), each once. Python writes them with 8 bytes."""
    return "".join(dict.fromkeys(_rare(text)))


def _rare(text: str) -> Iterator[str]:
    for char in text:
        if ord(char) > 127 and len(char.encode("euc_kr", "ignore")) != 2 and char.encode("cp949", "ignore"):
            yield char
