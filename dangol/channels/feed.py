"""What a site or an app shows to whom: one JSON file that is replaced at once."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import Field

from dangol.channels.base import Answer, Failed, Message, Receipt, Request, Response, RetryAfter, Sent, Surroundings
from dangol.channels.durable import locked, replace_file
from dangol.channels.http import json_body
from dangol.channels.pace import SILENCE, batches
from dangol.channels.receipts import parse_log
from dangol.channels.settings import InsidePath, Settings


class FeedSettings(Settings):
    """`path`: the file, `feed/NAME.json` if not given; `days`: how long an item is shown."""

    path: InsidePath | None = None
    days: Annotated[float, Field(gt=0)] = 14


class Feed:
    """`{"customers": {ID: [{"key", "slot", "from", "until", …parts}]}}`, newest first, one item per customer and slot.

    The part `slot` says where it is shown (the message's name if not given).
    """

    Settings = FeedSettings
    idempotent = True
    batch = 100_000
    rate: float | None = None
    addressed = False

    def __init__(self, name: str, settings: FeedSettings, around: Surroundings) -> None:
        self.name = name
        self.settings = settings
        self._clock = around.clock
        self._target = settings.path or f"feed/{name}.json"
        self._path = around.folder / self._target

    def build(self, message: Message) -> Request:
        return Request(self._target, {}, json_body({message.customer: [self._item(message)]}), "SHOW")

    def _item(self, message: Message) -> dict[str, Any]:
        now = self._clock.time()
        slot = message.parts.get("slot") or message.name or message.scenario or self.name
        return {**message.parts, **message.labels, "key": message.key, "slot": slot, "from": _moment(now),
                "until": _moment(now + self.settings.days * 86_400)}  # fmt: skip

    def send(self, messages: Iterable[Message]) -> Iterator[tuple[str, Answer]]:
        for group in batches(messages, self.batch):
            answer = self._show(group)
            yield from ((message.key, answer or Sent(message.key)) for message in group)

    def _show(self, group: Iterable[Message]) -> Answer | None:
        try:
            with locked(self._path):
                customers = self._current()
                if customers is None:
                    return Failed("blocked", f"{self._target} is there already and is not a feed")
                for message in group:
                    self._put(customers.setdefault(message.customer, []), message)
                self._replace(customers)
        except OSError as error:
            return RetryAfter(SILENCE, f"{self._target} cannot be written: {error.strerror}", of_channel=True)
        return None

    def _replace(self, customers: Mapping[str, list[dict[str, Any]]]) -> None:
        head = {"updated": _moment(self._clock.time()), "customers": dict(sorted(customers.items()))}
        replace_file(self._path, (json_body(head), b"\n"))

    def forget(self, customer: str, addresses: Collection[str]) -> dict[str, int]:
        if not self._path.exists():
            return {}
        with locked(self._path):
            customers = self._current() or {}
            found = customers.pop(customer, [])
            if found:
                self._replace(customers)
        return {self._target: len(found)} if found else {}

    def _put(self, items: list[dict[str, Any]], message: Message) -> None:
        if any(item.get("key") == message.key for item in items):
            return
        item = self._item(message)
        items[:] = [item, *(other for other in items if other.get("slot") != item["slot"])]

    def _current(self) -> dict[str, list[dict[str, Any]]] | None:
        """Who is shown what now, without what has run out; None when the file is something else."""
        if not self._path.exists():
            return {}
        try:
            customers = json.loads(self._path.read_bytes())["customers"]
            now = _moment(self._clock.time())
            current = {who: [item for item in items if item["until"] > now] for who, items in customers.items()}
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None
        return {who: items for who, items in current.items() if items}

    def classify(self, response: Response, message: Message) -> Answer:
        return Sent(message.key)

    def parse_callback(self, body: bytes, headers: Mapping[str, str]) -> list[Receipt]:
        return parse_log(body)

    def close(self) -> None:
        pass


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
