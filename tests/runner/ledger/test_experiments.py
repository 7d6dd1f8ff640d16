"""Who was assigned to what, once, whatever became of the message; looks and decisions are only ever added."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import inspect, text

from dangol.engine.state.model import NO_INSTANT
from dangol.runner.ledger import (
    Assigned,
    Cohort,
    Ends,
    Ledger,
    NewAssignments,
    NewEntries,
    NewSends,
    Outcomes,
    Result,
    Revisions,
    Start,
    Won,
    ledger_at,
)
from dangol.runner.ledger.store import open_store
from tests.runner.ledger.story import LEASE, MINUTE, T, begun

START = Start("cart", "remind", 1, '{"splits": {}}', {"h": "purchased within 7d >= 5%"})
MINT, CONTROL = (("offer", "mint"),), (("offer", "control"),)
COHORTS = [Cohort(1, "sms", "none", MINT), Cohort(1, "sms", "none", CONTROL), Cohort(1, "sms", "scenario")]


def assigned(ledger: Ledger, phase: int | None = None, until: int | None = None) -> Assigned:
    found = ledger.assigned("cart", "remind", phase, until)
    assert found is not None
    return found


def drawn(ledger: Ledger) -> list[int]:
    """Three customers: one gets a message, one is control, one is held out."""
    run, ids = begun(ledger)
    new = NewSends(ids, 1, [T - 2, T - 1, T], "sms", None, "m", "a", "{}", ["planned", "cancelled", "cancelled"])
    ledger.record_sends(run, T, new, NewAssignments(START, COHORTS, ids, [0, 1, 2], [T - 2, T - 1, T]))
    return ids


def test_each_customer_stands_in_the_group_they_were_drawn_to(ledger: Ledger) -> None:
    assert ledger.assigned("cart", "remind") is None
    ids = drawn(ledger)
    found = assigned(ledger)
    assert found.customer.tolist() == ["c0", "c1", "c2"]
    assert (found.entry.tolist(), found.due.tolist(), found.at.tolist()) == (ids, [T - 2, T - 1, T], [T] * 3)
    assert (found.step.tolist(), found.channel.tolist()) == ([1] * 3, ["sms"] * 3)
    assert (found.holdout.tolist(), found.names) == ([0, 0, 3], {"offer": ("control", "mint")})
    assert found.arms["offer"].tolist() == [1, 0, -1]
    assert found.state.tolist() == ["planned", "cancelled", "cancelled"]
    assert found.sent_at.tolist() == [NO_INSTANT] * 3
    taken = ledger.claim(T, 10, "w", LEASE)
    ledger.settle(T + 1, "w", Outcomes(taken.entry, taken.step, "sent"))
    assert assigned(ledger).sent_at.tolist() == [T + 1, NO_INSTANT, NO_INSTANT]
    assert assigned(ledger, until=T).sent_at.tolist() == [NO_INSTANT] * 3
    assert len(assigned(ledger, until=T - 1)) == 0


def test_a_customer_counts_once_by_the_first_entry_that_reached_the_draw(ledger: Ledger) -> None:
    first = drawn(ledger)
    ledger.end_entries(T, Ends(first[:1], "finished", T))
    run = ledger.begin_run(T + MINUTE, T)
    again = ledger.record_entries(run, NewEntries("cart", "remind", "v1", "text one", ["c0", "c7"], T)).tolist()
    later = NewAssignments(START, [Cohort(2, "push", "none", MINT)], again, [0, 0], T + MINUTE)
    new = NewSends(again, 2, T + MINUTE, "push", None, "m", "a", "{}")
    ledger.record_sends(run, T + MINUTE, new, later)
    taken = ledger.claim(T + MINUTE, 10, "w", LEASE, ["push"])
    ledger.settle(T + MINUTE, "w", Outcomes(taken.entry, taken.step, "sent"))
    found = assigned(ledger)
    assert found.entry.tolist() == [*first, again[1]]
    assert found.due.tolist() == [T - 2, T - 1, T, T + MINUTE]
    assert found.sent_at[[0, 3]].tolist() == [T + MINUTE] * 2  # the first message, of whichever entry
    assert ledger.count_assigned(ledger.experiments()[0].id) == 4


def test_who_reaches_the_draw_later_is_assigned_then_and_never_again(ledger: Ledger) -> None:
    run, ids = begun(ledger, 1)
    ledger.record_sends(run, T, NewSends(ids, 1, T, state="held", reason="no consent"))
    assert ledger.assigned("cart", "remind") is None
    held = Revisions(ids, 1, "held", "quiet hours")
    ledger.revise(T + 1, held, NewAssignments(START, COHORTS, ids, [0], T))
    ledger.revise(T + 2, held, NewAssignments(START, COHORTS, ids, [1], T + 2))
    found = assigned(ledger)
    assert (found.due.tolist(), found.at.tolist(), found.state.tolist()) == ([T], [T + 1], ["held"])


def test_whoever_is_forgotten_still_counts(ledger: Ledger) -> None:
    drawn(ledger)
    token = ledger.forget(T + 1, "c1")
    found = assigned(ledger)
    assert found.customer.tolist() == ["c0", token, "c2"]
    assert found.arms["offer"].tolist() == [1, 0, -1]


def test_phases_are_read_apart(ledger: Ledger) -> None:
    drawn(ledger)
    run = ledger.begin_run(T + MINUTE, T)
    ids = ledger.record_entries(run, NewEntries("cart", "remind", "v2", "two", ["c8"], T)).tolist()
    second = Start("cart", "remind", 2, "{}", {})
    ledger.record_sends(run, T + MINUTE, NewSends(ids, 1, T), NewAssignments(second, COHORTS, ids, [0], T))
    assert assigned(ledger).customer.tolist() == ["c8"]
    assert assigned(ledger, phase=1).customer.tolist() == ["c0", "c1", "c2"]
    assert [(one.start.phase, one.started_at) for one in ledger.experiments("cart")] == [(1, T), (2, T + MINUTE)]
    assert ledger.experiments()[0].start == START
    assert ledger.experiments("other") == []


def test_looks_and_decisions_are_only_added(ledger: Ledger) -> None:
    drawn(ledger)
    number = ledger.experiments()[0].id
    first = Result(number, "h", 1, T, '{"p": 0.2}')
    assert ledger.record_result(first) == first
    assert ledger.record_result(Result(number, "h", 1, T + 9, '{"p": 0.01}')) == first  # a look is taken once
    second = ledger.record_result(Result(number, "h", 2, T + 9, '{"p": 0.03}'))
    assert ledger.results(number) == [first, second]
    won = ledger.decide(Won(number, "offer", "mint", T, '{"p": 0.03}'), 0)
    back = ledger.decide(Won(number, "offer", None, T + 1, "{}", "reverted"), 1)
    assert ledger.decided(number) == ledger.decisions("cart", "remind", 1) == [won, back]
    assert (won.number, back.number, won.entry) == (1, 2, max(ledger.running_entries("cart", "remind").entry) + 1)


def test_of_many_who_decide_at_once_one_has(ledger: Ledger) -> None:
    drawn(ledger)
    number = ledger.experiments()[0].id
    every = [Won(number, "offer", f"arm{n}", T + n, "{}") for n in range(8)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda one: ledger.decide(one, 0), every))
    assert ledger.decided(number) == found[:1]
    assert len(set(found)) == 1


def test_what_was_planned_is_written_once(ledger: Ledger) -> None:
    drawn(ledger)
    number = ledger.experiments()[0].id
    ledger.plan_experiment(number, 3000, None)
    ledger.plan_experiment(number, 9000, "{}")
    (one,) = ledger.experiments()
    assert (one.planned, one.lint) == (3000, "{}")
    assert ledger.end_experiments(T + 5, "cart", "remind") == 1
    assert ledger.experiments()[0].ended_at == T + 5


# --- a ledger of the version before ---------------------------------------------------------------------------------


@pytest.fixture
def earlier(location: str) -> str:
    """A ledger of version 1 with an entry."""
    store = open_store(location)
    dialect = store.engine.dialect.name
    made = Path(__file__).with_name("versions") / f"1.{dialect}.sql"
    with store.writing("test") as connection:
        for statement in made.read_text(encoding="utf-8").splitlines():
            connection.execute(text(statement))
        for statement in (
            "INSERT INTO schema_version VALUES (1)",
            "INSERT INTO meta VALUES (1, 'abc', 2)",
            f"INSERT INTO runs VALUES (1, {T}, {T}, {T}, NULL)",
            "INSERT INTO scenarios VALUES (1, 'cart', 'remind')",
            f"INSERT INTO texts VALUES (1, 1, 'v1', 'text one', {T})",
            f"INSERT INTO entries VALUES (1, 1, 1, 'c0', {T}, NULL, 1, 'running', NULL, 0, NULL, false)",
        ):
            connection.execute(text(statement))
        if dialect == "postgresql":
            for table in ("runs", "scenarios", "texts", "entries"):
                connection.execute(text(f"SELECT setval('{table}_id_seq', 10)"))
    store.engine.dispose()
    return location


def test_an_earlier_ledger_gets_the_same_tables_as_a_new_one(earlier: str, tmp_path: Path) -> None:
    def described(ledger: Ledger) -> dict[str, object]:
        with ledger.store.reading() as connection:
            seen = inspect(connection)
            return {
                table: (
                    [(c["name"], str(c["type"]), c["nullable"]) for c in seen.get_columns(table)],
                    seen.get_pk_constraint(table)["constrained_columns"],
                    sorted((k["constrained_columns"], k["referred_table"]) for k in seen.get_foreign_keys(table)),
                    sorted(u["column_names"] for u in seen.get_unique_constraints(table)),
                    sorted(str(index["name"]) for index in seen.get_indexes(table)),
                )
                for table in seen.get_table_names()
            }

    with ledger_at(earlier) as old:
        found = described(old)
        if old.store.is_sqlite:
            with ledger_at(tmp_path / "new.db") as new:
                assert found == described(new)
        else:
            with old.store.writing("test") as connection:
                connection.execute(text("DROP SCHEMA IF EXISTS fresh CASCADE"))
                connection.execute(text("CREATE SCHEMA fresh"))
            fresh = old.store.engine.url.update_query_dict({"options": "-csearch_path=fresh"})
            with ledger_at(fresh.render_as_string(hide_password=False)) as new:
                assert found == described(new)


def test_entries_that_began_before_draws_were_recorded_are_not_assigned(earlier: str) -> None:
    with ledger_at(earlier) as ledger:
        assert ledger.running_entries("cart", "remind").customer == ["c0"]
        run = ledger.begin_run(T + MINUTE, T)
        ids = ledger.record_entries(run, NewEntries("cart", "remind", "v1", "text one", ["c1"], T)).tolist()
        both = [1, *ids]
        ledger.record_sends(run, T, NewSends(both, 1, T), NewAssignments(START, COHORTS, both, [0, 0], T))
        assert assigned(ledger).customer.tolist() == ["c1"]
