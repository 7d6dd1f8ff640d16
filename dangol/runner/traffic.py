"""How long the texts of a plan are and what they cost, per channel."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from dangol.playbook.compliance import euckr
from dangol.playbook.compliance.check import Rules

if TYPE_CHECKING:
    from dangol.runner.model import Decision

Range = tuple[int, int]
"""The least and the greatest."""

Content = Mapping[str, str]


@dataclass(frozen=True)
class Price:
    """What a message costs, and one that goes out as LMS; None: nobody said."""

    each: Fraction | None = None
    lms: Fraction | None = None


@dataclass(frozen=True)
class Traffic:
    """The messages on one channel. `bytes` (of texts: in EUC-KR) and `lms` (how many are longer than an SMS, or have a
    subject) are None elsewhere; `outside`: syllables that EUC-KR lacks; `subject` is in bytes for texts."""

    messages: int
    characters: Range
    bytes: Range | None = None
    subject: Range | None = None
    lms: int | None = None
    outside: str = ""
    cost: Fraction | None = None


def traffic(decisions: Iterable[Decision], rules: Rules, prices: Mapping[str, Price]) -> dict[str, Traffic]:
    """The traffic per channel, of every decision that sends something."""
    by_channel: dict[str, list[Content]] = {}
    for one in decisions:
        if one.channel is not None and one.content is not None:
            by_channel.setdefault(one.channel, []).append(one.content)
    return {
        channel: _of_channel(contents, channel, rules, prices.get(channel, Price()))
        for channel, contents in by_channel.items()
    }


def _of_channel(contents: list[Content], channel: str, rules: Rules, price: Price) -> Traffic:
    count, is_text = len(contents), rules.medium(channel) == "sms"
    distinct = list({id(content): content for content in contents}.values())  # equal texts are one object
    bodies = [_body(content) for content in distinct]
    measure = euckr.bytes_of if is_text else len
    subjects = [measure(written) for content in distinct if (written := _subject(content))]
    characters, subject = _range(map(len, bodies)), _range(subjects) if subjects else None
    if not is_text:
        cost = None if price.each is None else price.each * count
        return Traffic(count, characters, subject=subject, cost=cost)
    long = {id(content) for content in distinct if _is_long(content, rules.text_type(channel))}
    lms = sum(id(content) in long for content in contents)
    cost = None
    if price.each is not None:
        cost = price.each * (count - lms) + (price.lms if price.lms is not None else price.each) * lms
    outside = euckr.rare_syllables("".join(dict.fromkeys("".join(bodies))))
    return Traffic(count, characters, _range(map(euckr.bytes_of, bodies)), subject, lms, outside, cost)


def _is_long(content: Content, text_type: str) -> bool:
    if text_type != "text":
        return text_type != "sms"
    return bool(_subject(content)) or euckr.bytes_of(_body(content)) > euckr.SMS_BYTES


def _body(content: Content) -> str:
    return content.get("body") or content.get("html") or ""


def _subject(content: Content) -> str:
    return content.get("subject") or content.get("title") or ""


def _range(sizes: Iterable[int]) -> Range:
    found = list(sizes)
    return min(found), max(found)
