"""The Python API: what may be asked of a project."""

from __future__ import annotations

from pathlib import Path

import pytest

import dangol
from dangol.diagnostics import DangolError

CONFIG = """project: shop
data:
  customers: {file: c.csv}
  events: {file: e.csv}
events:
  paid: {amount: number}
"""


@pytest.fixture
def project(tmp_path: Path) -> dangol.Project:
    (tmp_path / "dangol.yaml").write_text(CONFIG)
    (tmp_path / "c.csv").write_text("id,country\na,KR\nb,\n")
    (tmp_path / "e.csv").write_text("customer,event,time,amount,shop\na,paid,2026-01-01,5,x\nb,seen,2026-01-02,,y\n")
    return dangol.load(tmp_path)


@pytest.mark.parametrize(
    ("line", "ids"),
    [
        ("paid where amount = 5", ("a",)),
        ("seen", ("b",)),
        ('paid where shop = "x"', ("a",)),
        ('country = "KR"', ("a",)),
    ],
)
def test_a_question_may_name_what_only_the_data_declare(
    project: dangol.Project, line: str, ids: tuple[str, ...]
) -> None:
    assert project.query(line, "2026-06-01").ids == ids


def test_what_the_data_do_not_have_either_is_an_error(project: dangol.Project) -> None:
    with pytest.raises(DangolError) as error:
        project.query("seeen", "2026-06-01")
    assert [(one.code, one.hints) for one in error.value.diagnostics] == [("E203", ("did you mean `seen`?",))]
