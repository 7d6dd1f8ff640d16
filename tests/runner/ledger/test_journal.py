"""Runs, entries and what is kept of them."""

from __future__ import annotations

import numpy as np
import pytest

from dangol.diagnostics import DangolError
from dangol.engine.state.model import NO_INSTANT
from dangol.runner.ledger import Ends, Ledger, NewEntries, NewSends, Outcomes
from tests.runner.ledger.story import LEASE, MINUTE, T, begun, faults_in, planned


def test_a_run_is_recorded_with_its_counts(ledger: Ledger) -> None:
    run = ledger.begin_run(T, T + 1)
    (begun_,) = ledger.runs()
    assert (begun_.id, begun_.at, begun_.started_at, begun_.finished_at) == (run, T, T + 1, None)
    ledger.finish_run(run, T + 9, {"sent": 4})
    last = ledger.status().last_run
    assert last is not None
    assert (last.finished_at, last.counts) == (T + 9, {"sent": 4})


def test_a_run_before_the_last_one_is_refused(ledger: Ledger) -> None:
    ledger.begin_run(T, T)
    ledger.begin_run(T, T)  # again after a crash
    with pytest.raises(DangolError, match=r"E606.*60 s before the last run"):
        ledger.begin_run(T - MINUTE, T - MINUTE)
    assert len(ledger.runs()) == 2


def test_a_customer_has_one_running_entry_per_scenario(ledger: Ledger) -> None:
    run, ids = begun(ledger)
    new = NewEntries("cart", "remind", "v1", "text one", ["c1", "c9", "c9"], np.array([T, T, T]))
    again = ledger.record_entries(run, new).tolist()
    assert again[0] == ids[1]
    assert again[1] == again[2]
    assert again[1] not in ids
    assert ledger.scenarios_running() == {("cart", "remind"): 4}
    assert ledger.record_entries(run, NewEntries("cart", "other", "v1", "text", ["c1"], T)).tolist() != [ids[1]]


def test_running_entries_as_columns(ledger: Ledger) -> None:
    run, ids = begun(ledger)
    ledger.record_entries(run, NewEntries("cart", "dormant", "v7", "text", ["c1"], T))
    running = ledger.running_entries("cart", "remind")
    assert running.entry.tolist() == ids
    assert running.customer == ["c0", "c1", "c2"]
    assert running.time.tolist() == [T - 5] * 3
    assert running.event == ["cart_added"] * 3
    assert running.text == ["v1"] * 3
    assert ledger.running_entries("cart", "dormant").event == [None]
    assert ledger.running_entries("cart", "nothing").customer == []
    assert ledger.texts("cart", "remind") == {"v1": "text one"}


def test_steps_show_what_became_of_them(ledger: Ledger) -> None:
    run, ids = planned(ledger)
    ledger.record_sends(run, T, NewSends(ids[:1], 2, T + 7, state="held", reason="quiet hours"))
    claimed = ledger.claim(T + 1, 1, "w", LEASE)
    steps = ledger.steps("cart", "remind")
    assert list(zip(steps.entry.tolist(), steps.step.tolist(), steps.state, strict=True)) == [
        (ids[0], 1, "claimed"), (ids[0], 2, "held"), (ids[1], 1, "planned"), (ids[2], 1, "planned"),
    ]  # fmt: skip
    assert steps.due.tolist() == [T, T + 7, T, T]
    assert steps.sent_at.tolist() == [T + 1, NO_INSTANT, NO_INSTANT, NO_INSTANT]
    ledger.settle(T + 3, "w", Outcomes(claimed.entry, claimed.step, "sent"))
    assert ledger.steps("cart", "remind").sent_at[0] == T + 3


def test_an_entry_that_ends_cancels_what_it_had_planned(ledger: Ledger) -> None:
    run, ids = planned(ledger)
    ledger.record_sends(run, T, NewSends(ids[:1], 2, T + 7, state="held", reason="quiet hours"))
    assert ledger.end_entries(T + 9, Ends(ids[:2], ["left", "finished"], T + 8, ["purchased", None])) == 2
    assert ledger.end_entries(T + 9, Ends(ids[:2], "left", T + 8)) == 0
    status = ledger.status()
    assert status.entries == {"running": 1, "left": 1, "finished": 1}
    assert status.sends == {"cancelled": 3, "planned": 1}
    assert ledger.claim(T + 9, 10, "w", LEASE).customer == ["c2"]
    assert faults_in(ledger) == []


def test_last_entries_know_which_sent_something(ledger: Ledger) -> None:
    run, ids = planned(ledger)
    claimed = ledger.claim(T, 1, "w", LEASE)
    ledger.settle(T, "w", Outcomes(claimed.entry, claimed.step, "sent"))
    ledger.end_entries(T, Ends(ids[:2], "finished", T + 1))
    ledger.record_entries(run, NewEntries("cart", "remind", "v1", "text one", ["c0"], T + 5))
    last = ledger.last_entries("cart", "remind")
    assert last.customer == ["c0", "c1", "c2"]
    assert last.time.tolist() == [T + 5, T - 5, T - 5]
    assert last.sent_time.tolist() == [T - 5, NO_INSTANT, NO_INSTANT]
    assert last.ended_at.tolist() == [NO_INSTANT, T + 1, NO_INSTANT]


def test_running_entries_move_to_another_text(ledger: Ledger) -> None:
    run, ids = begun(ledger)
    assert ledger.move_entries(run, T + 1, ids[:2], "v2", "text two") == 2
    assert ledger.running_entries("cart", "remind").text == ["v2", "v2", "v1"]
    assert ledger.texts("cart", "remind") == {"v1": "text one", "v2": "text two"}
    assert faults_in(ledger) == []


def test_members_and_counts_of_runs(ledger: Ledger) -> None:
    for n in range(3):
        run = ledger.begin_run(T + n, T)
        ledger.record_memberships(run, {"vip": ["a", "b\n", "ü"][: n + 1]})
    ledger.record_memberships(run, {"everyone": ["a"] * 9, "vip": []}, keep_ids=False)
    assert ledger.counts_of("vip") == [3, 2, 1]
    assert ledger.counts_of("vip", limit=1) == [3]
    assert ledger.members_of("vip", run) == ["a", "b\n", "ü"]
    assert ledger.members_of("everyone", run) is None
