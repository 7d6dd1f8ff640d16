"""A file of cases: data and lines as a marketer writes them, as worlds of the oracle and states of the engine.

timezone: UTC
at: 2026-03-01T12:00
attributes: {country: text}                # name: type
properties: {purchased: {amount: number}}  # event: property: type
customers: {ann: {country: KR}, bob: {}}   # or `none`: there is no customers table
events:                                    # WHO EVENT TIME property=JSON …
  - ann purchased 2026-02-01T09:00 amount=30
cases:
  - {line: purchased, expect: [ann], why: …}
  - {line: purchased < 3, error: times, why: …}   # must not check; the text stands in a message or hint
"""

from __future__ import annotations

import datetime as dt
import json
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from tests.oracle.world import Event, World, instant, typed

KEYS = {
    "timezone", "at", "about", "attributes", "properties", "customers", "events", "groups", "lists", "segments",
    "traits", "cases",
}  # fmt: skip
CASE_KEYS = {"line", "at", "expect", "error", "warns", "why"}
PROPERTY = re.compile(r"""(\w+)=("(?:[^"\\]|\\.)*"|\[[^\]]*\]|\S+)""")


@dataclass(frozen=True)
class CaseFile:
    """What stands in one file."""

    name: str
    content: dict[str, Any]

    @property
    def zone_name(self) -> str:
        return str(self.content["timezone"])

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.zone_name)

    @property
    def attributes(self) -> dict[str, str]:
        return self.content.get("attributes") or {}

    @property
    def properties(self) -> dict[str, dict[str, str]]:
        return self.content.get("properties") or {}

    @property
    def groups(self) -> dict[str, tuple[str, ...]]:
        return {name: tuple(events) for name, events in (self.content.get("groups") or {}).items()}

    @property
    def lists(self) -> dict[str, frozenset[str]]:
        return {name: frozenset(ids) for name, ids in (self.content.get("lists") or {}).items()}

    @property
    def segments(self) -> dict[str, str]:
        return self.content.get("segments") or {}

    @property
    def traits(self) -> dict[str, str]:
        return self.content.get("traits") or {}

    def at(self, case: dict[str, Any]) -> dt.datetime:
        return instant(case.get("at", self.content["at"]), self.zone)

    @cached_property
    def customer_rows(self) -> list[dict[str, Any]] | None:
        if self.content["customers"] == "none":
            return None
        return [{"id": name, **(row or {})} for name, row in self.content["customers"].items()]

    @cached_property
    def event_rows(self) -> list[dict[str, Any]]:
        return [self.event_row(text) for text in self.content["events"]]

    def event_row(self, text: str) -> dict[str, Any]:
        customer, name, time, *rest = text.split(maxsplit=3)
        found = {key: json.loads(value) for key, value in PROPERTY.findall(rest[0] if rest else "")}
        assert set(found) <= set(self.properties[name]), text
        assert not {"customer", "event", "time"} & set(found), text
        return {"customer": customer, "event": name, "time": instant(time, self.zone), **found}

    def world(self, parse: Any) -> World:
        """The data as the oracle reads it; `parse` makes trees of the definitions."""
        rows = self.customer_rows
        customers = None
        if rows is not None:
            customers = {row["id"]: self.row(row, self.attributes) for row in rows}
        events = [
            Event(row["customer"], row["event"], row["time"], self.row(row, self.properties[row["event"]]))
            for row in self.event_rows
        ]
        return World(
            zone=self.zone,
            customers=customers,
            events=tuple(events),
            attributes=self.attributes,
            events_known=self.properties,
            groups=self.groups,
            lists=self.lists,
            segments={name: parse(text) for name, text in self.segments.items()},
            traits={name: parse(text) for name, text in self.traits.items()},
        )

    def row(self, row: dict[str, Any], types: dict[str, str]) -> dict[str, Any]:
        return {name: typed(row.get(name), kind, self.zone) for name, kind in types.items()}


class StringTimes(yaml.CSafeLoader):
    """YAML in which times and dates stay as written."""


StringTimes.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in found if not tag.endswith(("timestamp", "int", "float", "bool"))]
    + [(tag, regexp) for tag, regexp in found if tag.endswith(("int", "float", "bool")) and first in "-0123456789.tTfF"]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def load(path: Path) -> CaseFile:
    content = yaml.load(path.read_text(encoding="utf-8"), StringTimes)
    assert set(content) <= KEYS, f"{path.name}: unknown keys {set(content) - KEYS}"
    for case in content["cases"]:
        assert set(case) <= CASE_KEYS, f"{path.name}: unknown keys {set(case) - CASE_KEYS}"
        assert ("expect" in case) != ("error" in case), f"{path.name}: {case}"
    return CaseFile(path.stem, content)


def all_files() -> list[CaseFile]:
    return [load(path) for path in sorted(Path(__file__).parent.glob("*.yaml"))]
