"""Whatever tree is printed is read back as the same tree."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from dangol.diagnostics import Line
from dangol.grammar.parser import parse
from dangol.grammar.printer import print_node

from . import trees

QUICK = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("kind", trees.KINDS)
def test_every_tree_is_read_back_as_it_was(kind):
    @QUICK
    @given(trees.KINDS[kind])
    def check(tree):
        text = print_node(tree)
        root, problems = parse(Line.of(text), kind)
        assert (root, problems) == (tree, []), text
        assert print_node(root) == text

    check()
