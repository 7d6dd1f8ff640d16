"""A signed POST to your own system, as the Standard Webhooks specification has it; the key is the webhook's id."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from dangol.channels.base import (
    Answer,
    CallbackError,
    Failed,
    Message,
    Receipt,
    Request,
    Response,
    Sent,
    Surroundings,
    Unknown,
    Unsendable,
)
from dangol.channels.http import HttpChannel, excerpt, json_body, with_headers
from dangol.channels.pace import NothingDone
from dangol.channels.receipts import parse_log
from dangol.channels.settings import HttpSettings, SecretName, UrlOrSecret, check_url

_TOLERANCE = 300
"""Seconds by which the clock of a caller may differ."""


class WebhookSettings(HttpSettings):
    """`url` and `secret` (`whsec_…`); `addressed: yes` when your system needs the channel's address."""

    url: UrlOrSecret
    secret: SecretName
    addressed: bool = False


class Webhook(HttpChannel[WebhookSettings]):
    """POSTs `{"type": "message", "timestamp": …, "data": {…}}`. Receivers keep to one message per `webhook-id`."""

    Settings = WebhookSettings
    idempotent = True

    def __init__(self, name: str, settings: WebhookSettings, around: Surroundings) -> None:
        super().__init__(name, settings, around)
        self.addressed = settings.addressed

    def build(self, message: Message) -> Request:
        if self.addressed and not message.address:
            raise Unsendable("address", "there is no address")
        now = datetime.fromtimestamp(self.clock.time(), UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        data = {"key": message.key, "customer": message.customer, "address": message.address,
                "kind": message.kind, **message.labels, "parts": dict(message.parts)}  # fmt: skip
        body = json_body({"type": "message", "timestamp": now, "data": data})
        headers = {"content-type": "application/json", "webhook-id": message.key}
        return Request(str(self.settings.url), headers, body)

    def sign(self, request: Request) -> Request:
        url = self.secrets.reveal(self.settings.url)
        try:
            check_url(url)
        except ValueError as error:
            raise Unsendable("auth", str(error)) from None
        stamp = str(int(self.clock.time()))
        signature = self._signature(request.headers["webhook-id"], stamp, request.body)
        signed = with_headers(request, webhook_timestamp=stamp, webhook_signature=signature)
        return replace(signed, target=url)

    def _signature(self, identifier: str, stamp: str, body: bytes) -> str:
        content = f"{identifier}.{stamp}.".encode() + body
        return "v1," + base64.b64encode(hmac.digest(self._secret(), content, hashlib.sha256)).decode()

    def _secret(self) -> bytes:
        text = self.secrets.reveal(self.settings.secret).removeprefix("whsec_")
        try:
            key = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if not 24 <= len(key) <= 64:
            raise Unsendable("auth", f"{self.settings.secret} is not `whsec_` and 24 to 64 bytes in base64")
        return key

    def nothing_done(self, response: Response) -> NothingDone | None:
        return self.busy(response) if response.status in (429, 502, 503, 504) else None

    def classify(self, response: Response, message: Message) -> Answer:
        status = response.status
        if 200 <= status < 300:
            return Sent(message.key)
        if status in (401, 403):
            return Failed("auth", excerpt(response))
        if 300 <= status < 400 or status in (404, 410):
            return Failed("blocked", excerpt(response))
        if 400 <= status < 500 and status not in (408, 425):
            return Failed("content", excerpt(response))
        return Unknown(excerpt(response))

    def parse_callback(self, body: bytes, headers: Mapping[str, str]) -> list[Receipt]:
        """The response log in a callback that is signed with the same secret, not older or newer than five minutes."""
        folded = {name.lower(): value for name, value in headers.items()}
        identifier, stamp = folded.get("webhook-id", ""), folded.get("webhook-timestamp", "")
        if not (stamp.isascii() and stamp.isdigit()) or abs(self.clock.time() - int(stamp[:15])) > _TOLERANCE:
            raise CallbackError("the callback has no timestamp of the last five minutes")
        try:
            expected = self._signature(identifier, stamp, body)
        except Unsendable as error:
            raise CallbackError(error.failed.reason) from None
        given = folded.get("webhook-signature", "").split(" ")
        if not any(hmac.compare_digest(expected.encode(), one.encode("utf-8", "replace")) for one in given):
            raise CallbackError("the callback's signature is wrong")
        return parse_log(body)
