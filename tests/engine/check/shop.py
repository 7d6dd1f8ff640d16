"""A shop's catalog, and lines read in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from dangol.diagnostics import Diagnostic, Line
from dangol.engine import ir
from dangol.engine.catalog import Catalog, Mixed
from dangol.engine.check import Checked, Definition, ScenarioText, Written, check, check_expression
from dangol.grammar.parser import parse

ZONE = "Asia/Seoul"
CATALOG = Catalog(
    attributes={
        "country": "text", "birthday": "date", "signed_up_at": "instant", "vip": "boolean", "app_version": "version",
        "tags": "list", "age": "number", "refund": "number", "odd": Mixed(("number", "text")),
    },
    events={
        "visited": {"device": "text", "at_local": "instant"},
        "viewed": {"category": "text", "product": "text", "price": "number"},
        "cart_added": {"product": "text", "amount": "number", "labels": "list"},
        "purchased": {"product": "text", "amount": "number", "category": "text", "gift": "boolean", "due": "date"},
        "returned": {"product": "number"},
        "refund": {},
    },
    groups={"active": ("visited", "viewed")},
    lists=frozenset({"vip_2026"}),
)  # fmt: skip


def written(text: str, kind: Any, name: str | None = None) -> Written[Any]:
    """A line that parses."""
    line = Line.of(text, name or kind)
    tree, problems = parse(line, kind)
    assert tree is not None, problems
    return Written(line, tree)


def definitions(segments: Mapping[str, str], traits: Mapping[str, str]) -> list[Definition]:
    found = []
    for kind, texts in (("segment", segments), ("trait", traits)):
        for name, text in texts.items():
            line = written(text, "expression", name)
            found.append(Definition(kind, name, line.line, line.tree, ZONE))  # type: ignore[arg-type]
    return found


def project(segments: Mapping[str, str] = {}, traits: Mapping[str, str] = {}, **scenario: Any) -> Checked:
    """Definitions, and a scenario when there is a `rule`."""
    texts = [scenario_text(**scenario)] if "rule" in scenario else []
    return check(CATALOG, definitions(segments, traits), texts)


def scenario_text(
    rule: str, splits: Mapping[str, str] = {}, messages: Mapping[str, Iterable[str]] = {}, **lines: Any
) -> ScenarioText:
    beside: dict[str, Any] = {}
    for key, value in lines.items():
        many = {"exits": "expression", "kpis": "kpi", "caps": "cap", "guardrails": "guardrail"}
        if key in many:
            beside[key] = tuple(written(text, many[key]) for text in value)
        else:
            beside[key] = value if isinstance(value, bool) else written(value, key)
    return ScenarioText(
        "cart", "nudge", written(rule, "scenario", "rule"), ZONE,
        splits={name: written(text, "split") for name, text in splits.items()},
        messages={name: frozenset(names) for name, names in messages.items()},
        channels=frozenset(("push", "email")), **beside,
    )  # fmt: skip


def read(line: str, segments: Mapping[str, str] = {}, traits: Mapping[str, str] = {}) -> Any:
    """What a line means; it must be free of errors."""
    node, found = answer(line, segments, traits)
    assert not [d for d in found if d.is_error], found
    return node


def answer(
    line: str,
    segments: Mapping[str, str] = {},
    traits: Mapping[str, str] = {},
) -> tuple[ir.Condition | ir.Value | None, list[Diagnostic]]:
    one = written(line, "expression", "line")
    return check_expression(one.tree, one.line, ZONE, project(segments, traits))


def shown(found: Diagnostic) -> str:
    """`E209 line 7-11 message | hint`"""
    return " | ".join((f"{found.code} {found.file} {found.column}-{found.end_column} {found.message}", *found.hints))
