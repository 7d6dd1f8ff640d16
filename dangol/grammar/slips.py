"""Signs and words of other languages and keyboards: said once, then read as what was meant."""

from __future__ import annotations

import difflib
import re
from collections.abc import Container, Iterable

from dangol.diagnostics import Span
from dangol.grammar.tokens import Problem, Token

SIGNS = {
    "===": "=", "==": "=", "&&": "and", "&": "and", "||": "or", "|": "or", "<>": "!=", "!==": "!=", "=<": "<=",
    "≤": "<=", "≥": ">=", "≠": "!=", "≦": "<=", "≧": ">=", "!": "not", "¬": "not", "−": "-", "–": "-", "—": "-",
    "×": "*", "÷": "/", "、": ",", "…": "..", "=~": "matches", "＞＝": ">=", "＜＝": "<=", "！＝": "!=",
    "-->": "_ARROW", "==>": "_ARROW", "—>": "_ARROW", "–>": "_ARROW", "＝＞": "_ARROW", "－＞": "_ARROW",
}  # fmt: skip
_SIGN = re.compile("|".join(map(re.escape, sorted(SIGNS, key=len, reverse=True))))
_SPACED = re.compile(r"([<>!])\s+=(?![=>])")
_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_CAPITALS = frozenset(
    {"NOT", "Not", "TRUE", "True", "FALSE", "False", "NEVER", "Never", "DID", "Did", "CASE", "AND", "OR"}
)


def narrow(text: str) -> str:
    """Full-width letters, digits and signs as the usual ones; the length stays."""
    return text.translate(_FULL_WIDTH)


def is_wide(char: str) -> bool:
    return ord(char) in _FULL_WIDTH


def wide(written: str, span: Span) -> Problem:
    """`（` for `(`, `３０` for `30`."""
    return Problem("E104", f"`{written}` is written in full width.", span, (f"write `{narrow(written)}`",))


def sign(text: str, start: int, problems: list[Problem]) -> Token | None:
    """What a sign of another language means here, as a token, with the problem noted."""
    found = _SPACED.match(text, start) or _SIGN.match(text, start)
    if not found or (found[0] == "!" and text.startswith("!=", start)):
        return None
    written = found[0]
    meant = SIGNS.get(written) or written[0] + "="
    mend = "→" if meant == "_ARROW" else meant
    problems.append(
        Problem("E104", f"`{written}` is written `{mend}` here.", Span(start, found.end()), (f"write `{mend}`",))
    )
    return Token(meant, written, start, found.end())


def capitals(word: str, accepts: Container[str]) -> str | None:
    """The keyword that a word in capitals is, where it cannot be a name."""
    lower = word.lower()
    if word == lower or lower not in accepts:
        return None
    return lower if word in _CAPITALS or "NAME" not in accepts else None


def keyword_like(word: str, accepts: Iterable[str]) -> str | None:
    """The (first word of a) keyword that `word` is a misspelling of, where no name can stand."""
    words = {symbol.split()[0] for symbol in accepts if symbol[0] == word[0].lower()}
    if len(word) < 4 or len(word) > 20:
        return None
    found = difflib.get_close_matches(word.lower(), sorted(words), n=1, cutoff=0.75)
    return found[0] if found else None


def misspelt(written: str, meant: str, span: Span) -> Problem:
    if written.lower() == meant:
        return Problem("E119", f"`{written}` is written in small letters.", span, (f"write `{meant}`",))
    return Problem("E120", f"`{written}` is not a word of the language.", span, (f"did you mean `{meant}`?",))


def open_quote(text: str, start: int, closing: str) -> Problem:
    """A text that never ends; the caret is under the quote that opens it."""
    opening, rest = text[start], text[start + 1 :]
    span = Span(start, start + 1)
    other = next((char for char in rest if char in "\"”'’"), None)
    if other and (opening != closing or other == "”"):
        hint = f"write `{closing}` for `{other}`"
        return Problem("E105", f"The text that opens with `{opening}` closes with another quote.", span, (hint,))
    if opening == "'" and start and text[start - 1].isalnum():
        return Problem("E105", "This apostrophe opens a text that is never closed.", span, ('put the text in `"…"`',))
    return Problem("E105", "This text has no closing quote.", span, (f"close it with `{closing}`",))


def foreign_quotes(written: str, span: Span, value: str) -> Problem:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    message = f"`{written[0]}` does not open a text here."
    return Problem("E104", message, span, (f'write `"{escaped}"`',))


_UNKNOWN = {
    "%": ("A `%` stands right after its number.", "write it like `30%`"),
    "[": ("Square brackets have no meaning here.", "write `(` and `)`"),
    "]": ("Square brackets have no meaning here.", "write `(` and `)`"),
    "{": ("Braces have no meaning here; only inside a message do they stand for a value.", "put the message in quotes"),
    "}": ("Braces have no meaning here; only inside a message do they stand for a value.", "put the message in quotes"),
    ";": ("A line holds one thing; `;` does not separate two.", "join conditions with `and`"),
    ":": ("`:` has no meaning here.", "compare with `=`, write times like `10:00`"),
    "$": ("A name cannot contain `$`.", "give the event another name in the catalog"),
    "#": ("`#` has no meaning here.", "put texts in quotes; notes go on a line of their own"),
    ".": ("This dot does not belong to a name or a number.", "write `0.5`, and `customer.country` without spaces"),
    "?": ("`?` has no meaning here.", "to ask whether something is there, write `is set`"),
    "`": ("Names stand without quotes.", "leave the backticks out"),
    "~": ("`~` has no meaning here.", "to search a text, write `matches /…/` or `contains \"…\"`"),
}  # fmt: skip


def unknown_sign(text: str, start: int) -> Problem:
    """A character the language does not have."""
    char = text[start]
    shown = char if char.isprintable() else f"U+{ord(char):04X}"
    message, *hints = _UNKNOWN.get(char, (f"`{shown}` has no meaning here.",))
    if not char.isprintable():
        hints = ["delete this invisible character"]
    return Problem("E104", message, Span(start, start + 1), tuple(hints))
