"""The lines beside a scenario in Korean: schedule, holdout, caps, quiet hours, targets."""

from __future__ import annotations

from collections.abc import Iterator

from dangol.engine import ir
from dangol.engine.reading import times
from dangol.engine.reading.josa import josa
from dangol.engine.reading.korean import Korean
from dangol.engine.reading.literals import clock, names, percent, quantity

_DAYS = "일월화수목금토"
_COMPARISONS = {">=": "이상", "<=": "이하", ">": "초과", "<": "미만"}
_AT_DEADLINE = {
    "keep control": "그 뒤에 들어오는 고객에게는 보내지 않음",
    "send best": "그 뒤에 들어오는 고객은 그때까지 가장 좋은 안을 받음",
    "stop": "더는 아무도 들어오지 않음",
}
_UNITS = {"day": "하루", "week": "한 주", "month": "한 달"}
_GROUPS = {"control": "대조군(control)", "holdout": "홀드아웃(holdout)"}
_FUNCTIONS = {"count": "횟수", "sum": "합계", "avg": "평균", "min": "최솟값", "max": "최댓값", "distinct": "종류 수"}


def lines(scenario: ir.Scenario, reader: Korean) -> Iterator[str]:
    """One sentence for each rule, defaults included where they decide what happens."""
    yield f"대상 확인: {_schedule(scenario.schedule, reader)}"
    yield f"재진입: {_again(scenario.again, reader)}"
    late = "24시간" if scenario.expires is None else reader.duration(scenario.expires)
    yield f"예정 시각에서 {late}이 지나도록 보내지 못한 단계는 버림"
    if scenario.holdout is not None:
        yield f"고객의 {josa(percent(scenario.holdout), '은/는')} 항상 제외(홀드아웃)"
    yield from (cap(each, reader) for each in scenario.caps)
    if scenario.quiet is not None:
        yield quiet(scenario.quiet)
    if scenario.limit is not None:
        yield f"대상이 {quantity(scenario.limit)}명을 넘으면 실행을 멈춤"
    if scenario.priority:
        yield f"우선순위 {scenario.priority}"
    yield from (f"목표: {kpi(each, reader)}" for each in scenario.kpis)
    yield from (f"지켜야 할 선: {guardrail(each, reader)}" for each in scenario.guardrails)
    if scenario.on_deadline is not None:
        yield on_deadline(scenario.on_deadline, reader)
    if scenario.winner is not None:
        yield winner(scenario.winner, reader)


def _schedule(schedule: ir.Schedule | None, reader: Korean) -> str:
    if schedule is None:
        return "실행할 때마다"
    if schedule.cron is not None:
        return f"{_cron(schedule.cron)}({schedule.zone})"
    if schedule.every is not None:
        return f"{reader.duration(schedule.every)}마다"
    return f"{times.instant_text(schedule.once or 0, schedule.zone)}({schedule.zone})에 한 번"


def _cron(cron: str) -> str:
    found = times.weekly(cron)
    if found is None:
        return f"cron {names(cron)}에 따라"
    minutes, days = found
    on = f"매주 {'·'.join(_DAYS[day] for day in days)}요일" if days else "매일"
    return f"{on} {clock(minutes)}"


def _again(again: ir.Again, reader: Korean) -> str:
    if again.mode == "never":
        return "고객마다 한 번만"
    if again.mode == "each time" or again.shift is None:
        return "진행 중인 진입이 끝난 뒤에는 매번"
    return f"마지막 진입에서 {reader.duration(again.shift)} 뒤부터"


def cap(node: ir.Cap, reader: Korean) -> str:
    """`어느 7일 동안이든 최대 2건`"""
    if isinstance(node.window, str):
        over = f"달력 기준 {_UNITS[node.window]}({node.zone})에"
    else:
        over = f"어느 {reader.duration(node.window)} 동안이든"
    on = f"{node.channel} " if node.channel else ""
    return f"{over} {on}최대 {quantity(node.count)}건"


def quiet(node: ir.Quiet) -> str:
    """The hours without messages."""
    hours = f"{clock(node.start)}부터 {clock(node.end)}까지({node.zone})"
    return f"{hours} 보내지 않고 {clock(node.end)}까지 기다림"


def kpi(node: ir.Kpi, reader: Korean) -> str:
    """The target as a sentence."""
    what = _measured(node, reader)
    until = f"{times.day_text(node.by)}이 끝날 때({node.zone})까지"
    if node.op in _COMPARISONS:
        return f"{until} {josa(what, '이/가')} {_level(node)}"
    change = _change(node)
    if node.baseline is not None:
        against = f"{percent(node.baseline) if node.is_share else quantity(node.baseline)}에서"
    else:
        against = f"{_GROUPS[node.versus or 'control']}보다"
    return f"{until} {josa(what, '이/가')} {against} {change} 이상 {'상승' if node.op == 'up' else '하락'}"


def guardrail(node: ir.Guardrail, reader: Korean) -> str:
    """What must stay so, as a sentence."""
    what = josa(_measured(node, reader), "이/가")
    if node.op in _COMPARISONS:
        return f"{what} {_level(node)}"
    against = _GROUPS[node.versus or "control"]
    return f"{what} {against}보다 {_change(node)} 넘게 {'오르지' if node.op == 'up' else '내리지'} 않음"


def _measured(node: ir.Kpi | ir.Guardrail, reader: Korean) -> str:
    what = metric(node.metric, reader, from_due=node.versus is not None)
    if node.per == "customer":
        what = f"고객 1명당 {what}"
    elif isinstance(node.per, ir.Events):
        what = f"[{reader.events(node.per)}] 1건당 {what}"
    if node.same:
        what = f"진입 이벤트와 {josa(', '.join(names(name) for name in node.same), '이/가')} 같은 것만 센 {what}"
    return what


def _level(node: ir.Kpi | ir.Guardrail) -> str:
    return f"{percent(node.amount) if node.is_share else quantity(node.amount)} {_COMPARISONS[node.op]}"


def _change(node: ir.Kpi | ir.Guardrail) -> str:
    return f"{quantity(node.amount * 100)}%p" if node.points else percent(node.amount)


def on_deadline(node: ir.OnDeadline, reader: Korean) -> str:
    """What happens when the target's day has passed."""
    if node.shift is not None:
        return f"목표 기한까지 정해진 안이 없으면 {reader.duration(node.shift)} 더 기다려 안을 정함"
    return f"목표 기한까지 정해진 안이 없으면 {_AT_DEADLINE[node.action]}"


def metric(node: ir.Metric, reader: Korean, *, from_due: bool) -> str:
    """What is measured of each customer from their first message on; from_due: from when that was due, alike in every
    group."""
    own = "이 시나리오가 보낸 메시지의 " if node.ledger else ""
    after = f"첫 메시지{' 예정 시각' if from_due else ''} 뒤 {reader.duration(node.within)} 안에"
    if node.function is None:
        how_many = reader.condition(ir.Matches(node.events, node.low, node.high))
        return f"{after} [{own}{how_many}]에 해당하는 고객의 비율"
    of = f" {names(node.property)}" if node.property else ""
    return f"{after} 생긴 [{own}{reader.events(node.events)}]의{of} {_FUNCTIONS.get(node.function, node.function)}"


def winner(node: ir.Winner, reader: Korean) -> str:
    """How one arm is chosen."""
    measured = f"[{metric(node.metric, reader, from_due=True)}] 기준으로 신뢰도 {percent(node.confidence)}에서"
    better = "적을수록 좋음" if node.fewer_is_better else "많을수록 좋음"
    return (
        f"분할 {names(node.split)}: 안마다 고객이 {quantity(node.minimum)}명이 되면 {measured} "
        f"가장 좋은 안({better})을 고르고, 그 뒤에 들어오는 고객은 그 안을 받음"
    )
