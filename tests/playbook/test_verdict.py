"""The remembered verdict is the one a fresh check would give, and is forgotten with the first changed byte."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from dangol.playbook import project, verdict

SHOP = Path(__file__).parents[2] / "dangol/demo/shop"
BAD = "playbook: x\nsegments:\n  a: purchesed\n  b: visited and 'x' = 'x'\n"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    shutil.copytree(SHOP, tmp_path / "shop", ignore=shutil.ignore_patterns(".dangol"))
    (tmp_path / "shop/playbooks/x.yaml").write_text(BAD.replace("purchesed", "purchased or nobody and and"))
    return tmp_path / "shop"


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The projects that were really read."""
    seen: list[Path] = []
    load = project.load_project

    def counted(root: Path, *, discover: bool = True) -> project.Project:
        seen.append(root)
        return load(root, discover=False)

    monkeypatch.setattr(project, "load_project", counted)
    return seen


def test_an_unchanged_project_is_not_read_again(shop: Path, loads: list[Path]) -> None:
    first = verdict.checked(shop)
    assert first.diagnostics
    assert first.playbooks == 5
    assert verdict.checked(shop) == first
    assert len(loads) == 1


@pytest.mark.parametrize("change", ["edit", "add", "remove", "config", "damage"])
def test_any_change_is_seen(change: str, shop: Path, loads: list[Path]) -> None:
    verdict.checked(shop)
    if change == "edit":
        (shop / "playbooks/x.yaml").write_text(BAD.replace("purchesed", "purchased or nobody and an"))
    elif change == "add":
        (shop / "playbooks/y.yml").write_text("playbook: y\n")
    elif change == "remove":
        (shop / "playbooks/vip.yaml").unlink()
    elif change == "config":
        (shop / "dangol.yaml").write_text((shop / "dangol.yaml").read_text() + "\n")
    else:
        (shop / verdict.FILE).write_text('{"digest": 1')
    assert verdict.checked(shop).diagnostics == project.load_project(shop).diagnostics
    assert len(loads) == 3


def test_a_verdict_that_hangs_on_the_data_is_not_kept(shop: Path) -> None:
    (shop / "playbooks/x.yaml").write_text(BAD)
    (shop / "dangol.yaml").write_text("project: x\n")
    assert "E203" in {one.code for one in verdict.checked(shop).diagnostics}
    assert not (shop / verdict.FILE).exists()


def test_odd_files_are_never_remembered(shop: Path, loads: list[Path]) -> None:
    (shop / "playbooks/y.yaml").symlink_to(shop / "playbooks/x.yaml")
    verdict.checked(shop)
    verdict.checked(shop)
    assert len(loads) == 2


def test_a_forged_verdict_of_another_shape_is_ignored(shop: Path, loads: list[Path]) -> None:
    verdict.checked(shop)
    kept = json.loads((shop / verdict.FILE).read_text())
    (shop / verdict.FILE).write_text(json.dumps({**kept, "diagnostics": [{"code": "E1"}]}))
    assert verdict.checked(shop).diagnostics == project.load_project(shop).diagnostics
