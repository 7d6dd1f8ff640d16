"""The outbox: one line per key, over crashes, other processes and full disks."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time as system
from pathlib import Path
from typing import Any, ClassVar

import pytest

from dangol.channels import durable
from dangol.channels.base import Channel, RetryAfter, Sent, Surroundings
from dangol.channels.registry import open_channel
from tests.channels.contract import ChannelContract, message
from tests.channels.doubles import FakeClock


class TestFileOutbox(ChannelContract):
    environ: ClassVar[dict[str, str]] = {}

    @pytest.fixture
    def settings(self, tmp_path: Path) -> dict[str, Any]:
        self.path = tmp_path / "outbox" / "test.jsonl"
        return {}

    def address(self, number: int) -> str | None:
        return f"user{number}@shop.example"

    def arrived(self) -> list[str]:
        return [line["key"] for line in self.lines()]

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.path.read_bytes().splitlines()] if self.path.exists() else []

    def test_what_a_line_says(self, channel: Channel) -> None:
        self.send(channel, self.message())
        assert self.lines() == [
            {
                "key": self.message().key,
                "time": "2026-11-18T11:06:40.000+00:00",
                "customer": "customer-1",
                "address": "user1@shop.example",
                "kind": "advertising",
                "playbook": "cart_rescue",
                "scenario": "rescue",
                "step": "2",
                "arm": "discount",
                "message": "cart_reminder",
                "channel": "test",
                "parts": dict(self.message().parts),
            }
        ]

    def test_another_process_wrote_it(self, channel: Channel, around: Surroundings) -> None:
        other = open_channel("test", {}, around)
        self.send(channel, self.message(1))
        self.send(other, self.message(1), self.message(2))
        self.send(channel, self.message(2), self.message(3))
        assert len(self.arrived()) == 3

    def test_a_line_cut_short_by_a_crash_is_written_again(self, channel: Channel, around: Surroundings) -> None:
        self.send(channel, self.message(1), self.message(2))
        whole = self.path.read_bytes()
        last = whole.rindex(b"\n", 0, -1) + 1
        for cut in (last + 1, last + 9, last + 40, len(whole) - 1):
            self.path.write_bytes(whole[:cut])
            assert isinstance(self.send(open_channel("test", {}, around), self.message(2))[self.message(2).key], Sent)
            assert self.path.read_bytes() == whole

    def test_a_foreign_last_line_is_kept(self, channel: Channel) -> None:
        self.path.parent.mkdir()
        self.path.write_bytes(b"a note without an end")
        self.send(channel, self.message())
        assert self.path.read_bytes().startswith(b'a note without an end\n{"key":')

    def test_a_file_taken_away_is_begun_anew(self, channel: Channel) -> None:
        self.send(channel, self.message(1))
        self.path.rename(self.path.with_name("old.jsonl"))
        self.send(channel, self.message(2))
        assert self.arrived() == [self.message(2).key]

    def test_a_full_disk(self, channel: Channel, monkeypatch: pytest.MonkeyPatch) -> None:
        self.send(channel, self.message(1))
        before, write = self.path.read_bytes(), os.write

        def half(number: int, data: bytes) -> int:
            write(number, bytes(data)[: len(data) // 2])
            raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as full:
            full.setattr(durable.os, "write", half)
            answer = self.send(channel, self.message(2))[self.message(2).key]
        assert isinstance(answer, RetryAfter)
        assert answer.of_channel
        assert "No space left" in answer.reason
        assert self.path.read_bytes() == before
        assert isinstance(self.send(channel, self.message(2))[self.message(2).key], Sent)

    def test_a_folder_that_cannot_be_written(self, settings: dict[str, Any], tmp_path: Path) -> None:
        (tmp_path / "outbox").write_text("a file, not a folder")
        channel = open_channel("test", settings, Surroundings(tmp_path, {}, FakeClock().clock))
        assert isinstance(self.send(channel, self.message())[self.message().key], RetryAfter)

    def test_rate(self, around: Surroundings, time: FakeClock) -> None:
        channel = open_channel("test", {"rate": 10}, around)
        self.send(channel, *(self.message(number) for number in range(30)))
        assert time.slept == [pytest.approx(2.0)]

    @pytest.mark.parametrize("path", ["/etc/passwd", "../out.jsonl", "a/../../b", "C:\\x", ""])
    def test_the_path_stays_inside(self, path: str, around: Surroundings) -> None:
        with pytest.raises(Exception, match="inside the project"):
            open_channel("test", {"path": path}, around)


KILLED = """
import sys
from pathlib import Path
from dangol.channels.base import Message, Surroundings
from dangol.channels.registry import open_channel
channel = open_channel("test", {}, Surroundings(Path(sys.argv[1])))
channel.batch = 7
for key, answer in channel.send(Message(f"k{n}", "c", None, {"body": "x" * 2000}) for n in range(100_000)):
    print(key, flush=True)
"""


def test_killed_while_writing(tmp_path: Path) -> None:
    """Whatever was answered is there, whole and once; the rest follows with the next start."""
    path = tmp_path / "outbox" / "test.jsonl"
    answered: set[str] = set()
    for pause in (0.02, 0.05):
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
        )
        assert process.stdout is not None
        process.stdout.readline()
        system.sleep(pause)
        process.send_signal(signal.SIGKILL)
        answered |= {line.decode().strip() for line in process.communicate()[0].split(b"\n") if line.endswith(b"")}
    channel = open_channel("test", {}, Surroundings(tmp_path))
    list(channel.send([message()]))
    keys = [json.loads(line)["key"] for line in path.read_bytes().splitlines()]
    assert len(keys) == len(set(keys))
    assert {key for key in answered if key}.issubset(keys)
