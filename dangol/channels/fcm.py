"""App push by Firebase Cloud Messaging, HTTP v1."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from dangol.channels.base import (
    Answer,
    Clock,
    Failed,
    FailureKind,
    Message,
    Request,
    Response,
    Sent,
    Surroundings,
    Unknown,
    Unsendable,
    addressed,
    part,
)
from dangol.channels.http import HttpChannel, Lost, Transport, excerpt, json_body, json_of, with_headers
from dangol.channels.pace import NothingDone
from dangol.channels.settings import HttpSettings, SecretName, Secrets, Url, check_url

_SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
_TOKEN_URL = "https://oauth2.googleapis.com/token"
_SHOWN = ("title", "body", "image")
_APNS = {"high": "10", "normal": "5"}
_FCM_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
_KINDS: dict[str, FailureKind] = {
    "UNREGISTERED": "address",
    "INVALID_ARGUMENT": "address",
    "SENDER_ID_MISMATCH": "sender",
    "THIRD_PARTY_AUTH_ERROR": "auth",
    "APNS_AUTH_ERROR": "auth",
}


class FcmSettings(HttpSettings):
    """`project` and `credentials` (the service account: its JSON, or the path of its file).

    `ttl` in seconds, `priority`, `dry_run` (the provider checks and sends nothing), `quota_wait`: the least seconds to
    wait when over the quota, `max_bytes` of the payload, `endpoint` and `token_url` for another address.
    """

    project: Annotated[str, Field(pattern=r"^[A-Za-z0-9:._-]+$")]
    credentials: SecretName
    endpoint: Url = "https://fcm.googleapis.com"
    token_url: Url | None = None
    ttl: Annotated[int, Field(ge=0, le=2_419_200)] | None = None
    priority: Literal["high", "normal"] = "normal"
    dry_run: bool = False
    quota_wait: Annotated[float, Field(ge=0)] = 60
    max_bytes: Annotated[int, Field(ge=1)] = 4096


class Fcm(HttpChannel[FcmSettings]):
    """One push per device token. Parts: `title`, `body`, `image`, `link`; every other part travels in `data`."""

    Settings = FcmSettings

    def __init__(self, name: str, settings: FcmSettings, around: Surroundings) -> None:
        super().__init__(name, settings, around)
        self._tokens = _Tokens(settings, self.secrets, self.transport, around)

    def build(self, message: Message) -> Request:
        part(message, "body", "title")
        shown = {name: message.parts[name] for name in _SHOWN if message.parts.get(name)}
        extra = {name: text for name, text in message.parts.items() if name not in _SHOWN}
        push = {"notification": shown, "data": {**extra, **message.labels, "key": message.key},
                **self._platforms(message)}  # fmt: skip
        if (size := len(json_body({"notification": push["notification"], "data": push["data"]}))) > (
            self.settings.max_bytes
        ):
            raise Unsendable("content", f"{size} bytes; a push has at most {self.settings.max_bytes}")
        body: dict[str, object] = {"message": {"token": addressed(message), **push}}
        if self.settings.dry_run:
            body["validate_only"] = True
        target = f"{self.settings.endpoint}/v1/projects/{self.settings.project}/messages:send"
        return Request(target, {"content-type": "application/json; charset=utf-8"}, json_body(body))

    def _platforms(self, message: Message) -> dict[str, object]:
        """The send's key collapses a push that is sent twice into one on the device."""
        android: dict[str, object] = {"priority": self.settings.priority, "collapse_key": message.key}
        headers = {"apns-collapse-id": message.key, "apns-priority": _APNS[self.settings.priority]}
        if self.settings.ttl is not None:
            android["ttl"] = f"{self.settings.ttl}s"
            headers["apns-expiration"] = str(int(self.clock.time()) + self.settings.ttl if self.settings.ttl else 0)
        return {"android": android, "apns": {"headers": headers}}

    def sign(self, request: Request) -> Request:
        return with_headers(request, authorization=f"Bearer {self._tokens.token()}")

    def nothing_done(self, response: Response) -> NothingDone | None:
        code = _code(response)
        if response.status == 401 and code not in _KINDS and self._tokens.expire():
            return NothingDone("the access token has expired", 0.0)
        if response.status == 429:
            return self.busy(response, self.settings.quota_wait)
        return self.busy(response) if response.status == 503 else None

    def classify(self, response: Response, message: Message) -> Answer:
        status, code = response.status, _code(response)
        if status == 200:
            name = (json_of(response) or {}).get("name")
            return Sent(name) if isinstance(name, str) and name else Unknown(f"an answer without a name: HTTP {status}")
        if code in _KINDS:
            return Failed(_KINDS[code], f"{code} ({excerpt(response)})")
        if status in (401, 403, 404):
            return Failed("auth", excerpt(response))
        return Failed("content", excerpt(response)) if 400 <= status < 500 else Unknown(excerpt(response))


def _code(response: Response) -> str:
    """FCM's own error code; "" when the error is not of FCM but of the request."""
    error = (json_of(response) or {}).get("error")
    details = error.get("details") if isinstance(error, dict) else None
    for detail in details if isinstance(details, list) else ():
        if isinstance(detail, dict) and detail.get("@type") == _FCM_ERROR:
            return str(detail.get("errorCode", ""))
    return ""


class _Tokens:
    """Access tokens of a service account (RFC 7523), one at a time, renewed a minute before they end."""

    def __init__(self, settings: FcmSettings, secrets: Secrets, transport: Transport, around: Surroundings) -> None:
        self._settings = settings
        self._secrets = secrets
        self._transport = transport
        self._folder = around.folder
        self._clock: Clock = around.clock
        self._lock = threading.Lock()
        self._token = ""
        self._since = self._until = float("-inf")

    def token(self) -> str:
        """A valid access token. Raises Unsendable("auth"), NothingDone."""
        with self._lock:
            now = self._clock.monotonic()
            if now >= self._until:
                self._token, seconds = self._fetch()
                self._since, self._until = now, now + max(seconds - 60, 1)
                self._secrets.hide(self._token, "(access token)")
            return self._token

    def expire(self) -> bool:
        """Let go of a token that was refused; False when it is fresh, and another would be refused, too."""
        with self._lock:
            fresh = self._clock.monotonic() - self._since < 60
            if not fresh:
                self._until = float("-inf")
            return not fresh

    def _fetch(self) -> tuple[str, float]:
        from urllib.parse import urlencode

        grant, url = self._assertion()
        form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": grant}
        headers = {"content-type": "application/x-www-form-urlencoded"}
        try:
            response = self._transport.exchange(Request(url, headers, urlencode(form).encode()))
        except Lost as error:
            raise NothingDone(f"the access token: {error}") from None
        if response.status >= 500 or response.status == 429:
            raise NothingDone(f"the access token: HTTP {response.status}")
        answer = json_of(response) or {}
        token, seconds = answer.get("access_token"), answer.get("expires_in", 3600)
        if response.status != 200 or not isinstance(token, str) or not isinstance(seconds, int | float):
            raise Unsendable("auth", f"no access token: {answer.get('error', 'unreadable')} (HTTP {response.status})")
        return token, seconds

    def _assertion(self) -> tuple[str, str]:
        import jwt

        account = self._account()
        url = self._secrets.reveal(self._settings.token_url or account.get("token_uri") or _TOKEN_URL)
        now = int(self._clock.time())
        claims = {"iss": account.get("client_email"), "scope": _SCOPE, "aud": account.get("token_uri") or url,
                  "iat": now, "exp": now + 3600}  # fmt: skip
        try:
            check_url(url)
            headers = {"kid": account["private_key_id"]} if account.get("private_key_id") else None
            return jwt.encode(claims, account["private_key"], algorithm="RS256", headers=headers), url
        except Exception as error:  # the key library raises many kinds
            reason = f"{self._settings.credentials} is not a service account ({type(error).__name__})"
            raise Unsendable("auth", reason) from None

    def _account(self) -> dict[str, Any]:
        text = self._secrets.reveal(self._settings.credentials)
        try:
            if not text.startswith("{"):
                text = Path(self._folder, text).read_text(encoding="utf-8")
            account = json.loads(text)
        except (OSError, ValueError, RecursionError):
            account = None
        if not isinstance(account, dict):
            raise Unsendable("auth", f"{self._settings.credentials} is neither a service account nor the file of one")
        return account
