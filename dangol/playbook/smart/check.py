"""The rules that need no data: of every target of a project, before anything is read but its files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from dangol.diagnostics import Diagnostic, Line, diagnose, did_you_mean
from dangol.engine import ir
from dangol.engine.calendar import day_of, day_start, step
from dangol.engine.catalog import normal
from dangol.playbook.lines import ScenarioFile
from dangol.playbook.messages.check import texts_of
from dangol.playbook.model import Name
from dangol.playbook.namespaces import Range
from dangol.playbook.smart.families import FITS, family, watches_worth
from dangol.playbook.smart.finding import Finding, Lint, accepted
from dangol.playbook.smart.rules import RULES

CONTROL = "control"
_DISCOUNT = re.compile(r"할인|세일|특가|쿠폰|적립금|discount|coupon|\bsale\b|\d\s*% off|\boff\b", re.IGNORECASE)
_RESPONSE = re.compile(
    r"(e?mail|push|sms|kakao|message|msg|메일|알림|문자).*(open|click|오픈|클릭)|opened|clicked", re.I
)
_UPWARDS = (">=", ">", "up")


@dataclass(frozen=True)
class Case:
    """A scenario with a target, as written and as it is meant."""

    file: ScenarioFile
    scenario: ir.Scenario
    program: ir.Program
    namespace: str | None = None
    """Scenarios of one namespace have no customers in common."""

    @property
    def key(self) -> tuple[str, str]:
        """(playbook, scenario)"""
        return self.scenario.playbook, self.scenario.name

    @property
    def reasons(self) -> dict[str, str]:
        """Rule → why its warning is accepted."""
        return {str(name).upper(): line.text for name, line in self._accept.items()}

    @property
    def _accept(self) -> Mapping[Name, Line]:
        written = self.file.playbook.model.scenarios.items()
        return next(one.accept for name, one in written if normal(name) == self.file.name)

    def lines(self) -> list[Line]:
        """The line of each target, in order."""
        return [written.line for written in self.file.text.kpis]

    def unknown_rules(self) -> Iterator[Diagnostic]:
        """E319: what is accepted is a rule."""
        for name in self._accept:
            if str(name).upper() not in RULES:
                message = f"`{str(name)[:60]}` is no rule of the SMART targets"
                hints = did_you_mean(str(name).upper(), RULES) or ("such as `A09`; docs/smart.md lists them",)
                yield diagnose("E319", message, name.line, hints=hints)


def cases_of(files: Iterable[ScenarioFile], program: ir.Program, ranges: Mapping[str, Range]) -> list[Case]:
    """The enabled scenarios that are free of errors. ranges: `playbook/scenario` → what it has of a namespace."""
    compiled = {(one.playbook, one.name): one for one in program.scenarios}
    pairs = ((file, compiled.get((file.playbook.name, file.name))) for file in files if file.enabled)
    places = {name: one.namespace for name, one in ranges.items()}
    return [
        Case(file, found, program, places.get(f"{found.playbook}/{found.name}"))
        for file, found in pairs
        if found is not None
    ]


def smart_problems(cases: Sequence[Case]) -> Iterator[Diagnostic]:
    """What `check` says of the targets of a project."""
    for case in cases:
        yield from case.unknown_rules()
        yield from (found for one in _unmeasured(case) if (found := one.diagnostic(case.file.text.rule.line)))
        for lint, line in zip(static(case, cases), case.lines(), strict=False):
            yield from (told for one in lint.findings if (told := one.diagnostic(line)) is not None)


def static(case: Case, cases: Sequence[Case]) -> list[Lint]:
    """What the files say of each target of a scenario."""
    scenario = case.scenario
    return [
        Lint(scenario.playbook, scenario.name, kpi.written,
             tuple(accepted(one, case.reasons) for one in _of(number, kpi, case, cases)))
        for number, kpi in enumerate(scenario.kpis)
    ]  # fmt: skip


def _unmeasured(case: Case) -> Iterator[Finding]:
    """S01 of a scenario without a target."""
    scenario = case.scenario
    holds_back = scenario.holdout is not None or has_control(scenario)
    if holds_back and not scenario.kpis and scenario.winner is None:
        found = "customers are held back, and no target says what for"
        yield accepted(Finding("S01", "warning", found, "one `kpi` line", "add `kpi: … vs control by …`"), case.reasons)


def has_control(scenario: ir.Scenario) -> bool:
    """Whether a split of the rule has an arm that gets nothing."""
    return any(arm == CONTROL for split in scenario.splits for arm, _ in split.arms)


def _of(number: int, kpi: ir.Kpi, case: Case, cases: Sequence[Case]) -> Iterator[Finding]:
    if number == 2:
        yield Finding("S01", "warning", f"{len(case.scenario.kpis)} targets", "one primary and at most one more")
    if number == 0:
        yield from _once(kpi, case)
    yield from _specific(kpi, case, cases)
    yield from _measurable(kpi, case)
    yield from _relevant(kpi, case)
    yield from _timely(kpi, case)


def is_level(kpi: ir.Kpi) -> bool:
    """Whether it is decided without a control."""
    return kpi.versus is None


# --- S -----------------------------------------------------------------------------------------------------------


def _specific(kpi: ir.Kpi, case: Case, cases: Sequence[Case]) -> Iterator[Finding]:
    if kpi.metric.function in ("count", "sum", "distinct", "active_days") and kpi.per is None:
        yield Finding("S02", "warning", "a total over all customers grows with the audience", "a denominator",
                      f"write `{_metric(kpi)} per customer`")  # fmt: skip
    stage = case.file.playbook.model.stage
    picked = is_level(kpi) and _picked(kpi.metric.events, case)
    if picked and (stage is None or stage.text not in ("loyalty", "dormant")):
        yield Finding("S06", "warning", f"the rule picks customers by `{picked}`, and the level asks for it again",
                      "a comparison", "compare `vs holdout`, or leave the condition out")  # fmt: skip
    twin = next((one for one in cases if _is_twin(kpi, case, one)), None)
    if twin is not None:
        other = f"{twin.scenario.playbook}/{twin.scenario.name}"
        yield Finding("S08", "warning", f"{other} has the same target for the same customers", "one of them",
                      "leave one out, or give both a place in one of the `namespaces`")  # fmt: skip


def _metric(kpi: ir.Kpi) -> str:
    return re.split(r"\s(?:>=|<=|>|<|up|down)\s", kpi.written)[0]


def _picked(events: ir.Events, case: Case) -> str | None:
    """The event of the target, when the rule's conjunction asks for it."""
    names = set(events.names)
    for node in _conjunction(case.scenario.who, case.program):
        if isinstance(node, ir.Matches) and node.low >= 1 and names & set(node.events.names):
            return node.events.label or node.events.names[0]
    return None


def _conjunction(node: ir.Condition, program: ir.Program) -> Iterator[ir.Condition]:
    """Whatever must hold, with the segments it names opened."""
    waiting, opened = [node], set[str]()
    while waiting:
        found = waiting.pop()
        if isinstance(found, ir.And):
            waiting.extend(found.items)
        elif isinstance(found, ir.SegmentRef) and found.name not in opened and found.name in program.segments:
            opened.add(found.name)
            waiting.append(program.segments[found.name])
        yield found


def _is_twin(kpi: ir.Kpi, case: Case, other: Case) -> bool:
    """Said at the later of the two."""
    mine, its = case.scenario, other.scenario
    if (its.playbook, its.name) >= (mine.playbook, mine.name) or its.playbook == mine.playbook:
        return False
    if case.namespace is not None and case.namespace == other.namespace:
        return False
    return its.who == mine.who and any(one.metric == kpi.metric and one.per == kpi.per for one in its.kpis)


# --- M -----------------------------------------------------------------------------------------------------------


def _measurable(kpi: ir.Kpi, case: Case) -> Iterator[Finding]:
    name = kpi.metric.events.label or kpi.metric.events.names[0]
    if kpi.versus is not None and not kpi.metric.ledger and _RESPONSE.search(name):
        found = f"`{name}` looks like an answer to a message, and {kpi.versus} gets none"
        yield Finding("M09", "warning", found, "something that both can do", "compare what customers do")
    channels = {send.channel for one in case.scenario.steps for send in one.sends}
    if kpi.metric.ledger and kpi.metric.events.names == ("opened",) and channels & {"email", "mail", "이메일"}:
        yield Finding("M10", "warning", "opens of e-mail count mail programs that open by themselves", "an act",
                      "write `clicked`, or what follows the click")  # fmt: skip


# --- R -----------------------------------------------------------------------------------------------------------


def _relevant(kpi: ir.Kpi, case: Case) -> Iterator[Finding]:
    stage, about = case.file.playbook.model.stage, family(kpi)
    if stage is not None and about is not None and about != "harm" and about not in FITS[stage.text]:
        yield Finding("R01", "warning", f"the stage is {stage.text}, the target is about {about}",
                      f"one of {', '.join(FITS[stage.text])}", "change the target, or `stage:`")  # fmt: skip


def _once(kpi: ir.Kpi, case: Case) -> Iterator[Finding]:
    """What the primary target needs beside it."""
    scenario = case.scenario
    beside: tuple[ir.Kpi | ir.Guardrail, ...] = (*scenario.guardrails, *scenario.kpis)
    guarded = any(family(one) == "harm" for one in beside)
    if kpi.metric.ledger and family(kpi) == "response" and kpi.op in _UPWARDS and not guarded:
        yield Finding("R07", "error", f"nothing stands against ever more `{kpi.metric.events.names[0]}`",
                      "a guardrail", "add `guardrails: unsubscribed within 7d <= 0.5%`")  # fmt: skip
    watched = any(watches_worth(one) for one in beside)
    if family(kpi) == "purchase" and kpi.op in _UPWARDS and not watched and (said := _discount(case)):
        against = f" down at most 5% vs {kpi.versus}" if kpi.versus else " >= …"
        found = f"`{said}` buys orders, and nothing watches what they are worth"
        change = f"add `guardrails: sum({kpi.metric.events.label}.amount within 7d) per customer{against}`"
        yield Finding("R08", "warning", found, "revenue or margin per customer", change)


def _discount(case: Case) -> str | None:
    rule = case.file.text.rule.line
    for text in texts_of(case.file.playbook, case.scenario, rule):
        for line in text.parts.values():
            if found := _DISCOUNT.search(line.text):
                return found[0]
    return None


# --- T -----------------------------------------------------------------------------------------------------------


def _timely(kpi: ir.Kpi, case: Case) -> Iterator[Finding]:
    scenario = case.scenario
    once = scenario.schedule.once if scenario.schedule is not None else None
    if once is not None and (closed := closes_at(once, kpi)) > deadline(kpi):
        found = f"who is sent to on {_day(once, kpi)} has had the whole window on {_day(closed, kpi)}"
        change = f"write `by {_day(closed, kpi)}`"
        yield Finding("T04", "error", found, f"on {_day(deadline(kpi) - 1, kpi)} at the latest", change)
    if kpi.versus is not None and scenario.splits and scenario.on_deadline is None:
        yield Finding("T07", "info", "without `on_deadline` the split goes on as it is")


def closes_at(start: int, kpi: ir.Kpi) -> int:
    """The end of the window that begins at an instant (µs)."""
    return step(start, kpi.metric.within, kpi.zone)


def deadline(kpi: ir.Kpi) -> int:
    """The end of the day `by` (µs)."""
    return day_start(kpi.by + 1, kpi.zone)


def _day(at: int, kpi: ir.Kpi) -> str:
    from dangol.engine.reading.times import day_text  # with all the readings, which `check` has no use for

    return day_text(day_of(at, kpi.zone))
