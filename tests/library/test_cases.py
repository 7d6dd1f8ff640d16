"""Every library line on its boundaries, on the oracle and on the engine."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from dangol.diagnostics import Line
from dangol.engine.catalog import LEDGER_EVENTS, Catalog
from dangol.engine.check import Checked, Written, check
from dangol.engine.state.model import State
from dangol.library import names, topics, used_by
from tests import engine_path
from tests.conformance.case_file import CaseFile, load
from tests.oracle.evaluate import members
from tests.oracle.world import World

FILES = {path.stem: load(path) for path in sorted(Path(__file__).parent.glob("*.yaml"))}
CASES = [
    pytest.param(name, case, id=f"{name}: {case['line']}")
    for name, file in FILES.items()
    for case in file.content["cases"]
]
BODIES = {
    kind: {e.name: e.line.text for t in topics() for e in t.entries if e.kind == kind} for kind in ("segment", "trait")
}


@cache
def catalog(name: str) -> Catalog:
    file = FILES[name]
    events = {event: found for event, found in file.properties.items() if event not in LEDGER_EVENTS}
    return Catalog(attributes=file.attributes, events=events, groups=file.groups)  # type: ignore[arg-type]


@cache
def state(name: str) -> State:
    file = FILES[name]
    everything = Catalog(attributes=file.attributes, events=file.properties, groups=file.groups)  # type: ignore[arg-type]
    return engine_path.state(file.customer_rows, file.event_rows, everything, {}, file.zone_name)


@cache
def world(name: str) -> World:
    file = FILES[name]
    content = {**file.content, "segments": BODIES["segment"], "traits": BODIES["trait"]}
    return CaseFile(name, content).world(engine_path.expression)


def project(name: str, line: str) -> Checked:
    written = Written(Line.of(line), engine_path.expression(line))
    used = used_by([written], catalog(name), FILES[name].zone_name)
    assert not used.found
    checked = check(catalog(name), used.definitions)
    assert not checked.diagnostics
    return checked


@pytest.mark.parametrize(("name", "case"), CASES)
def test_the_engine_answers_as_expected(name: str, case: dict[str, Any]) -> None:
    file, line = FILES[name], case["line"]
    found = engine_path.engine_members(line, project(name, line), state(name), file.at(case), file.zone_name)
    assert sorted(found) == sorted(case["expect"]), case["why"]


@pytest.mark.parametrize(("name", "case"), CASES)
def test_the_oracle_answers_as_expected(name: str, case: dict[str, Any]) -> None:
    found = members(engine_path.expression(case["line"]), world(name), FILES[name].at(case))
    assert sorted(found) == sorted(case["expect"]), case["why"]


def test_every_name_has_a_case() -> None:
    asked = " ".join(case.values[1]["line"] for case in CASES).replace("(", " ").replace(")", " ").split()  # type: ignore[attr-defined]
    assert set(names()) - set(asked) == set()
