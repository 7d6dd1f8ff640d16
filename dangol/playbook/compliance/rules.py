"""The rules as a table: what each one asks, whose law it is, where that is written and as of when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dangol.diagnostics import Severity

Law = Literal["kr", "us", "eu"]
Stage = Literal["text", "project", "send"]
"""Found in a text (by `check`, or by `plan` once it is filled in), in the project's files, or kept at the send."""

_ACT = "정보통신망법 Art. 50"
_DECREE = "정보통신망법 시행령"
_AS_AMENDED = "2026-09-29"
_UNREAD = "not verified"


@dataclass(frozen=True)
class Rule:
    """`as_of` is the date of the source, or `undated`; a rule whose source is secondary or unread is a warning."""

    id: str
    laws: tuple[Law, ...]
    severity: Severity
    stage: Stage
    asks: str
    source: str
    as_of: str


def _kr(id: str, severity: Severity, stage: Stage, asks: str, source: str, as_of: str = "undated") -> Rule:
    return Rule(id, ("kr",), severity, stage, asks, source, as_of)


def _us(id: str, stage: Stage, asks: str) -> Rule:
    return Rule(id, ("us",), "warning", stage, asks, _UNREAD, "undated")


_TABLE = (
    _kr(
        "KR-AD-LABEL",
        "error",
        "text",
        "an advertising SMS, LMS or MMS begins with exactly `(광고)`",
        f"{_ACT}(4), prosms.co.kr",
        _AS_AMENDED,
    ),
    _kr(
        "KR-AD-VARIANT",
        "error",
        "text",
        'no look-alike of `(광고)`: `(광 고)`, `(광.고)`, `[광고]`, `("광고")`, `(대출광고)`',
        "prosms.co.kr",
    ),
    _kr(
        "KR-AD-SENDER",
        "error",
        "text",
        "the name of the sender follows `(광고)`",
        f"{_ACT}(4), prosms.co.kr",
        _AS_AMENDED,
    ),
    _kr(
        "KR-AD-OPTOUT",
        "error",
        "text",
        "an advertising text ends with `무료수신거부` and a free number",
        f"{_ACT}(4) and (6), prosms.co.kr",
        _AS_AMENDED,
    ),
    _kr(
        "KR-PUSH-LABEL", "warning", "text", "the title or body of an advertising push begins with `(광고)`", "nachocode"
    ),
    _kr("KR-PUSH-OPTOUT", "warning", "text", "an advertising push says how to turn it off", "nachocode"),
    _kr("KR-EMAIL-LABEL", "warning", "text", "the subject of an advertising e-mail begins with `(광고)`", _UNREAD),
    _kr("KR-EMAIL-SENDER", "warning", "text", "an advertising e-mail names its sender", _UNREAD),
    _kr(
        "KR-EMAIL-OPTOUT", "warning", "text", "an advertising e-mail says in Korean and English how to refuse", _UNREAD
    ),
    _kr(
        "KR-KAKAO-OPTOUT",
        "warning",
        "text",
        "a Friendtalk or Brand message says at its end how to refuse",
        "Notifly, cs.kakao.com 1073199206",
    ),
    _kr(
        "KR-ALIMTALK-AD",
        "error",
        "text",
        "Alimtalk is not for advertising",
        "Notifly, groobee.net, onehae",
        "2026-04-01",
    ),
    _kr(
        "KR-ALIMTALK-BASIS",
        "error",
        "text",
        "points and coupons in an Alimtalk need a line `※ …` that says their basis",
        "onehae",
        "2026-04-01",
    ),
    _kr(
        "KR-ALIMTALK-TEMPLATE",
        "error",
        "text",
        "an Alimtalk is its approved template (`approved:`) with the variables filled in",
        "Solapi 1043, 3103",
    ),
    _kr("KR-SMS-BYTES", "error", "text", "an SMS has 90 bytes in EUC-KR at most, and no subject", "Solapi 1031, 1013"),
    _kr("KR-LMS-BYTES", "error", "text", "an LMS or MMS has 2,000 bytes in EUC-KR at most", "Solapi 1031"),
    _kr(
        "KR-SUBJECT-BYTES",
        "error",
        "text",
        "the subject of an LMS or MMS has 40 bytes at most",
        "Solapi 1014, FlareLane",
    ),
    _kr("KR-EUCKR-CHARS", "error", "text", "a text has only characters of EUC-KR, so no emoji", "Solapi 1029"),
    _kr("KR-EUCKR-SYLLABLES", "warning", "text", "syllables outside the 2,350 of EUC-KR may be refused", "Solapi 1029"),
    _kr(
        "KR-KAKAO-CHARS",
        "error",
        "text",
        "Alimtalk and Friendtalk 1,000 characters; Friendtalk with an image 400",
        "Solapi 1031",
    ),
    _kr(
        "KR-BMS-CHARS",
        "error",
        "text",
        "a Brand message 1,300 characters (wide 76), its header 20",
        "Solapi bmsConstraints.ts",
    ),
    _kr(
        "KR-KAKAO-BUTTONS",
        "error",
        "text",
        "5 buttons (wide 2), names of 14 (8 in larger Brand messages) and addresses of 100 characters at most",
        "Solapi 1048–1050, bmsConstraints.ts",
    ),
    _kr(
        "KR-PUSH-CHARS",
        "warning",
        "text",
        "of a push about 65 characters of the title and 240 of the body are seen",
        "Notifly",
    ),
    _kr("KR-EMAIL-SUBJECT", "warning", "text", "a subject of more than 60 characters is cut", _UNREAD),
    _kr(
        "KR-CONSENT-MISSING",
        "error",
        "project",
        "advertising needs prior consent: its channel names an attribute",
        f"{_ACT}(1)",
        _AS_AMENDED,
    ),
    _kr(
        "KR-CONSENT-RECONFIRM-DUE",
        "warning",
        "project",
        "consent is confirmed every two calendar years",
        f"{_ACT}(8), {_DECREE} 62-3",
        _AS_AMENDED,
    ),
    _kr(
        "KR-CONSENT-6MONTH-EXCEPTION",
        "warning",
        "project",
        "without consent only goods of the same kind may be advertised, for six months after a transaction",
        f"{_ACT}(1)1, {_DECREE} 61(1)",
        _AS_AMENDED,
    ),
    _kr(
        "KR-NIGHT",
        "warning",
        "project",
        "advertising from 21:00 to 08:00 (Korean time) needs its own consent, and waits or expires; e-mail does not",
        f"{_ACT}(3), {_DECREE} 61(2)",
        _AS_AMENDED,
    ),
    _kr("KR-FRIENDTALK", "warning", "project", "Friendtalk gives way to Brand message", "mk.co.kr", "2025-05-15"),
    _kr(
        "KR-BMS-TARGETING",
        "warning",
        "project",
        "targeting M and N are for channels that Kakao approved",
        "Solapi, Hackle",
    ),
    _kr(
        "KR-SENDERID",
        "error",
        "project",
        "texts go out from a registered number of 8 to 11 digits",
        "전기통신사업법 Art. 84-2, Solapi",
    ),
    _kr(
        "KR-NIGHT-HOLD",
        "error",
        "send",
        "at night advertising waits, but for e-mail and for who consented to the night",
        f"{_ACT}(3), {_DECREE} 61(2)",
        _AS_AMENDED,
    ),
    _kr(
        "KR-KAKAO-HOURS",
        "error",
        "send",
        "Friendtalk and Brand messages go out from 08:00 to 20:00 only (or in the `hours:` of the channel)",
        "Solapi 3108",
    ),
    Rule(
        "EU-EMAIL-ONECLICK",
        ("kr", "us", "eu"),
        "warning",
        "project",
        "advertising e-mail has List-Unsubscribe and one-click headers",
        "RFC 8058, Gmail and Yahoo",
        "2024-02",
    ),
    Rule("EU-CONSENT", ("eu",), "warning", "project", "advertising needs prior consent", _UNREAD, "undated"),
    _us("US-TCPA-CONSENT", "project", "marketing texts need prior written consent"),
    _us("US-TCPA-HOURS", "send", "marketing texts go out from 08:00 to 21:00 of the recipient (`recipient_timezone:`)"),
    _us("US-TCPA-STOP", "text", "a marketing text says how to stop (STOP)"),
    _us("US-CANSPAM-ADDRESS", "text", "an advertising e-mail has a postal address"),
    _us("US-CANSPAM-OPTOUT", "text", "an advertising e-mail says how to unsubscribe"),
)

RULES = {rule.id: rule for rule in _TABLE}
"""Every rule by its id, in the order of the page."""


def reference() -> str:
    """The rules as the table of docs/compliance.md."""
    lines = ["| rule | for | where | what it asks | source | as of |", "| --- | --- | --- | --- | --- | --- |"]
    where = {"text": "texts", "project": "project", "send": "at the send"}
    for rule in RULES.values():
        name = f"`{rule.id}`" + ("" if rule.severity == "error" else " (warning)")
        cells = (name, ", ".join(rule.laws), where[rule.stage], rule.asks, rule.source, rule.as_of)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
