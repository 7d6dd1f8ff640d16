"""The lines of a playbook as the checker takes them: parsed, with everything that stands beside them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any, Literal, cast

from dangol.diagnostics import Diagnostic, Line, diagnose, did_you_mean
from dangol.engine.catalog import RESERVED_MESSAGES, normal
from dangol.engine.check import Definition, ScenarioText, Written, check_beside
from dangol.engine.ir import Shift
from dangol.grammar.ast import LineKind
from dangol.library import is_library
from dangol.playbook.model import Playbook, Scenario

KIND = "kind"
"""The key beside a message's channels that says what the message is for."""
MessageKind = Literal["advertising", "informational"]
KINDS: tuple[MessageKind, ...] = ("advertising", "informational")

Messages = Mapping[str, Mapping[str, Mapping[str, Line]]]
"""message → channel → part → template"""


@dataclass(frozen=True)
class PlaybookFile:
    """A playbook, the file it stands in (relative to the project), its time zone, the share it holds out and how many
    customers a run of it may hit."""

    file: str
    model: Playbook
    zone: str
    holdout: Fraction | None = None
    limit: int | None = None

    @property
    def name(self) -> str:
        return normal(self.model.playbook.text)

    @property
    def messages(self) -> Messages:
        return {
            normal(name): {
                normal(channel): {str(part): line for part, line in parts.items()}
                for channel, parts in channels.items()
                if channel != KIND
            }
            for name, channels in self.model.messages.items()
        }

    @cached_property
    def kinds(self) -> Mapping[str, MessageKind]:
        """The messages that say so are informational; all others are advertising."""
        said = {normal(name): _said_kind(texts) for name, texts in self.model.messages.items()}
        return {name: line.text for name, line in said.items() if line and line.text in KINDS}

    def kind_of(self, message: str | None) -> MessageKind:
        """What a message is for; a text in the line is advertising."""
        return self.kinds.get(message or "", "advertising")


@dataclass(frozen=True)
class ScenarioFile:
    """A scenario as written: its checked text, the playbook it stands in, and whether it takes part."""

    playbook: PlaybookFile
    text: ScenarioText
    enabled: bool

    @property
    def name(self) -> str:
        return self.text.name


@dataclass
class Lines:
    """All lines of a project that parsed, the names of those that did not, and why."""

    definitions: list[Definition] = field(default_factory=list)
    scenarios: list[ScenarioFile] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    found: list[Diagnostic] = field(default_factory=list)

    def parse(self, line: Line | None, kind: LineKind) -> Written[Any] | None:
        """A line and its tree; None when there is no line or it is reported."""
        if line is None:
            return None
        from dangol.grammar.parser import parse

        tree, found = parse(line, kind)
        self.found.extend(found)
        return Written(line, tree) if tree is not None else None

    def parse_all(self, lines: Iterable[Line], kind: LineKind) -> tuple[Written[Any], ...]:
        return tuple(written for line in lines if (written := self.parse(line, kind)) is not None)

    def naming(self) -> Iterator[Written[Any]]:
        """Every line that can name a segment or trait."""
        yield from (Written(one.line, one.tree) for one in self.definitions)
        for scenario in self.scenarios:
            text = scenario.text
            yield from (text.rule, *text.exits, *text.kpis, *text.guardrails)

    def schedules(self) -> dict[tuple[str, str], Line]:
        """The line of each scenario's schedule, by (playbook, scenario)."""
        written = {(one.playbook.name, one.name): one.text.schedule for one in self.scenarios}
        return {name: line.line for name, line in written.items() if line is not None}

    def rules(self) -> dict[tuple[str, str], Line]:
        """The line of each scenario, by (playbook, scenario)."""
        return {(one.playbook.name, one.name): one.text.rule.line for one in self.scenarios}

    def duration(self, line: Line | None, zone: str) -> Shift | None:
        """How long something holds, checked."""
        return cast(Shift | None, self.beside(self.parse(line, "expires"), zone))

    def share(self, line: Line | None, zone: str) -> Fraction | None:
        """A holdout, checked."""
        written = self.parse(line, "holdout")
        return cast(Fraction | None, self.beside(written, zone))

    def limit(self, line: Line | None, zone: str) -> int | None:
        """How many customers a run may hit, checked."""
        return cast(int | None, self.beside(self.parse(line, "limit"), zone))

    def beside(self, written: Written[Any] | None, zone: str, channels: frozenset[str] | None = None) -> Any:
        """What a line beside the scenarios means; None when there is none or it is reported."""
        if written is None:
            return None
        answer, found = check_beside(written, zone, channels)
        self.found.extend(found)
        return answer

    def add(self, playbook: PlaybookFile, channels: frozenset[str] | None, outer_holdout: bool) -> None:
        """The definitions and scenarios of a playbook."""
        model = playbook.model
        for name, segment in model.segments.items():
            self._define("segment", name, name.line, segment.rule, playbook.zone)
        for name, line in model.traits.items():
            self._define("trait", name, name.line, line, playbook.zone)
        splits = {normal(name): self.parse(line, "split") for name, line in model.splits.items()}
        self._messages(playbook, channels)
        shared: dict[str, Any] = {
            "zone": playbook.zone,
            "splits": {name: written for name, written in splits.items() if written is not None},
            "broken_splits": frozenset(name for name, written in splits.items() if written is None),
            "messages": {  # one that could not be read is reported where it stands, not where it is used
                **dict.fromkeys(self.broken, frozenset()),
                **{name: frozenset(texts) for name, texts in playbook.messages.items()},
            },
            "channels": channels,
            "outer_holdout": outer_holdout or playbook.holdout is not None,
        }
        for name, scenario in model.scenarios.items():
            self._scenario(playbook, normal(name), name.line, scenario, shared)

    def _define(self, kind: Any, name: str, name_line: Line, line: Line, zone: str) -> None:
        if is_library(normal(name)):
            message = f"`{name[:60]}` cannot be a name here: what begins with `lib.` is the library's"
            self.found.append(diagnose("E202", message, name_line, hints=(f"write `{name[4:60]}`",)))
            return
        written = self.parse(line, "expression")
        if written is None:
            self.broken.add(normal(name))
        else:
            self.definitions.append(Definition(kind, normal(name), line, written.tree, zone, name_line))

    def _scenario(
        self, playbook: PlaybookFile, name: str, name_line: Line, scenario: Scenario, shared: dict[str, Any]
    ) -> None:
        rule = self.parse(scenario.rule, "scenario")
        beside: dict[str, Any] = {
            "exits": self.parse_all(scenario.exit, "expression"),
            "kpis": self.parse_all(scenario.kpi, "kpi"),
            "caps": self.parse_all(scenario.cap, "cap"),
            "schedule": self.parse(scenario.schedule, "schedule"),
            "quiet": self.parse(scenario.quiet, "quiet"),
            "again": self.parse(scenario.again, "again"),
            "expires": self.parse(scenario.expires, "expires"),
            "limit": self.parse(scenario.limit, "limit"),
            "priority": self.parse(scenario.priority, "priority"),
            "phase": self.parse(scenario.phase, "limit"),
            "holdout": self.parse(scenario.holdout, "holdout"),
            "winner": self.parse(scenario.winner, "winner"),
            "guardrails": self.parse_all(scenario.guardrails, "guardrail"),
            "on_deadline": self.parse(scenario.on_deadline, "on_deadline"),
        }
        if rule is not None:
            text = ScenarioText(playbook.name, name, rule, name_line=name_line, **beside, **shared)
            self.scenarios.append(ScenarioFile(playbook, text, scenario.enabled))

    def _messages(self, playbook: PlaybookFile, channels: frozenset[str] | None) -> None:
        for name, texts in playbook.model.messages.items():
            if normal(name) in RESERVED_MESSAGES:
                message = f"`{name}` is a word of the language; choose another name for the message"
                self.found.append(diagnose("E028", message, name.line))
            line = _said_kind(texts)
            if line is not None and line.text not in KINDS:
                message = f"a message is {' or '.join(KINDS)}, not `{line.text[:60]}`"
                self.found.append(diagnose("E027", message, line, hints=did_you_mean(line.text, KINDS)))
            for channel in texts:
                if channel == KIND:
                    continue
                if channels is not None and normal(channel) not in channels:
                    hints = did_you_mean(channel, channels) or (f"channels: {', '.join(sorted(channels))}",)
                    message = f"`{channel[:60]}` is not a channel of this project"
                    self.found.append(diagnose("E032", message, channel.line, hints=hints))


def _said_kind(texts: Mapping[Any, Mapping[Any, Line]]) -> Line | None:
    """What stands at `kind:` beside a message's channels."""
    return next(iter(texts.get(KIND, {}).values()), None)
