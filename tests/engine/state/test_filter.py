"""A source's `where`: two-valued, over the table's own columns."""

from __future__ import annotations

import duckdb
import pytest

from dangol.diagnostics import DangolError

ROWS = [
    {"customer": "1", "n": "5", "t": "KR", "b": "true", "d": "2026-01-31", "at": "2026-01-31T10:00"},
    {"customer": "2", "n": "-1", "t": "Kraków", "b": "false", "d": "2026-02-01", "at": "2026-01-31T23:30"},
    {"customer": "3", "n": "", "t": "", "b": "", "d": "", "at": ""},
]
CASES = {
    "n > 0": "1",
    "n != 5": "23",
    "not n = 5": "23",
    "n in (5, 6)": "1",
    "n not in (5, 6)": "23",
    "n between -1 and 4": "2",
    "n + 1 >= 6": "1",
    "n / 0 = 1": "",
    'n = "5"': "1",
    't = "KR"': "1",
    't != "KR"': "23",
    't starts with "Kra"': "2",
    't contains "a"': "2",
    't ends with "w"': "2",
    "t matches /^K/": "12",
    "t is set": "12",
    "t is missing": "3",
    "b": "1",
    "not b": "23",
    "b = false": "2",
    "d = 2026-01-31": "1",
    "d >= 2026-02-01": "2",
    "d since 2026-02-01": "2",
    "d between 2026-01-01 and 2026-01-31": "1",
    "at < 2026-01-31T12:00": "1",
    'n > 0 and t = "KR" or b = false': "12",
    'n > 0 and (t = "XX" or d is missing)': "",
}


def write(world, name):
    header = ",".join(ROWS[0])
    world.write("e.csv", header + ",time\n" + "".join(",".join(row.values()) + ",2026-01-01\n" for row in ROWS))
    if name == "e.parquet":
        csv = world.folder / "e.csv"
        duckdb.sql(
            "SELECT customer, try_cast(n AS INTEGER) AS n, nullif(t, '') AS t, try_cast(b AS BOOLEAN) AS b,"
            ' try_cast(d AS DATE) AS d, try_cast("at" AS TIMESTAMP) AS "at", "time"'
            f" FROM read_csv('{csv}', all_varchar = true)"
        ).write_parquet(str(world.folder / name))


def kept(world, name, where):
    state = world.of(world.log(name, event="x", where=where)).state({"x": []}, keep=False)
    return "".join(sorted(state.ids))


@pytest.mark.parametrize("where", CASES)
def test_csv(world, where):
    write(world, "e.csv")
    assert kept(world, "e.csv", where) == CASES[where]


@pytest.mark.parametrize("where", [where for where in CASES if where != 'n = "5"'])
def test_parquet(world, where):
    write(world, "e.parquet")
    assert kept(world, "e.parquet", where) == CASES[where]


@pytest.mark.parametrize(
    ("where", "column", "hint"),
    [
        ("m > 0", 1, "did you mean `n`?"),
        ('t < "x"', 1, ""),
        ("n > 0 and count(x) > 1", 11, ""),
        ("t within 7d", 1, ""),
        ("n = 5 or d > 3d", 10, ""),
        ("n >", 1, ""),
    ],
)
def test_findings(world, where, column, hint):
    write(world, "e.csv")
    with pytest.raises(DangolError) as error:
        kept(world, "e.csv", where)
    found = error.value.diagnostics[0]
    assert found.text == where
    assert not hint or hint in found.hints or found.hints[0].startswith("the columns are")
    assert found.column >= column


def test_a_text_is_never_sql(world):
    write(world, "e.csv")
    assert kept(world, "e.csv", """t = "x' OR '1'='1" """) == ""
