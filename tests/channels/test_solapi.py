"""Solapi, against a double that checks signatures, their single use, and what may stand in a request."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from datetime import datetime
from typing import Any, ClassVar

import pytest

from dangol.channels.base import (
    CallbackError,
    Channel,
    Failed,
    Message,
    Receipt,
    RetryAfter,
    Sent,
    Surroundings,
    Unknown,
)
from dangol.channels.registry import declare, open_channel
from tests.channels.contract import only
from tests.channels.doubles import FakeClock, Got, Provider, Reply, json_reply
from tests.channels.http_contract import HttpContract

KEY, SECRET = "NCSAPIKEYAPIKEY1", "SECRETSECRETSECRETSECRETSECRET12"
HEADER = re.compile(r"HMAC-SHA256 apiKey=(\S+), date=(\S+), salt=([0-9a-f]{12,64}), signature=([0-9a-f]{64})")


class SolapiDouble:
    """Takes over what is well made; `codes`: number → status code with which it is refused."""

    def __init__(self, time: FakeClock) -> None:
        self.time = time
        self.salts: set[str] = set()
        self.codes: dict[str, str] = {}
        self.taken: list[dict[str, Any]] = []
        self.sizes: list[int] = []
        self.echo = True

    def __call__(self, got: Got) -> Reply:
        if (problem := self.problem(got.headers["authorization"])) is not None:
            return json_reply({"errorCode": problem, "errorMessage": "no"}, 403)
        assert got.path == "/messages/v4/send-many/detail"
        messages = got.json["messages"]
        self.sizes.append(len(messages))
        assert len({message["to"] for message in messages}) == len(messages)
        taken, failed = [], []
        for message in messages:
            code = self.codes.get(message["to"], "2000")
            entry = {"messageId": f"M{message['customFields']['key']}", "statusCode": code, "statusMessage": "said"}
            if self.echo:
                entry["customFields"] = message["customFields"]
            (taken if code == "2000" else failed).append(entry | {"to": message["to"], "type": "SMS"})
        self.taken += [message for message in messages if message["to"] not in self.codes]
        count = {"total": len(messages), "registeredFailed": len(failed), "registeredSuccess": len(taken)}
        info = {"groupId": "G1", "count": count}
        return json_reply({"groupInfo": info, "failedMessageList": failed, "messageList": taken if self.echo else None})

    def problem(self, header: str) -> str | None:
        found = HEADER.fullmatch(header)
        if found is None or found[1] != KEY:
            return "InvalidAPIKey"
        if abs(datetime.fromisoformat(found[2]).timestamp() - self.time.now) > 900:
            return "RequestTimeTooSkewed"
        expected = hmac.new(SECRET.encode(), (found[2] + found[3]).encode(), hashlib.sha256).hexdigest()
        if found[4] != expected:
            return "SignatureDoesNotMatch"
        if found[3] in self.salts:
            return "DuplicatedSignature"
        self.salts.add(found[3])
        return None


class TestSolapi(HttpContract):
    environ: ClassVar[dict[str, str]] = {"SOLAPI_KEY": KEY, "SOLAPI_SECRET": SECRET}
    refuse = json_reply({"errorCode": "SignatureDoesNotMatch", "errorMessage": "no"}, 403)
    per_request = 1000

    def own_settings(self) -> dict[str, Any]:
        return {"provider": "solapi", "api_key": "env:SOLAPI_KEY", "api_secret": "env:SOLAPI_SECRET",
                "from": "02-1234-5678"}  # fmt: skip

    @pytest.fixture
    def settings(self, server: Provider, time: FakeClock) -> dict[str, Any]:
        self.double = SolapiDouble(time)
        return {**self.own_settings(), "endpoint": server.url, "timeout": 0.8}

    @pytest.fixture
    def single(self, settings: dict[str, Any], around: Surroundings) -> Any:
        channel = open_channel("test", {**settings, "size": 1}, around)
        yield channel
        channel.close()

    def address(self, number: int) -> str | None:
        return f"010-{number // 10000:04}-{number % 10000:04}"

    def answer(self, got: Got) -> Reply:
        return self.double(got)

    def probe(self, channel: Channel, server: Provider) -> Got:
        got = super().probe(channel, server)
        self.double.salts.clear()
        return got

    def arrived(self) -> list[str]:
        return [message["customFields"]["key"] for message in self.double.taken]

    def built(self, channel: Channel, message: Message) -> dict[str, Any]:
        messages = json.loads(channel.build(message).body)["messages"]
        assert len(messages) == 1
        item: dict[str, Any] = messages[0]
        return item

    def test_one_request_for_many(self, channel: Channel) -> None:
        answers = self.send(channel, *(self.message(number) for number in range(1, 2_501)))
        assert self.double.sizes == [1000, 1000, 500]
        assert answers[self.message(7).key] == Sent(f"M{self.message(7).key}")

    def test_a_number_twice_goes_in_two_requests(self, channel: Channel) -> None:
        answers = self.send(channel, *(self.message(number, address="010-1234-5678") for number in range(1, 4)))
        assert {type(answer) for answer in answers.values()} == {Sent}
        assert self.double.sizes == [1, 1, 1]

    @pytest.mark.parametrize("echo", [True, False])
    def test_partly_refused(self, channel: Channel, echo: bool) -> None:
        self.double.codes = {"01000000002": "1061", "01000000003": "1031", "01000000004": "1024", "01000000005": "1062"}
        self.double.echo = echo
        answers = self.send(channel, *(self.message(number) for number in range(1, 7)))
        found = [answers[self.message(number).key] for number in range(1, 7)]
        kinds = [answer.kind if isinstance(answer, Failed) else type(answer) for answer in found]
        assert kinds == [Sent, "consent", "content", RetryAfter, "sender", Sent]

    def test_no_money_left(self, channel: Channel) -> None:
        self.double.codes = {f"0100000{number:04}": "1030" for number in range(1, 2000)}
        answers = self.send(channel, *(self.message(number) for number in range(1, 2_000)))
        assert {answer.kind for answer in answers.values() if isinstance(answer, Failed)} == {"balance"}
        assert len(answers) == 1999
        assert self.double.sizes == [1000]

    def test_an_answer_that_says_nothing_of_a_message(self, channel: Channel, server: Provider) -> None:
        for body in ({"groupInfo": {}}, {"groupInfo": {"count": {"total": 2, "registeredFailed": 1,
                     "registeredSuccess": 1}}, "failedMessageList": []}, {"failedMessageList": {"a": 1}}):  # fmt: skip
            server.next.append(json_reply(body))
            answers = self.send(channel, self.message(1), self.message(2))
            assert {type(answer) for answer in answers.values()} == {Unknown}

    def test_a_signature_used_before_is_made_anew(self, single: Channel, server: Provider) -> None:
        server.next.append(json_reply({"errorCode": "DuplicatedSignature"}, 403))
        assert isinstance(self.send(single, self.message())[self.message().key], Sent)
        assert len({got.headers["authorization"] for got in server.got}) == 2

    @pytest.mark.parametrize(
        ("reply", "expected"),
        [
            (json_reply({"errorCode": "NotEnoughBalance"}, 400), "balance"),
            (json_reply({"errorCode": "RequestTimeTooSkewed"}, 403), "auth"),
            (json_reply({"errorCode": "ValidationError"}, 400), "content"),
            (Reply(500, b"oops"), Unknown),
            (Reply(503), Unknown),
            (Reply(200, b"<html>"), Unknown),
        ],
    )
    def test_whole_requests(self, channel: Channel, server: Provider, reply: Reply, expected: Any) -> None:
        server.next.append(reply)
        answers = self.send(channel, self.message(1), self.message(2))
        for answer in answers.values():
            assert answer.kind == expected if isinstance(answer, Failed) else isinstance(answer, expected)
        assert len(server.got) == 1

    def test_numbers(self, channel: Channel) -> None:
        for written in ("010-1234-5678", "01012345678", "+82 10 1234 5678", "+821012345678", "(010) 1234.5678"):
            item = self.built(channel, self.message(address=written))
            assert (item["country"], item["to"]) == ("82", "01012345678")
        for written in ("12", "no number", "user@shop.example"):
            answer = self.send(channel, self.message(address=written))[self.message().key]
            assert isinstance(answer, Failed)
            assert answer.kind == "address"

    def test_a_text(self, channel: Channel) -> None:
        item = self.built(channel, self.message(parts={"body": "(광고)당골\n안녕"}))
        assert item == {"to": "01000000001", "from": "0212345678", "country": "82", "autoTypeDetect": True,
                        "customFields": {"key": self.message().key}, "text": "(광고)당골\n안녕"}  # fmt: skip

    @pytest.mark.parametrize(
        ("settings_of", "parts", "expected"),
        [
            ({"type": "sms"}, {"subject": "x"}, {"type": "SMS"}),
            ({"type": "lms"}, {"subject": "제목"}, {"type": "LMS", "subject": "제목"}),
            ({"type": "mms"}, {"subject": "제목", "image": "I1"}, {"type": "MMS", "subject": "제목", "imageId": "I1"}),
            ({"type": "friendtalk", "pf_id": "P"}, {"buttons": '[{"buttonName":"가기"}]'},
             {"type": "CTA", "kakaoOptions": {"pfId": "P", "disableSms": True, "buttons": [{"buttonName": "가기"}]}}),
            ({"type": "friendtalk", "pf_id": "P", "fallback": True}, {"image": "I1"},
             {"type": "CTI", "kakaoOptions": {"pfId": "P", "disableSms": False, "imageId": "I1"}}),
            ({"type": "brand", "pf_id": "P", "targeting": "M"}, {},
             {"type": "BMS_FREE", "kakaoOptions": {"pfId": "P", "disableSms": True,
              "bms": {"targeting": "M", "chatBubbleType": "TEXT"}}}),
            ({"type": "brand", "pf_id": "P"}, {"image": "I1", "bubble": "WIDE"},
             {"type": "BMS_FREE", "kakaoOptions": {"pfId": "P", "disableSms": True,
              "bms": {"targeting": "I", "chatBubbleType": "WIDE", "imageId": "I1"}}}),
            ({"type": "alimtalk", "pf_id": "P", "templates": {"cart_reminder": "KA01"}}, {},
             {"type": "ATA", "kakaoOptions": {"pfId": "P", "disableSms": True, "templateId": "KA01"}}),
        ],
    )  # fmt: skip
    def test_types(self, settings: dict[str, Any], around: Surroundings, settings_of: dict[str, Any],
                   parts: dict[str, str], expected: dict[str, Any]) -> None:  # fmt: skip
        channel = open_channel("test", {**settings, **settings_of}, around)
        item = self.built(channel, self.message(parts={"body": "안녕", **parts}))
        for name in ("to", "from", "country", "customFields", "autoTypeDetect"):
            del item[name]
        assert item == {"text": "안녕", **expected}

    def test_alimtalk_with_variables(self, settings: dict[str, Any], around: Surroundings) -> None:
        kakao = {**settings, "type": "alimtalk", "pf_id": "P"}
        channel = open_channel("test", {**kakao, "template": "KA01"}, around)
        item = self.built(channel, self.message(parts={"#{이름}": "민혁"}))
        assert item["kakaoOptions"]["variables"] == {"#{이름}": "민혁"}
        assert "text" not in item
        answer = self.send(open_channel("test", kakao, around), self.message())[self.message().key]
        assert isinstance(answer, Failed)
        assert answer.kind == "template"

    def test_kakao_needs_its_channel(self, settings: dict[str, Any]) -> None:
        with pytest.raises(Exception, match="`type: brand` needs `pf_id`"):
            declare("test", {**settings, "type": "brand"})

    def test_buttons_that_are_none(self, settings: dict[str, Any], around: Surroundings) -> None:
        channel = open_channel("test", {**settings, "type": "friendtalk", "pf_id": "P"}, around)
        for buttons in ("{", "{}", "7"):
            parts = {"body": "x", "buttons": buttons}
            assert isinstance(self.send(channel, self.message(parts=parts))[self.message().key], Failed)

    def report(self, code: str, **changes: Any) -> dict[str, Any]:
        data = {"messageId": "M1", "groupId": "G1", "type": "SMS", "to": "01012345678", "statusCode": code,
                "dateReported": "2026-11-18T11:00:00.000Z", "customFields": {"key": "k1"}, **changes}  # fmt: skip
        return {"eventDataId": "E1", "data": data, "retryCount": 0}

    def receipts(self, channel: Channel, *entries: dict[str, Any]) -> list[Receipt]:
        return channel.parse_callback(json.dumps(entries).encode(), {})

    def test_reports(self, channel: Channel) -> None:
        receipt = only(self.receipts(channel, self.report("4000")))
        assert receipt == Receipt("delivered", 1_794_999_600_000_000, "k1", "M1", id="E1")
        assert self.receipts(channel, self.report("2000"), self.report("3000")) == []
        failures = {"3104": "friend", "3010": "address", "3108": "hours", "3103": "template", "3999": "carrier",
                    "2254": "blocked", "2230": "balance", "9": "refused"}  # fmt: skip
        for code, kind in failures.items():
            receipt = only(self.receipts(channel, self.report(code)))
            assert (receipt.event, receipt.kind) == ("failed", kind)

    def test_an_opt_out_by_telephone(self, channel: Channel) -> None:
        found = self.receipts(channel, self.report("2061"))
        told = [(receipt.event, receipt.id) for receipt in found]
        assert told == [("failed", "E1"), ("unsubscribed", "E1-unsubscribed")]

    def test_reports_line_by_line(self, channel: Channel) -> None:
        line = json.dumps([self.report("4000")])
        found = channel.parse_callback(f"{line}\n{json.dumps(self.report('3010'))}\n".encode(), {})
        assert [receipt.event for receipt in found] == ["delivered", "failed"]

    def test_reports_that_lack_something(self, channel: Channel) -> None:
        receipt = only(self.receipts(channel, self.report("4000", dateReported="?", customFields=None)))
        assert (receipt.time, receipt.key, receipt.provider_id) == (None, None, "M1")
        assert self.receipts(channel, {"data": {"groupId": "G"}}) == []
        with pytest.raises(CallbackError):
            channel.parse_callback(b"{}", {})
