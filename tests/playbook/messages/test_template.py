"""Templates: a closed set of filters and tags, particles that fit, and nothing missing is ever blank."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dangol.playbook.messages.filters import DATE_PARTS, LIQUID, OWN
from dangol.playbook.messages.particles import KNOWN, forms, with_particle
from dangol.playbook.messages.template import TAGS, TemplateError, compile_template, variables_of

DOC = Path(__file__).parents[3] / "docs/messages.md"


def rendered(text: str, part: str = "body", **values: Any) -> str:
    return compile_template({part: text}).render(values)[part]


@pytest.mark.parametrize(
    ("word", "obj", "to"),
    [
        ("상품", "상품을", "상품으로"),
        ("구매", "구매를", "구매로"),
        ("서울", "서울을", "서울로"),
        ("원피스(블루)", "원피스(블루)를", "원피스(블루)로"),
        ("상품!", "상품!을", "상품!으로"),
        ("10", "10을", "10으로"),
        ("12", "12를", "12로"),
        ("7", "7을", "7로"),
        ("12,900원", "12,900원을", "12,900원으로"),
        ("30%", "30%를", "30%로"),
        ("VIP", "VIP를", "VIP로"),
        ("URL", "URL을", "URL로"),
        ("SM", "SM을", "SM으로"),
        ("iPhone", "iPhone을", "iPhone으로"),
        ("book", "book을", "book으로"),
        ("sale", "sale을", "sale로"),
        ("desk", "desk를", "desk로"),
        ("shirt", "shirt를", "shirt로"),
        ("", "를", "로"),
    ],
)
def test_particles_fit_the_last_sound(word: str, obj: str, to: str) -> None:
    assert rendered("{{ customer.w | josa: '을/를' }}", customer={"w": word}) == obj
    assert rendered("{{ customer.w | josa: '를/을' }}", customer={"w": word}) == obj
    assert rendered("{{ customer.w | josa: '(으)로' }}", customer={"w": word}) == to


@given(st.text(max_size=12), st.sampled_from(KNOWN))
def test_a_word_always_gets_one_of_the_two(word: str, pair: str) -> None:
    found = forms(pair)
    assert found is not None
    assert with_particle(word, found) in {word + found[0], word + found[1]}


@pytest.mark.parametrize(
    ("text", "reads"),
    [
        ("{{ 12900 | money }}", "12,900원"),
        ("{{ 12.5 | money }}", "13원"),
        ("{{ 12.345 | money: 'USD' }}", "$12.35"),
        ("{{ -5 | money: 'eur' }}", "-€5.00"),
        ("{{ 5 | money: 'CHF' }}", "5.00 CHF"),
        ("{{ '12900' | money: 'JPY' }}", "¥12,900"),
        ("{{ 1234567.5 | number }}", "1,234,567.5"),
        ("{{ 1234.5 | number: 0 }}", "1,235"),
        ("{{ 100 | number }}", "100"),
        ("{{ customer.d | date: '%-m월 %-d일 (%a) %p %-I시', 'ko' }}", "3월 5일 (목) 오후 2시"),
        ("{{ customer.d | date: '%A, %b %-d, %Y %H:%M 100%%' }}", "Thursday, Mar 5, 2026 14:05 100%"),
        ("{{ customer.d | date }}", "2026-03-05"),
    ],
)
def test_money_numbers_and_dates(text: str, reads: str) -> None:
    assert rendered(text, customer={"d": "2026-03-05 14:05"}) == reads


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{{ now }}", "`now` is no variable"),
        ("{{ today }}", "`today` is no variable"),
        ("{{ 'now' | date: '%Y' }}", "no clock"),
        ("{{ 'today' | date }}", "is no date"),
        ("{{ '2026-13-01' | date }}", "is no date"),
        ("{{ '2026-01-01' | date: '%s' }}", "knows these parts"),
        ("{{ '2026-01-01' | date: '%Y', 'fr' }}", "en and ko"),
        ("{{ 'x' | money }}", "is no number"),
        ("{{ true | number }}", "is no number"),
        ("{{ 1 | money: 'won' }}", "WON"),
        ("{{ 1 | money: '원' }}", "three letters"),
        ("{{ 'x' | josa: '은' }}", "pairs of particles"),
        ("{{ 'x' | base64_encode }}", "not a filter"),
        ("{{ 'x' | upcas }}", "not a filter"),
        ("{% include 'x' %}", "include"),
        ("{% render 'x' %}", "render"),
        ("{% for i in (1..100000) %}{{ i }}{% endfor %}", "limit"),
        ("{{ 1 | divided_by: 0 }}", "divide"),
        ("{{ customer }}", "needs a name"),
        ("{{ customer.x", "expected"),
        ("{{ customer.x | josa: '은/는' }}", "customer.x is undefined"),
        ("{% for i in items %}{{ i.a }}{% endfor %}", "undefined"),
    ],
)
def test_what_cannot_be_written_says_why(text: str, words: str) -> None:
    if words == "WON":
        assert rendered(text) == "1.00 WON"
        return
    with pytest.raises(TemplateError, match=re.escape(words)):
        rendered(text, customer={})


@pytest.mark.parametrize(
    "use",
    ["money", "number", "date", "sum", "josa: customer.x", "money: customer.x", "number: customer.x",
     "slice: customer.x", "truncate: customer.x", "date: customer.x", "date: '%Y', customer.x",
     "divided_by: customer.x", "concat: 3"],
)  # fmt: skip
def test_what_is_said_of_a_value_never_repeats_it(use: str) -> None:
    with pytest.raises(TemplateError) as caught:
        rendered(f"{{{{ customer.x | {use} }}}}", customer={"x": "Hong"})
    assert "Hong" not in str(caught.value)


def test_the_variables_of_a_text_have_their_places() -> None:
    text = "{{ customer.이름 }} {% for item in items limit: 2 %}{{ item.product }}{% endfor %}"
    found = [(v.root, v.name, text[v.offset : v.offset + 8]) for v in variables_of(text)]
    assert found == [
        ("customer", "이름", "customer"), ("items", "", "items li"), ("items", "product", "item.pro"),
    ]  # fmt: skip
    assert {v.name for v in variables_of("{{ items[0].product }}")} == {"*"}
    assert {v.name for v in variables_of("{{ items | map: 'product' | join: ', ' }}")} == {"*"}


def test_values_in_html_are_escaped_and_nowhere_else() -> None:
    customer = {"name": "<b>&"}
    assert rendered("<p>{{ customer.name }}</p>", "html", customer=customer) == "<p>&lt;b&gt;&amp;</p>"
    assert rendered("{{ customer.name }}", "body", customer=customer) == "<b>&"


@given(st.text(alphabet="{}%| customer.name'\"[]:,0123456789forinitemsjosadefault\n가", max_size=60))
def test_any_text_renders_or_says_why(text: str) -> None:
    try:
        compile_template({"body": text}).render({"customer": {"name": "a"}, "items": [{"name": 1}]})
    except TemplateError as error:
        places = (bool(str(error)), 0 <= error.offset <= len(text))
    else:
        places = (True, True)
    assert places == (True, True)


def test_the_page_lists_every_filter_tag_and_part_of_a_date() -> None:
    page = DOC.read_text(encoding="utf-8")
    listed = set(re.findall(r"`([^`\s]+)`", page))
    assert {*LIQUID, *OWN, *(tag for tag in TAGS if tag != "#"), *DATE_PARTS, *KNOWN} <= listed
