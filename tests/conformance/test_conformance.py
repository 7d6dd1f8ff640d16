"""Every case of every file, on the oracle and on the engine."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from dangol.engine.catalog import Catalog
from dangol.engine.check import Checked
from dangol.engine.state.model import State
from tests import engine_path
from tests.conformance.case_file import CaseFile, all_files
from tests.oracle.evaluate import members
from tests.oracle.shorthand import Ambiguous
from tests.oracle.world import World

FILES = {file.name: file for file in all_files()}
CASES = [
    pytest.param(file.name, number, id=f"{file.name}-{number + 1}: {case['line']}")
    for file in FILES.values()
    for number, case in enumerate(file.content["cases"])
]
EXPECTING = [param for param in CASES if "expect" in FILES[param.values[0]].content["cases"][param.values[1]]]
FAILING = [param for param in CASES if param not in EXPECTING]
WARNING = [param for param in EXPECTING if "warns" in FILES[param.values[0]].content["cases"][param.values[1]]]
AMBIGUOUS = [
    param
    for param in FAILING
    if FILES[param.values[0]].content["cases"][param.values[1]]["why"].startswith("ambiguous")
]


@cache
def catalog(name: str) -> Catalog:
    file = FILES[name]
    return Catalog(
        attributes=file.attributes,  # type: ignore[arg-type]
        events=file.properties,  # type: ignore[arg-type]
        groups=file.groups,
        lists=frozenset(file.lists),
        has_customers=file.customer_rows is not None,
    )


@cache
def project(name: str) -> Checked:
    file = FILES[name]
    checked = engine_path.checked_project(catalog(name), file.segments, file.traits, file.zone_name)
    assert not checked.has_errors, checked.diagnostics
    return checked


@cache
def state(name: str) -> State:
    file = FILES[name]
    return engine_path.state(file.customer_rows, file.event_rows, catalog(name), file.lists, file.zone_name)


@cache
def world(name: str) -> World:
    return FILES[name].world(engine_path.expression)


def given(name: str, number: int) -> tuple[CaseFile, dict[str, Any]]:
    return FILES[name], FILES[name].content["cases"][number]


@pytest.mark.parametrize(("name", "number"), EXPECTING)
def test_the_oracle_answers_as_expected(name: str, number: int) -> None:
    file, case = given(name, number)
    found = members(engine_path.expression(case["line"]), world(name), file.at(case))
    assert sorted(found) == sorted(case["expect"]), case.get("why")


@pytest.mark.parametrize(("name", "number"), EXPECTING)
def test_the_engine_answers_as_expected(name: str, number: int) -> None:
    file, case = given(name, number)
    found = engine_path.engine_members(case["line"], project(name), state(name), file.at(case), file.zone_name)
    assert sorted(found) == sorted(case["expect"]), case.get("why")


@pytest.mark.parametrize(("name", "number"), FAILING)
def test_the_line_is_an_error(name: str, number: int) -> None:
    file, case = given(name, number)
    found = engine_path.findings(case["line"], catalog(name), file.segments, file.traits, file.zone_name)
    assert found, f"no error: {case.get('why')}"
    if case["error"] is not True:
        said = "\n".join("\n".join((each.message, each.label, *each.hints)) for each in found)
        assert case["error"] in said, said


@pytest.mark.parametrize(("name", "number"), WARNING)
def test_the_line_gets_a_warning(name: str, number: int) -> None:
    file, case = given(name, number)
    found = engine_path.warnings(case["line"], catalog(name), file.segments, file.traits, file.zone_name)
    assert found, f"no warning: {case.get('why')}"
    if case["warns"] is not True:
        said = "\n".join("\n".join((each.message, each.label, *each.hints)) for each in found)
        assert case["warns"] in said, said


@pytest.mark.parametrize(("name", "number"), AMBIGUOUS)
def test_the_oracle_finds_the_shorthand_ambiguous(name: str, number: int) -> None:
    file, case = given(name, number)
    with pytest.raises(Ambiguous):
        members(engine_path.expression(case["line"]), world(name), file.at(case))


def test_every_file_has_a_missing_value_an_empty_text_and_a_boundary() -> None:
    for file in FILES.values():
        rows = [*(file.customer_rows or []), *file.event_rows]
        known = {**file.attributes, **{p: t for props in file.properties.values() for p, t in props.items()}}
        assert any("" in row.values() for row in rows), f"{file.name}: no empty text"
        assert any(
            name not in row
            for row in rows
            for name in (file.properties[row["event"]] if "event" in row else file.attributes)
        ), f"{file.name}: no missing value among {sorted(known)}"
