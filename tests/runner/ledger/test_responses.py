"""What comes back is counted once; who unsubscribes is left alone at once; who asks to be forgotten is."""

from __future__ import annotations

from pathlib import Path

import pytest

from dangol.diagnostics import DangolError
from dangol.runner.ledger import Ingested, Ledger, Outcomes, Receipt, ledger_at
from tests.runner.ledger.story import LEASE, MINUTE, T, faults_in, planned


def sent(ledger: Ledger, count: int = 3) -> list[str]:
    planned(ledger, count)
    taken = ledger.claim(T, count, "w", LEASE)
    ledger.settle(T, "w", Outcomes(taken.entry, taken.step, "sent", [f"p{n}" for n in range(count)]))
    return taken.key


def test_receipts_are_taken_once(ledger: Ledger) -> None:
    keys = sent(ledger)
    given = [
        Receipt("solapi", "1", "delivered", T + 1, key=keys[0]),
        Receipt("solapi", "2", "clicked", T + 2, provider_id="p1"),
        Receipt("solapi", "1", "delivered", T + 9, key=keys[0]),
        Receipt("fcm", "1", "opened", T + 3, key="of someone else"),
    ]
    assert ledger.ingest(T + 5, given) == Ingested(3, 1, 0, 0)
    assert ledger.ingest(T + 6, given) == Ingested(0, 0, 0, 0)
    happened = ledger.events(T + 1)
    assert list(zip(happened.customer, happened.event, happened.time.tolist(), strict=True)) == [
        ("c0", "delivered", T + 1), ("c1", "clicked", T + 2),
    ]  # fmt: skip
    assert ledger.status().unmatched == 1


def test_events_have_the_properties_of_their_send(ledger: Ledger) -> None:
    planned(ledger, 2)
    taken = ledger.claim(T, 2, "w", LEASE)
    ledger.settle(T + 4, "w", Outcomes(taken.entry, 1, ["sent", "failed"]))
    happened = ledger.events()
    assert happened.customer == ["c0", "c1"]
    assert happened.event == ["sent", "failed"]
    assert happened.time.tolist() == [T + 4, T + 4]
    assert (happened.playbook, happened.scenario) == (["cart"] * 2, ["remind"] * 2)
    assert (happened.step.tolist(), happened.message, happened.channel) == ([1, 1], ["hello"] * 2, ["sms"] * 2)


def test_a_receipt_may_come_before_its_send_is_settled(ledger: Ledger) -> None:
    planned(ledger, 1)
    taken = ledger.claim(T, 1, "w", LEASE)
    assert ledger.ingest(T, [Receipt("solapi", "1", "delivered", T, provider_id="p9")]).unmatched == 1
    ledger.settle(T + 1, "w", Outcomes(taken.entry, 1, "sent", "p9"))
    assert sorted(ledger.events().event) == ["delivered", "sent"]
    assert ledger.status().unmatched == 0


def test_a_receipt_settles_an_unknown_send(ledger: Ledger) -> None:
    planned(ledger, 3)
    taken = ledger.claim(T, 3, "w", LEASE)
    early = [Receipt("solapi", "0", "delivered", T, key=taken.key[2])]
    assert ledger.ingest(T, early).settled == 0
    ledger.settle(T, "w", Outcomes(taken.entry, 1, "unknown"))
    given = [
        Receipt("solapi", "1", "clicked", T + 1, key=taken.key[0]),
        Receipt("solapi", "2", "failed", T + 1, key=taken.key[1]),
    ]
    assert ledger.ingest(T + 2, given).settled == 2
    assert ledger.steps("cart", "remind").state == ["sent", "failed", "sent"]
    assert faults_in(ledger) == []


def test_who_unsubscribes_is_suppressed_at_once(ledger: Ledger) -> None:
    keys = sent(ledger)
    given = [
        Receipt("solapi", "1", "unsubscribed", T + 1, key=keys[0]),
        Receipt("solapi", "2", "unsubscribed", T + 1, address="x@shop.kr", channel="email"),
        Receipt("solapi", "3", "unsubscribed", T + 1, customer="c7"),
    ]
    assert ledger.ingest(T + 2, given).suppressed == 3
    assert ledger.suppressed("sms").customers == {"c0", "c7"}
    assert ledger.suppressed("email").customers == {"c7"}
    assert ledger.suppressed("email").addresses == {"x@shop.kr"}
    assert ledger.suppressed("sms").addresses == frozenset()


def test_suppressing_and_lifting(ledger: Ledger) -> None:
    assert ledger.suppress(T, "by hand", customer="c1")
    assert not ledger.suppress(T + 1, "by hand", customer="c1")
    assert ledger.suppress(T + 1, "by hand", customer="c1", channel="sms")
    assert ledger.lift(T + 2, customer="c1")
    assert not ledger.lift(T + 2, customer="c1")
    assert ledger.suppressed("sms").customers == {"c1"}
    assert ledger.suppressed("push").customers == frozenset()
    assert ledger.suppress(T + 3, "by hand", customer="c1")
    assert ledger.status().suppressions == 2


def test_a_receipt_of_an_unknown_kind_takes_none_with_it(ledger: Ledger) -> None:
    good = Receipt("solapi", "1", "delivered", T)
    with pytest.raises(DangolError, match=r"E610.*`read`"):
        ledger.ingest(T, [good, Receipt("solapi", "2", "read", T)])  # type: ignore[arg-type]
    assert ledger.status().unmatched == 0


def person(ledger: Ledger) -> str:
    run, _ = planned(ledger, 3)
    taken = ledger.claim(T, 1, "w", LEASE)
    ledger.settle(T, "w", Outcomes(taken.entry, 1, "sent", "p-secret"))
    ledger.ingest(T, [Receipt("solapi", "1", "unsubscribed", T, key=taken.key[0], address="+82-10-0000")])
    ledger.suppress(T, "by hand", address="other@shop.kr")
    ledger.record_memberships(run, {"vip": ["c0", "c1"]})
    return taken.key[0]


def test_a_person_is_forgotten_and_the_counts_stay(ledger: Ledger) -> None:
    key = person(ledger)
    before = ledger.status()
    token = ledger.forget(T + MINUTE, "c0", ["other@shop.kr"])
    assert token is not None
    after = ledger.status()
    assert (after.sends, after.suppressions) == (before.sends, before.suppressions)
    assert after.entries == {"running": 2, "left": 1}
    assert ledger.counts_of("vip") == [2]
    assert ledger.members_of("vip", 1) == [token, "c1"]
    assert set(ledger.events().customer) == {token}
    assert ledger.suppressed("sms").addresses == {token}
    assert [change.state for change in ledger.history(key)] == ["planned", "claimed", "sent"]
    assert ledger.forget(T + MINUTE, "c0") is None
    assert ledger.forget(T + MINUTE, "nobody") is None
    assert faults_in(ledger) == []


def test_nothing_of_a_forgotten_person_is_left_in_the_files(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with ledger_at(path) as ledger:
        planned(ledger, 1)
        taken = ledger.claim(T, 1, "w", LEASE)
        ledger.settle(T, "w", Outcomes(taken.entry, 1, "sent", "p-secret"))
        ledger.forget(T, "c0")
        left = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert not [secret for secret in (b"+82-10-0000", b"Hi there", b"p-secret") if secret in left]


def test_what_a_forgotten_person_was_to_get_is_cancelled(ledger: Ledger) -> None:
    planned(ledger, 2)
    ledger.forget(T, "c0")
    assert ledger.claim(T, 9, "w", LEASE).customer == ["c1"]
    assert ledger.status().sends == {"cancelled": 1, "claimed": 1}
