"""The index follows its sources, reads only what is new, and is never trusted when it is damaged."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import zlib

import duckdb
import pytest

from dangol.engine.sources import EventSource, Table
from dangol.engine.state import build, discover, open_state
from tests.engine.state.world import everything, summaries_hold

HEAD = "customer,event,time,n,t\n"


def lines(*rows: tuple[str, str, int]) -> str:
    return "".join(f"{who},{event},2026-01-{day:02d},{day},t{day}\n" for who, event, day in rows)


@pytest.fixture
def log(world):
    world.write("e.csv", HEAD + lines(("a", "x", 1), ("b", "y", 2), ("a", "x", 3)))
    return world.of(world.log("e.csv"))


@pytest.fixture
def reads(monkeypatch):
    """What was read of each source since the test began: `anew` or the files."""
    found = []
    original = build.readable

    def spy(change, now, table, scratch):
        if change:
            found.append("anew" if change.anew else [*change.paths, *change.tails])
        return original(change, now, table, scratch)

    monkeypatch.setattr(build, "readable", spy)
    return found


def same_as_new(world) -> bool:
    return everything(world.state()) == everything(world.state(keep=False)) and summaries_hold(world.state())


def test_unchanged_index_is_only_opened(log, no_reading):
    first = everything(log.state())
    no_reading()
    assert everything(log.state()) == first


def test_appended_lines_are_read_alone(log, reads):
    log.state()
    size = (log.folder / "e.csv").stat().st_size
    log.extend("e.csv", lines(("c", "x", 4), ("a", "y", 5)))
    log.state()
    assert reads == ["anew", [(str(log.folder / "e.csv"), size)]]
    assert same_as_new(log)


def test_late_events_are_merged_in_order(log, reads):
    log.state()
    log.extend("e.csv", lines(("c", "x", 2), ("a", "x", 1), ("b", "x", 9), ("b", "y", 1)))
    log.state()
    assert len(reads) == 2
    assert same_as_new(log)


def test_a_changed_line_a_shorter_file_and_another_file(log, reads):
    log.state()
    path = log.folder / "e.csv"
    text = path.read_text()
    for changed in (text.replace("a,x", "c,x", 1), text[: text.rindex("a,x")], HEAD + lines(("q", "x", 9))):
        path.write_text(changed)
        assert same_as_new(log)
    assert [read for read in reads if read != "anew"] == []


def test_a_rewritten_file_that_was_given_its_old_time(log):
    log.state()
    path = log.folder / "e.csv"
    times = path.stat()
    path.write_text(path.read_text().replace("b,y", "b,x"))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert same_as_new(log)


def test_a_file_that_grew_after_an_unfinished_line_is_read_anew(world):
    world.write("e.csv", HEAD + "a,x,2026-01-01,1,t")
    world.of(world.log("e.csv")).state()
    world.extend("e.csv", "ea\n")
    assert same_as_new(world)


def test_json_lines_grow_with_new_keys(world, reads):
    world.write("e.jsonl", '{"customer": "a", "event": "x", "time": "2026-01-01"}\n')
    world.of(world.log("e.jsonl")).state()
    world.extend("e.jsonl", '{"customer": "a", "event": "x", "time": "2026-01-02", "n": 1}\n')
    assert same_as_new(world)


def test_new_files_of_a_folder(world, reads):
    def write(name: str, *days: int) -> None:
        rows = " UNION ALL ".join(
            f"SELECT 'c{d % 3}' AS customer, 'x' AS event, DATE '2026-01-{d:02d}' AS time, {d} AS n" for d in days
        )
        (world.folder / "log").mkdir(exist_ok=True)
        duckdb.sql(rows).write_parquet(str(world.folder / "log" / name))

    write("2.parquet", 3, 4)
    table = Table(str(world.folder / "log" / "*.parquet"), "parquet")
    world.of(EventSource(table, "customer", "time", event_column="event")).state()
    write("1.parquet", 1, 5)
    write("3.parquet", 6)
    world.state()
    assert reads[1] == [str(world.folder / "log" / name) for name in ("1.parquet", "3.parquet")]
    assert same_as_new(world)
    (world.folder / "log" / "1.parquet").unlink()
    assert same_as_new(world)


def test_the_first_of_an_event_id_is_the_first_in_the_order_of_the_files(world):
    head = "customer,event,time,own\n"
    world.write("log/2.csv", head + "a,x,2026-01-02,e1\n")
    table = Table(str(world.folder / "log"), "csv")
    world.of(EventSource(table, "customer", "time", event_column="event", id_column="own"))
    world.state()
    world.write("log/1.csv", head + "b,x,2026-01-01,e2\n")
    assert same_as_new(world)
    world.extend("log/1.csv", "b,x,2026-01-03,e1\n")
    assert same_as_new(world)


def test_summary_is_brought_up_to_date_when_the_tail_is_long(world):
    world.write("e.csv", HEAD + lines(*[("a", "x", 1)] * 100))
    world.of(world.log("e.csv")).state()
    for expected in (100, 100, 100, 100, 100, 106):
        world.extend("e.csv", lines(("new", "x", 2)))
        state = world.state()
        assert state.events["x"].summary.rows == expected
        assert summaries_hold(state)


def test_columns_are_added_when_a_line_needs_them(log, reads):
    log.state({"x": []})
    state = log.state({"x": ["n"]})
    assert set(state.events["x"].properties) == {"n"}
    log.state({"y": ["t"]})
    assert set(log.state({"x": ["n"], "y": ["t"]}).events["y"].properties) == {"t"}
    assert len(reads) == 3
    log.extend("e.csv", lines(("c", "x", 2), ("c", "y", 4)))
    log.state({"x": ["t"]})
    assert same_as_new(log)


def test_a_column_whose_type_changed_is_made_anew(log):
    log.state()
    log.extend("e.csv", "a,x,2026-01-09,many,t\n")
    assert same_as_new(log)
    assert log.state().events["x"].properties["n"].type == "text"


def test_customers_change_without_the_events(world, reads):
    world.write("e.csv", HEAD + lines(("a", "x", 1), ("b", "x", 2)))
    world.write("c.csv", "id,name\na,A\n")
    world.of(world.log("e.csv"), customers="c.csv").state()
    world.write("c.csv", "id,name,age\nb,B,7\nc,C,\n")
    state = world.state()
    assert everything(state)["members"] == {"b", "c"}
    assert everything(state)["attributes"] == {"name": {"b": "B", "c": "C"}, "age": {"b": 7}}
    assert reads == ["anew"]
    world.extend("e.csv", lines(("z", "x", 3)))
    assert same_as_new(world)


def test_customers_who_come_later_are_in_the_summary_of_every_event(world):
    world.write("e.csv", HEAD + lines(("a", "x", 1), ("d", "y", 2)))
    world.write("c.csv", "id\na\n")
    world.of(world.log("e.csv"), customers="c.csv").state({"x": ()})
    world.write("c.csv", "id\na\nb\nc\n")
    assert summaries_hold(world.state({"x": ()}))
    assert summaries_hold(world.state({"x": (), "y": ()}))  # `d` is nobody's row in the customers table


def test_declaring_a_source_otherwise_makes_the_index_anew(log):
    log.state()
    log.of(log.log("e.csv", aliases={"x": "seen"}))
    assert set(log.state().events) == {"seen", "y"}


def test_random_appends_are_as_one_build(world):
    dice = random.Random(7)
    world.write("e.csv", HEAD)
    world.write("c.csv", "id,name\n")
    world.of(world.log("e.csv"), customers="c.csv")
    for step in range(12):
        rows = [
            (f"c{dice.randrange(step * 4 + 3)}", dice.choice("xyz"), dice.randrange(1, 28))
            for _ in range(dice.randrange(9))
        ]
        world.extend("e.csv", lines(*rows))
        if step % 3 == 0:
            world.extend("c.csv", f"c{step},n{step}\n")
        assert same_as_new(world)


# --- damage -----------------------------------------------------------------------------------------------------


def arrays(world):
    return sorted((world.folder / ".dangol" / "index").glob("*.bin"))


@pytest.mark.parametrize("harm", ["flip", "truncate", "remove"])
def test_a_harmed_array_is_noticed(log, harm):
    expected = everything(log.state())
    for number in range(len(arrays(log))):
        path = arrays(log)[number]
        data = bytearray(path.read_bytes())
        if not data:
            continue
        if harm == "flip":
            data[len(data) // 2] ^= 1
            path.write_bytes(data)
        elif harm == "truncate":
            path.write_bytes(data[:-1])
        else:
            path.unlink()
        assert everything(log.state()) == expected
        assert [d.code for d in log.notes] == ["W402"]
        assert everything(log.state()) == expected
        assert log.notes == []


def test_every_flipped_byte_of_the_manifest_is_noticed(log):
    expected = everything(log.state())
    path = log.folder / ".dangol" / "index" / "manifest.json"
    good = path.read_bytes()
    for place in range(0, len(good), 97):
        path.write_bytes(good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :])
        assert everything(log.state()) == expected
        assert [d.code for d in log.notes] == ["W402"]
        good = path.read_bytes()
        if place > 500:
            break


@pytest.mark.parametrize("change", [{"format": 999}, {"format": None}, {"entries": 5}, {"meta": {}}])
def test_an_index_of_another_version_or_kind(log, change):
    expected = everything(log.state())
    path = log.folder / ".dangol" / "index" / "manifest.json"
    body = json.dumps(json.loads(path.read_text().partition("\n")[2]) | change)
    path.write_text(f"{zlib.crc32(body.encode()):08x}\n{body}")
    assert everything(log.state()) == expected
    assert [d.code for d in log.notes] == ["W402"] * ("meta" not in change)


def test_what_a_crash_left_behind_an_array_is_ignored(log):
    log.state()
    for path in arrays(log):
        with path.open("ab") as file:
            file.write(b"garbage of an append that was never finished")
    (log.folder / ".dangol" / "index" / "999.bin").write_bytes(b"x")
    assert log.notes == []
    log.extend("e.csv", lines(("c", "x", 4)))
    assert same_as_new(log)
    assert log.notes == []


def test_a_state_outlives_the_next_build(log):
    state = log.state()
    before = everything(state)
    log.extend("e.csv", lines(("c", "x", 1)))
    log.state()
    log.write("e.csv", HEAD)
    log.state()
    assert everything(state) == before


def _open(folder: str, sources) -> int:
    from pathlib import Path

    catalog, _ = discover(sources, Path(folder))
    state = open_state(sources, catalog, directory=Path(folder))
    return sum(len(table.time) for table in state.events.values())


def test_several_processes_at_once(log):
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        work = [(str(log.folder / ".dangol"), log.sources)] * 6
        assert pool.starmap(_open, work) == [3] * 6
    assert not [name for name in os.listdir(log.folder / ".dangol" / "index") if "scratch" in name or "tmp" in name]
