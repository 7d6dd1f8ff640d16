"""What the state of declared sources is."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import duckdb
import numpy as np
import pytest

from dangol.diagnostics import DangolError
from dangol.engine.catalog import Catalog
from dangol.engine.sources import CustomerSource, Table
from dangol.engine.state import open_state
from dangol.engine.state.model import NO_INSTANT
from tests.engine.state.world import events, everything, summaries_hold, value


def micros(text: str) -> int:
    moment = (
        dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC) if "+" not in text else dt.datetime.fromisoformat(text)
    )
    return (moment - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(microseconds=1)


def failure(world) -> list[tuple[str, str]]:
    with pytest.raises(DangolError) as error:
        world.state()
    return [(d.code, d.message) for d in error.value.diagnostics]


def test_events_in_time_order_with_their_properties(world):
    world.write("e.csv", "customer,event,time,n\nb,paid,2026-01-02,5\na,paid,2026-01-01,2.50\nb,paid,2026-01-03,\n")
    state = world.of(world.log("e.csv")).state()
    assert events(state, "paid") == [
        ("a", micros("2026-01-01"), {"n": 2.5}),
        ("b", micros("2026-01-02"), {"n": 5}),
        ("b", micros("2026-01-03"), {}),
    ]
    assert state.events["paid"].properties["n"].scale == 1
    assert summaries_hold(state)
    assert state.member is None
    assert state.first_seen.tolist() == [micros(d) for d in (["2026-01-02", "2026-01-01"])]


@pytest.mark.parametrize(
    ("written", "zone", "instant"),
    [
        ("2026-01-31", "Asia/Seoul", "2026-01-30T15:00:00+00:00"),
        ("2026-01-31T10:00", "Asia/Seoul", "2026-01-31T01:00:00+00:00"),
        ("2026-01-31T10:00:00Z", "Asia/Seoul", "2026-01-31T10:00:00+00:00"),
        ("2026-01-31 10:00:00 UTC", "Asia/Seoul", "2026-01-31T10:00:00+00:00"),
        ("2026-01-31T10:00:00.123456-0530", "UTC", "2026-01-31T15:30:00.123456+00:00"),
        ("2024-03-31T02:30", "Europe/Berlin", "2024-03-31T01:00:00+00:00"),
        ("2024-10-27T02:30", "Europe/Berlin", "2024-10-27T00:30:00+00:00"),
        ("2024-03-10", "America/Havana", "2024-03-10T05:00:00+00:00"),
        ("1706695200", "Asia/Seoul", "2024-01-31T10:00:00+00:00"),
        ("1706695200123", "Asia/Seoul", "2024-01-31T10:00:00.123+00:00"),
        ("1706695200123456", "Asia/Seoul", "2024-01-31T10:00:00.123456+00:00"),
        ("1900-01-01", "UTC", "1900-01-01T00:00:00+00:00"),
    ],
)
def test_times(world, written, zone, instant):
    world.write("e.csv", f"customer,time\na,{written}\n")
    world.write("e.jsonl", f'{{"customer": "a", "time": "{written}"}}\n')
    for name in ("e.csv", "e.jsonl"):
        state = world.of(world.log(name, event="x", zone=zone)).state(keep=False)
        assert state.events["x"].time.tolist() == [micros(instant)]


def test_native_times(world):
    duckdb.sql(
        "SELECT 1 AS customer, TIMESTAMP '2024-03-31 02:30:00' AS naive, TIMESTAMPTZ '2024-03-31 02:30:00Z' AS at,"
        " DATE '2024-03-31' AS day, 1706695200 AS unix"
    ).write_parquet(str(world.folder / "e.parquet"))
    expected = {
        "naive": "2024-03-31T01:00:00+00:00",
        "at": "2024-03-31T02:30:00+00:00",
        "day": "2024-03-30T23:00:00+00:00",
        "unix": "2024-01-31T10:00:00+00:00",
    }
    for column, instant in expected.items():
        state = world.of(world.log("e.parquet", event="x", time=column, zone="Europe/Berlin")).state(keep=False)
        assert state.events["x"].time.tolist() == [micros(instant)]


def test_a_time_that_is_none_is_an_error(world):
    world.write("e.csv", "customer,event,time\na,x,2026-01-01\na,x,yesterday\n")
    assert failure(world.of(world.log("e.csv"))) == [("E405", "`yesterday` in the column `time` is not a time")]


@pytest.mark.parametrize("written", ["20260131", "202601311000", "20260131100000"])
def test_digits_of_a_clock_are_no_unix_time(world, written):
    world.write("e.csv", f"customer,time\na,{written}\n")
    duckdb.sql(f"SELECT 'a' AS customer, {written} AS time").write_parquet(str(world.folder / "e.parquet"))
    duckdb.sql(f"SELECT 'a' AS customer, {written}::DOUBLE AS time").write_parquet(str(world.folder / "f.parquet"))
    for name in ("e.csv", "e.parquet", "f.parquet"):
        said = f"`{written}` in the column `time` is not a time"
        assert failure(world.of(world.log(name, event="x"))) == [("E405", said)]


def test_a_number_that_is_not_of_the_declared_type_is_an_error(world):
    duckdb.sql("SELECT 'a' AS id, 19900505 AS day, 2 AS flag").write_parquet(str(world.folder / "c.parquet"))
    for name, kind in (("day", "date"), ("flag", "boolean")):
        world.of(customers=CustomerSource(world.table("c.parquet"), "id", types={name: kind}))
        assert [code for code, _ in failure(world)] == ["E405"]


def test_single_precision_is_the_decimal_it_was_written_as(world):
    duckdb.sql("SELECT 'a' AS customer, TIMESTAMP '2026-01-01' AS time, 19.99::FLOAT AS n").write_parquet(
        str(world.folder / "e.parquet")
    )
    state = world.of(world.log("e.parquet", event="x")).state()
    assert events(state, "x") == [("a", micros("2026-01-01"), {"n": 19.99})]
    assert state.events["x"].properties["n"].scale == 2


def test_a_value_that_is_not_of_the_declared_type_is_an_error(world):
    world.write("e.csv", "customer,event,time,n\na,x,2026-01-01,5\na,x,2026-01-01,five\n")
    world.of(world.log("e.csv", types={"n": "number"}))
    assert failure(world) == [("E405", "`five` in the column `n` is not a number")]


def test_rows_without_customer_or_time_are_counted(world):
    world.write("e.csv", 'customer,event,time\n,x,2026-01-01\na,x,\n"",x,2026-01-01\na,x,2026-01-01\n')
    state = world.of(world.log("e.csv")).state()
    assert len(state.events["x"].time) == 1
    said = ["2 of 4 rows have no customer and are left out", "1 of 4 rows have no time and are left out"]
    assert [d.message for d in world.notes] == said
    world.state()
    assert [d.message for d in world.notes] == said


def test_rows_without_an_event_name_are_counted(world):
    world.write("e.csv", "customer,event,time\na,,2026-01-01\na,x,2026-01-01\n")
    world.of(world.log("e.csv")).state()
    assert [d.message for d in world.notes] == ["1 of 2 rows have no event name and are left out"]


def test_customers_attributes_members(world):
    world.write("c.csv", "id,name,age,vip,born,seen\nb,Bo,30,true,1990-05-01,2026-01-01T10:00\na,,,,,\n")
    world.write("e.csv", "customer,event,time\nz,x,2026-01-01\nb,x,2026-01-01\n")
    state = world.of(world.log("e.csv"), customers="c.csv").state()
    assert state.size == 3
    assert everything(state)["members"] == {"a", "b"}
    assert everything(state)["ranks"] == ["a", "b", "z"]
    b = list(state.ids).index("b")
    day = (dt.date(1990, 5, 1) - dt.date(1970, 1, 1)).days
    row = {name: value(column, b) for name, column in state.attributes.items()}
    assert row == {"name": "Bo", "age": 30, "vip": True, "born": day, "seen": micros("2026-01-01T10:00")}
    assert all(value(column, list(state.ids).index("a")) is None for column in state.attributes.values())
    assert (state.first_seen == NO_INSTANT).all()


@pytest.mark.parametrize("kind", ["text", "version", "list"])
def test_a_declared_attribute_that_nobody_has(world, kind):
    world.write("c.jsonl", '{"id": "a"}\n')
    state = world.of(customers=CustomerSource(world.table("c.jsonl"), "id", types={"x": kind})).state()
    assert everything(open_state(world.sources, Catalog({"x": kind}, has_customers=True)))["attributes"] == {"x": {}}
    assert state.ids[:] == ["a"]


def test_a_customer_id_that_stands_twice(world):
    world.write("c.csv", "id\na\nb\na\n")
    assert failure(world.of(customers="c.csv")) == [
        ("E408", "the customer id `a` stands 2 times in the customers table")
    ]


def test_ids_are_text(world):
    world.write("c.csv", "id\n007\n7\n7.0\n")
    assert list(world.of(customers="c.csv").state(keep=False).ids) == ["007", "7", "7.0"]
    duckdb.sql("SELECT unnest([7, 8])::DOUBLE AS id").write_parquet(str(world.folder / "c.parquet"))
    assert list(world.of(customers="c.parquet").state(keep=False).ids) == ["7", "8"]
    duckdb.sql("SELECT 12345678901234::BIGINT AS id").write_parquet(str(world.folder / "d.parquet"))
    assert list(world.of(customers="d.parquet").state(keep=False).ids) == ["12345678901234"]
    world.write("c.jsonl", '{"id": 7}\n{"id": "x"}\n{"id": null}\n{"id": ""}\n{}\n')
    assert list(world.of(customers="c.jsonl").state(keep=False).ids) == ["7", "x"]


def test_texts_are_nfc_and_vocabularies_shared_by_name(world):
    world.write("c.csv", "id,city\ne\u0301,Se\u0301oul\n")
    world.write("e.csv", "customer,event,time,city\n\u00e9,x,2026-01-01,S\u00e9oul\n\u00e9,y,2026-01-01,S\u00e9oul\n")
    state = world.of(world.log("e.csv"), customers="c.csv").state()
    assert list(state.ids) == ["\u00e9"]
    columns = [state.attributes["city"], *(state.events[e].properties["city"] for e in "xy")]
    assert [c.data.tolist() for c in columns] == [[0], [0], [0]]
    assert len({id(c.vocabulary) for c in columns}) == 1


def test_empty_text_is_a_text_in_json_and_missing_in_csv(world):
    world.write("c.jsonl", '{"id": "1", "x": ""}\n{"id": "2", "x": null}\n{"id": "3"}\n')
    world.write("c.csv", 'id,x\n1,a\n2,""\n3,\n')
    column = world.of(customers="c.jsonl").state(keep=False).attributes["x"]
    assert [value(column, i) for i in range(3)] == ["", None, None]
    column = world.of(customers="c.csv").state(keep=False).attributes["x"]
    assert [value(column, i) for i in range(3)] == ["a", None, None]


def test_lists(world):
    world.write("c.jsonl", '{"id": "1", "tags": ["a", "b"]}\n{"id": "2", "tags": []}\n{"id": "3"}\n')
    column = world.of(customers="c.jsonl").state().attributes["tags"]
    assert [value(column, i) for i in range(3)] == [("a", "b"), (), None]
    duckdb.sql("SELECT '1' AS id, ['a', 'b'] AS tags UNION ALL SELECT '2', NULL").write_parquet(
        str(world.folder / "c.parquet")
    )
    column = world.of(customers="c.parquet").state(keep=False).attributes["tags"]
    assert [value(column, i) for i in range(2)] == [("a", "b"), None]


def test_an_event_id_counts_once(world):
    world.write(
        "e.csv", "key,customer,event,time\n1,a,x,2026-01-01\n1,a,x,2026-01-02\n,a,x,2026-01-03\n,a,x,2026-01-03\n"
    )
    world.of(world.log("e.csv", id_column="key"))
    days = ["2026-01-01", "2026-01-03", "2026-01-03"]
    assert world.state().events["x"].time.tolist() == [micros(d) for d in days]
    world.extend("e.csv", "1,a,x,2026-01-04\n2,a,x,2026-01-05\n2,a,x,2026-01-06\n")
    assert world.state().events["x"].time.tolist() == [micros(d) for d in [*days, "2026-01-05"]]


def test_events_of_several_sources_and_aliases(world):
    world.write("a.csv", "customer,time,n\na,2026-01-02,1\n")
    world.write("b.csv", "customer,event,time,n\nb,Order,2026-01-01,2\nb,other,2026-01-01,\n")
    world.of(world.log("a.csv", event="bought"), world.log("b.csv", aliases={"Order": "bought"}))
    state = world.state({"bought": ["n"]})
    assert events(state, "bought") == [("b", micros("2026-01-01"), {"n": 2}), ("a", micros("2026-01-02"), {"n": 1})]
    assert set(state.events) == {"bought"}


def test_first_seen_counts_events_that_nobody_asks_for(world):
    world.write("e.csv", "customer,event,time\na,x,2026-01-02\na,y,2026-01-01\nb,y,2026-01-01\n")
    state = world.of(world.log("e.csv")).state({"x": []})
    assert state.size == 2
    assert state.first_seen.tolist() == [micros("2026-01-01")] * 2


def test_static_lists(world):
    world.write("c.csv", "id\na\nb\n")
    vip = world.write("vip.csv", "name,id\nBo,b\nNo,zz\n")
    plain = world.write("plain.csv", "customer\na\n")
    world.of(customers="c.csv", lists={"vip": vip, "plain": plain})
    assert everything(world.state())["lists"] == {"vip": {"b"}, "plain": {"a"}}
    world.write("vip.csv", "id\na\nb\n")
    assert everything(world.state())["lists"]["vip"] == {"a", "b"}
    world.write("plain.csv", "b\na\n")  # no header at all
    assert everything(world.state())["lists"]["plain"] == {"a", "b"}
    vip.unlink()
    assert failure(world)[0][0] == "E401"


def test_where(world):
    world.write("e.csv", "customer,event,time,n,c\na,x,2026-01-01,5,KR\nb,x,2026-01-01,-1,KR\nc,x,2026-01-01,,FR\n")
    state = world.of(world.log("e.csv", where='n > 0 or c = "FR"')).state()
    assert everything(state)["ranks"] == ["a", "c"]


def test_files_of_a_folder_with_other_column_orders(world):
    world.write("log/1.csv", "customer,event,time,n\na,x,2026-01-01,1\n")
    world.write("log/2.csv", "n;time;event;customer;extra\n2;2026-01-02;x;a;z\n")
    source = world.log("e.csv")
    world.of(type(source)(Table(str(world.folder / "log"), "csv"), "customer", "time", event_column="event"))
    rows = [("a", micros("2026-01-01"), {"n": 1}), ("a", micros("2026-01-02"), {"n": 2, "extra": "z"})]
    assert events(world.state(), "x") == rows


def test_duckdb_file(world):
    with duckdb.connect(str(world.folder / "d.duckdb")) as database:
        database.execute("CREATE TABLE people AS SELECT 1 AS id, 'Bo' AS name").fetchall()
        database.execute("CREATE TABLE other AS SELECT 1 AS id").fetchall()
    table = Table(str(world.folder / "d.duckdb"), "duckdb", "people")
    state = world.of(customers=CustomerSource(table, "id")).state()
    assert value(state.attributes["name"], 0) == "Bo"
    world.of(customers=CustomerSource(Table(table.location, "duckdb", "poeple"), "id"))
    with pytest.raises(DangolError) as error:
        world.state()
    assert error.value.diagnostics[0].hints == ("did you mean `people`?",)


def test_declared_property_without_a_column(world):
    from dangol.engine.catalog import Catalog
    from dangol.engine.state import open_state

    world.write("e.csv", "customer,event,time,amount\na,x,2026-01-01,1\n")
    world.of(world.log("e.csv"))
    catalog = Catalog(events={"x": {"amont": "number"}, "ledger": {}}, has_customers=False)
    with pytest.raises(DangolError) as error:
        open_state(world.sources, catalog)
    assert error.value.diagnostics[0].hints == ("did you mean `amount`?",)


def test_nothing_at_all(world):
    world.write("e.csv", "customer,event,time\n")
    state = world.of(world.log("e.csv")).state()
    assert state.size == 0
    world.write("c.csv", "id,x\n")
    state = world.of(world.log("e.csv"), customers="c.csv").state({"x": []})
    assert state.size == 0
    assert state.attributes["x"].data.dtype == np.int32


def test_bare_state_leaves_nothing_behind(world):
    world.write("e.csv", "customer,event,time\na,x,2026-01-01\n")
    world.of(world.log("e.csv")).state(keep=False)
    assert [path.name for path in Path(world.folder).iterdir()] == ["e.csv"]
