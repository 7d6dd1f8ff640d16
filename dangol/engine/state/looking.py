"""Looks at every value of a table once."""

from __future__ import annotations

from collections.abc import Sequence

from dangol.engine.catalog import normal
from dangol.engine.state.encode import identity
from dangol.engine.state.filter import Filter
from dangol.engine.state.kinds import Seen, mask
from dangol.engine.state.session import Session
from dangol.engine.state.tables import Relation


def look(
    session: Session, table: Relation, event: str | None, names: Sequence[str], where: Filter | None = None
) -> Seen:
    """The classes of the values in columns `names`, by event where a column says it (else under the empty name)."""
    by = table.require(event, "the event name") if event is not None else None
    read = list(dict.fromkeys([*names, *([by] if by else []), *(where.columns if where else ())]))
    place = {name: f"f{i}" for i, name in enumerate(read)}
    group = identity(place[by], table.forms[by]) if by else "''"
    masks = "".join(f", {mask(place[name], table.forms[name])}" for name in names)
    condition = f" WHERE {where.sql(place)}" if where else ""
    rows = session.rows(f"SELECT {group} AS event{masks} FROM ({table.select(read)}){condition} GROUP BY ALL")
    found: dict[str, dict[str, int]] = {}
    for name, *bits in rows:
        if name is not None:
            merged = found.setdefault(normal(name), {})
            for column, bit in zip(names, bits, strict=True):
                merged[column] = merged.get(column, 0) | bit
    return Seen(dict(table.forms), found)
