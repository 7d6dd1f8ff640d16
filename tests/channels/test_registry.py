"""Which channels there are, what is said of wrong settings, and channels that other packages bring."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dangol.channels.base import Sent, Surroundings
from dangol.channels.registry import BUILT_IN, declare, open_channel, providers
from dangol.diagnostics import DangolError, Diagnostic, Line
from tests.channels.contract import message

PLUGIN = """
from dangol.channels.base import Receipt, Request, Sent
from dangol.channels.settings import SecretName, Settings

class CarrierPigeon:
    class Settings(Settings):
        loft: str
        whistle: SecretName

    idempotent, batch, rate, addressed = True, 1, None, False

    def __init__(self, name, settings, around):
        self.name, self.settings = name, settings

    def build(self, message):
        return Request(self.settings.loft, {}, message.parts["body"].encode())

    def send(self, messages):
        for message in messages:
            yield message.key, Sent("ring-7")

    def classify(self, response, message):
        return Sent()

    def parse_callback(self, body, headers):
        return []

    def close(self):
        pass
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """A package with one entry point, as an installer would leave it."""

    def add(name: str, code: str) -> None:
        (tmp_path / f"{name}_channel.py").write_text(code)
        info = tmp_path / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}-for-dangol\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[dangol.channels]\n{name} = {name}_channel:CarrierPigeon\n")
        monkeypatch.delitem(sys.modules, f"{name}_channel", raising=False)

    monkeypatch.syspath_prepend(str(tmp_path))
    return add


def problems(name: str, settings: dict[str, object]) -> list[Diagnostic]:
    with pytest.raises(DangolError) as error:
        declare(name, settings)
    return list(error.value.diagnostics)


@pytest.mark.parametrize("row", BUILT_IN, ids=lambda row: row.name)
def test_every_row_names_a_channel(row: object) -> None:
    from dangol.channels.registry import _load

    made = _load(row.name, lambda path: Line.of(""))  # type: ignore[attr-defined]
    assert made.__doc__
    assert made.Settings.__doc__


def test_without_a_provider_it_is_the_outbox(tmp_path: Path) -> None:
    channel = open_channel("push", {"address": "token", "consent": "ok"}, Surroundings(tmp_path))
    assert dict(channel.send([message()])) == {message().key: Sent(message().key)}
    assert (tmp_path / "outbox" / "push.jsonl").exists()


def test_a_slip_in_the_provider() -> None:
    (found,) = problems("email", {"provider": "smpt"})
    assert (found.code, found.hints) == ("E051", ("did you mean `smtp`?",))
    (found,) = problems("email", {"provider": "pigeon"})
    assert "audience, fcm, feed, file, smtp, solapi, webhook" in found.hints[0]


def test_every_slip_in_the_settings_at_once() -> None:
    found = problems("email", {"provider": "smtp", "hots": "x", "port": "many", "from": "a@b.example"})
    assert {(one.code, one.message) for one in found} == {
        ("E050", "`smtp` needs `host`"),
        ("E050", "`hots` is not a setting of `smtp`"),
        ("E050", "`port`: input should be a valid integer, unable to parse string as an integer"),
    }
    assert ("did you mean `host`?",) in {one.hints for one in found}


def test_the_place_of_a_slip() -> None:
    with pytest.raises(DangolError) as error:
        declare("email", {"provider": "file", "colour": 1}, lambda path: Line.of(f"{path}", "shop/dangol.yaml"))
    (found,) = error.value.diagnostics
    assert (found.file, found.text) == ("shop/dangol.yaml", "")  # what is no setting may be a secret
    with pytest.raises(DangolError) as error:
        declare("email", {"provider": "file", "rate": "x"}, lambda path: Line.of(f"{path}", "shop/dangol.yaml"))
    assert error.value.diagnostics[0].text == "('rate',)"


def test_a_channel_from_another_package(install: Callable[[str, str], None], tmp_path: Path) -> None:
    install("pigeon", PLUGIN)
    assert providers()["pigeon"].summary == "from pigeon-for-dangol"
    settings = {"provider": "pigeon", "loft": "roof", "whistle": "env:WHISTLE"}
    declared = declare("chat", settings)
    assert declared.missing({}) == ("WHISTLE",)
    channel = declared.open(Surroundings(tmp_path))
    assert list(channel.send([message()])) == [(message().key, Sent("ring-7"))]
    (found,) = problems("chat", {"provider": "pigeon", "loft": "roof", "whistle": "env:WHISTLE", "lift": 1})
    assert found.hints == ("did you mean `loft`?",)


BROKEN = ["raise RuntimeError('broken')", "x = 1", "class CarrierPigeon: pass", "import nothing_of_the_kind", "(",
          "class CarrierPigeon:\n    class Settings: pass"]  # fmt: skip


@pytest.mark.parametrize("code", BROKEN)
def test_a_package_that_is_broken(install: Callable[[str, str], None], code: str) -> None:
    install("broken", code)
    (found,) = problems("chat", {"provider": "broken"})
    assert found.code == "E052"
    assert "broken-for-dangol" in found.message


def test_a_package_cannot_take_the_place_of_a_built_in(install: Callable[[str, str], None]) -> None:
    install("smtp", PLUGIN)
    assert providers()["smtp"].target == "dangol.channels.smtp:Smtp"
