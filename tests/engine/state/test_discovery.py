"""Discovery by language.md 1.4: every value decides."""

from __future__ import annotations

import duckdb
import pytest

from dangol.diagnostics import DangolError
from dangol.engine.catalog import Mixed
from dangol.engine.sources import CustomerSource, EventSource, Sources
from dangol.engine.state import discover


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", "-2.5", "1e3", ".5"], "number"),
        (["1", "", "2"], "number"),
        (["1,000", "2"], "text"),
        (["007", "012"], "text"),
        (["+821012345678"], "text"),
        (["2103807459595387724"], "text"),
        (["1", "x"], "text"),
        (["nan", "inf"], "text"),
        (["true", "False", "TRUE"], "boolean"),
        (["true", "1"], "text"),
        (["2026-01-31", "2024-02-29"], "date"),
        (["2026-01-31", "2026-02-30"], "text"),
        (["2026-01-31T10:00", "2026-01-31 10:00:00.5", "2026-01-31T10:00:00+09:00", "2026-01-31T10:00:00Z"], "instant"),
        (["2026-01-31", "2026-01-31T10:00"], "text"),
        (["1.2.3", "1.10", "2"], "version"),
        (["1.2", "1.10"], "number"),
        (["1.2.3", "beta"], "text"),
        (["", ""], "text"),
    ],
)
def test_csv_column(world, values, kind):
    rows = "".join(f'{i},"{value}"\n' for i, value in enumerate(values))
    world.write("c.csv", "id,x\n" + rows)
    assert world.of(customers="c.csv").catalog.attributes == {"x": kind}


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", "2.5", "null"], "number"),
        (['"1"', '"2"'], "text"),
        (['""', '"2026-01-31"'], "text"),
        (['"2026-01-31"', "null"], "date"),
        (['"2026-01-31T10:00:00Z"'], "instant"),
        (['"1.2.3"', '"1.2"'], "version"),
        (["true", "false"], "boolean"),
        (['"true"'], "text"),
        (['["a", "b"]', "[]"], "list"),
        (["1", '"1"'], Mixed(("number", "text"))),
        (["true", "1"], Mixed(("boolean", "number"))),
        (['{"a": 1}', "1"], Mixed(("number", "object"))),
    ],
)
def test_json_column(world, values, kind):
    world.write("c.jsonl", "".join(f'{{"id": "{i}", "x": {value}}}\n' for i, value in enumerate(values)))
    assert world.of(customers="c.jsonl").catalog.attributes == {"x": kind}


def test_json_object_or_list_of_numbers_is_left_out(world):
    world.write("c.jsonl", '{"id": "1", "x": {"a": 1}, "y": [1, 2], "z": 1}\n')
    assert world.of(customers="c.jsonl").catalog.attributes == {"z": "number"}


def test_json_names_keep_their_case(world):
    world.write("c.jsonl", '{"id": "1", "x": 1, "X": "a", "a/b~c": true}\n')
    assert world.of(customers="c.jsonl").catalog.attributes == {"x": "number", "X": "text"}


def test_parquet_kinds_as_they_are(world):
    duckdb.sql(
        "SELECT '1' AS id, 1::TINYINT AS i, 1.5::DECIMAL(9, 2) AS d, 'a' AS t, true AS b, DATE '2026-01-01' AS day,"
        " TIMESTAMP '2026-01-01 10:00:00' AS local, TIMESTAMPTZ '2026-01-01 10:00:00Z' AS at, ['a'] AS l, [1] AS n,"
        " '1.2.3' AS v, NULL::INTEGER AS none, INTERVAL 1 DAY AS span, '2026-01-01' AS written"
    ).write_parquet(str(world.folder / "c.parquet"))
    assert world.of(customers="c.parquet").catalog.attributes == {
        "i": "number",
        "d": "number",
        "t": "text",
        "b": "boolean",
        "day": "date",
        "local": "instant",
        "at": "instant",
        "l": "list",
        "v": "version",
        "none": "text",
        "written": "date",
    }


def test_types_are_found_per_event_and_a_column_belongs_to_events_with_a_value(world):
    world.write(
        "e.csv", "customer,event,time,value\n1,paid,2026-01-01,5\n1,said,2026-01-01,hello\n1,seen,2026-01-01,\n"
    )
    events = world.of(world.log("e.csv")).catalog.events
    assert events == {"paid": {"value": "number"}, "said": {"value": "text"}, "seen": {}}


def test_kinds_of_two_sources_of_one_event_are_mixed(world):
    world.write("a.csv", "customer,time,value\n1,2026-01-01,5\n")
    world.write("b.csv", "customer,time,value\n1,2026-01-01,x\n")
    world.of(world.log("a.csv", event="paid"), world.log("b.csv", event="paid"))
    assert world.catalog.events == {"paid": {"value": Mixed(("number", "text"))}}


def test_aliases_only_and_names_that_cannot_be_written(world):
    world.write(
        "e.csv",
        "customer,event,time,Order Total\n1,$pageview,2026-01-01,1\n1,Order Completed,2026-01-01,1\n"
        "1,x,2026-01-01,1\n1,not,2026-01-01,1\n",
    )
    source = world.log("e.csv", aliases={"Order Completed": "ordered"})
    catalog, found = discover(Sources((source,)))
    assert set(catalog.events) == {"ordered", "x"}
    assert [(d.code, d.severity) for d in found] == [("W401", "warning")] * 3
    said = " ".join(d.message + " " + " ".join(d.hints) for d in found)
    assert 'pageview: {from: "$pageview"}' in said
    assert 'order_total: "Order Total"' in said
    assert "`not`" in said
    catalog, found = discover(Sources((world.log("e.csv", only=frozenset({"x"})),)))
    assert set(catalog.events) == {"x"}


def test_mapped_and_declared_columns(world):
    world.write("e.csv", "customer,event,time,Total,zip\n1,paid,2026-01-01,5,10115\n")
    source = world.log("e.csv", properties={"total": "Total", "zip": "zip"}, types={"zip": "text"})
    assert world.of(source).catalog.events == {"paid": {"total": "number", "zip": "text"}}


def test_where_leaves_rows_out_of_the_catalog(world):
    world.write("e.csv", "customer,event,time,n\n1,a,2026-01-01,5\n1,b,2026-01-01,x\n")
    assert world.of(world.log("e.csv", where='event = "a"')).catalog.events == {"a": {"n": "number"}}


def test_catalog_is_remembered_and_follows_growth(world, no_reading):
    world.write("e.csv", "customer,event,time,n\n1,a,2026-01-01,5\n")
    world.of(world.log("e.csv"))
    home = world.folder / ".dangol"
    first = discover(world.sources, home)
    world.extend("e.csv", "1,a,2026-01-02,x\n1,b,2026-01-02,\n")
    second = discover(world.sources, home)
    assert first[0].events == {"a": {"n": "number"}}
    assert second[0].events == {"a": {"n": "text"}, "b": {}}
    no_reading()
    assert discover(world.sources, home) == second


def test_catalog_file_is_never_trusted_when_damaged(world):
    world.write("e.csv", "customer,event,time,n\n1,a,2026-01-01,5\n")
    world.of(world.log("e.csv"))
    home = world.folder / ".dangol"
    first = discover(world.sources, home)
    cache = home / "catalog.json"
    cache.write_text(cache.read_text().replace('"a"', '"z"'))
    assert discover(world.sources, home) == first


def test_all_broken_sources_are_reported_at_once(world):
    world.write("e.csv", "")
    sources = Sources(
        (EventSource(world.table("e.csv"), "c", "t", event="x"),), CustomerSource(world.table("no.csv"), "id")
    )
    with pytest.raises(DangolError) as error:
        discover(sources)
    assert [d.code for d in error.value.diagnostics] == ["E402", "E401"]
