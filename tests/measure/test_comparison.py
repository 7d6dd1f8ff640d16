"""A finished test in a file: the numbers of libraries over the same rows, and a clear answer to every bad input."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from scipy.stats import chisquare
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

from dangol.diagnostics import DangolError
from dangol.measure.arms import Columns
from dangol.measure.comparison import Answer, Question, ask, planned_split
from dangol.views import compare as view

HILLSTROM = Path(__file__).parents[3] / "shared" / "data" / "hillstrom.csv.gz"
NONE = "No E-Mail"


def near(value: object) -> object:
    return pytest.approx(value, rel=1e-9, abs=1e-12)


def asked(path: Path, metric: str = "m", control: str = "A", arm: str = "arm", **other: Any) -> Answer:
    question = {name: other.pop(name) for name in list(other) if name not in Columns.__dataclass_fields__}
    return ask(Question(str(path), Columns(arm, control, metric, **other), **question))


def found(answer: Answer) -> dict[str, Any]:
    """As `--json` prints it."""
    data: dict[str, Any] = json.loads(json.dumps(view.as_json(answer), allow_nan=False))
    return data


def written(directory: Path, text: str, name: str = "t.csv") -> Path:
    path = directory / name
    path.write_text(text, encoding="utf-8")
    return path


UNEQUAL = "arm,m\n" + "A,1\nA,0\n" * 300 + "B,1\nB,0\nB,1\n" * 300


# --- a public e-mail test -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def hillstrom() -> Path:
    if not HILLSTROM.exists():
        pytest.skip("the public data file hillstrom.csv.gz is not here")
    return HILLSTROM


def test_hillstrom_spend_with_what_was_spent_before(hillstrom: Path) -> None:
    """CUPED by its definition over the raw rows: θ over both arms, adjusted differences, Welch on what is left."""
    import pandas as pd

    frame = pd.read_csv(hillstrom)
    data = found(asked(hillstrom, "spend", NONE, "segment", covariate="history"))
    assert data["kind"] == "mean"
    for pair in data["comparisons"]:
        both = frame[frame.segment.isin([pair["arm"], NONE])]
        theta = np.cov(both.spend, both.history)[0, 1] / both.history.var()
        left = both.spend - theta * both.history
        arms = [DescrStatsW(left[both.segment == arm]) for arm in (pair["arm"], NONE)]
        compared = CompareMeans(*arms)
        _, p, df = compared.ttest_ind(usevar="unequal")
        assert pair["absolute"]["value"] == near(arms[0].mean - arms[1].mean)
        assert pair["absolute"]["interval"] == near(list(compared.tconfint_diff(alpha=0.025, usevar="unequal")))
        assert (pair["p"], pair["df"]) == (near(p), near(df))
        plain = CompareMeans(*(DescrStatsW(both.spend[both.segment == arm]) for arm in (pair["arm"], NONE)))
        assert pair["narrowing"] == near(1 - compared.std_meandiff_separatevar / plain.std_meandiff_separatevar)


# --- agreement with libraries -----------------------------------------------------------------------------------------

RNG = np.random.default_rng(4)
SIZES = {"A": 700, "B": 750, "C": 720}
AMOUNTS = {arm: np.round(RNG.lognormal(3, 1, n), 2) + 3 * (arm == "C") for arm, n in SIZES.items()}
CLICKS = {arm: (RNG.random(n) < 0.2 + 0.05 * (arm == "B")).astype(int) for arm, n in SIZES.items()}


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = [
        f"{arm},{amount},{click}\n"
        for arm in SIZES
        for amount, click in zip(AMOUNTS[arm], CLICKS[arm], strict=True)
    ]  # fmt: skip
    path = tmp_path_factory.mktemp("sample") / "sample.csv.gz"
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.write("arm,amount,click\n" + "".join(rows))
    return path


def test_means_agree_with_statsmodels(sample: Path) -> None:
    data = found(asked(sample, "amount"))
    theirs = {arm: CompareMeans(DescrStatsW(AMOUNTS[arm]), DescrStatsW(AMOUNTS["A"])) for arm in ("B", "C")}
    ps = [theirs[arm].ttest_ind(usevar="unequal")[1] for arm in theirs]
    assert [pair["p"] for pair in data["comparisons"]] == near(ps)
    assert [pair["adjusted_p"] for pair in data["comparisons"]] == near(list(multipletests(ps, method="holm")[1]))
    for pair in data["comparisons"]:
        interval = theirs[pair["arm"]].tconfint_diff(alpha=0.025, usevar="unequal")
        assert pair["absolute"]["interval"] == near(list(interval))
    for arm in data["arms"]:
        assert arm["interval"] == near(list(DescrStatsW(AMOUNTS[arm["arm"]]).tconfint_mean()))


def test_shares_agree_with_statsmodels(sample: Path) -> None:
    data = found(asked(sample, "click", alpha=0.1))
    assert data["intervals"] == {"arm": "Wilson", "absolute": "Newcombe", "relative": "Fieller", "alpha": 0.05}
    counts = {arm: (int(clicks.sum()), len(clicks)) for arm, clicks in CLICKS.items()}
    for arm in data["arms"]:
        assert arm["interval"] == near(list(proportion_confint(*counts[arm["arm"]], alpha=0.1, method="wilson")))
    for pair in data["comparisons"]:
        theirs = confint_proportions_2indep(*counts[pair["arm"]], *counts["A"], method="newcomb", alpha=0.05)
        assert pair["absolute"]["interval"] == near(list(theirs))
    assert data["sizes"]["chi_square_p"] == near(chisquare(list(SIZES.values())).pvalue)


def test_every_format_says_the_same(sample: Path, tmp_path: Path) -> None:
    rows = [
        {"arm": arm, "click": bool(click), "amount": float(amount)}
        for arm in SIZES
        for click, amount in zip(CLICKS[arm], AMOUNTS[arm], strict=True)
    ]
    lines = written(tmp_path, "".join(json.dumps(row) + "\n" for row in rows), "t.jsonl")
    parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "t.parquet")
    for metric in ("click", "amount"):
        first, *others = (found(asked(path, metric)) for path in (sample, lines, tmp_path / "t.parquet"))
        assert [each["comparisons"] for each in others] == [first["comparisons"]] * 2


def test_looking_on_the_way_costs_width(sample: Path) -> None:
    """The interval of whoever may have stopped any day is wider, and wider still when tuned to another number."""

    def width(**how: Any) -> float:
        low, high = found(asked(sample, "amount", **how))["comparisons"][1]["absolute"]["interval"]
        return float(high - low)

    planned = width(method="always_valid", planned=sum(SIZES.values()))
    assert width() < planned < width(method="always_valid", planned=1_000_000)


def test_lower_is_better(tmp_path: Path) -> None:
    path = written(tmp_path, UNEQUAL)
    higher, lower = (found(asked(path, lower_is_better=low))["comparisons"][0] for low in (False, True))
    assert (higher["outcome"], lower["outcome"]) == ("better", "worse")
    assert higher["chance_to_win"] == near(1 - lower["chance_to_win"])


def test_a_ratio_with_a_covariate(tmp_path: Path) -> None:
    """What explains the numerator narrows the ratio, and its estimate stays near the plain one."""
    rng = np.random.default_rng(8)
    orders, before = rng.poisson(2, 2_000) + 1, np.round(rng.lognormal(3, 1, 2_000), 2)
    revenue = np.round(orders * 5 + before + rng.normal(0, 1, 2_000), 2)
    rows = zip(["A", "B"] * 1_000, revenue, orders, before, strict=True)
    path = written(tmp_path, "arm,m,orders,before\n" + "".join(f"{a},{m},{o},{b}\n" for a, m, o, b in rows))
    plain = found(asked(path, per="orders"))
    adjusted = found(asked(path, per="orders", covariate="before"))
    assert plain["kind"] == adjusted["kind"] == "ratio"
    assert plain["arms"] == adjusted["arms"]
    assert plain["arms"][0]["value"] == near(revenue[::2].sum() / orders[::2].sum())
    assert adjusted["comparisons"][0]["narrowing"] > 0.5
    assert abs(adjusted["comparisons"][0]["t"]) < 4


# --- sizes of the arms ------------------------------------------------------------------------------------------------


def test_arms_of_other_sizes_than_planned_forbid_a_verdict(tmp_path: Path) -> None:
    path = written(tmp_path, UNEQUAL)
    data = found(asked(path, expected="A 50%, B 50%"))
    assert (data["sizes"]["alarm"], data["sizes"]["assumed"]) == (True, False)
    assert [(pair["outcome"], pair["reason"]) for pair in data["comparisons"]] == [
        ("cannot be known", "sample_ratio_mismatch")
    ]
    assert found(asked(path, expected="A 40%, B 60%"))["comparisons"][0]["outcome"] == "better"


def test_without_a_plan_unequal_arms_are_only_said(tmp_path: Path) -> None:
    answer = asked(written(tmp_path, UNEQUAL))
    assert found(answer)["sizes"]["assumed"]
    assert "not equal" in view.as_text(answer)
    assert found(answer)["comparisons"][0]["outcome"] == "better"


def test_an_arm_that_was_planned_and_has_nobody(tmp_path: Path) -> None:
    data = found(asked(written(tmp_path, UNEQUAL), expected="A 2, B 3, C 0"))
    assert (data["arms"][2]["n"], data["arms"][2]["value"], data["sizes"]["alarm"]) == (0, None, False)
    pairs = {pair["arm"]: (pair["outcome"], pair["reason"]) for pair in data["comparisons"]}
    assert pairs == {"B": ("better", "effect_shown_size_not"), "C": ("cannot be known", "no_customers")}


def test_a_split_as_it_is_written() -> None:
    assert planned_split("Mens E-Mail 1, a, b 2,가 2.5") == {"Mens E-Mail": 1, "a, b": 2, "가": 2.5}
    assert planned_split("A 33.3%, B 66.7 %") == {"A": pytest.approx(33.3), "B": pytest.approx(66.7)}


@pytest.mark.parametrize(
    "text", ["", "A", "A 50%", "A 50%, B 49%", "A 50, B 50%", "A 50%, A 50%", "A 1, B 0", "50%, 50%", "A 50% B 50%"]
)
def test_what_is_no_split(text: str, tmp_path: Path) -> None:
    assert codes(written(tmp_path, UNEQUAL), expected=text) == {"E819"}


# --- bad input --------------------------------------------------------------------------------------------------------


def codes(path: Path, **asking: Any) -> set[str]:
    with pytest.raises(DangolError) as stopped:
        asked(path, **asking)
    assert all(each.hints or each.code == "E402" for each in stopped.value.diagnostics)
    return {each.code for each in stopped.value.diagnostics}


BAD: dict[str, tuple[str, dict[str, Any], str]] = {
    "no rows": ("arm,m\n", {}, "E810"),
    "not even a header": ("", {}, "E402"),
    "an unknown column": ("arm,m\nA,1\nB,0\n", {"metric": "n"}, "E403"),
    "a control that is no arm": ("arm,m\nA,1\nB,0\n", {"control": "C"}, "E812"),
    "one arm": ("arm,m\nA,1\nA,0\n", {}, "E813"),
    "51 arms": ("arm,m\nA,1\n" + "".join(f"{i},1\n" for i in range(50)), {}, "E813"),
    "text": ("arm,m\nA,1\nB,1200원\n", {}, "E814"),
    "thousands marks": ('arm,m\nA,1\nB,"1,200"\n', {}, "E814"),
    "text before the test": ("arm,m,x\nA,1,many\nB,2,3\n", {"covariate": "x"}, "E814"),
    "infinite": ("arm,m\nA,inf\nB,1\n", {}, "E815"),
    "beyond floating point": ("arm,m\nA,1e999\nB,1\n", {}, "E815"),
    "huge": ("arm,m\nA,1e100\nB,1\n", {}, "E815"),
    "tiny": ("arm,m\nA,1e-100\nB,0\n", {}, "E815"),
    "a share of 2": ("arm,m\nA,1\nB,2\n", {"kind": "share"}, "E816"),
    "an empty cell": ("arm,m\nA,1\nB,\n", {}, "E817"),
    "NaN": ("arm,m\nA,1\nB,NaN\n", {}, "E817"),
    "an empty denominator": ("arm,m,x\nA,1,1\nB,1,\n", {"per": "x"}, "E817"),
    "an id twice": ("arm,m,id\nA,1,a\nA,1,a\nB,1,b\n", {"id": "id"}, "E818"),
    "an id in two arms": ("arm,m,id\nA,1,a\nB,1,a\n", {"id": "id"}, "E818"),
    "an arm that was not planned": ("arm,m\nA,1\nB,0\nC,1\n", {"expected": "A 1, B 1"}, "E819"),
    "a ratio of nothing": ("arm,m\nA,1\nB,0\n", {"kind": "ratio"}, "E811"),
    "a mean per something": ("arm,m,x\nA,1,1\nB,0,1\n", {"kind": "mean", "per": "x"}, "E811"),
    "a share with a covariate": ("arm,m,x\nA,1,1\nB,0,1\n", {"kind": "share", "covariate": "x"}, "E811"),
    "the metric as its covariate": ("arm,m\nA,1\nB,0\n", {"covariate": "m"}, "E811"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input(case: str, tmp_path: Path) -> None:
    text, asking, code = BAD[case]
    assert codes(written(tmp_path, text), **asking) == {code}


def test_all_faults_are_said_at_once(tmp_path: Path) -> None:
    path = written(tmp_path, "arm,m,x,id\nA,,much,a\nB,1,2,a\n")
    assert codes(path, covariate="x", id="id") == {"E814", "E817", "E818"}


def test_a_missing_file(tmp_path: Path) -> None:
    written(tmp_path, UNEQUAL)
    with pytest.raises(DangolError, match="E401") as stopped:
        asked(tmp_path / "s.csv")
    assert stopped.value.diagnostics[0].hints == ("did you mean `t.csv`?",)


def test_a_mistyped_control_names_the_arms(tmp_path: Path) -> None:
    with pytest.raises(DangolError) as stopped:
        asked(written(tmp_path, UNEQUAL.replace("A,", "control,")), control="contol")
    assert stopped.value.diagnostics[0].hints == ("did you mean `control`?", "the arms are: `B`, `control`")


UNKNOWN: dict[str, tuple[str, dict[str, Any], str]] = {
    "one customer": ("arm,m\nA,1\nB,0\nB,1\n", {}, "too_few_customers"),
    "few customers": ("arm,m\n" + "A,1\nB,0\nA,0\nB,1\n" * 49, {}, "too_few_customers"),
    "no conversions": ("arm,m\n" + "A,0\nB,0\n" * 200, {}, "no_conversions"),
    "few conversions": ("arm,m\nA,1\nB,1\nB,1\n" + "A,0\nB,0\n" * 200, {}, "too_few_conversions"),
    "everybody alike": ("arm,m\n" + "A,5\nB,5\n" * 200, {}, "no_variation"),
    "denominators that vanish together": (
        "arm,m,x,y\n" + "A,1,1,3\nB,2,-1,4\n" * 200,
        {"per": "x", "covariate": "y"},
        "no_variation",
    ),
    "nothing to divide by": ("arm,m,x\n" + "A,1,0\nB,2,1\n" * 200, {"per": "x"}, "no_denominator"),
}


@pytest.mark.parametrize("case", UNKNOWN)
def test_what_cannot_be_known(case: str, tmp_path: Path) -> None:
    text, asking, reason = UNKNOWN[case]
    answer = asked(written(tmp_path, text), **asking)
    assert [(pair["outcome"], pair["reason"]) for pair in found(answer)["comparisons"]] == [("cannot be known", reason)]
    assert "cannot be known with this data" in view.as_text(answer)


def test_too_small_an_arm_is_named_with_what_is_needed(tmp_path: Path) -> None:
    text = view.as_text(asked(written(tmp_path, "arm,m\nA,1\nB,0\nB,1\n")))
    assert "only 1 customer in `A`, 100 are needed" in text


MIXED = "arm,m,x\n" + "A,-3,1\nA,5,2\nB,4,\nB,9,2\n" * 100


def test_what_is_doubtful_is_counted_and_said(tmp_path: Path) -> None:
    answer = asked(written(tmp_path, MIXED + ",7,1\n"), covariate="x")
    messages = [note.message for note in answer.notes if note.code != "W813"]
    assert messages == [
        "1 of 401 rows has no `arm` and is left out",
        "100 of 401 rows have a negative value in the column `m`",
        "100 of 401 rows have no value of `x` and are counted as 0",
    ]
    assert [warning["code"] for warning in found(answer)["warnings"]] == [note.code for note in answer.notes]


def test_empty_cells_count_as_they_are_told_to(tmp_path: Path) -> None:
    path = written(tmp_path, "arm,m\n" + "A,1\nA,\nB,0\nB,1\n" * 100)
    zero, drop = (found(asked(path, empty=what)) for what in ("zero", "drop"))
    assert [(arm["assigned"], arm["n"], arm["value"]) for arm in zero["arms"]] == [(200, 200, 0.5)] * 2
    assert [(arm["assigned"], arm["n"], arm["value"]) for arm in drop["arms"]] == [(200, 100, 1.0), (200, 200, 0.5)]
    assert [warning["code"] for warning in drop["warnings"]] == ["W811", "W813"]


def test_a_covariate_from_after_the_test_is_doubted(tmp_path: Path) -> None:
    rows = "".join(f"A,{i % 7},{i % 5}\nB,{i % 7},{i % 5 + 3}\n" for i in range(200))
    answer = asked(written(tmp_path, "arm,m,x\n" + rows), covariate="x")
    assert [note.code for note in answer.notes] == ["W813"]


def test_large_amounts_are_exact(tmp_path: Path) -> None:
    """A difference of 1 won between amounts near 10^14, where a sum of squares in floating point knows nothing."""
    rows = "".join(f"A,{10**14 + i % 2}\nB,{10**14 + 1 + i % 2}\n" for i in range(200))
    pair = found(asked(written(tmp_path, "arm,m\n" + rows)))["comparisons"][0]
    theirs = CompareMeans(DescrStatsW([1.0, 2.0] * 100), DescrStatsW([0.0, 1.0] * 100))
    assert (pair["absolute"]["value"], pair["p"]) == (1.0, near(theirs.ttest_ind(usevar="unequal")[1]))


def test_korean_names_in_either_spelling(tmp_path: Path) -> None:
    import unicodedata

    text = "집단,구매\n" + "대조,0\n실험,1\n대조,1\n실험,1\n" * 100
    path = written(tmp_path, unicodedata.normalize("NFD", text))
    answer = asked(path, "구매", "대조", "집단", expected="대조 50%, 실험 50%")
    assert found(answer)["comparisons"][0]["outcome"] == "better"
    assert "실험: 구매 +50.00 pp against 대조, shown to be better" in view.as_text(answer)
