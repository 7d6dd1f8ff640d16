"""A finished test in a file: its rows as exact sums per arm, or what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dangol.diagnostics import DangolError, Diagnostic, Line, diagnose, did_you_mean
from dangol.engine.catalog import normal
from dangol.engine.sources import Table
from dangol.engine.state.encode import identity, text
from dangol.engine.state.notes import finding
from dangol.engine.state.peeking import format_of
from dangol.engine.state.session import Session, session
from dangol.engine.state.sql import quoted
from dangol.engine.state.tables import Form, Relation, relation
from dangol.measure.sums import LARGEST, Kind, Sums, mean_sums, ratio_sums, share_sums

MOST_ARMS = 50
_ASSIGNED = "--arm names the column that says which arm a customer was assigned to"


@dataclass(frozen=True)
class Columns:
    """What the columns of a file say: one row per customer, `arm` the arm, `metric` what is compared.

    kind: None takes a ratio where `per` names its denominator, a share where all values are 0 or 1, else a mean.
    covariate: the customer's value from before the test. empty: what an empty cell of the metric counts as.
    """

    arm: str
    control: str
    metric: str
    kind: Kind | None = None
    per: str | None = None
    covariate: str | None = None
    id: str | None = None
    empty: Literal["zero", "drop"] | None = None

    @property
    def numbers(self) -> tuple[tuple[str, str], ...]:
        """The columns of numbers, each after the option that names it."""
        found = (("--metric", self.metric), ("--per", self.per), ("--covariate", self.covariate))
        return tuple((option, normal(column)) for option, column in found if column is not None)


@dataclass(frozen=True)
class Arms:
    """The arms, control first and the others by name: how many customers were `assigned`, and the sums of those whose
    metric is known. `rows` of the file; `notes` say what was left out or looks doubtful."""

    kind: Kind
    rows: int
    assigned: Mapping[str, int]
    sums: Mapping[str, Sums]
    notes: tuple[Diagnostic, ...] = ()


def read(file: str, columns: Columns, planned: frozenset[str] = frozenset()) -> Arms:
    """The arms in a CSV (gzip too), JSON Lines, Parquet or DuckDB file; those `planned` are there even if empty.

    Raises DangolError for a file, a column or values that cannot be used.
    """
    source = Table(str(Path(file).absolute()), format_of(str(Path(file).absolute())))
    with TemporaryDirectory(prefix="dangol-") as scratch, session(Path(scratch)) as opened:
        return _Rows(opened, relation(opened, source), columns, planned).arms()


@dataclass(frozen=True)
class _Seen:
    """What the cells of one column of numbers hold."""

    option: str
    column: str
    empty: int
    wrong: int
    example: str | None
    infinite: int
    negative: int
    other: int
    other_example: float | None
    largest: float


class _Rows:
    def __init__(self, opened: Session, found: Relation, columns: Columns, planned: frozenset[str]) -> None:
        self._opened, self._found, self._columns, self._planned = opened, found, columns, planned
        self._table = opened.name("tested")
        self._load()
        self.rows = opened.rows(f"SELECT count(*) FROM {self._table}")[0][0]
        if not self.rows:
            raise DangolError(
                finding("E810", "there is no row in the file", found.place, hints=("a row per customer",))
            )
        self._left = self._leave_out()

    def arms(self) -> Arms:
        assigned = self._assigned()
        faults = [*self._repeated(), *self._faults()]
        if faults:
            raise DangolError(*faults)
        sums = self._sums(list(assigned))
        return Arms(self._kind, self.rows, assigned, sums, (*self._left, *self._notes()))

    def _load(self) -> None:
        """The columns asked for, each once: arm and id as texts, numbers as v0, v1, … and what is none as w0, w1, …"""
        roles = [("--arm", self._columns.arm), *self._columns.numbers]
        roles += [("--id", self._columns.id)] if self._columns.id is not None else []
        names = list(dict.fromkeys(self._found.require(column, option) for option, column in roles))
        place = {name: f"f{i}" for i, name in enumerate(names)}
        texts = [f"{self._text(place, self._columns.arm)} AS arm"]
        texts += [f"{self._text(place, self._columns.id)} AS id"] if self._columns.id is not None else []
        forms = self._found.forms
        numbers = [
            f"{_number(place[column], forms[column])} AS n{i}, CASE WHEN NOT isnan(n{i}) THEN n{i} END AS v{i},"
            f" CASE WHEN n{i} IS NULL THEN nullif(trim({text(place[column], forms[column])}), '') END AS w{i}"
            for i, (_, column) in enumerate(self._columns.numbers)
        ]
        chosen = ", ".join([*texts, *numbers])
        self._opened.run(f"CREATE TEMP TABLE {self._table} AS SELECT {chosen} FROM ({self._found.select(names)})")

    def _text(self, place: Mapping[str, str], column: str) -> str:
        name = normal(column)
        return f"nfc_normalize({identity(place[name], self._found.forms[name])})"

    def _leave_out(self) -> list[Diagnostic]:
        """Rows without an arm, or without an id where there is a column of ids, belong to no arm."""
        notes = []
        roles: tuple[tuple[str, str | None], ...] = (("arm", self._columns.arm), ("id", self._columns.id))
        for name, column in roles:
            if column is None:
                continue
            (empty,) = self._opened.rows(f"SELECT count(*) FROM {self._table} WHERE {name} IS NULL")[0]
            self._opened.run(f"DELETE FROM {self._table} WHERE {name} IS NULL")
            if empty:
                notes.append(self._note("W811", f"{_rows(empty, self.rows)} no `{column}` and {_are(empty)} left out"))
        return notes

    def _note(self, code: str, message: str, *hints: str) -> Diagnostic:
        return finding(code, message, self._found.place, hints=hints, warning=True)

    def _assigned(self) -> dict[str, int]:
        different = self._opened.rows(f"SELECT count(DISTINCT arm) FROM {self._table}")[0][0]
        if different > MOST_ARMS:
            message = f"`{self._columns.arm}` has {different:,} different values: a test has at most {MOST_ARMS} arms"
            raise DangolError(diagnose("E813", message, Line.of(self._columns.arm, "--arm"), hints=(_ASSIGNED,)))
        counted = dict(self._opened.rows(f"SELECT arm, count(*) FROM {self._table} GROUP BY 1"))
        control = normal(self._columns.control)
        if control not in counted and control not in self._planned:
            raise DangolError(self._no_control(sorted(counted)))
        others = sorted({*counted, *self._planned} - {control})
        if not others:
            message = f"every row is of the arm `{control}`: there is nothing to compare it with"
            raise DangolError(diagnose("E813", message, Line.of(self._columns.arm, "--arm"), hints=(_ASSIGNED,)))
        return {arm: counted.get(arm, 0) for arm in (control, *others)}

    def _no_control(self, known: list[str]) -> Diagnostic:
        name = self._columns.control
        hints = (*did_you_mean(name, known), f"the arms are: {', '.join(f'`{arm}`' for arm in known)}")
        message = f"no row has `{name}` in the column `{self._columns.arm}`"
        return diagnose("E812", message, Line.of(name, "--control"), hints=hints)

    def _repeated(self) -> Iterator[Diagnostic]:
        if self._columns.id is None:
            return
        found = self._opened.rows(
            f"SELECT id, count(*), list_sort(list(DISTINCT arm)), count(*) OVER () FROM {self._table}"
            " GROUP BY id HAVING count(*) > 1 ORDER BY len(list(DISTINCT arm)) DESC, id LIMIT 1"
        )
        for name, times, arms, ids in found:
            more = f" (and {ids - 1:,} more)" if ids > 1 else ""
            among = f" in the arms {', '.join(f'`{arm}`' for arm in arms)}" if len(arms) > 1 else ""
            hint = (
                "somebody in two arms has seen both: leave them out only if the mix-up has nothing to do with the arms"
                if len(arms) > 1
                else "one row per customer: add up the rows of each customer first"
            )
            message = f"`{name}` stands {times} times{among} in the column `{self._columns.id}`{more}"
            yield finding("E818", message, self._found.place, hints=(hint,))

    # --- the numbers ------------------------------------------------------------------------------------------------

    @cached_property
    def _seen(self) -> list[_Seen]:
        columns = self._columns.numbers
        parts = [
            f"count_if(v{i} IS NULL AND w{i} IS NULL), count(w{i}), min(w{i}), count_if(isinf(v{i})),"
            f" count_if(v{i} < 0), count_if(v{i} NOT IN (0, 1)), min(v{i}) FILTER (v{i} NOT IN (0, 1)),"
            f" coalesce(max(abs(v{i})), 0)"
            for i in range(len(columns))
        ]
        row = self._opened.rows(f"SELECT {', '.join(parts)} FROM {self._table}")[0]
        return [_Seen(*column, *row[8 * i : 8 * i + 8]) for i, column in enumerate(columns)]

    @cached_property
    def _kind(self) -> Kind:
        if self._columns.kind is not None:
            return self._columns.kind
        if self._columns.per is not None:
            return "ratio"
        return "mean" if self._columns.covariate is not None or self._seen[0].other else "share"

    def _faults(self) -> Iterator[Diagnostic]:
        for seen in self._seen:
            where = f"in the column `{seen.column}`"
            if seen.wrong:
                message = f"`{(seen.example or '')[:60]}` {where} is not a number{_others(seen.wrong)}"
                hint = "write numbers as 12500.5, without units or thousands marks, and leave unknown cells empty"
                yield finding("E814", message, self._found.place, hints=(hint,))
            elif seen.infinite:
                message = f"{_rows(seen.infinite, self.rows)} an infinite value {where}"
                yield finding("E815", message, self._found.place, hints=("correct the value or empty the cell",))
            elif seen.largest > LARGEST or 0 < seen.largest < 1 / LARGEST:
                message = f"the largest value {where} is {seen.largest:.3g}: too far from 1 to be computed with"
                yield finding("E815", message, self._found.place, hints=("correct it, or give another unit",))
        yield from self._of_the_metric(self._seen[0])

    def _of_the_metric(self, seen: _Seen) -> Iterator[Diagnostic]:
        if self._kind == "share" and seen.other and not seen.wrong:
            message = (
                f"`{seen.other_example:.15g}` in the column `{seen.column}` is neither 0 nor 1{_others(seen.other)}"
            )
            meant = ("a share counts customers: 1 for who did it, 0 for who did not; amounts are --kind mean",)
            yield finding("E816", message, self._found.place, hints=meant)
        for each in self._measured:
            if each.empty and self._columns.empty is None:
                message = f"{_rows(each.empty, self.rows)} no value in the column `{each.column}`"
                hints = (
                    "--empty zero: an empty cell says that nothing happened",
                    "--empty drop: it is not known, and the customer is left out",
                )
                yield finding("E817", message, self._found.place, hints=hints)

    @property
    def _measured(self) -> list[_Seen]:
        return [seen for seen in self._seen if seen.option != "--covariate"]

    def _notes(self) -> Iterator[Diagnostic]:
        for seen in self._seen:
            if seen.negative:
                message = f"{_rows(seen.negative, self.rows)} a negative value in the column `{seen.column}`"
                yield self._note("W812", message, "they count as they are, such as money given back")
            if seen.empty:
                dropped = seen.option != "--covariate" and self._columns.empty == "drop"
                done = f"{_are(seen.empty)} left out" if dropped else f"{_are(seen.empty)} counted as 0"
                yield self._note("W811", f"{_rows(seen.empty, self.rows)} no value of `{seen.column}` and {done}")

    def _sums(self, arms: list[str]) -> dict[str, Sums]:
        code = f"list_position([{', '.join(quoted(arm) for arm in arms)}], arm)::BIGINT AS arm"
        values = ", ".join(f"coalesce(v{i}, 0)::DOUBLE AS v{i}" for i in range(len(self._seen)))
        known = " AND ".join(f"v{i} IS NOT NULL" for i in range(len(self._measured)))
        where = f" WHERE {known}" if self._columns.empty == "drop" else ""
        found = self._opened.columns(f"SELECT {code}, {values} FROM {self._table}{where}")
        columns = [found[f"v{i}"] for i in range(len(self._seen))]
        return {arm: self._sum([each[found["arm"] == i] for each in columns]) for i, arm in enumerate(arms, 1)}

    def _sum(self, values: list[NDArray[np.float64]]) -> Sums:
        if self._kind == "share":
            return share_sums(len(values[0]), int(values[0].sum()))
        before = values[-1] if self._columns.covariate is not None else None
        if self._kind == "mean":
            return mean_sums(values[0], before)
        return ratio_sums(values[0], values[1], None if before is None else (before, np.ones(len(before))))


def _number(value: str, form: Form) -> str:
    """SQL: a cell as a double, true and false as 1 and 0; NULL where it is empty or not a number."""
    if form in ("integer", "number", "boolean"):
        return f"CAST({value} AS DOUBLE)"
    written = f"lower(trim({text(value, form)}))"
    return f"CASE {written} WHEN 'true' THEN 1 WHEN 'false' THEN 0 ELSE try_cast({written} AS DOUBLE) END"


def _rows(count: int, rows: int) -> str:
    return f"{count:,} of {rows:,} rows {'has' if count == 1 else 'have'}"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _others(count: int) -> str:
    return f" (nor are {count - 1:,} others)" if count > 2 else " (nor is another)" if count == 2 else ""
