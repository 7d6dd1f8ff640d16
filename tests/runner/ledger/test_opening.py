"""A ledger is made, mended or refused when it is opened, and every refusal is in plain words."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection, event, inspect, text

from dangol.diagnostics import DangolError
from dangol.runner.ledger import Ledger, NewSends, ledger_at, open_ledger
from dangol.runner.ledger.migrations import MIGRATIONS, bring_up_to_date
from dangol.runner.ledger.schema import metadata
from tests.runner.ledger.story import T, begun, planned


def test_a_new_ledger_has_every_table_and_stays_when_opened_again(location: str) -> None:
    with ledger_at(location) as ledger:
        begun(ledger)
        with ledger.store.reading() as connection:
            assert set(metadata.tables) <= set(inspect(connection).get_table_names())
    with ledger_at(location) as again:
        assert again.status().entries == {"running": 3}


def add_column(connection: Connection) -> None:
    connection.execute(text("ALTER TABLE runs ADD COLUMN host TEXT"))


def test_an_older_ledger_is_brought_up_to_date_once(ledger: Ledger) -> None:
    run, _ = begun(ledger)
    for _ in range(2):
        bring_up_to_date(ledger.store, [*MIGRATIONS, add_column])
    with ledger.store.reading() as connection:
        assert connection.execute(text("SELECT id, host FROM runs")).all() == [(run, None)]
        assert connection.execute(text("SELECT version FROM schema_version")).all() == [(2 + len(MIGRATIONS),)]


def test_a_migration_that_fails_leaves_the_ledger_as_it_was(ledger: Ledger) -> None:
    def breaks(connection: Connection) -> None:
        add_column(connection)
        connection.execute(text("ALTER TABLE nothing ADD COLUMN host TEXT"))

    with pytest.raises(DangolError):
        bring_up_to_date(ledger.store, [*MIGRATIONS, breaks])
    bring_up_to_date(ledger.store, [*MIGRATIONS, add_column])


def test_a_newer_ledger_is_refused(location: str) -> None:
    with ledger_at(location) as ledger:
        begun(ledger)
        with ledger.store.writing("test") as connection:
            connection.execute(text("UPDATE schema_version SET version = 99"))
    with pytest.raises(DangolError, match=r"E601.*newer dangol.*99"):
        open_ledger(location)


@pytest.mark.parametrize("content", [b"id,name\n" * 200, b"SQLite format 3\0" + b"x" * 5000])
def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "shop.csv"
    path.write_bytes(content)
    with pytest.raises(DangolError, match=r"E60[45].*shop\.csv"):
        open_ledger(path)
    assert path.read_bytes() == content


def test_a_database_of_something_else_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE customers (id)")
    with pytest.raises(DangolError, match=r"E604.*not a ledger"):
        open_ledger(path)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("customers",)]


@pytest.mark.parametrize(
    "written",
    ["mysql://shop/db", "nonsense://", "://", "postgresql://[", "sqlite://", "postgresql://u:secret@localhost:1/db"],
)
def test_an_address_that_leads_nowhere_is_told_without_its_password(written: str) -> None:
    with pytest.raises(DangolError, match=r"E605") as refused:
        open_ledger(written)
    assert "secret" not in str(refused.value)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(DangolError, match=r"E605"):
        open_ledger(tmp_path / "file" / "ledger.db")
    with pytest.raises(DangolError, match=r"E605"):
        open_ledger(tmp_path)


def test_a_full_disk_loses_nothing(tmp_path: Path) -> None:
    with ledger_at(tmp_path / "ledger.db") as ledger:
        _, ids = planned(ledger)
        pages = 200

        def full(connection: sqlite3.Connection, record: object) -> None:
            connection.execute(f"PRAGMA max_page_count={pages}")

        ledger.close()
        event.listen(ledger.store.engine, "connect", full)
        with pytest.raises(DangolError, match=r"E602.*no room"):
            begun(ledger, 50_000, T + 1, "other")
        assert ledger.status().entries == {"running": 3}
        assert ledger.claim(T, 9, "w", 1).entry == ids
        pages = 10**6
        ledger.close()
        begun(ledger, 5000, T + 1, "other")
        assert ledger.status().entries == {"running": 5003}


def test_a_locked_ledger_is_told_and_loses_nothing(location: str) -> None:
    with ledger_at(location, wait=0.05) as ledger, ledger_at(location) as other:
        planned(ledger)
        with other.store.writing("test") as connection:
            connection.execute(text("UPDATE meta SET next_entry = next_entry"))
            with pytest.raises(DangolError, match=r"E603"):
                begun(ledger, 5, T + 1, "other")
            assert ledger.status().entries == {"running": 3}
        begun(ledger, 5, T + 2, "other")


def test_a_value_no_database_takes_is_refused(ledger: Ledger) -> None:
    run, ids = begun(ledger)
    with pytest.raises(DangolError, match=r"E609"):
        ledger.suppress(T, "test", customer="\ud800")
    with pytest.raises(DangolError, match=r"E609"):
        ledger.record_sends(run, T, NewSends(ids, 1, 2**70))
    assert ledger.suppress(T, "test", customer="c1")
