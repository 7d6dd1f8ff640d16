"""What a rule finds: the number found, the number needed, and the cheapest change that satisfies it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dangol.diagnostics import Diagnostic, Line, diagnose
from dangol.playbook.smart.rules import LETTERS, Severity

_RANK: Mapping[str, int] = {"error": 0, "warning": 1, "info": 2, "accepted": 3, "ok": 4}


@dataclass(frozen=True)
class Finding:
    """`accepted` is the reason that the file gives for living with a warning; `line` None: that of the target."""

    rule: str
    severity: Severity
    found: str
    needed: str = ""
    change: str = ""
    accepted: str | None = None
    line: Line | None = field(default=None, compare=False, repr=False)

    @property
    def is_error(self) -> bool:
        return self.severity == "error"

    @property
    def light(self) -> str:
        return "accepted" if self.accepted is not None else self.severity

    @property
    def text(self) -> str:
        """What was found, and what would be needed."""
        return f"{self.found}; needed: {self.needed}" if self.needed else self.found

    def diagnostic(self, line: Line) -> Diagnostic | None:
        """The finding at its place; None for what is only told, or accepted."""
        if self.severity == "info" or self.accepted is not None:
            return None
        hints = (self.change,) if self.change else ()
        return diagnose(self.rule, self.text, self.line or line, severity=self.severity, hints=hints)


@dataclass(frozen=True)
class Light:
    """One letter of a target: the worst of its findings (`ok` without), and its numbers on one line."""

    letter: str
    severity: str
    line: str


@dataclass(frozen=True)
class Lint:
    """What is said of one target. `numbers`: letter → its arithmetic; `unasked`: rules that could not be asked, why."""

    playbook: str
    scenario: str
    kpi: str
    findings: tuple[Finding, ...]
    numbers: Mapping[str, str] = field(default_factory=dict)
    unasked: Mapping[str, str] = field(default_factory=dict)

    @property
    def full_name(self) -> str:
        return f"{self.playbook}/{self.scenario}"

    @property
    def has_errors(self) -> bool:
        return any(one.is_error for one in self.findings)

    @property
    def lights(self) -> tuple[Light, ...]:
        """Five, in the order of the word."""
        return tuple(self._light(letter) for letter in LETTERS)

    def _light(self, letter: str) -> Light:
        own = sorted((f for f in self.findings if f.rule[0] == letter), key=lambda each: _RANK[each.light])
        told = [] if letter == "A" else [f"{f.rule} {f.found}" for f in own if f.light != "info"]
        numbers = self.numbers.get(letter, "")
        names = dict.fromkeys(f.rule for f in own if f.light in ("error", "warning"))
        rules = ", ".join(names) if letter == "A" else ""
        line = ". ".join(part for part in (numbers, *told) if part)
        return Light(letter, own[0].light if own else "ok", f"{line}{f' ({rules})' if rules else ''}")


def accepted(found: Finding, reasons: Mapping[str, str]) -> Finding:
    """The finding with the reason that the file gives; an error is none that can be accepted."""
    reason = reasons.get(found.rule)
    if reason is None or found.severity == "info":
        return found
    if found.is_error:
        mend = "; ".join(part for part in (found.change, "an error cannot be accepted") if part)
        return Finding(found.rule, "error", found.found, found.needed, mend, None, found.line)
    return Finding(found.rule, found.severity, found.found, found.needed, found.change, reason, found.line)


def graded(is_error: bool) -> Severity:
    """`error`, else `warning`."""
    return "error" if is_error else "warning"
