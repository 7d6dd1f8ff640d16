"""Sends: once per entry and step, one worker at a time, settled by what the provider said."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import event

from dangol.diagnostics import DangolError
from dangol.runner.ledger import Ends, Ledger, NewSends, Outcomes, Revisions, ledger_at
from tests.runner.ledger.story import LEASE, T, begun, faults_in, planned


def states(ledger: Ledger) -> list[str]:
    return ledger.steps("cart", "remind").state


def test_a_step_is_recorded_once_and_its_due_time_stays(ledger: Ledger) -> None:
    run, ids = begun(ledger)
    assert ledger.record_sends(run, T, NewSends(ids, 1, T + 1, "sms", message="hello")) == 3
    assert ledger.record_sends(run, T + 9, NewSends([*ids, ids[0]], [1, 1, 1, 2], T + 99, "email")) == 1
    steps = ledger.steps("cart", "remind")
    assert steps.due.tolist() == [T + 1, T + 99, T + 1, T + 1]
    assert steps.channel == ["sms", "email", "sms", "sms"]
    assert faults_in(ledger) == []


def test_a_send_of_no_entry_is_refused_whole(ledger: Ledger) -> None:
    run, ids = begun(ledger)
    with pytest.raises(DangolError, match=r"E609"):
        ledger.record_sends(run, T, NewSends([*ids, 999], 1, T))
    assert ledger.status().sends == {}


def test_claims_are_the_earliest_first_and_carry_all_that_is_needed(ledger: Ledger) -> None:
    run, ids = begun(ledger)
    ledger.record_sends(run, T, NewSends(ids, 1, [T + 3, T + 1, T + 9], "sms", ["a", None, None], "hello", "+82", "Hi"))
    assert len(ledger.claim(T, 10, "w", LEASE)) == 0
    assert len(ledger.claim(T + 5, 10, "w", LEASE, channels=["email"])) == 0
    assert len(ledger.claim(T + 5, 10, "w", LEASE, channels=[])) == 0
    taken = ledger.claim(T + 5, 10, "w", LEASE, channels=["sms"])
    assert taken.customer == ["c1", "c0"]
    assert (taken.entry, taken.step, taken.due) == ([ids[1], ids[0]], [1, 1], [T + 1, T + 3])
    assert (taken.playbook[0], taken.scenario[0], taken.text[0]) == ("cart", "remind", "v1")
    assert (taken.channel[1], taken.arm[1], taken.message[1]) == ("sms", "a", "hello")
    assert (taken.address[1], taken.content[1], taken.attempts[1]) == ("+82", "Hi", 1)
    assert len(set(taken.key)) == 2
    assert len(ledger.claim(T + 5, 10, "v", LEASE)) == 0


def test_settling(ledger: Ledger) -> None:
    planned(ledger, 4)
    taken = ledger.claim(T, 10, "w", LEASE)
    outcomes = Outcomes(
        taken.entry, taken.step, ["sent", "failed", "unknown", "planned"], ["p1", None, None, None],
        [None, "no such number", "no answer", "busy"], [None, None, None, T + 60],
    )  # fmt: skip
    assert ledger.settle(T + 2, "w", outcomes) == 4
    assert states(ledger) == ["sent", "failed", "unknown", "planned"]
    assert len(ledger.claim(T + 59, 10, "w", LEASE)) == 0
    again = ledger.claim(T + 60, 10, "w", LEASE)
    assert (again.key, again.attempts, again.due) == (taken.key[3:], [2], [T])
    assert [change.state for change in ledger.history(again.key[0])] == ["planned", "claimed", "planned", "claimed"]
    assert faults_in(ledger) == []


def test_only_the_worker_that_claimed_may_settle(ledger: Ledger) -> None:
    planned(ledger, 1)
    taken = ledger.claim(T, 1, "w", LEASE)
    assert ledger.settle(T, "v", Outcomes(taken.entry, taken.step, "sent")) == 0
    assert states(ledger) == ["claimed"]
    assert ledger.settle(T, "w", Outcomes(taken.entry, taken.step, "sent")) == 1
    assert ledger.settle(T, "w", Outcomes(taken.entry, taken.step, "failed")) == 0
    assert states(ledger) == ["sent"]


def test_a_lease_that_ran_out_is_unknown_or_asked_again(ledger: Ledger) -> None:
    run, ids = begun(ledger, 2)
    ledger.record_sends(run, T, NewSends(ids, 1, T, ["sms", "webhook"]))
    ledger.claim(T, 10, "dead", LEASE)
    assert ledger.lapse(T + LEASE - 1, ["webhook"]) == {}
    assert ledger.lapse(T + LEASE, ["webhook"]) == {"sms": 1, "webhook": 1}
    assert states(ledger) == ["unknown", "planned"]
    assert ledger.claim(T + LEASE, 10, "w", LEASE).channel == ["webhook"]
    assert [one.customer for one in ledger.unknown()] == ["c0"]
    assert faults_in(ledger) == []


def test_an_outcome_that_comes_late_is_taken_unless_another_has_the_send(ledger: Ledger) -> None:
    planned(ledger, 3, channel="webhook")
    taken = ledger.claim(T, 3, "slow", LEASE)
    ledger.lapse(T + LEASE, ["webhook"])
    other = ledger.claim(T + LEASE, 1, "other", LEASE)
    assert other.entry == taken.entry[:1]
    assert ledger.settle(T + LEASE, "slow", Outcomes(taken.entry, taken.step, "sent")) == 2
    assert states(ledger) == ["claimed", "sent", "sent"]
    assert ledger.settle(T + LEASE, "other", Outcomes(other.entry, other.step, "sent")) == 1
    assert faults_in(ledger) == []


def test_what_is_planned_or_held_may_be_decided_anew(ledger: Ledger) -> None:
    run, ids = begun(ledger, 3)
    ledger.record_sends(run, T, NewSends(ids, 1, T, "sms", state=["held", "held", "planned"], reason="quiet hours"))
    ledger.claim(T, 1, "w", LEASE)
    given = Revisions(
        ids, 1, ["planned", "expired", "expired"], [None, "too late", "too late"], T + 5, ["email", None, None]
    )
    assert ledger.revise(T + 1, given) == 2
    steps = ledger.steps("cart", "remind")
    assert steps.state == ["planned", "expired", "claimed"]
    assert steps.channel == ["email", "sms", "sms"]
    assert steps.due.tolist() == [T, T, T]
    assert steps.ready_at.tolist() == [T + 5, T + 5, T]
    assert faults_in(ledger) == []


def test_sent_times_count_what_went_out_or_may_have(ledger: Ledger) -> None:
    planned(ledger, 4)
    taken = ledger.claim(T + 1, 4, "w", LEASE)
    ledger.settle(T + 2, "w", Outcomes(taken.entry[:3], 1, ["sent", "failed", "unknown"]))
    sent = ledger.sent_times(T)
    assert sorted(zip(sent.customer, sent.time.tolist(), strict=True)) == [("c0", T + 1), ("c2", T + 1), ("c3", T + 1)]
    assert set(sent.channel) == {"sms"}
    assert set(sent.scenario) == {"remind"}
    assert ledger.sent_times(T + 1).customer == []


def test_unknown_sends_are_settled_by_hand(ledger: Ledger) -> None:
    planned(ledger, 3)
    taken = ledger.claim(T, 3, "w", LEASE)
    ledger.settle(T, "w", Outcomes(taken.entry, 1, "unknown", reason="no answer"))
    one, two, three = ledger.unknown()
    assert (one.key, one.customer, one.address, one.claimed_at) == (taken.key[0], "c0", "+82-10-0000", T)
    ledger.reconcile(T + 5, one.key, "sent")
    ledger.reconcile(T + 5, two.key, "planned")
    ledger.reconcile(T + 5, three.key, "failed")
    assert states(ledger) == ["sent", "planned", "failed"]
    assert ledger.sent_times(0).time.tolist() == [T]
    assert ledger.claim(T + 5, 9, "w2", LEASE).customer == ["c1"]
    assert faults_in(ledger) == []


@pytest.mark.parametrize("key", ["", "nonsense", "x-1-1", "{}-1-9", "{}-1-1-1", "{}-9999999999999999999-1", "{}-١-1"])
def test_a_key_that_names_no_unknown_send_is_refused(ledger: Ledger, key: str) -> None:
    planned(ledger, 1)
    prefix = ledger.claim(T, 1, "w", LEASE).key[0].split("-")[0]
    with pytest.raises(DangolError, match=r"E608"):
        ledger.reconcile(T, key.replace("{}", prefix), "sent")
    with pytest.raises(DangolError, match=r"E608.*is claimed"):
        ledger.reconcile(T, f"{prefix}-1-1", "sent")


def test_claiming_does_not_look_at_what_is_over(tmp_path: Path) -> None:
    asked: list[tuple[str, tuple[object, ...]]] = []
    with ledger_at(tmp_path / "ledger.db") as ledger:
        planned(ledger)

        @event.listens_for(ledger.store.engine, "before_cursor_execute")
        def note(connection: object, cursor: object, statement: str, values: tuple[object, ...], *more: object) -> None:
            asked.append((statement, values))

        ledger.claim(T, 1, "w", LEASE, channels=["sms"])
        ledger.lapse(T, [])
        selects = [one for one in asked if one[0].startswith("SELECT sends.")]
        with ledger.store.reading() as connection:
            plans = [
                " ".join(row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values))
                for statement, values in selects
            ]
    assert "INDEX sends_planned" in plans[0]
    assert "INDEX sends_claimed" in plans[1]


def lapsed(ledger: Ledger) -> list[int]:
    """Three sends that a worker had who died, on a channel that knows our keys."""
    _, ids = planned(ledger, channel="webhook")
    ledger.claim(T, 10, "w", LEASE)
    ledger.lapse(T + LEASE, ["webhook"])
    assert states(ledger) == ["planned"] * 3
    return ids


def test_what_may_have_gone_out_and_is_refused_then_is_unknown(ledger: Ledger) -> None:
    ids = lapsed(ledger)
    later = T + LEASE + 1
    new = Revisions(ids, 1, ["held", "cancelled", "held"], ["frequency cap", "holdout", "quiet hours"], later,
                    gives_up=[True, True, False])  # fmt: skip
    assert ledger.revise(later, new) == 3
    assert states(ledger) == ["unknown", "unknown", "held"]
    assert [one.reason for one in ledger.unknown()] == [
        "it may have gone out before; now: frequency cap", "it may have gone out before; now: holdout",
    ]  # fmt: skip
    assert ledger.sent_times(T - 1).customer == ["c0", "c1"]
    assert ledger.last_entries("cart", "remind").sent_time.tolist() == [T - 5] * 3
    assert faults_in(ledger) == []


def test_of_an_entry_that_ends_too(ledger: Ledger) -> None:
    ids = lapsed(ledger)
    ledger.end_entries(T + LEASE + 1, Ends(ids, "left", T, "no longer qualifies"))
    assert ledger.status().sends == {"unknown": 3}
    assert faults_in(ledger) == []


def test_what_certainly_did_not_go_out_is_cancelled(ledger: Ledger) -> None:
    _, ids = planned(ledger, channel="webhook")
    for number, unsure in enumerate((True, False, [True, False, False])):
        taken = ledger.claim(T + number, 10, "w", LEASE)
        again = Outcomes(taken.entry, taken.step, "planned", ready_at=T + number + 1, unsure=unsure)
        assert ledger.settle(T + number, "w", again) == 3
    ledger.revise(T + 9, Revisions(ids, 1, "cancelled", "holdout", gives_up=True))
    assert states(ledger) == ["unknown", "cancelled", "cancelled"]
    ledger.reconcile(T + 10, ledger.unknown()[0].key, "planned")
    ledger.revise(T + 11, Revisions(ids[:1], 1, "cancelled", "holdout", gives_up=True))
    assert states(ledger) == ["cancelled"] * 3
