"""The parse tables of dangol.lark: shipped as tables.json, made anew when they do not belong to the grammar."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, get_args

from dangol.grammar.ast import LineKind

HERE = Path(__file__).parent
GRAMMAR, SHIPPED = HERE / "dangol.lark", HERE / "tables.json"
KINDS: tuple[LineKind, ...] = get_args(LineKind)


@dataclass(frozen=True)
class Rule:
    """What a reduction does with its `size` values: `kept` are passed on, those in `spliced` are lists to unpack.

    `action` names the method of the builder; "" passes the one value through, "[]" makes a list.
    """

    origin: str
    size: int
    kept: tuple[int, ...]
    spliced: frozenset[int]
    action: str


@dataclass(frozen=True)
class Tables:
    """A state maps symbols to actions: a state to go to (>= 0), or -1 minus the rule to reduce.

    Words and signs are their own symbols (`within next`, `>=`); the others are NAME, NUMBER, …, `$END`, and what
    rules make, `@sum`.
    """

    states: tuple[dict[str, int], ...]
    rules: tuple[Rule, ...]
    starts: dict[str, int]
    ends: dict[str, int]
    words: tuple[str, ...]


@cache
def tables() -> Tables:
    """The tables of the grammar beside this module; what is shipped is used only if it belongs to it."""
    grammar = GRAMMAR.read_bytes()
    return _decode(_shipped(_digest(grammar)) or _compile(grammar.decode()))


def write() -> None:
    """Write tables.json anew from the grammar."""
    text = GRAMMAR.read_text(encoding="utf-8")
    raw = {"grammar": _digest(text.encode()), **_compile(text)}
    rows = (f'"{key}": {_rows(value)}' for key, value in raw.items())
    SHIPPED.write_text("{\n" + ",\n".join(rows) + "\n}\n", encoding="utf-8")


def _rows(value: Any) -> str:
    if isinstance(value, list) and value and not isinstance(value[0], str):
        return "[\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in value) + "\n]"
    return json.dumps(value, ensure_ascii=False)


def _digest(grammar: bytes) -> str:
    lines = grammar.replace(b"\r\n", b"\n")
    return f"{len(lines)}-{zlib.crc32(lines):08x}"


def _shipped(digest: str) -> dict[str, Any] | None:
    try:
        raw: dict[str, Any] = json.loads(SHIPPED.read_bytes())
    except (OSError, ValueError):
        return None
    return raw if isinstance(raw, dict) and raw.get("grammar") == digest else None


def _decode(raw: dict[str, Any]) -> Tables:
    rules = (Rule(origin, size, tuple(kept), frozenset(spliced), action)
             for origin, size, kept, spliced, action in raw["rules"])  # fmt: skip
    return Tables(tuple(raw["states"]), tuple(rules), raw["starts"], raw["ends"], tuple(raw["words"]))


def _compile(grammar: str) -> dict[str, Any]:
    # lark is there to make the tables only: importing it takes longer than reading a project.
    from lark.common import ParserConf
    from lark.load_grammar import load_grammar
    from lark.parsers.lalr_analysis import LALR_Analyzer

    load: Any = load_grammar
    terminals, rules, _ = load(grammar, "dangol.lark", [], False)[0].compile(list(KINDS), "*")
    analyzer: Any = LALR_Analyzer(ParserConf(rules, {}, list(KINDS)), strict=True)
    analyzer.compute_lalr()
    words = {t.name: t.pattern.value for t in terminals if t.pattern is not None}
    symbols = words | {str(rule.origin.name): _goto(rule) for rule in rules}
    table, numbers = analyzer.parse_table, {rule: n for n, rule in enumerate(rules)}
    states = [_state(table.states[n], symbols, numbers) for n in range(len(table.states))]
    order = _in_order(states, [table.start_states[kind] for kind in KINDS])
    return {
        "starts": {kind: order[table.start_states[kind]] for kind in KINDS},
        "ends": {kind: order[table.end_states[kind]] for kind in KINDS},
        "words": sorted(words.values()),
        "rules": [_rule(rule) for rule in rules],
        "states": [{s: order.get(t, t) for s, t in states[n].items()} for n in order],
    }


def _in_order(states: list[dict[str, int]], starts: list[int]) -> dict[int, int]:
    """New numbers for the states, in an order that is the same on every run."""
    order, waiting = {start: n for n, start in enumerate(starts)}, list(starts)
    for state in waiting:
        for target in states[state].values():
            if target >= 0 and target not in order:
                order[target] = len(order)
                waiting.append(target)
    return order


def _goto(rule: Any) -> str:
    return f"@{rule.origin.name}"


def _state(actions: Any, symbols: dict[str, str], numbers: dict[Any, int]) -> dict[str, int]:
    row = {symbols.get(symbol, symbol): target if action.name == "Shift" else -1 - numbers[target]
           for symbol, (action, target) in actions.items()}  # fmt: skip
    return dict(sorted(row.items()))


def _rule(rule: Any) -> list[Any]:
    kept = [n for n, symbol in enumerate(rule.expansion) if not (symbol.is_term and symbol.filter_out)]
    spliced = [n for n in kept if rule.expansion[n].name.startswith("_") and not rule.expansion[n].is_term]
    passes = rule.options.expand1 and len(kept) == 1 and not spliced
    origin = str(rule.origin.name)
    action = rule.alias or ("[]" if origin.startswith("_") else "" if passes else origin)
    return [_goto(rule), len(rule.expansion), kept, spliced, str(action)]


if __name__ == "__main__":
    write()
