"""Whatever a playbook file contains ends in a project and diagnostics, within a second, and never in a traceback."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dangol.playbook.project import load_project

SHOP = Path(__file__).parents[2] / "dangol/demo/shop"
FILES = [path.read_bytes() for path in sorted(SHOP.rglob("*.yaml"))]
TOKENS = [
    b"\n", b"  ", b"\t", b": ", b" #", b"- ", b"[", b"]", b"{", b"}", b'"', b"'", b"*a", b"&a ", b"!x ", b"|\n",
    b">-\n", b"%", b"...\n", b"<<: ", b"? ", b"\0", b"\xff", b"\xef\xbb\xbf", b"\r\n", "→".encode(), b"\\",
    b"@", b"`", b"---\n", b"null", b"~", b"~: ", b"0x", b"\x85", "\u2028".encode(), b"not ", b"and ", b"(", b")",
]  # fmt: skip


def mutated(data: bytes, rng: random.Random) -> bytes:
    for _ in range(rng.randrange(1, 8)):
        at, other = sorted((rng.randrange(len(data) + 1), rng.randrange(len(data) + 1)))
        piece = data[at : min(other, at + rng.randrange(1, 40))]
        data = rng.choice(
            (
                data[:at] + rng.choice(TOKENS) + data[at:],
                data[:at] + data[at + len(piece) :],
                data[:at] + piece + data[at:],
                data[:at] + bytes([rng.randrange(256)]) + data[at + 1 :],
                data[:at] + rng.choice(TOKENS) * rng.choice((1, 100, 3000)) + data[at:],
            )
        )
    return data


def check(config: bytes, playbook: bytes, directory: Path) -> None:
    (directory / "playbooks").mkdir(exist_ok=True)
    (directory / "dangol.yaml").write_bytes(config)
    (directory / "playbooks/a.yaml").write_bytes(playbook)
    start = time.process_time()
    found = load_project(directory, discover=False)
    assert time.process_time() - start < 1
    for one in found.diagnostics:
        assert one.message
        assert one.line >= 1
        assert one.end_column > one.column >= 1
        assert "Traceback" not in one.message


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mutated")


@settings(max_examples=120, deadline=None)
@given(st.sampled_from(FILES[1:]), st.booleans(), st.randoms(use_true_random=False))
def test_mutations_of_valid_files(directory: Path, playbook: bytes, of_config: bool, rng: random.Random) -> None:
    if of_config:
        check(mutated(FILES[0], rng), playbook, directory)
    else:
        check(FILES[0], mutated(playbook, rng), directory)


@settings(max_examples=100, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=60),
        st.text(max_size=60).map(str.encode),
        st.text(":-[]{}\"'&*!|>%@#?, \n\tab").map(str.encode),
    )
)
def test_junk(directory: Path, data: bytes) -> None:
    check(FILES[0], b"playbook: x\nsegments:\n  a: " + data, directory)
    check(data, data, directory)


OF_PROJECT = "project: x\nattributes: {vip: boolean, tz: text}\nevents: {visited: {}}\n"
PLACES = {  # key → where it stands: (line of dangol.yaml, of the channel, of the scenario)
    **dict.fromkeys(("namespaces", "recipient_timezone", "spread"), "project"),
    **dict.fromkeys(("hours", "approved", "transaction_at"), "channel"),
    **dict.fromkeys(("guardrails", "on_deadline", "accept", "phase", "limit"), "scenario"),
}
SHAPES = (
    "[a]",
    "[[a]]",
    "{a: {b: c}}",
    "{text: a, source: b}",
    "true",
    "²",
    "-1",
    "가" * 3000,
    "1.5" * 900,
    "9a" * 900,
    "[" * 60 + "]" * 60,
)


@pytest.mark.parametrize("value", SHAPES, ids=lambda value: value[:8])
@pytest.mark.parametrize("key", PLACES)
def test_values_of_another_shape(tmp_path: Path, key: str, value: str) -> None:
    at = {"project": "", "channel": "", "scenario": "", PLACES[key]: f"{key}: {value}"}
    config = f"{OF_PROJECT}{at['project']}\nchannels:\n  push:\n    address: id\n    {at['channel']}\n"
    playbook = f'playbook: a\nscenarios:\n  s:\n    rule: visited → push "x"\n    {at["scenario"]}\n'
    check(config.encode(), playbook.encode(), tmp_path)
    found = load_project(tmp_path, discover=False).diagnostics
    mended = {"E008", "E107", "E108", "E109"}  # by the sentence itself
    assert [one for one in found if one.is_error and not one.hints and one.code not in mended] == []
    assert not any("`source:`" in one.message or len(one.message) > 300 for one in found)
