"""Events of ids that the customers table does not have: one code each, whatever their spelling or type."""

from __future__ import annotations

import duckdb
import pytest

from tests.engine.state.world import events, summaries_hold

NFC, NFD = "caf\u00e9", "cafe\u0301"


def owners(state):
    return sorted(state.ids[code] for table in state.events.values() for code in table.customer.tolist())


def test_spellings_of_one_id(world):
    world.write("c.csv", f"id\nb\n{NFD}\n")
    rows = ["z", NFC, "", "b", NFD, "zo\u0308", "z\u00f6", "z", "a"]
    world.write("e.csv", "customer,event,time\n" + "".join(f'"{id}",x,2026-01-01\n' for id in rows))
    world.write("f.csv", "customer,event,time\na,y,2026-01-01\nnew,y,2026-01-02\n")
    state = world.of(world.log("e.csv"), world.log("f.csv"), customers="c.csv").state()
    assert owners(state) == sorted(["z", NFC, "b", NFC, "z\u00f6", "z\u00f6", "z", "a", "a", "new"])
    assert sorted(state.ids) == sorted({*owners(state)})
    assert state.member is not None
    assert sorted(state.ids[i] for i in state.member.nonzero()[0]) == sorted(["b", NFC])
    assert summaries_hold(state)


@pytest.mark.parametrize("customers", ["INTEGER", "VARCHAR", "UBIGINT"])
@pytest.mark.parametrize("kind", ["INTEGER", "VARCHAR", "HUGEINT"])
def test_numbers_as_ids(world, customers, kind):
    for name, column, ids in (("c", "id", customers), ("e", "customer", kind)):
        chosen = f"SELECT (i * 7 % 40)::{ids} AS {column}, 'x' AS event, TIMESTAMP '2026-01-01' AS time"
        rows = f"FROM range({20 if name == 'c' else 40}) r(i)"
        duckdb.sql(f"COPY ({chosen} {rows}) TO '{world.folder / name}.parquet'")
    state = world.of(world.log("e.parquet"), customers="c.parquet").state({"x": ()}, ())
    assert sorted(map(int, state.ids)) == list(range(40)) == sorted(map(int, owners(state)))
    assert state.member is not None
    assert state.member.sum() == 20
    assert len(events(state, "x")) == 40
