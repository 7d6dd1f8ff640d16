"""What a playbook says: its segments, traits and scenarios in plain words, and its messages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dangol.engine.catalog import normal
from dangol.engine.reading import Lang, read
from dangol.playbook.lines import PlaybookFile
from dangol.playbook.project import Project


def named(project: Project, name: str) -> PlaybookFile | None:
    """The playbook of that name, unless a scenario, segment or trait has it."""
    program, name = project.checked.program, normal(name)
    taken = {*program.segments, *program.traits, *(scenario.name for scenario in program.scenarios)}
    return next((one for one in project.playbooks if one.name == name and name not in taken), None)


def reading(project: Project, playbook: PlaybookFile, lang: Lang) -> dict[str, Any]:
    """The playbook as data: name → what it says; messages with the channels they are written for."""
    program, model = project.checked.program, playbook.model
    said = {"owner": model.owner, "stage": model.stage, "basis": model.basis, "purpose": model.purpose}
    own = [scenario for scenario in program.scenarios if scenario.playbook == playbook.name]
    off = {file.name for file in project.scenarios if file.playbook is playbook and not file.enabled}
    return {
        "playbook": playbook.name,
        "file": playbook.file,
        **{key: line.text for key, line in said.items() if line is not None},
        "timezone": playbook.zone,
        "segments": {n: read(program.segments[normal(n)], None, lang, playbook.zone) for n in model.segments},
        "traits": {n: read(program.traits[normal(n)], None, lang, playbook.zone) for n in model.traits},
        "scenarios": {one.name: read(one, None, lang, playbook.zone) for one in own},
        "disabled": sorted(off),
        "messages": {name: sorted(channels) for name, channels in playbook.messages.items()},
    }


def as_lines(said: dict[str, Any]) -> Iterator[str]:
    """The same for a terminal."""
    about = [f"{key} {said[key]}" for key in ("owner", "stage", "basis", "purpose", "timezone") if key in said]
    yield f"{said['playbook']} ({said['file']}): {', '.join(about)}"
    for kind in ("segments", "traits", "scenarios"):
        if said[kind]:
            yield f"{kind}:"
            for name, text in said[kind].items():
                off = " (disabled)" if kind == "scenarios" and name in said["disabled"] else ""
                yield f"   {name}{off}: {text}"
    if said["messages"]:
        yield "messages:"
        yield from (f"   {name}: {', '.join(channels)}" for name, channels in said["messages"].items())
