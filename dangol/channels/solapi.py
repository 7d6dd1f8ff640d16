"""Alimtalk, Brand message, Friendtalk, SMS, LMS and MMS by Solapi, many messages per request."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from secrets import token_hex
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

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
    addressed,
    part,
)
from dangol.channels.http import HttpChannel, excerpt, json_body, json_of, with_headers
from dangol.channels.pace import NothingDone
from dangol.channels.phones import national
from dangol.channels.receipts import entries, instant, text_of
from dangol.channels.settings import HttpSettings, SecretName, Url
from dangol.channels.solapi_codes import AUTH_ERRORS, BALANCE_ERRORS, meaning, outcome

_BIGGEST = 14_000_000
"""Bytes of a request; the provider takes 15 MB."""
_TYPES = {"sms": "SMS", "lms": "LMS", "mms": "MMS", "alimtalk": "ATA", "brand": "BMS_FREE"}
_KAKAO = ("alimtalk", "friendtalk", "brand")


class SolapiSettings(HttpSettings):
    """`api_key`, `api_secret`, `from` (a registered number) and `type`; `pf_id` of the Kakao channel.

    `text` lets the provider choose between SMS and LMS. `templates`: message name → Alimtalk template. `fallback`:
    the provider sends a text where Kakao cannot (else the playbook decides). `size`: messages per request.
    """

    api_key: SecretName
    api_secret: SecretName
    type: Literal["text", "sms", "lms", "mms", "alimtalk", "friendtalk", "brand"] = "text"
    sender: Annotated[str, Field(pattern=r"^[0-9-]{8,13}$")] = Field(alias="from")
    pf_id: str | None = None
    template: str | None = None
    templates: dict[str, str] = Field(default_factory=dict)
    targeting: Literal["I", "M", "N"] = "I"
    fallback: bool = False
    country: Annotated[str, Field(pattern="^[A-Z]{2}$")] = "KR"
    size: Annotated[int, Field(ge=1, le=10_000)] = 1_000
    endpoint: Url = "https://api.solapi.com"

    @model_validator(mode="after")
    def _complete(self) -> SolapiSettings:
        if self.type in _KAKAO and not self.pf_id:
            raise ValueError(f"`type: {self.type}` needs `pf_id`, the Kakao channel's id at Solapi")
        return self


class Solapi(HttpChannel[SolapiSettings]):
    """Parts: `body`, `subject`, `image` (its id there), `buttons` (JSON), `template`, `bubble`, variables `#{name}`."""

    Settings = SolapiSettings

    def __init__(self, name: str, settings: SolapiSettings, around: Surroundings) -> None:
        super().__init__(name, settings, around)
        self.batch = settings.size

    def build(self, message: Message) -> Request:
        return self._request([self._item(message)])

    def _request(self, items: list[dict[str, Any]]) -> Request:
        body = {"messages": items, "allowDuplicates": False, "showMessageList": True}
        headers = {"content-type": "application/json; charset=utf-8"}
        return Request(f"{self.settings.endpoint}/messages/v4/send-many/detail", headers, json_body(body))

    def _item(self, message: Message) -> dict[str, Any]:
        settings, parts = self.settings, message.parts
        country, to = national(addressed(message), settings.country)
        kind = _TYPES.get(settings.type)
        if settings.type == "friendtalk":
            kind = "CTI" if parts.get("image") else "CTA"
        item = {"to": to, "from": settings.sender.replace("-", ""), "country": country, "type": kind,
                "autoTypeDetect": kind is None, "customFields": {"key": message.key}}  # fmt: skip
        variables = {name: text for name, text in parts.items() if name.startswith("#{")}
        if settings.type != "alimtalk" or not variables:
            item["text"] = part(message, "body")
        if settings.type in ("lms", "text"):
            item["subject"] = parts.get("subject") or parts.get("title")
        if settings.type == "mms":
            item |= {"subject": parts.get("subject") or parts.get("title"), "imageId": part(message, "image")}
        if settings.type in _KAKAO:
            item["kakaoOptions"] = self._kakao(message, variables)
        return {name: value for name, value in item.items() if value is not None}

    def _kakao(self, message: Message, variables: Mapping[str, str]) -> dict[str, Any]:
        settings, parts = self.settings, message.parts
        options: dict[str, Any] = {"pfId": settings.pf_id, "disableSms": not settings.fallback}
        buttons, image = _buttons(parts.get("buttons")), parts.get("image")
        if settings.type == "alimtalk":
            template = parts.get("template") or settings.templates.get(message.name or "") or settings.template
            if not template:
                raise Unsendable("template", f"there is no template for the message `{message.name}`")
            return options | {"templateId": template} | ({"variables": dict(variables)} if variables else {})
        extra = {"imageId": image, "buttons": buttons}
        extra = {name: value for name, value in extra.items() if value}
        if settings.type == "friendtalk":
            return options | extra
        bubble = parts.get("bubble") or ("IMAGE" if image else "TEXT")
        return options | {"bms": {"targeting": settings.targeting, "chatBubbleType": bubble, **extra}}

    def sign(self, request: Request) -> Request:
        """Every signature is valid once, so each attempt has its own."""
        date, salt = datetime.fromtimestamp(self.clock.time(), UTC).isoformat(timespec="milliseconds"), token_hex(16)
        key, secret = self.secrets.reveal(self.settings.api_key), self.secrets.reveal(self.settings.api_secret)
        signature = hmac.digest(secret.encode(), (date + salt).encode(), hashlib.sha256).hex()
        value = f"HMAC-SHA256 apiKey={key}, date={date}, salt={salt}, signature={signature}"
        return with_headers(request, authorization=value)

    def nothing_done(self, response: Response) -> NothingDone | None:
        if response.status == 403 and _error(response) == "DuplicatedSignature":
            return NothingDone("the signature was used before", 0.0)
        return super().nothing_done(response)

    def send(self, messages: Iterable[Message]) -> Iterator[tuple[str, Answer]]:
        group: dict[str, tuple[Message, dict[str, Any]]] = {}
        size = 0
        for message in messages:
            try:
                item = self._item(message)
            except Unsendable as error:
                yield message.key, error.failed
                continue
            # A number may stand in a request only once: the provider takes a second one for a mistake.
            length = len(json_body(item))
            if group and (item["to"] in group or len(group) == self.batch or size + length > _BIGGEST):
                yield from self._send(list(group.values()))
                group, size = {}, 0
            group[item["to"]] = (message, item)
            size += length
        if group:
            yield from self._send(list(group.values()))

    def _send(self, group: list[tuple[Message, dict[str, Any]]]) -> Iterator[tuple[str, Answer]]:
        responses: list[Response] = []

        def work() -> Answer:
            response = self.post(self._request([item for _, item in group]))
            if isinstance(response, Unknown):
                return response
            responses.append(response)
            return _overall(response)

        overall = self.guard.answer(work, len(group))
        each = _Results(responses[0]) if isinstance(overall, Sent) else None
        for message, item in group:
            answer = self.guard.shown(each.answer(message.key, item["to"])) if each is not None else overall
            if isinstance(answer, Failed) and answer.stops:
                self.guard.breaker.record(answer)
            yield message.key, answer

    def classify(self, response: Response, message: Message) -> Answer:
        overall = _overall(response)
        return _Results(response).answer(message.key, message.address or "") if isinstance(overall, Sent) else overall

    def parse_callback(self, body: bytes, headers: Mapping[str, str]) -> list[Receipt]:
        """The message reports in a webhook of Solapi; a message that is still on its way is no receipt."""
        found = entries(body)
        if found is None or not all(isinstance(entry, dict) and "data" in entry for entry in found):
            raise CallbackError("this is not a list of message reports")
        return [receipt for entry in found for receipt in _receipts(entry)]


def _buttons(text: str | None) -> list[Any] | None:
    if not text:
        return None
    try:
        buttons = json.loads(text)
    except (ValueError, RecursionError):
        buttons = None
    if not isinstance(buttons, list):
        raise Unsendable("content", "`buttons` is not a list in JSON")
    return buttons


def _error(response: Response) -> str:
    return str((json_of(response) or {}).get("errorCode", ""))


def _overall(response: Response) -> Answer:
    """Sent says only that the request as a whole was taken."""
    status, error = response.status, _error(response)
    if status == 200:
        return Sent() if json_of(response) is not None else Unknown(f"unreadable: {excerpt(response)}")
    if error in BALANCE_ERRORS or status == 402:
        return Failed("balance", excerpt(response))
    if error in AUTH_ERRORS or status in (401, 403):
        return Failed("auth", excerpt(response))
    return Failed("content", excerpt(response)) if 400 <= status < 500 else Unknown(excerpt(response))


class _Results:
    """What an accepted request says of each message in it."""

    def __init__(self, response: Response) -> None:
        answer = json_of(response) or {}
        self._by_key: dict[str, dict[str, Any]] = {}
        self._failed_by_number: dict[str, dict[str, Any]] = {}
        failed = _entries(answer.get("failedMessageList"))
        for entry in (*_entries(answer.get("messageList")), *failed):
            fields = entry.get("customFields")
            if isinstance(fields, dict) and "key" in fields:
                self._by_key[str(fields["key"])] = entry
        self._failed_by_number = {str(entry.get("to")): entry for entry in failed if not entry.get("customFields")}
        self._complete = _complete(answer, len(failed))

    def answer(self, key: str, number: str) -> Answer:
        entry = self._by_key.get(key) or self._failed_by_number.get(number)
        if entry is None:
            return Sent() if self._complete else Unknown("the answer does not say what became of this message")
        identifier = entry.get("messageId")
        said = str(entry.get("statusMessage", ""))
        return outcome(str(entry.get("statusCode", "")), said, str(identifier) if identifier else None)


def _entries(value: Any) -> list[dict[str, Any]]:
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [item for item in items if isinstance(item, dict)]


def _complete(answer: Mapping[str, Any], failed: int) -> bool:
    """The counts say that every message which is not listed as failed was taken."""
    info = answer.get("groupInfo")
    count = info.get("count") if isinstance(info, dict) else None
    if not isinstance(count, dict) or count.get("registeredFailed") != failed:
        return False
    return bool(count.get("total")) and count.get("registeredSuccess") == count["total"] - failed


def _receipts(entry: Mapping[str, Any]) -> Iterator[Receipt]:
    data = entry.get("data")
    if not isinstance(data, dict) or not data.get("messageId"):
        return
    fields, code = data.get("customFields"), str(data.get("statusCode", ""))
    try:
        time = instant(data.get("dateReported") or data.get("dateProcessed"))
    except ValueError:
        time = None
    key = fields.get("key") if isinstance(fields, dict) else None
    identifier = text_of(entry.get("eventDataId")) or ""
    about: dict[str, Any] = {"time": time, "key": text_of(key), "provider_id": text_of(data["messageId"]),
                             "id": identifier}  # fmt: skip
    if code == "4000":
        yield Receipt("delivered", **about)
    elif code not in ("2000", "3000"):
        kind = meaning(code)
        reason = f"{code} {data.get('statusMessage') or ''}".strip()[:300]
        yield Receipt("failed", kind=kind, reason=reason, **about)
        if kind == "consent":
            about["id"] = identifier and f"{identifier}-unsubscribed"  # it is told in the same event
            yield Receipt("unsubscribed", kind=kind, reason=reason, **about)
