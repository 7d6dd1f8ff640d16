"""The index holds what plain rows hold, for any data, built at once or in parts."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from dangol.engine.catalog import Catalog
from dangol.engine.state import open_state
from dangol.engine.state.rows import state_from_rows
from tests.engine.state.world import World, everything, summaries_hold

CATALOG = Catalog(
    attributes={"n": "number", "t": "text", "b": "boolean", "d": "date", "at": "instant", "v": "version", "l": "list"},
    events={
        "x": {"n": "number", "t": "text", "b": "boolean", "d": "date"},
        "y": {"n": "number", "t": "text", "at": "instant", "v": "version", "l": "list"},
    },
)
NAMES = st.text(
    st.characters(codec="utf-8", exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=3
)
IDS = st.sampled_from(["a", "b", "B", "é", "e\u0301", "한", "z" * 70, "007", "7", " a", "\U0001f600", "\uffee"])
CELLS = {
    "n": st.one_of(st.integers(-(10**6), 10**6), st.decimals(-1000, 1000, places=2).map(float), st.floats(-1e6, 1e6)),
    "t": st.one_of(st.just(""), NAMES, st.sampled_from(["x", "e\u0301", "1", "true"])),
    "b": st.booleans(),
    "d": st.dates().map(str),
    "at": st.datetimes(dt.datetime(1700, 1, 1), dt.datetime(2099, 1, 1)).map(lambda moment: moment.isoformat()),
    "v": st.sampled_from(["1.2.3", "1.10", "2"]),
    "l": st.lists(NAMES, max_size=2),
}
TIMES = st.integers(0, 40).map(lambda hour: f"2024-03-{30 + hour // 24:02d}T{hour % 24:02d}:30:00")


def cells(names):
    return st.fixed_dictionaries({}, optional={name: st.one_of(st.none(), CELLS[name]) for name in names})


def event(name):
    roles = st.fixed_dictionaries({"customer": IDS, "event": st.just(name), "time": TIMES})
    return st.tuples(roles, cells(CATALOG.events[name])).map(lambda pair: pair[0] | pair[1])


EVENTS = st.lists(st.one_of(event("x"), event("y")), max_size=12)
CUSTOMERS = st.one_of(
    st.none(),
    st.lists(
        st.tuples(IDS, cells(CATALOG.attributes)).map(lambda pair: {"id": pair[0]} | pair[1]),
        max_size=6,
        unique_by=lambda row: row["id"].replace("e\u0301", "é"),
    ),
)


def nfc(rows):
    import unicodedata

    return json.loads(unicodedata.normalize("NFC", json.dumps(rows, ensure_ascii=False)))


def written(rows):
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


@given(EVENTS, EVENTS, CUSTOMERS)
def agrees_with_rows(first, later, customers):
    zone = "Europe/Berlin"
    expected = state_from_rows(
        nfc(customers) if customers is not None else None, nfc(first + later), CATALOG, zone=zone
    )
    with TemporaryDirectory() as folder:
        world = World(Path(folder))
        world.write("e.jsonl", written(first))
        table = None
        if customers is not None:
            from dangol.engine.sources import CustomerSource

            world.write("c.jsonl", written(customers))
            table = CustomerSource(world.table("c.jsonl"), "id", zone=zone)
        world.of(world.log("e.jsonl", zone=zone), customers=table)
        home = Path(folder) / ".dangol"
        open_state(world.sources, CATALOG, directory=home)
        world.extend("e.jsonl", written(later))
        found = open_state(world.sources, CATALOG, directory=home)
        assert summaries_hold(found)
        mine, theirs = everything(found), everything(expected)
        if customers is None:
            theirs["attributes"] = {}
        assert mine == theirs
        for name, table_found in found.events.items():
            for prop, column in table_found.properties.items():
                assert column.scale == expected.events[name].properties[prop].scale


@pytest.mark.parametrize("examples", [15, pytest.param(300, marks=pytest.mark.slow)])
def test_index_agrees_with_rows(examples):
    phases = [Phase.explicit, Phase.reuse, Phase.generate]
    checks = [HealthCheck.too_slow]
    settings(max_examples=examples, deadline=None, suppress_health_check=checks, phases=phases)(agrees_with_rows)()
