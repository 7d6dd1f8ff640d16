"""A person erased wherever this project wrote them down: files of channels first, then the ledger."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dangol.channels.base import Keeping, Surroundings
from dangol.playbook.project import Project
from dangol.runner.declared import declared_channels
from dangol.runner.ledger import ledger_at
from dangol.runner.station import ledger_location


@dataclass(frozen=True)
class Forgotten:
    """What the person is called now in the ledger (None: it knew nobody), and file → entries that were erased."""

    token: str | None
    files: Mapping[str, int]


def forget(
    project: Project,
    at: int,
    customer: str,
    addresses: Sequence[str] = (),
    wait: float = 0.0,
    environ: Mapping[str, str] = os.environ,
) -> Forgotten:
    """Erases a customer while no run is under way. Raises DangolError (E607: a run is), OSError (a file refuses)."""
    around = Surroundings(project.root.resolve(), environ)
    files: dict[str, int] = {}
    with ledger_at(ledger_location(project, environ)) as ledger, ledger.run_lock(wait):
        known = ledger.addresses_of(customer) | set(addresses)
        for declared in declared_channels(project).values():
            channel = declared.open(around)
            if isinstance(channel, Keeping):
                files |= channel.forget(customer, known)
            channel.close()
        return Forgotten(ledger.forget(at, customer, addresses), files)
