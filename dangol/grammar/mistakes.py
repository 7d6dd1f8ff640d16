"""What a marketer meant where a line cannot be read on: one sentence, the place, and the mend."""

from __future__ import annotations

from collections.abc import Callable

from dangol.diagnostics import Span
from dangol.grammar import ast, idioms
from dangol.grammar.lalr import Stuck
from dangol.grammar.lexer import RESERVED
from dangol.grammar.scene import OUTSIDE, Scene
from dangol.grammar.tokens import END, Problem

EXAMPLES: dict[str, str] = {
    "expression": "cart_added within 7d and not purchased",
    "scenario": 'cart_added within 7d and not purchased → push "10% off"',
    "schedule": "daily at 10:00",
    "split": "discount 45%, scarcity 45%, control 10%",
    "holdout": "10%",
    "winner": "by clicked within 2d at 95% after 1000 each → send to rest",
    "kpi": "purchased within 7d >= 5% by 2026-12-31",
    "cap": "2 per 7d",
    "quiet": "21:00–08:00",
    "again": "after 30d",
    "expires": "24h",
    "limit": "5000",
    "priority": "1",
    "guardrail": "unsubscribed within 7d <= 0.5%",
    "on_deadline": "keep control",
    "namespace": "cart_rescue/nudge 40%, winback/offer 40%",
}
SCHEDULES = {
    "weekly": "weekly on Mon at 09:00",
    "every": "every 10min",
    "once": "once at 2026-12-01T10:00",
}
FUNCTIONS = frozenset({"count", "sum", "avg", "min", "max", "distinct", "first", "last", "most", "gap", "days_since"})
STARTS_OF_CLAUSES = frozenset({"within", "since", "after", "before", "on", "followed", "where", "more", "this", "with"})
CLAUSES = frozenset({"within", "since", "after", "before", "on"})
VALUES = frozenset({"NUMBER", "TEXT", "DATE", "INSTANT", "true", "false", "today", "yesterday", "now"})
COMPARISONS = frozenset({"=", "!=", "<", "<=", ">", ">="})
TESTS = COMPARISONS | {"in", "not in", "BETWEEN", "between", "contains", "starts with", "ends with", "matches", "has"}
STARTS = VALUES | {"NAME", "(", "not", "never", "did", "case", "top", "DURATION"}


def explain(stuck: Stuck, text: str, kind: ast.LineKind) -> Problem:
    """The problem of a line that got stuck; the first mistake that is recognised."""
    scene = Scene(stuck.token, stuck.before, stuck.accepts, text, kind)
    found = (recognise(scene) for recognise in MISTAKES)
    return next((problem for problem in found if problem), None) or _generic(scene)


def _empty(scene: Scene) -> Problem | None:
    if scene.before or scene.at != END:
        return None
    return scene.problem(
        "E103", "This line is empty.", f"write something like `{EXAMPLES[scene.kind]}`", span=Span(0, 0)
    )


def _arrow(scene: Scene) -> Problem | None:
    arrow = scene.last if scene.last.type == "_ARROW" and scene.at in VALUES | {"-"} else scene.token
    if arrow.type != "_ARROW":
        return None
    if arrow.text == "=>" and (arrow is scene.last or scene.kind != "scenario"):
        return scene.problem("E116", "`=>` is an arrow; “at least” is written `>=`.", "write `>=`", span=arrow.span)
    if arrow is scene.token and scene.kind not in ("scenario", "winner"):
        return scene.problem("E110", "Only a scenario has steps; this line only says who.", "leave the arrow out")
    return None


def _brackets(scene: Scene) -> Problem | None:
    places = scene.open_brackets()
    if scene.at == ")" and not places:
        return scene.problem("E106", "This bracket closes nothing.", "leave it out, or open one before")
    if scene.at not in (END, "_ARROW") or not places or scene.takes_value:
        return None
    opened = scene.before[places[-1]]
    if opened.type == "case" and "end" in scene.accepts:
        return scene.problem("E106", "This `case` has no `end`.", "write `end` behind its last value", span=opened.span)
    if opened.type == "(" and ")" in scene.accepts:
        return scene.problem("E106", "This bracket is never closed.", "close it with `)`", span=opened.span)
    return None


def _idiom(scene: Scene) -> Problem | None:
    for token in (scene.back(2), scene.last, scene.token):
        if token.type in ("TEXT", "REGEX", END) or (token is not scene.token and token.type in ("then", "never")):
            continue
        subject = next((before for before in reversed(scene.before) if before.end <= token.start), OUTSIDE)
        found = idioms.recognise(scene.text, token.start, subject.text if subject.type == "NAME" else "x")
        if found and (token is scene.token or found.span.end > scene.token.start):
            return found
    return None


def _no_event(scene: Scene) -> Problem | None:
    """A clause without the event it is about: `not within 7d`; its first word was read as the event's name."""
    word, rest = (scene.back(2), scene.last) if scene.last.type == "DURATION" else (scene.last, scene.token)
    clause = word.text in CLAUSES and rest.type in ("DURATION", "DATE", "INSTANT")
    calendar = word.text in ("this", "last") and rest.text in ("week", "month")
    if word.type != "NAME" or not (clause or calendar):
        return None
    written = f"{word.text} {rest.text}"
    hint = f"write the event before it, like `visited {written}`"
    span = Span(word.start, rest.end)
    return scene.problem("E111", f"`{written}` says when, but not what happened then.", hint, span=span)


def _apostrophe(scene: Scene) -> Problem | None:
    if scene.last.type != "TEXT" or scene.token.start != scene.last.end or scene.at == END:
        return None
    if scene.at in (")", ",", "_ARROW"):
        return None
    quote = scene.last.text[-1]
    other = "'" if quote == '"' else '"'
    message = f"The text ends at this `{quote}`, and something follows at once."
    hint = f"put a text with `{quote}` in it between `{other}` and `{other}`"
    return scene.problem("E105", message, hint, span=Span(scene.last.end - 1, scene.last.end))


def _pattern(scene: Scene) -> Problem | None:
    if scene.last.type != "matches":
        return None
    pattern = scene.token.text[1:-1].replace("/", "\\/") if scene.at == "TEXT" else "^KR"
    return scene.problem("E110", "After `matches` comes a pattern between slashes.", f"write `matches /{pattern}/`")


def _where(scene: Scene) -> Problem | None:
    if scene.last.type == "where" and scene.at != END and "NAME" in scene.accepts:
        message = "After `where` comes a property and what it must be, or a condition in brackets."
        return scene.problem("E110", message, 'write `where category = "dress"` or `where (not …)`')
    if scene.back(2).type == "where" and scene.last.type == "NAME" and scene.at not in TESTS:
        if scene.at == "(":
            message = f"A condition that starts with `{scene.last.text}(…)` stands in brackets after `where`."
            return scene.problem("E110", message, f"write `where ({scene.last.text}(…) …)`", span=scene.last.span)
        message = f"`where {scene.last.text}` does not say what `{scene.last.text}` must be."
        yes_no = f"if it is a yes-or-no property, write `where ({scene.last.text})`"
        return scene.problem("E110", message, yes_no, span=scene.last.span)
    return None


def _comma(scene: Scene) -> Problem | None:
    if scene.at != "," or scene.kind not in ("expression", "scenario", "kpi", "winner", "guardrail"):
        return None
    places = scene.open_brackets()
    if places and places[-1] and scene.before[places[-1] - 1].type == "NAME":
        function = scene.before[places[-1] - 1].text
        return scene.problem(
            "E110", f"`{function}(…)` takes one thing in its brackets.", "leave out what follows the comma"
        )
    return scene.problem("E110", "Conditions are not joined with a comma.", "write `and` or `or`")


def _options(scene: Scene) -> Problem | None:
    joint = [token.type for token in scene.before]
    in_list = scene.last.type in ("(", ",") and any(t in ("in", "not in") for t in joint[-40:])
    if in_list and scene.at == "NAME" and "TEXT" in scene.accepts:
        return scene.problem("E110", "Texts in a list stand in quotes.", f'write `"{scene.token.text}"`')
    if scene.last.type == "(" and scene.back(2).type in ("in", "not in") and scene.at in (")", END):
        return scene.problem("E111", "This list is empty.", 'write what it may be, like `("Seoul", "Busan")`')
    if scene.last.type in ("in", "not in") and scene.at != "(":
        value = scene.token.text if scene.at != "NAME" else f'"{scene.token.text}"'
        hint = f"write `{scene.last.type} ({value})`" if value else 'write `in ("Seoul", "Busan")`'
        return scene.problem("E110", f"After `{scene.last.type}` comes a list in brackets.", hint)
    return None


def _duration(scene: Scene) -> Problem | None:
    if "DURATION" not in scene.accepts or scene.takes_value:
        return None
    written = scene.token.text
    if scene.at == "TIME" and scene.last.type in ("after", "wait"):
        span = Span(scene.last.start, scene.token.end)
        return scene.problem(
            "E110", "Waiting for a time of day has a word of its own.", f"write `wait until {written}`", span=span
        )
    if scene.kind == "cap" and written in ("day", "week", "month"):
        lengths = {"day": "1d", "week": "7d", "month": "30d"}
        hints = (f"write `calendar {written}`", f"or, for any such length of time, `{lengths[written]}`")
        return scene.problem("E110", f"`{written}` could be one of the calendar or any such length of time.", *hints)
    if scene.at == "NUMBER":
        hints = (f"write `{written}d` for days", f"or `{written}h`, `{written}mo`")
        return scene.problem("E108", f"`{written}` needs a unit: days, hours, months?", *hints)
    if scene.at in ("DATE", "INSTANT") and scene.last.type == "within":
        message = "`within` takes a length of time; a date is a beginning."
        return scene.problem("E110", message, f"write `since {written}`", span=scene.last.span)
    return None


def _unwanted_duration(scene: Scene) -> Problem | None:
    if scene.at != "DURATION" or scene.last.type not in ("since", "after", "before", "on", "AFTER"):
        return None
    written = scene.token.text
    message = f"`{scene.last.text}` takes a date; `{written}` is a length of time."
    mend = f"more than {written} ago" if scene.last.type == "before" else f"within {written}"
    return scene.problem("E110", message, f"write `{mend}`", span=Span(scene.last.start, scene.token.end))


def _ago(scene: Scene) -> Problem | None:
    if scene.last.type != "DURATION" or ".." not in scene.accepts:
        return None
    length = scene.last.text
    if scene.at == "-":
        return scene.problem(
            "E110", "A window in the past has two dots between its ends.", f"write `{length}..60d ago`"
        )
    message = f"`{length} ago` is one instant; say the window you mean."
    hints = (f"for since then: `within {length}`", f"for before then: `more than {length} ago`")
    end = scene.token.end if scene.at == "ago" else scene.last.end
    return scene.problem("E110", message, *hints, span=Span(scene.last.start, end))


def _step(scene: Scene) -> Problem | None:
    if scene.kind != "scenario":
        return None
    if scene.at == "TEXT" and "stop" in scene.accepts:
        return scene.problem("E111", "The channel is missing before the message.", f"write `push {scene.token.text}`")
    if "stop" in scene.accepts and scene.at in (END, "_ARROW", "else") and not scene.takes_value:
        return scene.problem("E111", "A step is missing here.", 'write what to send, like `→ push "10% off"`')
    if scene.last.type == "else" and scene.at != "NAME" and scene.accepts == {"NAME"}:
        return scene.problem(
            "E111", "A channel is missing after `else`.", "write what to send instead, like `email offer`"
        )
    if scene.accepts == {"TEXT", "NAME", "split"}:
        message = f"The message is missing after `{scene.last.text}`."
        return scene.problem("E111", message, f'write `{scene.last.text} "10% off"`', span=scene.last.span)
    if scene.accepts <= {"_ARROW", "else", END} and any(token.type == "_ARROW" for token in scene.before):
        return _after_message(scene)
    if scene.at == END and "_ARROW" in scene.accepts:
        return scene.problem("E111", "A scenario says what to send.", 'end it like `→ push "10% off"`')
    return None


def _after_message(scene: Scene) -> Problem | None:
    if scene.token.text in ("after", "wait", "if"):
        message = f"`{scene.token.text}` stands before the channel."
        return scene.problem("E110", message, f"write `→ {scene.token.text} … {scene.back(2).text} {scene.last.text}`")
    if scene.at == "NAME" and scene.last.type == "NAME":
        message = "A message of several words stands in quotes."
        return scene.problem("E110", message, f'write `"{scene.last.text} {scene.token.text}"`', span=scene.last.span)
    if scene.at in ("NAME", "TEXT"):
        return scene.problem(
            "E110", "Another step begins with an arrow, another channel with `else`.", "write `→` or `else`"
        )
    return None


def _comparison(scene: Scene) -> Problem | None:
    if scene.at not in TESTS:
        return None
    sign = scene.token.text
    if scene.last.type in RESERVED:
        message = f"`{scene.last.text}` is a word of the language and cannot be a name."
        return scene.problem("E110", message, "give it another name in the catalog", span=scene.last.span)
    if scene.takes_value:
        return scene.problem("E110", f"There is nothing to compare before `{sign}`.", "write the value on its left")
    seen = [token.type for token in scene.since_joint()]
    if any(kind in COMPARISONS for kind in seen):
        return scene.problem("E110", "Two comparisons in a row.", "write `x between 1 and 5`, or join them with `and`")
    message = f"What stands before `{sign}` is a condition, not a value to compare."
    if sign == ">" and "_ARROW" in scene.accepts:
        return scene.problem("E110", message, "an arrow is written `→`", "to compare how often, write `count(…) > 3`")
    return scene.problem("E110", message, f"to compare how often, write `count(…) {sign} 3`")


def _clause(scene: Scene) -> Problem | None:
    """A clause behind a comparison or a sum, which can have none."""
    word = scene.token.text
    starts = scene.at == "TIMES" or any(word.split()[:1] == [start] for start in STARTS_OF_CLAUSES)
    if "and" not in scene.accepts or not starts:
        return None
    call = scene.compared_call()
    hint = f"write it there, like `visited {word}{'' if scene.at == 'TIMES' else ' …'}`"
    if call and scene.at != "TIMES":
        hint = f"write it inside the brackets: `{call[:-1]} {word} …)`"
    return scene.problem("E110", f"`{word}` belongs right behind an event, or behind one value.", hint)


def _as_of(scene: Scene) -> Problem | None:
    if scene.token.text.split() not in (["as"], ["as", "of"]):
        return None
    return scene.problem(
        "E110", "`as of` belongs to a name or a bracket.", "put what it is about in brackets: `(…) as of 30d ago`"
    )


def _reserved(scene: Scene) -> Problem | None:
    word = scene.token.text
    if (
        scene.at not in RESERVED
        or "NAME" not in scene.accepts
        or (scene.takes_value and word not in ("customer", "lib"))
    ):
        return None
    if word in ("customer", "lib"):
        return scene.problem(
            "E110", f"`{word}` alone is not a name.", f"write `{word}.` and a name, like `customer.country`"
        )
    return scene.problem(
        "E110", f"`{word}` is a word of the language and cannot be a name here.", "choose another name"
    )


def _joint(scene: Scene) -> Problem | None:
    if scene.takes_value and scene.at in ("and", "or", ")", "then", "else", "end", ","):
        message = f"A condition or a value is missing before `{scene.token.text}`."
        if scene.last.type == "(" and scene.at == ")":
            message = "These brackets are empty."
        return scene.problem("E111", message)
    if "and" in scene.accepts and scene.at in STARTS and not scene.takes_value:
        if scene.last.text.upper() in ("AND", "OR", "NOT") and scene.last.type == "NAME":
            return scene.problem(
                "E119",
                f"`{scene.last.text}` is written in small letters.",
                f"write `{scene.last.text.lower()}`",
                span=scene.last.span,
            )
        if scene.last.type == "NAME" and scene.last.text in FUNCTIONS:
            written = f"{scene.last.text}({scene.token.text})"
            span = Span(scene.last.start, scene.token.end)
            return scene.problem("E110", f"`{scene.last.text}` takes brackets.", f"write `{written}`", span=span)
        message = f"`and` or `or` is missing before `{scene.token.text}`."
        hints = [f"write `and {scene.token.text}` or `or {scene.token.text}`"]
        if "_ARROW" in scene.accepts:
            hints.append(f"or, where the sending begins, `→ {scene.token.text}`")
        return scene.problem("E110", message, *hints)
    return None


def _target(scene: Scene) -> Problem | None:
    if not {"vs", "from"} <= scene.accepts:
        return None
    if scene.token.text == "pp":
        written = f"{scene.last.text}pp"
        return scene.problem("E110", "Percentage points stand right after their number.", f"write `{written}`")
    message = f"`{scene.back(2).text} {scene.last.text}` than what?"
    return scene.problem("E111", message, "write `vs holdout` or `vs control`", "or, from a known value, `from 42000`")


def _generic(scene: Scene) -> Problem:
    missing = _missing(scene)
    first = scene.before[0].text if scene.before else scene.token.text
    like = SCHEDULES.get(first.split()[0] if first else "") if scene.kind == "schedule" else None
    example = f"write it like `{like or EXAMPLES[scene.kind]}`"
    hints = (example,) if scene.kind not in ("expression", "scenario") else ()
    if scene.at == END:
        end = scene.last.end if scene.before else 0
        message = f"The line ends where {missing} is missing." if missing else "The line ends too early."
        return scene.problem("E111", message, *hints, span=Span(end, end))
    if missing:
        return scene.problem("E111", f"`{scene.token.text[:60]}` stands where {missing} is missing.", *hints)
    words = sorted(word for word in scene.accepts if word[0].islower() or word in COMPARISONS)
    expected = (f"what can follow: {', '.join(f'`{word}`' for word in words)}",) if 0 < len(words) <= 6 else ()
    return scene.problem("E110", f"`{scene.token.text[:60]}` does not fit here.", *(hints or expected))


_MISSING = (
    ("DURATION", "a length of time like `7d`"),
    ("DATE", "a date like `2026-01-31`"),
    ("INSTANT", "an instant like `2026-01-31T10:00`"),
    ("TIME", "a time of day like `10:00`"),
    ("REGEX", "a pattern like `/^KR/`"),
    ("NUMBER", "a number"),
    ("NAME", "a name"),
)


def _missing(scene: Scene) -> str | None:
    """What the line needs at this point, if it needs one thing."""
    if scene.takes_value:
        return "a condition or a value"
    if "and" in scene.accepts and "or" not in scene.accepts:
        return "`and` with the other end"
    if END in scene.accepts or "and" in scene.accepts:
        return None
    for symbol, noun in _MISSING:
        if symbol in scene.accepts:
            return noun
    words = [word for word in scene.accepts if not word.isupper() and not word.startswith("_")]
    return f"`{words[0]}`" if len(words) == 1 else None


MISTAKES: tuple[Callable[[Scene], Problem | None], ...] = (
    _empty, _arrow, _apostrophe, _idiom, _no_event, _brackets, _where, _options, _comma, _pattern, _target,
    _unwanted_duration, _duration, _ago, _step, _comparison, _clause, _as_of, _reserved, _joint,
)  # fmt: skip
