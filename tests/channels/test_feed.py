"""The feed: one JSON file, replaced at once, with what is shown to whom now."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

import pytest

from dangol.channels import durable
from dangol.channels.base import Channel, Failed, RetryAfter
from tests.channels.contract import ChannelContract
from tests.channels.doubles import FakeClock


class TestFeed(ChannelContract):
    environ: ClassVar[dict[str, str]] = {}

    @pytest.fixture
    def settings(self, tmp_path: Path) -> dict[str, Any]:
        self.path = tmp_path / "feed" / "test.json"
        return {"provider": "feed"}

    def address(self, number: int) -> str | None:
        return None

    def feed(self) -> dict[str, list[dict[str, Any]]]:
        feed: dict[str, list[dict[str, Any]]] = json.loads(self.path.read_bytes())["customers"]
        return feed

    def arrived(self) -> list[str]:
        return [item["key"] for items in self.feed().values() for item in items] if self.path.exists() else []

    def test_what_is_shown(self, channel: Channel) -> None:
        self.send(channel, self.message(parts={"title": "제목", "image": "https://x/y.png", "slot": "top"}))
        assert self.feed() == {
            "customer-1": [
                {
                    "title": "제목", "image": "https://x/y.png", "slot": "top", "playbook": "cart_rescue",
                    "scenario": "rescue", "step": "2", "arm": "discount", "message": "cart_reminder",
                    "channel": "test", "key": self.message().key,
                    "from": "2026-11-18T11:06:40Z", "until": "2026-12-02T11:06:40Z",
                }
            ]
        }  # fmt: skip

    def test_a_newer_banner_takes_the_slot(self, channel: Channel) -> None:
        first, second, third = (
            self.message(n, customer="c", parts={"title": str(n), "slot": slot})
            for n, slot in ((1, "top"), (2, "top"), (3, "side"))
        )
        self.send(channel, first, second, third)
        assert [(item["slot"], item["title"]) for item in self.feed()["c"]] == [("side", "3"), ("top", "2")]

    def test_what_has_run_out_is_not_shown(self, channel: Channel, time: FakeClock) -> None:
        self.send(channel, self.message(1))
        time.now += 15 * 86_400
        self.send(channel, self.message(2))
        assert list(self.feed()) == ["customer-2"]

    @pytest.mark.parametrize("content", ["", "[]", "{}", '{"customers": 7}', '{"customers": {"c": [{}]}}', "[" * 9999])
    def test_another_file_is_not_touched(self, channel: Channel, content: str) -> None:
        self.path.parent.mkdir()
        self.path.write_text(content)
        assert isinstance(self.send(channel, self.message())[self.message().key], Failed)
        assert self.path.read_text() == content

    def test_a_full_disk_leaves_the_old_one(self, channel: Channel, monkeypatch: pytest.MonkeyPatch) -> None:
        self.send(channel, self.message(1))
        before = self.path.read_bytes()

        def full(number: int) -> None:
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as disk:
            disk.setattr(durable.os, "fsync", full)
            assert isinstance(self.send(channel, self.message(2))[self.message(2).key], RetryAfter)
        assert self.path.read_bytes() == before
        assert sorted(path.name for path in self.path.parent.iterdir()) == [".test.json.lock", "test.json"]
