"""A source's `where` as SQL: two-valued like every condition, over the table's own columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from dangol.diagnostics import DangolError, Diagnostic, Line, diagnose, did_you_mean
from dangol.engine.ir import Type
from dangol.engine.state.encode import encoded, packed_time, text
from dangol.engine.state.sql import quoted
from dangol.engine.state.tables import Form, Relation
from dangol.grammar import ast

_FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "!=": "!="}
_MEND = 'a source\'s `where` compares columns with values: `Quantity > 0 and Country = "France"`'


@dataclass(frozen=True)
class Filter:
    """`columns` are those the condition reads; `sql` is the condition, given where each of them stands."""

    columns: tuple[str, ...]
    sql: Callable[[Mapping[str, str]], str]


def filter_of(written: str | None, relation: Relation, zone: str) -> Filter | None:
    """The condition of a source. Raises its diagnostics."""
    if written is None:
        return None
    line = Line.of(written, "where")
    tree = _parsed(line)
    compiler = _Compiler(line, relation.forms, zone)
    columns = tuple(dict.fromkeys(compiler.names(tree)))
    compiler.condition(tree, dict.fromkeys(columns, "x"))
    if compiler.findings:
        raise DangolError(*compiler.findings)
    return Filter(columns, lambda place: compiler.condition(tree, place))


def _parsed(line: Line) -> ast.Expr:
    from dangol.grammar.parser import parse

    tree, found = parse(line, "expression")
    if tree is None or found:
        raise DangolError(*found)
    return tree  # type: ignore[return-value]


class _Compiler:
    def __init__(self, line: Line, forms: Mapping[str, Form], zone: str) -> None:
        self._line, self._forms, self._zone = line, forms, zone
        self.findings: list[Diagnostic] = []

    def names(self, node: object) -> Iterator[str]:
        """The columns that stand in the tree."""
        todo: list[object] = [node]
        while todo:
            item = todo.pop()
            if isinstance(item, ast.Name) and item.text in self._forms:
                yield item.text
            elif isinstance(item, ast.Node):
                todo.extend(vars(item).values())
            elif isinstance(item, tuple):
                todo.extend(item)

    def _wrong(self, node: ast.Expr, message: str, *hints: str) -> str:
        found = diagnose("E406", message, self._line, node.span, hints=hints or (_MEND,))
        if found not in self.findings:
            self.findings.append(found)
        return "false"

    def condition(self, node: ast.Expr, place: Mapping[str, str]) -> str:
        """SQL that is never NULL."""
        match node:
            case ast.Bracket():
                return self.condition(node.content, place)
            case ast.And():
                return "(" + " AND ".join(self.condition(item, place) for item in node.items) + ")"
            case ast.Or():
                return "(" + " OR ".join(self.condition(item, place) for item in node.items) + ")"
            case ast.Not():
                return f"(NOT {self.condition(node.item, place)})"
            case ast.Boolean():
                return "true" if node.value else "false"
            case ast.Name():
                return self._truth(f"{self._value(node, 'boolean', place)} = 1")
            case ast.IsSet():
                return self._is_set(node, place)
        return self._truth(self._comparison(node, place))

    def _truth(self, sql: str) -> str:
        return f"coalesce({sql}, false)"

    def _is_set(self, node: ast.IsSet, place: Mapping[str, str]) -> str:
        value = self._value(node.value, "text", place)
        return f"({value} IS {'' if node.missing else 'NOT '}NULL)"

    def _comparison(self, node: ast.Expr, place: Mapping[str, str]) -> str:
        match node:
            case ast.Compare():
                return self._compare(node, place)
            case ast.In():
                kind = self._kind(node.options[0]) if node.options else "text"
                options = ", ".join(self._value(option, kind, place) for option in node.options)
                found = self._truth(f"{self._value(node.value, kind, place)} IN ({options})")
                return f"NOT {found}" if node.negated else found
            case ast.Between():
                kind = self._kind(node.low)
                low, high = self._value(node.low, kind, place), self._value(node.high, kind, place)
                return f"{self._value(node.value, kind, place)} BETWEEN {low} AND {high}"
            case ast.Phrase():
                return self._phrase(node, place)
            case ast.TextTest():
                return self._text_test(node, place)
        return self._wrong(node, "this cannot stand in a source's `where`")

    def _compare(self, node: ast.Compare, place: Mapping[str, str]) -> str:
        kind = self._kind(node.left) if not isinstance(node.left, ast.Name) else self._kind(node.right)
        if kind == "text" and node.op not in ("=", "!="):
            return self._wrong(node, f"`{node.op}` does not compare texts")
        left, right = self._value(node.left, kind, place), self._value(node.right, kind, place)
        if node.op == "!=":
            return f"NOT {self._truth(f'{left} = {right}')}"
        return f"{left} {node.op} {right}"

    def _phrase(self, node: ast.Phrase, place: Mapping[str, str]) -> str:
        """Days and instants as bounds: `since`, `after`, `before`, `on`, `between`."""
        if len(node.clauses) == 1 and isinstance(node.subject, ast.Name):
            clause = node.clauses[0]
            if isinstance(clause, ast.BetweenDates):
                low = self._bounded(node.subject, ">=", clause.low, place)
                return f"{low} AND {self._bounded(node.subject, '<=', clause.high, place)}"
            if isinstance(clause, ast.Relative):
                op = {"since": ">=", "after": ">", "before": "<", "on": "="}[clause.word]
                return self._bounded(node.subject, op, clause.bound, place)
        return self._wrong(node, "this cannot stand in a source's `where`")

    def _bounded(self, subject: ast.Name, op: str, bound: ast.Expr, place: Mapping[str, str]) -> str:
        kind = self._kind(bound)
        return f"{self._value(subject, kind, place)} {op} {self._value(bound, kind, place)}"

    def _text_test(self, node: ast.TextTest, place: Mapping[str, str]) -> str:
        value = self._value(node.value, "text", place)
        if isinstance(node.argument, ast.Regex):
            return f"regexp_matches({value}, {quoted(node.argument.pattern)})"
        function = {"contains": "contains", "starts with": "starts_with", "ends with": "ends_with"}.get(node.kind)
        if function is None:
            return self._wrong(node, f"`{node.kind}` cannot stand in a source's `where`")
        return f"{function}({value}, {self._value(node.argument, 'text', place)})"

    # --- values -------------------------------------------------------------------------------------------------

    def _kind(self, node: ast.Expr) -> Type:
        """What a value is compared as: that of a literal, else that of the column's own form."""
        match node:
            case ast.Number():
                return "number"
            case ast.Boolean():
                return "boolean"
            case ast.Date():
                return "date"
            case ast.Instant():
                return "instant"
            case ast.Name():
                form = self._forms.get(node.text, "text")
                return {"integer": "number", "number": "number", "boolean": "boolean"}.get(form, "text")  # type: ignore[return-value]
            case ast.Bracket():
                return self._kind(node.content)
            case ast.Sum() | ast.Product() | ast.Negative():
                return "number"
        return "text"

    def _value(self, node: ast.Expr, kind: Type, place: Mapping[str, str]) -> str:
        match node:
            case ast.Bracket():
                return self._value(node.content, kind, place)
            case ast.Name():
                return self._column(node, kind, place)
            case ast.Sum() | ast.Product():
                return self._chain(node.first, node.rest, place)
            case ast.Negative():
                return f"(-{self._value(node.value, 'number', place)})"
        if self._kind(node) != kind:
            return self._wrong(node, f"this is no {kind}, so the two cannot be compared")
        return self._literal(node)

    def _chain(self, first: ast.Expr, rest: Sequence[tuple[str, ast.Expr]], place: Mapping[str, str]) -> str:
        sql = self._value(first, "number", place)
        for op, operand in rest:
            right = self._value(operand, "number", place)
            sql = f"({sql} / nullif({right}, 0))" if op == "/" else f"({sql} {op} {right})"
        return sql

    def _column(self, node: ast.Name, kind: Type, place: Mapping[str, str]) -> str:
        if node.text not in place:
            hints = did_you_mean(node.text, self._forms) or (f"the columns are: {', '.join(self._forms)}",)
            return self._wrong(node, f"there is no column `{node.text}`", *hints)
        value, form = place[node.text], self._forms[node.text]
        if kind in ("text", "version"):
            return f"nfc_normalize({text(value, form)})"
        if kind == "instant":
            return self._instant(packed_time(value, form))
        return encoded(value, form, kind)

    def _instant(self, packed: str) -> str:
        zoned = f"epoch_us(timezone({quoted(self._zone)}, make_timestamp({packed} // 2)))"
        return f"CASE WHEN {packed} % 2 = 0 THEN {packed} // 2 ELSE {zoned} END"

    def _literal(self, node: ast.Expr) -> str:
        match node:
            case ast.Number():
                return f"{_decimal(node.value)}::DOUBLE"
            case ast.Boolean():
                return str(int(node.value))
            case ast.Text():
                return quoted(node.value)
            case ast.Date():
                return f"(DATE '{node.value.isoformat()}' - DATE '1970-01-01')"
            case ast.Instant():
                packed = packed_time(quoted(node.value.isoformat()), "text")
                return self._instant(packed)
        return self._wrong(node, "this cannot stand in a source's `where`")


def _decimal(value: Fraction) -> str:
    return repr(float(value))
