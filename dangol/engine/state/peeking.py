"""What a data file looks like, for a first `dangol.yaml`: columns, kinds, and which of them say who, when and what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from dangol.diagnostics import DangolError
from dangol.engine.catalog import Mixed
from dangol.engine.ir import Type
from dangol.engine.sources import Format, Table
from dangol.engine.state.encode import identity, packed_time
from dangol.engine.state.kinds import kind_of
from dangol.engine.state.looking import look
from dangol.engine.state.notes import finding, shown
from dangol.engine.state.session import Session, session
from dangol.engine.state.tables import Form, Relation, relation

FORMATS: Mapping[str, Format] = {
    ".csv": "csv",
    ".csv.gz": "csv",
    ".tsv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".jsonl.gz": "jsonl",
    ".json": "jsonl",
    ".parquet": "parquet",
    ".duckdb": "duckdb",
}
MOST_EVENTS = 200
_CUSTOMERS = (
    "customer",
    "customer_id",
    "customerid",
    "user_id",
    "userid",
    "visitorid",
    "visitor_id",
    "client_id",
    "member_id",
    "user",
    "member",
    "id",
    "회원번호",
    "고객번호",
    "회원id",
    "고객id",
    "회원_id",
    "고객_id",
    "회원아이디",
    "고객아이디",
    "아이디",
)
_TIMES = (
    "time",
    "timestamp",
    "event_time",
    "occurred_at",
    "created_at",
    "datetime",
    "invoicedate",
    "order_date",
    "date",
    "ts",
    "at",
    "일시",
    "시각",
    "발생일시",
    "이벤트일시",
    "주문일시",
    "구매일시",
    "결제일시",
    "주문일",
    "구매일",
    "결제일",
    "날짜",
)
LOG_COLUMNS = ("event", "event_name", "event_type", "eventname", "이벤트", "이벤트명", "이벤트_이름")
"""Columns that only a log of events has."""

_EVENTS = (*LOG_COLUMNS, "type", "action", "name", "행동")


@dataclass(frozen=True)
class TableSketch:
    """A table at a glance. The candidates are columns, likeliest first.

    `unique` are the columns whose every value is there and different, as the id of a customers table is. `events` are
    the values of the first event candidate with their numbers of rows, most frequent first.
    """

    table: Table
    rows: int
    kinds: Mapping[str, Type | Mixed]
    customers: tuple[str, ...]
    times: tuple[str, ...]
    event_columns: tuple[str, ...]
    unique: tuple[str, ...]
    events: Mapping[str, int]

    @property
    def is_log(self) -> bool:
        """Whether a column names the events and another has their times."""
        named = (name.casefold().replace(" ", "_") for name in self.event_columns[:1])
        return bool(self.times) and any(name in LOG_COLUMNS for name in named)


def format_of(path: str) -> Format:
    """The format that a path ends in, or that of a URL. Raises the diagnostic of one that is none."""
    if path.startswith(("postgres://", "postgresql://")):
        return "postgres"
    for ending, found in FORMATS.items():
        if path.lower().endswith(ending):
            return found
    hint = f"known are {', '.join(FORMATS)}"
    raise DangolError(
        finding("E401", f"`{Path(path).name}` is no kind of data file that can be read", shown(path), hints=(hint,))
    )


def peek(path: str | Path, table: str | None = None) -> TableSketch:
    """A sketch of the file at `path`, all of it looked at. Raises DangolError for one that cannot be read."""
    source = Table(str(path), format_of(str(path)), table)
    with TemporaryDirectory(prefix="dangol-") as scratch, session(Path(scratch)) as opened:
        return _sketch(opened, source, relation(opened, source))


def _sketch(opened: Session, source: Table, found: Relation) -> TableSketch:
    names = [name for name in found.forms if name]
    seen = look(opened, found, None, names)
    masks = next(iter(seen.masks.values()), {})
    kinds = {name: kind for name in names if (kind := kind_of(masks.get(name, 0), found.forms[name])) is not None}
    counts = _Counts(opened, found, names)
    texts = [name for name in names if kinds.get(name) in ("text", "number")]
    dated = [name for name in names if kinds.get(name) in ("instant", "date")]
    unix = [name for name in names if kinds.get(name) == "number" and counts.all_times(name)]
    event_columns = _ranked([n for n in texts if kinds[n] == "text" and counts.repeats(n)], _EVENTS, must=True)
    return TableSketch(
        table=source,
        rows=counts.rows,
        kinds=kinds,
        customers=_ranked(texts, _CUSTOMERS, must=True),
        times=_ranked(dated, _TIMES, must=False) or _ranked(unix, _TIMES, must=True),
        event_columns=event_columns,
        unique=tuple(name for name in texts if counts.rows and counts.different[name] == counts.rows),
        events=counts.events(event_columns[0]) if event_columns else {},
    )


def _ranked(names: Sequence[str], known: Sequence[str], *, must: bool) -> tuple[str, ...]:
    """Those with a well-known name first, in the order of `known`; the others after them unless it `must` be known."""

    def place(name: str) -> int:
        plain = name.casefold().replace(" ", "_")
        return known.index(plain) if plain in known else len(known)

    return tuple(sorted((name for name in names if not must or place(name) < len(known)), key=place))


class _Counts:
    """How many rows, different values and times there are."""

    def __init__(self, opened: Session, found: Relation, names: Sequence[str]) -> None:
        self._opened, self._found, self._names = opened, found, list(names)
        forms = [found.forms[name] for name in names]
        parts = [f"count(DISTINCT {identity(f'f{i}', form)})" for i, form in enumerate(forms)]
        parts += [f"count({identity(f'f{i}', form)})" for i, form in enumerate(forms)]
        parts += [_times(f"f{i}", form) for i, form in enumerate(forms)]
        self.rows, *rest = opened.rows(f"SELECT count(*), {', '.join(parts)} FROM ({found.select(names)})")[0]
        size = len(self._names)
        self.different = dict(zip(names, rest[:size], strict=True))
        self._present = dict(zip(names, rest[size : 2 * size], strict=True))
        self._times = dict(zip(names, rest[2 * size :], strict=True))

    def repeats(self, name: str) -> bool:
        return bool(0 < self.different[name] <= MOST_EVENTS and self._present[name] == self.rows)

    def all_times(self, name: str) -> bool:
        return bool(0 < self._times[name] == self._present[name])

    def events(self, name: str) -> dict[str, int]:
        value = identity("f0", self._found.forms[name])
        sql = f"SELECT {value} AS event, count(*) FROM ({self._found.select([name])}) GROUP BY 1 ORDER BY 2 DESC, 1"
        return {event: count for event, count in self._opened.rows(sql) if event is not None}


def _times(value: str, form: Form) -> str:
    if form in ("boolean", "list", "other"):
        return "0"
    return f"count({packed_time(value, form)})"
