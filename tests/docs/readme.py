"""The README's blocks that are made by running the product: `python -m tests.docs.readme` writes them anew."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.command import AT, dangol

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
MARK = re.compile(r"(<!-- (file|output): (.+?) -->\n)(?:\n```.*?\n```\n)?", re.DOTALL)


def rendered(text: str, shop: Path) -> str:
    """The README with every marked block as it is now, in the demo shop at AT."""
    return MARK.sub(lambda mark: mark[1] + "\n" + block(mark[2], mark[3], shop), text)


def block(kind: str, what: str, shop: Path) -> str:
    if kind == "file":
        return f"```yaml\n{(ROOT / what).read_text(encoding='utf-8').rstrip()}\n```\n"
    program, *arguments = shlex.split(what)
    done = dangol(*arguments, cwd=shop)
    assert (program, done.returncode) == ("dangol", 0), done.stderr
    return f"```\n$ {what}\n{done.stdout.rstrip()}\n```\n"


def written_anew() -> None:
    with TemporaryDirectory() as directory:
        shop = Path(directory) / "demo-shop"
        dangol("demo", shop, "--no-open", "--at", AT)
        README.write_text(rendered(README.read_text(encoding="utf-8"), shop), encoding="utf-8")


if __name__ == "__main__":
    written_anew()
