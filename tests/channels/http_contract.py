"""What every channel over HTTP must do when the provider or the network misbehaves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from dangol.channels import pace
from dangol.channels.base import Channel, Clock, Failed, RetryAfter, Sent, Surroundings, Unknown
from dangol.channels.registry import open_channel
from tests.channels.contract import ChannelContract
from tests.channels.doubles import FakeClock, Got, Provider, Reply, free_port, provider


class HttpContract(ChannelContract):
    """Subclasses also give `answer`, the well-behaved provider, which checks signatures; `refuse`, how it says that it
    does not believe us; and `url_setting`, the name of the setting with its address."""

    url_setting = "endpoint"
    refuse = Reply(401)
    per_request = 1

    def answer(self, got: Got) -> Reply:
        raise NotImplementedError

    def own_settings(self) -> dict[str, Any]:
        raise NotImplementedError

    @pytest.fixture
    def server(self) -> Iterator[Provider]:
        with provider(lambda got: self.answer(got)) as server:
            self.provider = server
            yield server

    @pytest.fixture
    def settings(self, server: Provider) -> dict[str, Any]:
        return {**self.own_settings(), self.url_setting: server.url, "timeout": 0.8}

    @pytest.fixture
    def single(self, settings: dict[str, Any], around: Surroundings) -> Iterator[Channel]:
        """The channel with one request at a time."""
        channel = open_channel("test", {**settings, "concurrency": 1}, around)
        yield channel
        channel.close()

    def sends(self) -> int:
        """Requests with messages that the provider has read."""
        return len([got for got in self.provider.got if not got.path.startswith("/token")])

    def warm(self, channel: Channel) -> None:
        """Whatever the channel asks for before its first message."""
        self.send(channel, self.message(99))
        self.provider.got.clear()

    @pytest.mark.parametrize("how", ["slow", "half", "garbage", "swallow", "hang up"])
    def test_no_whole_answer_is_unknown_and_not_sent_again(self, single: Channel, how: str) -> None:
        self.warm(single)
        self.provider.misbehave(how)
        answer = self.send(single, self.message())[self.message().key]
        assert isinstance(answer, Unknown), answer
        assert self.sends() == (0 if how == "hang up" else 1)
        assert isinstance(self.send(single, self.message(2))[self.message(2).key], Sent)

    def test_a_dripping_answer_ends(self, settings: dict[str, Any], around: Surroundings, server: Provider) -> None:
        channel = open_channel("test", {**settings, "deadline": 0.4}, replace(around, clock=Clock(around.clock.time)))
        self.warm(channel)
        server.misbehave("drip")
        assert isinstance(self.send(channel, self.message())[self.message().key], Unknown)
        channel.close()

    def test_an_answer_given_twice(self, single: Channel, server: Provider) -> None:
        self.warm(single)
        reply = self.answer(self.probe(single, server))
        server.next.append(replace(reply, misbehave="twice"))
        assert isinstance(self.send(single, self.message(1))[self.message(1).key], Sent)
        assert isinstance(self.send(single, self.message(2))[self.message(2).key], Sent)

    def probe(self, channel: Channel, server: Provider) -> Got:
        """The request for message 1 as the provider reads it."""
        self.send(channel, self.message(1))
        got = server.got[-1]
        server.got.clear()
        return got

    def test_busy_for_a_moment(self, single: Channel, server: Provider, time: FakeClock) -> None:
        self.warm(single)
        server.next.append(Reply(429, headers={"Retry-After": str(self.least_wait)}))
        answer = self.send(single, self.message())[self.message().key]
        if self.least_wait <= pace.PATIENCE:
            assert isinstance(answer, Sent)
            assert time.slept == [self.least_wait]
            assert self.sends() == 2
        else:
            assert isinstance(answer, RetryAfter)
            assert answer.seconds == self.least_wait

    least_wait = 3

    @pytest.mark.parametrize("value", ["7200", "Wed, 18 Nov 2026 13:06:40 GMT"])
    def test_busy_for_long(self, single: Channel, server: Provider, time: FakeClock, value: str) -> None:
        self.warm(single)
        server.next.append(Reply(429, headers={"Retry-After": value}))
        answers = self.send(single, *(self.message(number) for number in range(1, 20)))
        assert {(type(answer), round(answer.seconds)) for answer in answers.values()} == {(RetryAfter, 7200)}
        assert self.sends() == 1
        assert time.slept == []
        time.now += 7200
        assert isinstance(self.send(single, self.message(1))[self.message(1).key], Sent)

    @pytest.mark.parametrize("value", ["soon", "-5", "", "nan", "1e999"])
    def test_busy_without_a_readable_time(self, single: Channel, server: Provider, value: str) -> None:
        self.warm(single)
        server.next.extend([Reply(429, headers={"Retry-After": value})] * 3)
        answer = self.send(single, self.message())[self.message().key]
        assert isinstance(answer, RetryAfter)
        assert answer.of_channel
        assert 0 <= answer.seconds <= 86_400
        assert self.sends() <= 3

    def test_nobody_is_there(self, settings: dict[str, Any], around: Surroundings, time: FakeClock) -> None:
        url = f"http://127.0.0.1:{free_port()}"
        changed = {name: value.replace(self.provider.url, url) if isinstance(value, str) else value
                   for name, value in settings.items()}  # fmt: skip
        channel = open_channel("test", {**changed, "concurrency": 1}, around)
        answers = self.send(channel, *(self.message(number) for number in range(1, 20)))
        assert {type(answer) for answer in answers.values()} == {RetryAfter}
        assert len(time.slept) == 2
        assert self.arrived() == []

    def test_not_believed(self, single: Channel, server: Provider) -> None:
        self.warm(single)
        server.answer = lambda got: self.refuse
        answers = self.send(single, *(self.message(number) for number in range(1, 51)))
        assert {answer.kind for answer in answers.values() if isinstance(answer, Failed)} == {"auth"}
        assert self.sends() == 1

    def test_not_believed_with_many_under_way(self, channel: Channel, server: Provider) -> None:
        self.warm(channel)
        server.answer = lambda got: self.refuse
        answers = self.send(channel, *(self.message(number) for number in range(1, 101)))
        assert all(isinstance(answer, Failed) and answer.stops for answer in answers.values())
        assert self.sends() <= 8

    def test_believed_again_after_a_while(self, single: Channel, server: Provider, time: FakeClock) -> None:
        self.warm(single)
        server.next.append(self.refuse)
        assert isinstance(self.send(single, self.message())[self.message().key], Failed)
        assert isinstance(self.send(single, self.message())[self.message().key], Failed)
        time.now += pace.COOLDOWN
        assert isinstance(self.send(single, self.message())[self.message().key], Sent)

    def test_an_outage_makes_few_unknown(self, single: Channel, server: Provider) -> None:
        self.warm(single)
        server.answer = lambda got: Reply(misbehave="swallow")
        kinds = []
        for number in range(1, 21):
            kinds += [type(answer) for _, answer in single.send([self.message(number)])]
        assert kinds == [Unknown] * pace.STRIKES + [RetryAfter] * (20 - pace.STRIKES)

    def test_reasons_hide_what_the_provider_repeats(self, single: Channel, server: Provider) -> None:
        self.warm(single)
        server.answer = lambda got: Reply(400, " ".join((*self.environ.values(), *got.headers.values())).encode())
        answer = self.send(single, self.message())[self.message().key]
        assert isinstance(answer, Failed)
        for value in self.environ.values():
            assert value not in answer.reason
            assert value[:20] not in answer.reason

    def test_redirects_are_not_followed(self, single: Channel, server: Provider) -> None:
        self.warm(single)
        server.next.append(Reply(307, headers={"Location": f"{server.url}/elsewhere"}))
        assert not isinstance(self.send(single, self.message())[self.message().key], Sent)
        assert self.sends() == 1

    def test_half_the_messages_are_read(self, channel: Channel) -> None:
        """Who stops iterating gets no more answers, and no more is sent than was under way."""
        self.warm(channel)
        sending = channel.send(self.message(number) for number in range(1, 5_001))
        next(iter(sending))
        sending.close()  # type: ignore[attr-defined]
        assert len(self.arrived()) <= max(self.per_request, 40) + 1
