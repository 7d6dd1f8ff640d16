"""The vocabulary that dangol.yaml declares against what the tables really hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from dangol.diagnostics import Diagnostic, Line, diagnose, did_you_mean
from dangol.engine.catalog import Catalog, Mixed, normal
from dangol.engine.ir import Type
from dangol.playbook.model import Config, Name

if TYPE_CHECKING:
    from dangol.engine.state.model import State

Kinds = Mapping[str, Type | Mixed]


def compare(config: Config, found: Catalog) -> Iterator[Diagnostic]:
    """Names that are declared and never occur, and types that the data do not have; at their place in dangol.yaml."""
    yield from _columns(config.attributes, found.attributes, "an attribute of any customer")
    for name, properties in config.events.items():
        event = normal(name)
        if event not in found.events:
            yield _absent(name.line, f"no event is named `{name}` in the data", found.events)
            continue
        declared = {key: line for key, line in properties.items() if key != "from"}
        yield from _columns(declared, found.events[event], f"a property of any `{name}`")


def _columns(declared: Mapping[Name, Line], found: Kinds, what: str) -> Iterator[Diagnostic]:
    for name, written in declared.items():
        kind = found.get(normal(name))
        if kind is None:
            yield _absent(name.line, f"`{name}` is not {what} in the data", found)
        elif kind != written.text and not _is_fine(written.text, kind):
            said = " and ".join(kind.kinds) if isinstance(kind, Mixed) else kind
            message = f"`{name}` is declared as {written.text}, and the data hold {said}"
            yield diagnose("W405", message, written, severity="warning", hints=(f"`{name}: {said}`",))


def outsiders(state: State) -> tuple[int, int]:
    """Events of customers who are not in the customers table, and how many such customers there are."""
    if state.member is None:
        return 0, 0
    outside = ~state.member
    count = sum(int(outside[table.customer].sum()) for table in state.events.values())
    return count, int(outside.sum())


def _is_fine(declared: str, kind: Type | Mixed) -> bool:
    """Everything can be read as text."""
    return declared == "text" and not isinstance(kind, Mixed)


def _absent(line: Line, message: str, names: Mapping[str, object]) -> Diagnostic:
    return diagnose("W404", message, line, severity="warning", hints=did_you_mean(line.text, names))
