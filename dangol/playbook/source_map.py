"""The place in the file of each character of a YAML scalar."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

_BREAKS = "\r\n\x85\u2028\u2029"
_SIMPLE_ESCAPES = {
    "0": "\0", "a": "\a", "b": "\b", "t": "\t", "\t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r", "e": "\x1b",
    " ": " ", '"': '"', "/": "/", "\\": "\\", "N": "\x85", "_": "\xa0", "L": "\u2028", "P": "\u2029",
}  # fmt: skip
_CODE_ESCAPES = {"x": 2, "u": 4, "U": 8}

Placed = tuple[str, int]
"""A decoded character and its offset in the file."""


def places(text: str, start: int, end: int, style: str | None, value: str) -> Sequence[int]:
    """Offsets into `text` of each character of `value`, and of its end.

    `text[start:end]` is the scalar as written (with its quotes or block indicator), `style` is None for plain, or one
    of ' " | >. A map that would not rebuild `value` is not trusted: the offsets then span the scalar as a whole.
    """
    quotes = 1 if style in ("'", '"') else 0
    if text[start + quotes : end - quotes] == value:
        return range(start + quotes, start + quotes + len(value) + 1)
    found = list(_decoded(text, start, end, style))
    if "".join(char for char, _ in found[: len(value)]) != value:
        return [start] * max(0, len(value) - 1) + [end - 1] * min(1, len(value)) + [end]
    offsets = [offset for _, offset in found[: len(value)]]
    return [*offsets, offsets[-1] + 1 if offsets else start]


def _decoded(text: str, start: int, end: int, style: str | None) -> Iterator[Placed]:
    if style in ("|", ">"):
        lines = block_lines(text, start, end)
        return _literal(text, lines) if style == "|" else _folded(text, lines)
    if style is None:
        return _flow(text, start, end, "")
    return _flow(text, start + 1, end - 1, style)


def _flow(text: str, position: int, end: int, quote: str) -> Iterator[Placed]:
    """Plain and quoted scalars: line breaks fold, escapes decode."""
    while position < end:
        char = text[position]
        if char in " \t" or char in _BREAKS:
            position, folded = _space(text, position, end)
            yield from folded
        elif quote == '"' and char == "\\":
            position, decoded = _escape(text, position, end)
            yield from decoded
        else:
            yield char, position
            position += 2 if quote == "'" and char == "'" else 1


def _space(text: str, position: int, end: int) -> tuple[int, list[Placed]]:
    """White space from `position`: as it is within a line; one break is a space, further ones stay breaks."""
    stop = position
    while stop < end and text[stop] in " \t":
        stop += 1
    if stop == end or text[stop] not in _BREAKS:
        return stop, [(text[at], at) for at in range(position, stop)]
    position, breaks = _breaks(text, stop, end)
    return position, breaks[1:] or [(" ", breaks[0][1])]


def _breaks(text: str, position: int, end: int) -> tuple[int, list[Placed]]:
    """The line breaks from `position`, and the offset of the first character after them and their indentation."""
    found: list[Placed] = []
    while position < end and (text[position] in " \t" or text[position] in _BREAKS):
        width = 2 if text.startswith("\r\n", position) else 1
        if text[position] in _BREAKS:
            found.append(("\n" if text[position] in "\r\n\x85" else text[position], position))
        position += width
    return position, found


def _escape(text: str, position: int, end: int) -> tuple[int, list[Placed]]:
    letter = text[position + 1] if position + 1 < end else ""
    if letter in _SIMPLE_ESCAPES:
        return position + 2, [(_SIMPLE_ESCAPES[letter], position)]
    if letter in _CODE_ESCAPES:
        stop = position + 2 + _CODE_ESCAPES[letter]
        return stop, [(chr(int(text[position + 2 : stop], 16)), position)]
    position, breaks = _breaks(text, position + 1, end)
    return position, breaks[1:]


def block_lines(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """(start, end) offsets of each line of a block scalar, without indentation and line break."""
    rows: list[tuple[int, int]] = []
    header_end = position = _line_end(text, start, end)
    while (position := _after_break(text, position)) < end:
        stop = _line_end(text, position, end)
        rows.append((position, stop))
        position = stop
    indent = _indent(text, start, header_end, rows)
    return [(min(begin + indent, stop), stop) for begin, stop in rows]


def _indent(text: str, start: int, header_end: int, rows: list[tuple[int, int]]) -> int:
    header = text[start:header_end].split("#", 1)[0]
    widths = [len(line) - len(line.lstrip(" ")) for begin, stop in rows if (line := text[begin:stop]).strip(" ")]
    explicit = [int(char) for char in header if char.isdigit()]
    if not explicit:
        return widths[0] if widths else max((stop - begin for begin, stop in rows), default=0)
    line_start = max(text.rfind(char, 0, start) for char in "\r\n") + 1
    own = text[line_start:start]
    base = len(own) - len(own.lstrip(" "))
    return min([base + explicit[0], *widths])


def _literal(text: str, lines: list[tuple[int, int]]) -> Iterator[Placed]:
    for begin, stop in lines:
        yield from ((text[at], at) for at in range(begin, stop))
        yield "\n", stop


def _folded(text: str, lines: list[tuple[int, int]]) -> Iterator[Placed]:
    """A break between two lines of text is a space, unless either is indented further; empty lines stay breaks."""
    following: list[tuple[int, int] | None] = [None]
    for line in reversed(lines):
        following.append(line if line[0] < line[1] else following[-1])
    for row, (begin, stop) in enumerate(lines):
        yield from ((text[at], at) for at in range(begin, stop))
        after = following[len(lines) - 1 - row]
        if begin == stop or text[begin] in " \t" or after is None or text[after[0]] in " \t":
            yield "\n", stop
        elif lines[row + 1] == after:
            yield " ", stop


def _line_end(text: str, position: int, end: int) -> int:
    while position < end and text[position] not in _BREAKS:
        position += 1
    return position


def _after_break(text: str, position: int) -> int:
    return position + (2 if text.startswith("\r\n", position) else 1)
