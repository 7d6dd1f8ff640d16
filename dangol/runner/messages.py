"""What a recipient reads: Liquid templates over customer, event and traits; a missing value is told, never blank."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from liquid import BoundTemplate, Environment
from liquid.exceptions import LiquidError
from liquid.undefined import FalsyStrictUndefined, StrictDefaultUndefined

ROOTS = ("customer", "event", "traits")
"""The names a template may begin a variable with."""


class _Missing(FalsyStrictUndefined, StrictDefaultUndefined):
    """Strict when printed, false when asked, replaced by `default`."""


class _Templates(Environment):
    loop_iteration_limit = 10_000
    output_stream_limit = 1_000_000
    local_namespace_limit = 1_000_000


@cache
def _environment() -> Environment:
    environment = _Templates(undefined=_Missing)
    for tag in ("include", "render"):  # a message reads no other file
        del environment.tags[tag]
    return environment


class TemplateError(Exception):
    """A template that cannot be read or rendered; `offset` is the place in its text."""

    def __init__(self, message: str, offset: int = 0) -> None:
        super().__init__(message)
        self.offset = offset


@dataclass(frozen=True)
class Template:
    """One message on one channel: its parts (`title`, `body`, …) as templates, and the variables they use."""

    parts: Mapping[str, BoundTemplate]
    variables: tuple[tuple[str, str], ...]
    """(root, name) of each variable, such as ("customer", "name"), in the order they appear."""

    def render(self, values: Mapping[str, Mapping[str, object]]) -> dict[str, str]:
        """Each part filled in. Raises TemplateError naming the variable that has no value."""
        try:
            return {name: part.render(**values) for name, part in self.parts.items()}
        except LiquidError as error:
            raise TemplateError(_in_short(error)) from error


def compile_template(parts: Mapping[str, str]) -> Template:
    """The template of a message's parts. Raises TemplateError on a syntax error or an unknown root."""
    compiled = {name: _compile(text) for name, text in parts.items()}
    variables = dict.fromkeys(v for part in compiled.values() for v in _variables(part))
    return Template(compiled, tuple(variables))


def _compile(text: str) -> BoundTemplate:
    try:
        return _environment().from_string(text)
    except (LiquidError, RecursionError) as error:
        token = getattr(error, "token", None)
        raise TemplateError(_in_short(error), getattr(token, "start_index", 0)) from error


def _variables(template: BoundTemplate) -> Iterator[tuple[str, str]]:
    for root, uses in template.analyze().globals.items():
        for use in uses:
            if root not in ROOTS:
                known = ", ".join(f"`{name}.…`" for name in ROOTS)
                raise TemplateError(f"`{root}` is no variable; a message may use {known}", use.span.index)
            if len(use.segments) < 2 or not isinstance(use.segments[1], str):
                raise TemplateError(f"`{root}` needs a name after it, as in `{root}.name`", use.span.index)
            yield root, use.segments[1]


def _in_short(error: Exception) -> str:
    return re.split(r"\n", str(error), maxsplit=1)[0]


def shown(value: Any) -> object:
    """A value as a message prints it: whole numbers without a point, everything else as it is."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
