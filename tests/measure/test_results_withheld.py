"""When results withhold a verdict; holdouts, guardrails, several scenarios, and the record of looks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import dangol.api
from dangol.measure.reason import Reason
from dangol.playbook.project import load_project
from tests.measure.crowds import HOUR, START, counts, crowd, halves, results, shop, small, verdict
from tests.measure.simulated import CONFIG, DAY, PLAYBOOK, Person, Simulated, clicked, instant, write

# --- what cannot be known ------------------------------------------------------------------------------------------


def test_before_anybody_is_assigned_and_before_any_window_is_closed(tmp_path: Path) -> None:
    simulated, _ = shop(tmp_path, 1, 300)
    project = simulated.project()
    assert verdict(results(project, "2026-02-01")) == ("open", "no_customers")
    assert verdict(results(project, "2026-03-04")) == ("open", "windows_open")
    assert verdict(results(project, "2026-04-05"))[0] in ("unknown", "missed")


def test_no_conversions(tmp_path: Path) -> None:
    found = small(tmp_path, crowd(200, "discount", "d") + crowd(200, "control", "c"))
    assert verdict(found) == ("unknown", "no_conversions")


def test_one_customer(tmp_path: Path) -> None:
    found = small(tmp_path, crowd(1, "discount", "d"))
    assert verdict(found)[0] == "unknown"
    assert verdict(found)[1] in ("no_customers", "too_few_customers")


def test_control_only(tmp_path: Path) -> None:
    found = small(tmp_path, crowd(150, "control", "c"), split="discount 0%, control 100%")
    assert verdict(found) == ("unknown", "no_customers")
    assert found.srm is None


def test_groups_that_are_not_as_they_were_drawn(tmp_path: Path) -> None:
    people = crowd(400, "discount", "d") + crowd(200, "control", "c")
    events = [(f"d{n}", "purchased", START + (n + 1) * HOUR, "x", "1") for n in range(200)]
    found = small(tmp_path, people, events)
    assert verdict(found) == ("unknown", "sample_ratio_mismatch")


def test_of_no_arm_an_effect_is_shown_while_the_groups_are_not_as_drawn(tmp_path: Path) -> None:
    people = crowd(600, "discount", "d") + crowd(200, "scarcity", "s") + crowd(200, "control", "c")
    events = [(f"d{n}", "purchased", START + (n + 1) * HOUR, "x", "1") for n in range(400)]
    events += [(f"c{n}", "purchased", START + (n + 1) * HOUR, "x", "1") for n in range(40)]
    found = small(tmp_path, people, events, split="discount 33.3%, scarcity 33.3%, control 33.4%")
    assert [(arm.now.shown, arm.shown_on) for _, arm in found.kpis[0].arms] == [(False, None), (False, None)]


SUM = "sum(purchased.amount within 7d) per customer up 10% vs control by 2026-03-31"


def test_negative_amounts_have_no_relative_change(tmp_path: Path) -> None:
    found = small(tmp_path, *halves(negative=True), kpi=SUM)
    assert verdict(found) == ("unknown", "negative_control")


def test_amounts_that_are_missing(tmp_path: Path) -> None:
    found = small(tmp_path, *halves(amount=""), kpi=SUM)
    assert verdict(found) == ("unknown", "amounts_missing")


@pytest.mark.parametrize("kpi", [SUM, SUM.replace("per customer up 10% vs control", ">= 10"),
                                 SUM.replace("per customer up 10% vs control", "per purchased >= 10")])  # fmt: skip
@pytest.mark.parametrize("who", ["d0 d1", "d0 d0"])
def test_amounts_that_are_too_large_are_told_and_nothing_is_computed(tmp_path: Path, kpi: str, who: str) -> None:
    from dangol.views.results_json import as_json

    people, events = halves()
    events += [(one, "purchased", START + (n + 3) * HOUR, "x", "1e308") for n, one in enumerate(who.split())]
    found = Simulated(tmp_path, people, events, kpi=kpi).project().results("2026-04-05")
    assert verdict(found.experiments[0]) == ("unknown", "no_numbers")
    json.dumps(as_json(found), allow_nan=False)


def test_customers_who_are_gone_from_the_data(tmp_path: Path) -> None:
    people, events = halves()
    found = small(tmp_path, people, events, absent=frozenset(f"d{n}" for n in range(100, 140)))
    assert verdict(found) == ("unknown", "customers_gone")
    assert found.groups[0].assigned == 200


def test_a_few_forgotten_customers_are_left_out_and_told(tmp_path: Path) -> None:
    people, events = halves()
    project = Simulated(tmp_path, people, events).project()
    with project.ledger() as ledger:
        ledger.forget(instant("2026-04-03T10:00"), "d7")
    found = results(project, "2026-04-05")
    assert [row.gone for row in found.kpis[0].rows] == [1, 0]
    assert [one.assigned for one in found.groups] == [200, 200]
    assert counts(found.kpis[0]) == {"discount": 199, "control": 200}


def test_an_edited_target_is_not_judged_by_what_was_seen_before(tmp_path: Path) -> None:
    people, events = halves()
    lines = {"abc": "purchased within 7d up 50% vs control by 2026-03-31"}
    found = small(tmp_path, people, events, lines=lines)
    assert verdict(found) == ("unknown", "definition_changed")
    assert found.changed == ("purchased within 7d up 20% vs control by 2026-03-31",)


def test_a_customer_counts_once_from_the_first_entry(tmp_path: Path) -> None:
    people, events = halves()
    again = [Person(f"d{n}", START + 20 * DAY + n * HOUR, "discount", sent=START + 20 * DAY) for n in range(50)]
    found = small(tmp_path, people + again, events)
    assert counts(found.kpis[0]) == {"discount": 200, "control": 200}


def test_customers_in_two_groups(tmp_path: Path) -> None:
    people, events = halves()
    again = [Person(f"d{n}", START + 20 * DAY + n * HOUR, "control") for n in range(50)]
    assert verdict(small(tmp_path, people + again, events)) == ("unknown", "mixed_assignment")


def test_an_average_per_customer_is_refused(tmp_path: Path) -> None:
    kpi = "avg(purchased.amount within 7d) per customer up 10% vs control by 2026-03-31"
    assert verdict(small(tmp_path, *halves(), kpi=kpi)) == ("unknown", "no_such_average")


# --- holdouts, own messages, what is tied to the anchor ---------------------------------------------------------------


def test_a_holdout_is_compared_with_all_who_get_messages_and_not_with_control(tmp_path: Path) -> None:
    held = [Person(f"h{n}", START + n * HOUR, None, "playbook") for n in range(200)]
    people, events = halves()
    events += [(f"h{n}", "purchased", START + (n + 1) * HOUR, "x", "1") for n in range(30)]
    kpi = "purchased within 7d up 20% vs holdout by 2026-03-31"
    found = small(tmp_path, people + held, events, kpi=kpi, holdout="33.4%")
    lift = found.kpis[0].lift
    assert lift is not None
    assert (lift.now.control.totals, lift.now.treatment.totals) == ((30,), (60,))
    assert [group.group.name for group in found.groups] == ["playbook holdout", "discount", "control"]


def test_clicks_are_those_on_the_scenarios_own_messages(tmp_path: Path) -> None:
    people, _ = halves()
    project = Simulated(tmp_path, people, kpi="clicked within 2d >= 5% by 2026-03-31").project()
    with project.ledger() as ledger:
        clicked(ledger, [(f"d{n}", START + n * HOUR + (n % 2) * 3 * DAY + HOUR) for n in range(40)])
        clicked(ledger, [("d3", START + 5 * HOUR)], "unsubscribed")
    found = results(project, "2026-04-05")
    level = found.kpis[0].level
    assert level is not None
    assert (level.sums.n, level.sums.totals) == (200, (20,))
    assert found.groups[0].unsubscribed == 1
    (row,) = found.kpis[0].credits
    assert (row.answers["clicked"], row.converted) == (40, 20)


def test_a_purchase_of_another_product_is_none_of_the_same(tmp_path: Path) -> None:
    people, _ = halves()
    carts = [(one.id, "cart_added", one.due - HOUR, "x", "1") for one in people]
    buys = [
        (f"{g}{n}", "purchased", START + (n + 2) * HOUR, "x" if n < 30 else "y", "1") for g in "dc" for n in range(50)
    ]
    kpi = "purchased within 7d with same product up 20% vs control by 2026-03-31"
    found = small(tmp_path, people, carts + buys, kpi=kpi)
    assert [row.sums.totals for row in found.kpis[0].rows] == [(30,), (30,)]


def test_every_arm_against_control_with_the_alpha_shared(tmp_path: Path) -> None:
    people = crowd(300, "discount", "d") + crowd(300, "scarcity", "s") + crowd(300, "control", "c")
    events = [
        (f"{name}{n}", "purchased", START + (n + 1) * HOUR, "x", "1")
        for name, count in (("d", 120), ("s", 70), ("c", 60)) for n in range(count)
    ]  # fmt: skip
    found = small(tmp_path, people, events, split="discount 33.3%, scarcity 33.3%, control 33.4%")
    arms = dict(found.kpis[0].arms)
    assert list(arms) == ["discount", "scarcity"]
    assert arms["discount"].now.shown
    assert not arms["scarcity"].now.shown
    lift = found.kpis[0].lift
    assert lift is not None
    assert lift.now.treatment.totals == (190,)


def test_reasons_have_words() -> None:
    from typing import get_args

    from dangol.measure.reason import Code
    from dangol.views.verdicts import worded

    for code in get_args(Code):
        assert "_" not in worded(Reason(code, 0.5, 1.0, None)), code


# --- guardrails, several scenarios, the record ------------------------------------------------------------------------


def test_guardrails_hold_within_their_margin_and_refunds_are_watched_unasked(tmp_path: Path) -> None:
    people = crowd(400, "discount", "d") + crowd(400, "control", "c")
    events = [(f"{g}{n}", "refunded", START + (n + 1) * HOUR, "", "") for g in "dc" for n in range(0, 400, 80)]
    events += [(f"d{n}", "purchased", START + (n + 1) * HOUR, "x", "1") for n in range(150)]
    lines = ["purchased within 7d up at most 5pp vs control", "sent within 7d <= 1%"]
    playbook = PLAYBOOK.replace("    kpi: KPI\n", f"    kpi: KPI\n    guardrails: {lines}\n")
    config = CONFIG.replace("events:\n  cart", "events:\n  refunded: {}\n  cart")
    found = small(tmp_path, people, events, playbook=playbook, config=config)
    states = {one.line.written: one.state for one in found.guardrails}
    assert states == {
        "purchased within 7d up at most 5pp vs control": "broken",
        "sent within 7d <= 1%": "kept",  # who got the first message gets no other within the window
        "refunded up at most 1pp vs control": "not shown",
    }


def test_a_conversion_after_messages_of_two_scenarios_is_seen_in_both(tmp_path: Path) -> None:
    other = "  t:\n    rule: purchased → after 1h push discount\n    kpi: 'purchased within 7d >= 5% by 2026-03-31'\n"
    playbook = PLAYBOOK.replace("splits:\n", f"{other}splits:\n")
    people = crowd(3, "discount", "d")
    events = [(f"d{n}", "purchased", START + 5 * DAY, "x", "1") for n in range(3)]
    simulated = Simulated(tmp_path, people, events, playbook=playbook, split="discount 100%, control 0%")
    project = simulated.project()
    later = [Person("d0", START + 60 * DAY - HOUR, None, sent=START + 2 * DAY)]
    with project.ledger() as ledger:
        write(ledger, later, simulated.design(project), {}, scenario="t")
    first, second = project.results("2026-06-05").experiments
    (mine,), (other_message,) = first.kpis[0].credits, second.kpis[0].credits
    assert (mine.converted, mine.last.conversions, mine.elsewhere) == (3, 3, 1)
    assert (other_message.converted, other_message.last.conversions, other_message.elsewhere) == (1, 1, 0)


def test_a_look_is_written_down_once_and_late_events_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    people, events = halves()
    simulated = Simulated(tmp_path, people, events)
    project = simulated.project()
    monkeypatch.setattr("dangol.playbook.adhoc.time.time_ns", lambda: instant("2026-03-20T09:00") * 1000)
    assert project.look()[1] == []
    assert project.look("2026-03-18")[1] == []
    with project.ledger() as ledger:
        (look,) = ledger.results(1)
    simulated.events = [*events, ("c150", "purchased", START + 151 * HOUR, "x", "1")]
    simulated.files()
    late = dangol.api.Project(load_project(tmp_path)).look()[1]
    assert late == ["p/s: purchased within 7d up 20% vs control by 2026-03-31"]
    with project.ledger() as ledger:
        assert ledger.results(1) == [look]


def test_the_text_says_what_is_unhealthy_first(tmp_path: Path) -> None:
    from dangol.views.results import as_text

    people = crowd(400, "discount", "d") + crowd(200, "control", "c")
    simulated = Simulated(tmp_path, people, [("d1", "purchased", START + 2 * HOUR, "x", "1")])
    text = as_text(simulated.project().results("2026-04-05"))
    assert text.index("unhealthy: the groups have not the sizes they were drawn to have") < text.index(
        "cannot be known"
    )


def test_customers_lost_by_one_group_alone(tmp_path: Path) -> None:
    people = crowd(600, "discount", "d") + crowd(600, "control", "c")
    events = [(f"{kind}{n}", "purchased", START + (n + 1) * HOUR, "x", "1") for n in range(100) for kind in "dc"]
    lost = [f"c{n}" for n in range(300, 310)]
    found = small(tmp_path / "one", people, events, absent=frozenset(lost))
    assert verdict(found) == ("unknown", "customers_gone_unequally")
    both = [f"{kind}{n}" for n in range(300, 305) for kind in "dc"]
    found = small(tmp_path / "both", people, events, absent=frozenset(both))
    assert verdict(found)[1] != "customers_gone_unequally"
