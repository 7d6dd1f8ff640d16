"""What every channel must do; each module's test subclasses this and says how to make its channel."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any, ClassVar

import pytest

from dangol.channels.base import (
    Answer,
    CallbackError,
    Channel,
    Failed,
    Message,
    Receipt,
    Request,
    Response,
    RetryAfter,
    Sent,
    Surroundings,
    Unknown,
    send_key,
)
from dangol.channels.registry import declare, open_channel
from dangol.diagnostics import DangolError
from tests.channels.doubles import FakeClock

SECRET = "s3cr3t-value-that-nobody-may-see"
GARBAGE = [b"", b"{", b"\xff\xfe\x00", b"null", b"[1]", b"[[]]", b"{}", b'{"event":"sent"}', b"[" * 5000, b"a=b&c",
           b'[{"data":[]}]', b'{"event":"opened","key":"k","time":"yesterday"}', b"Subject: hi\n\nhello"]  # fmt: skip

STATUSES = [0, 100, 200, 250, 299, 301, 400, 404, 421, 450, 500, 503, 550, 599, 999]
BODIES = [b"", b"{", b'{"error":[]}', b'{"groupInfo":7}', b"5.1.1 no", b"\xff"]


def message(number: int = 1, **changes: Any) -> Message:
    """A message with Korean text, an emoji and every part that some channel wants."""
    parts = {"title": "(광고) 당골", "body": "장바구니가 기다려요 🛒\r\n.점 하나", "subject": "(광고) 장바구니 소식"}
    base = Message(send_key("test", number), f"customer-{number}", None, parts, "cart_rescue", "rescue", 2, "discount",
                   "cart_reminder", "test", "advertising")  # fmt: skip
    return replace(base, **changes)


class ChannelContract:
    """Subclasses give `settings`, `environ` and an `address`, and `arrived`: the keys that reached the other side."""

    environ: ClassVar[dict[str, str]]

    @pytest.fixture
    def settings(self) -> dict[str, Any]:
        raise NotImplementedError

    def address(self, number: int) -> str | None:
        raise NotImplementedError

    def arrived(self) -> list[str]:
        raise NotImplementedError

    @pytest.fixture
    def time(self) -> FakeClock:
        return FakeClock()

    @pytest.fixture
    def around(self, tmp_path: Path, time: FakeClock) -> Surroundings:
        return Surroundings(tmp_path, self.environ, time.clock)

    @pytest.fixture
    def channel(self, settings: dict[str, Any], around: Surroundings) -> Iterator[Channel]:
        channel = open_channel("test", settings, around)
        yield channel
        channel.close()

    def message(self, number: int = 1, **changes: Any) -> Message:
        return message(number, **{"address": self.address(number), **changes})

    def send(self, channel: Channel, *messages: Message) -> dict[str, Answer]:
        answers = list(channel.send(messages))
        assert len(answers) == len(messages), "every message is answered exactly once"
        return dict(answers)

    # --- the contract -----------------------------------------------------------------------------------------------

    def test_describes_itself(self, channel: Channel) -> None:
        assert channel.name == "test"
        assert isinstance(channel.idempotent, bool)
        assert isinstance(channel.addressed, bool)
        assert channel.batch >= 1
        assert channel.rate is None or channel.rate > 0
        for name, member in inspect.getmembers(Channel, inspect.isfunction):
            if not name.startswith("_"):
                assert list(inspect.signature(getattr(channel, name)).parameters) == [
                    parameter for parameter in inspect.signature(member).parameters if parameter != "self"
                ]

    def test_answers_every_message_once(self, channel: Channel) -> None:
        messages = [self.message(number) for number in range(1, 31)]
        answers = self.send(channel, *messages)
        assert {message.key for message in messages} == set(answers)
        assert {type(answer) for answer in answers.values()} == {Sent}
        assert sorted(self.arrived()) == sorted(answers)

    def test_nothing_to_send(self, channel: Channel) -> None:
        assert list(channel.send([])) == []
        assert self.arrived() == []

    def test_sends_while_it_is_iterated(self, channel: Channel) -> None:
        sending = channel.send(iter([self.message()]))
        assert self.arrived() == []
        assert [type(answer) for _, answer in sending] == [Sent]

    def test_may_be_used_again_after_closing(self, channel: Channel) -> None:
        self.send(channel, self.message(1))
        channel.close()
        channel.close()
        assert isinstance(self.send(channel, self.message(2))[self.message(2).key], Sent)

    def test_the_same_key_again(self, channel: Channel) -> None:
        for _ in range(2):
            assert isinstance(self.send(channel, self.message())[self.message().key], Sent)
        assert len(set(self.arrived())) == 1
        if channel.idempotent:
            assert self.once()

    def once(self) -> bool:
        """Whether the other side ended up with the message once, for channels that promise it."""
        return len(self.arrived()) == 1

    def test_without_an_address(self, channel: Channel) -> None:
        if channel.addressed:
            for address in (None, "", "  "):
                answer = self.send(channel, self.message(address=address))[self.message().key]
                assert isinstance(answer, Failed)
                assert answer.kind == "address"
            assert self.arrived() == []

    def test_characters_that_are_none(self, channel: Channel) -> None:
        for number, text in enumerate(("a\ud800b", "\x00\x1b[31m", "\u202e\ufeff", "\U0001f9ff" * 50)):
            one = self.message(number, customer=f"c{text}", parts={"subject": text, "title": text, "body": text})
            answer = self.send(channel, one)[one.key]
            assert isinstance(answer, Sent | Failed), answer
            assert not isinstance(answer, Failed) or answer.kind == "content"

    def test_building_sends_nothing_and_is_repeatable(self, channel: Channel) -> None:
        first, second = channel.build(self.message()), channel.build(self.message())
        assert isinstance(first, Request)
        assert first == second
        assert self.arrived() == []

    def test_a_request_holds_no_secret(self, channel: Channel) -> None:
        request = channel.build(self.message())
        for value in self.environ.values():
            assert value not in repr(request)
            assert value.encode() not in request.body

    def test_nothing_shows_a_secret(self, channel: Channel, settings: dict[str, Any]) -> None:
        self.send(channel, self.message())
        declared = declare("test", settings)
        shown = repr(channel) + repr(declared) + repr(vars(channel)) + str(declared.settings)
        assert declared.missing({}) == tuple(sorted(self.environ, key=declared.missing({}).index))
        assert declared.missing(self.environ) == ()
        for value in self.environ.values():
            assert value not in shown

    def test_a_missing_secret_stops_the_channel(self, settings: dict[str, Any], tmp_path: Path) -> None:
        if self.environ:
            channel = open_channel("test", settings, Surroundings(tmp_path, {}, FakeClock().clock))
            answers = self.send(channel, *(self.message(number) for number in range(1, 20)))
            assert {answer.kind for answer in answers.values() if isinstance(answer, Failed)} == {"auth"}
            assert all(isinstance(answer, Failed) and answer.stops for answer in answers.values())
            assert self.arrived() == []

    def test_a_secret_is_never_written_down(self, settings: dict[str, Any]) -> None:
        for name, value in settings.items():
            if isinstance(value, str) and value.startswith("env:"):
                with pytest.raises(DangolError) as error:
                    declare("test", {**settings, name: SECRET})
                assert SECRET not in str(error.value)
                assert SECRET not in repr(error.value.diagnostics)
                assert [d.code for d in error.value.diagnostics] == ["E050"]

    def test_unknown_settings_are_named(self, settings: dict[str, Any]) -> None:
        with pytest.raises(DangolError) as error:
            declare("test", {**settings, "colour": SECRET})
        assert "`colour` is not a setting" in str(error.value)
        assert SECRET not in str(error.value)

    def test_callbacks_that_are_none(self, channel: Channel) -> None:
        for body in GARBAGE:
            try:
                receipts = channel.parse_callback(body, {})
            except CallbackError:
                continue
            assert receipts == []

    def test_any_response_is_some_answer(self, channel: Channel) -> None:
        for status, body in product(STATUSES, BODIES):
            answer = channel.classify(Response(status, {}, body), self.message())
            assert isinstance(answer, Sent | RetryAfter | Unknown | Failed)


def only(receipts: list[Receipt]) -> Receipt:
    assert len(receipts) == 1
    return receipts[0]
