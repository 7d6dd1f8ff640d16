"""Webhooks: signed as Standard Webhooks has it, checked with its reference library."""

from __future__ import annotations

import base64
import json
import time as system
from datetime import UTC, datetime
from typing import Any, ClassVar

import pytest
from standardwebhooks.webhooks import Webhook as Reference
from standardwebhooks.webhooks import WebhookVerificationError

from dangol.channels.base import CallbackError, Channel, Clock, Failed, RetryAfter, Sent, Surroundings, Unknown
from dangol.channels.registry import open_channel
from tests.channels.contract import only
from tests.channels.doubles import FakeClock, Got, Provider, Reply
from tests.channels.http_contract import HttpContract

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()


class TestWebhook(HttpContract):
    environ: ClassVar[dict[str, str]] = {"HOOK_SECRET": SECRET}
    url_setting = "url"

    def own_settings(self) -> dict[str, Any]:
        return {"provider": "webhook", "secret": "env:HOOK_SECRET"}

    @pytest.fixture
    def time(self) -> FakeClock:
        return FakeClock()

    def address(self, number: int) -> str | None:
        return f"user{number}"

    def answer(self, got: Got) -> Reply:
        signed = {**got.headers, "webhook-timestamp": got.headers["webhook-timestamp"]}
        try:
            verify(signed, got.body)
        except WebhookVerificationError:
            return Reply(401)
        assert got.headers["webhook-id"] == got.json["data"]["key"]
        return Reply(200)

    def arrived(self) -> list[str]:
        return [got.headers["webhook-id"] for got in self.provider.got]

    def once(self) -> bool:
        return len(set(self.arrived())) == 1  # the receiver keeps to one per id

    def test_what_is_sent(self, channel: Channel, server: Provider) -> None:
        answer = self.send(channel, self.message())[self.message().key]
        assert answer == Sent(self.message().key)
        body = server.got[0].json
        assert (body["type"], body["timestamp"]) == ("message", "2026-11-18T11:06:40Z")
        assert body["data"]["parts"] == dict(self.message().parts)
        assert body["data"]["customer"] == "customer-1"
        assert "장바구니".encode() in server.got[0].body

    def test_a_wrong_secret_is_noticed(self, settings: dict[str, Any], around: Surroundings) -> None:
        other = "whsec_" + base64.b64encode(b"x" * 32).decode()
        channel = open_channel("test", settings, Surroundings(around.folder, {"HOOK_SECRET": other}, around.clock))
        answer = self.send(channel, self.message())[self.message().key]
        assert isinstance(answer, Failed)
        assert answer.kind == "auth"

    @pytest.mark.parametrize("secret", ["whsec_", "not base64!", "whsec_c2hvcnQ=", "x" * 500])
    def test_a_secret_that_is_none(self, settings: dict[str, Any], around: Surroundings, secret: str) -> None:
        channel = open_channel("test", settings, Surroundings(around.folder, {"HOOK_SECRET": secret}, around.clock))
        answer = self.send(channel, self.message())[self.message().key]
        assert isinstance(answer, Failed)
        assert "HOOK_SECRET" in answer.reason

    @pytest.mark.parametrize(
        ("status", "expected"),
        [(200, Sent), (204, Sent), (301, "blocked"), (400, "content"), (401, "auth"), (403, "auth"), (404, "blocked"),
         (410, "blocked"), (408, Unknown), (500, Unknown), (422, "content")],
    )  # fmt: skip
    def test_statuses(self, single: Channel, server: Provider, status: int, expected: Any) -> None:
        server.next.append(Reply(status, b"because"))
        answer = self.send(single, self.message())[self.message().key]
        assert answer.kind == expected if isinstance(answer, Failed) else isinstance(answer, expected)

    @pytest.mark.parametrize("status", [502, 503, 504])
    def test_throttled(self, single: Channel, server: Provider, status: int) -> None:
        server.next.extend([Reply(status, headers={"Retry-After": "1"})] * 3)
        assert isinstance(self.send(single, self.message())[self.message().key], RetryAfter)
        assert len({got.headers["webhook-id"] for got in server.got}) == 1

    def test_the_url_may_be_a_secret(self, settings: dict[str, Any], around: Surroundings, server: Provider) -> None:
        environ = {**self.environ, "HOOK_URL": f"{server.url}/hooks/very-secret-path"}
        channel = open_channel("test", {**settings, "url": "env:HOOK_URL"},
                               Surroundings(around.folder, environ, around.clock))  # fmt: skip
        assert isinstance(self.send(channel, self.message(1))[self.message(1).key], Sent)
        assert server.got[0].path == "/hooks/very-secret-path"
        assert channel.build(self.message()).target == "env:HOOK_URL"
        server.answer = lambda got: Reply(400, environ["HOOK_URL"].encode())
        answer = self.send(channel, self.message(2))[self.message(2).key]
        assert isinstance(answer, Failed)
        assert "very-secret" not in answer.reason

    @pytest.mark.parametrize(
        "url", ["http://shop.example/hook", "ftp://x", "shop.example", "", "https://", "http://[::1"]
    )
    def test_urls_that_are_refused(self, settings: dict[str, Any], around: Surroundings, url: str) -> None:
        with pytest.raises(Exception, match="https://"):
            open_channel("test", {**settings, "url": url}, around)
        channel = open_channel("test", {**settings, "url": "env:URL"},
                               Surroundings(around.folder, {**self.environ, "URL": url}, around.clock))  # fmt: skip
        answer = self.send(channel, self.message())[self.message().key]
        assert isinstance(answer, Failed)
        assert answer.stops

    def test_an_address_is_asked_for_only_if_wanted(self, settings: dict[str, Any], around: Surroundings) -> None:
        channel = open_channel("test", {**settings, "addressed": True}, around)
        assert channel.addressed
        answer = self.send(channel, self.message(address=None))[self.message().key]
        assert isinstance(answer, Failed)

    def test_callbacks(self, settings: dict[str, Any], around: Surroundings) -> None:
        channel = open_channel("test", settings, Surroundings(around.folder, self.environ, Clock()))
        body = json.dumps([{"event": "clicked", "key": "k1", "time": "2026-11-18T11:00:00+09:00", "url": "https://x"}])
        now = datetime.now(UTC)
        headers = {"Webhook-Id": "m1", "Webhook-Timestamp": str(int(now.timestamp())),
                   "Webhook-Signature": "v1,bm8= " + Reference(SECRET).sign("m1", now, body)}  # fmt: skip
        receipt = only(channel.parse_callback(body.encode(), headers))
        assert (receipt.event, receipt.key, receipt.time) == ("clicked", "k1", 1_794_967_200_000_000)
        for name, value in (("Webhook-Signature", "v1,bm8="), ("Webhook-Timestamp", str(int(system.time()) - 3600)),
                            ("Webhook-Timestamp", "²"), ("Webhook-Id", "m2"), ("Webhook-Signature", "ü")):  # fmt: skip
            with pytest.raises(CallbackError):
                channel.parse_callback(body.encode(), {**headers, name: value})
        with pytest.raises(CallbackError):
            channel.parse_callback(body.encode() + b" ", headers)


def verify(headers: dict[str, str], body: bytes) -> None:
    """The reference library's check, at the time that the sender says it is."""
    reference = Reference(SECRET)
    stamp = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
    expected = reference.sign(headers["webhook-id"], stamp, body.decode())
    if expected not in headers["webhook-signature"].split(" "):
        raise WebhookVerificationError("wrong")
