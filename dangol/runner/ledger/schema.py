"""The tables of the delivery ledger, the same on SQLite and PostgreSQL. Instants are whole µs since the epoch."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    and_,
    literal_column,
    or_,
    text,
)

metadata = MetaData()


def in_state(column: Column[str], *states: str) -> ColumnElement[bool]:
    """Whether a row is in one of the states, written out as in the partial indexes: SQLite knows them only by that."""
    return or_(*(column == literal_column(f"'{state}'") for state in states))


_NUMBER = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows by itself only in INTEGER columns
_LEAN: dict[str, Any] = {"sqlite_with_rowid": False}


def _partial(name: str, where: str, *columns: ColumnElement[Any], unique: bool = False) -> None:
    """An index over the rows for which that holds."""
    Index(name, *columns, unique=unique, sqlite_where=text(where), postgresql_where=text(where))


version = Table("schema_version", metadata, Column("version", Integer, primary_key=True))

meta = Table(
    "meta",
    metadata,
    Column("one", SmallInteger, primary_key=True),
    Column("ledger", Text, nullable=False),
    Column("next_entry", BigInteger, nullable=False),
    Column("assigned_from", BigInteger, nullable=False, server_default="1"),
)

runs = Table(
    "runs",
    metadata,
    Column("id", _NUMBER, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("finished_at", BigInteger),
    Column("counts", Text),
)

scenarios = Table(
    "scenarios",
    metadata,
    Column("id", _NUMBER, primary_key=True),
    Column("playbook", Text, nullable=False),
    Column("scenario", Text, nullable=False),
    UniqueConstraint("playbook", "scenario"),
)

texts = Table(
    "texts",
    metadata,
    Column("id", _NUMBER, primary_key=True),
    Column("scenario", ForeignKey("scenarios.id"), nullable=False),
    Column("hash", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    UniqueConstraint("scenario", "hash"),
)

entries = Table(
    "entries",
    metadata,
    Column("id", _NUMBER, primary_key=True),
    Column("scenario", ForeignKey("scenarios.id"), nullable=False),
    Column("text", ForeignKey("texts.id"), nullable=False),
    Column("customer", Text, nullable=False),
    Column("time", BigInteger, nullable=False),
    Column("event", Text),
    Column("run", ForeignKey("runs.id"), nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text),
    Column("changes", Integer, nullable=False),
    Column("ended_at", BigInteger),
    Column("sent_any", Boolean, nullable=False),
)

# At most one running entry per customer and scenario, whoever writes.
_partial("running_entry", "state = 'running'", entries.c.scenario, entries.c.customer, unique=True)
Index("entries_of_scenario", entries.c.scenario, entries.c.customer)

entry_changes = Table(
    "entry_changes",
    metadata,
    Column("entry", ForeignKey("entries.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("text", ForeignKey("texts.id"), nullable=False),
    Column("reason", Text),
    PrimaryKeyConstraint("entry", "number"),
    **_LEAN,
)

# The primary key is the guarantee: an entry has each step once.
sends = Table(
    "sends",
    metadata,
    Column("entry", ForeignKey("entries.id"), nullable=False),
    Column("step", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text),
    Column("changes", Integer, nullable=False),
    Column("run", ForeignKey("runs.id"), nullable=False),
    Column("due", BigInteger, nullable=False),
    Column("ready_at", BigInteger, nullable=False),
    Column("channel", Text),
    Column("arm", Text),
    Column("message", Text),
    Column("address", Text),
    Column("content", Text),
    Column("attempts", Integer, nullable=False),
    Column("claimed_by", Text),
    Column("claimed_at", BigInteger),
    Column("lease_until", BigInteger),
    Column("sent_at", BigInteger),
    Column("ended_at", BigInteger),
    Column("provider_id", Text),
    PrimaryKeyConstraint("entry", "step"),
    **_LEAN,
)
_partial("sends_planned", "state = 'planned'", sends.c.channel, sends.c.ready_at, sends.c.entry, sends.c.step)
_partial("sends_claimed", "state = 'claimed'", sends.c.lease_until)
_partial("sends_unknown", "state = 'unknown'", sends.c.claimed_at)
_partial("sends_gone", "sent_at IS NOT NULL", sends.c.sent_at)
_partial("sends_provider", "provider_id IS NOT NULL", sends.c.provider_id)

MAYBE_GONE = and_(in_state(sends.c.state, "planned", "held"), sends.c.lease_until.is_not(None))
"""A send that a worker had and did not say what became of it: only its provider, asked under the same key, knows."""

# The history: one row per change of a send, numbered without gaps; rows are only ever added.
transitions = Table(
    "transitions",
    metadata,
    Column("entry", BigInteger, nullable=False),
    Column("step", Integer, nullable=False),
    Column("number", Integer, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text),
    Column("worker", Text),
    PrimaryKeyConstraint("entry", "step", "number"),
    ForeignKeyConstraint(["entry", "step"], ["sends.entry", "sends.step"]),
    **_LEAN,
)

receipts = Table(
    "receipts",
    metadata,
    Column("provider", Text, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    Column("entry", BigInteger),
    Column("step", Integer),
    Column("provider_id", Text),
    Column("customer", Text),
    Column("address", Text),
    Column("channel", Text),
    Column("reason", Text),
    PrimaryKeyConstraint("provider", "event_id"),
    ForeignKeyConstraint(["entry", "step"], ["sends.entry", "sends.step"]),
    **_LEAN,
)
Index("receipts_of_send", receipts.c.entry, receipts.c.step)
_partial("receipts_unmatched", "entry IS NULL", receipts.c.provider_id)

suppressions = Table(
    "suppressions",
    metadata,
    Column("id", _NUMBER, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("source", Text, nullable=False),
    Column("lifted_at", BigInteger),
)
_partial(
    "suppressed", "lifted_at IS NULL", suppressions.c.kind, suppressions.c.who, suppressions.c.channel, unique=True
)

memberships = Table(
    "memberships",
    metadata,
    Column("run", ForeignKey("runs.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("members", LargeBinary),
    PrimaryKeyConstraint("run", "name"),
)

# A phase of a scenario whose customers are drawn: how, and which lines it is judged by, as they were when it began.
experiments = Table(
    "experiments",
    metadata,
    Column("id", _NUMBER, primary_key=True),
    Column("playbook", Text, nullable=False),
    Column("scenario", Text, nullable=False),
    Column("phase", Integer, nullable=False),
    Column("design", Text, nullable=False),
    Column("lines", Text, nullable=False),
    Column("planned", BigInteger),
    Column("lint", Text),
    Column("started_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    UniqueConstraint("playbook", "scenario", "phase"),
)

cohorts = Table(
    "cohorts",
    metadata,
    Column("id", _NUMBER, primary_key=True),
    Column("experiment", ForeignKey("experiments.id"), nullable=False),
    Column("step", Integer, nullable=False),
    Column("channel", Text, nullable=False),
    Column("holdout", Text, nullable=False),
    Column("arms", Text, nullable=False),
    UniqueConstraint("experiment", "step", "channel", "holdout", "arms"),
)

# The first step of an entry that reached the draw, and what was drawn.
assignments = Table(
    "assignments",
    metadata,
    Column("entry", ForeignKey("entries.id"), primary_key=True, autoincrement=False),
    Column("cohort", ForeignKey("cohorts.id"), nullable=False),
    Column("due", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    **_LEAN,
)

results = Table(
    "results",
    metadata,
    Column("experiment", ForeignKey("experiments.id"), nullable=False),
    Column("kpi", Text, nullable=False),
    Column("look", Integer, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    PrimaryKeyConstraint("experiment", "kpi", "look"),
)

# What was decided about the arms of a phase, in order. It holds for entries from `entry` on.
decisions = Table(
    "decisions",
    metadata,
    Column("experiment", ForeignKey("experiments.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("split", Text, nullable=False),
    Column("arm", Text),
    Column("at", BigInteger, nullable=False),
    Column("entry", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    PrimaryKeyConstraint("experiment", "number"),
)
