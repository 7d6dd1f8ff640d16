"""Every rule finds its bad text and leaves its good one alone; the page is the code's own table."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dangol.playbook.compliance import euckr
from dangol.playbook.compliance.rules import RULES, reference
from dangol.playbook.compliance.texts import Sheet, fits, problems, with_holes
from dangol.playbook.project import load_project
from dangol.views.diagnostics import terminal

PAGE = Path(__file__).parents[3] / "docs/compliance.md"
LAWS = ("kr", "us", "eu")
GOOD = "(광고)단골 할인 무료수신거부 080-123-4567"
END = " 무료수신거부 080-123-4567"
INFO = "informational"

CASES = [
    # rule, medium, kind, parts that break it, parts that do not
    ("KR-AD-LABEL", "sms", "advertising", {"body": f"단골 할인{END}"}, {"body": GOOD}),
    ("KR-AD-VARIANT", "sms", "advertising", {"body": f"(광 고)단골{END}"}, {"body": GOOD}),
    ("KR-AD-VARIANT", "sms", "advertising", {"body": f"[광고]단골{END}"}, {"body": f"(광고){{{{ x }}}}{END}"}),
    ("KR-AD-VARIANT", "sms", "advertising", {"body": f'("광고")단골{END}'}, {"body": GOOD}),
    ("KR-AD-VARIANT", "sms", "advertising", {"body": f"(대출광고)단골{END}"}, {"body": GOOD}),
    ("KR-AD-SENDER", "sms", "advertising", {"body": f"(광고)딴집{END}"}, {"body": f"(광고)[단골]{END}"}),
    ("KR-AD-OPTOUT", "sms", "advertising", {"body": "(광고)단골 할인"}, {"body": "(광고)단골 무료거부 0801234567"}),
    ("KR-AD-OPTOUT", "sms", "advertising", {"body": f"(광고)단골{END} 끝"}, {"body": "(광고)단골 {{ x }}"}),
    ("KR-PUSH-LABEL", "push", "advertising", {"title": "할인"}, {"title": "(광고)단골 할인"}),
    ("KR-PUSH-OPTOUT", "push", "advertising", {"body": "(광고)할인"}, {"body": "(광고)할인 수신거부: 설정"}),
    ("KR-EMAIL-LABEL", "email", "advertising", {"subject": "할인"}, {"subject": "(광고) 할인"}),
    ("KR-EMAIL-SENDER", "email", "advertising", {"body": "할인"}, {"body": "단골 드림"}),
    ("KR-EMAIL-OPTOUT", "email", "advertising", {"body": "수신거부"}, {"body": "수신거부 Unsubscribe"}),
    ("KR-KAKAO-OPTOUT", "brand", "advertising", {"body": "할인"}, {"body": "할인 / 채널 차단"}),
    ("KR-ALIMTALK-AD", "alimtalk", "advertising", {"body": "주문"}, {"other": ""}),
    ("KR-ALIMTALK-AD", "alimtalk", INFO, {"body": "20% 할인"}, {"body": "주문이 접수되었습니다"}),
    ("KR-ALIMTALK-BASIS", "alimtalk", INFO, {"body": "쿠폰 만료"}, {"body": "쿠폰 만료\n※ 받으신 쿠폰 안내"}),
    ("KR-SMS-BYTES", "sms/sms", INFO, {"body": "가" * 46}, {"body": "가" * 45}),
    ("KR-SMS-BYTES", "sms/sms", INFO, {"subject": "a", "body": "a"}, {"body": "a"}),
    ("KR-LMS-BYTES", "sms", INFO, {"body": "가" * 1001}, {"body": "가" * 1000}),
    ("KR-SUBJECT-BYTES", "sms", INFO, {"subject": "가" * 21, "body": "a"}, {"subject": "가" * 20, "body": "a"}),
    ("KR-EUCKR-CHARS", "sms", INFO, {"body": "선물🎁"}, {"body": "선물★"}),
    ("KR-EUCKR-SYLLABLES", "sms", INFO, {"body": "똠방각하"}, {"body": "각하"}),
    ("KR-KAKAO-CHARS", "alimtalk", INFO, {"body": "가" * 1001}, {"body": "가" * 1000}),
    ("KR-KAKAO-CHARS", "friendtalk", INFO, {"body": "가" * 401, "image": "x"}, {"body": "가" * 401}),
    ("KR-BMS-CHARS", "brand", INFO, {"body": "가" * 77, "bubble": "WIDE"}, {"body": "가" * 1300}),
    ("KR-BMS-CHARS", "brand", INFO, {"header": "가" * 21}, {"header": "가" * 20}),
    ("KR-KAKAO-BUTTONS", "brand", INFO, {"buttons": str([{}] * 6)}, {"buttons": "[{}]"}),
    ("KR-KAKAO-BUTTONS", "brand", INFO, {"buttons": '[{"buttonName": "%s"}]' % ("가" * 15)}, {"buttons": "["}),
    ("KR-PUSH-CHARS", "push", INFO, {"title": "a" * 66}, {"title": "a" * 65}),
    ("KR-EMAIL-SUBJECT", "email", INFO, {"subject": "a" * 61}, {"subject": "a" * 60}),
    ("US-TCPA-STOP", "sms", "advertising", {"body": "Sale"}, {"body": "Sale. Reply STOP"}),
    ("US-CANSPAM-ADDRESS", "email", "advertising", {"body": "Sale"}, {"body": "Sale, 1 Main St"}),
    ("US-CANSPAM-OPTOUT", "email", "advertising", {"html": "Sale"}, {"html": "Sale, unsubscribe"}),
]  # fmt: skip


def broken(medium: str, kind: str, parts: dict[str, str]) -> set[str]:
    name, _, type_ = medium.partition("/")
    sheet = Sheet(name, parts, kind, type_ or "text", "단골", "1 Main St")  # type: ignore[arg-type]
    return {problem.rule for problem in problems(sheet.with_holes(), LAWS)}


@pytest.mark.parametrize(("rule", "medium", "kind", "bad", "good"), CASES)
def test_a_rule_finds_what_breaks_it(
    rule: str, medium: str, kind: str, bad: dict[str, str], good: dict[str, str]
) -> None:
    assert rule in broken(medium, kind, bad)
    assert rule not in broken(medium, INFO if rule == "KR-ALIMTALK-AD" else kind, good)
    assert all(problem.rule in RULES for problem in problems(Sheet("sms", bad), LAWS))


def test_every_rule_about_texts_has_a_case() -> None:
    rules = {rule.id for rule in RULES.values() if rule.stage == "text"}
    assert rules == {case[0] for case in CASES} | {"KR-ALIMTALK-TEMPLATE"}


TEMPLATE = "#{이름}님,\n주문 #{번호}가 출발했습니다."


@pytest.mark.parametrize(
    ("template", "text", "fine"),
    [
        (TEMPLATE, "민혁님,\n주문 A-1가 출발했습니다.", True),
        (TEMPLATE, "민혁님,\r\n주문 A-1가 출발했습니다.\n", True),
        (TEMPLATE, "민혁님, 주문 A-1가 출발했습니다.", False),
        (TEMPLATE, "님,\n주문 A-1가 출발했습니다.", False),
        (TEMPLATE, "민혁님,\n주문 A-1가 출발했습니다. 할인!", False),
        ("#{a}-#{b}", "x--y", True),
        ("#{a}-#{b}", "x-", False),
        ("#{a}#{b}", "xy", True),
        ("#{a}#{b}", "x", False),
        ("a#{x}ab", "aab", False),
        ("안내", "안내", True),
        ("안내", "안내!", False),
    ],
)
def test_an_alimtalk_is_its_approved_template(template: str, text: str, fine: bool) -> None:
    assert fits(text, template) == fine
    sheet = Sheet("alimtalk", {"body": text}, INFO, approved=template)
    assert ("KR-ALIMTALK-TEMPLATE" not in {each.rule for each in problems(sheet, LAWS)}) == fine


def test_an_alimtalk_gives_the_variables_of_its_template() -> None:
    def found(*names: str) -> set[str]:
        parts = {f"#{{{name}}}": "x" for name in names}
        return {each.rule for each in problems(Sheet("alimtalk", parts, INFO, approved=TEMPLATE), LAWS)}

    assert found("이름", "번호") == set()
    assert found("이름") == found("이름", "번호", "상품") == {"KR-ALIMTALK-TEMPLATE"}


@given(st.lists(st.text("ab-", max_size=4), min_size=2, max_size=5), st.lists(st.text("ab-", min_size=1, max_size=4)))
def test_a_template_filled_in_fits(pieces: list[str], values: list[str]) -> None:
    filled = "".join(piece + (values[n % len(values)] if values else "x") for n, piece in enumerate(pieces[:-1]))
    assert fits(f"^{filled}{pieces[-1]}$", "^" + "#{v}".join(pieces) + "$")


def test_the_facts_of_the_example() -> None:
    text = (
        "(광고)OO샵 OO님, 첫 구매 1만원 즉시 할인! 지금 바로 첫 구매하고 1만원 할인 받으세요! 무료수신거부 080-123-4567"
    )
    assert euckr.bytes_of(text) == 110
    assert (euckr.bytes_of("똠햏🎁"), euckr.rare_syllables("똠햏가🎁"), euckr.outside("가🎁")) == (6, "똠햏", "🎁")


@given(st.text(max_size=60), st.sampled_from(["sms", "push", "email", "alimtalk", "friendtalk", "brand", "other"]))
def test_any_text_can_be_judged(text: str, medium: str) -> None:
    parts = dict.fromkeys(("body", "subject", "title", "buttons", "html"), text)
    for problem in problems(Sheet(medium, parts), LAWS):  # type: ignore[arg-type]
        assert problem.part in parts
        assert problem.span is None or 0 <= problem.span.start <= problem.span.end <= max(len(text), 5)


def test_holes_keep_every_place() -> None:
    text = "(광고){{ customer.name }} {% if x %}a{% endif %} 끝"
    assert len(with_holes(text)) == len(text)


def test_the_page_has_the_table_of_the_code() -> None:
    assert f"<!-- rules -->\n{reference()}<!-- end of rules -->" in PAGE.read_text(encoding="utf-8")


def project(directory: Path, channels: str, playbook: str, compliance: str = "kr") -> list[str]:
    (directory / "playbooks").mkdir(exist_ok=True)
    attributes = "attributes: {name: text, ok: boolean, at: date}\nevents: {visited: }\n"
    text = f"project: s\n{attributes}channels:\n{channels}compliance: {compliance}\n"
    (directory / "dangol.yaml").write_text(text, encoding="utf-8")
    (directory / "playbooks/p.yaml").write_text(playbook, encoding="utf-8")
    return [found.code for found in load_project(directory).diagnostics]


RULE = 'playbook: p\nscenarios:\n  s:\n    rule: visited → sms "%s"\n    schedule: %s\n'
GOOD_LINE = RULE % (GOOD, "daily at 10:00")
ASKED = "consent: ok, consented_at: at"
DATED = "{rules: kr, reconfirm: 2y}"


@pytest.mark.parametrize(
    ("channels", "playbook", "compliance", "codes"),
    [
        ("  sms: {consent: ok, consented_at: at}\n", GOOD_LINE, DATED, []),
        ("  sms: {consent: ok, consented_at: at}\n", RULE % (GOOD, "daily at 22:00"), DATED, ["KR-NIGHT"]),
        ("  sms: \n", GOOD_LINE, DATED, ["KR-CONSENT-MISSING"]),
        ("  sms: {consent: ok}\n", GOOD_LINE, "kr", ["KR-CONSENT-RECONFIRM-DUE"]),
        (f"  sms: {{medium: friendtalk, {ASKED}}}\n", GOOD_LINE, DATED, ["KR-FRIENDTALK"]),
        (f"  sms: {{provider: solapi, type: brand, targeting: M, {ASKED}}}\n", GOOD_LINE, DATED, ["KR-BMS-TARGETING"]),
        (f"  sms: {{provider: solapi, from: 12345, {ASKED}}}\n", GOOD_LINE, DATED, ["KR-SENDERID"]),
        ("  sms: {provider: smtp, consent: ok}\n", RULE % ("a", "daily at 10:00"), "eu", ["EU-EMAIL-ONECLICK"]),
        ("  sms: \n", RULE % ("a", "daily at 10:00"), "eu", ["EU-CONSENT"]),
        ("  sms: \n", RULE % ("STOP", "daily at 10:00"), "us", ["US-TCPA-CONSENT", "US-TCPA-HOURS"]),
        ("  sms: \n", RULE % ("a", "daily at 10:00"), "fr", ["E027"]),
        (f"  sms: {{{ASKED}, transaction_at: at}}\n", GOOD_LINE, DATED, ["KR-CONSENT-6MONTH-EXCEPTION"]),
        ("  sms: {consent: name}\n", GOOD_LINE, "eu", ["E053"]),
        ("  sms: {consent: ok, consented_at: name}\n", GOOD_LINE, DATED, ["E053"]),
    ],
)  # fmt: skip
def test_rules_about_the_project(
    tmp_path: Path, channels: str, playbook: str, compliance: str, codes: list[str]
) -> None:
    assert sorted(project(tmp_path, channels, playbook, compliance)) == codes


def test_a_finding_has_place_mend_source_and_date(tmp_path: Path) -> None:
    project(tmp_path, "  sms: {consent: ok, consented_at: at}\n", RULE % (f"단골{END}", "daily at 10:00"), DATED)
    shown = terminal(load_project(tmp_path).diagnostics)
    assert shown.startswith("KR-AD-LABEL  playbooks/p.yaml:4:26  an advertising text begins with `(광고)`")
    assert "source: 정보통신망법 Art. 50(4), prosms.co.kr, as of 2026-09-29" in shown


def night(directory: Path, rule: str, *beside: str, zone: str = "Asia/Seoul") -> list[str]:
    """What KR-NIGHT says of a scenario with this line, an advertising text being `ad`."""
    (directory / "playbooks").mkdir(exist_ok=True)
    text = f"project: s\ntimezone: {zone}\nattributes: {{ok: boolean, at: date}}\nevents: {{visited: }}\n"
    channels = f"channels:\n  sms: {{{ASKED}}}\n  email: {{{ASKED}}}\ncompliance: {DATED}\n"
    (directory / "dangol.yaml").write_text(text + channels, encoding="utf-8")
    lines = "".join(f"    {each}\n" for each in beside)
    messages = f'messages:\n  ad: {{sms: "{GOOD}", email: {{subject: (광고)a, body: 수신거부 Unsubscribe}}}}\n'
    playbook = f"playbook: p\nscenarios:\n  s:\n    rule: {rule}\n{lines}{messages}"
    (directory / "playbooks/p.yaml").write_text(playbook, encoding="utf-8")
    found = load_project(directory).diagnostics
    assert {one.code for one in found} <= {"KR-NIGHT", "W301"}
    return [one.message for one in found if one.code == "KR-NIGHT"]


@pytest.mark.parametrize(
    ("rule", "beside", "said"),
    [
        ("ok → sms ad", ["schedule: daily at 20:59"], None),
        ("ok → sms ad", ["schedule: daily at 21:00"], "at 21:00 (Korean time), and waits 11h"),
        ("ok → sms ad", ["schedule: 30 7,22 * * *"], "at 22:30 to 07:30 (Korean time), 630min into"),
        ("ok → sms ad", ["schedule: 0 12,22 * * *"], None),
        ("ok → email ad", ["schedule: daily at 22:00"], None),
        ("ok → after 12h sms ad", ["schedule: daily at 10:00"], "1h into the night, and waits 10h"),
        ("ok → email ad → wait 13h sms ad", ["schedule: daily at 10:00"], "at 23:00 (Korean time), 2h into the night"),
        ("ok → after 11h sms ad → wait until 09:00 sms ad", ["schedule: daily at 10:00"], "at 21:00"),
        ("visited → after 1d at 22:00 sms ad", [], "1h into the night, and waits 10h until 08:00"),
        ("visited → after 1h sms ad", [], None),
        ("visited → after 1h sms ad", ["expires: 6h"], "after an entry between 21:00 and 08:00 (Korean time)"),
        ("visited → after 1d at 22:00 sms ad", ["expires: 6h"], "it expires 6h after it is due, so"),
    ],
)  # fmt: skip
def test_what_falls_due_in_the_night_says_by_how_much(
    tmp_path: Path, rule: str, beside: list[str], said: str | None
) -> None:
    found = night(tmp_path, rule, *beside)
    assert [said is not None and said in one for one in found] == ([True] if said else [])


def test_the_night_is_by_the_korean_clock(tmp_path: Path) -> None:
    assert night(tmp_path, "ok → sms ad", "schedule: daily at 22:00", zone="America/New_York") == []
    assert len(night(tmp_path, "ok → sms ad", "schedule: daily at 10:00", zone="America/New_York")) == 1
