"""fmt: one canonical text, the same when formatted again, every comment kept, the meaning untouched."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dangol.diagnostics import DangolError, Source
from dangol.playbook.format import format_project, format_source
from dangol.playbook.layout import comments_of

SHOP = Path(__file__).parents[2] / "dangol/demo/shop"
UGLY = """\


# about this file
playbook:   q     # name


segments:
  a:   "cart_added   within 7 days and not purchased"   # why
  b: {rule: '(age>=100만) and grade in ("x","y")', purpose: sell,   basis: consent}
    # belongs to the segments
# belongs to the scenarios
scenarios:
    s:
        rule: >   # in the header
            a and b
              -> push split copy
            => after 1h kakao "a: b #1"
        kpi: [purchased within 7d >= 5% by 2027-01-01,   # first
          purchased within 7d >= 6% by 2027-01-01]
        cap:
        - 1 per 3d
        -   2 per 7d
    t: {rule: "a → push \\"x, y\\"", schedule: daily at 10:00}
splits: {copy: "m 45%, control 55%"}
messages:
  m:
      push: |
          Hello,
            {{ customer.name }}

          # no comment
      kakao: "two
        lines"
# the end
"""
NEAT = """\
# about this file
playbook: q  # name

segments:
  a: cart_added within 7 days and not purchased  # why
  b: {rule: '(age >= 100만) and grade in ("x", "y")', purpose: sell, basis: consent}
  # belongs to the segments
# belongs to the scenarios
scenarios:
  s:
    rule: >-  # in the header
      a and b
      → push split copy
      → after 1h kakao "a: b #1"
    kpi:
      - purchased within 7d >= 5% by 2027-01-01  # first
      - purchased within 7d >= 6% by 2027-01-01
    cap:
      - 1 per 3d
      - 2 per 7d
  t: {rule: 'a → push "x, y"', schedule: daily at 10:00}
splits: {copy: 'm 45%, control 55%'}
messages:
  m:
    push: |
      Hello,
        {{ customer.name }}

      # no comment
    kakao: "two
      lines"
# the end
"""


def formatted(text: str) -> str:
    return format_source(Source("p.yaml", text))


def test_the_canonical_text() -> None:
    assert formatted(UGLY) == NEAT


def test_line_endings_and_the_last_one_are_canonical() -> None:
    assert formatted(UGLY.replace("\n", "\r\n")) == NEAT
    assert formatted(NEAT.rstrip()) == NEAT


def test_the_demo_shop_is_canonical() -> None:
    assert not any(file.changed or file.diagnostics for file in format_project(SHOP))


@pytest.mark.parametrize(
    "text",
    [
        "a: &x {b: 1}\nc: *x\n",
        "a:\n  - - 1\n    - 2\n  - b: c\n    d: e\n",
        "a: {}\nb: []\nc:\nd: ''\n",
        "'quoted key': 1\n\"other\": 2\n",
        "a: |+\n  x\n\n\nb: |2\n   x\n",
        "a: >\n  x\n\n  y\n   z\n",
    ],
)
def test_odd_forms_stay(text: str) -> None:
    assert formatted(text) == text


def test_a_block_at_the_end_of_a_file_without_a_last_break() -> None:
    assert formatted("playbook: x\nowner: >\n  a\n  b") == "playbook: x\nowner: >-\n  a\n  b\n"


def test_a_file_that_would_change_is_left_alone() -> None:
    with pytest.raises(DangolError) as error:
        formatted("playbook: x\n? |\n  long\n: y\n")
    assert [d.code for d in error.value.diagnostics] == ["E040"]


def test_a_line_that_does_not_parse_stays_as_written() -> None:
    text = "playbook: x\nsegments:\n  a: visited   wihtin 7d\n"
    assert formatted(text) == text


def test_files_are_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "playbooks/q.yaml"
    path.parent.mkdir()
    path.write_text(UGLY)
    path.chmod(0o640)
    (file,) = format_project(tmp_path)
    assert file.changed
    assert file.diff.startswith("--- playbooks/q.yaml\n+++ playbooks/q.yaml\n")
    file.write()
    assert path.read_text() == NEAT
    assert path.stat().st_mode & 0o777 == 0o640
    assert [entry.name for entry in path.parent.iterdir()] == ["q.yaml"]
    assert not next(iter(format_project(tmp_path))).changed


def mutated(text: str, rng: random.Random) -> str:
    """A file with lines indented, repeated, dropped, commented, quoted and spaced at random."""
    lines = text.split("\n")
    for _ in range(rng.randrange(1, 5)):
        at = rng.randrange(len(lines))
        line = lines[at]
        lines[at] = rng.choice(
            (
                line + "  # c" + str(rng.randrange(99)), " " * rng.randrange(5) + "# own\n" + line, line + "\n\n\n",
                line.replace(": ", ":   ", 1), line.replace(",", " ,"), line.replace("{", "{ # in\n      ", 1),
                line.replace(", ", ",\n        ", 1), line.replace(": ", ": >-\n          ", 1), "  " + line,
                line.replace(": ", ": |\n            ", 1), line.replace(": ", ": &a ", 1),
            )
        )  # fmt: skip
    return "\n".join(lines)


FILES = [path.read_text() for path in sorted(SHOP.rglob("playbooks/*.yaml"))] + [UGLY, NEAT]


@given(st.sampled_from(FILES), st.randoms(use_true_random=False))
def keeps_comments_and_is_stable(text: str, rng: random.Random) -> None:
    written = mutated(text, rng)
    start = time.process_time()
    try:
        after = formatted(written)
    except DangolError:
        assume(False)
    assert time.process_time() - start < 1
    assert formatted(after) == after
    assert comments_of(after) == comments_of(written)


@given(st.sampled_from(FILES), st.randoms(use_true_random=False))
def is_never_refused(text: str, rng: random.Random) -> None:
    try:
        formatted(mutated(text, rng))
    except DangolError as error:
        assert "E040" not in {d.code for d in error.diagnostics}  # noqa: PT017


@pytest.mark.parametrize("examples", [40, pytest.param(1000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("check", [keeps_comments_and_is_stable, is_never_refused])
def test_of_ordinary_mutations(check: Callable[[], None], examples: int) -> None:
    settings(max_examples=examples, deadline=None)(check)()
