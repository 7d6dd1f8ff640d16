"""Why a verdict is what it is: a code that views can word, with the number found and the number needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Code = Literal[
    "target_reached",
    "target_not_reached",
    "effect_shown_size_not",
    "no_effect_shown",
    "straddles_target",
    "before_deadline",
    "fixed_before_deadline",
    "no_customers",
    "too_few_customers",
    "no_denominator",
    "no_conversions",
    "too_few_conversions",
    "no_variation",
    "zero_control",
    "negative_control",
    "uncertain_control",
    "sample_ratio_mismatch",
    "mixed_assignment",
    "definition_changed",
    "windows_open",
    "too_few_days",
    "customers_gone",
    "customers_gone_unequally",
    "amounts_missing",
    "no_numbers",
    "no_such_average",
    "no_such_total",
    "nothing_to_compare",
    "not_shown_better",
    "worse_than_control",
    "more_unsubscribe",
    "guardrail_broken",
]


@dataclass(frozen=True)
class Reason:
    """A code, and where numbers say more, what was `found` and what would be `needed` (both in the code's unit).

    `arm` names the arm at fault where there is one.
    """

    code: Code
    found: float | None = None
    needed: float | None = None
    arm: str | None = None
