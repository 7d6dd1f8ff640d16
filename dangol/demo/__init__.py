"""A ready shop: customers, half a year of events and four playbooks, the same for the same instant and seed."""

from __future__ import annotations

import datetime as dt
import shutil
from importlib.resources import as_file, files
from pathlib import Path

from dangol import api
from dangol.api import Progress, Project
from dangol.demo.shop_data import write_shop
from dangol.diagnostics import DangolError, Line, diagnose

ZONE = "Asia/Seoul"


def write_project(directory: Path, at: str | None, customers: int, progress: Progress | None) -> tuple[Project, int]:
    """Writes the shop into a new or empty directory; the project and the instant its data ends at. In an earlier demo
    only the data is made anew: its playbooks may have been edited. Raises DangolError when something else is there."""
    if directory.is_file():
        hints = ("choose a new directory",)
        raise DangolError(diagnose("E509", f"{directory} is a file", Line.of(str(directory), "demo"), hints=hints))
    is_new = not directory.exists() or not any(directory.iterdir())
    if not is_new and not _is_demo(directory):
        hints = ("choose an empty directory",)
        raise DangolError(diagnose("E509", f"{directory} is not empty", Line.of(str(directory), "demo"), hints=hints))
    instant = api.instant_from(at, ZONE) // 1_000_000 * 1_000_000
    end = dt.datetime.fromtimestamp(instant / 1_000_000, dt.timezone(dt.timedelta(hours=9)))
    if is_new:
        with as_file(files("dangol.demo") / "shop") as shop:
            shutil.copytree(shop, directory, dirs_exist_ok=True)
        _put_off(directory, end.date())
    write_shop(directory, end, customers)
    return api.load(directory, progress=progress), instant


DEADLINE = "2027-03-31"
"""The deadline of the targets as shipped."""


def _put_off(directory: Path, today: dt.date) -> None:
    """Targets end with the fourth month from now."""
    year, month = divmod(today.year * 12 + today.month + 4, 12)
    deadline = dt.date(year, month + 1, 1) - dt.timedelta(days=1)
    for path in sorted((directory / "playbooks").glob("*.yaml")):
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace(DEADLINE, deadline.isoformat()), encoding="utf-8")


def _is_demo(directory: Path) -> bool:
    config = directory / "dangol.yaml"
    return config.is_file() and "project: demo_shop" in config.read_text(encoding="utf-8", errors="replace")
