"""Mail servers on this machine: aiosmtpd with a log-in, and one that answers by a script."""

from __future__ import annotations

import datetime
import ipaddress
import socketserver
import ssl
import threading
from collections import defaultdict, deque
from contextlib import suppress
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.channels.doubles import free_port

USER, PASSWORD = "crm", "password-nobody-may-see"


class Mailbox:
    """Takes every message; `sessions` counts connections that brought one."""

    def __init__(self) -> None:
        self.got: list[Envelope] = []
        self.sessions: set[int] = set()

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.got.append(envelope)
        self.sessions.add(id(session))
        return "250 2.0.0 taken"


def mail_server(mailbox: Mailbox, context: ssl.SSLContext | None = None, **options: Any) -> Controller:
    """A running server that wants USER and PASSWORD; stop() it."""

    def check(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        known = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=known, handled=False)

    if context is not None:
        options |= {"tls_context": context, "require_starttls": True}
    controller = Controller(
        mailbox, hostname="127.0.0.1", port=free_port(), authenticator=check,
        auth_require_tls=context is not None, auth_required=True, enable_SMTPUTF8=True, **options,
    )  # fmt: skip
    controller.start()
    return controller


def certificate(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's context with a new certificate for 127.0.0.1, and the file of it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    built = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    public, private = folder / "certificate.pem", folder / "key.pem"
    public.write_bytes(built.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    return context, public


class ScriptedServer:
    """Answers 250 unless `script[stage]` has something else next: a reply, "hang up" or "silence".

    Stages: connect, ehlo, mail, rcpt, data, end. `taken` counts messages that were read to their end.
    """

    def __init__(self) -> None:
        self.script: dict[str, deque[str]] = defaultdict(deque)
        self.taken: list[bytes] = []
        self.connections = 0
        self.stopping = threading.Event()
        double = self

        class Handler(socketserver.StreamRequestHandler):
            timeout = 5

            def handle(self) -> None:
                double.connections += 1
                with suppress(OSError, EOFError):
                    double._talk(self)

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            block_on_close = False
            allow_reuse_address = True

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()

    def _talk(self, handler: socketserver.StreamRequestHandler) -> None:
        self._reply(handler, "connect", "220 ready")
        while line := handler.rfile.readline():
            command = line.split(b" ")[0].strip().lower().decode()
            if command == "data":
                if self._reply(handler, "data", "354 go on").startswith("354"):
                    self._read(handler)
                    self._reply(handler, "end", "250 2.0.0 taken")
            elif command == "quit":
                return
            else:
                self._reply(handler, command, "250 fine")

    def _read(self, handler: socketserver.StreamRequestHandler) -> None:
        lines = []
        while (line := handler.rfile.readline()) != b".\r\n":
            if not line:
                raise EOFError
            lines.append(line)
        self.taken.append(b"".join(lines))

    def _reply(self, handler: socketserver.StreamRequestHandler, stage: str, usual: str) -> str:
        reply = self.script[stage].popleft() if self.script[stage] else usual
        if reply == "silence":
            self.stopping.wait(2)
        if reply in ("hang up", "silence"):
            raise EOFError
        handler.wfile.write(reply.encode() + b"\r\n")
        if reply.startswith("421"):
            raise EOFError
        return reply
