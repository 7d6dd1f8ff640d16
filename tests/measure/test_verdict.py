"""Verdicts: what is achieved, missed, still open or cannot be known, and never a number from bad data."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from dangol.measure.arithmetic import arithmetic
from dangol.measure.power import Method
from dangol.measure.reason import Reason
from dangol.measure.sequential import Look
from dangol.measure.sums import Sums, mean_sums, ratio_sums, share_sums
from dangol.measure.verdict import Comparison, Design, Target, compare, holm, level

UP_TENTH = Target("up", Fraction(1, 10))
DESIGN = Design("control", "group_sequential", planned={"control": 10_000, "offer": 10_000})
METHODS: tuple[Method, ...] = ("group_sequential", "always_valid", "fixed")


def lift(
    control: Sums,
    offer: Sums,
    target: Target | None = UP_TENTH,
    final: bool = True,
    design: Design = DESIGN,
    **more: object,
) -> Comparison:
    looks = [Look(control.n + offer.n, 1.0 if final else 0.5)]
    (found,) = compare({"control": control, "offer": offer}, design, looks, target, final, **more)  # type: ignore[arg-type]
    return found


def said(found: Comparison) -> tuple[str, str]:
    return found.verdict.answer, found.verdict.reason.code


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("converted", "expected"),
    [
        (700, ("achieved", "target_reached")),
        (570, ("unknown", "effect_shown_size_not")),
        (505, ("unknown", "no_effect_shown")),
        (400, ("missed", "target_not_reached")),
    ],
)
def test_the_answer_at_the_deadline(method: Method, converted: int, expected: tuple[str, str]) -> None:
    if (method, converted) == ("always_valid", 570):
        converted = 610
    control, offer = share_sums(10_000, 500), share_sums(10_000, converted)
    target = replace(UP_TENTH, amount=Fraction(15, 100)) if converted == 610 else UP_TENTH
    assert said(lift(control, offer, target, design=replace(DESIGN, method=method))) == expected


def test_significance_is_not_the_target() -> None:
    found = lift(share_sums(10_000, 500), share_sums(10_000, 570))
    assert found.shown
    assert found.verdict.answer == "unknown"


def test_before_the_deadline_only_a_decided_lift_is_told() -> None:
    control = share_sums(5000, 250)
    assert said(lift(control, share_sums(5000, 600), final=False)) == ("achieved", "target_reached")
    assert said(lift(control, share_sums(5000, 290), final=False)) == ("open", "no_effect_shown")


def test_a_fixed_test_says_nothing_before_its_day() -> None:
    found = lift(share_sums(5000, 250), share_sums(5000, 900), final=False, design=replace(DESIGN, method="fixed"))
    assert said(found) == ("open", "fixed_before_deadline")
    assert (found.p, found.interval, found.shown) == (None, None, False)


def test_down_is_reached_by_falling() -> None:
    fewer = Target("down", Fraction(1, 10))
    many, few = share_sums(10_000, 1000), share_sums(10_000, 600)
    assert said(lift(many, few, fewer)) == ("achieved", "target_reached")
    assert said(lift(few, many, fewer)) == ("missed", "target_not_reached")
    assert lift(many, few, fewer).chance_to_win == pytest.approx(1)
    assert lift(many, few).chance_to_win == pytest.approx(0)


def test_points_are_judged_on_the_absolute_scale() -> None:
    found = lift(share_sums(10_000, 500), share_sums(10_000, 900), Target("up", Fraction(2, 100), points=True))
    assert said(found) == ("achieved", "target_reached")
    assert found.interval is not None
    assert found.interval[0] == pytest.approx(0.04 - 1.96 * np.sqrt((0.05 * 0.95 + 0.09 * 0.91) / 10_000), abs=1e-5)


NOTHING = share_sums(0, 0)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("final", [True, False])
@pytest.mark.parametrize(
    ("control", "offer", "code"),
    [
        (NOTHING, share_sums(500, 50), "no_customers"),
        (share_sums(500, 50), NOTHING, "no_customers"),
        (NOTHING, NOTHING, "no_customers"),
        (share_sums(500, 50), share_sums(1, 1), "too_few_customers"),
        (share_sums(99, 30), share_sums(500, 50), "too_few_customers"),
        (share_sums(500, 0), share_sums(500, 0), "no_conversions"),
        (share_sums(500, 0), share_sums(500, 50), "zero_control"),
        (share_sums(500, 50), share_sums(500, 0), "no_variation"),
        (share_sums(500, 2), share_sums(500, 5), "too_few_conversions"),
        (mean_sums([7.0] * 200), mean_sums([7.0] * 200), "no_variation"),
        (mean_sums([0.0] * 200), mean_sums([0.0, 9.0] * 100), "zero_control"),
        (mean_sums([-5.0, -7.0] * 100), mean_sums([5.0, 9.0] * 100), "negative_control"),
        (mean_sums([3.0]), mean_sums([5.0, 9.0] * 100), "too_few_customers"),
        (ratio_sums([0.0] * 200, [0.0] * 200), ratio_sums([5.0, 9.0] * 100, [1.0, 2.0] * 100), "no_denominator"),
    ],
)
def test_bad_data_is_never_decided(method: Method, final: bool, control: Sums, offer: Sums, code: str) -> None:
    found = lift(control, offer, final=final, design=replace(DESIGN, method=method))
    assert said(found) == ("unknown" if final else "open", code)
    assert not found.shown
    assert "nan" not in arithmetic(found)


def test_a_problem_of_the_experiment_comes_before_any_number() -> None:
    found = lift(
        share_sums(10_000, 500), share_sums(10_000, 900), problems=[Reason("sample_ratio_mismatch", 0.0001, 0.01)]
    )
    assert found.verdict.answer == "unknown"
    assert found.verdict.reason == Reason("sample_ratio_mismatch", 0.0001, 0.01)
    assert not found.shown


def test_few_conversions_have_an_exact_p() -> None:
    design = replace(DESIGN, method="fixed", minimum=2)
    found = lift(share_sums(20, 1), share_sums(20, 8), design=design)
    assert found.p == pytest.approx(0.0197, abs=0.0001)
    assert said(found) == ("unknown", "too_few_conversions")


def test_three_arms_share_alpha() -> None:
    arms = {"control": share_sums(4000, 400), "a": share_sums(4000, 462), "b": share_sums(4000, 400)}
    design = Design("control", "fixed")
    first, second = compare(arms, design, target=UP_TENTH, final=True)
    assert (first.arm, second.arm, first.comparisons) == ("a", "b", 2)
    assert first.p is not None
    assert first.p < 0.05 < 2 * first.p == first.adjusted_p
    assert not first.shown
    (alone,) = compare({k: arms[k] for k in ("control", "a")}, design, target=UP_TENTH, final=True)
    assert alone.shown
    assert first.bound == pytest.approx(2.2414, abs=1e-3)


def test_holm_never_lets_a_larger_p_pass_a_smaller() -> None:
    assert holm([0.03, 0.01, 0.02]) == pytest.approx((0.04, 0.03, 0.04))
    assert holm([]) == ()


def test_a_faster_entry_than_planned_leaves_alpha_for_the_deadline() -> None:
    arms = {"control": share_sums(15_000, 1500), "offer": share_sums(15_000, 1650)}
    looks = [Look(10_000 * k, k / 3) for k in (1, 2, 3)]
    (found,) = compare(arms, DESIGN, looks, UP_TENTH, final=True)
    assert found.bound is not None
    assert found.bound < 2.1
    assert found.spent == pytest.approx(0.05)


def test_looking_twice_at_the_same_customers_costs_nothing() -> None:
    arms = {"control": share_sums(5000, 500), "offer": share_sums(5000, 560)}
    look = Look(10_000, 0.5)
    assert compare(arms, DESIGN, [look, look, look]) == compare(arms, DESIGN, [look])


def test_the_target_and_the_control_must_fit() -> None:
    with pytest.raises(ValueError, match="lift"):
        compare({"a": NOTHING}, DESIGN)
    with pytest.raises(ValueError, match="lift"):
        compare({"control": NOTHING, "a": NOTHING}, DESIGN, target=Target(">=", Fraction(1, 20)))
    arms = {"control": share_sums(500, 50), "offer": share_sums(500, 50)}
    for looks in ([], [Look(900, 0.5)]):
        with pytest.raises(ValueError, match="last look"):
            compare(arms, DESIGN, looks)
    with pytest.raises(ValueError, match="control"):
        level(NOTHING, UP_TENTH, 10)


AT_LEAST = Target(">=", Fraction(5, 100))


@pytest.mark.parametrize(
    ("target", "converted", "expected"),
    [
        (AT_LEAST, 560, ("achieved", "target_reached")),
        (AT_LEAST, 440, ("missed", "target_not_reached")),
        (AT_LEAST, 505, ("unknown", "straddles_target")),
        (Target("<=", Fraction(5, 100)), 440, ("achieved", "target_reached")),
        (Target("<", Fraction(5, 100)), 560, ("missed", "target_not_reached")),
        (Target("up", Fraction(1, 4), baseline=Fraction(4, 100)), 560, ("achieved", "target_reached")),
        (Target("down", Fraction(1, 100), points=True, baseline=Fraction(6, 100)), 440, ("achieved", "target_reached")),
    ],
)
def test_a_level_at_the_deadline(target: Target, converted: int, expected: tuple[str, str]) -> None:
    found = level(share_sums(10_000, converted), target, 10_000, final=True)
    assert (found.verdict.answer, found.verdict.reason.code) == expected
    assert found.forecast is None


@pytest.mark.parametrize(("converted", "status"), [(210, "on_track"), (203, "at_risk"), (190, "off_track")])
def test_a_level_before_the_deadline_is_open_with_a_forecast(converted: int, status: str) -> None:
    found = level(share_sums(4000, converted), AT_LEAST, 10_000)
    assert (found.verdict.answer, found.verdict.reason.code, found.status) == ("open", "before_deadline", status)


def test_a_level_of_an_amount() -> None:
    spent = mean_sums(np.random.default_rng(4).integers(20_000, 60_000, 3000))
    assert level(spent, Target(">", Fraction(39_000)), 3000, final=True).verdict.answer == "achieved"
    assert level(spent, Target(">", Fraction(41_000)), 3000, final=True).verdict.answer == "missed"
    assert level(spent, Target("<=", Fraction(41_000)), 4000).status == "on_track"


@pytest.mark.parametrize(
    ("sums", "code"),
    [
        (NOTHING, "no_customers"),
        (share_sums(1, 1), "too_few_customers"),
        (share_sums(900, 0), "no_conversions"),
        (mean_sums([3.0] * 9), "no_variation"),
        (ratio_sums([0.0] * 9, [0.0] * 9), "no_denominator"),
    ],
)
def test_a_level_of_bad_data_is_unknown(sums: Sums, code: str) -> None:
    found = level(sums, AT_LEAST, 1000, final=True)
    assert (found.verdict.answer, found.verdict.reason.code) == ("unknown", code)
    assert level(sums, AT_LEAST, 1000).verdict.answer == "open"
    assert arithmetic(found).endswith(("target 5.00 %", "target 0.0500"))


def test_the_line_of_arithmetic() -> None:
    found = lift(share_sums(10_000, 500), share_sums(10_000, 570))
    assert arithmetic(found) == (
        "5.70 % (n=10,000) vs 5.00 % (n=10,000): +14.0 % [+1.4 %, +28.2 %], p 0.028, target +10.0 %"
    )
    assert arithmetic(level(share_sums(4000, 210), AT_LEAST, 10_000)) == (
        "5.25 % (n=4,000) [4.70 %, 5.86 %], target 5.00 %, chance to get there 0.83"
    )
    won = lift(mean_sums([1000.0, 3000.0] * 100), mean_sums([900.0, 2900.0] * 100), Target("up", Fraction(50), True))
    assert arithmetic(won).startswith("1,900 (n=200) vs 2,000 (n=200): −100.00 [−297.")
