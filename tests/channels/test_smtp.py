"""E-mail: what arrives at a real server, and certainty at every point where a connection can end."""

from __future__ import annotations

from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, ClassVar, cast

import pytest

from dangol.channels import pace
from dangol.channels.base import Channel, Failed, RetryAfter, Sent, Surroundings, Unknown
from dangol.channels.registry import declare, open_channel
from tests.channels.contract import ChannelContract, message
from tests.channels.doubles import FakeClock, free_port
from tests.channels.smtp_doubles import PASSWORD, USER, Mailbox, ScriptedServer, certificate, mail_server


class TestSmtp(ChannelContract):
    environ: ClassVar[dict[str, str]] = {"SMTP_PASSWORD": PASSWORD}

    @pytest.fixture
    def settings(self) -> Iterator[dict[str, Any]]:
        self.mailbox = Mailbox()
        server = mail_server(self.mailbox)
        yield {"provider": "smtp", "host": "127.0.0.1", "port": server.port, "tls": "none", "user": USER,
               "password": "env:SMTP_PASSWORD", "from": "당골 상점 <hello@shop.example>",
               "unsubscribe": "https://shop.example/u?m={key}&c={customer}", "timeout": 5}  # fmt: skip
        server.stop()

    def address(self, number: int) -> str | None:
        return f"user{number}@people.example"

    def mails(self) -> list[EmailMessage]:
        contents = [cast(bytes, envelope.content) for envelope in self.mailbox.got]
        return [message_from_bytes(content, policy=policy.default) for content in contents]

    def arrived(self) -> list[str]:
        return [mail["X-Dangol-Key"] for mail in self.mails()]

    def test_what_arrives(self, channel: Channel) -> None:
        answer = self.send(channel, self.message(customer="고객 1&2"))[self.message().key]
        key = self.message().key
        assert answer == Sent(f"<{key}@shop.example>")
        envelope, mail = self.mailbox.got[0], self.mails()[0]
        assert (envelope.mail_from, envelope.rcpt_tos) == ("hello@shop.example", ["user1@people.example"])
        assert mail["From"] == "당골 상점 <hello@shop.example>"
        assert mail["To"] == "user1@people.example"
        assert mail["Subject"] == "(광고) 장바구니 소식"
        assert mail["Message-ID"] == f"<{key}@shop.example>"
        assert mail["Date"] == "Wed, 18 Nov 2026 11:06:40 -0000"
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert mail["List-Unsubscribe"] == f"<https://shop.example/u?m={key}&c=%EA%B3%A0%EA%B0%9D%201%262>"
        assert mail.get_content_type() == "text/plain"
        assert mail.get_content() == "장바구니가 기다려요 🛒\r\n.점 하나"
        assert not mail.defects

    def test_the_wire_is_ascii_in_short_lines(self, channel: Channel) -> None:
        parts = {"subject": "제목 " * 100 + "x" * 300, "body": "본문 " * 1000, "html": "<p>" + "글" * 5000}
        self.send(channel, self.message(parts=parts), self.message(2, parts={"subject": "a", "body": "b" * 3000}))
        for envelope in self.mailbox.got:
            content = cast(bytes, envelope.content)
            assert content.isascii()
            assert max(len(line) for line in content.split(b"\r\n")) < 400
            assert b"\n" not in content.replace(b"\r\n", b"")
        first = next(mail for mail in self.mails() if mail.is_multipart())
        assert first["Subject"] == ("제목 " * 100 + "x" * 300)

    def test_unsubscription_is_one_line_however_long(self, settings: dict[str, Any], around: Surroundings) -> None:
        long = {**settings, "unsubscribe": f"https://shop.example/{'u' * 300}?m={{key}}"}
        self.send(open_channel("test", long, around), self.message())
        content = cast(bytes, self.mailbox.got[0].content)
        line = next(line for line in content.split(b"\r\n") if line.startswith(b"List-Unsubscribe:"))
        assert line.endswith(f"?m={self.message().key}>".encode())

    def test_information_carries_no_unsubscription(self, channel: Channel) -> None:
        self.send(channel, self.message(kind="informational"))
        assert self.mails()[0]["List-Unsubscribe"] is None

    def test_html(self, channel: Channel) -> None:
        html = "<p>안녕</p>"
        self.send(channel, self.message(1, parts={"subject": "s", "body": "안녕", "html": html}))
        self.send(channel, self.message(2, parts={"subject": "s", "html": html}))
        both, alone = self.mails()
        assert [part.get_content_type() for part in both.walk()] == ["multipart/alternative", "text/plain", "text/html"]
        assert both.get_body(("html",)).get_content() == html  # type: ignore[union-attr]
        assert (alone.get_content_type(), alone.get_content()) == ("text/html", html)

    def test_dots_and_line_ends_survive(self, channel: Channel) -> None:
        text = ".\n..\r\n.a\rb\n\n.\n"
        self.send(channel, self.message(parts={"subject": "s", "body": text}))
        assert self.mails()[0].get_content().splitlines() == [".", "..", ".a", "b", "", "."]

    @pytest.mark.parametrize("subject", ["a\r\nBcc: evil@x.example", "a\n\nbody", "\x00a\x7f\u2028b", "=?utf-8?b?x?="])
    def test_a_subject_is_one_line(self, channel: Channel, subject: str) -> None:
        self.send(channel, self.message(parts={"subject": subject, "body": "x"}))
        mail = self.mails()[0]
        assert mail["Bcc"] is None
        assert mail["Subject"].startswith("a") or mail["Subject"] == "=?utf-8?b?x?="
        assert mail.get_content().strip() == "x"

    def test_addresses_that_are_none(self, channel: Channel) -> None:
        for address in ("nobody", "a@", "@b.c", "a b@c.d", "a@b\r\nRCPT TO:<x@y.z>", "a@b,c@d", "<a@b>", "a@b..c",
                        "a@" + "b" * 300):  # fmt: skip
            answer = self.send(channel, self.message(address=address))[self.message().key]
            assert isinstance(answer, Failed)
            assert answer.kind == "address"
        assert self.arrived() == []

    def test_addresses_in_other_scripts(self, channel: Channel) -> None:
        for number, address in enumerate(("user@당골.example", "사용자@shop.example")):
            assert isinstance(self.send(channel, self.message(number, address=address))[self.message(number).key], Sent)
        assert [envelope.rcpt_tos for envelope in self.mailbox.got] == [
            ["user@" + "당골.example".encode("idna").decode()], ["사용자@shop.example"]
        ]  # fmt: skip

    def test_connections_are_kept(self, settings: dict[str, Any], around: Surroundings) -> None:
        channel = open_channel("test", {**settings, "connections": 1}, around)
        self.send(channel, *(self.message(number) for number in range(1, 21)))
        self.send(channel, *(self.message(number) for number in range(21, 31)))
        assert len(self.mailbox.sessions) == 1
        channel.close()

    @pytest.mark.parametrize("secret", ["wrong-but-secret", "비밀-번호"])
    def test_a_wrong_password(self, settings: dict[str, Any], around: Surroundings, secret: str) -> None:
        environ = {"SMTP_PASSWORD": secret}
        channel = open_channel("test", settings, Surroundings(around.folder, environ, around.clock))
        answers = self.send(channel, *(self.message(number) for number in range(1, 30)))
        assert {answer.kind for answer in answers.values() if isinstance(answer, Failed)} == {"auth"}
        assert secret not in repr(answers)

    def test_nobody_is_there(self, settings: dict[str, Any], around: Surroundings, time: FakeClock) -> None:
        channel = open_channel("test", {**settings, "port": free_port(), "connections": 1}, around)
        answers = self.send(channel, *(self.message(number) for number in range(1, 10)))
        assert {type(answer) for answer in answers.values()} == {RetryAfter}
        assert len(time.slept) == 2

    def test_encrypted(self, settings: dict[str, Any], around: Surroundings, monkeypatch: pytest.MonkeyPatch) -> None:
        context, file = certificate(around.folder)
        server = mail_server(self.mailbox, context)
        over_tls = {**settings, "tls": "starttls", "port": server.port, "attempts": 1}
        try:
            stranger = self.send(open_channel("test", over_tls, around), self.message())[self.message().key]
            assert isinstance(stranger, RetryAfter)
            monkeypatch.setenv("SSL_CERT_FILE", str(file))
            channel = open_channel("test", over_tls, around)
            assert isinstance(self.send(channel, self.message())[self.message().key], Sent)
            channel.close()
        finally:
            server.stop()

    def test_no_encryption_offered(self, settings: dict[str, Any], around: Surroundings) -> None:
        channel = open_channel("test", {**settings, "tls": "starttls"}, around)
        answer = self.send(channel, self.message())[self.message().key]
        assert isinstance(answer, Failed)
        assert answer.kind == "auth"

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"host": "mail.shop.example"}, "tls: starttls"),
            ({"user": None}, "go together"),
            ({"from": "nobody"}, "Shop <hello@shop.example>"),
            ({"from": "a@b\r\nBcc: c@d"}, "Shop <hello@shop.example>"),
            ({"unsubscribe": "https://shop.example/u"}, "{key}"),
            ({"unsubscribe": "http://shop.example/{key}"}, "https://"),
            ({"unsubscribe": "https://shop.example/{key}>\r\nX: y"}, "https://"),
            ({"port": 99999}, "65535"),
        ],
    )
    def test_settings_that_are_refused(self, settings: dict[str, Any], changes: dict[str, Any], said: str) -> None:
        with pytest.raises(Exception, match="E050") as error:
            declare("test", {**settings, **changes})
        assert said in str(error.value)


class TestScript:
    """A server that ends the connection, or refuses, at each point of the dialogue."""

    @pytest.fixture
    def server(self) -> Iterator[ScriptedServer]:
        server = ScriptedServer()
        yield server
        server.stop()

    @pytest.fixture
    def time(self) -> FakeClock:
        return FakeClock()

    @pytest.fixture
    def channel(self, server: ScriptedServer, tmp_path: Path, time: FakeClock) -> Iterator[Channel]:
        settings = {"provider": "smtp", "host": "127.0.0.1", "port": server.port, "tls": "none",
                    "from": "hello@shop.example", "connections": 1, "timeout": 0.3}  # fmt: skip
        channel = open_channel("email", settings, Surroundings(tmp_path, {}, time.clock))
        yield channel
        channel.close()

    def send(self, channel: Channel, number: int = 1) -> Any:
        ((_, answer),) = channel.send([message(number, address="user@people.example")])
        return answer

    @pytest.mark.parametrize("how", ["hang up", "silence", "garbage without a code"])
    @pytest.mark.parametrize("stage", ["connect", "ehlo", "mail", "rcpt", "data"])
    def test_before_the_message_nothing_was_done(
        self, channel: Channel, server: ScriptedServer, stage: str, how: str
    ) -> None:
        server.script[stage].append(how)
        if how.startswith("garbage") and stage == "ehlo":
            server.script["helo"].append(how)
        answer = self.send(channel)
        assert isinstance(answer, Sent)
        assert len(server.taken) == 1
        assert server.connections == 2

    @pytest.mark.parametrize("how", ["hang up", "silence", "garbage without a code"])
    def test_after_the_message_nobody_knows(self, channel: Channel, server: ScriptedServer, how: str) -> None:
        server.script["end"].append(how)
        assert isinstance(self.send(channel), Unknown)
        assert len(server.taken) == 1
        assert isinstance(self.send(channel, 2), Sent)

    @pytest.mark.parametrize(
        ("stage", "reply", "expected"),
        [
            ("rcpt", "550 5.1.1 no such user", "address"),
            ("rcpt", "550 no", "refused"),
            ("rcpt", "550 5.7.1 policy", "refused"),
            ("rcpt", "552 5.2.2 full", "refused"),
            ("rcpt", "450 4.2.0 greylisted", RetryAfter),
            ("mail", "550 5.1.8 bad sender", "sender"),
            ("mail", "530 5.7.0 log in first", "auth"),
            ("mail", "451 later", RetryAfter),
            ("data", "554 no", "content"),
            ("end", "554 5.7.1 spam", "content"),
            ("end", "550 5.1.1 no such user", "address"),
            ("end", "452 4.3.1 full", RetryAfter),
            ("end", "421 4.3.2 going down", RetryAfter),
            ("end", "354 what", Unknown),
        ],
    )
    def test_replies(self, channel: Channel, server: ScriptedServer, stage: str, reply: str, expected: Any) -> None:
        server.script[stage].append(reply)
        answer = self.send(channel)
        assert answer.kind == expected if isinstance(answer, Failed) else isinstance(answer, expected)
        assert isinstance(answer, Failed | RetryAfter | Unknown)
        assert reply.split(" ")[-1] in answer.reason

    def test_the_connection_is_used_again_after_a_refusal(self, channel: Channel, server: ScriptedServer) -> None:
        server.script["rcpt"].append("550 5.1.1 no such user")
        assert isinstance(self.send(channel, 1), Failed)
        assert isinstance(self.send(channel, 2), Sent)
        assert server.connections == 1

    def test_going_down_stops_for_a_while(self, channel: Channel, server: ScriptedServer, time: FakeClock) -> None:
        server.script["mail"].append("421 4.3.2 going down")
        assert self.send(channel, 1).of_channel
        assert self.send(channel, 2).of_channel
        assert server.taken == []
        time.now += 60
        assert isinstance(self.send(channel, 3), Sent)

    def test_an_outage_makes_few_unknown(self, channel: Channel, server: ScriptedServer) -> None:
        server.script["end"].extend(["hang up"] * 50)
        answers = [self.send(channel, number) for number in range(1, 15)]
        assert [type(answer) for answer in answers] == [Unknown] * pace.STRIKES + [RetryAfter] * (14 - pace.STRIKES)

    def test_no_letters_beyond_ascii(self, channel: Channel) -> None:
        ((_, answer),) = channel.send([message(address="사용자@shop.example")])
        assert isinstance(answer, Failed)
        assert answer.kind == "address"
        assert isinstance(self.send(channel), Sent)
