"""A project directory: everything in its files, checked together, with every finding and never an exception."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from dangol.diagnostics import DangolError, Diagnostic, Line, Source, diagnose, diagnose_source, did_you_mean
from dangol.diagnostics import in_file_order as sort
from dangol.engine.catalog import Catalog, normal
from dangol.engine.check import Checked, Definition, check
from dangol.engine.ir import Cap, Quiet, Scenario, Shift
from dangol.engine.sources import Sources
from dangol.library import hinted, used_by
from dangol.playbook.compliance.check import Rules, compliance_problems
from dangol.playbook.declare import Declared, declare, is_word, zone_of
from dangol.playbook.lines import Lines, PlaybookFile, ScenarioFile
from dangol.playbook.load import read_model, read_source
from dangol.playbook.messages.check import template_problems, uses_of
from dangol.playbook.model import Channel, Config, Model, Playbook
from dangol.playbook.namespaces import Range, ranges_of
from dangol.playbook.smart.check import cases_of, smart_problems

M = TypeVar("M", bound=Model)

CONFIG = "dangol.yaml"
_NO_SOURCE = frozenset({"E022", "E023", "E024"})
UNKNOWN = frozenset({"E203", "E205", "E224"})
"""What is said of a name that dangol.yaml does not declare."""


@dataclass(frozen=True)
class Project:
    """What the files of a project say. `diagnostics` has every finding in file order; with errors among them the
    rest holds what is free of them. `data_diagnostics` are errors only for who reads the data."""

    root: Path
    config: Config | None
    playbooks: tuple[PlaybookFile, ...]
    sources: Sources
    catalog: Catalog
    checked: Checked
    scenarios: tuple[ScenarioFile, ...]
    diagnostics: tuple[Diagnostic, ...]
    data_diagnostics: tuple[Diagnostic, ...] = ()
    zone: str = "UTC"
    holdout: Fraction | None = None
    quiet: Quiet | None = None
    caps: tuple[Cap, ...] = ()
    looked_at_data: bool = False
    """Whether a name had to be looked for in the data."""

    reconfirm: Shift | None = None
    """How long a consent holds that nobody confirms."""

    definitions: tuple[Definition, ...] = ()
    """The segments and traits as written."""

    limit: int | None = None
    """How many customers a run may hit."""

    spread: Shift | None = None
    """Over how long what quiet hours held goes out after their end."""

    hours: Mapping[str, Quiet] = field(default_factory=dict)
    """Channel → the window in which it takes advertising."""

    ranges: Mapping[str, Range] = field(default_factory=dict)
    """`playbook/scenario` → what it has of a namespace."""

    @property
    def name(self) -> str:
        return self.config.project.text if self.config is not None else self.root.resolve().name

    @property
    def state_directory(self) -> Path:
        """Where caches and the event index are kept."""
        return self.root / ".dangol"

    @cached_property
    def rules(self) -> Rules:
        """What the project's messages are held to."""
        return Rules.of(self.config)

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        return tuple(d for d in self.diagnostics if d.is_error)

    @cached_property
    def compiled(self) -> Mapping[tuple[str, str], Scenario]:
        """The checked scenarios by (playbook, scenario)."""
        return {(one.playbook, one.name): one for one in self.checked.program.scenarios}

    def raise_errors(self) -> None:
        """Raises DangolError with every error of the project, if there is one."""
        if self.errors:
            raise DangolError(*self.errors)


def load_project(root: Path, *, discover: bool = True, whole: bool = False) -> Project:
    """The project in a directory. Data is looked at only for names that dangol.yaml does not declare, and only with
    `discover` (with `whole` in any case); what was found is kept under .dangol/. Bad content never raises."""
    return _Loading(root, discover, whole).load()


def playbook_paths(root: Path) -> list[Path]:
    """The playbook files of a project, in order."""
    found = (path for path in (root / "playbooks").rglob("*") if path.suffix in (".yaml", ".yml"))
    return sorted(found, key=lambda path: path.relative_to(root).as_posix())


class _Loading:
    def __init__(self, root: Path, discover: bool, whole: bool) -> None:
        self.root, self.discover, self.whole = root, discover, whole
        self.found: list[Diagnostic] = []
        self.looked = False
        self.blind = False
        """Whether names may be in data that cannot be looked at."""
        self.unread: set[str] = set()
        """Names in files that could not be read: using one is not reported."""

    def load(self) -> Project:
        config, declared = self._config()
        lines = Lines()
        playbooks = self._playbooks(declared.zone, lines)
        lines.broken |= self.unread
        channels = frozenset(normal(name) for name in config.channels) if config is not None else frozenset()
        holdout, quiet, caps = self._own(config, declared.zone, channels or None, lines)
        for playbook in playbooks:
            lines.add(playbook, channels or None, holdout is not None)
        catalog, checked = self._check(config, declared, lines, playbooks)
        said = config.compliance.reconfirm if config is not None and config.compliance is not None else None
        reconfirm = lines.duration(said, declared.zone)
        spread = lines.duration(config.spread if config is not None else None, declared.zone)
        hours = self._hours(config, declared.zone, lines)
        limit = lines.limit(config.limit, declared.zone) if config is not None else None
        ranges, disputed = ranges_of(config, playbooks, lines) if config is not None else ({}, [])
        self.found += disputed
        if config is not None:
            uses = uses_of(playbooks, lines.scenarios, checked.program.scenarios)
            self.found += compliance_problems(config, uses, lines.schedules(), lines.rules())
            self.found += smart_problems(cases_of(lines.scenarios, checked.program, ranges))
        meanings = [self._seen(one) for one in checked.diagnostics]
        found = _once([*self.found, *lines.found, *meanings])
        return Project(
            self.root, config, playbooks, declared.sources, catalog, checked, tuple(lines.scenarios), tuple(found),
            tuple(declared.unset), declared.zone, holdout, quiet, caps, self.looked, reconfirm,
            tuple(lines.definitions), limit, spread, hours, ranges,
        )  # fmt: skip

    # --- files --------------------------------------------------------------------------------------------------

    def _config(self) -> tuple[Config | None, Declared]:
        path = self.root / CONFIG
        if not path.exists():
            source = Source(CONFIG, "")
            hints = ("`dangol init DATA…` writes one from your data files",)
            self.found.append(diagnose_source("E021", f"there is no {CONFIG} in this directory", source, hints=hints))
            return None, Declared()
        config = self._read(path, Config, "dangol.yaml")
        if config is None:
            return None, Declared()
        declared, found = declare(config, self.root)
        self.found += found
        return config, declared

    def _playbooks(self, zone: str, lines: Lines) -> tuple[PlaybookFile, ...]:
        files: list[PlaybookFile] = []
        named: dict[str, Line] = {}
        root = self.root.resolve()
        for path in playbook_paths(self.root):
            if not _is_inside(path, root):
                self._outside(path)
                continue
            model = self._read(path, Playbook, "a playbook")
            if model is None:
                continue
            own = zone_of(model.timezone, zone, self.found)
            one = PlaybookFile(
                self._shown(path), model, own, lines.share(model.holdout, own), lines.limit(model.limit, own)
            )
            if not is_word(one.name.replace("-", "_")):
                message = f"`{one.name[:60]}` is not a name: letters, digits, `_` and `-` only"
                self.found.append(diagnose("E028", message, model.playbook))
            first = named.setdefault(one.name, model.playbook)
            if first is not model.playbook:
                place = diagnose("", "", first)
                hint = f"first in {place.file}:{place.line}:{place.column}"
                message = f"there are two playbooks named `{one.name}`"
                self.found.append(diagnose("E031", message, model.playbook, hints=(hint,)))
                continue
            files.append(one)
        return tuple(files)

    def _outside(self, path: Path) -> None:
        source = Source(self._shown(path), "")
        message = f"{source.name} links to a file outside the project"
        self.found.append(diagnose_source("E022", message, source, hints=("copy the file here",)))

    def _read(self, path: Path, kind: type[M], what: str) -> M | None:
        try:
            source = read_source(path, self._shown(path))
        except DangolError as error:
            self.found += error.diagnostics
            return None
        read = read_model(source, kind, what)
        self.found += read.found
        self.unread |= {normal(name) for name in read.broken}
        return read.model

    def _shown(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()

    def _seen(self, one: Diagnostic) -> Diagnostic:
        """What is said of a name, and that the data may know it when they cannot be looked at."""
        if not (self.blind and one.code in UNKNOWN):
            return one
        return replace(one, hints=(*one.hints, "or it is in the data, which cannot be read here"))

    # --- meaning ------------------------------------------------------------------------------------------------

    def _own(
        self, config: Config | None, zone: str, channels: frozenset[str] | None, lines: Lines
    ) -> tuple[Fraction | None, Quiet | None, tuple[Cap, ...]]:
        """The project's own holdout, quiet hours and caps."""
        if config is None:
            return None, None, ()
        quiet = lines.beside(lines.parse(config.quiet, "quiet"), zone)
        caps = [lines.beside(written, zone, channels) for written in lines.parse_all(config.caps, "cap")]
        return lines.share(config.holdout, zone), quiet, tuple(cap for cap in caps if cap is not None)

    def _hours(self, config: Config | None, zone: str, lines: Lines) -> dict[str, Quiet]:
        channels = config.channels if config is not None else {}
        said = {normal(name): lines.beside(lines.parse(one.hours, "quiet"), zone) for name, one in channels.items()}
        return {name: window for name, window in said.items() if window is not None}

    def _check(
        self, config: Config | None, declared: Declared, lines: Lines, playbooks: tuple[PlaybookFile, ...]
    ) -> tuple[Catalog, Checked]:
        catalog = declared.catalog
        if config is None:  # without a vocabulary nothing but the syntax can be judged
            return catalog, check(catalog)
        checked = self._meaning(catalog, declared.zone, lines)
        problems = list(_problems(config, catalog, checked, lines, playbooks))
        if self.whole or (self.discover and (checked.has_errors or any(one.code != "E501" for one in problems))):
            full = self._discovered(declared)
            self.blind = full is None
            if full is not None and full != catalog:
                catalog = full
                checked = self._meaning(catalog, declared.zone, lines)
                problems = list(_problems(config, catalog, checked, lines, playbooks))
        self.found += (one for one in problems if not (self.blind and one.code == "E502"))
        return catalog, checked

    def _meaning(self, catalog: Catalog, zone: str, lines: Lines) -> Checked:
        """What the lines mean, together with what they name of the library."""
        used = used_by(lines.naming(), catalog, zone)
        texts = [scenario.text for scenario in lines.scenarios]
        checked = check(catalog, [*lines.definitions, *used.definitions], texts, frozenset(lines.broken) | used.broken)
        return replace(checked, diagnostics=(*hinted(checked.diagnostics), *used.found))

    def _discovered(self, declared: Declared) -> Catalog | None:
        """The declared catalog and what the data adds to it (declared types win); None when it cannot be known."""
        self.looked = True
        if declared.unset:
            self.found += declared.unset
        if any(one.code in _NO_SOURCE and one.file == CONFIG for one in self.found):
            return None
        if not (declared.sources.events or declared.sources.customers):
            return declared.catalog
        from dangol.engine.state.discovery import discover

        try:
            found, notes = discover(declared.sources, self.root / ".dangol")
        except DangolError as error:
            self.found += [self._in_project(one) for one in error.diagnostics]
            return None
        self.found += [self._in_project(one) for one in notes]
        return merged(declared.catalog, found)

    def _in_project(self, one: Diagnostic) -> Diagnostic:
        """A finding about data, with the paths as dangol.yaml writes them."""
        whole, given = f"{self.root.resolve()}{os.sep}", f"{self.root}{os.sep}"
        file, message = one.file.removeprefix(whole), one.message.replace(whole, "")
        return replace(one, file=file.removeprefix(given), message=message.replace(f"`{given}", "`"))


def _once(found: list[Diagnostic]) -> list[Diagnostic]:
    """In file order; what is wrong with a line that YAML cut off is said by that finding alone."""
    cut = {(one.file, one.line) for one in found if one.code == "E015"}
    return sort(one for one in found if one.code == "E015" or (one.file, one.line) not in cut)


def merged(declared: Catalog, found: Catalog) -> Catalog:
    """A catalog with what was found in the data; what is declared stays as declared."""
    events = {**found.events}
    for name, properties in declared.events.items():
        events[name] = {**found.events.get(name, {}), **properties}
    return replace(declared, attributes={**found.attributes, **declared.attributes}, events=events)


def _problems(
    config: Config, catalog: Catalog, checked: Checked, lines: Lines, playbooks: tuple[PlaybookFile, ...]
) -> Iterator[Diagnostic]:
    """What names dangol.yaml and the messages use without having them."""
    yield from _vocabulary_problems(config, catalog)
    uses = uses_of(playbooks, lines.scenarios, checked.program.scenarios)
    yield from template_problems(uses, catalog, checked.program, lines.broken)


def _vocabulary_problems(config: Config, catalog: Catalog) -> Iterator[Diagnostic]:
    """Group members that are no events, and channels whose attributes do not exist."""
    for members in config.groups.values():
        for line in members:
            if normal(line.text) not in catalog.events:
                message = f"`{line.text[:60]}` is not an event"
                yield diagnose("E030", message, line, hints=did_you_mean(line.text, catalog.events))
    for channel in config.channels.values():
        for price in (channel.price, channel.lms_price):
            if price is not None and price_of(price) is None:
                yield diagnose("E033", f"a price is a number, not `{price.text[:60]}`", price, hints=("such as `9.9`",))
        for named, types in _named(channel):
            yield from _attribute(named, types, catalog)
    if config.recipient_timezone is not None:
        yield from _attribute(config.recipient_timezone, ("text",), catalog)


def _named(channel: Channel) -> Iterator[tuple[Line, tuple[str, ...]]]:
    """The attributes that a channel names, and of which types they may be (none: of any)."""
    consents, dates = (channel.consent, channel.night_consent), (channel.consented_at, channel.transaction_at)
    for lines, types in (((channel.address,), ()), (consents, ("boolean",)), (dates, ("date", "instant"))):
        yield from ((line, types) for line in lines if line is not None)


def _attribute(named: Line, types: tuple[str, ...], catalog: Catalog) -> Iterator[Diagnostic]:
    name = normal(named.text)
    known = {**catalog.attributes, "id": "text"}
    if name not in known:
        message = f"`{named.text[:60]}` is not an attribute of customers"
        hints = did_you_mean(named.text, catalog.attributes) or (
            f"known: {', '.join(f'`{one}`' for one in list(known)[:10])}",
        )
        yield diagnose("E026", message, named, hints=hints)
    elif types and (known[name] not in types or name == "id"):
        message = f"`{named.text[:60]}` is {known[name]}; here an attribute is meant that is {' or '.join(types)}"
        fitting = [one for one, kind in catalog.attributes.items() if kind in types][:10]
        fits = f"of that type: {', '.join(f'`{one}`' for one in fitting)}"
        hints = (fits if fitting else f"declare one that is {types[0]} under `attributes:`",)
        yield diagnose("E053", message, named, hints=hints)


def price_of(line: Line | None) -> Fraction | None:
    """What a message costs; None when nothing or no number is said."""
    found = re.fullmatch(r"\d{1,9}(\.\d{1,6})?", line.text) if line is not None else None
    return Fraction(found[0]) if found else None


def _is_inside(path: Path, root: Path) -> bool:
    try:
        return path.resolve().is_relative_to(root)
    except (OSError, RuntimeError):
        return False
