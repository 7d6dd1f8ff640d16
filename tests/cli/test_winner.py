"""`dangol winner`: what was decided, an arm chosen by hand, and taken back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dangol.views.text import instant as shown
from tests.command import Done, dangol
from tests.measure.crowds import crowd
from tests.measure.simulated import ZONE, Simulated, instant

SPLIT = "discount 45%, scarcity 45%, control 10%"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    people = crowd(5, "discount", "d") + crowd(5, "scarcity", "s")
    Simulated(tmp_path, people, split=SPLIT).project()
    return tmp_path


def winner(directory: Path, *arguments: str) -> Done:
    return dangol("winner", "p/s", *arguments, "--at", "2026-03-20T09:00", cwd=directory)


def test_an_arm_is_chosen_and_taken_back_and_both_are_told(directory: Path) -> None:
    assert winner(directory).stdout == "nothing is decided\n"
    at = shown(instant("2026-03-20T09:00"), ZONE)
    chosen = f"chosen by hand: scarcity since {at} (we like it)\n"
    assert winner(directory, "--choose", "scarcity", "--reason", "we like it").stdout == chosen
    assert winner(directory).stdout == chosen
    assert winner(directory, "--revert").stdout == chosen + f"taken back on {at}: everyone new gets the arm they draw\n"
    told = json.loads(winner(directory, "--json").stdout)["decided"]
    assert [(one["kind"], one["split"], one["arm"], one["because"]["by"]) for one in told] == [
        ("chosen", "offer", "scarcity", "hand"), ("reverted", None, None, "hand"),
    ]  # fmt: skip


@pytest.mark.parametrize(("arguments", "code", "said", "mend"), [
    (("--choose", "scarcty"), "E831", "`scarcty` is no arm", "did you mean `scarcity`?"),
    (("--choose", "control"), "E831", "`control` gets no message", "the arms with messages: `discount`, `scarcity`"),
    (("--revert",), "E832", "nothing is decided about `p/s`", "everyone gets the arm they draw"),
])  # fmt: skip
def test_what_cannot_be_done_is_told_and_decides_nothing(
    directory: Path, arguments: tuple[str, ...], code: str, said: str, mend: str
) -> None:
    done = winner(directory, *arguments)
    assert done.returncode in (1, 2)
    assert all(each in done.stderr for each in (code, said, mend))
    assert winner(directory).stdout == "nothing is decided\n"


def test_both_at_once_is_refused(directory: Path) -> None:
    done = winner(directory, "--choose", "scarcity", "--revert")
    assert done.returncode == 2
    assert "either --choose or --revert" in done.stderr


def test_a_name_that_is_none(directory: Path) -> None:
    done = dangol("winner", "p/x", "--choose", "scarcity", cwd=directory)
    assert done.returncode == 1
    assert "E830" in done.stderr
