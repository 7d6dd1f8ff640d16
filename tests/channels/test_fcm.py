"""Push by FCM, against a double that checks the service account's signature, the token and the body."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from dangol.channels.base import Channel, Failed, RetryAfter, Sent, Surroundings, Unknown
from dangol.channels.registry import open_channel
from tests.channels.contract import only
from tests.channels.doubles import FakeClock, Got, Provider, Reply, json_reply
from tests.channels.http_contract import HttpContract

TOKEN = "ya29.an-access-token-nobody-may-see"


@cache
def keys() -> tuple[str, str]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()


def account(**changes: object) -> str:
    return json.dumps({"type": "service_account", "client_email": "crm@shop.iam.example", "private_key_id": "k1",
                       "private_key": keys()[0], "token_uri": "https://oauth2.example/token", **changes})  # fmt: skip


def fcm_error(status: int, code: str, *, of_request: bool = False) -> Reply:
    kind = "google.rpc.BadRequest" if of_request else "google.firebase.fcm.v1.FcmError"
    detail = {"@type": f"type.googleapis.com/{kind}", "errorCode": code}
    return json_reply({"error": {"code": status, "message": "no", "status": code, "details": [detail]}}, status)


class TestFcm(HttpContract):
    environ: ClassVar[dict[str, str]] = {"FCM": account()}
    least_wait = 60
    refuse = json_reply({"error": {"status": "UNAUTHENTICATED"}}, 401)

    def own_settings(self) -> dict[str, Any]:
        return {"provider": "fcm", "project": "shop-1", "credentials": "env:FCM"}

    @pytest.fixture
    def settings(self, server: Provider) -> dict[str, Any]:
        self.tokens: list[str] = []
        return {**self.own_settings(), "endpoint": server.url, "token_url": f"{server.url}/token", "timeout": 0.8}

    def address(self, number: int) -> str | None:
        return f"device-token-{number}"

    def answer(self, got: Got) -> Reply:
        if got.path == "/token":
            form = parse_qs(got.body.decode())
            assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
            claims = jwt.decode(form["assertion"][0], keys()[1], algorithms=["RS256"],
                                audience="https://oauth2.example/token",
                                options={"verify_exp": False, "verify_iat": False})  # fmt: skip
            assert claims["iss"] == "crm@shop.iam.example"
            assert claims["scope"].endswith("firebase.messaging")
            self.tokens.append(f"{TOKEN}-{len(self.tokens)}")
            return json_reply({"access_token": self.tokens[-1], "expires_in": 3600, "token_type": "Bearer"})
        if got.headers["authorization"] != f"Bearer {self.tokens[-1]}":
            return self.refuse
        assert got.path == "/v1/projects/shop-1/messages:send"
        return json_reply({"name": f"projects/shop-1/messages/{got.json['message']['data']['key']}"})

    def arrived(self) -> list[str]:
        return [got.json["message"]["data"]["key"] for got in self.provider.got if got.path != "/token"]

    def test_what_is_sent(self, channel: Channel) -> None:
        parts = {"title": "제목", "body": "본문", "image": "https://x/y.png", "link": "shop://cart"}
        answer = self.send(channel, self.message(parts=parts))[self.message().key]
        key = self.message().key
        assert answer == Sent(f"projects/shop-1/messages/{key}")
        assert json.loads(channel.build(self.message(parts=parts)).body) == {
            "message": {
                "token": "device-token-1",
                "notification": {"title": "제목", "body": "본문", "image": "https://x/y.png"},
                "data": {"link": "shop://cart", "playbook": "cart_rescue", "scenario": "rescue", "step": "2",
                         "arm": "discount", "message": "cart_reminder", "channel": "test", "key": key},
                "android": {"priority": "normal", "collapse_key": key},
                "apns": {"headers": {"apns-collapse-id": key, "apns-priority": "5"}},
            }
        }  # fmt: skip

    def test_options(self, settings: dict[str, Any], around: Surroundings) -> None:
        channel = open_channel("test", {**settings, "ttl": 3600, "priority": "high", "dry_run": True}, around)
        body = json.loads(channel.build(self.message()).body)
        assert body["validate_only"] is True
        assert body["message"]["android"]["ttl"] == "3600s"
        assert body["message"]["apns"]["headers"]["apns-expiration"] == "1795003600"

    def test_one_token_for_many(self, channel: Channel, time: FakeClock) -> None:
        self.send(channel, *(self.message(number) for number in range(1, 41)))
        assert len(self.tokens) == 1
        time.now += 3600
        self.send(channel, self.message(50))
        assert len(self.tokens) == 2

    def test_a_token_that_ended_early_is_renewed_once(self, single: Channel, time: FakeClock) -> None:
        self.send(single, self.message(1))
        time.now += 600
        self.tokens.append("revoked meanwhile")
        assert isinstance(self.send(single, self.message(2))[self.message(2).key], Sent)
        assert len(self.tokens) == 3

    def test_credentials_in_a_file(self, settings: dict[str, Any], tmp_path: Path, time: FakeClock) -> None:
        (tmp_path / "account.json").write_text(account())
        channel = open_channel("test", settings, Surroundings(tmp_path, {"FCM": "account.json"}, time.clock))
        assert isinstance(self.send(channel, self.message())[self.message().key], Sent)

    @pytest.mark.parametrize("value", ["{", "[]", "nowhere.json", '{"private_key": 7}', account(private_key="x"), "{}"])
    def test_credentials_that_are_none(self, settings: dict[str, Any], around: Surroundings, value: str) -> None:
        channel = open_channel("test", settings, Surroundings(around.folder, {"FCM": value}, around.clock))
        answer = self.send(channel, self.message())[self.message().key]
        assert isinstance(answer, Failed)
        assert answer.kind == "auth"
        assert "FCM" in answer.reason
        assert self.arrived() == []

    @pytest.mark.parametrize(
        ("reply", "expected"),
        [(json_reply({"error": "invalid_grant"}, 400), "auth"), (Reply(200, b"hello"), "auth"),
         (Reply(500), RetryAfter), (Reply(429), RetryAfter), (Reply(misbehave="swallow"), RetryAfter)],
    )  # fmt: skip
    def test_no_access_token(self, single: Channel, server: Provider, reply: Reply, expected: Any) -> None:
        server.answer = lambda got: reply
        answer = self.send(single, self.message())[self.message().key]
        assert answer.kind == expected if isinstance(answer, Failed) else isinstance(answer, expected)
        assert self.arrived() == []

    @pytest.mark.parametrize(
        ("reply", "expected"),
        [
            (fcm_error(404, "UNREGISTERED"), "address"),
            (fcm_error(400, "INVALID_ARGUMENT"), "address"),
            (fcm_error(400, "INVALID_ARGUMENT", of_request=True), "content"),
            (fcm_error(403, "SENDER_ID_MISMATCH"), "sender"),
            (fcm_error(401, "THIRD_PARTY_AUTH_ERROR"), "auth"),
            (json_reply({"error": {"status": "PERMISSION_DENIED"}}, 403), "auth"),
            (json_reply({"error": {"status": "NOT_FOUND"}}, 404), "auth"),
            (fcm_error(500, "INTERNAL"), Unknown),
            (Reply(200, b"{}"), Unknown),
            (Reply(200, b"garbage"), Unknown),
            (Reply(200, b'{"name": 7}'), Unknown),
            (Reply(502, b"<html>"), Unknown),
        ],
    )
    def test_answers(self, single: Channel, server: Provider, reply: Reply, expected: Any) -> None:
        self.warm(single)
        server.next.append(reply)
        answer = self.send(single, self.message())[self.message().key]
        assert answer.kind == expected if isinstance(answer, Failed) else isinstance(answer, expected)
        assert self.sends() == 1

    def test_unavailable_is_tried_again(self, single: Channel, server: Provider, time: FakeClock) -> None:
        self.warm(single)
        server.next.append(Reply(503, headers={"Retry-After": "2"}))
        assert isinstance(self.send(single, self.message())[self.message().key], Sent)
        assert time.slept == [2]

    def test_too_long(self, channel: Channel) -> None:
        answer = self.send(channel, self.message(parts={"body": "가" * 2000}))[self.message().key]
        assert isinstance(answer, Failed)
        assert answer.kind == "content"
        assert self.arrived() == []

    def test_the_access_token_is_not_shown(self, single: Channel, server: Provider) -> None:
        self.warm(single)
        server.answer = lambda got: Reply(400, got.headers["authorization"].encode())
        answer = self.send(single, self.message())[self.message().key]
        assert isinstance(answer, Failed)
        assert TOKEN not in answer.reason

    def test_what_the_app_tells(self, channel: Channel) -> None:
        receipt = only(channel.parse_callback(b'{"event":"opened","key":"k","time":"2026-11-18T11:00:00Z"}\n', {}))
        assert (receipt.event, receipt.key, receipt.time) == ("opened", "k", 1_794_999_600_000_000)
