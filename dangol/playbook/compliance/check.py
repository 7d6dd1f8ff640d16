"""The rules as findings: of a project before any data, and of texts that have been filled in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from dangol.diagnostics import Diagnostic, Line, Span, diagnose
from dangol.engine import ir
from dangol.engine.catalog import normal
from dangol.playbook.compliance.media import Medium, medium_of, night, setting, text_type
from dangol.playbook.compliance.night import (
    MINUTES_A_DAY,
    Landing,
    clock,
    expiry,
    hours,
    landings,
    longest,
    wait_of,
)
from dangol.playbook.compliance.rules import RULES
from dangol.playbook.compliance.texts import Problem, Sheet, problems
from dangol.playbook.messages.check import Text, Use, is_template
from dangol.playbook.model import Channel, Compliance, Config, Name


@dataclass(frozen=True)
class Rules:
    """What a project's messages are held to. Without `compliance:` there are no laws and nothing is found."""

    laws: frozenset[str] = frozenset()
    sender: str | None = None
    postal: str | None = None
    channels: Mapping[str, tuple[Medium, str]] = field(default_factory=dict)
    """Channel → its medium, and its `media.text_type`."""
    approved: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """(channel, message) → the template that it was approved with."""

    @classmethod
    def of(cls, config: Config | None) -> Rules:
        if config is None:
            return cls()
        said = config.compliance or Compliance()
        channels = {normal(name): (medium_of(name, one), text_type(one)) for name, one in config.channels.items()}
        approved = {
            (normal(name), normal(message)): line.text
            for name, one in config.channels.items()
            for message, line in one.approved.items()
        }
        laws = frozenset(law.text for law in said.rules)
        return cls(laws, _text(said.sender), _text(said.postal), channels, approved)

    def medium(self, channel: str) -> Medium:
        return self.channels.get(channel, ("other", "text"))[0]

    def text_type(self, channel: str) -> str:
        """`media.text_type` of a channel."""
        return self.channels.get(channel, ("other", "text"))[1]

    def problems(self, text: Text, parts: Mapping[str, str]) -> list[Problem]:
        """What a text that is filled in breaks."""
        return problems(self._sheet(text, parts), self.laws) if self.laws else []

    def problems_as_written(self, text: Text) -> list[Problem]:
        """What a text breaks whatever it will be filled in with."""
        parts = {part: line.text for part, line in text.parts.items()}
        return problems(self._sheet(text, parts).with_holes(), self.laws) if self.laws else []

    def only_when_filled(self, text: Text) -> Callable[[Mapping[str, str]], list[Problem]] | None:
        """What texts made of a template break beyond what the template does; None when there is nothing to fill in."""
        if not self.laws or not any(is_template(line.text) for line in text.parts.values()):
            return None
        known = {(problem.rule, problem.part) for problem in self.problems_as_written(text)}

        def broken(parts: Mapping[str, str]) -> list[Problem]:
            found = self.problems(text, parts)
            return [problem for problem in found if (problem.rule, problem.part) not in known]

        return broken

    def _sheet(self, text: Text, parts: Mapping[str, str]) -> Sheet:
        medium, kind_of_text = self.channels.get(text.channel, ("other", "text"))
        approved = self.approved.get((text.channel, normal(text.name))) if text.name is not None else None
        return Sheet(medium, parts, text.kind, kind_of_text, self.sender, self.postal, approved)


def finding(problem: Problem, line: Line, people: str = "") -> Diagnostic:
    """A problem at its place; `people` says of how many recipients' texts it is."""
    message = f"for {people}: {problem.message}" if people else problem.message
    return _finding(problem.rule, message, problem.mend, line, None if people else problem.span)


def _finding(rule: str, message: str, mend: str, line: Line, span: Span | None = None) -> Diagnostic:
    said = RULES[rule]
    dated = "" if said.as_of == "undated" else f", as of {said.as_of}"
    return diagnose(rule, message, line, span, severity=said.severity, hints=(mend, f"source: {said.source}{dated}"))


def compliance_problems(
    config: Config,
    uses: Iterable[Use],
    schedules: Mapping[tuple[str, str], Line],
    written: Mapping[tuple[str, str], Line],
) -> Iterator[Diagnostic]:
    """What breaks the rules before anything is filled in. `schedules` are the lines of the scenarios that have one,
    `written` those of all scenarios."""
    if config.compliance is not None and config.compliance.rules:
        yield from _Check(config, list(uses), schedules, written).found()


class _Check:
    def __init__(
        self,
        config: Config,
        uses: list[Use],
        schedules: Mapping[tuple[str, str], Line],
        written: Mapping[tuple[str, str], Line],
    ) -> None:
        self.config, self.uses, self.schedules, self.written = config, uses, schedules, written
        self.rules = Rules.of(config)

    def found(self) -> Iterator[Diagnostic]:
        for use in self.uses:
            for problem in self.rules.problems_as_written(use.text):
                yield finding(problem, use.text.parts[problem.part])
        for name, channel in self.config.channels.items():
            for rule, message, mend, line in self._of_channel(name, channel, self.rules.medium(normal(name))):
                if set(RULES[rule].laws) & self.rules.laws:
                    yield _finding(rule, message, mend, line)
        if "kr" in self.rules.laws:
            yield from self._reconfirmation()
            yield from self._at_night()

    @cached_property
    def _advertising(self) -> frozenset[str]:
        """The channels on which advertising goes out."""
        return frozenset(use.text.channel for use in self.uses if use.text.kind == "advertising")

    def _of_channel(self, name: Name, channel: Channel, medium: Medium) -> Iterator[tuple[str, str, str, Line]]:
        if medium in _BY_NUMBER and (number := setting(channel, "from")) is not None:
            digits = number.text.replace("-", "")
            if not number.text.startswith("env:") and not (digits.isdigit() and 8 <= len(digits) <= 11):
                yield "KR-SENDERID", "a sender has 8 to 11 digits", "write the number that you registered", number
        if medium == "other" or normal(name) not in self._advertising:
            return
        if channel.consent is None and medium != "alimtalk":
            message = f"advertising goes out on `{name}`, and nothing says who consented to it"
            mend = "name the attribute that holds the consent: `consent: …`"
            for rule in ("KR-CONSENT-MISSING", "EU-CONSENT", *(["US-TCPA-CONSENT"] if medium == "sms" else [])):
                yield rule, message, mend, name.line
        if medium == "friendtalk":
            yield "KR-FRIENDTALK", "Friendtalk gives way to Brand message", "use `type: brand`", name.line
        if medium == "brand" and (aim := setting(channel, "targeting")) is not None and aim.text in ("M", "N"):
            message = f"`targeting: {aim.text}` is for Kakao channels that Kakao approved"
            yield "KR-BMS-TARGETING", message, "ask your relay, or write `targeting: I`", aim
        provider = setting(channel, "provider")
        if medium == "email" and provider is not None and setting(channel, "unsubscribe") is None:
            message = "advertising e-mail has headers by which mail programs unsubscribe with one click"
            yield "EU-EMAIL-ONECLICK", message, "say `unsubscribe: https://…?m={key}`", name.line
        if channel.transaction_at is not None:
            message = (
                "who never said anything may be advertised goods of the same kind to for six months after that day"
            )
            mend = "keep to messages about such goods, or leave `transaction_at:` out"
            yield "KR-CONSENT-6MONTH-EXCEPTION", message, mend, channel.transaction_at
        if medium == "sms" and self.config.recipient_timezone is None:
            message = "marketing texts wait from 21:00 to 08:00, by the project's clock: nothing tells the recipients'"
            mend = "name the attribute that holds it: `recipient_timezone: …` in dangol.yaml"
            yield "US-TCPA-HOURS", message, mend, name.line

    def _reconfirmation(self) -> Iterator[Diagnostic]:
        said = self.config.compliance
        held = [(name, one) for name, one in self.config.channels.items() if normal(name) in self._advertising]
        undated = [name for name, one in held if one.consent is not None and one.consented_at is None]
        if said is not None and (said.reconfirm is None or undated):
            mend = "say `reconfirm: 2y` under `compliance:`, and `consented_at:` of each channel"
            message = "nothing tells when a consent was given, and it is to be confirmed every two years"
            yield _finding("KR-CONSENT-RECONFIRM-DUE", message, mend, undated[0].line if undated else said.rules[0])

    def _at_night(self) -> Iterator[Diagnostic]:
        """Steps with advertising that always fall due in the night, or that expire while they wait for its end."""
        for use in self.uses:
            one = use.scenario
            window = night(self.rules.medium(use.text.channel), self.rules.laws)
            if one is None or window is None or use.text.kind != "advertising":
                continue
            for landing in landings(one, window.zone):
                if any(_sends(one, send, use.text) for send in one.steps[landing.step].sends):
                    yield from self._in_the_night(one, use, landing, window)

    def _in_the_night(self, one: ir.Scenario, use: Use, landing: Landing, window: ir.Quiet) -> Iterator[Diagnostic]:
        name = (one.playbook, one.name)
        schedule, rule = self.schedules.get(name), self.written.get(name)
        line = schedule if schedule is not None and landing.delay == 0 else rule
        waits = (longest(window),) * 2 if landing.minutes is None else wait_of(landing.minutes, window)
        lost = waits is not None and waits[1] > expiry(one)
        if waits is None or line is None or (landing.minutes is None and not lost):
            return
        message, mend = _told(use.text.channel, landing, waits, window), "choose a time from 08:00 to 21:00"
        if lost:
            message += f"; it expires {hours(expiry(one))} after it is due, so it may never go out"
            mend = f"say `expires: {hours(waits[1])}` or more, or choose times from 08:00 to 21:00"
        yield _finding("KR-NIGHT", message, f"{mend}; only who has `night_consent:` gets it at night", line)


_BY_NUMBER = ("sms", "alimtalk", "friendtalk", "brand")
"""Media that go out from a registered number."""


def _told(channel: str, landing: Landing, waits: tuple[int, int], window: ir.Quiet) -> str:
    if landing.minutes is None:
        after = f"{hours(landing.delay)} after an entry " if landing.delay else ""
        when = f"{after}between 21:00 and 08:00 (Korean time)"
        return f"what falls due {when} on `{channel}` waits, for {hours(waits[1])} at most"
    times = sorted(landing.minutes, key=lambda minute: (minute - window.start) % MINUTES_A_DAY)
    shown = clock(times[0]) + (f" to {clock(times[-1])}" if len(times) > 1 else "")
    into = (times[-1] - window.start) % MINUTES_A_DAY
    wait = hours(waits[1]) if waits[0] == waits[1] else f"{hours(waits[0])} to {hours(waits[1])}"
    when = f"{shown} (Korean time), {hours(into)} into the night" if into else f"{shown} (Korean time)"
    return f"the message on `{channel}` falls due at {when}, and waits {wait} until 08:00"


def _sends(scenario: ir.Scenario, send: ir.Send, text: Text) -> bool:
    """Whether this send is of this text."""
    if send.channel != text.channel:
        return False
    if send.split is not None:
        return any(arm == text.name for split in scenario.splits if split.name == send.split for arm, _ in split.arms)
    return send.message == text.name if text.name is not None else send.inline == text.parts["body"].text


def _text(line: Line | None) -> str | None:
    return None if line is None else line.text
