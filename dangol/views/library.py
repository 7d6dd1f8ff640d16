"""The page about the library, from its files: each topic with its traits and segments, and the names they need."""

from __future__ import annotations

from collections.abc import Mapping

from dangol.engine.catalog import Mixed
from dangol.engine.ir import Type
from dangol.library import Entry, Topic, topics, vocabulary
from dangol.views.markdown import table


def library() -> str:
    """Every topic as a section."""
    return "\n\n".join(_section(topic) for topic in topics())


def _section(topic: Topic) -> str:
    rows = [_row(one) for one in topic.entries]
    return f"### {topic.title}\n\n{topic.about}\n\n" + table(("Name", "Line", "Meaning", "Serves"), rows)


def _row(one: Entry) -> tuple[str, ...]:
    korean = f" ({one.korean})" if one.korean else ""
    serves = ", ".join(one.serves) + (" (ours)" if one.ours else "")
    return f"`{one.name}`", f"`{one.line.text}`", f"{one.doc.removesuffix('.')}{korean}.", serves


def conventional_names() -> str:
    """The table of the names that the lines are written over."""
    known = vocabulary()
    rows = [(f"`{name}`", f"attribute, {kind}", known.docs[name]) for name, kind in known.catalog.attributes.items()]
    rows += [(f"`{name}`", _event(properties), known.docs[name]) for name, properties in known.catalog.events.items()]
    return table(("Name", "What it is", "Stands for"), rows)


def _event(properties: Mapping[str, Type | Mixed]) -> str:
    listed = ", ".join(f"`{name}` ({kind})" for name, kind in properties.items())
    return f"event with {listed}" if listed else "event"
