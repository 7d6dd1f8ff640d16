"""pandas, everything at once: one read and group-by per event type, joined to the customers, then forty masks."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd

from bench.peers.clock import Clock

Frame = pd.DataFrame


def members(data: Path, clock: Clock) -> dict[str, list[str]]:
    """The ids of every segment, out of one table of features."""
    customers = pd.read_parquet(data / "customers.parquet")
    table = customers.join(_features(_Log(data, clock, pd.Index(customers["id"])), clock))
    zeros = ["visits", "visits60", "n", "n30", "n60", "n90", "cents90", "n90_then", "cents90_then", "cents", "items"]
    zeros += ["opened60", "views30", "carts30", "wishes30"]
    table[zeros] = table[zeros].fillna(0)
    ids = table["id"]
    return {name: ids[mask.fillna(False).astype(bool)].to_list() for name, mask in _masks(table, clock).items()}


class _Log:
    """Events of one name with the customer's row number, up to the instant."""

    def __init__(self, data: Path, clock: Clock, ids: pd.Index) -> None:
        self.path, self.at, self.ids = data / "events", clock.at, ids

    def read(self, event: str, columns: list[str], since: dt.datetime | None = None) -> Frame:
        filters: list[tuple[str, str, object]] = [("event", "==", event), ("time", "<=", self.at)]
        filters += [("time", ">=", since)] if since else []
        rows = pd.read_parquet(self.path, columns=["customer", "time", *columns], filters=filters)
        rows["customer"] = self.ids.get_indexer(rows["customer"])
        return rows


def _features(log: _Log, clock: Clock) -> Frame:
    purchases = log.read("purchased", ["product", "category", "amount", "quantity"])
    carts = log.read("cart_added", ["product"])
    views = log.read("viewed", ["product", "category"], clock.ago(30))
    wishes = log.read("wishlisted", ["product", "category"])
    searches = log.read("searched", [])
    purchased, carted = _purchased(purchases, clock), _carted(carts, clock)
    features = [purchased, carted, _visited(log.read("visited", ["utm_source"]), clock)]
    features.append(_viewed(views, purchased, carted, clock))
    features.append(_counts(wishes, clock, {"wishes30": 30, "wishes45": 45}))
    features.append(searches.groupby("customer").agg(first_search=("time", "min")))
    features.append(log.read("email_opened", [], clock.ago(60)).groupby("customer").agg(opened60=("time", "size")))
    reviews = log.read("reviewed", [])
    flags = {
        "early": reviews[reviews["time"] < clock.ago(180)],
        "mail_buyer": _mail_buyers(log.read("email_clicked", [], clock.ago(33)), purchases, clock),
        "cart_left": _cart_leavers(carts, purchases, clock),
        "search_drop": _droppers(searches, carts, purchases, clock),
        "wish_left": _wish_leavers(wishes, purchases),
        "view_to_buy": _pairs(views, purchases[purchases["time"] >= clock.ago(30)], ["customer", "product"], 1),
    }
    series = [pd.Series(True, index=rows["customer"].unique(), name=name) for name, rows in flags.items()]
    return pd.concat([*features, *series], axis=1)


def _purchased(rows: Frame, clock: Clock) -> Frame:
    time = rows["time"]
    cents = (rows["amount"] * 100).round().astype("int64")
    then = time.between(clock.ago(120), clock.ago(30))
    dress = (rows["category"] == "dress") & (rows["amount"] < 60) & (rows["quantity"] >= 2)
    day = clock.start_of(dt.date(2025, 11, 28)), clock.start_of(dt.date(2025, 11, 29))
    advent = clock.start_of(dt.date(2025, 12, 1)), clock.start_of(dt.date(2025, 12, 25))
    columns = {
        "n30": time >= clock.ago(30),
        "n60": time >= clock.ago(60),
        "n60_120": (time >= clock.ago(120)) & (time < clock.ago(60)),
        "n3mo": time >= clock.months_ago(3),
        "n90": time >= clock.ago(90),
        "cents90": cents.where(time >= clock.ago(90), 0),
        "n90_then": then,
        "cents90_then": cents.where(then, 0),
        "n180": time >= clock.ago(180),
        "cents180": cents.where(time >= clock.ago(180), 0),
        "discounted": dress & (time >= clock.ago(180)),
        "black_friday": (time >= day[0]) & (time < day[1]),
        "advent": (time >= advent[0]) & (time < advent[1]),
        "cents": cents,
        "items": rows["quantity"],
    }
    customer = rows["customer"]
    sums = pd.DataFrame(columns).groupby(customer).sum()
    ends = time.groupby(customer).agg(n="size", first="min", last="max")
    amounts = rows.groupby("customer")["amount"].agg(highest="max", lowest="min")
    return pd.concat([sums, ends, amounts, _last(rows, "category", "last_category"), _favourite(rows, clock)], axis=1)


def _last(rows: Frame, column: str, name: str) -> pd.Series:
    """The greatest value among the rows of each customer's last instant."""
    newest = rows[rows["time"] == rows.groupby("customer")["time"].transform("max")]
    return newest.sort_values(column).groupby("customer")[column].last().rename(name)


def _favourite(rows: Frame, clock: Clock) -> pd.Series:
    recent = rows[(rows["time"] >= clock.ago(180)) & rows["category"].notna()]
    counts = recent.groupby(["customer", "category"])["time"].agg(["size", "max"]).reset_index()
    ordered = counts.sort_values(["size", "max", "category"])
    return ordered.groupby("customer")["category"].last().rename("favourite")


def _counts(rows: Frame, clock: Clock, days: dict[str, int]) -> Frame:
    inside = pd.DataFrame({name: rows["time"] >= clock.ago(count) for name, count in days.items()})
    return inside.groupby(rows["customer"]).sum()


def _carted(rows: Frame, clock: Clock) -> Frame:
    last = rows.groupby("customer")["time"].max().rename("carted_last")
    return pd.concat([last, _last(rows, "product", "carted_product"), _counts(rows, clock, {"carts30": 30})], axis=1)


def _visited(rows: Frame, clock: Clock) -> Frame:
    time, customer = rows["time"], rows["customer"]
    columns = {
        "visits60": time >= clock.ago(60),
        "this_week": time >= clock.week(),
        "last_week": (time >= clock.week(1)) & (time < clock.week()),
        "last_month": (time >= clock.month(1)) & (time < clock.month()),
        "yesterday": (time >= clock.day(1)) & (time < clock.day()),
    }
    sums = pd.DataFrame(columns).groupby(customer).sum()
    ends = time.groupby(customer).agg(visits="size", visited_last="max", visited_first="min")
    recent = rows[time >= clock.ago(30)]
    local_day = (recent["time"] + pd.Timedelta(hours=9)).dt.floor("D")
    days = local_day.groupby(recent["customer"]).nunique().rename("days30")
    oldest = rows[time == customer.map(ends["visited_first"])]
    source = oldest.dropna().groupby("customer")["utm_source"].max().rename("first_utm")
    return pd.concat([sums, ends, days, source], axis=1)


def _viewed(rows: Frame, purchased: Frame, carted: Frame, clock: Clock) -> Frame:
    last = rows["customer"].map(purchased["last"])
    same = rows["product"] == rows["customer"].map(carted["carted_product"])
    columns = {
        "views30": pd.Series(1, index=rows.index),
        "n14_unbought": (rows["time"] >= clock.ago(14)) & (last.isna() | (rows["time"] > last)),
        "seen_again": same.fillna(False).astype(bool) & (rows["time"] >= clock.ago(7)),
    }
    categories = rows.groupby("customer")["category"].nunique().rename("categories30")
    return pd.concat([pd.DataFrame(columns).groupby(rows["customer"]).sum(), categories], axis=1)


def _pairs(left: Frame, right: Frame, on: list[str], days: int) -> Frame:
    """Rows of `left`, with those of `right` at most `days` later (or at the same time)."""
    right = right[[*on, "time"]].rename(columns={"time": "later"})
    both = left.dropna(subset=on).merge(right, on=on)
    return both[(both["later"] >= both["time"]) & (both["later"] <= both["time"] + pd.Timedelta(days=days))]


def _mail_buyers(clicks: Frame, purchases: Frame, clock: Clock) -> Frame:
    return _pairs(clicks, purchases[purchases["time"] >= clock.ago(30)], ["customer"], 3)


def _cart_leavers(carts: Frame, purchases: Frame, clock: Clock) -> Frame:
    left = carts[(carts["time"] >= clock.ago(10)) & (carts["time"] < clock.ago(3))].reset_index(names="row")
    bought = _pairs(left, purchases[purchases["time"] >= clock.ago(10)], ["customer", "product"], 3)
    return left[~left["row"].isin(bought["row"])]


def _droppers(searches: Frame, carts: Frame, purchases: Frame, clock: Clock) -> Frame:
    since = clock.ago(14)
    added = carts[carts["time"] >= since].reset_index(names="row")
    bought = _pairs(added, purchases[purchases["time"] >= since], ["customer"], 3)
    left = added[~added["row"].isin(bought["row"])]
    return _pairs(searches[searches["time"] >= since], left, ["customer"], 1)


def _wish_leavers(wishes: Frame, purchases: Frame) -> Frame:
    on = ["customer", "product"]
    last = wishes[wishes["category"] == "dress"].groupby(on)["time"].max().reset_index()
    bought = last.merge(purchases.groupby(on)["time"].max().rename("bought").reset_index(), on=on, how="left")
    return bought[bought["bought"].isna() | (bought["bought"] < bought["time"])]


def _masks(t: Frame, clock: Clock) -> dict[str, pd.Series]:
    bought = t["n"] > 0
    abandoner = (t["carted_last"] >= clock.ago(7)) & (t["last"].isna() | (t["last"] < t["carted_last"]))
    champion = ((t["cents90"].rank(method="min") - 1) / len(t) >= 0.9) & (t["n90"] >= 2)
    then = ((t["cents90_then"].rank(method="min") - 1) / len(t) >= 0.9) & (t["n90_then"] >= 2)
    gap, since = t["last"] - t["first"], pd.Timestamp(clock.at) - t["last"]
    consent, mail = _true(t["marketing_consent"]), t["email"]
    parts = t["app_version"].str.split(".", expand=True).astype(float)
    version = parts[0] * 1_000_000 + parts[1] * 1000 + parts[2]
    signed_up, age = t["signed_up_at"], t["age"]
    return {
        "abandoner": abandoner,
        "cart_left_product": t["cart_left"],
        "keen_viewer": t["n14_unbought"] >= 3,
        "abandoner_abroad": abandoner & ~t["country"].isin(["KR", "JP"]) & (t["grade"] != "basic"),
        "search_drop": t["search_drop"],
        "wish_left": t["wish_left"],
        "view_to_buy": t["view_to_buy"],
        "mail_buyer": t["mail_buyer"],
        "seen_again": t["seen_again"] > 0,
        "lapsed_buyer": (t["n60_120"] >= 1) & (t["n60"] == 0),
        "sleeping": (t["visited_last"] < clock.ago(90)) & consent,
        "window_shopper": (t["visits"] >= 5) & ~bought,
        "black_friday_only": (t["black_friday"] > 0) & (t["advent"] == 0) & (t["country"] == "KR"),
        "new_searcher": t["first_search"] >= clock.start_of(dt.date(2025, 12, 15)),
        "back_today": (t["visited_last"] >= clock.day()) & (t["yesterday"] == 0),
        "weekly_habit": (t["this_week"] > 0) & (t["last_week"] > 0) & (t["last_month"] > 0),
        "old_reviewer": _true(t["early"]) & (t["visited_last"] >= clock.ago(14)),
        "one_time_buyer": t["n3mo"] == 1,
        "quiet_collector": t["wishes45"].between(2, 5) & (t["opened60"] <= 2),
        "discount_hunter": t["discounted"] >= 2,
        "browser": (t["views30"] + t["carts30"] + t["wishes30"] >= 10) & (t["n30"] == 0),
        "regular": t["days30"] >= 10,
        "explorer": t["categories30"] >= 6,
        "big_spender": t["cents90"] >= 50000,
        "large_basket": (t["n"] >= 3) & (t["cents"] >= 8000 * t["n"]),
        "bargain": (t["highest"] < 40) & (t["lowest"] > 5) & (t["cents180"] / t["n180"]).between(1500, 3000),
        "overdue": (t["n"] >= 3) & (2 * (t["n"] - 1) * since.dt.total_seconds() > 3 * gap.dt.total_seconds()),
        "instagram_newcomer": (t["first_utm"] == "instagram") & signed_up.between(clock.ago(90), clock.at),
        "last_was_dress": t["last_category"] == "dress",
        "shoe_lover": t["favourite"].isin(["shoes", "bags"]),
        "champion": champion,
        "fallen_champion": then & ~champion,
        "best_buyers": bought & _fifth(t["cents"].where(bought)) & _fifth(t["last"]),
        "top_1000": _place(t, "cents") <= 1000,
        "top_visitors": _place(t, "visits60") <= -(-len(t) * 5 // 100),
        "most_items": t["items"].rank(method="min", ascending=False) <= 500,
        "birthday_soon": pd.to_datetime(t["birthday"]).dt.strftime("%m%d").isin(clock.birthdays(7)) & consent,
        "old_app": (version < 3_010_000) & _has(t["interests"], "sale") & _mail(mail),
        "unknown_age": (age.isna() | t["birthday"].isna())
        & ((signed_up >= clock.ago(60)) & (signed_up < clock.ago(30)))
        & ~_true(t["email_consent"]),
        "tiered": ((t["grade"] == "vip") | (t["n"] >= 10)) & age.between(25, 40),
    }


def _true(column: pd.Series) -> pd.Series:
    return column.fillna(False).astype(bool)


def _fifth(value: pd.Series) -> pd.Series:
    """In the top fifth among those with a value."""
    return 5 * (value.rank(method="min") - 1) // value.count() == 4


def _place(table: Frame, name: str) -> pd.Series:
    """1 for the highest, ties by id."""
    order = table[[name, "id"]].sort_values([name, "id"], ascending=[False, True]).index
    return pd.Series(np.arange(1, len(table) + 1), index=order)


def _has(lists: pd.Series, word: str) -> pd.Series:
    return pd.Series([words is not None and word in words for words in lists], index=lists.index)


def _mail(mail: pd.Series) -> pd.Series:
    return mail.str.endswith("@example.com").fillna(False) | mail.str.contains("^[a-m].*7@").fillna(False)
