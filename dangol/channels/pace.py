"""How fast, how often and how long: rate limits, retries where nothing was done, and a breaker."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import islice
from typing import TypeVar

from dangol.channels.base import Answer, Clock, Failed, Message, RetryAfter, Sent, Unknown, Unsendable

_Result = TypeVar("_Result")

COOLDOWN = 300.0
"""Seconds for which nothing is tried after a failure of the channel."""
STRIKES = 5
"""So many sends in a row without an answer, and the channel is left alone for a while."""
SILENCE = 60.0
PATIENCE = 20.0
"""A wait longer than this is not slept through but answered with RetryAfter."""


class Rate:
    """A token bucket: `per_second` on average, one second's worth at once; None does not limit."""

    def __init__(self, per_second: float | None, clock: Clock) -> None:
        self._per_second = per_second
        self._clock = clock
        self._lock = threading.Lock()
        self._tokens = max(per_second or 0.0, 1.0)
        self._last = clock.monotonic()

    def take(self, count: int = 1) -> None:
        """Wait until `count` messages may go."""
        if self._per_second is not None:
            wait = self._debt(count, self._per_second)
            if wait > 0:
                self._clock.sleep(wait)

    def _debt(self, count: int, per_second: float) -> float:
        with self._lock:
            now = self._clock.monotonic()
            gained = max(now - self._last, 0.0) * per_second
            self._tokens = min(self._tokens + gained, max(per_second, 1.0)) - count
            self._last = now
            return -self._tokens / per_second


class NothingDone(Exception):
    """The provider has certainly done nothing; `seconds` is the wait it asks for, None if it names none."""

    def __init__(self, reason: str, seconds: float | None = None, of_channel: bool = True) -> None:
        super().__init__(reason)
        self.reason = reason
        self.seconds = seconds
        self.of_channel = of_channel


def retry(work: Callable[[], _Result], attempts: int, clock: Clock) -> _Result:
    """The result of `work`, tried again while it raises NothingDone: backing off, or as long as it asks.

    Raises the last NothingDone when the attempts are used up or the wait would be longer than PATIENCE.
    """
    from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_random_exponential

    back_off = wait_random_exponential(multiplier=0.2, max=PATIENCE)

    def wait(state: RetryCallState) -> float:
        asked = _asked(state)
        return asked if asked is not None else back_off(state)

    def stop(state: RetryCallState) -> bool:
        return state.attempt_number >= attempts or (_asked(state) or 0.0) > PATIENCE

    retrying = Retrying(
        sleep=clock.sleep, wait=wait, stop=stop, retry=retry_if_exception_type(NothingDone), reraise=True
    )
    return retrying(work)


def _asked(state: object) -> float | None:
    outcome = getattr(state, "outcome", None)
    error = outcome.exception() if outcome is not None else None
    return error.seconds if isinstance(error, NothingDone) else None


class Breaker:
    """Stops asking a provider that refuses or does not answer, so that one mistake does not fail every message."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._until = 0.0
        self._answer: Failed | RetryAfter | None = None
        self._strikes = 0

    def refusal(self) -> Failed | RetryAfter | None:
        """The answer for a message that is not tried; None when it may be."""
        with self._lock:
            left = self._until - self._clock.monotonic()
            if self._answer is None or left <= 0:
                return None
            return replace(self._answer, seconds=left) if isinstance(self._answer, RetryAfter) else self._answer

    def record(self, answer: Answer) -> None:
        """Learn from the answer to a message that was tried."""
        with self._lock:
            self._strikes = self._strikes + 1 if isinstance(answer, Unknown) else 0
            if isinstance(answer, Failed) and answer.stops:
                self._open(answer, COOLDOWN)
            elif isinstance(answer, RetryAfter) and answer.of_channel:
                self._open(answer, answer.seconds)
            elif self._strikes >= STRIKES:
                self._open(RetryAfter(SILENCE, f"no answer {STRIKES} times in a row", of_channel=True), SILENCE)

    def _open(self, answer: Failed | RetryAfter, seconds: float) -> None:
        self._answer = answer
        self._until = self._clock.monotonic() + seconds
        self._strikes = 0


class Guard:
    """What stands around every attempt: the breaker, the rate limit, and an answer whatever happens."""

    def __init__(self, rate: float | None, clock: Clock, redact: Callable[[str], str]) -> None:
        self.breaker = Breaker(clock)
        self._rate = Rate(rate, clock)
        self._redact = redact

    def answer(self, work: Callable[[], Answer], count: int = 1) -> Answer:
        """The answer of `work` for `count` messages, if it may be tried at all."""
        if (refusal := self.breaker.refusal()) is not None:
            return refusal
        self._rate.take(count)
        answer = self.shown(self._attempt(work))
        self.breaker.record(answer)
        return answer

    def _attempt(self, work: Callable[[], Answer]) -> Answer:
        try:
            return work()
        except Unsendable as error:
            return error.failed
        except NothingDone as error:
            return RetryAfter(SILENCE if error.seconds is None else error.seconds, error.reason, error.of_channel)
        except UnicodeEncodeError:
            return Failed("content", "the message has characters that cannot be sent")
        except Exception as error:  # the request may have left: no other answer is honest
            return Unknown(f"unexpected {type(error).__name__}")

    def shown(self, answer: Answer) -> Answer:
        """The answer without a secret in its reason."""
        return answer if isinstance(answer, Sent) else replace(answer, reason=self._redact(answer.reason))


def batches(messages: Iterable[Message], size: int) -> Iterator[list[Message]]:
    """The messages in lists of at most `size`."""
    source = iter(messages)
    while group := list(islice(source, size)):
        yield group


def concurrently(
    messages: Iterable[Message], answer: Callable[[Message], Answer], workers: int
) -> Iterator[tuple[str, Answer]]:
    """The key and answer of each message, `workers` at a time, taking few more from `messages` than are under way."""
    if workers == 1:
        for message in messages:
            yield message.key, answer(message)
        return
    from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

    pool = ThreadPoolExecutor(workers)
    pending: dict[Future[Answer], str] = {}
    try:
        for message in messages:
            pending[pool.submit(answer, message)] = message.key
            while len(pending) >= 2 * workers:
                for future in wait(pending, return_when=FIRST_COMPLETED).done:
                    yield pending.pop(future), future.result()
        while pending:
            for future in wait(pending, return_when=FIRST_COMPLETED).done:
                yield pending.pop(future), future.result()
    finally:
        pool.shutdown(cancel_futures=True)
