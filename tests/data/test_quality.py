"""Every fault is found with its row; which ones stop a run is decided in one place."""

import re

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from hypothesis import given

from research_lib.data import load_series, open_source
from research_lib.data.calendar import last_finished, sessions_between
from research_lib.data.catalog import Listing, describe_asset, describe_series
from research_lib.data.quality import DataCard, Fault, clean
from research_lib.data.source import RawSeries
from research_lib.errors import DataError, InsufficientDataError

PRICE, VOLATILITY, CURRENCY = Listing("ABC", "ABC"), describe_asset("VIX"), Listing("B", "B", "currency")
SERIES, MONTHLY, QUARTERLY = (Listing("S", "S", "series", often) for often in ("", "monthly", "quarterly"))
LATER = pd.Timestamp("2026-01-02", tz="UTC")
SESSIONS = sessions_between(pd.Timestamp("2024-01-02"), pd.Timestamp("2024-03-28"))
UP = 100 + np.arange(100)
FACTOR, RATES = 1 + 0.001 * np.arange(10), 4 + 0.01 * np.arange(20)
DGS10, DFF = describe_series("DGS10"), describe_series("DFF")


def load(dates, values, info=PRICE, *, as_of=None, now=LATER):
    texts = pd.Series([day if isinstance(day, str) else f"{day:%Y-%m-%d}" for day in dates[: len(values)]])
    values = pd.Series(list(map(str, values[: len(dates)])))
    return clean(RawSeries("ABC", "x.csv", texts, values), info, as_of=as_of, now=now)


HOLIDAY = sorted([*SESSIONS, pd.Timestamp("2024-01-15")])  # Martin Luther King Day
SIXTIES = pd.bdate_range("1969-12-01", "1970-01-09")
MONTHS = pd.date_range("2020-01-01", periods=24, freq="MS")
EVERY_DAY, NO_FEBRUARY = pd.date_range("2024-01-02", "2024-03-28"), SESSIONS[SESSIONS.month != 2]
SPLIT = "a step like a split: {}, first 2024-01-04 (x {})"
OTHER_UNIT = "a value far outside what is usual: another unit?: {}, first 2024-01-11 ({})"
HOLES = {
    "sound": (SESSIONS, UP, PRICE, "none found"),
    "unsorted": (SESSIONS[[0, 2, 1, 3]], [1, 1.2, 1.1, 1.3], PRICE, "none found"),
    "a holiday with a price": (HOLIDAY, UP, PRICE, "no exchange session on this date: 1, first 2024-01-15"),
    "every day has a price": (EVERY_DAY, UP, PRICE, "no exchange session on this date: 26, first 2024-01-06"),
    "a month without sessions": (NO_FEBRUARY, UP, PRICE, "an exchange session is missing: 20, first 2024-02-01"),
    "holidays are known from 1970 on": (SIXTIES, UP, PRICE, "no exchange session on this date: 1, first 1970-01-01"),
    "a currency trades every day": (EVERY_DAY, UP, CURRENCY, "none found"),
    "six equal closes": (SESSIONS, [2.1, 2, 2, 2, 2, 2, 2, 2.1, 2.2], PRICE,
                         "the same value again and again: 1, first 2024-01-03 (2, 6 times in a row)"),
    "five": (SESSIONS, [2.1, 2, 2, 2, 2, 2, 2.1], PRICE, "none found"),
    "a yield may be negative": (["2024-01-31", "2024-02-28"], [-0.5, 0], SERIES, "none found"),
    "a gap": (["2024-01-02", "2024-03-01"], [1, 2], SERIES, "no value for more than a month: 1, first 2024-03-01 (59 days)"),
    "months are missing": (MONTHS.delete([5, 6, 7]), UP, MONTHLY, "a month or quarter is missing: 3, first 2020-06-30"),
    "a quarter is missing": (MONTHS[[0, 3, 9]], UP, QUARTERLY, "a month or quarter is missing: 1, first 2020-09-30"),
    "a year is missing": (["2001-01-01", "2002-01-01", "2004-01-01", "2005-01-01"], UP, SERIES,
                          "a month or quarter is missing: 1, first 2003-12-31"),
    "volatility may double": (SESSIONS, [10, 11, 24, 12, 11], VOLATILITY, "none found"),
    "but not quadruple": (SESSIONS, [10, 11, 1100, 11, 12], VOLATILITY, SPLIT.format(2, "100, near 100")),
    "pence for a day": (SESSIONS, [100, 101, 10_100, 102, 103], PRICE, SPLIT.format(2, "100, near 100")),
    "a move that indices have made": (SESSIONS, [100, 101, *77 * FACTOR], PRICE, "none found"),
    "and up": (SESSIONS, [100, 101, *126 * FACTOR], PRICE, "none found"),
    "single basis points": (SESSIONS, np.where(np.arange(20) == 7, 407, RATES), DGS10, OTHER_UNIT.format(2, "407")),
    "decimals at first": (SESSIONS, np.where(np.arange(20) < 7, RATES / 100, RATES), SERIES, OTHER_UNIT.format(1, "4.07")),
    "a usual short rate": (SESSIONS, RATES, DFF, "none found"),
    "decimals?": (SESSIONS, RATES / 100, DFF, "small for a rate in percent: decimals?: 20, first 2024-01-02 (0.04)"),
}  # fmt: skip
STEPS = {10.1: "0.1, near 10", 25.25: "0.25, near 4", 404: "4, near 4", 10_100: "100, near 100", 66: "0.6535, near 1.5"}
HOLES |= {f"step to {to}": (SESSIONS, [100, 101, *to * FACTOR], PRICE, SPLIT.format(1, x)) for to, x in STEPS.items()}
HOLES |= {
    f"step to {to}": (SESSIONS, [100, 101, *to * FACTOR], PRICE, f"a step of 25% or more: 1, first 2024-01-04 (x {x})")
    for to, x in {75: 0.7426, 127: 1.257}.items()
}
HOLES |= {
    f"missing: {text!r}": (SESSIONS[[0, 1, 3]], [1, text, 1.1], PRICE,
                           "no value (left out): 1, first 2024-01-03; an exchange session is missing: 2, first 2024-01-03")
    for text in ("", "nan", ".", "null", "NA", "#N/A N/A")
}  # fmt: skip


@pytest.mark.parametrize("case", HOLES)
def test_each_fault_is_found_in_its_row_and_the_rest_is_kept(case):
    dates, values, info, said = HOLES[case]
    series, card = load(dates, values, info)
    assert card.fault_summary() == said
    kept = pd.to_numeric(pd.Series(list(values[: len(dates)])), errors="coerce").dropna() * info.scale
    assert sorted(series) == pytest.approx(sorted(kept), rel=1e-14)
    assert series.index.is_monotonic_increasing
    assert [card.first, card.last] == [str(day.date()) for day in series.index[[0, -1]]]
    assert card.gaps == sum(int(n) for n in re.findall(r"is missing: (\d+)", said))


UNITS = {
    ("DGS10", 0.01): "between 0.3 and 25: another unit (decimals, percent, basis points, thousands)?",
    ("BAMLH0A0HYM2", 107): "for ABC it lies between 1 and 30: another unit",
    ("SMB", 0.01): "lies between 0.2 and 10: another unit",
    ("S1V1", 1): "lies between 0.003 and 0.3: another unit",
    ("ICSA", 60): "lies between 100000 and 1e+07: another unit",
    ("DGS10", -1): "nearly all values are negative, which ABC never was: a wrong sign?",
    ("DFF", -1): "nearly all values are negative",
    ("DFF", 100): "for ABC it lies between 0 and 25",
}


@pytest.mark.parametrize(("name", "scale"), UNITS)
def test_a_series_in_another_unit_or_sign_is_refused(name, scale):
    with pytest.raises(DataError) as caught:
        load(MONTHS, scale * (4 + np.sin(np.arange(24)) / 10), describe_series(name))
    assert UNITS[name, scale] in str(caught.value)
    assert len(str(caught.value)) < 400


OFTEN = "given less often than it is published: 1, first {}"
FIRSTS = {
    "months": (SERIES, MONTHS[:3], "2020-01-31", ""),
    "two months": (SERIES, MONTHS[:2], "2020-01-31", ""),
    "quarters": (SERIES, MONTHS[::3], "2020-03-31", ""),
    "years": (SERIES, pd.date_range("2001-01-01", periods=5, freq="YS"), "2001-12-31", ""),
    "days": (SERIES, ["2024-01-01", "2024-01-02"], "2024-01-01", ""),
    "months of a daily rate": (DGS10, MONTHS, "2020-01-31", "monthly, not daily"),
    "lasts of months": (DGS10, MONTHS + pd.offsets.MonthEnd(), "2020-01-31", "monthly, not daily"),
    "months, but for one": (DGS10, [*MONTHS[:22], pd.Timestamp("2021-11-19")], "2020-01-31", "monthly, not daily"),
    "quarters of months": (describe_series("UNRATE"), MONTHS[::3], "2020-03-31", "quarterly, not monthly"),
}


@pytest.mark.parametrize("case", FIRSTS)
def test_values_dated_by_firsts_of_periods_are_known_at_their_ends(case):
    """Whatever is listed: a mean of January, dated January 1, was not known then."""
    info, days, first, said = FIRSTS[case]
    series, card = load(days, 3 + np.arange(len(days)) / 10, info)
    assert (card.first, card.fault_summary()) == (first, f"{OFTEN.format(first)} ({said})" if said else "none found")
    assert load(days, [5.0] * len(days), info, as_of=series.index[1] - pd.Timedelta(days=1))[1].rows == 1
    later = series.index[-1] + pd.Timedelta(days=40)  # no first of a month, but not known yet
    assert len(load([*days, later], [3.0] * (len(days) + 1), info, as_of=series.index[-1])[0]) == len(days)


def test_an_unfinished_session_is_left_out():
    noon, evening = (pd.Timestamp(f"2024-01-05 {hour}:00", tz="America/New_York") for hour in (12, 17))
    during, after = (load(SESSIONS, [1, 1.1, 1.2, 1.3], now=now)[1] for now in (noon, evening))
    assert during.fault_summary() == "the session is not over yet (left out): 1, first 2024-01-05"
    assert [(card.rows, card.as_record().get("unfinished")) for card in (during, after)] == [(3, True), (4, None)]
    with pytest.raises(InsufficientDataError, match="no finished session"):
        load(SESSIONS[3:4], [4], now=noon)


OVER = {  # when, and the last day that is over
    "2024-11-29 12:59": "2024-11-28",  # a half day
    "2024-11-29 13:00": "2024-11-29",
    "2024-11-28 23:59": "2024-11-27",  # no session: it ends at midnight
    "2024-11-29 00:00": "2024-11-28",
    "2024-11-27 09:00": "2024-11-26",
}


@pytest.mark.parametrize("now", OVER)
def test_a_session_is_over_at_its_closing_bell(now):
    assert last_finished(pd.Timestamp(now, tz="America/New_York")) == pd.Timestamp(OVER[now])


garbage = st.sampled_from(["0", "-5", "x", "", "inf", "1e9", "3,010", "4%"])


@given(st.lists(garbage, min_size=1, max_size=len(SESSIONS) - 21), st.booleans())
def test_nothing_after_as_of_is_looked_at(later, twice):
    """Not even to complain about it."""
    values = [str(100 + i) for i in range(20)]
    days = [*SESSIONS[: 20 + len(later)], *([SESSIONS[20]] if twice else [])]
    cut = load(days, [*values, *later, *(["7"] if twice else [])], as_of=SESSIONS[19])[1]
    plain = load(SESSIONS, values)[1]
    assert (cut.faults, cut.sha256) == (plain.faults, plain.sha256)


def test_the_card_counts_each_kind_and_names_its_first_case():
    found = tuple(Fault("no market value", "", name) for name in ("GOOGL", "META"))
    card = DataCard("folder", "x", "x", "x", "2020-01-01", "2020-12-31", 5, "", found)
    assert card.fault_summary() == "no market value: 2, first GOOGL"
    assert set(card.as_record()) == {"source", "id", "first", "last", "rows", "gaps", "sha256"}


def test_the_hash_is_of_what_was_used_not_of_the_file():
    days = SESSIONS[:2]
    first, turned = load(days, ["10", "11"]), load(days[::-1], ["11.0", "10.0"])
    value, date = load(days, ["10", "11.0000001"]), load(SESSIONS[1:3], ["10", "11"])
    assert first[1].sha256 == turned[1].sha256
    assert len({card.sha256 for _, card in (first, value, date)}) == 3


def test_real_series_are_in_their_units(shared_data):
    """No threshold of plausibility refuses or reports what is right, over 100 years of rates and returns."""
    source = open_source("folder", data_dir=str(shared_data))
    cards = load_series(source, source.names("series")).cards
    usual = {"no value (left out)", "a month or quarter is missing"}
    assert {fault.kind for card in cards for fault in card.faults} <= usual
