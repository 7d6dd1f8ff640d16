"""Customer lists for ads: who was sent here stands in a file, normalised and hashed as Google or Meta wants it."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Annotated, Literal

from pydantic import Field

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
    Unsendable,
)
from dangol.channels.durable import locked, replace_file
from dangol.channels.pace import SILENCE, batches
from dangol.channels.phones import e164
from dangol.channels.receipts import parse_log
from dangol.channels.settings import InsidePath, Settings

_GMAIL = ("gmail.com", "googlemail.com")
_COLUMNS = {
    "google": {"email": "Email", "phone": "Phone", "first_name": "First Name", "last_name": "Last Name",
               "country": "Country", "zip": "Zip"},
    "meta": {"email": "email", "phone": "phone", "first_name": "fn", "last_name": "ln", "zip": "zip",
             "city": "ct", "country": "country", "birth_year": "doby", "gender": "gen"},
}  # fmt: skip
_PLAIN = {"google": ("country", "zip"), "meta": ()}
_ENOUGH = ("email", "phone")


class AudienceSettings(Settings):
    """`format`, `identifier` (what the channel's address is), `country` of numbers without prefix, `folder`."""

    format: Literal["google", "meta"]
    identifier: Literal["email", "phone"] = "email"
    country: Annotated[str, Field(pattern="^[A-Z]{2}$")] = "KR"
    folder: InsidePath = "audiences"


class Audience:
    """One file per audience, named by the part `audience` or the message. Sending adds; nobody is in it twice.

    Parts: `email`, `phone`, `first_name`, `last_name`, `zip`, `country` and, for Meta, `city`, `birth_year`, `gender`.
    No identifier is ever written as it is.
    """

    Settings = AudienceSettings
    idempotent = True
    batch = 100_000
    rate: float | None = None
    addressed = False

    def __init__(self, name: str, settings: AudienceSettings, around: Surroundings) -> None:
        self.name = name
        self.settings = settings
        self._folder = around.folder

    def build(self, message: Message) -> Request:
        given = {self.settings.identifier: message.address or "", **message.parts}
        columns = _COLUMNS[self.settings.format]
        country = normalise("country", given.get("country") or "", "google", self.settings.country)
        row = {name: self._value(name, given.get(name) or "", country) for name in columns}
        if not any(row[name] for name in _ENOUGH):
            raise Unsendable("address", "there is neither an e-mail address nor a telephone number")
        return Request(self._target(message), {}, (",".join(row.values()) + "\n").encode("utf-8", "replace"), "ADD")

    def _target(self, message: Message) -> str:
        named = message.parts.get("audience") or message.name or message.scenario or self.name
        name = re.sub(r"\W+", "_", unicodedata.normalize("NFC", named)).strip("_")[:80] or "audience"
        return f"{self.settings.folder}/{name}.{self.settings.format}.csv"

    def _value(self, name: str, text: str, country: str = "") -> str:
        """As it is written; ZIP codes and numbers without a prefix are of the row's country."""
        normal = normalise(name, text, self.settings.format, country or self.settings.country)
        if not normal or name in _PLAIN[self.settings.format]:
            return normal
        return hashlib.sha256(normal.encode("utf-8", "replace")).hexdigest()

    def send(self, messages: Iterable[Message]) -> Iterator[tuple[str, Answer]]:
        for group in batches(messages, self.batch):
            files: dict[str, dict[str, bytes]] = {}
            for message in group:
                try:
                    request = self.build(message)
                except Unsendable as error:
                    yield message.key, error.failed
                else:
                    files.setdefault(request.target, {})[message.key] = request.body
            for target, rows in files.items():
                answer = self._add(target, rows.values())
                yield from ((key, answer or Sent()) for key in rows)

    def _add(self, target: str, rows: Iterable[bytes]) -> Answer | None:
        path = self._folder / target
        head = (",".join(_COLUMNS[self.settings.format].values()) + "\n").encode()
        try:
            with locked(path):
                old = path.read_bytes().splitlines(keepends=True) if path.exists() else [head]
                if old[:1] != [head]:
                    return Failed("blocked", f"{target} is there already and is not such a list")
                all_rows = dict.fromkeys((*old, *rows))
                if len(all_rows) > len(old) or not path.exists():
                    replace_file(path, all_rows)
        except OSError as error:
            return RetryAfter(SILENCE, f"{target} cannot be written: {error.strerror}", of_channel=True)
        return None

    def forget(self, customer: str, addresses: Collection[str]) -> dict[str, int]:
        """Takes the rows with these e-mail addresses and telephone numbers away; no id is in such a list."""
        hashes = {self._value(name, address) for name in _ENOUGH for address in addresses} - {""}
        places = [list(_COLUMNS[self.settings.format]).index(name) for name in _ENOUGH]
        found: dict[str, int] = {}
        for path in sorted((self._folder / self.settings.folder).glob(f"*.{self.settings.format}.csv")):
            with locked(path):
                old = path.read_bytes().splitlines(keepends=True)
                kept = [row for row in old if not hashes & _cells(row, places)]
                if len(kept) < len(old):
                    replace_file(path, kept)
                    found[f"{self.settings.folder}/{path.name}"] = len(old) - len(kept)
        return found

    def classify(self, response: Response, message: Message) -> Answer:
        return Sent()

    def parse_callback(self, body: bytes, headers: Mapping[str, str]) -> list[Receipt]:
        return parse_log(body)

    def close(self) -> None:
        pass


def _cells(row: bytes, places: Iterable[int]) -> set[str]:
    cells = row.decode("utf-8", "replace").rstrip("\n").split(",")
    return {cells[place] for place in places if place < len(cells)}


def normalise(name: str, text: str, kind: Literal["google", "meta"], country: str) -> str:
    """A value as it is hashed; "" for one that cannot be meant.

    Lower case without spaces around; telephone numbers as +82… for Google and 82… for Meta; the dots before
    gmail.com are dropped for Google; names for Meta lose punctuation, and so do ZIP codes, the American ones being five
    digits.
    """
    text = unicodedata.normalize("NFC", text).strip().lower()
    if name == "email":
        return _email(text, kind)
    if name == "phone":
        try:
            number = e164(text, country) if text else ""
        except Unsendable:
            return ""
        return number if kind == "google" else number.lstrip("+")
    if name == "country":
        code = re.sub(r"[^a-z]", "", text)[:2] or country.lower()
        return code.upper() if kind == "google" else code
    if name == "gender":
        return text[:1] if text[:1] in ("m", "f") else ""
    if name == "zip":
        code = re.sub(r"[\W_]" if kind == "meta" else r"[^\w-]", "", text)
        return code[:5] if (kind, country) == ("meta", "US") else code
    if kind == "meta":
        return re.sub(r"[\W_]", "", text)
    return text


def _email(text: str, kind: Literal["google", "meta"]) -> str:
    text = re.sub(r"\s", "", text)
    local, _, domain = text.rpartition("@")
    if not local or "." not in domain:
        return ""
    return f"{local.replace('.', '')}@{domain}" if kind == "google" and domain in _GMAIL else text
