# ruff: noqa: SIM300
"""Polars, everything at once: one lazy group-by per event type, joined to the customers, then forty masks."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pyarrow as pa

from bench.peers.clock import Clock

TIME, ROWS, CUSTOMER = pl.col("time"), pl.len(), pl.col("customer")
PRODUCT, CATEGORY = pl.col("product"), pl.col("category")


def members(data: Path, clock: Clock) -> dict[str, pa.Array]:
    """The ids of every segment, out of one table of features."""
    features = _features(data, clock)
    masks = features.select(**_masks(clock))
    ids = features["id"]
    return {name: ids.filter(masks[name].fill_null(False)).to_arrow() for name in masks.columns}


def _features(data: Path, clock: Clock) -> pl.DataFrame:
    log = pl.scan_parquet(data / "events/*.parquet").filter(TIME <= clock.at)
    bought = _of(log, "purchased").select("customer", "time", "product", "category", "quantity", "amount", _cents())
    purchases = bought.collect()
    carts = _of(log, "cart_added").select("customer", "time", "product").collect()
    views = _of(log, "viewed").filter(clock.ago(30) <= TIME).select("customer", "time", "product", "category").collect()
    wishes = _of(log, "wishlisted").select("customer", "time", "product", "category").collect()
    searches = _of(log, "searched").select("customer", "time").collect()
    purchased, carted = _purchased(purchases, clock), _carted(carts, clock)
    tables = [
        purchased,
        carted,
        _favourite(purchases, clock),
        _visited(log, clock),
        _viewed(views, purchased, carted, clock),
        wishes.group_by("customer").agg(_count(clock, 30, "wishes30"), _count(clock, 45, "wishes45")),
        searches.group_by("customer").agg(first_search=TIME.min()),
        _of(log, "email_opened").filter(clock.ago(60) <= TIME).group_by("customer").agg(opened60=ROWS).collect(),
        _of(log, "reviewed").filter(clock.ago(180) > TIME).select("customer", early=True).unique().collect(),
        _flag(_mail_buyers(log, purchases, clock), "mail_buyer"),
        _flag(_cart_leavers(carts, purchases, clock), "cart_left"),
        _flag(_droppers(searches, carts, purchases, clock), "search_drop"),
        _flag(_wish_leavers(wishes, purchases), "wish_left"),
        _flag(_view_buyers(views, purchases, clock), "view_to_buy"),
    ]
    table = pl.read_parquet(data / "customers.parquet")
    for other in tables:
        table = table.join(other, left_on="id", right_on="customer", how="left")
    zeros = ("visits", "visits60", "n", "n30", "n60", "n90", "cents90", "n90_then", "cents90_then", "cents", "items")
    zeros += ("opened60", "views30", "carts30", "wishes30")
    return table.with_columns(pl.col(zeros).fill_null(0))


def _of(log: pl.LazyFrame, event: str) -> pl.LazyFrame:
    return log.filter(pl.col("event") == event)


def _cents() -> pl.Expr:
    return (pl.col("amount") * 100).round().cast(pl.Int64).alias("cents")


def _count(clock: Clock, days: int, name: str) -> pl.Expr:
    return (clock.ago(days) <= TIME).sum().alias(name)


def _purchased(purchases: pl.DataFrame, clock: Clock) -> pl.DataFrame:
    then = TIME.is_between(clock.ago(120), clock.ago(30))
    discount = (clock.ago(180) <= TIME) & (CATEGORY == "dress") & (pl.col("amount") < 60) & (pl.col("quantity") >= 2)
    cents, november, december = pl.col("cents"), _span("2025-11-28", 1, clock), _span("2025-12-01", 24, clock)
    return purchases.group_by("customer").agg(
        n=ROWS,
        last=TIME.max(),
        first=TIME.min(),
        cents=cents.sum(),
        highest=pl.col("amount").max(),
        lowest=pl.col("amount").min(),
        items=pl.col("quantity").sum(),
        last_category=CATEGORY.filter(TIME.max() == TIME).max(),
        n30=_count(clock, 30, "n30"),
        n60=_count(clock, 60, "n60"),
        n60_120=((clock.ago(120) <= TIME) & (clock.ago(60) > TIME)).sum(),
        n3mo=(clock.months_ago(3) <= TIME).sum(),
        n90=_count(clock, 90, "n90"),
        cents90=(cents * (clock.ago(90) <= TIME)).sum(),
        n90_then=then.sum(),
        cents90_then=(cents * then).sum(),
        n180=_count(clock, 180, "n180"),
        cents180=(cents * (clock.ago(180) <= TIME)).sum(),
        discounted=discount.sum(),
        black_friday=november.any(),
        advent=december.any(),
    )


def _span(day: str, days: int, clock: Clock) -> pl.Expr:
    start = clock.start_of(pl.Series([day]).str.to_date()[0])
    return (start <= TIME) & (start + pl.duration(days=days) > TIME)


def _favourite(purchases: pl.DataFrame, clock: Clock) -> pl.DataFrame:
    recent = purchases.filter((clock.ago(180) <= TIME) & CATEGORY.is_not_null())
    counts = recent.group_by("customer", "category").agg(count=ROWS, latest=TIME.max())
    order = counts.sort("count", "latest", "category")
    return order.group_by("customer", maintain_order=True).agg(favourite=CATEGORY.last())


def _carted(carts: pl.DataFrame, clock: Clock) -> pl.DataFrame:
    return carts.group_by("customer").agg(
        carted_last=TIME.max(),
        carts30=(clock.ago(30) <= TIME).sum(),
        carted_product=PRODUCT.filter(TIME.max() == TIME).max(),
    )


def _visited(log: pl.LazyFrame, clock: Clock) -> pl.DataFrame:
    local_day = (TIME + pl.duration(hours=9)).dt.date()
    return (
        _of(log, "visited")
        .select("customer", "time", "utm_source")
        .group_by("customer")
        .agg(
            visits=ROWS,
            visited_last=TIME.max(),
            visits60=_count(clock, 60, "visits60"),
            days30=local_day.filter(clock.ago(30) <= TIME).n_unique(),
            this_week=(clock.week() <= TIME).any(),
            last_week=((clock.week(1) <= TIME) & (clock.week() > TIME)).any(),
            last_month=((clock.month(1) <= TIME) & (clock.month() > TIME)).any(),
            yesterday=((clock.day(1) <= TIME) & (clock.day() > TIME)).any(),
            first_utm=pl.col("utm_source").filter(TIME.min() == TIME).max(),
        )
        .collect()
    )


def _viewed(views: pl.DataFrame, purchased: pl.DataFrame, carted: pl.DataFrame, clock: Clock) -> pl.DataFrame:
    known = views.join(purchased.select("customer", "last"), on="customer", how="left")
    known = known.join(carted.select("customer", "carted_product"), on="customer", how="left")
    unbought = (clock.ago(14) <= TIME) & (pl.col("last").is_null() | (pl.col("last") < TIME)).fill_null(True)
    return known.group_by("customer").agg(
        views30=ROWS,
        categories30=CATEGORY.drop_nulls().n_unique(),
        n14_unbought=unbought.sum(),
        seen_again=((clock.ago(7) <= TIME) & (PRODUCT == pl.col("carted_product"))).any(),
    )


def _pairs(left: pl.DataFrame, right: pl.DataFrame, on: list[str], days: int) -> pl.DataFrame:
    """Rows of `left` with one of `right` at most `days` later (or at the same time): `row` numbers them."""
    both = left.join(right, on=on, suffix="_later")
    return both.filter(pl.col("time_later").is_between(TIME, TIME + pl.duration(days=days)))


def _mail_buyers(log: pl.LazyFrame, purchases: pl.DataFrame, clock: Clock) -> pl.DataFrame:
    clicks = _of(log, "email_clicked").filter(clock.ago(33) <= TIME).select("customer", "time").collect()
    recent = purchases.filter(clock.ago(30) <= TIME).select("customer", "time")
    return _pairs(clicks, recent, ["customer"], 3)


def _cart_leavers(carts: pl.DataFrame, purchases: pl.DataFrame, clock: Clock) -> pl.DataFrame:
    left = carts.filter((clock.ago(10) <= TIME) & (clock.ago(3) > TIME)).with_row_index("row")
    recent = purchases.filter(clock.ago(10) <= TIME).select("customer", "product", "time")
    return left.join(_pairs(left, recent, ["customer", "product"], 3), on="row", how="anti")


def _droppers(searches: pl.DataFrame, carts: pl.DataFrame, purchases: pl.DataFrame, clock: Clock) -> pl.DataFrame:
    recent = clock.ago(14) <= TIME
    added = carts.filter(recent).select("customer", "time").with_row_index("row")
    bought = _pairs(added, purchases.filter(recent).select("customer", "time"), ["customer"], 3)
    return _pairs(searches.filter(recent), added.join(bought, on="row", how="anti"), ["customer"], 1)


def _wish_leavers(wishes: pl.DataFrame, purchases: pl.DataFrame) -> pl.DataFrame:
    on = ["customer", "product"]
    last_wish = wishes.filter(CATEGORY == "dress").group_by(on).agg(TIME.max())
    last_buy = purchases.join(last_wish.select(on), on=on, how="semi").group_by(on).agg(bought=TIME.max())
    return last_wish.join(last_buy, on=on, how="left").filter(
        pl.col("bought").is_null() | (pl.col("bought") < TIME).fill_null(True)
    )


def _view_buyers(views: pl.DataFrame, purchases: pl.DataFrame, clock: Clock) -> pl.DataFrame:
    recent = purchases.filter(clock.ago(30) <= TIME).select("customer", "product", "time")
    return _pairs(views, recent, ["customer", "product"], 1)


def _flag(table: pl.DataFrame, name: str) -> pl.DataFrame:
    return table.select("customer", pl.lit(True).alias(name)).unique()


def _masks(clock: Clock) -> dict[str, pl.Expr]:
    c = pl.col
    abandoner = (c("carted_last") >= clock.ago(7)) & (c("last").is_null() | (c("last") < c("carted_last")))
    champion = ((c("cents90").rank("min") - 1) / ROWS >= 0.9) & (c("n90") >= 2)
    then = ((c("cents90_then").rank("min") - 1) / ROWS >= 0.9) & (c("n90_then") >= 2)
    gap = c("last").dt.epoch("us") - c("first").dt.epoch("us")
    since = pl.lit(clock.at).dt.epoch("us") - c("last").dt.epoch("us")
    consent, mail = c("marketing_consent").fill_null(False), c("email")
    parts = c("app_version").str.split(".").list.eval(pl.element().cast(pl.Int32))
    version = sum(parts.list.get(place) * 1000 ** (2 - place) for place in range(3))
    return {
        "abandoner": abandoner,
        "cart_left_product": c("cart_left"),
        "keen_viewer": c("n14_unbought") >= 3,
        "abandoner_abroad": abandoner & ~c("country").is_in(["KR", "JP"]).fill_null(False) & (c("grade") != "basic"),
        "search_drop": c("search_drop"),
        "wish_left": c("wish_left"),
        "view_to_buy": c("view_to_buy"),
        "mail_buyer": c("mail_buyer"),
        "seen_again": c("seen_again"),
        "lapsed_buyer": (c("n60_120") >= 1) & (c("n60") == 0),
        "sleeping": (c("visited_last") < clock.ago(90)) & consent,
        "window_shopper": (c("visits") >= 5) & (c("n") == 0),
        "black_friday_only": c("black_friday") & ~c("advent") & (c("country") == "KR"),
        "new_searcher": c("first_search") >= clock.start_of(pl.Series(["2025-12-15"]).str.to_date()[0]),
        "back_today": (c("visited_last") >= clock.day()) & ~c("yesterday"),
        "weekly_habit": c("this_week") & c("last_week") & c("last_month"),
        "old_reviewer": c("early") & (c("visited_last") >= clock.ago(14)),
        "one_time_buyer": c("n3mo") == 1,
        "quiet_collector": c("wishes45").is_between(2, 5) & (c("opened60") <= 2),
        "discount_hunter": c("discounted") >= 2,
        "browser": (c("views30") + c("carts30") + c("wishes30") >= 10) & (c("n30") == 0),
        "regular": c("days30") >= 10,
        "explorer": c("categories30") >= 6,
        "big_spender": c("cents90") >= 50000,
        "large_basket": (c("n") >= 3) & (c("cents") >= 8000 * c("n").cast(pl.Int64)),
        "bargain": (c("highest") < 40)
        & (c("lowest") > 5)
        & (c("n180") > 0)
        & (c("cents180") / c("n180")).is_between(1500, 3000),
        "overdue": (c("n") >= 3) & (2 * (c("n").cast(pl.Int64) - 1) * since > 3 * gap),
        "instagram_newcomer": (c("first_utm") == "instagram") & c("signed_up_at").is_between(clock.ago(90), clock.at),
        "last_was_dress": c("last_category") == "dress",
        "shoe_lover": c("favourite").is_in(["shoes", "bags"]),
        "champion": champion,
        "fallen_champion": then & ~champion,
        "best_buyers": (c("n") > 0) & _fifth(pl.when(c("n") > 0).then(c("cents"))) & _fifth(c("last")),
        "top_1000": _place("cents") <= 1000,
        "top_visitors": _place("visits60") <= (ROWS * 5 + 99) // 100,
        "most_items": c("items").rank("min", descending=True) <= 500,
        "birthday_soon": c("birthday").dt.strftime("%m%d").is_in(clock.birthdays(7)) & consent,
        "old_app": (version < 3_010_000)
        & c("interests").list.contains("sale")
        & (mail.str.ends_with("@example.com") | mail.str.contains("^[a-m].*7@")),
        "unknown_age": (c("age").is_null() | c("birthday").is_null())
        & (c("signed_up_at") >= clock.ago(60))
        & (c("signed_up_at") < clock.ago(30))
        & ~c("email_consent").fill_null(False),
        "tiered": ((c("grade") == "vip").fill_null(False) | (c("n") >= 10)) & c("age").is_between(25, 40),
    }


def _fifth(value: pl.Expr) -> pl.Expr:
    """In the top fifth among those with a value."""
    return 5 * (value.rank("min").cast(pl.Int64) - 1) // value.count() == 4


def _place(name: str) -> pl.Expr:
    """1 for the highest, ties by id."""
    order = pl.struct((-pl.col(name).cast(pl.Int64)).alias("by"), "id")
    return order.rank("ordinal")
