"""What providers tell of messages, taken into the ledger."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from dangol.channels.base import CallbackError
from dangol.channels.base import Receipt as Told
from dangol.channels.receipts import parse_log
from dangol.diagnostics import DangolError, Line, diagnose, did_you_mean
from dangol.playbook.project import Project
from dangol.runner.ledger import RECEIPT_KINDS, Ingested, Receipt
from dangol.runner.station import open_station
from dangol.runner.tick import real_now


def ingest_files(project: Project, files: Sequence[Path], channel: str | None = None) -> Ingested:
    """Takes in response logs, or the callbacks of a channel. Raises DangolError for a file that cannot be read; then
    nothing of any file was taken."""
    with open_station(project) as station:
        if channel is not None and channel not in station.channels:
            hints = did_you_mean(channel, station.channels)
            message = f"`{channel}` is not a channel of this project"
            raise DangolError(diagnose("E707", message, Line.of(channel, "--channel"), hints=hints))
        receipts: list[Receipt] = []
        now = real_now()
        for file in files:
            try:
                body = file.read_bytes()
                told = parse_log(body) if channel is None else station.channels[channel].parse_callback(body, {})
            except (OSError, CallbackError) as error:
                raise DangolError(diagnose("E708", f"{file.name}: {error}", Line.of(str(file)))) from error
            receipts += _receipts(told, channel or "log", now)
        return station.ledger.ingest(now, receipts)


def _receipts(told: Sequence[Told], provider: str, now: int) -> Iterator[Receipt]:
    for one in told:
        kind = next((kind for kind in RECEIPT_KINDS if kind == one.event), None)
        if kind is None:  # `sent` is what the ledger says of itself
            continue
        what = "\0".join(str(part) for part in (one.event, one.time, one.key, one.provider_id, one.address, one.url))
        yield Receipt(
            provider=provider,
            event_id=one.id or hashlib.blake2b(what.encode(), digest_size=12).hexdigest(),
            kind=kind,
            at=one.time if one.time is not None else now,
            key=one.key,
            provider_id=one.provider_id,
            address=one.address,
            channel=None if provider == "log" else provider,
            reason=one.reason or None,
        )
