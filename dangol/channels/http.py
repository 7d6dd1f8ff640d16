"""HTTP for channels: one request, and certainty about whether the provider may have acted on it."""

from __future__ import annotations

import json
import logging
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from dangol.channels.base import Answer, Clock, Message, Receipt, Request, Response, Surroundings, Unknown, Unsendable
from dangol.channels.pace import Guard, NothingDone, concurrently, retry
from dangol.channels.receipts import parse_log
from dangol.channels.settings import HttpSettings, Secrets

if TYPE_CHECKING:
    import ssl

    import httpx

BIGGEST_ANSWER = 32_000_000
"""Bytes of an answer that are read; a longer one is no answer."""
LONGEST_WAIT = 86_400.0


class Lost(Exception):
    """The request left, and no whole answer came back."""


@cache
def _trusted() -> ssl.SSLContext:
    """The certificates that are trusted; reading them takes longer than many a request."""
    import httpx

    return httpx.create_ssl_context()


class Transport:
    """Connections to one provider, kept open between requests; may be used by several threads."""

    def __init__(self, settings: HttpSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock

    @cached_property
    def _client(self) -> httpx.Client:
        import httpx

        logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs URLs, and a URL may be a secret
        most = self._settings.concurrency
        limits = httpx.Limits(max_connections=most, max_keepalive_connections=most, keepalive_expiry=5)
        return httpx.Client(timeout=self._settings.timeout, limits=limits, follow_redirects=False, verify=_trusted())

    def exchange(self, request: Request) -> Response:
        """The whole answer to the request.

        Raises NothingDone when it did not leave, Lost when it left without a whole answer, Unsendable when it cannot
        be written.
        """
        import httpx

        try:
            return self._exchange(request)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError) as error:
            raise NothingDone(f"no connection ({type(error).__name__})") from None
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError, UnicodeError):
            raise Unsendable("blocked", "the request cannot be written: look at the address and the secrets") from None
        except (httpx.HTTPError, httpx.StreamError) as error:
            raise Lost(f"no whole answer ({type(error).__name__})") from None

    def _exchange(self, request: Request) -> Response:
        until = self._clock.monotonic() + self._settings.deadline
        headers = {"user-agent": "dangol", **request.headers}
        with self._client.stream(request.method, request.target, headers=headers, content=request.body) as answer:
            body = bytearray()
            for piece in answer.iter_bytes():
                body += piece
                if len(body) > BIGGEST_ANSWER or self._clock.monotonic() > until:
                    raise Lost("the answer is too long or too slow")
            return Response(answer.status_code, dict(answer.headers), bytes(body))

    def close(self) -> None:
        if "_client" in self.__dict__:
            self._client.close()
            del self._client


def retry_after(response: Response, clock: Clock) -> float | None:
    """The seconds that a Retry-After header asks for (a number or a date), at most a day; None without one."""
    from email.utils import parsedate_to_datetime

    text = response.headers.get("retry-after", "").strip()
    try:
        seconds = float(text) if text.replace(".", "", 1).isdigit() else (
            parsedate_to_datetime(text).timestamp() - clock.time()
        )  # fmt: skip
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(seconds, 0.0), LONGEST_WAIT)


def json_of(response: Response) -> dict[str, Any] | None:
    """The object in an answer; None when it is anything else."""
    try:
        value = json.loads(response.body)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def excerpt(response: Response) -> str:
    """An answer, for a reason; it is cut only after secrets have been taken out, so that none stays in half."""
    text = response.body[:100_000].decode("utf-8", "replace").strip()
    return f"HTTP {response.status}" + (f": {text}" if text else "")


_Settings = TypeVar("_Settings", bound=HttpSettings)


class HttpChannel(ABC, Generic[_Settings]):
    """A channel with one request per message; a module says what the request is and what an answer means."""

    idempotent = False
    batch = 100
    addressed = True

    def __init__(self, name: str, settings: _Settings, around: Surroundings) -> None:
        self.name = name
        self.settings = settings
        self.clock = around.clock
        self.secrets = Secrets(around.environ)
        self.rate = settings.rate
        self.transport = Transport(settings, around.clock)
        self.guard = Guard(settings.rate, around.clock, self.secrets.redact)

    @abstractmethod
    def build(self, message: Message) -> Request: ...

    @abstractmethod
    def classify(self, response: Response, message: Message) -> Answer: ...

    def sign(self, request: Request) -> Request:
        """The request as it leaves, with its secrets; asked anew for every attempt."""
        return request

    def nothing_done(self, response: Response) -> NothingDone | None:
        """What to raise for an answer by which the provider says that it did nothing and may be asked again."""
        return self.busy(response) if response.status == 429 else None

    def busy(self, response: Response, least: float = 0.0) -> NothingDone:
        """NothingDone with the wait that the answer asks for, at least `least` seconds."""
        asked = retry_after(response, self.clock)
        seconds = max(asked, least) if asked is not None else (least or None)
        return NothingDone(excerpt(response), seconds)

    def send(self, messages: Iterable[Message]) -> Iterator[tuple[str, Answer]]:
        return concurrently(messages, self._answer, self.settings.concurrency)

    def _answer(self, message: Message) -> Answer:
        def work() -> Answer:
            response = self.post(self.build(message))
            return response if isinstance(response, Unknown) else self.classify(response, message)

        return self.guard.answer(work)

    def post(self, request: Request) -> Response | Unknown:
        """The answer, asked for again only while the provider has done nothing. Raises NothingDone, Unsendable."""
        try:
            return retry(lambda: self._once(request), self.settings.attempts, self.clock)
        except Lost as error:
            return Unknown(str(error))

    def _once(self, request: Request) -> Response:
        response = self.transport.exchange(self.sign(request))
        if (nothing := self.nothing_done(response)) is not None:
            raise nothing
        return response

    def parse_callback(self, body: bytes, headers: Mapping[str, str]) -> list[Receipt]:
        return parse_log(body)

    def close(self) -> None:
        self.transport.close()


def with_headers(request: Request, **headers: str) -> Request:
    """The request with more headers; `_` in a name stands for `-`."""
    added = {name.replace("_", "-"): value for name, value in headers.items()}
    return replace(request, headers={**request.headers, **added})


def json_body(value: object) -> bytes:
    """Compact JSON in UTF-8, as it is signed and sent."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
