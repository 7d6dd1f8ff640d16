"""The benchmark's project: a dangol.yaml beside the Parquet files, and its segments, forty or two hundred."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path

SEGMENTS = Path(__file__).with_name("segments.yaml")
VARIANTS = 5

CONFIG = """\
project: bench
timezone: Asia/Seoul
data:
  customers: {file: customers.parquet, id: id, timezone: UTC}
  events:
    - {file: "events/*.parquet", customer: customer, event: event, time: time, timezone: UTC}
attributes:
  country: text
  age: number
  grade: text
  signed_up_at: instant
  birthday: date
  email: text
  app_version: version
  interests: list
  email_consent: boolean
  marketing_consent: boolean
events:
  visited: {channel: text, utm_source: text}
  viewed: {product: text, category: text}
  searched: {query: text}
  wishlisted: {product: text, category: text}
  cart_added: {product: text, category: text, amount: number, quantity: number}
  checkout_started: {product: text, category: text, amount: number, quantity: number}
  purchased: {product: text, category: text, amount: number, quantity: number}
  reviewed: {product: text, category: text, rating: number}
  email_opened: {campaign: text}
  email_clicked: {campaign: text}
groups:
  shopping: [viewed, cart_added, wishlisted]
"""

_ENTRY = re.compile(r"^  (\w+): (.+)$", re.MULTILINE)
_CONSTANT = re.compile(r"""\d{4}-\d\d-\d\d|"[^"]*"|(?<!\w)(?<![^.]\.)\d+(?:\.\d+)?%?""")
_OTHER_WORDS = (
    ("KR", "JP", "US", "TW", "DE"),
    ("dress", "tops", "outer", "beauty", "sports"),
    ("shoes", "bottoms", "kids", "home", "accessories"),
    ("instagram", "google", "naver", "kakao", "tiktok"),
    ("sale", "new", "sports", "beauty", "kids"),
    ("3.10.0", "3.9.0", "3.8.0", "3.7.0", "3.6.0"),
)
_OTHER_EVENTS = ("visited", "viewed", "searched", "wishlisted", "email_opened")


def write_project(directory: Path, variants: int = 1) -> None:
    """Writes dangol.yaml and playbooks/bench.yaml with `variants` × 40 segments into the folder of the data."""
    (directory / "playbooks").mkdir(exist_ok=True)
    (directory / "dangol.yaml").write_text(CONFIG)
    (directory / "playbooks/bench.yaml").write_text(playbook(variants))


def write_many(directory: Path, files: int = 40) -> None:
    """Writes the same vocabulary with one playbook file per segment and its scenario: what `check` reads."""
    (directory / "playbooks").mkdir(parents=True, exist_ok=True)
    (directory / "dangol.yaml").write_text(CONFIG.replace("groups:", "channels:\n  email: {address: email}\ngroups:"))
    (directory / "playbooks/traits.yaml").write_text(
        "playbook: traits\ntraits:\n" + "".join(f"  {n}: {line}\n" for n, line in traits())
    )
    for number, (name, line) in enumerate(list(segments())[:files]):
        text = f"""playbook: play_{number:02d}
owner: crm@example.com
segments:
  {name}: {line}
scenarios:
  reach_{name}:
    rule: {name} → email mail_{number:02d}
    schedule: daily at 10:00
messages:
  mail_{number:02d}:
    email: {{subject: "Still thinking about it?", body: "Hello {{{{ customer.id }}}}, this is for you."}}
"""
        (directory / f"playbooks/play_{number:02d}.yaml").write_text(text)


def playbook(variants: int = 1) -> str:
    """The segments as written and, for more, as often again with other constants and a number in their names."""
    rest = [line for number in range(1, variants) for line in _variant(segments(), number)]
    named = "".join(line for number in range(1, variants) for line in _variant(traits(), number))
    return SEGMENTS.read_text().replace("segments:\n", named + "segments:\n", 1) + "".join(rest)


def segments() -> Iterator[tuple[str, str]]:
    """The forty as written: name and line."""
    return iter(_ENTRY.findall(SEGMENTS.read_text().partition("segments:\n")[2]))


def traits() -> Iterator[tuple[str, str]]:
    return iter(_ENTRY.findall(SEGMENTS.read_text().partition("traits:\n")[2].partition("segments:\n")[0]))


def _variant(lines: Iterator[tuple[str, str]], number: int) -> Iterator[str]:
    """The same lines with every window, count, share, date and word another one."""
    names = [name for name, _ in (*segments(), *traits())]
    referenced = re.compile(rf"(?<![\w.])(?:{'|'.join(names)})(?![\w.])")
    for name, line in lines:
        line = referenced.sub(lambda found: f"{found.group()}_{number}", line)
        line = _CONSTANT.sub(lambda found: _other(found, number), line)
        if " today " in line or " this week " in line:
            line = line.replace("visited", _OTHER_EVENTS[number])
        yield f"  {name}_{number}: {line}\n"


def _other(found: re.Match[str], number: int) -> str:
    text = found.group()
    if text.startswith('"'):
        words = next((words for words in _OTHER_WORDS if words[0] == text[1:-1]), None)
        return f'"{words[number]}"' if words else text
    if "-" in text:
        return str(dt.date.fromisoformat(text) - dt.timedelta(days=number))
    if text.endswith("%"):
        return f"{int(text[:-1]) - number}%"
    if "." in text:
        return f"{float(text) + number / 10:g}"
    lower = found.string[: found.start()].endswith(") = ")
    return str(int(text) - number if lower else int(text) + number)
