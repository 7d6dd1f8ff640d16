"""What came of each kind of message of a scenario: receipts, conversions after each, and which are credited to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dangol.engine import ir
from dangol.engine.backends.vector import Evaluation
from dangol.engine.state.model import Mask
from dangol.measure.attribution import Ints, Sends, converted, credit, firsts
from dangol.measure.outcomes import closes
from dangol.measure.sums import computable
from dangol.runner.ledger.messages import Answers, Kind, Messages
from dangol.runner.ledger.rows import RECEIPT_KINDS

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Credited:
    """Conversions and what they are worth (None: the metric is no sum, or of amounts too large to be added up)."""

    conversions: int
    value: float | None


@dataclass(frozen=True)
class Sent:
    """What came of the messages of one kind. `answers`: receipt → messages with one (unsubscribed among them);
    converted: messages with a conversion in their window; first, last: the conversions credited to them by either
    rule; elsewhere: those of `last` that came later still after a message of another scenario."""

    kind: Kind
    sent: int
    answers: Mapping[str, int]
    converted: int
    first: Credited
    last: Credited
    elsewhere: int


def came_of(
    evaluation: Evaluation, metric: ir.Metric, went: Messages, codes: Ints, own: Mask, told: Answers
) -> tuple[Sent, ...]:
    """Per kind of message of a scenario (`own` of `went`, whose customers have these codes) what came of it."""
    owner, time, value = _conversions(evaluation, metric)
    sends = Sends(codes, went.time, closes(went.time, metric))
    known = codes >= 0
    mine, every = np.flatnonzero(own & known), np.flatnonzero(known)
    found, overall = credit(sends.of(mine), owner, time), credit(sends.of(every), owner, time)
    counted = found.credited
    if metric.function is None:
        counted = firsts(owner, time, counted)
    later = counted & ~own[every[np.maximum(overall.last, 0)]] if len(every) else counted
    after = converted(sends.of(mine), owner, time)
    by_first, by_last = (went.kind[mine[each[counted]]] for each in (found.first, found.last))
    of_answer = _kinds(went, told.key)
    result = []
    for number in np.unique(went.kind[own]).tolist():
        receipts: dict[str, int] = {
            name: int(np.count_nonzero(told.kind[of_answer == number] == n)) for n, name in enumerate(RECEIPT_KINDS)
        }
        result.append(
            Sent(
                went.kinds[number],
                int(np.count_nonzero(went.kind[own] == number)),
                receipts,
                int(np.count_nonzero(after & (went.kind[mine] == number))),
                _credited(by_first == number, value, counted),
                _credited(by_last == number, value, counted),
                int(np.count_nonzero(later[counted] & (by_last == number))),
            )
        )
    return tuple(sorted(result, key=lambda each: (each.kind.step, str(each.kind))))


def _credited(chosen: Mask, value: Floats | None, counted: Mask) -> Credited:
    amount = None if value is None else float(value[counted][chosen].sum())
    return Credited(int(np.count_nonzero(chosen)), amount)


def _conversions(evaluation: Evaluation, metric: ir.Metric) -> tuple[Ints, Ints, Floats | None]:
    """The customer and instant of every event that is measured, and its amount where amounts are summed."""
    rows = evaluation.matches(metric.events)
    empty = np.zeros(0, np.int64)
    owner = np.concatenate([empty, *(each.customer for each in rows)]).astype(np.int64)
    time = np.concatenate([empty, *(each.time for each in rows)]).astype(np.int64)
    if metric.function != "sum" or metric.property is None:
        return owner, time, None
    parts = [np.zeros(0)]
    for each in rows:
        column = each.column(metric.property)
        amounts = np.zeros(len(each)) if column is None else column.data.astype(np.float64)
        parts.append(np.where(np.isnan(amounts), 0.0, amounts))
    amounts = np.concatenate(parts)
    return owner, time, amounts if computable(amounts) else None


def _kinds(went: Messages, asked: Ints) -> Ints:
    """The kind of the message with each of the asked keys, −1 where there is none."""
    found = np.full(len(asked), -1, np.int64)
    if len(went):
        order = np.argsort(went.key, kind="stable")
        place = order[np.minimum(np.searchsorted(went.key[order], asked), len(went) - 1)]
        known = went.key[place] == asked
        found[known] = went.kind[place[known]]
    return found
