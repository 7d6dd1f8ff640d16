"""Random trees of every kind of line, as the parser can make them."""

from __future__ import annotations

import datetime as dt
import unicodedata
from fractions import Fraction

from hypothesis import strategies as st

from dangol.grammar import ast

WORDS = (
    "visited",
    "장바구니_담기",
    "on",
    "since",
    "last",
    "first",
    "count",
    "most",
    "sent",
    "within",
    "where",
    "by",
    "per",
    "of",
    "is",
    "next",
    "times",
    "ago",
    "between",
    "contains",
    "end",
    "when",
    "then",
    "else",
    "in",
    "has",
    "top_10",
    "purchased.amount",
    "customer.country",
    "lib.rfm",
)
words = st.sampled_from(WORDS)
plain_words = st.sampled_from([word for word in WORDS if "." not in word])
names = words.map(lambda text: ast.Name(tuple(text.split("."))))
texts = st.text(max_size=8).map(lambda text: unicodedata.normalize("NFC", text))
durations = st.builds(
    lambda amount, unit: ast.Duration(Fraction(amount), unit),
    st.integers(1, 90),
    st.sampled_from(["s", "min", "h", "d", "w", "mo", "y"]),
)
shares = st.integers(0, 100).map(lambda n: ast.Number(Fraction(n, 100), True))
counts = st.integers(0, 10**6).map(lambda n: ast.Number(Fraction(n)))
numbers = st.one_of(shares, counts, st.integers(1, 999).map(lambda n: ast.Number(Fraction(n, 8))))
signed = st.one_of(numbers, st.integers(1, 99).map(lambda n: ast.Number(Fraction(-n))))
dates = st.dates(dt.date(1700, 1, 1), dt.date(2200, 12, 31)).map(ast.Date)
instants = st.builds(
    lambda day, minutes, zone: ast.Instant(dt.datetime.combine(day.value, dt.time(minutes // 60, minutes % 60), zone)),
    dates,
    st.integers(0, 1439),
    st.sampled_from([None, dt.UTC, dt.timezone(dt.timedelta(hours=9))]),
)
moments = st.sampled_from(["today", "yesterday", "now", "entry"]).map(ast.Moment)
bounds = st.one_of(dates, instants, moments)
literals = st.one_of(texts.map(ast.Text), signed, dates, instants, moments, st.booleans().map(ast.Boolean))
regexes = st.sampled_from(["^a", "a/b", r"\d+", r"a\\", r"[/]"]).map(ast.Regex)

time_clauses = st.one_of(
    durations.map(ast.Within),
    durations.map(ast.WithinNext),
    st.builds(ast.Ago, durations, durations),
    durations.map(ast.MoreThanAgo),
    st.builds(ast.Relative, st.sampled_from(["since", "after", "before", "on"]), bounds),
    st.builds(ast.BetweenDates, bounds, bounds),
    st.sampled_from(["today", "yesterday", "this week", "last week", "this month", "last month"]).map(ast.Calendar),
)
times = st.one_of(
    st.integers(0, 9).map(lambda n: ast.Times(n, None)),
    st.integers(0, 9).map(lambda n: ast.Times(n, n)),
    st.integers(1, 9).map(lambda n: ast.Times(0, n)),
    st.integers(1, 9).map(lambda n: ast.Times(n, n + 2)),
)
sames = st.lists(names, max_size=2).map(tuple)
comparisons = st.sampled_from(["=", "!=", "<", "<=", ">", ">="])


def tests_of(left, right, values):
    """Comparisons of all kinds."""
    return st.one_of(
        st.builds(ast.Compare, comparisons, left, right),
        st.builds(ast.In, left, st.lists(values, min_size=1, max_size=3).map(tuple), st.booleans()),
        st.builds(ast.Between, left, counts, right),
        st.builds(ast.TextTest, st.sampled_from(["contains", "starts with", "ends with", "has"]), left, right),
        st.builds(lambda value, pattern: ast.TextTest("matches", value, pattern), left, regexes),
        st.builds(ast.IsSet, left, st.booleans()),
    )


def chains(kind, signs, first, more):
    pairs = st.lists(st.tuples(st.sampled_from(signs), more), min_size=1, max_size=2).map(tuple)
    return st.builds(kind, first, pairs)


def grown(conditions):
    """Trees one storey higher, with `conditions` inside."""
    brackets = conditions.map(ast.Bracket)
    subjects = st.one_of(names, brackets, st.builds(ast.Call, plain_words, conditions))
    cases = st.builds(
        ast.Case,
        st.lists(st.tuples(conditions, conditions), min_size=1, max_size=2).map(tuple),
        st.none() | conditions,
    )
    as_ofs = st.builds(ast.AsOf, names | brackets, durations | bounds)
    atoms = st.one_of(literals, subjects, cases, as_ofs)
    unary = atoms | st.one_of(subjects, as_ofs).map(ast.Negative)
    products = unary | chains(ast.Product, "*/", unary, unary)
    sums = products | chains(ast.Sum, "+-", products, products)
    leads = names | chains(ast.Product, "*/", names, unary)
    filters = tests_of(leads | chains(ast.Sum, "+-", leads, products), sums, literals) | st.builds(
        lambda name, clause: ast.Phrase(name, (clause,)), names, time_clauses
    )
    wheres = filters.map(ast.Where) | conditions.map(lambda inner: ast.Where(inner, True))
    others = st.builds(
        lambda event, where: ast.Phrase(event, (where,)) if where else event, names | brackets, st.none() | wheres
    )
    sequences = st.one_of(
        st.builds(
            ast.Sequence, st.sampled_from(["followed by", "not followed by"]), others, st.none() | durations, sames
        ),
        st.builds(ast.Sequence, st.just("within of"), others, durations, sames),
    )
    own = st.tuples(st.none() | wheres, st.none() | time_clauses, st.none() | times).flatmap(st.permutations)
    clauses = st.tuples(own, st.lists(sequences, max_size=2)).map(
        lambda both: tuple(c for part in both for c in part if c)
    )
    phrases = st.builds(lambda subject, found: ast.Phrase(subject, found) if found else subject, subjects, clauses)
    comparison = st.one_of(
        sums,
        tests_of(sums, sums, literals),
        phrases,
        st.builds(ast.Top, counts | shares, sums),
        (phrases).map(ast.Did),
        (phrases).map(ast.Never),
    )
    negations = comparison | comparison.map(ast.Not) | comparison.map(lambda inner: ast.Not(ast.Not(inner)))
    ands = negations | st.lists(negations, min_size=2, max_size=3).map(lambda items: ast.And(tuple(items)))
    return ands | st.lists(ands, min_size=2, max_size=3).map(lambda items: ast.Or(tuple(items)))


conditions = st.recursive(names | literals, grown, max_leaves=12)
metrics = (
    names
    | st.builds(lambda name, clause: ast.Phrase(name, (clause,)), names, time_clauses)
    | st.builds(ast.Call, plain_words, conditions)
)

clock = st.builds(ast.TimeOfDay, st.integers(0, 23), st.integers(0, 59))
channels = st.sampled_from(["push", "email", "카카오", "up", "each"])
messages = st.one_of(texts.map(ast.Inline), channels.map(ast.MessageName), channels.map(ast.SplitName))
sends = st.builds(ast.Send, channels, messages)
timings = st.one_of(
    st.builds(ast.Timing, st.just("after"), durations, st.none() | clock),
    st.builds(ast.Timing, st.just("wait"), durations),
    st.builds(ast.Timing, st.just("wait"), st.none(), clock),
)
steps = st.builds(
    ast.Step, st.none() | timings, st.none() | conditions, st.lists(sends, min_size=1, max_size=2).map(tuple)
) | (
    st.builds(
        lambda timing, condition: ast.Step(timing, condition, (), ast.Stop()),
        st.none() | timings,
        st.none() | conditions,
    )
)
whole = st.integers(1, 10**6)
BESIDE = {
    "schedule": st.one_of(
        st.just(ast.Cron("0 10 * * *")),
        durations.map(ast.Every),
        clock.map(ast.Daily),
        st.builds(ast.Weekly, st.lists(st.integers(0, 6), min_size=1, max_size=3).map(tuple), clock),
        instants.map(ast.Once),
    ),
    "split": st.lists(st.builds(ast.Arm, channels, shares), min_size=1, max_size=3).map(
        lambda arms: ast.Split(tuple(arms))
    ),
    "holdout": shares.map(ast.Share),
    "winner": st.builds(ast.Winner, metrics, shares, whole),
    "guardrail": st.one_of(
        st.builds(
            lambda metric, per, op, amount, same: ast.Guardrail(metric, per, op, amount, False, None, same),
            metrics,
            st.none() | names,
            st.sampled_from([">=", "<=", ">", "<"]),
            numbers,
            sames,
        ),
        st.builds(
            lambda metric, op, amount, points: ast.Guardrail(metric, None, op, amount, points, "control"),
            metrics,
            st.sampled_from(["up", "down"]),
            shares,
            st.booleans(),
        ),
    ),
    "namespace": st.lists(
        st.builds(ast.Holder, st.lists(channels, min_size=1, max_size=2).map("/".join), shares), min_size=1, max_size=3
    ).map(lambda holders: ast.Namespace(tuple(holders))),
    "on_deadline": st.sampled_from(["keep control", "send best", "stop"]).map(ast.OnDeadline)
    | durations.map(lambda delay: ast.OnDeadline("extend", delay)),
    "kpi": st.one_of(
        st.builds(
            lambda metric, per, op, amount, by, same: ast.Kpi(metric, per, op, amount, False, None, None, by, same),
            metrics,
            st.none() | names,
            st.sampled_from([">=", "<=", ">", "<"]),
            numbers,
            dates,
            sames,
        ),
        st.builds(
            lambda metric, op, amount, points, by: ast.Kpi(metric, None, op, amount, points, "holdout", None, by),
            metrics,
            st.sampled_from(["up", "down"]),
            shares,
            st.booleans(),
            dates,
        ),
        st.builds(
            lambda metric, amount, baseline, by: ast.Kpi(metric, None, "up", amount, False, None, baseline, by),
            metrics,
            shares,
            numbers,
            dates,
        ),
    ),
    "cap": st.builds(ast.Cap, whole, durations | st.sampled_from(["day", "week", "month"]), st.none() | channels),
    "quiet": st.builds(ast.Quiet, clock, clock),
    "again": st.sampled_from([ast.Again("never"), ast.Again("each time")])
    | durations.map(lambda d: ast.Again("after", d)),
    "expires": durations,
    "limit": counts,
    "priority": signed,
}
KINDS = {
    "expression": conditions,
    "scenario": st.builds(ast.Scenario, conditions, st.lists(steps, min_size=1, max_size=3).map(tuple)),
    **BESIDE,
}
