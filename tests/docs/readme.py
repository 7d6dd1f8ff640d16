"""The README's blocks that are made by running the product: `python -m tests.docs.readme` writes them anew."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
AT = "2026-11-20T10:00"
MARK = re.compile(r"(<!-- (file|output): (.+?) -->\n)(?:\n```.*?\n```\n)?", re.DOTALL)


def rendered(text: str) -> str:
    """The README with every marked block as it is now."""
    with TemporaryDirectory() as directory:
        run(Path(directory), "dangol demo demo-shop --no-open --at " + AT)
        shop = Path(directory) / "demo-shop"
        return MARK.sub(lambda mark: mark[1] + "\n" + block(mark[2], mark[3], shop), text)


def block(kind: str, what: str, shop: Path) -> str:
    if kind == "file":
        return f"```yaml\n{(ROOT / what).read_text(encoding='utf-8').rstrip()}\n```\n"
    return f"```\n$ {what}\n{run(shop, what).rstrip()}\n```\n"


def run(directory: Path, command: str) -> str:
    program, *arguments = shlex.split(command)
    assert program == "dangol"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        [sys.executable, "-c", "from dangol.cli import main; main()", *arguments],
        cwd=directory, env=environment, capture_output=True, text=True, encoding="utf-8", check=True,
    )  # fmt: skip
    return done.stdout


if __name__ == "__main__":
    README.write_text(rendered(README.read_text(encoding="utf-8")), encoding="utf-8")
