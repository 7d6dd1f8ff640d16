"""Namespaces: ranges of customers that scenarios share out, so that nobody is in two of their experiments."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from dangol.diagnostics import Diagnostic, Line, Span, diagnose, did_you_mean
from dangol.engine.catalog import normal
from dangol.grammar import ast
from dangol.playbook.lines import Lines, PlaybookFile
from dangol.playbook.model import Config

FREE = "free"


@dataclass(frozen=True)
class Range:
    """What a scenario has of a namespace: [lower, upper) of all customers, as shares."""

    namespace: str
    lower: Fraction
    upper: Fraction


def ranges_of(
    config: Config, playbooks: Iterable[PlaybookFile], lines: Lines
) -> tuple[Mapping[str, Range], list[Diagnostic]]:
    """`playbook/scenario` → its range, and what is wrong with the `namespaces` of dangol.yaml. Ranges stand one after
    the other as written; what is left over, or `free`, nobody has."""
    known = {f"{one.name}/{normal(name)}" for one in playbooks for name in one.model.scenarios}
    found: dict[str, Range] = {}
    problems: list[Diagnostic] = []
    for name, line in config.namespaces.items():
        written = lines.parse(line, "namespace")
        if written is None:
            continue
        lower = Fraction(0)
        for holder in written.tree.holders:
            which = "/".join(normal(part) for part in holder.name.split("/"))
            wrong = list(_wrong(holder, which, lower, line, known | lines.broken, found))
            problems += wrong
            if not wrong and which != FREE:
                found[which] = Range(normal(name), lower, lower + holder.share.value)
            lower += holder.share.value
    return found, problems


def _wrong(
    holder: ast.Holder, name: str, lower: Fraction, line: Line, known: Collection[str], found: Mapping[str, Range]
) -> Iterator[Diagnostic]:
    span, share = holder.span, holder.share
    if not share.percent or share.value <= 0:
        yield _problem("E320", "the share of a scenario is a percentage above 0%", line, share.span)
    elif lower + share.value > 1:
        over = f"{float((lower + share.value) * 100):.10g}%"
        yield _problem("E320", f"the shares of this namespace come to {over}: there is no more than 100%", line, span)
    if name == FREE:
        return
    if name not in known and not any(each in known for each in name.split("/")):
        hints = did_you_mean(name, known) or ("write `playbook/scenario`, or `free` for what nobody has",)
        yield _problem("E321", f"`{holder.name[:60]}` is not a scenario of this project", line, span, hints)
    elif name in found:
        hints = ("a scenario has one range of one namespace; make that one larger",)
        yield _problem("E320", f"`{name}` has a range already, in `{found[name].namespace}`", line, span, hints)


def _problem(code: str, message: str, line: Line, span: Span, hints: tuple[str, ...] = ()) -> Diagnostic:
    return diagnose(code, message, line, span, hints=hints)
