"""The example projects on public data: audiences against independent pandas computations and the known totals."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import pandas as pd
import pytest

import dangol

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"


def project(name: str, files: list[str], directory: Path) -> dangol.Project:
    for file in files:
        if not (DATA / file).exists():
            pytest.skip(f"the public data file {file} is not here")
    shutil.copytree(ROOT / "playbooks" / name, directory, dirs_exist_ok=True)
    (directory / "data").mkdir()
    for file in files:
        shutil.copy(DATA / file, directory / "data" / file)
    return dangol.load(directory)


def ids(opened: dangol.Project, line: str, at: str) -> set[str]:
    return set(opened.query(line, at).ids)


def as_ids(found: pd.Index | pd.Series) -> set[str]:
    return {str(x) for x in found}


# --- online retail ----------------------------------------------------------------------------------------------

RETAIL_AT = "2011-12-10"


@pytest.fixture(scope="module")
def retail(tmp_path_factory: pytest.TempPathFactory) -> dangol.Project:
    return project("online_retail", ["online_retail.csv.gz"], tmp_path_factory.mktemp("retail"))


@pytest.fixture(scope="module")
def lines(retail: dangol.Project) -> pd.DataFrame:
    frame = pd.read_csv(DATA / "online_retail.csv.gz", dtype={"InvoiceNo": str, "StockCode": str, "CustomerID": str})
    assert len(frame) == 541_909
    assert frame.InvoiceNo.nunique() == 25_900
    frame["time"] = pd.to_datetime(frame.InvoiceDate)
    frame["cancelled"] = frame.InvoiceNo.str.startswith("C")
    assert frame.cancelled.sum() == 9_288
    assert frame.CustomerID.isna().sum() == 135_080
    return frame[frame.CustomerID.notna()]


def test_retail_totals(retail: dangol.Project, lines: pd.DataFrame) -> None:
    answer = retail.query("bought or cancelled", RETAIL_AT)
    assert answer.universe == len(answer.ids) == 4_372
    notes = " ".join(note.message for note in retail.data.notes)
    bought_without = 135_080 - 383  # the other lines without a customer are cancellations
    assert f"{bought_without:,}" in notes
    assert set(retail.members("never_bought", RETAIL_AT).id) == as_ids(
        set(lines.CustomerID) - set(lines[~lines.cancelled].CustomerID)
    )


def test_retail_counts_invoices_not_lines(retail: dangol.Project, lines: pd.DataFrame) -> None:
    bought = lines[~lines.cancelled].groupby("CustomerID")
    orders = bought.InvoiceNo.nunique()
    assert ids(retail, "one_order", RETAIL_AT) == as_ids(orders[orders == 1].index)
    assert ids(retail, "regular", RETAIL_AT) == as_ids(orders[orders >= 10].index)
    assert ids(retail, "many_lines", RETAIL_AT) == as_ids(bought.size()[lambda n: n >= 100].index)
    assert ids(retail, "returner", RETAIL_AT) == as_ids(lines[lines.cancelled].CustomerID.unique())


def test_retail_money_is_exact(retail: dangol.Project, lines: pd.DataFrame) -> None:
    bought = lines[~lines.cancelled]
    pence = (bought.UnitPrice * 1000).round().astype("int64").groupby(bought.CustomerID).sum()
    pounds = retail.data.query("sum(bought.price) >= 100", RETAIL_AT)
    assert set(pounds.ids) == as_ids(pence[pence >= 100_000].index)


def test_retail_sequences_with_the_same_product(retail: dangol.Project, lines: pd.DataFrame) -> None:
    bought = lines[~lines.cancelled][["CustomerID", "StockCode", "time"]]
    back = lines[lines.cancelled][["CustomerID", "StockCode", "time"]]
    pairs = bought.merge(back, on=["CustomerID", "StockCode"], suffixes=("", "_back"))
    later = pairs[(pairs.time_back >= pairs.time) & (pairs.time_back <= pairs.time + pd.Timedelta(days=30))]
    assert ids(retail, "sent_back", RETAIL_AT) == as_ids(later.CustomerID.unique())
    at = pd.Timestamp(RETAIL_AT)
    recent = bought[bought.time >= at - pd.Timedelta(days=90)]
    last_back = back.groupby(["CustomerID", "StockCode"]).time.max().rename("last_back")
    joined = recent.join(last_back, on=["CustomerID", "StockCode"])
    kept = joined[joined.last_back.isna() | (joined.last_back < joined.time)]
    assert ids(retail, "kept", RETAIL_AT) == as_ids(kept.CustomerID.unique())


def test_retail_filters_and_recency(retail: dangol.Project, lines: pd.DataFrame) -> None:
    bought = lines[~lines.cancelled]
    bulk = bought[(bought.Quantity >= 100) & (bought.UnitPrice > 0)].groupby("CustomerID").size()
    assert ids(retail, "bulk_buyer", RETAIL_AT) == as_ids(bulk[bulk >= 3].index)
    last = bought.groupby("CustomerID").time.max()
    at, ninety = pd.Timestamp(RETAIL_AT), pd.Timedelta(days=90)
    assert ids(retail, "lapsed", RETAIL_AT) == as_ids(last[last < at - ninety].index)
    before = bought[(bought.time >= at - 2 * ninety) & (bought.time <= at - ninety)].CustomerID.unique()
    assert ids(retail, "fell_out", RETAIL_AT) == as_ids(set(before) - set(last[last >= at - ninety].index))


def test_retail_top_tenth_by_rank(retail: dangol.Project, lines: pd.DataFrame) -> None:
    everybody = lines.CustomerID.unique()
    orders = lines[~lines.cancelled].groupby("CustomerID").InvoiceNo.nunique().reindex(everybody, fill_value=0)
    share_below = (orders.rank(method="min") - 1) / len(orders)
    assert ids(retail, "top_tenth", RETAIL_AT) == as_ids(orders[share_below >= 0.9].index)


# --- cdnow ------------------------------------------------------------------------------------------------------

CDNOW_AT = "1998-07-01"


@pytest.fixture(scope="module")
def cdnow(tmp_path_factory: pytest.TempPathFactory) -> dangol.Project:
    return project("cdnow", ["cdnow_master.csv.gz"], tmp_path_factory.mktemp("cdnow"))


@pytest.fixture(scope="module")
def orders(cdnow: dangol.Project) -> pd.DataFrame:
    frame = pd.read_csv(DATA / "cdnow_master.csv.gz", dtype={"customer_id": str}, parse_dates=["date"])
    assert (len(frame), frame.customer_id.nunique(), frame.cds.sum()) == (69_659, 23_570, 167_881)
    return frame


def test_cdnow_totals(cdnow: dangol.Project, orders: pd.DataFrame) -> None:
    assert len(ids(cdnow, "everybody", CDNOW_AT)) == 23_570
    assert cdnow.values("cds", CDNOW_AT).sum() == 167_881
    assert math.isclose(cdnow.values("spent", CDNOW_AT).sum(), 2_500_315.63, abs_tol=1e-6)
    rows = orders.groupby("customer_id").size()  # identical rows are two orders on one day
    assert ids(cdnow, "once_only", CDNOW_AT) == as_ids(rows[rows == 1].index)
    assert ids(cdnow, "repeat", CDNOW_AT) == as_ids(rows[rows >= 2].index)


def test_cdnow_money(cdnow: dangol.Project, orders: pd.DataFrame) -> None:
    cents = (orders.spend * 100).round().astype("int64").groupby(orders.customer_id).sum()
    assert ids(cdnow, "big_spender", CDNOW_AT) == as_ids(cents[cents >= 50_000].index)
    ranked = sorted(cents.items(), key=lambda pair: (-pair[1], pair[0]))
    assert ids(cdnow, "best_hundred", CDNOW_AT) == {customer for customer, _ in ranked[:100]}
    assert ids(cdnow, "best_hundredth", CDNOW_AT) == {customer for customer, _ in ranked[: math.ceil(235.7)]}
    below = cents.rank(method="min").astype(int) - 1
    assert ids(cdnow, "fifth_of_buyers", CDNOW_AT) == as_ids(cents[1 + 5 * below // len(cents) == 5].index)


def test_cdnow_cycles(cdnow: dangol.Project, orders: pd.DataFrame) -> None:
    by = orders.groupby("customer_id").date
    days, count = (by.max() - by.min()).dt.days, by.size()
    cycle = (days / (count - 1)).where(count > 1)
    # local midnights: the clock changes of the zone make some days 23 or 25 hours long
    local = orders.date.dt.tz_localize("America/New_York")
    exact = local.groupby(orders.customer_id)
    exact_cycle = ((exact.max() - exact.min()) / pd.Timedelta(days=1) / (count - 1)).where(count > 1)
    assert (cycle - exact_cycle).abs().max() < 0.05
    assert ids(cdnow, "quick", CDNOW_AT) == as_ids(cycle[exact_cycle <= 30].index)
    since = (pd.Timestamp(CDNOW_AT, tz="America/New_York") - exact.max()) / pd.Timedelta(days=1)
    assert ids(cdnow, "overdue", CDNOW_AT) == as_ids(since[since > 2 * exact_cycle].index)


def test_cdnow_calendar(cdnow: dangol.Project, orders: pd.DataFrame) -> None:
    first = orders.groupby("customer_id").date.min()
    assert ids(cdnow, "first_quarter", CDNOW_AT) == as_ids(first[first < "1997-04-01"].index)
    early = orders[orders.date.between("1997-01-01", "1997-03-31")].customer_id
    late = orders[orders.date.between("1998-01-01", "1998-06-30")].customer_id
    assert ids(cdnow, "came_back", CDNOW_AT) == set(early) & set(late)


# --- clickstream ------------------------------------------------------------------------------------------------

CLICK_AT = "2024-07-01"


@pytest.fixture(scope="module")
def clicks(tmp_path_factory: pytest.TempPathFactory) -> dangol.Project:
    return project("clickstream", ["clickstream.csv.gz"], tmp_path_factory.mktemp("clicks"))


@pytest.fixture(scope="module")
def events(clicks: dangol.Project) -> pd.DataFrame:
    return pd.read_csv(DATA / "clickstream.csv.gz", parse_dates=["timestamp"])


def test_clickstream_funnel(clicks: dangol.Project) -> None:
    reached = {name: len(ids(clicks, name, CLICK_AT)) for name in ("viewer", "carter", "shipper", "payer", "buyer")}
    assert reached == {"viewer": 598, "carter": 522, "shipper": 441, "payer": 390, "buyer": 328}
    assert clicks.query("viewer", CLICK_AT).universe == 600


def test_clickstream_sequences(clicks: dangol.Project, events: pd.DataFrame) -> None:
    def of(name: str) -> pd.DataFrame:
        return events[events.event == name][["user_id", "session_id", "timestamp"]]

    pairs = of("product_view").merge(of("purchase"), on=["user_id", "session_id"], suffixes=("", "_bought"))
    gap = pairs.timestamp_bought - pairs.timestamp
    quick = pairs[(gap >= pd.Timedelta(0)) & (gap <= pd.Timedelta(minutes=10))]
    assert ids(clicks, "quick_buyer", CLICK_AT) == set(quick.user_id)
    carts, bought = of("add_to_cart"), of("purchase").groupby(["user_id", "session_id"]).timestamp.max().rename("last")
    joined = carts.join(bought, on=["user_id", "session_id"])
    assert ids(clicks, "hesitated", CLICK_AT) == set(
        joined[joined["last"].isna() | (joined["last"] < joined.timestamp)].user_id
    )
    at = pd.Timestamp(CLICK_AT)
    recent = carts[carts.timestamp >= at - pd.Timedelta(days=30)].join(
        of("purchase").groupby("user_id").timestamp.max().rename("last"), on="user_id"
    )
    left = recent[recent["last"].isna() | (recent["last"] < recent.timestamp)]
    assert ids(clicks, "left_cart", CLICK_AT) == set(left.user_id)


def test_clickstream_properties(clicks: dangol.Project, events: pd.DataFrame) -> None:
    views = events[events.event == "product_view"]
    other = views[views.platform != "mobile"].user_id
    assert ids(clicks, "mobile_only", CLICK_AT) == set(views[views.platform == "mobile"].user_id) - set(other)
    days = views.groupby("user_id").timestamp.apply(lambda t: t.dt.date.nunique())
    assert ids(clicks, "three_days", CLICK_AT) == as_ids(days[days >= 3].index)
    steps = events[events.event.isin(["shipping_details", "payment_details"])].user_id
    assert ids(clicks, "in_checkout", CLICK_AT) == set(steps)
