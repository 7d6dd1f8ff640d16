"""The pages of the codes of project files: the bad example has exactly that finding, its mend does not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dangol.playbook.project import load_project

PAGES = Path(__file__).parents[2] / "docs/diagnostics"
PACKAGE = Path(__file__).parents[2] / "dangol/playbook"
USED = {code for path in PACKAGE.glob("*.py") for code in re.findall(r'"([EW]0\d\d)"', path.read_text())}
OWN = [PAGES / f"{code}.md" for code in sorted(USED)]
SHOP = "project: shop\nattributes: {name: text, region: text}\nevents: {visited: , purchased: }\nchannels: {push: }\n"


def codes(example: str, directory: Path) -> set[str]:
    (directory / "playbooks").mkdir(exist_ok=True)
    (directory / "dangol.yaml").write_text(SHOP)
    name = re.match(r"# (\S+)\n", example)
    assert name is not None
    (directory / name[1]).write_text(example)
    return {finding.code for finding in load_project(directory, discover=False).diagnostics}


@pytest.mark.parametrize("page", OWN, ids=lambda path: path.stem)
def test_a_page_shows_its_finding_and_the_mend(page: Path, tmp_path: Path) -> None:
    text = page.read_text()
    assert text.startswith(f"# {page.stem}: ")
    examples = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    if examples:
        bad, mend = examples
        assert page.stem in codes(bad, tmp_path)
        assert not any(code.startswith("E") or code == page.stem for code in codes(mend, tmp_path))
