"""Turns of phrase from SQL and everyday English, and what they are called here."""

from __future__ import annotations

import re
from typing import NamedTuple

from dangol.diagnostics import Span
from dangol.grammar.tokens import Problem

_UNIT = r"(?:years?|months?|weeks?|days?|hours?|minutes?|min|mo|[shdwy]|일|주|개월|년|시간|분)"
_LENGTH = rf"(?P<length>[0-9]+(?:\.[0-9]+)?\s*{_UNIT})"
_N = r"(?P<n>[0-9]{1,9})"


class Idiom(NamedTuple):
    """A pattern, what is said of it, and the mends; `{0}` is what was written, `{subject}` the name before it."""

    pattern: str
    message: str
    hints: tuple[str, ...]


def _renamed(pattern: str, mend: str) -> Idiom:
    return Idiom(pattern, f"`{{0}}` is written `{mend}`.", (f"write `{mend}`",))


_NOT_FIRST = "`not` stands in front of the comparison."
IDIOMS = (
    _renamed(r"is\s+not\s+(?:null|missing|empty|none|nothing)", "is set"),
    _renamed(r"is\s+(?:null|empty|none|nothing|blank|unset)|is\s+not\s+set", "is missing"),
    _renamed(r"is\s+not\s+in", "not in"),
    Idiom(r"is\s+(?P<word>in|between)", "`{0}` is written without `is`.", ("write `{word}`",)),
    _renamed(r"is\s+not|isn't|not\s+equals?(?:\s+to)?", "!="),
    _renamed(r"is|equals?(?:\s+to)?", "="),
    Idiom(r"(?:does\s+not|doesn't)\s+contain", _NOT_FIRST, ("write `not {subject} contains …`",)),
    Idiom(
        r"not\s+(?P<word>contains|starts\s+with|ends\s+with|matches|has|between)",
        _NOT_FIRST,
        ("write `not {subject} {word} …`",),
    ),
    Idiom(r"not\s+i?like", "There is no `like` here.", ('write `not {subject} contains "…"`',)),
    Idiom(
        r"i?like|rlike|regexp",
        "There is no `{0}` here.",
        ('write `contains "…"`', "or, for a pattern, `matches /…/`"),
    ),
    _renamed(r"includes?|contain", "contains"),
    _renamed(rf"(?:within|in|during|over|for|since)\s+(?:the\s+)?(?:last|past)\s+{_LENGTH}", "within {length}"),
    _renamed(rf"(?:in|during|over|for|last|past)\s+{_LENGTH}", "within {length}"),
    _renamed(rf"(?:less|fewer)\s+than\s+{_LENGTH}\s+ago", "within {length}"),
    _renamed(rf"(?:older|longer)\s+than\s+{_LENGTH}(?:\s+ago)?", "more than {length} ago"),
    Idiom(
        rf"not\s+(?:within|in)\s+{_LENGTH}",
        "`not` stands in front of the event.",
        ("write `not {subject} within {length}`", "or, if it lies further back, `{subject} more than {length} ago`"),
    ),
    _renamed(rf"more\s+than\s+{_N}\s+times?", "{more}+ times"),
    _renamed(rf"(?:less|fewer)\s+than\s+{_N}\s+times?", "at most {fewer} times"),
    Idiom(
        rf"(?P<word>at\s+least|at\s+most|exactly)\s+{_N}(?!\s*times?\b)",
        "`times` is missing after `{0}`.",
        ("write `{word} {n} times`",),
    ),
    Idiom(
        rf"(?:at\s+least|at\s+most|exactly)\s+{_N}\s+times?",
        "`{0}` says how often, but not what.",
        ("write the event before it, like `purchased {written}`",),
    ),
    _renamed(rf"{_N}\s+(?:or\s+more\s+times?|times?\s+or\s+more)", "{n}+ times"),
    Idiom(
        rf"{_N}\s*(?:times?|번|회)",
        "`{0}` could mean at least or exactly.",
        ("write `{n}+ times` for at least", "write `exactly {n} times` for neither more nor fewer"),
    ),
    _renamed(r"but\s+not|and\s+without|without|except(?:\s+for)?|unless", "and not"),
    _renamed(r"but", "and"),
    _renamed(r"until|till", "before"),
    _renamed(r"(?:and\s+)?then", "followed by"),
    Idiom(r"never", "`never` stands in front of the event.", ("write `never {subject}`",)),
    Idiom(
        r"group\s+by|order\s+by|having|select|join",
        "`{0}` is SQL; a line only says who.",
        ("write a condition, like `count(purchased) >= 3`",),
    ),
)
_PATTERNS = tuple(re.compile(rf"(?:{idiom.pattern})(?!\w)", re.IGNORECASE) for idiom in IDIOMS)


def recognise(text: str, start: int, subject: str) -> Problem | None:
    """The problem with the turn of phrase that begins at `start`, if one does; `subject` is the name before it."""
    for idiom, pattern in zip(IDIOMS, _PATTERNS, strict=True):
        found = pattern.match(text, start)
        if found:
            return _problem(idiom, found, subject)
    return None


def _problem(idiom: Idiom, found: re.Match[str], subject: str) -> Problem:
    groups = {name: " ".join(value.split()) for name, value in found.groupdict(default="").items()}
    if "n" in groups:
        groups |= {"more": str(int(groups["n"]) + 1), "fewer": str(int(groups["n"]) - 1)}
    written = " ".join(found[0].split())
    groups |= {"subject": subject, "written": written}
    hints = tuple(hint.format_map(groups) for hint in idiom.hints)
    return Problem("E121", idiom.message.format(written, **groups), Span(*found.span()), hints)
