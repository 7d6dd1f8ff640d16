"""A finished test: arms, comparisons and what they allow to be said, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dangol.engine.state.notes import shown
from dangol.measure.arithmetic import change, number
from dangol.measure.comparison import Answer, Pair
from dangol.measure.estimate import Scale
from dangol.views.text import printable, table
from dangol.views.verdicts import worded

_METHODS = {"fixed": "fixed horizon: one look, at the end", "always_valid": "always valid: may be looked at any day"}


def as_json(answer: Answer) -> dict[str, Any]:
    """The answer as data, version 1."""
    columns, question = answer.question.columns, answer.question
    return {
        "version": 1,
        "file": shown(question.file),
        "rows": answer.arms.rows,
        "columns": {name: getattr(columns, name) for name in ("arm", "metric", "per", "covariate", "id")},
        "control": answer.each[0].name,
        "kind": answer.arms.kind,
        "method": question.method,
        "alpha": question.alpha,
        "scale": "absolute",
        "intervals": {**_intervals(answer), "alpha": question.alpha / len(answer.pairs)},
        "sizes": _sizes(answer),
        "arms": [
            {"arm": arm.name, "assigned": arm.assigned, "n": arm.sums.n, "value": arm.value, "interval": arm.interval}
            for arm in answer.each
        ],
        "comparisons": [_pair(pair) for pair in answer.pairs],
        "warnings": [{"code": note.code, "message": note.message} for note in answer.notes],
    }


def _intervals(answer: Answer) -> dict[str, str]:
    """Which interval is printed where."""
    share, fixed = answer.arms.kind == "share", answer.question.method == "fixed"
    difference = ("Newcombe" if share else "Welch t") if fixed else "confidence sequence"
    return {
        "arm": "Wilson" if share else "t",
        "absolute": difference,
        "relative": "Fieller" if fixed else "Fieller, confidence sequence",
    }


def _sizes(answer: Answer) -> dict[str, Any]:
    found = answer.mismatch
    return {
        "expected": {arm: float(share) for arm, share in answer.shares.items()},
        "assumed": answer.question.expected is None,
        "chi_square_p": found.chi_square_p if found else None,
        "sequential_p": found.p if found else None,
        "alarm": answer.alarm,
    }


def _pair(pair: Pair) -> dict[str, Any]:
    found, effect = pair.found, pair.lift("absolute")
    return {
        "arm": found.arm,
        "outcome": pair.outcome,
        "reason": found.verdict.reason.code,
        "absolute": _lift(pair, "absolute"),
        "relative": _lift(pair, "relative"),
        "t": effect.t if effect else None,
        "df": effect.df if effect else None,
        "pooled_z": pair.z,
        "p": found.p,
        "adjusted_p": found.adjusted_p,
        "chance_to_win": found.chance_to_win,
        "loss_of_shipping": found.loss_of_shipping,
        "loss_of_keeping": found.loss_of_keeping,
        "narrowing": pair.narrowing,
    }


def _lift(pair: Pair, scale: Scale) -> dict[str, Any]:
    effect = pair.lift(scale)
    around = pair.absolute if scale == "absolute" else pair.relative
    return {"value": effect.value if effect else None, "se": effect.se if effect else None, "interval": around}


# --- text -------------------------------------------------------------------------------------------------------------


def as_text(answer: Answer) -> str:
    """The answer for a terminal, without a final line break."""
    return "\n".join([*_head(answer), "", *_arms(answer), *_sizes_in_words(answer), "", *_pairs(answer)])


def _head(answer: Answer) -> Iterator[str]:
    columns, question = answer.question.columns, answer.question
    unchecked = "" if columns.id is not None else " (--id COLUMN checks that)"
    yield printable(f"{shown(question.file)}: {answer.arms.rows:,} rows, each taken as one customer{unchecked}")
    control = answer.each[0].name
    yield printable(f"{_asked(answer)}; arms by `{columns.arm}`, control `{control}`")
    several = len(answer.pairs)
    level = f"\n{several} comparisons: p by Holm, intervals of differences at 1 − α/{several}" if several > 1 else ""
    yield f"{_METHODS[question.method]}; α {question.alpha:g} two-sided, the absolute scale decides{level}"


def _asked(answer: Answer) -> str:
    columns = answer.question.columns
    what = {
        "share": f"share of customers with `{columns.metric}`",
        "mean": f"`{columns.metric}` per customer",
        "ratio": f"`{columns.metric}` per `{columns.per}`",
    }[answer.arms.kind]
    return what if columns.covariate is None else f"{what}, adjusted by `{columns.covariate}` (CUPED)"


def _arms(answer: Answer) -> list[str]:
    kind, name = answer.arms.kind, _intervals(answer)["arm"]
    rows: list[tuple[str, ...]] = [
        ("arm", "n", {"share": "share", "mean": "mean", "ratio": "ratio"}[kind], f"{_level(answer, 1)} ({name})")
    ]
    for arm in answer.each:
        value = "–" if arm.value is None else number(arm.value, kind)
        around = "–" if arm.interval is None else ", ".join(number(end, kind) for end in arm.interval)
        left = f" of {arm.assigned:,}" if arm.assigned != arm.sums.n else ""
        rows.append(
            (printable(arm.name), f"{arm.sums.n:,}{left}", value, "–" if arm.interval is None else f"[{around}]")
        )
    return table(rows, right=frozenset({1, 2, 3}))


def _level(answer: Answer, comparisons: int) -> str:
    return f"{100 * (1 - answer.question.alpha / comparisons):.4g} %"


def _sizes_in_words(answer: Answer) -> Iterator[str]:
    found, assumed = answer.mismatch, answer.question.expected is None
    if found is None:
        return
    chi = "" if found.chi_square_p is None else f"chi-square p {_p(found.chi_square_p)}, "
    tests = f"{chi}sequential p {_p(found.p)}"
    if assumed and answer.alarm:
        yield f"sizes of the arms: not equal ({tests}); if that was the plan, trust nothing below (--expected)"
    elif assumed:
        yield f"sizes of the arms: consistent with equal ones ({tests}); --expected says what was planned"
    else:
        yield f"sizes of the arms: {'NOT ' if answer.alarm else ''}as planned ({tests})"


def _pairs(answer: Answer) -> Iterator[str]:
    for i, pair in enumerate(answer.pairs):
        if i:
            yield ""
        yield _sentence(answer, pair)
        yield from (f"  {line}" for line in _numbers(answer, pair))


def _sentence(answer: Answer, pair: Pair) -> str:
    """`B: visit +7.66 pp against A, shown to be better (p 0.001)`"""
    names = (pair.found.arm, answer.question.columns.metric, answer.each[0].name)
    arm, metric, control = (printable(name) for name in names)
    effect, p = pair.lift("absolute"), pair.found.adjusted_p
    lift = "" if effect is None else f" {change(effect.value, 'absolute', answer.arms.kind)}"
    said, with_p = f"{arm}: {metric}{lift} against {control}", "" if p is None else f" (p {_p(p)})"
    if pair.outcome == "cannot be known":
        return f"{said}; cannot be known with this data: {printable(worded(pair.found.verdict.reason))}"
    return f"{said}, {'' if pair.outcome == 'no effect shown' else 'shown to be '}{pair.outcome}{with_p}"


def _numbers(answer: Answer, pair: Pair) -> Iterator[str]:
    names, level = _intervals(answer), _level(answer, len(answer.pairs))
    scales: tuple[Scale, ...] = ("absolute", "relative")
    for scale in scales:
        effect, around = pair.lift(scale), pair.absolute if scale == "absolute" else pair.relative
        if effect is not None:
            span = "no interval, the control is too uncertain" if around is None else _span(around, scale, answer)
            yield f"{scale}  {change(effect.value, scale, answer.arms.kind)}  {span} ({names[scale]}, {level})"
    if pair.found.p is not None:
        yield _tested(answer, pair)
    if pair.found.chance_to_win is not None:
        ship, keep = (_loss(loss, answer) for loss in (pair.found.loss_of_shipping, pair.found.loss_of_keeping))
        yield (
            f"chance to win {pair.found.chance_to_win:.1%} (shown, decides nothing);"
            f" expected loss {ship} by sending it, {keep} by staying"
        )
    if pair.narrowing is not None:
        yield f"`{printable(answer.question.columns.covariate or '')}` narrows the interval by {pair.narrowing:.1%}"


def _span(around: tuple[float, float], scale: Scale, answer: Answer) -> str:
    return f"[{', '.join(change(end, scale, answer.arms.kind) for end in around)}]"


def _tested(answer: Answer, pair: Pair) -> str:
    z = "" if pair.z is None else f", z {pair.z:.2f} (pooled)".replace("-", "−")
    holm = f", by Holm {_p(pair.found.adjusted_p or 0.0)}" if len(answer.pairs) > 1 else ""
    return f"p {_p(pair.found.p or 0.0)}{holm}{z}"


def _loss(loss: float | None, answer: Answer) -> str:
    return change(loss or 0.0, "absolute", answer.arms.kind).lstrip("+")


def _p(p: float) -> str:
    return "< 1e-300" if p < 1e-300 else f"{p:.2g}"
