"""E-mail by SMTP: one message per recipient, over connections that are kept open."""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from email.errors import MessageError
from email.headerregistry import Address
from email.utils import formatdate, parseaddr
from queue import Empty, LifoQueue
from typing import Annotated, Literal, TypeAlias
from urllib.parse import quote

from pydantic import AfterValidator, Field, model_validator

from dangol.channels.base import (
    Answer,
    Failed,
    Message,
    Receipt,
    Request,
    Response,
    RetryAfter,
    Sent,
    Surroundings,
    Unknown,
    Unsendable,
    addressed,
    part,
)
from dangol.channels.bounces import parse_bounce
from dangol.channels.mime import mail
from dangol.channels.pace import Guard, NothingDone, concurrently, retry
from dangol.channels.settings import PerSecond, SecretName, Secrets, Settings, is_loopback

GREYLISTED = 300.0
"""Seconds after which a recipient that was refused for now is tried again."""
BUSY = 60.0
_ENHANCED = re.compile(rb"^\s*([245]\.\d{1,3}\.\d{1,3})\b")


def _mailbox(text: str) -> str:
    name, address = parseaddr(text)
    try:
        Address(display_name=name, addr_spec=address)
        if not address.rpartition("@")[0] or not text.isprintable():
            raise ValueError
    except (ValueError, MessageError):
        raise ValueError("an address like `Shop <hello@shop.example>`") from None
    return text


def _unsubscribe(text: str) -> str:
    if not text.startswith("https://") or "{key}" not in text or not text.isascii() or re.search(r"[\s<>]", text):
        raise ValueError("a URL like `https://shop.example/unsubscribe?m={key}`")
    return text


Mailbox = Annotated[str, AfterValidator(_mailbox)]


class SmtpSettings(Settings):
    """`host`, `from`; `user` and `password` to log in.

    `tls`: starttls, ssl (from the first byte) or none (this machine only). `unsubscribe`: the URL behind one-click
    unsubscription, with `{key}` for the send and, if wanted, `{customer}`; advertising carries it. `connections`: how
    many are open at once, `attempts`: how often to try when nothing was done.
    """

    host: str
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    tls: Literal["starttls", "ssl", "none"] = "starttls"
    user: str | None = None
    password: SecretName | None = None
    sender: Mailbox = Field(alias="from")
    reply_to: Mailbox | None = None
    unsubscribe: Annotated[str, AfterValidator(_unsubscribe)] | None = None
    connections: Annotated[int, Field(ge=1, le=50)] = 4
    timeout: Annotated[float, Field(gt=0, le=300)] = 30
    attempts: Annotated[int, Field(ge=1, le=10)] = 3
    rate: PerSecond | None = None

    @model_validator(mode="after")
    def _encrypted(self) -> SmtpSettings:
        if self.tls == "none" and not is_loopback(self.host):
            raise ValueError("a server outside this machine needs `tls: starttls` or `tls: ssl`")
        if (self.user is None) != (self.password is None):
            raise ValueError("`user` and `password` go together")
        return self


_Command: TypeAlias = Callable[[], tuple[int, bytes]]
"""Sends one command of the dialogue and gives the reply."""


class Smtp:
    """Parts: `subject` (or `title`), `body` for plain text, `html`."""

    Settings = SmtpSettings
    idempotent = False
    batch = 100
    addressed = True

    def __init__(self, name: str, settings: SmtpSettings, around: Surroundings) -> None:
        self.name = name
        self.settings = settings
        self.rate = settings.rate
        self.clock = around.clock
        self.secrets = Secrets(around.environ)
        self.guard = Guard(settings.rate, around.clock, self.secrets.redact)
        self._from = parseaddr(settings.sender)[1]
        self._domain = _ascii_domain(self._from.rpartition("@")[2])
        self._idle: LifoQueue[smtplib.SMTP] = LifoQueue()

    def build(self, message: Message) -> Request:
        recipient = _recipient(addressed(message))
        lines = [f"Message-ID: {self._message_id(message)}", f"Date: {formatdate(self.clock.time())}",
                 f"To: {recipient}", f"X-Dangol-Key: {message.key}", *self._unsubscription(message)]  # fmt: skip
        # These stay on one line each, whatever their length: folding breaks signatures and identifiers.
        head = "".join(f"{line}\r\n" for line in lines).encode()
        html = message.parts.get("html") or None
        plain = message.parts.get("body") or (None if html else part(message, "body"))
        subject = part(message, "subject", "title")
        body = mail(self.settings.sender, self.settings.reply_to, subject, plain, html, f"={message.key}=")
        return Request(recipient, {"from": self._from}, head + body, "MAIL")

    def _message_id(self, message: Message) -> str:
        return f"<{message.key}@{self._domain}>"

    def _unsubscription(self, message: Message) -> Iterator[str]:
        if self.settings.unsubscribe and message.kind == "advertising":
            url = self.settings.unsubscribe.replace("{key}", quote(message.key, safe=""))
            yield f"List-Unsubscribe: <{url.replace('{customer}', quote(message.customer, safe=''))}>"
            yield "List-Unsubscribe-Post: List-Unsubscribe=One-Click"

    def send(self, messages: Iterable[Message]) -> Iterator[tuple[str, Answer]]:
        return concurrently(messages, self._answer, self.settings.connections)

    def _answer(self, message: Message) -> Answer:
        def work() -> Answer:
            request = self.build(message)
            response = retry(lambda: self._deliver(request), self.settings.attempts, self.clock)
            return response if isinstance(response, Unknown) else self.classify(response, message)

        return self.guard.answer(work)

    def _deliver(self, request: Request) -> Response | Unknown:
        """The reply that decided over the message. Raises NothingDone when the connection ended before it was given."""
        connection = self._idle_connection() or self._connect()
        left = False
        if not request.target.isascii() and not connection.has_extn("smtputf8"):
            self._idle.put(connection)
            raise Unsendable("address", "the server does not take addresses with such letters")
        try:
            for stage, command in self._dialogue(connection, request):
                left = stage == "end"
                status, text = command()
                if status < 200 and not left:
                    raise smtplib.SMTPServerDisconnected("this is no reply")
                if not 200 <= status < 400 or left:
                    self._give_back(connection, status, rest=not left)
                    return Response(status, {"stage": stage}, text)
            raise AssertionError("the dialogue ends with the message")
        except (OSError, smtplib.SMTPException) as error:
            connection.close()
            if left:
                return Unknown(f"no reply to the message ({type(error).__name__})")
            raise NothingDone(f"the connection ended ({type(error).__name__})") from None

    def _dialogue(self, connection: smtplib.SMTP, request: Request) -> Iterator[tuple[str, _Command]]:
        options = () if request.target.isascii() else ("SMTPUTF8", "BODY=8BITMIME")
        yield "mail", lambda: connection.mail(request.headers["from"], options)
        yield "rcpt", lambda: connection.rcpt(request.target)
        yield "data", lambda: connection.docmd("DATA")
        yield "end", lambda: _give(connection, request.body)

    def _idle_connection(self) -> smtplib.SMTP | None:
        """An open connection that the server has not ended meanwhile."""
        while True:
            try:
                connection = self._idle.get_nowait()
            except Empty:
                return None
            if not _ended(connection):
                return connection
            connection.close()

    def _give_back(self, connection: smtplib.SMTP, status: int, rest: bool) -> None:
        try:
            if status == 421:
                connection.close()
                return
            if rest:
                connection.rset()
            self._idle.put(connection)
        except (OSError, smtplib.SMTPException):
            connection.close()

    def _connect(self) -> smtplib.SMTP:
        """A connection, encrypted and logged in. Raises NothingDone, Unsendable("auth")."""
        user = self.settings.user
        password = self.secrets.reveal(self.settings.password) if self.settings.password else None
        try:
            connection = self._open()
            try:
                if self.settings.tls == "starttls":
                    connection.starttls(context=ssl.create_default_context())
                connection.ehlo_or_helo_if_needed()
                if user is not None and password is not None:
                    connection.login(user, password)
            except BaseException:
                connection.close()
                raise
            return connection
        except (OSError, smtplib.SMTPException, UnicodeError) as error:
            raise _not_connected(error) from None

    def _open(self) -> smtplib.SMTP:
        settings = self.settings
        port = settings.port or {"starttls": 587, "ssl": 465, "none": 25}[settings.tls]
        if settings.tls == "ssl":
            context = ssl.create_default_context()
            return smtplib.SMTP_SSL(settings.host, port, self._domain, timeout=settings.timeout, context=context)
        return smtplib.SMTP(settings.host, port, self._domain, timeout=settings.timeout)

    def classify(self, response: Response, message: Message) -> Answer:
        status, stage = response.status, response.headers.get("stage", "end")
        reason = f"{status} {response.body.decode('utf-8', 'replace')}"
        found = _ENHANCED.match(response.body)
        detail = found[1].decode() if found else ""
        if 200 <= status < 300:
            return Sent(self._message_id(message))
        if status == 421:
            return RetryAfter(BUSY, reason, of_channel=True)
        if 400 <= status < 500:
            return RetryAfter(GREYLISTED, reason)
        if status in (530, 534, 535, 538):
            return Failed("auth", reason)
        if detail.startswith("5.1.") and stage != "mail":
            return Failed("address", reason)
        if not 500 <= status < 600:
            return Unknown(reason) if stage == "end" else Failed("refused", reason)
        return Failed({"mail": "sender", "rcpt": "refused"}.get(stage, "content"), reason)  # type: ignore[arg-type]

    def parse_callback(self, body: bytes, headers: Mapping[str, str]) -> list[Receipt]:
        """A bounce or complaint as an e-mail (RFC 3464, RFC 5965), or a response log."""
        return parse_bounce(body, headers)

    def close(self) -> None:
        while not self._idle.empty():
            connection = self._idle.get()
            with suppress(OSError, smtplib.SMTPException):
                connection.quit()
            connection.close()


def _give(connection: smtplib.SMTP, body: bytes) -> tuple[int, bytes]:
    """The message after DATA: dots doubled at the beginnings of lines, and the line that ends it."""
    quoted = re.sub(rb"(?m)^\.", b"..", body)
    connection.send(quoted + (b"" if quoted.endswith(b"\r\n") else b"\r\n") + b".\r\n")
    return connection.getreply()


def _ended(connection: smtplib.SMTP) -> bool:
    """The server has hung up, or said that it will: between messages it has nothing else to say."""
    import select

    try:
        return connection.sock is None or bool(select.select([connection.sock], [], [], 0)[0])
    except (OSError, ValueError):
        return True


def _not_connected(error: Exception) -> Exception:
    if isinstance(error, smtplib.SMTPAuthenticationError) and 500 <= error.smtp_code < 600:
        return Unsendable("auth", f"{error.smtp_code} the server does not accept the user and password")
    if isinstance(error, UnicodeError):
        return Unsendable("auth", "the user or password has letters that cannot be sent")
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return Unsendable("auth", "the server offers no encryption or no log-in")
    return NothingDone(f"no connection ({type(error).__name__})")


def _recipient(text: str) -> str:
    """The address with its domain in ASCII. Raises Unsendable("address")."""
    local, _, domain = text.rpartition("@")
    try:
        address = f"{local}@{_ascii_domain(domain)}"
        Address(addr_spec=re.sub(r"[^\x00-\x7f]", "x", address))
        if not local or len(address) > 254 or re.search(r"[\x00-\x20\x7f,;<>]", address):
            raise ValueError
    except (ValueError, IndexError, MessageError):
        raise Unsendable("address", "this is not an e-mail address") from None
    return address


def _ascii_domain(domain: str) -> str:
    return domain if domain.isascii() else domain.encode("idna").decode("ascii")
