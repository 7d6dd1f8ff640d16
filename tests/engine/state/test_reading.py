"""Files that are not as they should be end in a diagnostic that says where."""

from __future__ import annotations

import gzip

import pytest

from dangol.diagnostics import DangolError
from dangol.engine.sources import EventSource, Table


def failure(world, *, of=None):
    with pytest.raises(DangolError) as error:
        world.of(of or world.log("e.csv")).state()
    (found,) = error.value.diagnostics
    return found.code, found.message, found.hints


HEAD = "customer,event,time\n"


def test_byte_order_mark_and_windows_lines(world):
    world.write("e.csv", b"\xef\xbb\xbf" + (HEAD + "a,x,2026-01-01\n").replace("\n", "\r\n").encode())
    assert len(world.of(world.log("e.csv")).state().events["x"].time) == 1


def test_quoted_commas_quotes_and_line_breaks(world):
    world.write("e.csv", 'customer,event,time,"no\nte"\na,x,2026-01-01,"1, ""2""\n3"\n')
    source = world.log("e.csv", properties={"note": "no\nte"})
    assert list(world.of(source).state().events["x"].properties["note"].vocabulary) == ['1, "2"\n3']


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        (HEAD + "a,x\n", "E404", "line 2 has 2 fields where the header has 3"),
        (HEAD + "a,x,2026-01-01\na,x,2026-01-01,9\n", "E404", "line 3 has 4 fields where the header has 3"),
        (HEAD.encode() + b"a,\xe9,2026-01-01\n", "E404", "line 2 is not UTF-8 text"),
        (b"customer,ev\xe9nt,time\n", "E404", "the header is not UTF-8 text"),
        (HEAD + 'a,"x,2026-01-01\n', "E404", "a double quote is opened in line 2 and never closed"),
        ("", "E402", "the file is empty: not even a header"),
        ("customer,event,time,event\n", "E402", "the column `event` stands twice in the header"),
    ],
)
def test_broken_csv(world, text, code, said):
    world.write("e.csv", text)
    assert failure(world)[:2] == (code, said)


def test_header_only(world):
    world.write("e.csv", HEAD)
    assert world.of(world.log("e.csv")).state().size == 0


def test_gzip(world):
    whole = gzip.compress((HEAD + "".join(f"a{i * 7919 % 10007},x,2026-01-01\n" for i in range(50_000))).encode())
    world.write("e.csv.gz", whole)
    assert len(world.of(world.log("e.csv.gz")).state().events["x"].time) == 50_000
    world.write("e.csv.gz", whole[: len(whole) // 2])
    assert failure(world, of=world.log("e.csv.gz"))[:2] == ("E404", "the compressed file ends too early or is damaged")
    world.write("e.csv.gz", b"not gzip")
    assert failure(world, of=world.log("e.csv.gz"))[0] == "E404"


def test_missing_file_folder_and_column(world):
    world.write("evnts.csv", HEAD)
    code, _, hints = failure(world, of=world.log("events.csv"))
    assert (code, hints) == ("E401", ("did you mean `evnts.csv`?",))
    (world.folder / "empty").mkdir()
    table = Table(str(world.folder / "empty"), "csv")
    assert failure(world, of=EventSource(table, "customer", "time", event="x"))[0] == "E401"
    source = EventSource(world.table("evnts.csv"), "custmer", "time", event="x")
    assert failure(world, of=source)[2] == ("did you mean `customer`?",)


def test_broken_json(world):
    world.write("e.jsonl", '{"customer": "a", "event": "x", "time": "2026-01-01"}\n{"customer": \n')
    assert failure(world, of=world.log("e.jsonl"))[:2] == ("E404", "line 2 is not valid JSON")


def test_broken_parquet_and_duckdb(world):
    world.write("e.parquet", b"PAR1 but not really")
    assert failure(world, of=world.log("e.parquet"))[0] == "E404"
    world.write("e.duckdb", b"nothing of the kind" * 1000)
    assert failure(world, of=world.log("e.duckdb"))[0] == "E404"


def test_a_path_or_a_name_with_quotes_is_only_a_name(world):
    world.write("it's; DROP.csv", "customer,event,time,o'clock\na,x'); DROP TABLE t; --,2026-01-01,1\n")
    source = world.log("it's; DROP.csv", aliases={"x'); DROP TABLE t; --": "x"}, properties={"clock": "o'clock"})
    assert len(world.of(source).state().events["x"].time) == 1


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters(world, delimiter):
    world.write("e.csv", (HEAD + "a,x,2026-01-01\n").replace(",", delimiter))
    assert len(world.of(world.log("e.csv")).state().events["x"].time) == 1
