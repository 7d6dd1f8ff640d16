"""What a recipient reads: a Liquid template over customer, event, items and traits; a missing value is never blank."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache

from liquid import BoundTemplate, Environment, Node, RenderContext
from liquid.builtin.tags.for_tag import ForNode
from liquid.exceptions import LiquidError
from liquid.static_analysis import TemplateAnalysis
from liquid.static_analysis import Variable as Use
from liquid.undefined import FalsyStrictUndefined, StrictDefaultUndefined

from dangol.diagnostics import did_you_mean
from dangol.playbook.messages.filters import add_filters

ROOTS = ("customer", "event", "traits")
"""The names a template may begin a variable with, a name following."""
ITEMS = "items"
"""The list of events that a template may run over."""
EVERY, THE_LIST = "*", ""
"""As the name of a variable of `items`: all their properties; none, just that there are items."""
HTML = "html"
"""The part whose values are escaped."""
TAGS = ("if", "unless", "case", "for", "break", "continue", "assign", "capture", "comment", "#")
_INNER_TAGS = ("content", "output", "illegal")


class _Missing(FalsyStrictUndefined, StrictDefaultUndefined):
    """Strict when printed, false when asked, replaced by `default`."""


class _Templates(Environment):
    loop_iteration_limit = 10_000
    output_stream_limit = 1_000_000
    local_namespace_limit = 1_000_000


@cache
def _environment(escapes: bool) -> Environment:
    environment = _Templates(undefined=_Missing, autoescape=escapes)
    for tag in set(environment.tags) - {*TAGS, *_INNER_TAGS}:
        del environment.tags[tag]
    add_filters(environment)
    return environment


class TemplateError(Exception):
    """A template that cannot be read or rendered; `offset` is the place in its text, `hints` are mends."""

    def __init__(self, message: str, offset: int = 0, hints: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.offset, self.hints = offset, hints


@dataclass(frozen=True)
class Variable:
    """A value that a template prints or asks for: `customer.name`; of `items` the name is a property, or EVERY."""

    root: str
    name: str
    offset: int

    def __str__(self) -> str:
        return self.root if self.name in (EVERY, THE_LIST) else f"{self.root}.{self.name}"


@dataclass(frozen=True)
class Template:
    """One message on one channel: its parts (`title`, `body`, …) as templates, and the variables they use."""

    parts: Mapping[str, BoundTemplate]
    variables: tuple[tuple[str, str], ...]
    """(root, name) of each variable, such as ("customer", "name"), in the order they appear."""
    plain: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The parts that only print variables, cut into text, root, name, text, …: they are joined many times faster."""

    def render(self, values: Mapping[str, object]) -> dict[str, str]:
        """Each part filled in. Raises TemplateError naming the variable that has no value."""
        try:
            return {
                name: part.render(**values) if (text := _joined(self.plain.get(name), values)) is None else text
                for name, part in self.parts.items()
            }
        except LiquidError as error:
            raise TemplateError(_in_short(error)) from error
        except (ArithmeticError, ValueError, TypeError, RecursionError) as error:  # a filter met a value it cannot take
            raise TemplateError(f"a filter cannot take a value ({type(error).__name__})") from error


def compile_template(parts: Mapping[str, str]) -> Template:
    """The template of a message's parts. Raises TemplateError on a syntax error, an unknown root or filter."""
    compiled = {name: _compile(text, name == HTML) for name, text in parts.items()}
    used = (v for name, text in parts.items() for v in variables_of(text, name))
    plain = {name: cut for name, text in parts.items() if name != HTML and (cut := _cut(text))}
    return Template(compiled, tuple(dict.fromkeys((v.root, v.name) for v in used)), plain)


_PRINTED = re.compile(r"\{\{ *(customer|event|traits)\.(\w+) *\}\}")


def _cut(text: str) -> tuple[str, ...] | None:
    pieces = tuple(_PRINTED.split(text))
    return None if any("{{" in piece or "{%" in piece for piece in pieces[::3]) else pieces


def _joined(pieces: tuple[str, ...] | None, values: Mapping[str, object]) -> str | None:
    """The text; None when a value is missing or not simply a text or a whole number."""
    if pieces is None:
        return None
    found = [pieces[0]]
    for place in range(1, len(pieces), 3):
        named = values.get(pieces[place])
        value = named.get(pieces[place + 1]) if isinstance(named, Mapping) else None
        if type(value) is not str and type(value) is not int:
            return None
        found += str(value), pieces[place + 2]
    return "".join(found)


@lru_cache(maxsize=4096)
def variables_of(text: str, part: str = "body") -> tuple[Variable, ...]:
    """The variables of one part. Raises TemplateError as `compile_template`."""
    template = _compile(text, part == HTML)
    analysis = template.analyze()
    for name, spans in analysis.filters.items():
        if name not in template.env.filters:
            hints = did_you_mean(name, template.env.filters) or ("the filters are listed in docs/messages.md",)
            raise TemplateError(f"`{name[:60]}` is not a filter", spans[0].index, hints)
    found = [_variable(root, use) for root, uses in analysis.globals.items() if root != ITEMS for use in uses]
    found += _of_items(template, analysis)
    return tuple(sorted(found, key=lambda variable: variable.offset))


@lru_cache(maxsize=4096)
def _compile(text: str, escapes: bool) -> BoundTemplate:
    try:
        return _environment(escapes).from_string(text)
    except (LiquidError, RecursionError) as error:
        token = getattr(error, "token", None)
        raise TemplateError(_in_short(error), getattr(token, "start_index", 0)) from error


def _variable(root: str, use: Use) -> Variable:
    segments, offset = use.segments, use.span.index
    if root not in ROOTS:
        hints = (*did_you_mean(root, (*ROOTS, ITEMS)), f"the customer's own value is `customer.{root[:60]}`")[:1]
        known = ", ".join([*(f"`{name}.…`" for name in ROOTS), f"`{ITEMS}`"])
        raise TemplateError(f"`{root[:60]}` is no variable; a message may use {known}", offset, hints)
    if len(segments) < 2 or not isinstance(segments[1], str):
        raise TemplateError(f"`{root}` needs a name after it, as in `{root}.name`", offset)
    return Variable(root, segments[1], offset)


def _of_items(template: BoundTemplate, analysis: TemplateAnalysis) -> Iterator[Variable]:
    """The list itself, and the properties that loops over it name; EVERY when it is used in any other way."""
    lists = analysis.globals.get(ITEMS, ())
    loops = [loop for loop in _loops(template.nodes, template) if str(loop.expression.iterable) == ITEMS]
    names = {str(loop.expression.identifier) for loop in loops}
    each = [use for name in names for use in analysis.variables.get(name, ())]
    named = [use for use in each if len(use.segments) > 1 and isinstance(use.segments[1], str)]
    whole = len(lists) > len(loops) or len(named) < len(each)
    yield from (Variable(ITEMS, EVERY if whole else THE_LIST, use.span.index) for use in lists)
    yield from (Variable(ITEMS, str(use.segments[1]), use.span.index) for use in named)


def _loops(nodes: Iterable[Node], template: BoundTemplate) -> Iterator[ForNode]:
    for node in nodes:
        if isinstance(node, ForNode):
            yield node
        yield from _loops(node.children(RenderContext(template)), template)


def _in_short(error: Exception) -> str:
    return re.split(r"\n", str(error), maxsplit=1)[0]
