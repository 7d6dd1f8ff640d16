"""The library as a whole, and how projects, lines and bare files come by it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dangol import api, bare
from dangol.diagnostics import DangolError
from dangol.engine.check import Checked, Definition, check
from dangol.engine.needs import needs_of
from dangol.library import entry, names, topics, vocabulary
from dangol.library.use import needs
from dangol.playbook.project import Project, load_project
from dangol.playbook.verdict import checked as verdict

ROOT = Path(__file__).parents[2]
EVENTS = "customer,event,time,amount\n" + "".join(f"c{i},purchased,2026-02-{i:02}T10:00,{i}\n" for i in range(1, 11))
CONFIG = "project: shop\nevents: {purchased: {amount: number}, visited: }\nchannels: {push: }\n"


def project(directory: Path, playbook: str, config: str = CONFIG) -> Project:
    (directory / "playbooks").mkdir(exist_ok=True)
    (directory / "dangol.yaml").write_text(config)
    (directory / "playbooks/a.yaml").write_text(f"playbook: a\n{playbook}")
    return load_project(directory)


def whole() -> Checked:
    entries = [one for topic in topics() for one in topic.entries]
    return check(vocabulary().catalog, [Definition(e.kind, e.name, e.line, e.written.tree) for e in entries])


def test_every_line_checks_against_the_vocabulary_and_reads_in_full() -> None:
    found = whole()
    assert found.diagnostics == ()
    assert set(found.types) == set(names())


def test_every_entry_has_one_line_of_words_and_a_requirement() -> None:
    for name in names():
        one = entry(name)
        assert one is not None
        assert one.doc.endswith(".")
        assert "\n" not in one.doc
        assert all(each[:2] in ("PM", "DZ", "FL", "DF", "AP") and each[3:].isdigit() for each in one.serves), name


def test_what_a_line_needs_is_what_the_engine_reads() -> None:
    program = whole().program
    for name in names():
        found = needs_of([program.segments.get(name) or program.traits[name]], program)
        read = {(attribute, None) for attribute in found.attributes}
        read |= {(e, p) for e, props in found.events.items() if e not in ("sent", "clicked") for p in (None, *props)}
        assert read == set(needs(name)), name


def test_a_project_gets_what_it_names_and_what_that_rests_on(tmp_path: Path) -> None:
    found = project(tmp_path, 'segments: {best: lib.champion}\nscenarios: {s: lib.churn_high and best → push "hi"}\n')
    assert found.diagnostics == ()
    assert set(found.checked.types) == {
        "best", "lib.champion", "lib.r", "lib.f", "lib.m", "lib.churn_high", "lib.churn_risk", "lib.purchase_cycle",
    }  # fmt: skip
    told = verdict(tmp_path)
    assert (told.segments, told.traits, told.scenarios) == (1, 0, 1)


def test_a_project_that_names_nothing_reads_nothing(tmp_path: Path) -> None:
    project(tmp_path, "segments: {buyer: purchased}\n")
    code = f"""
from pathlib import Path
from dangol.playbook.project import load_project
from dangol.library import entries
assert load_project(Path({str(tmp_path)!r})).diagnostics == ()
assert entries._topic.cache_info().currsize == entries._files.cache_info().currsize == 0
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


@pytest.mark.parametrize(
    ("line", "config", "message", "hint"),
    [
        ("lib.champoin", CONFIG, "`lib.champoin` is not in the library", "did you mean `lib.champion`?"),
        (
            "champion", CONFIG, "`champion` is not an event, attribute, trait or segment",
            "the library has `lib.champion`",
        ),
        ("lib.xyz", CONFIG, "`lib.xyz` is not in the library", "see docs/library.md for all of them"),
        (
            "lib.rfm > 3", "project: shop\nevents: {purchase: {amount: number}}\n",
            "`lib.rfm` needs an event `purchased` with a number `amount`",
            "in dangol.yaml, write `events: {purchased: {from: YOUR_EVENT, amount: number}}`, "
            "or a group: `groups: {purchased: [purchase]}`",
        ),
        (
            "lib.rfm > 3", "project: shop\nevents: {purchased: {amount: text}}\n",
            "`lib.rfm` needs `purchased` with a number `amount` (here it is text)",
            "in dangol.yaml, at the source of `purchased`, write `properties: {amount: YOUR_COLUMN, …}`, "
            "with all others that you use",
        ),
        (
            "lib.new_signup", CONFIG, "`lib.new_signup` needs the attribute `signed_up_at` (instant)",
            "in dangol.yaml, under `data: customers:`, write `attributes: {signed_up_at: YOUR_COLUMN, …}`, "
            "with all others that you use",
        ),
    ],
)  # fmt: skip
def test_what_a_project_lacks_is_said_once_where_it_is_named(
    tmp_path: Path, line: str, config: str, message: str, hint: str
) -> None:
    (one,) = project(tmp_path, f"segments:\n  mine: {line}\n  other: mine and not mine\n", config).diagnostics
    assert (one.message, one.hints) == (message, (hint,))
    assert (one.file, one.line, one.column) == ("playbooks/a.yaml", 3, 9)


def test_the_mend_by_a_group_works(tmp_path: Path) -> None:
    events = "events: {order: {amount: number}, refill: {amount: number}}"
    config = f"project: shop\n{events}\ngroups: {{purchased: [order, refill]}}\n"
    assert project(tmp_path, "segments: {mine: lib.champion and lib.overdue}\n", config).diagnostics == ()


@pytest.mark.parametrize("kind", ["segments", "traits"])
def test_the_prefix_is_the_librarys_alone(tmp_path: Path, kind: str) -> None:
    found = project(tmp_path, f"{kind}:\n  lib.mine: count(purchased) = 3\n  ok: lib.frequency = 3\n")
    (one,) = [d for d in found.diagnostics if d.line == 3]
    assert (one.code, one.hints) == ("E202", ("write `mine`",))


def test_an_ad_hoc_line_may_name_what_the_project_does_not(tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text(EVENTS)
    config = f"{CONFIG.replace(', visited: ', '')}data: {{events: {{file: events.csv}}}}\n"
    project(tmp_path, "segments: {buyer: purchased}\n", config)
    found = api.load(tmp_path)
    assert found.query("lib.champion", "2026-03-01").ids == ()
    assert found.query("lib.r = 5 and lib.m = 5 and buyer", "2026-03-01").ids == ("c10", "c9")
    assert found.values("lib.rfm", "2026-03-01")["c10"] == 515
    tree = found.explain("lib.vip", "c10", "2026-03-01").root
    assert tree.items[0].text == "trait `lib.r` is at least 4"
    with pytest.raises(DangolError, match=r"E203 .*lib.champoin"):
        found.query("lib.champoin or lib.champion")
    with pytest.raises(DangolError, match=r"E224 .*`lib.visit_active` needs an event `visited`"):
        found.query("lib.visit_active")


def test_bare_files_know_the_library(tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text(EVENTS)
    answer = bare.in_files("lib.m = 5", None, tmp_path / "events.csv", "", "2026-03-01", None, None)
    assert answer.ids == ("c10", "c9")
    with pytest.raises(DangolError, match="E224"):
        bare.in_files("lib.dormant", None, tmp_path / "events.csv", "", None, None, None)
