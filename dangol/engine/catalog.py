"""What names there are in the data, and of what type."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

from dangol.engine.ir import Type

RESERVED = frozenset(
    ("not", "never", "did", "and", "or", "case", "top", "true", "false", "today", "yesterday", "now", "entry")
) | {"customer", "lib"}
RESERVED_CHANNELS = RESERVED | frozenset(["after", "wait", "if", "stop", "kind"])
RESERVED_MESSAGES = frozenset({"split"})

LEDGER_EVENTS: tuple[str, ...] = ("sent", "delivered", "opened", "clicked", "failed", "unsubscribed")
LEDGER_PROPERTIES: tuple[str, ...] = ("playbook", "scenario", "step", "message", "arm", "channel")


def normal(name: str) -> str:
    """The one spelling of a name: NFC."""
    return unicodedata.normalize("NFC", name)


@dataclass(frozen=True)
class Mixed:
    """A column in which several kinds of value were found; using it is an error."""

    kinds: tuple[str, ...]


@dataclass(frozen=True)
class Catalog:
    """The vocabulary of a project: attributes, events with their properties, event groups, static lists.

    `attributes` leaves `id` out (it is always there, a text). `has_customers` says whether there is a customers
    table. Types may be `Mixed`.
    """

    attributes: Mapping[str, Type | Mixed] = field(default_factory=dict)
    events: Mapping[str, Mapping[str, Type | Mixed]] = field(default_factory=dict)
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    lists: frozenset[str] = frozenset()
    has_customers: bool = True

    def members(self, event: str) -> tuple[str, ...]:
        """The single events that an event or event group stands for."""
        return self.groups.get(event, (event,))

    def properties(self, event: str) -> dict[str, Type | Mixed]:
        """The properties of an event; of a group, those that any of its events has (types must agree)."""
        found: dict[str, Type | Mixed] = {}
        for name in self.members(event):
            for prop, kind in self.events.get(name, {}).items():
                known = found.get(prop)
                if known is not None and known != kind:
                    kinds = tuple(sorted({str(known), str(kind)}))
                    found[prop] = Mixed(kinds)
                else:
                    found[prop] = kind
        return found
