"""The next token of a line, given what the parser can take: words are keywords only where they can be."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from functools import cache

from dangol.diagnostics import Span
from dangol.grammar import literals, slips
from dangol.grammar.ast import Regex, Text
from dangol.grammar.tables import tables
from dangol.grammar.tokens import END, Broken, Problem, Token

RESERVED = frozenset(
    {"not", "never", "did", "and", "or", "case", "top", "true", "false", "today", "yesterday", "now", "entry"}
    | {"customer", "lib"}
)
QUOTES = {'"': '"', "'": "'", "“": "”", "”": "”", "‘": "’", "’": "’", "„": "“", "«": "»", "＂": "＂", "＇": "＇"}

_SPACE = re.compile(r"\s*")
_WORD = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")
_MORE = re.compile(r"(?:\.[^\W\d])?\w*(?:\.[^\W\d]\w*)*")
_REGEX = re.compile(r"/((?:[^/\\\n]|\\.)+)/")
_CRON = re.compile(r"[0-9*]\S*(?:\s+\S+){4}\s*\Z")
_BOUND = r"(?:[0-9]{4}-[0-9]\S*|today|yesterday|now|entry)"
_BETWEEN_DATES = re.compile(rf"between\s+{_BOUND}\s+and\s+{_BOUND}(?!\w)")
_ARROW = re.compile("→|->|=>|➔|➜|⇒|⟶")
_SIGN = re.compile(r"<=|>=|!=|\.\.|[<>=+\-*/(),]")
_DASHES = "-–—~〜～"


class Lexer:
    """Cuts one line; slips that have one clear meaning become problems and are read as what was meant."""

    def __init__(self, text: str, problems: list[Problem]) -> None:
        self.text = text
        self.problems = problems
        self.place = 0

    def next(self, accepts: Collection[str]) -> Token:
        """The token at the present place, which moves on. Raises Broken where nothing can be read."""
        start = _SPACE.match(self.text, self.place).end()  # type: ignore[union-attr]
        token = self._token(start, accepts) if start < len(self.text) else Token(END, "", start, start)
        self.place = token.end
        return token

    def _token(self, start: int, accepts: Collection[str]) -> Token:
        text, char = self.text, self.text[start]
        if "TIMES" in accepts and (times := literals.scan_times(text, start, self.problems)):
            return times
        if "CRON" in accepts and (cron := _CRON.match(text, start)):
            return Token("CRON", cron[0], start, cron.end(), " ".join(cron[0].split()))
        if "0" <= char <= "9":
            return literals.scan_digits(text, start, accepts, self.problems)
        if char in QUOTES:
            return self._quoted(start)
        if "０" <= char <= "９":
            return self._wide_digits(start, accepts)
        if _WORD.match(text, start):
            return self._word(start, accepts)
        return self._sign(start, accepts)

    def _word(self, start: int, accepts: Collection[str]) -> Token:
        end = self._word_end(start)
        word = self.text[start:end]
        token = self._keyword(word, start, end, accepts)
        if token.type == "NAME" and (meant := slips.capitals(word, accepts)):
            return self._respelt(token, meant, accepts)
        return token

    def mend(self, token: Token, accepts: Collection[str]) -> Token | None:
        """Another reading of a token that does not fit: a word as a name, or as the keyword it was meant to be."""
        if "NAME" in accepts and token.type == token.text and token.text.isidentifier():
            return token._replace(type="NAME", value=token.text) if token.type not in RESERVED else None
        if token.type != "NAME":
            return None
        meant = slips.capitals(token.text, accepts) or slips.keyword_like(token.text, accepts)
        mended = self._respelt(token, meant, accepts) if meant else token
        self.place = mended.end
        return mended if mended is not token else None

    def _keyword(self, word: str, start: int, end: int, accepts: Collection[str]) -> Token:
        for phrase, pattern in _phrases().get(word, ()):
            found = pattern.match(self.text, start)
            if found and phrase in accepts:
                return Token(phrase, found[0], start, found.end())
        if word == "between" and "BETWEEN_DATES" in accepts and _BETWEEN_DATES.match(self.text, start):
            return Token("BETWEEN_DATES", word, start, end)
        kind = word if word in RESERVED or word in accepts else "NAME"
        return Token(kind, word, start, end, unicodedata.normalize("NFC", word))

    def _respelt(self, token: Token, meant: str, accepts: Collection[str]) -> Token:
        """The keyword that `token` was meant to begin, with the slip noted; `token` itself if that does not help."""
        text = self.text[: token.start] + meant + self.text[token.end :]
        mended = Lexer(text, [])._keyword(meant, token.start, token.start + len(meant), accepts)
        if mended.type not in accepts:
            return token
        end = mended.end - len(meant) + len(token.text)
        written = self.text[token.start : end]
        self.problems.append(slips.misspelt(written, mended.type.lower().replace("_dates", ""), Span(token.start, end)))
        return mended._replace(text=written, end=end)

    def _wide_digits(self, start: int, accepts: Collection[str]) -> Token:
        token = literals.scan_digits(slips.narrow(self.text), start, accepts, self.problems)
        self.problems.append(slips.wide(self.text[start : token.end], token.span))
        return token

    def _word_end(self, start: int) -> int:
        end = _WORD.match(self.text, start).end()  # type: ignore[union-attr]
        while end < len(self.text) and self.text[end] > "\x7f" and unicodedata.category(self.text[end]) in ("Mn", "Mc"):
            end = _MORE.match(self.text, end + 1).end()  # type: ignore[union-attr]
        return end

    def _quoted(self, start: int) -> Token:
        opening = self.text[start]
        closing = QUOTES[opening]
        found = _text_pattern(closing).match(self.text, start + 1)
        if not found:
            raise Broken(slips.open_quote(self.text, start, closing))
        end, span = found.end(), Span(start, found.end())
        value = re.sub(rf"\\([\\{opening}{closing}])", r"\1", found[1])
        if opening not in "\"'“":
            self.problems.append(slips.foreign_quotes(self.text[start:end], span, value))
        return Token("TEXT", self.text[start:end], start, end, Text(unicodedata.normalize("NFC", value), span=span))

    def _sign(self, start: int, accepts: Collection[str]) -> Token:
        text, char = self.text, self.text[start]
        if "_DASH" in accepts and char in _DASHES:
            return Token("_DASH", char, start, start + 1)
        if "REGEX" in accepts and (regex := _REGEX.match(text, start)):
            pattern = re.sub(r"\\(.)", lambda m: "/" if m[1] == "/" else m[0], regex[1])
            return Token("REGEX", regex[0], start, regex.end(), Regex(pattern, span=Span(start, regex.end())))
        slip = slips.sign(text, start, self.problems)
        if slip:
            return slip
        if arrow := _ARROW.match(text, start):
            return Token("_ARROW", arrow[0], start, arrow.end())
        if sign := _SIGN.match(text, start):
            return Token(sign[0], sign[0], start, sign.end())
        if slips.is_wide(char) and (sign := _SIGN.match(slips.narrow(char))):
            self.problems.append(slips.wide(char, Span(start, start + 1)))
            return Token(sign[0], char, start, start + 1)
        raise Broken(slips.unknown_sign(text, start))


@cache
def _text_pattern(closing: str) -> re.Pattern[str]:
    return re.compile(rf"((?:[^\\{closing}]|\\.)*){closing}", re.DOTALL)


@cache
def _phrases() -> dict[str, list[tuple[str, re.Pattern[str]]]]:
    """Keywords of several words by their first word, the longest first."""
    table: dict[str, list[tuple[str, re.Pattern[str]]]] = {}
    for phrase in sorted((word for word in tables().words if " " in word), key=len, reverse=True):
        words = phrase.split()
        table.setdefault(words[0], []).append((phrase, re.compile(r"\s+".join(words) + r"(?!\w)")))
    return table
