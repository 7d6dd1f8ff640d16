"""What dangol.yaml says of a channel, validated; secrets are names of environment variables until they are used."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator

from dangol.channels.base import Unsendable

_ADDRESS = re.compile(r"[^\s<>()\"',;:@]{1,64}@[\w.-]{1,255}|(?<![\w-])(?:\+|0|82)[\d-]{7,14}\d(?![\w-])|[\w:-]{80,}")
_ENV = re.compile(r"env:([A-Za-z_][A-Za-z0-9_]*)")


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that only the environment knows, by the name of its variable."""

    variable: str

    def __repr__(self) -> str:
        return f"env:{self.variable}"

    __str__ = __repr__


def _secret(value: object) -> Secret:
    if isinstance(value, Secret):
        return value
    if isinstance(value, str) and (found := _ENV.fullmatch(value.strip())):
        return Secret(found[1])
    raise ValueError(f"{NEVER_HERE}: give it as `env:NAME`, the name of an environment variable")


NEVER_HERE = "a secret is never written here"

SecretName = Annotated[Secret, PlainValidator(_secret)]


def _url(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("an address begins with https://")
    check_url(value)
    return value.strip().rstrip("/")


def _url_or_secret(value: object) -> str | Secret:
    named = isinstance(value, Secret) or (isinstance(value, str) and value.strip().startswith("env:"))
    return _secret(value) if named else _url(value)


def check_url(text: str) -> None:
    """Raises ValueError unless it is https, or http to this machine."""
    try:
        parts = urlsplit(text.strip())
        host = parts.hostname
    except ValueError:
        host = None
    if host is None or parts.scheme not in ("https", "http"):
        raise ValueError("an address begins with https://")
    if parts.scheme == "http" and not is_loopback(host):
        raise ValueError("an address outside this machine begins with https://; http would show everybody what is sent")


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


Url = Annotated[str, PlainValidator(_url)]
"""An https URL without the last slash."""

UrlOrSecret = Annotated[str | Secret, PlainValidator(_url_or_secret)]
"""An https URL, or `env:NAME` when the URL itself is a secret."""


def _inside(value: object) -> str:
    text = str(value).strip().replace("\\", "/")
    path = PurePosixPath(text)
    if not text or path.is_absolute() or ".." in path.parts or ":" in text:
        raise ValueError("a path inside the project, such as `outbox/sms.jsonl`")
    return text


InsidePath = Annotated[str, BeforeValidator(_inside)]
"""A path that stays inside the project's folder."""


class Settings(BaseModel):
    """The settings of one channel; its errors never repeat a value."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, populate_by_name=True)


PerSecond = Annotated[float, Field(gt=0)]
"""How many messages may go in a second."""


class HttpSettings(Settings):
    """What every channel over HTTP has: seconds to wait for a connection and between two pieces of an answer, seconds
    for the whole answer, how often to try when nothing was done, and how many requests are under way at once."""

    rate: PerSecond | None = None
    timeout: Annotated[float, Field(gt=0, le=300)] = 15
    deadline: Annotated[float, Field(gt=0, le=600)] = 30
    attempts: Annotated[int, Field(ge=1, le=10)] = 3
    concurrency: Annotated[int, Field(ge=1, le=64)] = 8


class Secrets:
    """Secrets looked up when they are used, and taken out of every text that is shown."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._seen: dict[str, str] = {}

    def reveal(self, value: str | Secret) -> str:
        """The value; a plain text is its own. Raises Unsendable("auth") when the variable is not set."""
        if isinstance(value, str):
            return value
        found = self._environ.get(value.variable, "").strip()
        if not found:
            raise Unsendable("auth", f"the environment variable {value.variable} is not set")
        self._seen[found] = repr(value)
        return found

    def hide(self, value: str, shown: str) -> None:
        """Take a text that was made of a secret (such as a token) out of what is shown, too."""
        if value:
            self._seen[value] = shown

    def redact(self, text: str, limit: int = 300) -> str:
        """The text on one line without any secret that was revealed, mail address, telephone number or device token;
        at most `limit` characters. Providers repeat what they were sent."""
        for value in sorted(self._seen, key=len, reverse=True):
            text = text.replace(value, self._seen[value])
        text = _ADDRESS.sub("(address)", text)
        text = " ".join(text.split())
        return text if len(text) <= limit else text[: limit - 1] + "…"


def secrets_of(settings: BaseModel) -> Iterator[Secret]:
    """Every secret that the settings name."""
    for name in type(settings).model_fields:
        yield from _secrets_in(getattr(settings, name))


def _secrets_in(value: Any) -> Iterator[Secret]:
    if isinstance(value, Secret):
        yield value
    elif isinstance(value, BaseModel):
        yield from secrets_of(value)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _secrets_in(item)
