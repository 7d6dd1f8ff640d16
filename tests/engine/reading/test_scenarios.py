"""A scenario is read back in full: who, from when, each step, when somebody leaves, and every rule beside it."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from dangol.engine import ir
from dangol.engine.ir import Due, Events, Follow, Matches, Metric, Send, Shift, Step
from dangol.engine.reading import read, scenario_in_full, scenario_reading

SEOUL = "Asia/Seoul"
HOUR = 3_600_000_000
DAY = 24 * HOUR
BY = 20_818
"""2026-12-31."""

UNFOLLOWED = Follow("not_followed", Events(("purchased",)), None, (), SEOUL)
CART = Events(("cart_added",), None, None, (UNFOLLOWED,), "cart_added")
KAKAO = Step(Due("after", Shift(micros=HOUR), None, SEOUL), None, (Send("kakao", message="reminder"),))
SPLIT = ir.Split("copy", "cart/copy", (("a", Fraction(9, 10)), ("control", Fraction(1, 10))))
SCENARIO = ir.Scenario("cart", "nudge", Matches(CART), CART, None, (KAKAO,), zone=SEOUL)
PURCHASE = Metric(Events(("purchased",)), None, None, Shift(micros=7 * DAY), SEOUL)
REVENUE = replace(PURCHASE, function="sum", property="amount")


def test_in_full() -> None:
    assert list(scenario_in_full(SCENARIO)) == [
        "who: at least one `cart_added` that no later `purchased` followed",
        "entry: event-anchored: the time of the latest `cart_added` that no later `purchased` followed",
        "steps:",
        "   1. 1 hour after the entry: kakao message `reminder`",
        "leaves: as soon as [`purchased`] followed the entry's event, or another condition has ended",
        "rules:",
        "   - new entries are looked for at every run",
        "   - again: each customer enters once",
        "   - a step that could not go out 24 hours after it was due is dropped",
    ]


def test_in_full_in_korean() -> None:
    assert list(scenario_in_full(SCENARIO, lang="ko")) == [
        "대상: `cart_added` 중 그 뒤에 `purchased`이(가) 없었던 것이 1번 이상 있음",
        "진입 시점: 이벤트 기준: [`cart_added` 중 그 뒤에 `purchased`이(가) 없었던 것] 중 가장 최근 이벤트의 시각",
        "단계:",
        "   1. 진입 1시간 뒤: kakao 메시지 `reminder`",
        "이탈: 진입 이벤트 뒤에 [`purchased`]이(가) 생김, 또는 다른 조건이 더는 맞지 않음 중 하나라도 해당하는 즉시",
        "규칙:",
        "   - 대상 확인: 실행할 때마다",
        "   - 재진입: 고객마다 한 번만",
        "   - 예정 시각에서 24시간이 지나도록 보내지 못한 단계는 버림",
    ]


def test_on_one_line() -> None:
    assert read(SCENARIO) == (
        "at least one `cart_added` that no later `purchased` followed → (1) 1 hour after the entry: kakao message "
        "`reminder` [event-anchored: the time of the latest `cart_added` that no later `purchased` followed]"
    )


@pytest.mark.parametrize(
    ("step", "english", "korean"),
    [
        (Step(None, None, ()), "at once: stop", "즉시: 종료"),
        (
            Step(None, None, (Send("push", inline='say "hi"'),)),
            'at once: push "say \\"hi\\""',
            '즉시: push "say \\"hi\\""',
        ),
        (
            Step(
                Due("wait", Shift(micros=DAY), None, SEOUL),
                None,
                (Send("push", split="copy"), Send("sms", message="m")),
            ),
            "1 day after the previous step: push by split `copy` (a 90%, control 10%), else sms message `m`",
            "이전 단계 1일 뒤: push `copy` 분할에 따라 (a 90%, control 10%), 안 되면 sms 메시지 `m`",
        ),
        (
            Step(Due("wait", None, 600, SEOUL), Matches(Events(("purchased",))), ()),
            "at the first 10:00 (Asia/Seoul) from the previous step on: if [at least one `purchased`]: stop",
            "이전 단계 시점부터 처음 맞는 10:00(Asia/Seoul): [`purchased`이(가) 1번 이상 있음]이면 종료",
        ),
        (
            Step(Due("after", Shift(micros=DAY), 570, SEOUL), None, ()),
            "at the first 09:30 (Asia/Seoul) from 1 day after the entry on: stop",
            "진입 1일 뒤부터 처음 맞는 09:30(Asia/Seoul): 종료",
        ),
    ],
)
def test_steps(step: Step, english: str, korean: str) -> None:
    scenario = replace(SCENARIO, steps=(step,), splits=(SPLIT,))
    assert scenario_reading(scenario).steps == (english,)
    assert scenario_reading(scenario, "ko").steps == (korean,)


def test_a_state_and_where_an_anchor_was_found() -> None:
    state = replace(SCENARIO, anchor=None, exits=(Matches(Events(("unsubscribed",))),))
    assert scenario_reading(state).entry == "state-based: the first evaluation that finds the customer in it"
    assert scenario_reading(state).leaves == (
        "as soon as the customer is no longer in it, or [at least one `unsubscribed`]"
    )
    assert scenario_reading(replace(SCENARIO, anchor_from="abandoner")).entry.endswith(", found in segment `abandoner`")


def guardrail(metric: Metric = PURCHASE, **more: object) -> ir.Guardrail:
    plain = ir.Guardrail(metric, None, "<=", Fraction(1, 200), False, None, SEOUL)
    return replace(plain, **more)  # type: ignore[arg-type]


def kpi(metric: Metric = PURCHASE, **more: object) -> ir.Kpi:
    rest: dict[str, object] = {"per": None, "op": "up", "amount": Fraction(1, 5), "points": False, "versus": "control"}
    return ir.Kpi(metric, baseline=None, by=BY, zone=SEOUL, **{**rest, **more})  # type: ignore[arg-type]


RATE = "the share of customers with at least one `purchased` within 7 days after the first message"
RATE_KO = "첫 메시지 뒤 7일 안에 [`purchased`이(가) 1번 이상 있음]에 해당하는 고객의 비율"
DUE, DUE_KO = f"{RATE} was due", RATE_KO.replace("메시지 뒤", "메시지 예정 시각 뒤")
UNTIL, UNTIL_KO = "by the end of 2026-12-31 (Asia/Seoul)", "2026-12-31이 끝날 때(Asia/Seoul)까지"
OWN = "of this scenario's own messages"

RULES: list[tuple[dict[str, object], str, str]] = [
    (
        {"schedule": ir.Schedule(SEOUL, cron="30 9 * * *")},
        "new entries are looked for daily at 09:30 (Asia/Seoul)",
        "대상 확인: 매일 09:30(Asia/Seoul)",
    ),
    (
        {"schedule": ir.Schedule(SEOUL, cron="0 9 * * 0,2")},
        "new entries are looked for on Sunday and Tuesday at 09:00 (Asia/Seoul)",
        "대상 확인: 매주 일·화요일 09:00(Asia/Seoul)",
    ),
    (
        {"schedule": ir.Schedule(SEOUL, cron="*/5 * * * *")},
        "new entries are looked for at the times of the cron line `*/5 * * * *` (Asia/Seoul)",
        "대상 확인: cron `*/5 * * * *`에 따라(Asia/Seoul)",
    ),
    (
        {"schedule": ir.Schedule(SEOUL, every=Shift(micros=600_000_000))},
        "new entries are looked for every 10 minutes",
        "대상 확인: 10분마다",
    ),
    (
        {"schedule": ir.Schedule(SEOUL, once=1_767_229_200_000_000)},
        "new entries are looked for once, at 2026-01-01 10:00 (Asia/Seoul)",
        "대상 확인: 2026-01-01 10:00(Asia/Seoul)에 한 번",
    ),
    (
        {"again": ir.Again("after", Shift(micros=30 * DAY))},
        "again: a customer may enter again 30 days after the last entry",
        "재진입: 마지막 진입에서 30일 뒤부터",
    ),
    (
        {"again": ir.Again("each time")},
        "again: a customer may enter again each time, once the running entry has ended",
        "재진입: 진행 중인 진입이 끝난 뒤에는 매번",
    ),
    (
        {"expires": Shift(micros=6 * HOUR)},
        "a step that could not go out 6 hours after it was due is dropped",
        "예정 시각에서 6시간이 지나도록 보내지 못한 단계는 버림",
    ),
    (
        {"holdout": Fraction(1, 20)},
        "5% of the customers are held out, always the same ones",
        "고객의 5%는 항상 제외(홀드아웃)",
    ),
    (
        {"caps": (ir.Cap(2, Shift(micros=7 * DAY), "push", SEOUL),)},
        "at most 2 messages on push in any 7 days",
        "어느 7일 동안이든 push 최대 2건",
    ),
    (
        {"caps": (ir.Cap(1, "week", None, SEOUL),)},
        "at most 1 message in a calendar week (Asia/Seoul)",
        "달력 기준 한 주(Asia/Seoul)에 최대 1건",
    ),
    (
        {"quiet": ir.Quiet(1260, 480, SEOUL)},
        "nothing is sent from 21:00 to 08:00 (Asia/Seoul); it waits until 08:00",
        "21:00부터 08:00까지(Asia/Seoul) 보내지 않고 08:00까지 기다림",
    ),
    (
        {"limit": 5000},
        "a run that would hit more than 5,000 customers is stopped",
        "대상이 5,000명을 넘으면 실행을 멈춤",
    ),
    ({"priority": 3}, "priority 3", "우선순위 3"),
    (
        {"kpis": (kpi(),)},
        f"target: {DUE} is up by at least 20% against control, {UNTIL}",
        f"목표: {UNTIL_KO} {DUE_KO}이 대조군(control)보다 20% 이상 상승",
    ),
    (
        {"kpis": (kpi(op=">=", versus=None, amount=Fraction(1, 20)),)},
        f"target: {RATE} is at least 5% {UNTIL}",
        f"목표: {UNTIL_KO} {RATE_KO}이 5% 이상",
    ),
    (
        {"kpis": (kpi(points=True, versus="holdout", op="down", amount=Fraction(1, 50)),)},
        f"target: {DUE} is down by at least 2 percentage points against holdout, {UNTIL}",
        f"목표: {UNTIL_KO} {DUE_KO}이 홀드아웃(holdout)보다 2%p 이상 하락",
    ),
    (
        {"kpis": (replace(kpi(REVENUE, per="customer", versus=None), baseline=Fraction(42_000)),)},
        "target: the sum of `amount` over [`purchased`] within 7 days after the first message, per customer, "
        f"is up by at least 20% from 42,000, {UNTIL}",
        f"목표: {UNTIL_KO} 고객 1명당 첫 메시지 뒤 7일 안에 생긴 [`purchased`]의 `amount` 합계가 "
        "42,000에서 20% 이상 상승",
    ),
    (
        {"guardrails": (guardrail(),)},
        f"guardrail: {RATE} is at most 0.5%",
        f"지켜야 할 선: {RATE_KO}이 0.5% 이하",
    ),
    (
        {"guardrails": (guardrail(op="up", amount=Fraction(1, 10), versus="control"),)},
        f"guardrail: {DUE} goes up by at most 10% against control",
        f"지켜야 할 선: {DUE_KO}이 대조군(control)보다 10% 넘게 오르지 않음",
    ),
    (
        {"on_deadline": ir.OnDeadline("send best")},
        "at the target's deadline, if no winner stands: customers who enter after that get the best arm so far",
        "목표 기한까지 정해진 안이 없으면 그 뒤에 들어오는 고객은 그때까지 가장 좋은 안을 받음",
    ),
    (
        {"on_deadline": ir.OnDeadline("extend", ir.Shift(days=14), SEOUL)},
        "at the target's deadline, if no winner stands: an arm may still win for 14 days more",
        "목표 기한까지 정해진 안이 없으면 14일 더 기다려 안을 정함",
    ),
    (
        {"winner": ir.Winner("copy", replace(PURCHASE, ledger=True), Fraction(19, 20), 1000)},
        f"split `copy`: the best arm by [{DUE.replace('`purchased`', f'`purchased` {OWN}')}] (more is better) is "
        "chosen at 95% confidence once each arm has 1,000 customers; customers who enter after that get it",
        f"분할 `copy`: 안마다 고객이 1,000명이 되면 [{DUE_KO.replace('[', '[이 시나리오가 보낸 메시지의 ')}] 기준으로 "
        "신뢰도 95%에서 가장 좋은 안(많을수록 좋음)을 고르고, 그 뒤에 들어오는 고객은 그 안을 받음",
    ),
    (
        {"winner": ir.Winner("copy", replace(PURCHASE, events=ir.Events(("refunded",))), Fraction(19, 20), 1000)},
        f"split `copy`: the best arm by [{DUE.replace('purchased', 'refunded')}] (fewer is better) is chosen "
        "at 95% confidence once each arm has 1,000 customers; customers who enter after that get it",
        f"분할 `copy`: 안마다 고객이 1,000명이 되면 [{DUE_KO.replace('purchased', 'refunded')}] 기준으로 "
        "신뢰도 95%에서 가장 좋은 안(적을수록 좋음)을 고르고, 그 뒤에 들어오는 고객은 그 안을 받음",
    ),
]


@pytest.mark.parametrize(("rule", "english", "korean"), RULES)
def test_rules_beside(rule: dict[str, object], english: str, korean: str) -> None:
    scenario = replace(SCENARIO, **rule)  # type: ignore[arg-type]
    assert english in scenario_reading(scenario).beside
    assert korean in scenario_reading(scenario, "ko").beside


def test_every_field_of_a_scenario_is_read() -> None:
    told = {"who", "anchor", "anchor_from", "steps", "exits", "splits", "zone"} | {
        n for rule, *_ in RULES for n in rule
    }
    named = {"playbook", "name", "phase", "still"}  # the heading; what `leaves` says in words
    assert set(ir.Scenario.__dataclass_fields__) == told | named
