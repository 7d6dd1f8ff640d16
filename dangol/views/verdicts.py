"""Reasons of verdicts in a marketer's words, with what was found and what would be needed."""

from __future__ import annotations

from collections.abc import Mapping

from dangol.measure.reason import Code, Reason

_WORDS: Mapping[Code, str] = {
    "target_reached": "the target is reached: the whole interval lies at or beyond it",
    "target_not_reached": "the target is out of reach: the whole interval falls short of it",
    "effect_shown_size_not": "there is an effect, but whether it is as large as the target is not shown",
    "no_effect_shown": "no effect is shown",
    "straddles_target": "the target lies inside the interval",
    "before_deadline": "a level is decided at the deadline",
    "fixed_before_deadline": "there has been no look yet",
    "no_customers": "nobody{arm} to measure yet",
    "too_few_customers": "only {found:,.0f} {customers}{arm}, {needed:,.0f} are needed",
    "no_denominator": "nothing to divide by{arm}",
    "no_conversions": "not a single conversion",
    "too_few_conversions": "{found:.1f} conversions expected in the smallest cell, {needed:.0f} are needed",
    "no_variation": "all customers are alike, so no error can be estimated",
    "zero_control": "the control is at zero: there is no relative change",
    "negative_control": "the control's mean is below zero ({found:,.4g}): there is no relative change",
    "uncertain_control": "the control's mean is too uncertain to divide by",
    "sample_ratio_mismatch": "the groups have not the sizes they were drawn to have (p {found:.2g}, alarm below "
    "{needed}); look for whatever drops or adds customers in one group only",
    "mixed_assignment": "{found:.1%} of the customers were drawn to two groups, {needed:.0%} is too many",
    "definition_changed": "what is measured, or the split, is not what was recorded at the start",
    "windows_open": "no customer has had the full time of the target yet",
    "too_few_days": "{found:.0f} {days}, {needed:.0f} are needed",
    "customers_gone": "{found:.1%} of the customers are not in the data any more, {needed:.0%} is too many",
    "customers_gone_unequally": "customers of one group have left the data more often than those of the others "
    "(p {found:.2g}, alarm below {needed}); look for whatever erases customers of one group only",
    "amounts_missing": "{found:.0%} of the events have no amount, {needed:.0%} is too many",
    "no_numbers": "some amounts are no numbers, or too large to be computed with",
    "no_such_average": "customers without the event have no average; write `sum(…) per EVENT`",
    "no_such_total": "customers' counts of different things do not add up; write `… per customer`",
    "nothing_to_compare": "one arm alone has messages, and the control cannot do what is measured",
    "not_shown_better": "not shown to be better than `{name}` (p {found:.2g}, at most {needed:.2g} is needed)",
    "worse_than_control": "the control does better ({needed:.4g} against {found:.4g})",
    "more_unsubscribe": "more of its customers unsubscribe than of the other arms ({found:.2%} against {needed:.2%})",
    "guardrail_broken": "it breaks the guardrail `{name}` ({found:.4g})",
}


def worded(reason: Reason) -> str:
    """A reason as a sentence without a full stop."""
    arm = f" in `{reason.arm}`" if reason.arm else ""
    words = _WORDS.get(reason.code, reason.code.replace("_", " "))
    customers, days = ("customer", "day") if reason.found == 1 else ("customers", "days")
    return words.format(
        found=reason.found or 0.0, needed=reason.needed or 0.0, arm=arm, name=reason.arm or "",
        customers=customers, days=days,
    )  # fmt: skip
