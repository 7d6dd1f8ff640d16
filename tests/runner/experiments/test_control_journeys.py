"""A held-out or control customer enters, waits, exits and ends like the others; only the messages are missing."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from dangol.runner.ledger.schema import entries, sends
from tests.runner.running import Running, rule

CUSTOMERS = [f"c{n:02}" for n in range(40)]
LINE = 'cart_added → push "1" → if visited after 2h push "2" → wait 3h push "3" → after 1d at 10:00 sms "4"'
EVENTS = [f"{each} cart_added 2026-03-10T11:00" for each in CUSTOMERS]
EVENTS += [f"{each} visited 2026-03-10T12:30" for each in CUSTOMERS[::2]]
EVENTS += [f"{each} purchased 2026-03-10T17:00" for each in CUSTOMERS[::5]]
SPLIT = "splits: {offer: 'mint 50%, control 50%'}\nmessages: {mint: {push: Mint}}\n"


def journeys(shop: Running) -> dict[str, tuple[object, ...]]:
    """Customer → when they entered, how and when it ended, and when each step was due."""
    with shop.ledger.store.reading() as connection:
        rows = connection.execute(select(entries).order_by(entries.c.id)).all()
        steps = connection.execute(select(sends).order_by(sends.c.entry, sends.c.step)).all()
    dues = {row.id: tuple((s.step, s.due) for s in steps if s.entry == row.id) for row in rows}
    return {row.customer: (row.time, row.state, row.reason, row.ended_at, dues[row.id]) for row in rows}


@pytest.mark.parametrize("beside", [("holdout: 50%",), ()])
def test_the_same_journey_without_messages(tmp_path: Path, beside: tuple[str, ...]) -> None:
    line = LINE.replace("if visited after 2h", "after 2h if visited")
    line, more = (line, "") if beside else (line.replace('push "1"', "push split offer"), SPLIT)
    everybody = Running(
        tmp_path / "all", rule(line.replace("push split offer", 'push "1"'), "exit: purchased"), CUSTOMERS, EVENTS
    )
    shop = Running(tmp_path / "some", rule(line, "exit: purchased", *beside, more=more), CUSTOMERS, EVENTS)
    for one in (everybody, shop):
        one.every(60, "03-10 11:00", "03-11 14:00", confirmed=True)
    found = shop.ledger.assigned("p", "s")
    assert found is not None
    apart = found.holdout > 0 if beside else found.arms["offer"] == found.names["offer"].index("control")
    silent = set(found.customer[apart])
    assert 8 <= len(silent) <= 32
    assert not silent & {message.customer for message in shop.messages}
    assert journeys(shop) == journeys(everybody)
    assert {each for each, said in journeys(shop).items() if said[2] == "left by an exit condition"} == set(
        CUSTOMERS[::5]
    )


def test_a_control_customer_matures_at_the_instant_of_the_others(tmp_path: Path) -> None:
    shop = Running(
        tmp_path, rule('cart_added → after 1h push "Hi"', "holdout: 50%", "quiet: 12:00–13:00"), CUSTOMERS, EVENTS
    )
    shop.every(30, "03-10 11:00", "03-10 14:00", confirmed=True)
    found = shop.ledger.assigned("p", "s")
    assert found is not None
    assert len(found) == len(CUSTOMERS)
    assert (found.due == shop.micros("03-10 12:00")).all()
