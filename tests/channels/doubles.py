"""Providers on this machine: real sockets that check what they are sent and misbehave on demand."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from dangol.channels.base import Clock


class FakeClock:
    """Time that passes only while somebody sleeps."""

    def __init__(self, start: float = 1_795_000_000.0) -> None:
        self.now = start
        self.slept: list[float] = []
        self._lock = threading.Lock()

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.slept.append(seconds)
            self.now += seconds

    @property
    def clock(self) -> Clock:
        return Clock(lambda: self.now, lambda: self.now, self.sleep)


@dataclass(frozen=True)
class Got:
    """A request as the server read it."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    """What the server does with one request.

    `misbehave`: "slow" (answers after the client's patience), "drip" (a byte now and then, for ever), "half" (the
    body ends early), "garbage" (no HTTP), "twice" (the answer two times), "hang up" (without reading the body),
    "swallow" (reads everything, then hangs up).
    """

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    misbehave: str = ""


def json_reply(value: object, status: int = 200, **headers: str) -> Reply:
    return Reply(status, json.dumps(value).encode(), {name.replace("_", "-"): text for name, text in headers.items()})


class Provider:
    """`answer` is asked for every request that no reply was put aside for; `got` is what was read whole."""

    def __init__(self, answer: Callable[[Got], Reply] = lambda got: Reply()) -> None:
        self.answer = answer
        self.next: deque[Reply] = deque()
        self.got: list[Got] = []
        self.stopping = threading.Event()
        provider = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 5

            def do_POST(self) -> None:
                provider._serve(self)

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

            def handle_error(self, *_: object) -> None:
                pass

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()

    def misbehave(self, how: str, times: int = 1) -> None:
        self.next.extend([Reply(misbehave=how)] * times)

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        reply = None
        with suppress(IndexError):
            reply = self.next.popleft()
        if reply is not None and reply.misbehave == "hang up":
            return self._hang_up(handler)
        body = handler.rfile.read(int(handler.headers.get("content-length", 0)))
        got = Got(handler.path, {name.lower(): value for name, value in handler.headers.items()}, body)
        self.got.append(got)
        reply = reply or self.answer(got)
        with suppress(OSError):
            self._reply(handler, reply)
        return None

    def _reply(self, handler: BaseHTTPRequestHandler, reply: Reply) -> None:
        if reply.misbehave == "slow":
            self.stopping.wait(1.0)
        if reply.misbehave == "swallow":
            return self._hang_up(handler)
        if reply.misbehave == "garbage":
            handler.wfile.write(b"\x00\xff this is not HTTP \r\n\r\n")
            return self._hang_up(handler)
        lines = [f"HTTP/1.1 {reply.status} X", f"Content-Length: {len(reply.body) + 10 * (reply.misbehave == 'half')}"]
        lines += [f"{name}: {value}" for name, value in reply.headers.items()]
        whole = "\r\n".join(lines).encode() + b"\r\n\r\n" + reply.body
        if reply.misbehave == "drip":
            return self._drip(handler)
        handler.wfile.write(whole * (2 if reply.misbehave == "twice" else 1))
        handler.wfile.flush()
        return self._hang_up(handler) if reply.misbehave in ("half", "twice") else None

    def _drip(self, handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 X\r\nContent-Length: 100000\r\n\r\n")
        while not self.stopping.wait(0.05):
            handler.wfile.write(b" ")
            handler.wfile.flush()

    @staticmethod
    def _hang_up(handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True
        with suppress(OSError):
            handler.connection.shutdown(socket.SHUT_RDWR)
        handler.connection.close()


@contextmanager
def provider(answer: Callable[[Got], Reply] = lambda got: Reply()) -> Iterator[Provider]:
    server = Provider(answer)
    try:
        yield server
    finally:
        server.stop()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(true: Callable[[], bool], seconds: float = 3) -> None:
    until = time.monotonic() + seconds
    while not true() and time.monotonic() < until:
        time.sleep(0.01)
    assert true()
