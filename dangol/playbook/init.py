"""`dangol init`: a first dangol.yaml and playbook from data files, and in words what was guessed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dangol.diagnostics import DangolError, Diagnostic, Line, Source, diagnose_source
from dangol.engine.catalog import RESERVED, Catalog, Mixed, normal
from dangol.engine.state.peeking import TableSketch, peek
from dangol.playbook.declare import as_word, declare, inside, is_word
from dangol.playbook.format import format_source, quoted
from dangol.playbook.load import read_model
from dangol.playbook.model import Config
from dangol.playbook.project import CONFIG

PLAYBOOK = "playbooks/first.yaml"
MOST_EVENTS = 100
_BUYS = re.compile(r"purchas|order|transaction|^buy|bought|^paid|구매|결제|주문", re.IGNORECASE)
_CARTS = re.compile(r"cart|basket|장바구니", re.IGNORECASE)
_MONEY = re.compile(r"price|amount|spend|spent|total|revenue|quantity|금액|가격", re.IGNORECASE)
_ADDRESSES = (
    ("push", re.compile(r"push_?token|device_?token|fcm", re.IGNORECASE)),
    ("email", re.compile(r"^e_?mail|이메일", re.IGNORECASE)),
    ("sms", re.compile(r"phone|mobile|휴대폰|전화", re.IGNORECASE)),
)


@dataclass(frozen=True)
class InitProposal:
    """The texts of a project's first files by path, and what was guessed, one sentence each."""

    files: Mapping[str, str]
    guesses: tuple[str, ...]


@dataclass
class _Found:
    """What the files are: an event source or customers table as a line of dangol.yaml, and the guesses."""

    customers: str | None = None
    events: list[str] = field(default_factory=list)
    names: dict[str, int] = field(default_factory=dict)
    """Events by their names in the project, with their rows."""
    aliases: dict[str, str] = field(default_factory=dict)
    guesses: list[str] = field(default_factory=list)


def propose(files: Sequence[Path], directory: Path) -> InitProposal:
    """A project for the data files, which lie in its directory. Raises DangolError for files that cannot be read, lie
    elsewhere, or in which nobody is a customer."""
    found = _Found()
    for name, sketch in _sketches(files, directory):
        _take(name, sketch, found)
    if not found.events and found.customers is None:
        raise DangolError(_problem("E041", "no file has customers with events or an id of their own", *found.guesses))
    head = [f"project: {_project_name(directory)}", "timezone: UTC", "", *_data(found)]
    catalog = _vocabulary("\n".join(head) + "\n", found, directory)
    channels = _channels(catalog)
    open_to_all = [row.strip().split(":")[0] for row in channels if row.startswith("  ") and "consent" not in row]
    if open_to_all:
        message = "no column of consent was found, so everybody counts as willing: name it under `channels:`"
        found.guesses.append(f"{', '.join(open_to_all)}: {message}, as `consent: push_consent`")
    found.guesses.append("times without an offset are read as UTC: change `timezone:` if they are local")
    config = [*head, *_words(catalog, found), "", *channels]
    source = Source(CONFIG, "\n".join(config) + "\n")
    playbook = Source(PLAYBOOK, _playbook(catalog, found, channels))
    texts = {CONFIG: format_source(source, is_config=True), PLAYBOOK: format_source(playbook)}
    return InitProposal(texts, tuple(found.guesses))


def write(proposal: InitProposal, directory: Path) -> list[Path]:
    """Writes the files of a proposal. Raises DangolError when one of them is there already; then none is written."""
    for name in proposal.files:
        if (directory / name).exists():
            raise DangolError(_problem("E042", f"there is a {name} already", "move it away, or edit it", file=name))
    written = []
    for name, text in proposal.files.items():
        path = directory / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise DangolError(_problem("E001", f"{name} cannot be written: {error.strerror}", file=name)) from error
        written.append(path)
    return written


def _problem(code: str, message: str, *hints: str, file: str = CONFIG) -> Diagnostic:
    return diagnose_source(code, message, Source(file, ""), hints=hints)


# --- what the files are -----------------------------------------------------------------------------------------


def _sketches(files: Sequence[Path], directory: Path) -> list[tuple[str, TableSketch]]:
    """Each file, by its path in the project, at a glance."""
    root = directory.resolve()
    found: list[Diagnostic] = []
    sketches = []
    for file in files:
        try:
            name = file.resolve().relative_to(root).as_posix()
        except ValueError:
            hint = f"copy it to {directory / 'data'}, or say where the project is: --into"
            found.append(
                _problem("E022", "a project reads only its own files; this lies outside", hint, file=str(file))
            )
            continue
        if inside(root, Line.of(name, str(file)), found) is None:
            continue
        try:
            sketches.append((name, peek(file.resolve())))
        except DangolError as error:
            found += error.diagnostics
    if found:
        raise DangolError(*found)
    return sketches


def _take(name: str, sketch: TableSketch, found: _Found) -> None:
    """Decides what a file is and notes it as a line of dangol.yaml."""
    who, when = next(iter(sketch.customers), None), next(iter(sketch.times), None)
    if who is None:
        columns = ", ".join(list(sketch.kinds)[:8])
        found.guesses.append(f"{name} is left out: no column looks like the id of a customer (it has {columns})")
    elif who in sketch.unique and found.customers is None and not sketch.is_log:
        found.guesses.append(f"{name} is the customers table: every `{who}` stands there once")
        mapping = _mapping("attributes", sketch, {who})
        found.customers = _flow({"file": name, "id": who}, mapping)
    elif when is None:
        found.guesses.append(f"{name} is left out: no column has times of events (ISO dates or date-times)")
    else:
        _take_events(name, sketch, who, when, found)


def _take_events(name: str, sketch: TableSketch, who: str, when: str, found: _Found) -> None:
    keys = {"file": name, "customer": who, "time": when}
    roles = {who, when}
    said = f"{name}: `{who}` is the customer, `{when}` the time"
    if sketch.event_columns:
        column = sketch.event_columns[0]
        keys["event"] = column
        roles.add(column)
        said += f", `{column}` the event"
        for event, rows in sketch.events.items():
            known = event if is_word(event) and normal(event) not in RESERVED else _free(as_word(event), found.names)
            found.names[known] = found.names.get(known, 0) + rows
            if known != event:
                found.aliases[known] = event
    else:
        event = _event_name(name, sketch)
        keys["name"] = event
        found.names[event] = found.names.get(event, 0) + sketch.rows
        said += f"; no column names the event, so every row is `{event}`"
    own = next((one for one in sketch.unique if one not in roles and re.search(r"(?i)id$", one)), None)
    if own is not None:
        keys["id"] = own
        roles.add(own)
        said += f"; `{own}` is the event's own id"
    if sketch.kinds.get(when) == "number":
        said += f"; `{when}` holds numbers, read as seconds or milliseconds since 1970"
    found.guesses.append(said)
    found.events.append(_flow(keys, _mapping("properties", sketch, roles)))


def _event_name(name: str, sketch: TableSketch) -> str:
    if any(_MONEY.search(column) for column in sketch.kinds):
        return "purchased"
    word = as_word(Path(name).name.split(".")[0])
    return word if word not in RESERVED else "event"


def _mapping(key: str, sketch: TableSketch, roles: Iterable[str]) -> str:
    """Names for the columns, where one of them cannot be written in a line as it is."""
    columns = [column for column in sketch.kinds if column not in set(roles)]
    if all(is_word(column) and normal(column) not in RESERVED for column in columns):
        return ""
    names: dict[str, str] = {}
    for column in columns:
        known = column if is_word(column) and normal(column) not in RESERVED else as_word(column)
        names[_free(known, names)] = column
    return f", {key}: {_flow(names)}"


def _free(name: str, taken: Iterable[str]) -> str:
    """A name not taken yet: the name itself, or with a number after it."""
    used = set(taken)
    return next(one for one in (name, *(f"{name}_{n}" for n in range(2, len(used) + 3))) if one not in used)


def _flow(keys: Mapping[str, str], more: str = "") -> str:
    body = ", ".join(f"{quoted(key, flow=True)}: {quoted(value, flow=True)}" for key, value in keys.items())
    return f"{{{body}{more}}}"


# --- the files of the project -----------------------------------------------------------------------------------


def _project_name(directory: Path) -> str:
    name = as_word(directory.resolve().name)
    return name if name != "my_event" else "shop"


def _data(found: _Found) -> Iterator[str]:
    yield "data:"
    if found.customers is not None:
        yield f"  customers: {found.customers}"
    if found.events:
        yield "  events:"
        yield from (f"    - {source}" for source in found.events)


def _vocabulary(text: str, found: _Found, directory: Path) -> Catalog:
    """The attributes and events with their types, as found in the data."""
    from dangol.engine.state.discovery import discover

    aliases = "".join(f"  {name}: {_flow({'from': own})}\n" for name, own in found.aliases.items())
    read = read_model(Source(CONFIG, text + (f"events:\n{aliases}" if aliases else "")), Config, CONFIG)
    if read.model is None or read.found:
        raise DangolError(*read.found)
    declared, problems = declare(read.model, directory)
    if problems:
        raise DangolError(*problems)
    return discover(declared.sources)[0]


def _words(catalog: Catalog, found: _Found) -> Iterator[str]:
    """The vocabulary as sections of dangol.yaml; names with several kinds of value are left for discovery."""
    attributes = {name: str(kind) for name, kind in catalog.attributes.items() if not isinstance(kind, Mixed)}
    twice = sorted(set(attributes) & set(catalog.events))
    if twice:
        found.guesses.append(f"{', '.join(twice)}: both an attribute and an event; give one another name")
    if attributes:
        yield from ("", "attributes:")
        yield from (f"  {name}: {kind}" for name, kind in attributes.items())
    if not catalog.events or len(catalog.events) > MOST_EVENTS:
        return
    yield from ("", "events:")
    shaky = _shaky(catalog)
    for name in sorted(catalog.events, key=lambda one: -found.names.get(one, 0)):
        own = {"from": found.aliases[name]} if name in found.aliases else {}
        kinds = {prop: str(kind) for prop, kind in catalog.events[name].items() if prop not in shaky | {"from"}}
        yield f"  {name}: {_flow({**own, **kinds})}"


def _shaky(catalog: Catalog) -> set[str]:
    """Properties whose type differs from event to event, or from value to value."""
    kinds: dict[str, set[object]] = {}
    for properties in catalog.events.values():
        for name, kind in properties.items():
            kinds.setdefault(name, set()).add(kind)
    return {name for name, found in kinds.items() if len(found) > 1 or any(isinstance(one, Mixed) for one in found)}


def _channels(catalog: Catalog) -> list[str]:
    """Channels for the attributes that look like addresses; an e-mail channel without one when there is none."""
    rows = []
    for channel, pattern in _ADDRESSES:
        address = next((name for name in catalog.attributes if pattern.search(name)), None)
        if address is not None and catalog.attributes[address] == "text":
            consent = next(
                (n for n in (f"{channel}_consent", "consent") if catalog.attributes.get(n) == "boolean"), None
            )
            rows.append(f"  {channel}: {_flow({'address': address, **({'consent': consent} if consent else {})})}")
    return ["channels:", *(rows or ["  email: {}"]), "", "quiet: 21:00–08:00"]


def _playbook(catalog: Catalog, found: _Found, channels: Sequence[str]) -> str:
    """Three segments and one scenario over the events that were found."""
    channel = channels[1].strip().split(":")[0]
    taken = {*catalog.attributes, *catalog.events}
    segments = {_free(name, taken): line for name, line in _segments(catalog, found).items()}
    target = next(iter(segments))
    lines = ["# A first playbook: try `dangol plan`, then make it yours.", "playbook: first", "segments:"]
    lines += [f"  {name}: {quoted(line, flow=False)}" for name, line in segments.items()]
    lines += ["scenarios:", "  hello:", f"    rule: {target} → {channel} hello", "    schedule: daily at 10:00"]
    parts = '{subject: "Good to see you", body: "We have kept something for you."}'
    message = parts if channel == "email" else '"We have kept something for you."'
    return "\n".join([*lines, "messages:", "  hello:", f"    {channel}: {message}"]) + "\n"


def _segments(catalog: Catalog, found: _Found) -> dict[str, str]:
    events = sorted(catalog.events, key=lambda name: -found.names.get(name, 0))
    if not events:
        return {"everyone": "customer.id is set"}
    buys = _first(events, lambda name: _BUYS.search(name) is not None)
    carts = _first(events, lambda name: _CARTS.search(name) is not None and name != buys)
    adds = _first(events, lambda name: name != buys and re.search(r"(?i)cart.*add|add.*cart|담기", name) is not None)
    busiest = buys or events[0]
    segments = {}
    if buys and carts:
        segments["abandoner"] = f"{adds or carts} within 7d and not {buys}"
    segments["recent"] = f"{busiest} within 30d"
    segments["regular"] = f"{busiest} 3+ times"
    segments["asleep"] = f"last({busiest}) more than 60d ago"
    return segments


def _first(names: Iterable[str], wanted: Callable[[str], bool]) -> str | None:
    return next((name for name in names if wanted(name)), None)
