"""What a channel is to its recipients, and when a medium may not be used for advertising."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal, cast

from dangol.addresses import AddressKind
from dangol.diagnostics import Line
from dangol.engine.ir import Quiet
from dangol.playbook.model import Channel

Medium = Literal["sms", "alimtalk", "friendtalk", "brand", "push", "email", "other"]

_BY_PROVIDER: dict[str, Medium] = {"smtp": "email", "fcm": "push", "solapi": "sms"}
_BY_TYPE: dict[str, Medium] = {"alimtalk": "alimtalk", "friendtalk": "friendtalk", "brand": "brand"}
_BY_NAME: dict[str, Medium] = {
    "sms": "sms", "lms": "sms", "mms": "sms", "text": "sms", "문자": "sms", "email": "email", "mail": "email",
    "e_mail": "email", "이메일": "email", "메일": "email", "push": "push", "app_push": "push", "푸시": "push",
    "앱푸시": "push", "alimtalk": "alimtalk", "알림톡": "alimtalk", "friendtalk": "friendtalk",
    "친구톡": "friendtalk", "brand": "brand", "brand_message": "brand", "브랜드메시지": "brand", "kakao": "brand",
    "카카오": "brand", "카카오톡": "brand",
}  # fmt: skip
_KAKAO_ADS = ("friendtalk", "brand")
_ZONE = "Asia/Seoul"


def setting(channel: Channel, name: str) -> Line | None:
    """A provider's setting, when it is one line."""
    value = (channel.model_extra or {}).get(name)
    return value if isinstance(value, Line) else None


def medium_of(name: str, channel: Channel) -> Medium:
    """What `medium:` says, else what the provider and its `type` send, else what the channel's name tells."""
    if channel.medium is not None:
        return cast(Medium, channel.medium.text)
    kind, provider = setting(channel, "type"), setting(channel, "provider")
    if kind is not None and kind.text in _BY_TYPE:
        return _BY_TYPE[kind.text]
    if provider is not None and provider.text in _BY_PROVIDER:
        return _BY_PROVIDER[provider.text]
    if provider is not None and provider.text != "file":
        return "other"
    return _BY_NAME.get(name.lower(), "other")


def address_kind(medium: Medium) -> AddressKind:
    """What an address of the medium is."""
    if medium in ("sms", "alimtalk", *_KAKAO_ADS):
        return "phone"
    return "email" if medium == "email" else "other"


def country_of(channel: Channel, laws: Collection[str], zone: str) -> str | None:
    """The country whose telephone numbers are written without a prefix: the channel's, else that of the laws or of the
    project's zone; None when nothing tells."""
    said = setting(channel, "country")
    if said is not None:
        return said.text
    if "kr" in laws or zone == _ZONE:
        return "KR"
    return "US" if "us" in laws else None


def text_type(channel: Channel) -> str:
    """`sms`, `lms` or `mms` where the channel sends nothing else; `text` where short ones are SMS, longer ones LMS."""
    kind = setting(channel, "type")
    return kind.text if kind is not None and kind.text in ("sms", "lms", "mms") else "text"


def night(medium: Medium, laws: Collection[str]) -> Quiet | None:
    """The hours in which advertising needs a consent of its own."""
    exempt = medium in ("email", "other", "alimtalk")
    return None if exempt or "kr" not in laws else Quiet(21 * 60, 8 * 60, _ZONE)


def closed(medium: Medium, laws: Collection[str]) -> Quiet | None:
    """The hours in which the medium takes no advertising at all."""
    return Quiet(20 * 60, 8 * 60, _ZONE) if medium in _KAKAO_ADS and "kr" in laws else None


def local_hours(medium: Medium, laws: Collection[str], zone: str) -> Quiet | None:
    """The hours of the recipient's own clock in which the medium takes no advertising."""
    return Quiet(21 * 60, 8 * 60, zone) if medium == "sms" and "us" in laws else None
