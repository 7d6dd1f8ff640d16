"""Every character of a YAML scalar, in any style, is found again in the file."""

from __future__ import annotations

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from dangol.diagnostics import DangolError, Source
from dangol.playbook.load import decode
from dangol.playbook.tree import Mapping, Scalar, read_tree

ALPHABET = "ab가 \n\t\"'\\#:→%é😀-|>{}[],&*!"
BREAKS = "\r\n\x85\u2028\u2029"


def scalar(text: str, key: str = "k") -> Scalar:
    tree, found = read_tree(decode(text.encode(), "p.yaml"))
    assert isinstance(tree, Mapping)
    assert not found
    _, value = tree.named[key]
    assert isinstance(value, Scalar)
    return value


def check_map(value: Scalar) -> None:
    source = value.line.source.text
    offsets = list(value.line.places or ())
    assert len(offsets) == len(value.text) + 1
    assert offsets == sorted(offsets)
    for char, offset in zip(value.text, offsets, strict=False):
        written = source[offset]
        folded = char in " \n" and written in BREAKS
        assert written == char or (value.style == '"' and written == "\\") or folded, (char, written)


def spelled(text: str, style: str, indent: str) -> str:
    """`text` as a YAML scalar of a style, with breaks where the style has them."""
    if style == "'":
        return "'" + text.replace("'", "''").replace("\n", "\n\n" + indent) + "'"
    if style == '"':
        escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t").replace("\n", "\\n")
        return '"' + escaped.replace("é", "\\u00e9").replace("😀", "\\U0001F600") + '"'
    if style in ("|", ">"):
        return f"{style}2-\n" + "\n".join(indent + line if line else "" for line in text.split("\n"))
    return text.replace("\n", "\n" + indent)


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@settings(max_examples=150, deadline=None)
@given(
    text=st.text(ALPHABET, min_size=1, max_size=25), style=st.sampled_from(["", "'", '"', "|", ">"]), bom=st.booleans()
)
@example(text="a\n\n b\n\nc", style=">", bom=False)
@example(text="it's\n\ntwo", style="'", bom=True)
def test_every_character_has_its_place(newline: str, text: str, style: str, bom: bool) -> None:
    written = ("\ufeff" if bom else "") + f"# first\nk: {spelled(text, style, '  ')}\n"
    try:
        value = scalar(written.replace("\n", newline))
    except (DangolError, AssertionError):
        assume(False)
        return
    check_map(value)


@settings(max_examples=300, deadline=None)
@given(st.text(ALPHABET, max_size=40))
@example('"a\\\n   b\\x41  \n\n c"')
@example(">+\n\n  a\n   b\n\n  c\n\n")
@example("|1\n   a\n")
@example("&x a b")
def test_whatever_parses_is_mapped(fragment: str) -> None:
    try:
        value = scalar(f"k: {fragment}\nz: 1\n")
    except (DangolError, AssertionError):
        return
    check_map(value)


def test_a_span_points_into_the_quotes() -> None:
    value = scalar("k: 'it''s → \"x\"'\n")
    start = value.text.index("→")
    assert value.line.in_source(type(value.span)(start, start + 1)).start == 10


def test_a_map_that_does_not_rebuild_the_value_points_at_the_scalar() -> None:
    from dangol.playbook.source_map import places

    assert list(places("k: abc", 3, 6, None, "xyz")) == [3, 3, 5, 6]


def test_source_offsets_are_those_without_the_byte_order_mark() -> None:
    assert decode("\ufeffa: b".encode(), "p") == Source("p", "a: b")
