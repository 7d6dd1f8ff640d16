"""Ad audiences: normalised and hashed as each platform wants it, nobody twice, no identifier in the clear."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest

from dangol.channels.audience import normalise
from dangol.channels.base import Channel, Failed, Message, Sent, Surroundings
from dangol.channels.registry import open_channel
from tests.channels.contract import ChannelContract


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class TestAudience(ChannelContract):
    environ: ClassVar[dict[str, str]] = {}

    @pytest.fixture
    def settings(self, tmp_path: Path) -> dict[str, Any]:
        self.path = tmp_path / "audiences" / "cart_reminder.google.csv"
        return {"provider": "audience", "format": "google"}

    def address(self, number: int) -> str | None:
        return f" User{number}@Shop.Example "

    def rows(self, path: Path | None = None) -> list[dict[str, str]]:
        file = path or self.path
        return list(csv.DictReader(file.read_text().splitlines())) if file.exists() else []

    def arrived(self) -> list[str]:
        keys = {sha(f"user{number}@shop.example"): self.message(number).key for number in range(1, 40)}
        return [keys[row["Email"]] for row in self.rows()]

    def test_google(self, channel: Channel) -> None:
        parts = {"phone": "010-1234-5678", "first_name": " 민혁 ", "last_name": "김", "zip": "06236"}
        self.send(channel, self.message(parts=parts, address="Jane.Doe@Gmail.com"))
        assert self.rows() == [
            {
                "Email": sha("janedoe@gmail.com"),
                "Phone": sha("+821012345678"),
                "First Name": sha("민혁"),
                "Last Name": sha("김"),
                "Country": "KR",
                "Zip": "06236",
            }
        ]

    def test_meta(self, around: Surroundings) -> None:
        channel = open_channel("test", {"provider": "audience", "format": "meta", "identifier": "phone"}, around)
        parts = {
            "audience": "vip / 2026",
            "email": "Jane.Doe@Gmail.com",
            "first_name": "Anne-Marie",
            "gender": "Female",
        }
        self.send(channel, self.message(parts=parts, address="+82 10 1234 5678"))
        row = self.rows(around.folder / "audiences" / "vip_2026.meta.csv")[0]
        assert row["email"] == sha("jane.doe@gmail.com")
        assert row["phone"] == sha("821012345678")
        assert (row["fn"], row["gen"], row["country"], row["ln"]) == (sha("annemarie"), sha("f"), sha("kr"), "")

    def test_nothing_in_the_clear(self, channel: Channel) -> None:
        self.send(channel, self.message(parts={"phone": "010-1234-5678", "first_name": "민혁"}))
        row = self.rows()[0]
        assert {len(row[name]) for name in ("Email", "Phone", "First Name")} == {64}
        assert "customer" not in self.path.read_text()

    def test_adding_later_keeps_who_was_there(self, channel: Channel) -> None:
        self.send(channel, self.message(1), self.message(2))
        self.send(channel, self.message(2, key="another-send"), self.message(3))
        assert len(self.rows()) == 3

    def test_nobody_to_find(self, channel: Channel) -> None:
        for address in (None, "nobody", "010-1234-5678"):
            answer = self.send(channel, self.message(address=address))[self.message().key]
            assert isinstance(answer, Failed)
            assert answer.kind == "address"
        assert not self.path.exists()

    def test_another_file_is_not_touched(self, channel: Channel) -> None:
        self.path.parent.mkdir()
        self.path.write_text("my own notes\n")
        answer = self.send(channel, self.message())[self.message().key]
        assert isinstance(answer, Failed)
        assert self.path.read_text() == "my own notes\n"

    @pytest.mark.parametrize("name", ["../../etc/passwd", "", "///", "한글 이름", "x" * 500])
    def test_names_stay_in_the_folder(self, channel: Channel, around: Surroundings, name: str) -> None:
        message: Message = self.message(parts={"audience": name})
        assert isinstance(self.send(channel, message)[message.key], Sent)
        assert len(list((around.folder / "audiences").glob("*.google.csv"))) == 1

    @pytest.mark.parametrize(
        ("name", "text", "kind", "expected"),
        [
            ("email", " A.B+c@GoogleMail.com", "google", "ab+c@googlemail.com"),
            ("email", "A.B@shop.example", "google", "a.b@shop.example"),
            ("email", "a.b@gmail.com", "meta", "a.b@gmail.com"),
            ("email", "a@b", "meta", ""),
            ("phone", "02-312-3456", "google", "+8223123456"),
            ("phone", "02-312-3456", "meta", "8223123456"),
            ("phone", "12", "meta", ""),
            ("country", "", "google", "KR"),
            ("country", 'us",\n', "meta", "us"),
            ("zip", "1,2\n", "google", "12"),
            ("first_name", "O'Neil", "google", "o'neil"),
            ("first_name", "O'Neil", "meta", "oneil"),
            ("gender", "?", "meta", ""),
        ],
    )
    def test_normal(self, name: str, text: str, kind: Literal["google", "meta"], expected: str) -> None:
        assert normalise(name, text, kind, "KR") == expected

    @pytest.mark.parametrize(
        ("text", "kind", "country", "expected"),
        [("94035-1234", "meta", "US", "94035"), ("SW1A 1AA", "meta", "GB", "sw1a1aa"), ("06236", "meta", "KR", "06236"),
         ("94035-1234", "google", "US", "94035-1234")],
    )  # fmt: skip
    def test_postcodes(self, text: str, kind: Literal["google", "meta"], country: str, expected: str) -> None:
        assert normalise("zip", text, kind, country) == expected

    def test_a_row_is_of_its_own_country(self, settings: dict[str, Any], around: Surroundings) -> None:
        channel = open_channel("test", {**settings, "format": "meta"}, around)
        parts = {"country": "US", "phone": "(212) 555-0100", "zip": "94035-1234"}
        self.send(channel, self.message(parts=parts))
        row = self.rows(next((around.folder / "audiences").glob("*.meta.csv")))[0]
        assert (row["phone"], row["zip"], row["country"]) == (sha("12125550100"), sha("94035"), sha("us"))
