"""What a target is about, by the names of its events, and which targets fit which stage of a customer's life."""

from __future__ import annotations

import re
from typing import Literal

from dangol.engine import ir

Family = Literal[
    "sign-up", "visit", "view", "response", "cart", "purchase", "revenue", "order value", "review", "harm"
]  # fmt: skip

_NAMES: tuple[tuple[Family, str], ...] = (
    ("harm", r"unsubscri|refund|return|complain|block|cancel|opt_?out|churn|환불|반품|취소|차단|수신거부|탈퇴|불만"),
    ("response", r"^(sent|delivered|opened|clicked)$"),
    ("sign-up", r"sign(ed)?_?up|subscri|regist|join|opt(ed)?_?in|가입|구독|수신동의"),
    ("cart", r"cart|basket|wish|장바구니|찜"),
    ("purchase", r"purchas|order|bought|paid|payment|checkout|구매|주문|결제"),
    ("review", r"review|refer|invit|recommend|nps|후기|리뷰|추천|초대"),
    ("view", r"view|page|read|watch|search|조회|열람|검색"),
    ("visit", r"visit|session|log(ged)?_?in|launch|방문|접속|로그인|실행"),
)
FITS: dict[str, tuple[Family, ...]] = {
    "awareness": ("visit", "view", "response", "sign-up"),
    "interest": ("view", "visit", "response", "cart", "sign-up", "purchase"),
    "conversion": ("purchase", "cart", "revenue", "order value"),
    "loyalty": ("purchase", "revenue", "order value", "review", "visit"),
    "dormant": ("visit", "view", "response", "purchase", "revenue"),
}
"""Stage → the families that fit it (requirements 1.4, measurement 5.6). What harms fits everywhere."""

_MARGIN = re.compile(r"margin|profit|마진|이익")
_AMOUNTS = ("sum", "avg")


def family(kpi: ir.Kpi | ir.Guardrail) -> Family | None:
    """What the target is about; None when its names do not tell."""
    found = family_of(kpi.metric.events.names)
    if found == "purchase" and kpi.metric.function in _AMOUNTS:
        return "order value" if isinstance(kpi.per, ir.Events) or kpi.metric.function == "avg" else "revenue"
    return found


def family_of(names: tuple[str, ...]) -> Family | None:
    """What these events are about, all of them, by their names."""
    told = {next((kind for kind, words in _NAMES if re.search(words, name.lower())), None) for name in names}
    return told.pop() if len(told) == 1 else None


def watches_worth(kpi: ir.Kpi | ir.Guardrail) -> bool:
    """Whether it would show that orders were bought too dearly: revenue per customer, or a margin."""
    return family(kpi) in ("revenue", "order value") or bool(_MARGIN.search(kpi.metric.property or ""))
