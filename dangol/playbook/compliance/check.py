"""The rules as findings: of a project before any data, and of texts that have been filled in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from dangol.diagnostics import Diagnostic, Line, Span, diagnose
from dangol.engine import ir
from dangol.engine.catalog import normal
from dangol.engine.check import cron
from dangol.playbook.compliance.media import Medium, medium_of, setting, text_type
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

    @classmethod
    def of(cls, config: Config | None) -> Rules:
        if config is None:
            return cls()
        said = config.compliance or Compliance()
        channels = {normal(name): (medium_of(name, one), text_type(one)) for name, one in config.channels.items()}
        return cls(frozenset(law.text for law in said.rules), _text(said.sender), _text(said.postal), channels)

    def medium(self, channel: str) -> Medium:
        return self.channels.get(channel, ("other", "text"))[0]

    def text_type(self, channel: str) -> str:
        """`media.text_type` of a channel."""
        return self.channels.get(channel, ("other", "text"))[1]

    def problems(self, channel: str, kind: str, parts: Mapping[str, str]) -> list[Problem]:
        """What a text that is filled in breaks."""
        return problems(self._sheet(channel, kind, parts), self.laws) if self.laws else []

    def problems_as_written(self, text: Text) -> list[Problem]:
        """What a text breaks whatever it will be filled in with."""
        parts = {part: line.text for part, line in text.parts.items()}
        return problems(self._sheet(text.channel, text.kind, parts).with_holes(), self.laws) if self.laws else []

    def only_when_filled(self, text: Text) -> Callable[[Mapping[str, str]], list[Problem]] | None:
        """What texts made of a template break beyond what the template does; None when there is nothing to fill in."""
        if not self.laws or not any(is_template(line.text) for line in text.parts.values()):
            return None
        known = {(problem.rule, problem.part) for problem in self.problems_as_written(text)}

        def broken(parts: Mapping[str, str]) -> list[Problem]:
            found = self.problems(text.channel, text.kind, parts)
            return [problem for problem in found if (problem.rule, problem.part) not in known]

        return broken

    def _sheet(self, channel: str, kind: str, parts: Mapping[str, str]) -> Sheet:
        medium, kind_of_text = self.channels.get(channel, ("other", "text"))
        return Sheet(medium, parts, kind, kind_of_text, self.sender, self.postal)


def finding(problem: Problem, line: Line, people: str = "") -> Diagnostic:
    """A problem at its place; `people` says of how many recipients' texts it is."""
    message = f"for {people}: {problem.message}" if people else problem.message
    return _finding(problem.rule, message, problem.mend, line, None if people else problem.span)


def _finding(rule: str, message: str, mend: str, line: Line, span: Span | None = None) -> Diagnostic:
    said = RULES[rule]
    dated = "" if said.as_of == "undated" else f", as of {said.as_of}"
    return diagnose(rule, message, line, span, severity=said.severity, hints=(mend, f"source: {said.source}{dated}"))


def compliance_problems(
    config: Config, uses: Iterable[Use], schedules: Mapping[tuple[str, str], Line], quiet: ir.Quiet | None
) -> Iterator[Diagnostic]:
    """What breaks the rules before anything is filled in. `schedules` are the lines of the scenarios that have one."""
    if config.compliance is not None and config.compliance.rules:
        yield from _Check(config, list(uses), schedules, quiet).found()


class _Check:
    def __init__(
        self, config: Config, uses: list[Use], schedules: Mapping[tuple[str, str], Line], quiet: ir.Quiet | None
    ) -> None:
        self.config, self.uses, self.schedules, self.quiet = config, uses, schedules, quiet
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
        if medium == "sms" and (number := setting(channel, "from")) is not None:
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
        if medium == "sms" and not (self.quiet is not None and covers(self.quiet, 21 * 60, 8 * 60)):
            message = "marketing texts do not go out between 21:00 and 08:00 of the recipient"
            yield "US-TCPA-HOURS", message, "say `quiet: 21:00–08:00` in dangol.yaml", name.line

    def _reconfirmation(self) -> Iterator[Diagnostic]:
        said = self.config.compliance
        held = [(name, one) for name, one in self.config.channels.items() if normal(name) in self._advertising]
        undated = [name for name, one in held if one.consent is not None and one.consented_at is None]
        if said is not None and (said.reconfirm is None or undated):
            mend = "say `reconfirm: 2y` under `compliance:`, and `consented_at:` of each channel"
            message = "nothing tells when a consent was given, and it is to be confirmed every two years"
            yield _finding("KR-CONSENT-RECONFIRM-DUE", message, mend, undated[0].line if undated else said.rules[0])

    def _at_night(self) -> Iterator[Diagnostic]:
        """Schedules all of whose times lie in the night, of scenarios with advertising that may not go out then."""
        for use in self.uses:
            one = use.scenario
            line = self.schedules.get((one.playbook, one.name)) if one is not None else None
            if one is None or line is None or use.text.kind != "advertising" or one.schedule is None:
                continue
            restricted = self.rules.medium(use.text.channel) not in ("email", "other", "alimtalk")
            if restricted and one.schedule.cron is not None and _nightly(one.schedule.cron):
                message = f"this lies in the night, so the message on `{use.text.channel}` waits until 08:00"
                mend = "choose a time from 08:00 to 21:00; only who has `night_consent:` gets it at night"
                yield _finding("KR-NIGHT", message, mend, line)


def covers(quiet: ir.Quiet, start: int, end: int) -> bool:
    """Whether quiet hours contain a window that passes midnight (minutes since midnight)."""
    return quiet.end < quiet.start <= start and quiet.end >= end


def _nightly(fields: str) -> bool:
    try:
        hours = cron.parse(fields)[1]
    except cron.NotCron:
        return False
    return all(hour >= 21 or hour < 8 for hour in hours)


def _text(line: Line | None) -> str | None:
    return None if line is None else line.text
