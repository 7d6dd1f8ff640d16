"""What is wrong with one message: by its text as written, where the values to come are holes, or as filled in."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from dangol.diagnostics import Span
from dangol.playbook.compliance import euckr
from dangol.playbook.compliance.media import Medium
from dangol.playbook.compliance.rules import RULES

HOLE = "\ufffc"
"""A character of a text that is not known yet."""
LABEL = "(광고)"
_LIQUID = re.compile(r"\{%.*%\}|\{\{.*?\}\}", re.DOTALL)
"""What is not known before a text is filled in: a value; and all from the first tag to the last."""
_VARIANT = re.compile(
    r"\s*[\(\[<{（［【〈《]?\s*[\"'“”‘’]?\s*[가-힣]{0,4}\s*광[\s.·,_-]*고\s*[\"'“”‘’]?\s*[\)\]>}）］】〉》]"
)
_OPTOUT = re.compile(r"무료\s*(?:수신\s*)?거부[\s:：]*(?:080[-\s]?\d{3,4}[-\s]?\d{4}|080\d{7,8})\s*$")
_REFUSE = re.compile(
    r"수신\s*(?:거부|동의|설정)|알림\s*(?:끄기|설정|해제|해지)|차단|구독\s*(?:취소|해지)|마케팅\s*(?:동의|수신)"
)
_UNSUBSCRIBE = re.compile(r"unsubscribe|opt[ -]?out", re.IGNORECASE)
_STOP = re.compile(r"\bSTOP\b")
_PROMOTES = re.compile(
    r"할인|특가|세일|이벤트|프로모션|사은품|증정|경품|1\s*\+\s*1|혜택|무료\s*배송|타임딜|핫딜|\d+\s*%|\bsale\b|\boff\b",
    re.I,
)
_GIVES = re.compile(r"쿠폰|포인트|적립금|마일리지")
_VARIABLE = re.compile(r"#\{[^{}]+\}")
_BASIS = re.compile(r"^\s*※.*\S", re.MULTILINE)


@dataclass(frozen=True)
class Sheet:
    """One message: part → text, on what medium, of what kind, and who sends it. `type` as `media.text_type`."""

    medium: Medium
    parts: Mapping[str, str]
    kind: str = "advertising"
    type: str = "text"
    sender: str | None = None
    postal: str | None = None
    approved: str | None = None
    """The template that an Alimtalk was approved with."""

    @property
    def body(self) -> str:
        return self.parts.get("body", "")

    def with_holes(self) -> Sheet:
        """The same as it can be judged before it is filled in."""
        parts = {name: with_holes(text) for name, text in self.parts.items()}
        return replace(self, parts=parts)


def with_holes(text: str) -> str:
    """A template with a hole for each character of what stands in its brackets."""
    return _LIQUID.sub(lambda found: HOLE * len(found[0]), text)


@dataclass(frozen=True)
class Problem:
    """`part` is where it is, `span` the characters there (None: all), `mend` a text to paste or what to do."""

    rule: str
    part: str
    message: str
    mend: str
    span: Span | None = None


Found = Iterator[Problem]


def problems(sheet: Sheet, laws: Collection[str]) -> list[Problem]:
    """What a message breaks of these laws' rules about texts."""
    checks = _CHECKS.get(sheet.medium, ())
    found = (problem for asks in checks for problem in asks(sheet))
    return [problem for problem in found if set(RULES[problem.rule].laws) & set(laws)]


# --- advertising says so ------------------------------------------------------------------------------------------


def _label(sheet: Sheet) -> Found:
    body = sheet.body
    if sheet.kind != "advertising" or body.startswith(HOLE):
        return
    if not body.startswith(LABEL):
        look_alike = _VARIANT.match(body)
        if look_alike is not None:
            span = Span(0, look_alike.end())
            message = f"`{look_alike[0].strip()}` is not the label; it is written `{LABEL}`, and stands first"
            yield Problem("KR-AD-VARIANT", "body", message, f"begin with `{LABEL}`", span)
        else:
            message = f"an advertising text begins with `{LABEL}`"
            yield Problem("KR-AD-LABEL", "body", message, f"begin with `{LABEL}{sheet.sender or '상호'}`", Span(0, 1))
        return
    rest = body[len(LABEL) :].lstrip(" \n[<【")
    if sheet.sender is not None and not rest.startswith((sheet.sender, HOLE)):
        span = Span(len(LABEL), len(LABEL) + 1)
        mend = f"begin with `{LABEL}{sheet.sender}`"
        yield Problem("KR-AD-SENDER", "body", f"`{sheet.sender}`, the sender, follows `{LABEL}`", mend, span)


def _opt_out(sheet: Sheet) -> Found:
    body = sheet.body
    if sheet.kind != "advertising" or not body or _OPTOUT.search(body) or body.rstrip().endswith(HOLE):
        return
    span = Span(max(len(body.rstrip()) - 1, 0), len(body.rstrip()))
    message = "an advertising text ends with how to refuse more of them, free of charge"
    yield Problem("KR-AD-OPTOUT", "body", message, "end with `무료수신거부 080-000-0000`, your free number", span)


def _push_label(sheet: Sheet) -> Found:
    shown = [name for name in ("title", "body") if sheet.parts.get(name)]
    if sheet.kind != "advertising" or not shown:
        return
    if not sheet.parts[shown[0]].startswith((LABEL, HOLE)):
        message = f"an advertising push begins with `{LABEL}`"
        yield Problem("KR-PUSH-LABEL", shown[0], message, f"begin with `{LABEL}{sheet.sender or '상호'}`", Span(0, 1))
    if not any(_REFUSE.search(sheet.parts[name]) or HOLE in sheet.parts[name] for name in shown):
        message = "an advertising push says how to turn it off"
        yield Problem("KR-PUSH-OPTOUT", shown[-1], message, "add `수신거부: 앱 설정`")


def _email_label(sheet: Sheet) -> Found:
    if sheet.kind != "advertising":
        return
    subject = sheet.parts.get("subject", sheet.parts.get("title"))
    part = "subject" if "subject" in sheet.parts else "title"
    if subject is not None and not subject.startswith((LABEL, HOLE)):
        message = f"the subject of an advertising e-mail begins with `{LABEL}`"
        yield Problem("KR-EMAIL-LABEL", part, message, f"begin with `{LABEL}`", Span(0, 1))
    for name in _written(sheet):
        text = sheet.parts[name]
        if sheet.sender is not None and sheet.sender not in text and HOLE not in text:
            yield Problem("KR-EMAIL-SENDER", name, f"the sender, `{sheet.sender}`, is not named", "add it at the end")
        if not (_REFUSE.search(text) and _UNSUBSCRIBE.search(text)) and HOLE not in text:
            message = "an advertising e-mail says in Korean and in English how to refuse more"
            yield Problem("KR-EMAIL-OPTOUT", name, message, "add `수신거부 (Unsubscribe): https://…`")


def _written(sheet: Sheet) -> list[str]:
    return [name for name in ("body", "html") if sheet.parts.get(name)]


def _kakao_ad(sheet: Sheet) -> Found:
    if sheet.kind == "advertising" and sheet.body and not (_REFUSE.search(sheet.body) or HOLE in sheet.body):
        message = "an advertising Kakao message says at its end how to refuse more"
        yield Problem("KR-KAKAO-OPTOUT", "body", message, "add `수신거부: 채널 차단`, or your 080 number")


def _alimtalk(sheet: Sheet) -> Found:
    if sheet.kind == "advertising":
        message = "Alimtalk is for information only, and this message is advertising"
        mend = "send it as a Brand message; if it is an order, a delivery or a reservation, say `kind: informational`"
        yield Problem("KR-ALIMTALK-AD", "body" if "body" in sheet.parts else next(iter(sheet.parts)), message, mend)
        return
    for name, text in sheet.parts.items():
        if (word := _PROMOTES.search(text)) is not None:
            message = f"`{word[0]}` makes this advertising, and Alimtalk is for information only"
            yield Problem("KR-ALIMTALK-AD", name, message, "leave it out, or send a Brand message", Span(*word.span()))
        elif (word := _GIVES.search(text)) is not None and not _BASIS.search(text):
            message = f"`{word[0]}` needs a line that says what it was given for"
            mend = "add a line such as `※ 고객님의 유료 구매로 지급된 포인트 안내입니다.`"
            yield Problem("KR-ALIMTALK-BASIS", name, message, mend, Span(*word.span()))


def _template(sheet: Sheet) -> Found:
    if sheet.approved is None:
        return
    named = [part for part in sheet.parts if part.startswith("#{")]
    known = dict.fromkeys(_VARIABLE.findall(sheet.approved))
    if named and set(named) != set(known):
        message = f"the approved template has the variables {', '.join(known) or '(none)'}"
        yield Problem("KR-ALIMTALK-TEMPLATE", named[0], message, "give each of them, and no other")
    elif not named and HOLE not in sheet.body and not fits(sheet.body, sheet.approved):
        mend = "write the text as it was approved, or have the new one approved"
        yield Problem("KR-ALIMTALK-TEMPLATE", "body", "this is not the approved template", mend)


def fits(text: str, template: str) -> bool:
    """Whether a text is the template with something, however long, for each `#{variable}`; line ends are alike."""
    first, *others = [piece.replace("\r\n", "\n") for piece in _VARIABLE.split(template.strip())]
    text = text.replace("\r\n", "\n").strip()
    if not others:
        return text == first
    if not text.startswith(first):
        return False
    place, last = len(first), others.pop()
    for piece in others:  # the first place where it may stand leaves the most room for those behind it
        found = text.find(piece, place + 1)
        if found < 0:
            return False
        place = found + len(piece)
    return text.endswith(last) and len(text) - len(last) > place


def _us_text(sheet: Sheet) -> Found:
    if sheet.kind == "advertising" and sheet.body and not (_STOP.search(sheet.body) or HOLE in sheet.body):
        yield Problem("US-TCPA-STOP", "body", "a marketing text says how to stop more", "add `Reply STOP to opt out`")


def _us_email(sheet: Sheet) -> Found:
    if sheet.kind != "advertising":
        return
    for name in _written(sheet):
        text = sheet.parts[name]
        if (sheet.postal is None or sheet.postal not in text) and HOLE not in text:
            mend = "add it" if sheet.postal else "add it, and say it as `postal:` under `compliance:`"
            yield Problem("US-CANSPAM-ADDRESS", name, "an advertising e-mail has the sender's postal address", mend)
        if not _UNSUBSCRIBE.search(text) and HOLE not in text:
            yield Problem("US-CANSPAM-OPTOUT", name, "an advertising e-mail says how to unsubscribe", "add a link")


# --- sizes and characters -----------------------------------------------------------------------------------------


def _sms_size(sheet: Sheet) -> Found:
    subject = next((name for name in ("subject", "title") if sheet.parts.get(name)), None)
    if (size := _bytes(sheet.body)) > euckr.SMS_BYTES and sheet.type == "sms":
        message = f"an SMS has {euckr.SMS_BYTES} bytes, this has {size:,}"
        yield Problem("KR-SMS-BYTES", "body", message, "shorten it, or let the channel send LMS: `type: text`")
    elif size > euckr.LMS_BYTES:
        yield Problem("KR-LMS-BYTES", "body", f"an LMS has {euckr.LMS_BYTES:,} bytes, this has {size:,}", "shorten it")
    if subject is not None and sheet.type == "sms":
        yield Problem("KR-SMS-BYTES", subject, "an SMS has no subject", "leave it out, or let the channel send LMS")
    elif subject is not None and (size := _bytes(sheet.parts[subject])) > euckr.SUBJECT_BYTES:
        message = f"a subject has {euckr.SUBJECT_BYTES} bytes, this has {size:,}"
        yield Problem("KR-SUBJECT-BYTES", subject, message, "shorten it")


def _sms_characters(sheet: Sheet) -> Found:
    for name in ("subject", "title", "body"):
        text = sheet.parts.get(name, "").replace(HOLE, "")
        for rule, found, what, mend in (
            ("KR-EUCKR-CHARS", euckr.outside(text), "cannot be sent as a text", "leave it out"),
            ("KR-EUCKR-SYLLABLES", euckr.rare_syllables(text), "may be refused by carriers", "write it another way"),
        ):
            if found:
                start = sheet.parts[name].find(found[0])
                message = f"{', '.join(f'`{char}`' for char in found[:5])} {what}"
                yield Problem(rule, name, message, mend, Span(start, start + 1))


def _bytes(text: str) -> int:
    """Bytes of a text; of one with holes those of what is known."""
    return euckr.bytes_of(text.replace(HOLE, ""))


def _length(rule: str, part: str, most: int, what: str) -> Callable[[Sheet], Found]:
    def check(sheet: Sheet) -> Found:
        size = len(sheet.parts.get(part, "").replace(HOLE, ""))
        if size > most:
            yield Problem(rule, part, f"{what} has {most:,} characters, this has {size:,}", "shorten it")

    return check


def _friendtalk_size(sheet: Sheet) -> Found:
    most = 400 if sheet.parts.get("image") else 1000
    return _length("KR-KAKAO-CHARS", "body", most, "a Friendtalk" + (" with an image" if most == 400 else ""))(sheet)


def _brand_size(sheet: Sheet) -> Found:
    wide = sheet.parts.get("bubble", "") in ("WIDE", "PREMIUM_VIDEO")
    yield from _length("KR-BMS-CHARS", "body", 76 if wide else 1300, "a Brand message")(sheet)
    yield from _length("KR-BMS-CHARS", "header", 20, "the header of a Brand message")(sheet)


def _buttons(sheet: Sheet) -> Found:
    try:
        written = json.loads(sheet.parts.get("buttons") or "[]")
    except (ValueError, RecursionError):
        return
    buttons = [each for each in written if isinstance(each, dict)] if isinstance(written, list) else []
    bubble = sheet.parts.get("bubble", "TEXT") if sheet.medium == "brand" else "TEXT"
    most, longest = (2 if bubble == "WIDE" else 5), (14 if bubble in ("TEXT", "IMAGE") else 8)
    if len(buttons) > most:
        message = f"there are {most} buttons at most, these are {len(buttons)}"
        yield Problem("KR-KAKAO-BUTTONS", "buttons", message, "drop some")
    for button in buttons:
        name = str(button.get("buttonName") or button.get("name") or "")
        links = [value for key, value in button.items() if key.lower().startswith("link") and isinstance(value, str)]
        if len(name) > longest:
            message = f"`{name[:40]}` has more than {longest} characters"
            yield Problem("KR-KAKAO-BUTTONS", "buttons", message, "shorten it")
        if any(len(link) > 100 for link in links):
            yield Problem("KR-KAKAO-BUTTONS", "buttons", "an address has 100 characters at most", "shorten it")


Checks = tuple[Callable[[Sheet], Found], ...]
_CHECKS: Mapping[Medium, Checks] = {
    "sms": (_label, _opt_out, _sms_size, _sms_characters, _us_text),
    "push": (
        _push_label,
        _length("KR-PUSH-CHARS", "title", 65, "the title of a push"),
        _length("KR-PUSH-CHARS", "body", 240, "the body of a push"),
    ),
    "email": (_email_label, _length("KR-EMAIL-SUBJECT", "subject", 60, "a subject"), _us_email),
    "alimtalk": (_alimtalk, _template, _length("KR-KAKAO-CHARS", "body", 1000, "an Alimtalk"), _buttons),
    "friendtalk": (_kakao_ad, _friendtalk_size, _buttons),
    "brand": (_kakao_ad, _brand_size, _buttons),
}
