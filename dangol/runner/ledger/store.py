"""One database: every write is a whole transaction between named points, every error a finding."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from dangol.runner.ledger import given
from dangol.runner.ledger.failures import refusal, understood

Faults = Callable[[str], None]
"""Called with the name of a point before a write, before its commit, after it: `claim.before`, `.written`, `.after`."""

_WRITES: dict[str, Any] = {"dangol_writes": True}
_CHUNK = 500

T = TypeVar("T")


def no_faults(point: str) -> None:
    """Nothing happens at any point."""


class Store:
    """The database behind a ledger. `name` is how it is shown: never with a password."""

    def __init__(self, engine: Engine, name: str, faults: Faults = no_faults) -> None:
        self.engine = engine
        self.name = name
        self.faults = faults

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def writing(self, point: str) -> Iterator[Connection]:
        """A transaction that is wholly written or not at all."""
        self.faults(f"{point}.before")
        with understood(self.name), self.engine.connect() as writer, writer.execution_options(**_WRITES).begin():
            yield writer
            self.faults(f"{point}.written")
        self.faults(f"{point}.after")

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that writes nothing; on SQLite it sees one state throughout and waits for no writer."""
        with understood(self.name), self.engine.connect() as connection, connection.begin():
            yield connection


def chunks(values: Sequence[T]) -> Iterator[list[T]]:
    """The values in pieces that fit into one question."""
    for start in range(0, len(values), _CHUNK):
        yield list(values[start : start + _CHUNK])


def columns_of(rows: Sequence[Any], width: int) -> list[list[Any]]:
    """The rows of an answer turned into `width` lists."""
    return [list(each) for each in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]


def open_store(location: str | Path, faults: Faults = no_faults, wait: float = 30.0) -> Store:
    """The database at a path (SQLite) or URL; writers wait `wait` seconds for each other. Raises E605."""
    url = _url(location)
    name = url.database or "" if url.drivername.startswith("sqlite") else url.render_as_string(hide_password=True)
    try:
        if url.drivername.startswith("sqlite"):
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            return Store(_sqlite(url, wait), name, faults)
        return Store(_postgres(url, wait), name, faults)
    except ModuleNotFoundError as error:
        hint = "install it with: pip install 'dangol[postgres]'"
        raise refusal("E605", name, f"the ledger needs the database driver {error.name}", hint) from error
    except OSError as error:
        raise refusal("E605", name, f"the folder of the ledger cannot be made ({error.strerror})") from error


def _url(location: str | Path) -> URL:
    written = str(location)
    if "://" not in written:
        return URL.create("sqlite", database=written)
    try:
        url = make_url(written)
        kind = url.get_backend_name()
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        raise refusal("E605", "ledger", "the address of the ledger cannot be read", _ADDRESSES) from error
    if kind in ("postgresql", "postgres"):
        return url.set(drivername="postgresql+psycopg")
    if kind == "sqlite" and url.database:
        return URL.create("sqlite", database=url.database)
    raise refusal("E605", "ledger", f"a ledger cannot be kept in `{kind}`", _ADDRESSES)


_ADDRESSES = "write a path such as `.dangol/ledger.db`, or `postgresql://user@host/database`"


# A claim must outlive a power cut (FULL), and what is forgotten must be gone from the file (secure_delete).
_PRAGMAS = (
    "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON",
    "cache_size=-65536", "wal_autocheckpoint=16384", "temp_store=MEMORY",
)  # fmt: skip


def _sqlite(url: URL, wait: float) -> Engine:
    engine = create_engine(url, connect_args={"timeout": wait})

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, record: Any) -> None:
        connection.isolation_level = None  # transactions begin where the listener below says
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}").close()
        connection.execute(given.CREATE).close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("dangol_writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _postgres(url: URL, wait: float) -> Engine:
    asked = url.query.get("options", "")
    options = [asked] if isinstance(asked, str) else list(asked)
    options.append(f"-c lock_timeout={max(1, int(wait * 1000))}")
    options.append("-c random_page_cost=1.1")  # a batch looks its rows up by key; a young table would be read whole
    engine = create_engine(url, paramstyle="format", connect_args={"options": " ".join(options), "connect_timeout": 10})

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, record: Any) -> None:
        from psycopg.types.array import ListBinaryDumper

        connection.adapters.register_dumper(list, ListBinaryDumper)  # a third of the time that texts of lists take

    return engine
