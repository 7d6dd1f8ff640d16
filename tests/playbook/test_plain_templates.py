"""A template that only prints variables is joined, not run: the text is the same."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dangol.playbook.messages.template import TemplateError, compile_template

VALUES = st.one_of(st.text(max_size=5), st.integers(), st.floats(allow_nan=False), st.booleans(), st.just(["a", "b"]))
PIECES = ("Hi", " ", "\n", "{", "}", "}}", "%", "{{customer.name}}", "{{ event.이름 }}", "{{  traits.size }}",
          "{{ customer.name | upcase }}",
          "{%- if customer.name %}x{% endif %}", "{{- event.이름 -}}")  # fmt: skip


@given(pieces=st.lists(st.sampled_from(PIECES), max_size=6), values=st.lists(VALUES, min_size=3, max_size=3))
def test_both_ways_give_the_same_text(pieces: list[str], values: list[object]) -> None:
    try:
        template = compile_template({"body": "".join(pieces)})
    except TemplateError:
        return
    given_values = {"customer": {"name": values[0]}, "event": {"이름": values[1]}, "traits": {"size": values[2]}}
    assert template.render(given_values) == replace(template, plain={}).render(given_values)


def test_a_missing_value_is_told_as_ever() -> None:
    template = compile_template({"body": "Hi {{ customer.name }}"})
    assert template.plain
    with pytest.raises(TemplateError, match=r"customer\.name"):
        template.render({"customer": {}})
