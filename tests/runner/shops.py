"""Small projects for tests: files on disk, planned as a user would."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import dangol
from dangol.runner.model import Plan, ScenarioPlan

CONFIG = """
project: shop
timezone: Asia/Seoul
data:
  customers: {file: data/customers.csv, id: id}
  events:
    - {file: data/events.csv, customer: customer, event: event, time: time}
attributes: {name: text, token: text, phone: text, ok_push: boolean, ok_sms: boolean, grade: text}
events:
  cart_added: {product: text, amount: number}
  purchased: {product: text, amount: number}
  visited: {}
channels:
  push: {address: token, consent: ok_push}
  sms: {address: phone, consent: ok_sms}
  email: {}
  kakao: {address: phone, consent: ok_sms}
"""
NOON = "2026-03-10T12:00"


def shop(
    directory: Path,
    playbook: str,
    customers: Iterable[Mapping[str, Any]],
    events: Iterable[str] = (),
    config: str = "",
) -> dangol.Project:
    """A project: customers get an address and consent for everything unless they say otherwise; events are
    `customer event time [product [amount]]`, local times."""
    (directory / "data").mkdir(parents=True, exist_ok=True)
    (directory / "playbooks").mkdir(exist_ok=True)
    (directory / "dangol.yaml").write_text(CONFIG + config, encoding="utf-8")
    (directory / "playbooks/p.yaml").write_text(playbook, encoding="utf-8")
    usual = {"name": "Kim", "token": "t", "phone": "01012345678", "ok_push": "true", "ok_sms": "true", "grade": "gold"}
    rows = [{**usual, **row} for row in customers]
    header = ["id", *usual]
    text = [",".join(header), *(",".join(str(row[column]) for column in header) for row in rows)]
    (directory / "data/customers.csv").write_text("\n".join(text) + "\n", encoding="utf-8")
    lines = ["customer,event,time,product,amount"]
    lines += [",".join([*each.split(), "", ""][:5]) for each in events]
    (directory / "data/events.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return dangol.load(directory)


def only(plan: Plan) -> ScenarioPlan:
    (scenario,) = plan.scenarios
    assert scenario.audience == len(scenario.sends) + sum(held.count for held in scenario.held)
    return scenario


def sent(plan: ScenarioPlan) -> dict[str, tuple[str, int]]:
    """customer → (channel, step)"""
    return {send.customer: (send.channel, send.step) for send in plan.sends}


def held(plan: ScenarioPlan) -> dict[str, int]:
    return {each.reason: each.count for each in plan.held}
