"""The examples in docs/channels.md are settings that are taken."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from dangol.channels.registry import BUILT_IN, declare

TEXT = (Path(__file__).parents[2] / "docs" / "channels.md").read_text(encoding="utf-8")


def examples() -> list[tuple[str, dict[str, Any]]]:
    found = []
    for block in re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL):
        value = YAML(typ="safe").load(block)
        found += list(value.get("channels", value).items())
    return found


@pytest.mark.parametrize(("name", "settings"), examples())
def test_an_example_is_taken(name: str, settings: dict[str, Any]) -> None:
    assert declare(name, settings).name == name


def test_every_provider_has_its_section_and_example() -> None:
    shown = {settings.get("provider") for _, settings in examples()}
    for row in BUILT_IN:
        assert f"\n## {row.name}: " in TEXT
        assert row.name in shown


def test_every_setting_is_named() -> None:
    from dangol.channels.registry import _load

    for row in BUILT_IN:
        for name, field in _load(row.name, lambda path: None).Settings.model_fields.items():  # type: ignore[arg-type, return-value]
            assert f"`{field.alias or name}" in TEXT or f"{field.alias or name}:" in TEXT, (row.name, name)
