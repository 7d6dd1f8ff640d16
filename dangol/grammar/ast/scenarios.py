"""Scenarios and the lines beside them as they were written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dangol.grammar.ast.expressions import Date, Duration, Expr, Instant, Name, Node, Number

# --- scenarios --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Inline(Node):
    """A message written in the line."""

    text: str


@dataclass(frozen=True)
class MessageName(Node):
    """A name under `messages:`"""

    name: str


@dataclass(frozen=True)
class SplitName(Node):
    """`split NAME`"""

    name: str


@dataclass(frozen=True)
class Send(Node):
    """`CHANNEL MESSAGE`"""

    channel: str
    message: Inline | MessageName | SplitName


@dataclass(frozen=True)
class Stop(Node):
    """`stop`"""


@dataclass(frozen=True)
class TimeOfDay(Node):
    """`10:00`"""

    hour: int
    minute: int


@dataclass(frozen=True)
class Timing(Node):
    """`after 1h`, `wait 1h`, `wait until 10:00`, `after 1d at 10:00`; `wait until` has no delay."""

    word: Literal["after", "wait"]
    delay: Duration | None
    at: TimeOfDay | None = None


@dataclass(frozen=True)
class Step(Node):
    """One step: `sends` are tried in order (`else`); empty when the step is `stop`."""

    timing: Timing | None
    condition: Expr | None
    sends: tuple[Send, ...]
    stop: Stop | None = None


@dataclass(frozen=True)
class Scenario(Node):
    """`WHO → step → step`"""

    who: Expr
    steps: tuple[Step, ...]


# --- lines beside a scenario ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cron(Node):
    """`0 10 * * *`: five fields, checked by the checker."""

    text: str


@dataclass(frozen=True)
class Every(Node):
    """`every 10min`"""

    duration: Duration


@dataclass(frozen=True)
class Daily(Node):
    """`daily at 10:00`"""

    at: TimeOfDay


@dataclass(frozen=True)
class Weekly(Node):
    """`weekly on Mon at 09:00`, several days with commas; 0 is Monday."""

    days: tuple[int, ...]
    at: TimeOfDay


@dataclass(frozen=True)
class Once(Node):
    """`once at 2026-12-01T10:00`"""

    at: Instant


Schedule = Cron | Every | Daily | Weekly | Once


@dataclass(frozen=True)
class Arm(Node):
    """`discount 45%`"""

    name: str
    share: Number


@dataclass(frozen=True)
class Split(Node):
    """`discount 45%, scarcity 45%, control 10%`"""

    arms: tuple[Arm, ...]


@dataclass(frozen=True)
class Holder(Node):
    """`cart_rescue/nudge 40%`; `free` is nobody"""

    name: str
    share: Number


@dataclass(frozen=True)
class Namespace(Node):
    """`cart_rescue/nudge 40%, winback/offer 40%`"""

    holders: tuple[Holder, ...]


@dataclass(frozen=True)
class Share(Node):
    """`10%` (a holdout)"""

    share: Number


@dataclass(frozen=True)
class Winner(Node):
    """`by METRIC at 95% after 1000 each → send to rest`"""

    metric: Expr
    confidence: Number
    minimum: int


@dataclass(frozen=True)
class Kpi(Node):
    """`METRIC [per customer|per EVENT] (>= LEVEL | up|down CHANGE (vs GROUP | from BASELINE)) by DATE`

    `op` is `>=`, `<=`, `>`, `<`, `up` or `down`; `points` says that the change is in percentage points: `2pp` is the
    amount 0.02.
    `same` are the properties of `with same …`.
    """

    metric: Expr
    per: Name | None
    op: Literal[">=", "<=", ">", "<", "up", "down"]
    amount: Number
    points: bool
    versus: str | None
    baseline: Number | None
    by: Date
    same: tuple[Name, ...] = ()


@dataclass(frozen=True)
class Guardrail(Node):
    """`METRIC [per customer|per EVENT] (<= LEVEL | up|down at most CHANGE vs GROUP)`; the fields as those of `Kpi`"""

    metric: Expr
    per: Name | None
    op: Literal[">=", "<=", ">", "<", "up", "down"]
    amount: Number
    points: bool
    versus: str | None
    same: tuple[Name, ...] = ()


@dataclass(frozen=True)
class OnDeadline(Node):
    """`keep control`, `send best`, `extend 14d`, `stop`"""

    action: Literal["keep control", "send best", "extend", "stop"]
    delay: Duration | None = None


@dataclass(frozen=True)
class Cap(Node):
    """`2 per 7d`, `1 per 1d on push`, `3 per calendar week`"""

    count: int
    window: Duration | Literal["day", "week", "month"]
    channel: str | None = None


@dataclass(frozen=True)
class Quiet(Node):
    """`21:00–08:00`"""

    start: TimeOfDay
    end: TimeOfDay


@dataclass(frozen=True)
class Again(Node):
    """`never`, `each time`, `after 30d`"""

    mode: Literal["never", "each time", "after"]
    delay: Duration | None = None


Beside = (
    Cron
    | Every
    | Daily
    | Weekly
    | Once
    | Split
    | Share
    | Winner
    | Kpi
    | Cap
    | Quiet
    | Again
    | Duration
    | Number
    | Guardrail
    | OnDeadline
    | Namespace
)

LineKind = Literal[
    "expression", "scenario", "schedule", "split", "holdout", "winner", "kpi", "cap", "quiet", "again", "expires",
    "limit", "priority", "guardrail", "on_deadline", "namespace",
]  # fmt: skip
"""What a line is read as. `expression` also serves segments, traits, `exit` and the query command."""

Root = Expr | Scenario | Beside
