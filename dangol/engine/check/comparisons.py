"""Comparisons: two sides of one type, an operator that the type has, and nothing coerced."""

from __future__ import annotations

import re
from typing import Literal

from dangol.diagnostics import Span
from dangol.engine import ir
from dangol.engine.check import conditions, phrases, values
from dangol.engine.check.scope import Broken, Gathering, Scope, quoted, text_of, unwrap
from dangol.engine.operators import ORDERED
from dangol.grammar import ast

VERSION = re.compile(r"[0-9]+(\.[0-9]+)*\Z", re.ASCII)
LONGEST_PATTERN = 1000
Literally = ast.Number | ast.Text | ast.Boolean | ast.Date | ast.Instant


def comparison(node: ast.Expr, scope: Scope) -> ir.Condition:
    """`=` to `>=`, `in`, `between`, the text tests, `is set`."""
    match node:
        case ast.Compare():
            return _compare(node, scope)
        case ast.In():
            return _in(node, scope)
        case ast.Between():
            return _between(node, scope)
        case ast.TextTest():
            return _text_test(node, scope)
        case ast.IsSet():
            return _is_set(node, scope)
    raise AssertionError(node)


# --- sides --------------------------------------------------------------------------------------------------------


def _side(node: ast.Expr, other: ast.Expr, scope: Scope) -> ir.Value:
    """One side as a value; an event phrase is none, with the mend that its other side suggests."""
    event = phrases.event_of(node, scope)
    if event is None:
        return values.value(node, scope)
    phrase = text_of(unwrap(node))
    inner = unwrap(other)
    if isinstance(inner, ast.Number):
        hints = [f"write `count({phrase})` for how many"]
    else:
        hints = [f"write `last({phrase})` for when, `count({phrase})` for how many"]
    raise scope.error("E208", f"`{phrase}` is about events, not a value to compare", node, hints)


def _sides(left: ast.Expr, right: ast.Expr, scope: Scope) -> tuple[ir.Value, ir.Value]:
    parts = Gathering()
    with parts.next():
        first = _side(left, right, scope)
    with parts.next():
        second = _side(right, left, scope)
    parts.done()
    return first, second


def _aligned(
    left: ir.Value, right: ir.Value, texts: tuple[ast.Expr, ast.Expr], place: ast.Node | Span, scope: Scope
) -> tuple[ir.Value, ir.Value]:
    """Both sides of one type: an instant beside a date becomes its day, a text beside a version is one."""
    kinds = (left.type, right.type)
    if kinds[0] == kinds[1]:
        return left, right
    if kinds == ("instant", "date"):
        return ir.DayOf(left, scope.zone), right
    if kinds == ("date", "instant"):
        return left, ir.DayOf(right, scope.zone)
    if kinds[0] == "version" and isinstance(right, ir.Constant):
        return left, _version(right, texts[1], scope)
    if kinds[1] == "version" and isinstance(left, ir.Constant):
        return _version(left, texts[0], scope), right
    raise _mismatch(left, right, texts, place, scope)


def _version(constant: ir.Constant, node: ast.Expr, scope: Scope) -> ir.Constant:
    written = text_of(unwrap(node))
    if constant.type == "text" and VERSION.match(str(constant.value)):
        return ir.Constant("version", constant.value)
    if constant.type == "number":
        raise scope.error("E221", "a version is written in quotes", node, (f'write `"{written}"`',))
    raise scope.error("E221", f'{written} is not a version: dotted numbers, as in `"4.2.0"`', node)


def _mismatch(
    left: ir.Value, right: ir.Value, texts: tuple[ast.Expr, ast.Expr], place: ast.Node | Span, scope: Scope
) -> Broken:
    message = (
        f"{quoted(texts[0])} is {values.a(left.type)}, {quoted(texts[1])} is {values.a(right.type)}: "
        "they cannot be compared"
    )
    hints: tuple[str, ...] = ()
    for text, wanted in ((texts[1], left.type), (texts[0], right.type)):
        mend = _mend(unwrap(text), wanted)
        if mend and not hints:
            place, hints = text, (f"write `{mend}`",)
    if "list" in (left.type, right.type):
        hints = (f"write `{text_of(texts[0])} has {text_of(texts[1])}`",)
    return scope.error("E209", message, place, hints)


def _mend(node: ast.Expr, wanted: ir.Type) -> str | None:
    """A literal of one type as the other that was probably meant."""
    match node, wanted:
        case ast.Text(value=value), "number" if re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", value, re.ASCII):
            return value
        case ast.Text(value=value), "date" if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value, re.ASCII):
            return value
        case ast.Text(value=value), "instant" if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:.+Z-]+)?", value):
            return value
        case ast.Text(value="true" | "false" as value), "boolean":
            return value
        case ast.Number(value=value), "boolean" if value in (0, 1):
            return "true" if value else "false"
        case ast.Number() | ast.Date() | ast.Boolean() | ast.Instant(), "text":
            return f'"{text_of(node)}"'
    return None


# --- = != < <= > >= -----------------------------------------------------------------------------------------------


def _compare(node: ast.Compare, scope: Scope) -> ir.Condition:
    left, right = _sides(node.left, node.right, scope)
    left, right = _aligned(left, right, (node.left, node.right), node, scope)
    if left.type == "list":
        hints = (f"write `{text_of(node.left)} has …` for one of its texts",)
        raise scope.error("E210", "lists are not compared", node, hints)
    if node.op not in ("=", "!=") and left.type not in ORDERED:
        raise scope.error("E210", f"`{node.op}` does not order {_plural(left.type)}", node, _unordered(node))
    for one, other, text in ((left, right, node.right), (right, left, node.left)):
        _warn_out_of_reach(one, other, text, scope)
    if node.op == "!=":
        return ir.Not(ir.Compare("=", left, right))
    return ir.Compare(node.op, left, right)


def _plural(kind: ir.Type) -> str:
    return {"text": "texts", "boolean": "true and false", "list": "lists"}.get(kind, kind)


def _unordered(node: ast.Compare) -> tuple[str, ...]:
    for side in (unwrap(node.left), unwrap(node.right)):
        if isinstance(side, ast.Text) and VERSION.match(side.value):
            return ("declare it as a version in the catalog, if that is what it holds",)
    return ()


def _warn_out_of_reach(one: ir.Value, other: ir.Value, text: ast.Expr, scope: Scope) -> None:
    """W204: a percentile above 1, an arm that a split does not have."""
    if not isinstance(other, ir.Constant):
        return
    if isinstance(one, ir.Population) and one.function == "percentile" and float(other.value) > 1:
        hint = f"write `{text_of(unwrap(text))}%`"
        scope.note("W204", "a percentile lies between 0% and 100%", text, (hint,))
    if isinstance(one, ir.SplitArm) and other.value not in (arms := [name for name, _ in one.arms]):
        listed = ", ".join(f'"{arm}"' for arm in arms)
        scope.note("E317", f"`{one.split}` has no arm `{other.value}`", text, (f"its arms are {listed}",))
        raise Broken


# --- in, between --------------------------------------------------------------------------------------------------


def _in(node: ast.In, scope: Scope) -> ir.Condition:
    parts = Gathering()
    with parts.next():
        left = _side(node.value, node.options[0], scope)
        if left.type in ("boolean", "list"):
            hints = (f"write `{text_of(node.value)} has …`",) if left.type == "list" else ()
            raise scope.error("E210", f"`in` does not go with {values.a(left.type)}", node.value, hints)
    options: list[ir.Constant] = []
    for option in node.options:
        with parts.next():
            options.append(_option(option, scope))
    parts.done()
    return _one_of(node, left, options, scope)


def _option(node: ast.Expr, scope: Scope) -> ir.Constant:
    inner = unwrap(node)
    if isinstance(inner, ast.Number | ast.Text | ast.Date | ast.Instant):
        return values.constant(inner, scope)
    if isinstance(inner, ast.Moment):
        raise scope.error("E209", "a list holds texts, numbers or dates as written", node)
    hints = ("compare with `=` and `or` instead",)
    raise scope.error("E209", "a list holds texts, numbers or dates as written", node, hints)


def _one_of(node: ast.In, left: ir.Value, options: list[ir.Constant], scope: Scope) -> ir.Condition:
    parts = Gathering()
    aligned: list[ir.Constant] = []
    value = left
    for text, option in zip(node.options, options, strict=True):
        with parts.next():
            if left.type == "date" and option.type == "instant":
                raise _mismatch(left, option, (node.value, text), text, scope)
            value, constant = _aligned(left, option, (node.value, text), text, scope)
            assert isinstance(constant, ir.Constant)
            aligned.append(constant)
    parts.done()
    if len({option.type for option in aligned}) > 1:
        raise scope.error("E209", "a list is of one type: dates or instants", node)
    found = ir.OneOf(value, tuple(dict.fromkeys(aligned)))
    return ir.Not(found) if node.negated else found


def _between(node: ast.Between, scope: Scope) -> ir.Condition:
    parts = Gathering()
    with parts.next():
        value = _side(node.value, node.low, scope)
    with parts.next():
        low = _side(node.low, node.value, scope)
    with parts.next():
        high = _side(node.high, node.value, scope)
    parts.done()
    at_least = _aligned(value, low, (node.value, node.low), node, scope)
    at_most = _aligned(value, high, (node.value, node.high), node, scope)
    if at_least[0].type not in ORDERED:
        raise scope.error("E210", f"`between` does not order {_plural(at_least[0].type)}", node)
    if _reversed(at_least[1], at_most[1]):
        mend = text_of(ast.Between(node.value, node.high, node.low))
        raise scope.error("E213", "the smaller one comes first", node, (f"write `{mend}`",))
    return ir.And((ir.Compare(">=", *at_least), ir.Compare("<=", *at_most)))


def _reversed(low: ir.Value, high: ir.Value) -> bool:
    if not isinstance(low, ir.Constant) or not isinstance(high, ir.Constant) or low.type != high.type:
        return False
    if low.type == "version":
        first, second = _parts(str(low.value)), _parts(str(high.value))
        return first > second
    return low.value > high.value  # type: ignore[operator]


def _parts(version: str) -> list[int]:
    parts = [int(part[:18]) for part in version.split(".")]
    while parts and not parts[-1]:
        parts.pop()
    return parts


# --- texts, lists, missing values ---------------------------------------------------------------------------------


def _text_test(node: ast.TextTest, scope: Scope) -> ir.Condition:
    parts = Gathering()
    with parts.next():
        value = _side(node.value, node.argument, scope)
    with parts.next():
        argument = _pattern(node.argument, scope) if node.kind == "matches" else values.value(node.argument, scope)
    parts.done()
    wanted: Literal["list", "text"] = "list" if node.kind == "has" else "text"
    if value.type != wanted:
        other = ast.TextTest("contains" if node.kind == "has" else "has", node.value, node.argument)
        swapped = (node.kind in ("has", "contains")) and value.type in ("list", "text")
        message = f"`{node.kind}` is asked of {values.a(wanted)}: {quoted(node.value)} is {values.a(value.type)}"
        raise scope.error("E210", message, node, (f"write `{text_of(other)}`",) if swapped else ())
    if argument.type != "text":
        mend = _mend(unwrap(node.argument), "text")
        message = f"`{node.kind}` takes a text: this is {values.a(argument.type)}"
        raise scope.error("E209", message, node.argument, (f"write `{mend}`",) if mend else ())
    return ir.TextTest(node.kind, value, argument)


def _pattern(node: ast.Expr, scope: Scope) -> ir.Constant:
    inner = unwrap(node)
    if not isinstance(inner, ast.Regex):
        hints = (f"write `/{inner.value}/`",) if isinstance(inner, ast.Text) else ()
        raise scope.error("E218", "`matches` takes a pattern between slashes", node, hints)
    if len(inner.pattern) > LONGEST_PATTERN:
        raise scope.error("E218", f"a pattern has at most {LONGEST_PATTERN} characters", node)
    problem = _pattern_problem(inner.pattern)
    if problem is not None:
        raise scope.error("E218", f"this pattern is not valid: {problem}", node)
    return ir.Constant("text", inner.pattern)


def _pattern_problem(pattern: str) -> str | None:
    import re2

    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(pattern, options)
    except re2.error as problem:
        reason = problem.args[0] if problem.args else "it cannot be read"
        return reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
    except UnicodeError:
        return "it holds characters that are none"
    return None


def _is_set(node: ast.IsSet, scope: Scope) -> ir.Condition:
    event = phrases.event_of(node.value, scope)
    if event is not None:
        phrase = text_of(unwrap(node.value))
        mend = f"never {phrase}" if node.missing else phrase
        raise scope.error("E208", f"`{phrase}` is about events, not a value", node.value, (f"write `{mend}`",))
    if conditions.is_condition(node.value, scope):
        message = "a condition is never missing: it is true or false"
        raise scope.error("E208", message, node.value)
    missing = ir.IsMissing(values.value(node.value, scope))
    return missing if node.missing else ir.Not(missing)
