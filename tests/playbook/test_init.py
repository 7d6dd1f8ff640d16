"""init: what a data file is taken for, said in words; the proposed project checks and plans."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

import dangol
from dangol.demo.shop_data import write_shop
from dangol.diagnostics import DangolError
from dangol.playbook.format import format_project
from dangol.playbook.init import propose, write

PUBLIC = Path(__file__).parents[3] / "shared/data"


def proposed(directory: Path, *names: str) -> str:
    """The proposal's texts and guesses, after it has been written, checked and planned."""
    proposal = propose([directory / name for name in names], directory)
    write(proposal, directory)
    project = dangol.load(directory)
    assert not project.files.diagnostics
    assert not project.files.looked_at_data
    assert [one.scenario for one in project.plan("2026-06-01").scenarios] == ["hello"]
    assert not any(file.changed for file in format_project(directory))
    return "\n".join([*proposal.files.values(), *proposal.guesses])


def shop(tmp_path: Path, **files: str) -> Path:
    directory = tmp_path / "my shop"
    (directory / "data").mkdir(parents=True)
    for name, text in files.items():
        (directory / f"data/{name}.csv").write_text(text)
    return directory


def test_the_demo_shop(tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    directory = shop(tmp_path)
    write_shop(directory, dt.datetime(2026, 6, 1, tzinfo=dt.UTC), customers=60)
    assert proposed(directory, "data/customers.csv", "data/events.csv.gz") == snapshot


def test_names_that_cannot_be_written_get_others(tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    rows = "c1,$pageview,2026-05-01T10:00,5\nc2,Order Completed,2026-05-02T10:00,7\nc1,now,2026-05-02T10:00,7\n"
    directory = shop(tmp_path, log="user_id,event,timestamp,Order Total\n" + rows)
    assert proposed(directory, "data/log.csv") == snapshot


def test_one_event_without_money_and_customers_alone(tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    directory = shop(
        tmp_path,
        app_opens="customer,at,os\nc1,2026-05-01,ios\nc1,2026-05-02,web\n",
        people="id,city\nc1,Seoul\nc2,Busan\n",
    )
    assert proposed(directory, "data/people.csv", "data/app_opens.csv") == snapshot


def test_korean_columns_and_a_log_with_each_customer_once(tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    directory = shop(
        tmp_path,
        log="user_id,event_name,timestamp\n1001,visited,2026-05-01T10:00\n1002,viewed,2026-05-02T10:00\n",
        members="회원번호,이메일,가입일\n1001,a@example.com,2026-01-02\n1002,b@example.com,2026-03-04\n",
        orders="회원번호,주문일시,금액\n1001,2026-05-01 10:00:00,39000\n1001,2026-05-02 10:00:00,5000\n",
    )
    assert proposed(directory, "data/log.csv", "data/members.csv", "data/orders.csv") == snapshot


def test_what_it_cannot_use_is_said(tmp_path: Path) -> None:
    directory = shop(tmp_path, regions="region,sales\nSeoul,3\n", events="customer,event\nc1,visited\nc1,visited\n")
    with pytest.raises(DangolError) as error:
        propose([directory / "data/regions.csv", directory / "data/events.csv"], directory)
    (finding,) = error.value.diagnostics
    assert finding.code == "E041"
    assert finding.hints == (
        "data/regions.csv is left out: no column looks like the id of a customer (it has region, sales)",
        "data/events.csv is left out: no column has times of events (ISO dates or date-times)",
    )


def test_files_outside_and_missing_ones(tmp_path: Path) -> None:
    directory = shop(tmp_path)
    with pytest.raises(DangolError) as error:
        propose([tmp_path / "x.csv", directory / "data/nothing.csv"], directory)
    assert [one.code for one in error.value.diagnostics] == ["E022", "E401"]


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    directory = shop(tmp_path, people="id,city\nc1,Seoul\nc2,Busan\n")
    proposal = propose([directory / "data/people.csv"], directory)
    (directory / "dangol.yaml").write_text("mine")
    with pytest.raises(DangolError, match="E042"):
        write(proposal, directory)
    assert (directory / "dangol.yaml").read_text() == "mine"
    assert not (directory / "playbooks").exists()


@pytest.mark.parametrize("name", ["clickstream.csv.gz", "rees46_oct2019_1k.csv.gz", "retailrocket_fixture_24rows.csv"])
def test_public_logs(name: str, tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    if not (PUBLIC / name).exists():
        pytest.skip("the public data sets are not here")
    directory = shop(tmp_path)
    shutil.copyfile(PUBLIC / name, directory / "data" / name)
    assert proposed(directory, f"data/{name}") == snapshot
