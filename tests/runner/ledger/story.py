"""A short life of a ledger, and what must hold of it whenever it is opened again."""

from __future__ import annotations

from sqlalchemy import text

from dangol.runner.ledger import Ledger, NewEntries, NewSends

SECOND = 1_000_000
MINUTE = 60 * SECOND
T = 1_800_000_000 * SECOND
LEASE = 15 * MINUTE


def begun(ledger: Ledger, count: int = 3, at: int = T, scenario: str = "remind") -> tuple[int, list[int]]:
    """A run with so many entries of customers c0, c1, …"""
    run = ledger.begin_run(at, at)
    customers = [f"c{n}" for n in range(count)]
    ids = ledger.record_entries(run, NewEntries("cart", scenario, "v1", "text one", customers, at - 5, "cart_added"))
    return run, ids.tolist()


def planned(ledger: Ledger, count: int = 3, at: int = T, channel: str = "sms") -> tuple[int, list[int]]:
    """The same with the first step of each planned at `at`."""
    run, ids = begun(ledger, count, at)
    addresses = [f"+82-10-{n:04d}" for n in range(count)]
    ledger.record_sends(run, at, NewSends(ids, 1, at, channel, None, "hello", addresses, "Hi there"))
    return run, ids


def faults_in(ledger: Ledger) -> list[str]:
    """What is wrong with a ledger's rows: histories with gaps, or that end elsewhere than their send stands."""
    asked = """
        SELECT s.entry, s.step FROM sends s LEFT JOIN
          (SELECT entry, step, COUNT(*) AS n, MAX(number) AS last FROM transitions GROUP BY entry, step) t
          ON t.entry = s.entry AND t.step = s.step
        LEFT JOIN transitions l ON l.entry = s.entry AND l.step = s.step AND l.number = s.changes
        WHERE t.n IS NULL OR t.n <> s.changes + 1 OR t.last <> s.changes OR l.state <> s.state
    """
    ended = """
        SELECT e.id FROM entries e LEFT JOIN entry_changes c ON c.entry = e.id AND c.number = e.changes
        WHERE (e.changes > 0 AND c.state IS NULL) OR (e.state <> 'running' AND e.ended_at IS NULL)
    """
    used = "SELECT e.id FROM entries e JOIN sends s ON s.entry = e.id WHERE s.state = 'sent' AND NOT e.sent_any"
    with ledger.store.reading() as connection:
        return [
            f"{what} {tuple(row)}"
            for what, query in (("history of send", asked), ("history of entry", ended), ("unmarked entry", used))
            for row in connection.execute(text(query))
        ]
