"""The text that an entry runs under: recorded whole, so that it reads the same whatever the files say by then."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from pydantic import BaseModel

from dangol.diagnostics import DangolError, Diagnostic, Line, diagnose
from dangol.engine import ir
from dangol.engine.catalog import Catalog, normal
from dangol.engine.check import Definition, check
from dangol.engine.check.model import DefinitionKind
from dangol.grammar.parser import parse
from dangol.grammar.printer import print_node
from dangol.library import entry, is_library, names_in
from dangol.playbook.compliance.check import compliance_problems
from dangol.playbook.lines import KIND, Lines, PlaybookFile
from dangol.playbook.messages.check import Text as Message
from dangol.playbook.messages.check import is_template, template_problems, texts_of, uses_of
from dangol.playbook.model import Name, Playbook
from dangol.playbook.project import UNKNOWN, Project, load_project

BEHIND = "behind"
_BACKUP = "put back the latest backup of the ledger"


class _First(BaseModel):
    """What every version has recorded of a text."""

    steps: list[str]
    behind: int = 0


class _Definition(BaseModel):
    kind: DefinitionKind
    line: str
    zone: str


class _Whole(_First):
    rule: str
    zone: str
    exit: list[str]
    expires: str | None
    splits: dict[str, str]
    messages: dict[str, dict[str, str | dict[str, str]]]
    phase: int = 1
    definitions: dict[str, _Definition]
    groups: dict[str, list[str]]


@dataclass(frozen=True)
class Text:
    """A recorded text, as JSON: the rule and its `exit` and `expires` as printed, its splits and messages, every
    segment, trait and event group it rests on, and the time zones they were written in."""

    body: str

    @cached_property
    def content(self) -> Mapping[str, Any]:
        """What it says. Raises DangolError for what nobody recorded (E604)."""
        try:
            found: Mapping[str, Any] = json.loads(self.body)
            (_Whole if "rule" in found else _First).model_validate(found, strict=True)
        except (ValueError, TypeError):
            message = "the ledger is damaged: a text that entries run under cannot be read"
            raise DangolError(diagnose("E604", message, Line.of("", "ledger"), hints=(_BACKUP,))) from None
        return found

    @cached_property
    def hash(self) -> str:
        """What tells it from another."""
        return _hash(self.body)

    @cached_property
    def meaning(self) -> str:
        """What tells it from another that says something else."""
        return _hash(_written({name: each for name, each in self.content.items() if name != BEHIND}))

    def says_as(self, other: Text) -> bool:
        """Whether it says the same as another; one that an earlier version recorded is never known to."""
        return "rule" in self.content and self.meaning == other.meaning

    @property
    def steps(self) -> tuple[str, ...]:
        """Its steps as printed."""
        return tuple(self.content["steps"])

    @property
    def behind(self) -> int:
        """The number of an entry's record of the first step, less 1: not 0 for entries that moved from another text."""
        return int(self.content.get(BEHIND, 0))

    def moved(self, behind: int) -> Text:
        """The same for entries whose records so far are of other steps."""
        content = {name: each for name, each in self.content.items() if name != BEHIND}
        return Text(_written({**content, BEHIND: behind} if behind else content))


@dataclass(frozen=True)
class Recalled:
    """A recorded text as it reads today: its playbook with the messages as they were, the scenario, and the definitions
    it rests on (None: as they are in the project today); `catalog` is the vocabulary it was read in."""

    playbook: PlaybookFile
    scenario: ir.Scenario
    rule: Line
    program: ir.Program | None
    catalog: Catalog


class Texts:
    """The texts of a project's scenarios, and recorded ones read again."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._files = {(file.playbook.name, file.name): file for file in project.scenarios}
        self._defined = {normal(one.name): one for one in project.definitions}
        self._printed: dict[str, dict[str, str]] = {}

    def of(self, scenario: ir.Scenario) -> Text:
        """The text of a scenario as it is today: what its entries are promised, and not when or to whom it may go."""
        file = self._files[scenario.playbook, scenario.name]
        tree, messages = file.text.rule.tree, list(texts_of(file.playbook, scenario, file.text.rule.line))
        found = self._definitions([tree, *(one.tree for one in file.text.exits)], _traits(messages))
        expires = file.text.expires
        return Text(_written({
            "steps": [print_node(step) for step in tree.steps],
            "rule": print_node(tree),
            "zone": file.playbook.zone,
            "exit": [print_node(one.tree) for one in file.text.exits],
            "expires": None if expires is None else print_node(expires.tree),
            "splits": {split.name: print_node(file.text.splits[split.name].tree) for split in scenario.splits},
            "messages": _messages(messages),
            **({"phase": scenario.phase} if scenario.phase > 1 else {}),
            **found,
        }))  # fmt: skip

    def recalled(self, text: Text, playbook: str, name: str) -> Recalled:
        """A recorded text read again. Raises DangolError when it no longer checks against the project's vocabulary."""
        try:
            return self._recalled(text, playbook, name, self.project.catalog)
        except DangolError as error:
            if self.project.looked_at_data or not any(one.code in UNKNOWN for one in error.diagnostics):
                raise
        return self._recalled(text, playbook, name, self._whole.catalog)

    @cached_property
    def _whole(self) -> Project:
        return load_project(self.project.root, whole=True)

    # --- recording ----------------------------------------------------------------------------------------------

    def _definitions(self, trees: list[Any], names: Iterable[str]) -> dict[str, Any]:
        """The definitions and event groups that lines rest on, directly or through others."""
        definitions: dict[str, Any] = {}
        groups: dict[str, Any] = {}
        waiting = [*names]
        while trees or waiting:
            words = [waiting.pop()] if waiting else [word for one in names_in(trees.pop()) for word in _words(one)]
            for word in dict.fromkeys(words):
                if word in self.project.catalog.groups:
                    groups[word] = list(self.project.catalog.groups[word])
                elif word not in definitions and (found := self._definition(word)) is not None:
                    definitions[word] = self._print(word, found)
                    trees.append(found.tree)
        return {"definitions": dict(sorted(definitions.items())), "groups": dict(sorted(groups.items()))}

    def _definition(self, name: str) -> Definition | None:
        if is_library(name) and (shipped := entry(name)) is not None:
            return Definition(shipped.kind, name, shipped.line, shipped.written.tree, self.project.zone)
        return self._defined.get(name)

    def _print(self, name: str, found: Definition) -> dict[str, str]:
        if name not in self._printed:
            self._printed[name] = {"kind": found.kind, "line": print_node(found.tree), "zone": found.zone}
        return self._printed[name]

    # --- reading again ------------------------------------------------------------------------------------------

    def _recalled(self, text: Text, playbook: str, name: str, catalog: Catalog) -> Recalled:
        content, where = text.content, f"{playbook}/{name} as it was"
        if "rule" not in content:
            raise DangolError(diagnose("E704", "it was recorded by an earlier version", Line.of("", where)))
        lines, file = self._lines(content, playbook, name, where)
        groups = {**catalog.groups, **{one: tuple(members) for one, members in content["groups"].items()}}
        catalog = replace(catalog, groups=groups)
        checked = check(catalog, lines.definitions, [one.text for one in lines.scenarios], frozenset(lines.broken))
        program = checked.program
        uses = uses_of([file], lines.scenarios, program.scenarios)
        found = [
            *lines.found, *_lost_members(content["groups"], catalog, where), *checked.diagnostics,
            *template_problems(uses, catalog, program),
        ]  # fmt: skip
        if self.project.config is not None:
            found += compliance_problems(self.project.config, uses, {}, {})
        errors = [one for one in found if one.is_error and one.file == where]
        if errors or not program.scenarios:
            raise DangolError(*errors)
        rule, same = lines.scenarios[0].text.rule.line, self._is_as_today(content)
        return Recalled(file, program.scenarios[0], rule, None if same else program, catalog)

    def _lines(self, content: Mapping[str, Any], playbook: str, name: str, where: str) -> tuple[Lines, PlaybookFile]:
        said = {"rule": content["rule"], "exit": content["exit"]}
        said |= {"expires": content["expires"]} if content["expires"] is not None else {}
        said |= {"phase": str(content["phase"])} if "phase" in content else {}
        written = {"playbook": playbook, "scenarios": {name: said}}
        written |= {each: content[each] for each in ("splits", "messages")}
        file = PlaybookFile(where, Playbook.model_validate(_lined(written, where)), content["zone"])
        config = self.project.config
        lines = Lines()
        lines.add(file, frozenset(map(normal, config.channels)) or None if config is not None else None, False)
        for each, one in content["definitions"].items():
            line = Line.of(one["line"], where)
            tree, problems = parse(line, "expression")
            lines.found += problems
            if tree is None:
                lines.broken.add(each)
            else:
                lines.definitions.append(Definition(one["kind"], each, line, tree, one["zone"]))  # type: ignore[arg-type]
        return lines, file

    def _is_as_today(self, content: Mapping[str, Any]) -> bool:
        """Whether all that the text rests on is defined today as it was."""
        defined = {name: self._definition(name) for name in content["definitions"]}
        return all(
            (now := defined[name]) is not None and self._print(name, now) == then
            for name, then in content["definitions"].items()
        ) and all(
            list(self.project.catalog.groups.get(name, ())) == members for name, members in content["groups"].items()
        )


def _hash(body: str) -> str:
    return hashlib.blake2b(body.encode(), digest_size=12).hexdigest()


def _written(content: Mapping[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False)


def _words(name: Any) -> tuple[str, ...]:
    """What a name may be the name of: the whole of it, or the event whose property it is."""
    return (name.text, name.parts[0])


def _traits(messages: Iterable[Message]) -> Iterator[str]:
    """The traits that messages print."""
    from dangol.playbook.messages.template import TemplateError, variables_of

    for message in messages:
        for part, line in message.parts.items():
            if is_template(line.text):
                with suppress(TemplateError):
                    yield from (normal(one.name) for one in variables_of(line.text, part) if one.root == "traits")


def _messages(messages: Iterable[Message]) -> dict[str, Any]:
    """The named ones as a playbook writes them."""
    found: dict[str, Any] = {}
    for one in messages:
        if one.name is not None:
            said = found.setdefault(one.name, {})
            said[one.channel] = {part: line.text for part, line in one.parts.items()}
            if one.kind != "advertising":
                said[KIND] = one.kind
    return found


def _lined(value: Any, where: str) -> Any:
    """The same with every text as a line."""
    if isinstance(value, str):
        return Line.of(value, where)
    if isinstance(value, list):
        return [_lined(each, where) for each in value]
    return {Name.of(Line.of(key, where)): _lined(each, where) for key, each in value.items()}


def _lost_members(groups: Mapping[str, list[str]], catalog: Catalog, where: str) -> Iterator[Diagnostic]:
    """Members of event groups that are no events any more."""
    for group, members in groups.items():
        for member in members:
            if member not in catalog.events:
                message = f"`{member[:60]}`, of the group `{group}`, is not an event any more"
                yield diagnose("E030", message, Line.of(member, where))
