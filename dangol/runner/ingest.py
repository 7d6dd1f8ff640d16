"""What providers tell of messages, taken into the ledger."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from dangol.channels.base import CallbackError, Surroundings
from dangol.channels.base import Receipt as Told
from dangol.channels.receipts import parse_log
from dangol.diagnostics import DangolError, Line, diagnose, did_you_mean
from dangol.playbook.project import Project
from dangol.runner.declared import declared_channels
from dangol.runner.ledger import RECEIPT_KINDS, Ingested, Receipt, ledger_at
from dangol.runner.station import ledger_location
from dangol.runner.tick import real_now


def ingest_files(
    project: Project,
    files: Sequence[Path],
    channel: str | None = None,
    headers: Mapping[str, str] | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Ingested:
    """Takes in response logs, or the callbacks of a channel with the headers they came with.

    Raises DangolError for a file that cannot be read; then nothing of any file was taken.
    """
    parse = parse_log if channel is None else _parser(project, channel, headers or {}, environ)
    receipts: list[Receipt] = []
    now = real_now()
    for file in files:
        try:
            told = parse(file.read_bytes())
        except (OSError, CallbackError) as error:
            raise DangolError(diagnose("E708", f"{file.name}: {error}", Line.of("", str(file)))) from error
        receipts += _receipts(told, channel or "log", now)
    with ledger_at(ledger_location(project, environ)) as ledger:
        return ledger.ingest(now, receipts)


def _parser(
    project: Project, name: str, headers: Mapping[str, str], environ: Mapping[str, str]
) -> Callable[[bytes], list[Told]]:
    """How the channel reads its callbacks; no other channel is opened."""
    declared = declared_channels(project)
    if name not in declared:
        message = f"`{name}` is not a channel of this project"
        raise DangolError(diagnose("E707", message, Line.of(name, "--channel"), hints=did_you_mean(name, declared)))
    channel = declared[name].open(Surroundings(project.root.resolve(), environ))
    return lambda body: channel.parse_callback(body, headers)


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
            unreachable=kind == "failed" and one.kind == "address",
        )
