"""The SMART rules as a table: what each one asks, at worst how severe it is, and what it needs to be asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Letter = Literal["S", "M", "A", "R", "T"]
Severity = Literal["error", "warning", "info"]
Needs = Literal["text", "language", "data"]
"""Asked of the files; settled by the language before (the code it then reports is `by`); asked of the data."""

LETTERS: tuple[Letter, ...] = ("S", "M", "A", "R", "T")
WORDS = {"S": "specific", "M": "measurable", "A": "achievable", "R": "relevant", "T": "time-bound"}


@dataclass(frozen=True)
class Rule:
    """`severity` is the worst one it finds; `by` is the diagnostic that reports what the language rules out."""

    id: str
    severity: Severity
    needs: Needs
    asks: str
    by: str = ""

    @property
    def letter(self) -> str:
        return self.id[0]


def _text(id: str, severity: Severity, asks: str) -> Rule:
    return Rule(id, severity, "text", asks)


def _data(id: str, severity: Severity, asks: str) -> Rule:
    return Rule(id, severity, "data", asks)


def _language(id: str, asks: str, by: str) -> Rule:
    return Rule(id, "error", "language", asks, by)


_TABLE = (
    _text("S01", "warning", "who holds customers back has a target: one primary (the first `kpi` line), two at most"),
    _text("S02", "warning", "a metric has a denominator: a sum over all grows with the audience"),
    _data("S03", "error", "the target lies on the better side of today's value"),
    _language("S04", "a change says `%` or `pp`", "E310"),
    _data("S05", "error", "somebody is in the audience; fewer than 100 are a warning"),
    _text("S06", "warning", "a level is not asked of customers who were picked for the same behaviour"),
    _language("S07", "groups are compared per customer, or per event that is named", "E310"),
    _text("S08", "warning", "no other playbook has the same target for the same customers"),
    _language("M01", "the events exist", "E203"),
    _data("M02", "error", "the event still arrives: within 7 days, and within 3 times its median gap"),
    _data("M03", "error", "95% of the events belong to known customers, 80% at least"),
    _data("M04", "error", "amounts are there (1% may be missing, 10% at most), not negative, of one currency"),
    _data("M05", "error", "100 conversions tell today's value; fewer than 20 cannot carry a lift"),
    _data("M06", "error", "a level lies outside the interval of today's value, a stated baseline within it"),
    _data("M07", "error", "200 splits of past customers differ by chance: 2% to 9% of them at p < 0.05"),
    _data("M08", "warning", "the top 1% of customers hold at most half of the sum"),
    _text("M09", "warning", "who gets no message can do it, too: no opens or clicks against control"),
    _text("M10", "warning", "opens of e-mail are no reading: mail programs open by themselves"),
    _data("M11", "error", "the window is no longer than the history of the event"),
    _data("A01", "error", "if the target is reached, the test shows it: power 0.8; below 0.5 it rather does not"),
    _data("A02", "error", "the customers needed come before the deadline"),
    _data("A03", "error", "there is a smallest effect that these groups can show"),
    _data("A04", "error", "the target is possible: a share of 0% to 100%"),
    _data("A05", "error", "a lift above 50% of those who are sent to is suspicious, above 100% an error"),
    _data("A06", "warning", "a level has been seen in the past year, and not in half of it"),
    _data("A07", "warning", "a lift is one that experiments reach: 60% lies outside 95% of them"),
    _data("A08", "warning", "a level is not met by doing nothing"),
    _data("A09", "warning", "the control is 5% at least and converts 20 times"),
    _data("A10", "warning", "with several arms each one has power 0.5 after correction"),
    _data("A11", "warning", "the limit, caps (half of what goes out now) and quiet hours let the messages out"),
    _data("A12", "warning", "a guardrail could fail: power 0.8 to keep its margin"),
    _text("R01", "warning", "the metric fits the `stage` of the playbook"),
    _data("R02", "error", "the customers can still do it; below 20% is a warning"),
    _data("R03", "warning", "there is room: today's share is 0.1% to 95%"),
    _data("R04", "warning", "who does it does it within the window no more rarely than later"),
    _data("R05", "warning", "at least 30% can be reached on the channels"),
    _data("R06", "warning", "a click goes with what the business wants"),
    _text("R07", "error", "a target of clicks or sends has a guardrail: unsubscribes, complaints"),
    _text("R08", "warning", "a discount that shall bring orders watches the revenue or margin per customer, too"),
    _language("T01", "`by` is a date in the playbook's time zone", "E111"),
    _data("T02", "error", "the deadline lies ahead"),
    _data("T03", "error", "there are 7 days and more than the window; a short test has whole weeks"),
    _text("T04", "error", "who is sent to has the whole window before the deadline"),
    Rule("T05", "info", "language", "results may be looked at any day: looks are paid for (group sequential)", ""),
    _data("T06", "warning", "as many holidays and unusual days before as during the test, within 20 points"),
    _text("T07", "info", "`on_deadline` says what happens without a winner; else the split goes on as it is"),
    _data("T08", "warning", "the newest data are at most a day old"),
    _data("T09", "warning", "today's value is at most 90 days old"),
)  # fmt: skip

RULES = {rule.id: rule for rule in _TABLE}
"""Every rule by its id, in the order of the page."""


def reference() -> str:
    """The rules as the tables of docs/smart.md."""
    parts: list[str] = []
    for letter in LETTERS:
        parts += [
            f"### {letter}: {WORDS[letter]}",
            "",
            "| rule | at worst | needs | what it asks |",
            "| --- | --- | --- | --- |",
        ]
        parts += [_row(rule) for rule in RULES.values() if rule.letter == letter] + [""]
    return "\n".join(parts)


def _row(rule: Rule) -> str:
    by = f" ({rule.by})" if rule.by else ""
    needs = {"text": "files", "language": f"the language{by}", "data": "data"}[rule.needs]
    return f"| `{rule.id}` | {rule.severity} | {needs} | {rule.asks} |"
