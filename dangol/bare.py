"""A query without playbooks: over a project's data, or over bare files of customers and events."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dangol import api
from dangol.api import Answer, Progress
from dangol.diagnostics import DangolError, Line, diagnose, did_you_mean
from dangol.engine.sources import CustomerSource, EventSource, Format, Sources, Table

ENDINGS: dict[str, Format] = {
    ".csv": "csv", ".tsv": "csv", ".txt": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet",
}  # fmt: skip
STANDARD = ("id", "customer", "event", "time")
"""The names that columns must have, or be given with --columns."""


def in_project(
    directory: Path,
    expression: str,
    at: str | None,
    zone: str | None,
    progress: Progress | None,
    target: Path | None = None,
) -> Answer:
    """Who of the project's customers matches. Only the project's own definitions have to be free of errors. `target` is
    where the answer will be written: no file that is read."""
    data = api.load(directory, progress=progress).data
    _raise_if_read(target, data.sources)
    if zone is not None:
        data.zone = known_zone(zone)
    return data.query(expression, at)


def in_files(
    expression: str,
    customers: Path | None,
    events: Path | None,
    columns: str,
    at: str | None,
    zone: str | None,
    progress: Progress | None,
    target: Path | None = None,
) -> Answer:
    """Who matches in bare files. `columns` is `source=name,…`; `zone` is that of local times in line and files."""
    name = known_zone(zone or "UTC")
    renamed = _renamed(columns)
    sources = Sources(
        events=(_events(events, renamed, name),) if events is not None else (),
        customers=_customers(customers, renamed, name) if customers is not None else None,
    )
    _raise_if_read(target, sources)
    return api.query(expression, sources, at=at, zone=name, progress=progress)


def known_zone(name: str) -> str:
    """The name, if it is a time zone. Raises DangolError otherwise."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        from zoneinfo import available_timezones

        hints = did_you_mean(name, available_timezones()) or ("such as `Asia/Seoul` or `Europe/Berlin`",)
        raise DangolError(
            diagnose("E506", f"`{name}` is not a time zone", Line.of(name, "--timezone"), hints=hints)
        ) from error
    return name


def _raise_if_read(target: Path | None, sources: Sources) -> None:
    tables = [one.table.location for one in (*sources.events, sources.customers) if one is not None]
    if target is not None and any(_is_in(target.resolve(), location) for location in tables):
        hints = ("write to another file",)
        message = f"`{target}` is read by this query: it would be overwritten"
        raise DangolError(diagnose("E513", message, Line.of(str(target), "--csv"), hints=hints))


def _is_in(path: Path, location: str) -> bool:
    return path == Path(location).resolve() or path.match(location)


def table_of(path: Path, option: str) -> Table:
    """The table in a file; its ending says the format (`.gz` after it is fine). Raises DangolError."""
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() != ".gz"]
    form = ENDINGS.get(suffixes[-1] if suffixes else "")
    if form is None:
        hints = (f"known endings: {', '.join(ENDINGS)}",)
        raise DangolError(
            diagnose("E507", f"what {path.name} holds is not clear", Line.of(str(path), option), hints=hints)
        )
    return Table(str(path.resolve()), form)


def _renamed(columns: str) -> dict[str, str]:
    """Standard or new name → the source's column."""
    renamed: dict[str, str] = {}
    for pair in filter(None, (part.strip() for part in columns.split(","))):
        column, equals, name = pair.partition("=")
        if not equals or not column.strip() or not name.strip():
            hints = ("write `user_id=customer,ts=time`",)
            raise DangolError(
                diagnose("E508", f"`{pair}` is no pair of names", Line.of(columns, "--columns"), hints=hints)
            )
        renamed[name.strip()] = column.strip()
    return renamed


def _events(path: Path, renamed: dict[str, str], zone: str) -> EventSource:
    return EventSource(
        table=table_of(path, "--events"),
        customer=renamed.get("customer", "customer"),
        time=renamed.get("time", "time"),
        event_column=renamed.get("event", "event"),
        zone=zone,
    )


def _customers(path: Path, renamed: dict[str, str], zone: str) -> CustomerSource:
    return CustomerSource(table=table_of(path, "--customers"), id=renamed.get("id", "id"), zone=zone)
