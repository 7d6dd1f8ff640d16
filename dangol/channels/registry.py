"""Which channels there are, and a channel from what dangol.yaml says of it."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from dangol.channels.base import Channel, Surroundings
from dangol.channels.settings import NEVER_HERE, secrets_of
from dangol.diagnostics import DangolError, Diagnostic, Line, diagnose, did_you_mean

GROUP = "dangol.channels"
"""The entry point group by which another package brings a channel."""
DEFAULT = "file"

Path = tuple[str | int, ...]
Place = Callable[[Path], Line]
"""From a path in the settings, such as ("host",), to the line that says it; () is the channel itself."""


@dataclass(frozen=True)
class Row:
    """A provider: its name in `provider:`, where its class is, and what it does."""

    name: str
    target: str
    summary: str


BUILT_IN = (
    Row("file", "dangol.channels.file:FileOutbox", "an outbox: a file of JSON Lines"),
    Row("smtp", "dangol.channels.smtp:Smtp", "e-mail by SMTP"),
    Row("fcm", "dangol.channels.fcm:Fcm", "app push by Firebase Cloud Messaging"),
    Row("solapi", "dangol.channels.solapi:Solapi", "Alimtalk, Brand message, Friendtalk, SMS, LMS, MMS by Solapi"),
    Row("webhook", "dangol.channels.webhook:Webhook", "a signed POST to your own system"),
    Row("audience", "dangol.channels.audience:Audience", "customer lists for Google and Meta ads"),
    Row("feed", "dangol.channels.feed:Feed", "banners for a site or an app, as JSON"),
)


def providers() -> dict[str, Row]:
    """Every provider by name: the built-in ones, and those that installed packages bring."""
    others = (_row(entry) for entry in entry_points(group=GROUP))
    return {row.name: row for row in (*others, *BUILT_IN)}


def _row(entry: EntryPoint) -> Row:
    package = entry.dist.name if entry.dist is not None else "another package"
    return Row(entry.name, entry.value, f"from {package}")


@dataclass(frozen=True)
class Declared:
    """A channel whose settings are valid; nothing has been opened."""

    name: str
    provider: str
    settings: BaseModel
    _make: Callable[[str, BaseModel, Surroundings], Channel]

    def missing(self, environ: Mapping[str, str]) -> tuple[str, ...]:
        """The environment variables that the settings name and that are not set."""
        named = dict.fromkeys(secret.variable for secret in secrets_of(self.settings))
        return tuple(name for name in named if not environ.get(name, "").strip())

    def open(self, around: Surroundings) -> Channel:
        """The channel; it connects when it sends."""
        return self._make(self.name, self.settings, around)


def declare(name: str, settings: Mapping[str, Any], place: Place | None = None) -> Declared:
    """The channel of that name from its mapping in dangol.yaml: `provider` and that provider's settings.

    `address` and `consent` belong to the project and are left out. Raises DangolError: E050 (a setting), E051 (no
    such provider), E052 (a package's channel that cannot be used).
    """
    where = place or (lambda path: Line.of(".".join(map(str, ("channels", name, *path))), "dangol.yaml"))
    own = {str(key): value for key, value in settings.items() if key not in ("provider", "address", "consent")}
    provider = str(settings.get("provider", DEFAULT))
    make = _load(provider, where)
    try:
        return Declared(name, provider, make.Settings.model_validate(own), make)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        found = [_mistake(provider, make.Settings, detail, where) for detail in details]
        if any(detail["type"] == "extra_forbidden" or NEVER_HERE in detail["msg"] for detail in details):
            found = [replace(one, text="") for one in found]  # a secret may stand in the line
        raise DangolError(*found) from None


def open_channel(name: str, settings: Mapping[str, Any], around: Surroundings, place: Place | None = None) -> Channel:
    """`declare`, opened."""
    return declare(name, settings, place).open(around)


def _load(provider: str, where: Place) -> Any:
    rows = {row.name: row for row in BUILT_IN}
    if provider not in rows:  # only then is it worth looking through every installed package
        rows = providers()
    if provider not in rows:
        hints = did_you_mean(provider, rows) or (f"the providers are {', '.join(sorted(rows))}",)
        message = f"`{provider[:60]}` is not a provider of messages"
        raise DangolError(diagnose("E051", message, where(("provider",)), hints=hints))
    module, _, name = rows[provider].target.partition(":")
    try:
        found = getattr(importlib.import_module(module), name)
        if issubclass(found.Settings, BaseModel):
            return found
        reason = "its Settings are not a pydantic model"
    except Exception as error:  # another package's import may do anything
        reason = f"{type(error).__name__}: {error}"[:200]
    message = f"the provider `{provider}` ({rows[provider].summary}) cannot be used: {reason}"
    raise DangolError(diagnose("E052", message, where(("provider",))))


def _mistake(provider: str, model: type[BaseModel], detail: ErrorDetails, where: Place) -> Diagnostic:
    path = detail["loc"]
    setting = ".".join(map(str, path)) or "the settings"
    names = [field.alias or name for name, field in model.model_fields.items()]
    if detail["type"] == "extra_forbidden":
        hints = did_you_mean(str(path[-1]), names) or (f"the settings are {', '.join(['provider', *names])}",)
        return diagnose("E050", f"`{setting}` is not a setting of `{provider}`", where(path), hints=hints)
    if detail["type"] == "missing":
        return diagnose("E050", f"`{provider}` needs `{setting}`", where(path[:-1]))
    said = detail["msg"].removeprefix("Value error, ")
    return diagnose("E050", f"`{setting}`: {said[:1].lower()}{said[1:]}", where(path))
