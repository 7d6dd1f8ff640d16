"""Rates, retries, the breaker, and messages in parallel."""

from __future__ import annotations

import threading
import time as system

import pytest

from dangol.channels.base import Answer, Failed, Message, RetryAfter, Sent, Unknown
from dangol.channels.pace import Breaker, Guard, NothingDone, Rate, batches, concurrently, retry
from tests.channels.contract import message
from tests.channels.doubles import FakeClock


def test_a_rate_holds_on_average() -> None:
    time = FakeClock()
    rate, start = Rate(5, time.clock), time.now
    for _ in range(50):
        rate.take()
    assert time.now - start == pytest.approx(9.0)


def test_a_rate_lets_through_what_was_saved_up_but_no_more() -> None:
    time = FakeClock()
    rate = Rate(5, time.clock)
    time.now += 3600
    for _ in range(5):
        rate.take()
    assert time.slept == []
    rate.take()
    assert time.slept == [pytest.approx(0.2)]


@pytest.mark.parametrize("per_second", [0.5, 1, 7])
def test_a_rate_for_many_at_once(per_second: float) -> None:
    time = FakeClock()
    rate, start = Rate(per_second, time.clock), time.now
    rate.take(100)
    rate.take(100)
    assert time.now - start == pytest.approx((200 - max(per_second, 1)) / per_second)


def test_a_clock_that_steps_back_gains_nothing() -> None:
    time = FakeClock()
    rate = Rate(1, time.clock)
    rate.take()
    time.now -= 3600
    rate.take()
    assert time.slept == [pytest.approx(1.0)]


def test_a_rate_is_shared_by_threads() -> None:
    time = FakeClock()
    rate = Rate(100, time.clock)
    threads = [threading.Thread(target=lambda: [rate.take() for _ in range(50)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(time.slept) >= 3.0


def test_retrying_backs_off_and_gives_up() -> None:
    time, tries = FakeClock(), []

    def work() -> None:
        tries.append(1)
        raise NothingDone("busy")

    with pytest.raises(NothingDone):
        retry(work, 5, time.clock)
    assert len(tries) == 5
    assert len(time.slept) == 4
    assert all(0 <= wait <= 20 for wait in time.slept)


def test_only_where_nothing_was_done() -> None:
    tries: list[int] = []

    def work() -> None:
        tries.append(1)
        raise ValueError("the request left")

    with pytest.raises(ValueError, match="left"):
        retry(work, 5, FakeClock().clock)
    assert len(tries) == 1


class TestBreaker:
    @pytest.mark.parametrize("kind", ["auth", "balance", "blocked"])
    def test_failures_of_the_channel(self, kind: str) -> None:
        time = FakeClock()
        breaker, failed = Breaker(time.clock), Failed(kind, "no")  # type: ignore[arg-type]
        breaker.record(failed)
        assert breaker.refusal() == failed
        time.now += 300
        assert breaker.refusal() is None

    @pytest.mark.parametrize(
        "answer",
        [Sent(), Failed("address", ""), Failed("content", ""), Failed("sender", ""), RetryAfter(5, ""), Unknown("")],
    )
    def test_failures_of_a_message(self, answer: Answer) -> None:
        breaker = Breaker(FakeClock().clock)
        breaker.record(answer)
        assert breaker.refusal() is None

    def test_what_is_left_of_a_wait(self) -> None:
        time = FakeClock()
        breaker = Breaker(time.clock)
        breaker.record(RetryAfter(100, "busy", of_channel=True))
        time.now += 40
        refusal = breaker.refusal()
        assert isinstance(refusal, RetryAfter)
        assert refusal.seconds == pytest.approx(60)

    def test_an_answer_in_between_clears_the_strikes(self) -> None:
        breaker = Breaker(FakeClock().clock)
        for answer in [Unknown(""), Unknown(""), Unknown(""), Unknown(""), Sent()] * 3:
            breaker.record(answer)
        assert breaker.refusal() is None
        for _ in range(5):
            breaker.record(Unknown(""))
        assert isinstance(breaker.refusal(), RetryAfter)


def test_a_bug_is_unknown() -> None:
    guard = Guard(None, FakeClock().clock, str)

    def work() -> Answer:
        raise RuntimeError("with a secret in it")

    assert guard.answer(work) == Unknown("unexpected RuntimeError")


@pytest.mark.parametrize("workers", [1, 4])
def test_in_parallel_everything_once(workers: int) -> None:
    under_way: list[int] = []
    most: list[int] = []

    def answer(one: Message) -> Answer:
        under_way.append(1)
        most.append(len(under_way))
        system.sleep(0.001)
        under_way.pop()
        return Sent(one.key)

    messages = [message(number) for number in range(60)]
    answers = list(concurrently(messages, answer, workers))
    assert sorted(key for key, _ in answers) == sorted(one.key for one in messages)
    assert all(answer == Sent(key) for key, answer in answers)
    assert max(most) <= workers


def test_in_parallel_little_is_taken_ahead() -> None:
    taken: list[int] = []

    def messages() -> object:
        for number in range(1000):
            taken.append(number)
            yield message(number)

    answers = concurrently(messages(), lambda one: Sent(), 4)  # type: ignore[arg-type]
    next(answers)
    assert len(taken) <= 9
    answers.close()  # type: ignore[attr-defined]


def test_batches() -> None:
    assert [len(group) for group in batches([message()] * 7, 3)] == [3, 3, 1]
    assert list(batches([], 3)) == []
