"""From the bytes of a file to its model: whatever the file contains ends in a model or in diagnostics."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from dangol.diagnostics import DangolError, Diagnostic, Line, Source, Span, diagnose_source, did_you_mean
from dangol.playbook.model import Model, Name
from dangol.playbook.tree import Listing, Mapping, Node, Scalar, read_tree

MAX_BYTES = 250_000
_UNPRINTABLE = re.compile(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_KEY = re.compile(r"^[ ]*([^\W\d]\w*)[ ]*:", re.MULTILINE)
_ROUNDS, _MOST = 5, 100
_HALF = re.compile("[\ud800-\udfff]")
_COMMENT = re.compile(r"[ \t]+#[^\r\n]*")

M = TypeVar("M", bound=Model)


def read_source(path: Path, name: str) -> Source:
    """The text of a file. Raises DangolError when it cannot be read, is too large or is no UTF-8 text."""
    try:
        if not path.is_file():
            raise DangolError(_whole("E001", f"{name} is not a file", name))
        if path.stat().st_size > MAX_BYTES:
            message = f"{name} is larger than {MAX_BYTES // 1000} KB"
            raise DangolError(_whole("E001", message, name, "split it into several playbooks"))
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DangolError(_whole("E001", f"{name} cannot be read: {reason}", name)) from error
    return decode(data, name)


def decode(data: bytes, name: str) -> Source:
    """UTF-8 (with or without a byte order mark) as a source; other encodings are named. Raises DangolError."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DangolError(_encoding(name, "UTF-16"))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DangolError(_encoding(name, _korean(data))) from error
    source = Source(name, text)
    if (found := _UNPRINTABLE.search(text)) is not None:
        message = f"there is a character here that is no text (U+{ord(found.group()):04X})"
        span = Span(found.start(), found.end())
        raise DangolError(diagnose_source("E002", message, source, span, hints=("delete it and type it again",)))
    return source


def _korean(data: bytes) -> str | None:
    try:
        text = data.decode("cp949")
    except UnicodeDecodeError:
        return None
    return "EUC-KR (CP949)" if not _UNPRINTABLE.search(text) else None


def _encoding(name: str, guess: str | None) -> Diagnostic:
    what = f"it looks like {guess}" if guess else "it may not be a text file at all"
    return _whole("E002", f"{name} is not UTF-8; {what}", name, "save it as UTF-8")


def _whole(code: str, message: str, name: str, *hints: str) -> Diagnostic:
    return diagnose_source(code, message, Source(name, ""), hints=hints)


# --- from the tree to the model ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Read(Generic[M]):
    """What could be read of a file: the model without the parts that are wrong (None when nothing is left), what is
    wrong, and the names that stand in those parts (or the whole file)."""

    model: M | None
    found: list[Diagnostic]
    broken: frozenset[str] = frozenset()


def read_model(source: Source, kind: type[M], what: str) -> Read[M]:
    """The model in a text, and everything wrong with it. `what` is the kind of file in words, such as "a playbook"."""
    try:
        tree, found = read_tree(source)
    except DangolError as error:
        return Read(None, list(error.diagnostics), frozenset(_KEY.findall(source.text)))
    first = next(iter(kind.model_fields))
    if not isinstance(tree, Mapping):
        message = f"{what} is names with values, such as `{first}: …`"
        message = f"the file is empty; {message}" if tree is None else message
        span = tree.span if tree is not None else Span(0, 0)
        return Read(None, [*found, diagnose_source("E010", message, source, span)])
    found += [*_cut_by_comment(tree), *_half_characters(tree)]
    return _validated(source, tree, kind, found)


def _validated(source: Source, tree: Mapping, kind: type[M], found: list[Diagnostic]) -> Read[M]:
    """Parts with an error are reported, left out, and the rest is tried again: all errors come at once."""
    data, broken = _data(tree, top=True), set[str]()
    for _ in range(_ROUNDS):
        try:
            return Read(kind.model_validate(data), found, frozenset(broken))
        except ValidationError as error:
            errors = error.errors(include_url=False, include_input=False)[:_MOST]
        found += [_explain(source, tree, kind, one) for one in errors]
        broken |= _leave_out(data, errors)
        first = next(iter(kind.model_fields))
        data.setdefault(first, Line(PurePath(source.name).stem, source, [0] * (len(source.name) + 1)))
    return Read(None, found, frozenset(_KEY.findall(source.text)))


def _leave_out(data: Any, errors: Sequence[Any]) -> set[str]:
    """Takes the deepest part on the way to each error out of `data`; the names that stand in them."""
    found = {(id(owner), step): owner for error in errors for owner, step in _deepest(data, error["loc"])}
    names: set[str] = set()
    for (_, step), owner in sorted(found.items(), key=lambda item: str(item[0][1]).rjust(9), reverse=True):
        if isinstance(step, str):
            names.add(str(step))
        names |= set(_words(owner.pop(step)))
    return names


def _deepest(data: Any, loc: Sequence[str | int]) -> list[tuple[Any, str | int]]:
    """The innermost dict or list on the way, with the key or index in it; empty when there is none."""
    found: list[tuple[Any, str | int]] = []
    for step in loc:
        known = step in data if isinstance(data, dict) else isinstance(data, list) and step in range(len(data))
        if not known:
            break
        found = [(data, step)]
        data = data[step]
    return found


def _words(data: Any) -> Iterator[str]:
    if isinstance(data, Line):
        yield data.text
    elif isinstance(data, dict):
        for name, value in data.items():
            yield str(name)
            yield from _words(value)
    else:
        for value in data:
            yield from _words(value)


def _data(node: Node, top: bool = False) -> Any:
    """Plain data for pydantic: dicts by Name, lists, Lines. An empty section at the top counts as not there."""
    if isinstance(node, Scalar):
        return node.line
    if isinstance(node, Listing):
        return [_data(item) for item in node.items]
    return {
        Name.of(key.line): _data(value)
        for key, value in node.items
        if not (top and isinstance(value, Scalar) and value.is_nothing)
    }


def _cut_by_comment(tree: Mapping) -> Iterator[Diagnostic]:
    """Texts that YAML ended at ` #`: an error when it left a quote open, a warning in messages."""
    for name, value in tree.items:
        for scalar in _scalars(value):
            text = scalar.line.source.text
            cut = _COMMENT.match(text, scalar.span.end) if scalar.style is None and scalar.text else None
            if cut is None:
                continue
            place = Span(cut.start() + len(cut.group()) - len(cut.group().lstrip()), cut.end())
            hints: tuple[str, ...] = ("put the whole text in quotes: '…'",)
            if scalar.text.count('"') % 2 or scalar.text.count("“") > scalar.text.count("”"):
                message = "the text ends before ` #`: YAML takes the rest for a comment"
                yield diagnose_source("E015", message, scalar.line.source, place, hints=hints)
            elif name.text == "messages":
                message = "this is a comment and will not be sent"
                hints = ("if it belongs to the message, put the whole text in quotes", "else move it to a line above")
                yield diagnose_source("W015", message, scalar.line.source, place, severity="warning", hints=hints)


def _half_characters(tree: Mapping) -> Iterator[Diagnostic]:
    """Escapes such as `\\ud800`, which YAML takes and no text can hold."""
    for scalar in _scalars(tree):
        half = _HALF.search(scalar.text)
        if half is not None:
            message = f"there is half a character here (U+{ord(half.group()):04X}), which no text can hold"
            hints = ("write the character itself, such as 😀", "or its whole escape, such as `\\U0001F600`")
            yield diagnose_source("E002", message, scalar.line.source, scalar.span, hints=hints)


def _scalars(node: Node) -> Iterator[Scalar]:
    if isinstance(node, Scalar):
        yield node
    else:
        for item in node.items:
            yield from _scalars(item[1] if isinstance(item, tuple) else item)


# --- what pydantic found, in words ------------------------------------------------------------------------------


def _explain(source: Source, tree: Mapping, kind: type[Model], error: Any) -> Diagnostic:
    loc: Sequence[str | int] = error["loc"]
    key, node = _at(tree, loc)
    span = _pointed(key, node)
    word = error["type"]
    if word == "extra_forbidden":
        return _unknown_key(source, kind, loc, key.span if key is not None else span)
    if word == "missing":
        owner = f"`{loc[-2]}` has" if len(loc) > 1 else "there is"
        return diagnose_source("E012", f"{owner} no `{loc[-1]}:`", source, span)
    if word == "choice":
        return _no_choice(source, node, span, error["ctx"])
    if word == "place":
        return diagnose_source("E023", error["msg"], source, span)
    if word == "empty":
        return diagnose_source("E012", f"nothing is written for `{_last_name(loc)}`", source, span)
    return _wrong_shape(source, node, span, loc, word)


def _pointed(key: Scalar | None, node: Node) -> Span:
    """Where a finding about a node points: a text itself, or the first name in an item of a list, or the name above."""
    if isinstance(node, Scalar) and node.text:
        return node.span
    if isinstance(node, Mapping) and node.items and key is None:
        return node.items[0][0].span
    return key.span if key is not None else node.span


def _at(tree: Node, loc: Sequence[str | int]) -> tuple[Scalar | None, Node]:
    """The deepest node on the way, and the last key passed."""
    key: Scalar | None = None
    node = tree
    for step in loc:
        if isinstance(node, Mapping):
            entry = node.named.get(str(step))
            if entry is None:
                break
            key, node = entry
        elif isinstance(node, Listing) and isinstance(step, int) and step < len(node.items):
            key, node = None, node.items[step]
        else:
            break
    return key, node


def _unknown_key(source: Source, kind: type[Model], loc: Sequence[str | int], span: Span) -> Diagnostic:
    name = str(loc[-1])
    known = _fields(kind, loc[:-1])
    hints = did_you_mean(name, known) or (f"known here: {', '.join(f'`{one}`' for one in known)}",)
    return diagnose_source("E011", f"`{name[:60]}` is not a key here", source, span, hints=hints)


def _fields(kind: type[Model], loc: Sequence[str | int]) -> list[str]:
    """The keys of the model that stands at a place: found by following annotations from the outermost model."""
    annotation: Any = kind
    for step in loc:
        model = _model_in(annotation)
        field = model.model_fields.get(str(step)) if model is not None else None
        annotation = field.annotation if field is not None else annotation
    model = _model_in(annotation)
    return list(model.model_fields) if model is not None else []


def _model_in(annotation: Any) -> type[Model] | None:
    if isinstance(annotation, type) and issubclass(annotation, Model):
        return annotation
    return next((found for part in getattr(annotation, "__args__", ()) if (found := _model_in(part))), None)


def _no_choice(source: Source, node: Node, span: Span, context: Any) -> Diagnostic:
    options: tuple[str, ...] = context["options"]
    text = node.text if isinstance(node, Scalar) else ""
    message = f"{context['what']} {', '.join(options[:-1])} or {options[-1]}"
    message += f", not `{text[:60]}`" if text else ""
    return diagnose_source("E027", message, source, span, hints=did_you_mean(text, options))


def _last_name(loc: Sequence[str | int]) -> str:
    names = [step for step in loc if isinstance(step, str) and step not in ("rule", "body")]
    return str(names[-1])[:60] if names else "it"


def _wrong_shape(source: Source, node: Node, span: Span, loc: Sequence[str | int], word: str) -> Diagnostic:
    name = _last_name(loc)
    hints: tuple[str, ...] = ()
    if word == "is_instance_of":
        message = f"`{name}` is one line of text"
        if isinstance(node, Mapping | Listing) and source.text[node.span.start : node.span.start + 1] in ("{", "["):
            hints = ("a text that begins with a bracket must stand in quotes",)
    elif word == "tuple_type":
        message = f"`{name}` is a list: [first, second]"
    elif len(loc) == 2 and loc[0] in ("segments", "scenarios"):
        message = f"`{name}` is one line of text, or a group with `rule:`"
    else:
        message = f"`{name}` is a group of names with values"
        if loc[0] == "messages":
            hints = (f'say on which channel: `{name}: {{push: "…"}}`',)
        else:
            hints = (f"write `{name}: {{name: value}}`",)
    return diagnose_source("E013", message, source, span, hints=hints)
