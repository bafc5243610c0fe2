"""Every fault is found with its row; which ones stop a run is decided in one place."""

import re

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from hypothesis import given

from research_lib.data import load_series, open_source
from research_lib.data.calendar import last_finished, next_session, sessions_between
from research_lib.data.catalog import Listing, describe_asset, describe_series
from research_lib.data.quality import DataCard, Fault, clean
from research_lib.data.source import RawSeries
from research_lib.errors import DataError, InsufficientDataError
from tests.conftest import read_table

CASES = read_table("data/quality.yaml")
PRICE = Listing("ABC", "ABC")
LISTED = {"price": PRICE, "volatility": describe_asset("VIX"), "currency": Listing("B", "B", "currency")}
LISTED |= {often or "series": Listing("S", "S", "series", often) for often in ("", "monthly", "quarterly")}
LISTED |= {name: describe_series(name) for name in ("DGS10", "DFF", "UNRATE")}
LATER = pd.Timestamp("2026-01-02", tz="UTC")
SESSIONS = sessions_between(pd.Timestamp("2024-01-02"), pd.Timestamp("2024-03-28"))
MONTHS = pd.date_range("2020-01-01", periods=24, freq="MS")
DAYS = {
    "sessions": SESSIONS, "unsorted": SESSIONS[[0, 2, 1, 3]], "no February": SESSIONS[SESSIONS.month != 2],
    "a holiday": sorted([*SESSIONS, pd.Timestamp("2024-01-15")]),  # Martin Luther King Day
    "every day": pd.date_range("2024-01-02", "2024-03-28"), "sixties": pd.bdate_range("1969-12-01", "1970-01-09"),
    "no summer": MONTHS.delete([5, 6, 7]), "two missing": SESSIONS[[0, 1, 3]],
}  # fmt: skip
AT, PERCENT = np.arange(20), 4 + 0.01 * np.arange(20)
VALUES = {
    "up": 100 + np.arange(100), "percent": PERCENT, "decimals": PERCENT / 100,
    "one in basis points": np.where(AT == 7, 407, PERCENT), "decimals at first": np.where(AT < 7, PERCENT / 100, PERCENT),
    **{f"then {to}": [100, 101, *to * (1 + 0.001 * AT[:10])] for to in (75, 77, 126, 127, 10.1, 25.25, 66, 404, 10100)},
}  # fmt: skip
MISSING = "no value (left out): 1, first 2024-01-03; an exchange session is missing: 2, first 2024-01-03"
HOLES = CASES["holes"] | {
    f"missing: {text!r}": ("two missing", [1, text, 1.1], "price", MISSING)
    for text in ("", "nan", ".", "null", "NA", "#N/A N/A")
}


def load(dates, values, info=PRICE, *, as_of=None, now=LATER):
    texts = pd.Series([day if isinstance(day, str) else f"{day:%Y-%m-%d}" for day in dates[: len(values)]])
    values = pd.Series(list(map(str, values[: len(dates)])))
    return clean(RawSeries("ABC", "x.csv", texts, values), info, as_of=as_of, now=now)


@pytest.mark.parametrize("case", HOLES)
def test_each_fault_is_found_in_its_row_and_the_rest_is_kept(case):
    dates, values, info, said = HOLES[case]
    dates, values, info = DAYS.get(str(dates), dates), VALUES.get(str(values), values), LISTED[info]
    series, card = load(dates, values, info)
    assert card.fault_summary() == said
    kept = pd.to_numeric(pd.Series(list(values[: len(dates)])), errors="coerce").dropna() * info.scale
    assert sorted(series) == pytest.approx(sorted(kept), rel=1e-14)
    assert series.index.is_monotonic_increasing
    assert [card.first, card.last] == [str(day.date()) for day in series.index[[0, -1]]]
    assert card.gaps == sum(int(n) for n in re.findall(r"is missing: (\d+)", said))


@pytest.mark.parametrize(("name", "scale", "said"), CASES["units"])
def test_a_series_in_another_unit_or_sign_is_refused(name, scale, said):
    with pytest.raises(DataError) as caught:
        load(MONTHS, scale * (4 + np.sin(np.arange(24)) / 10), describe_series(name))
    assert said in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("case", CASES["firsts"])
def test_values_dated_by_firsts_of_periods_are_known_at_their_ends(case):
    """Whatever is listed: a mean of January, dated January 1, was not known then."""
    name, start, periods, apart, first, said, *more = CASES["firsts"][case]
    days, info = [*pd.date_range(start, periods=periods, freq=apart), *more], LISTED[name]
    often = f"given less often than it is published: 1, first {first} ({said})"
    series, card = load(days, 3 + np.arange(len(days)) / 10, info)
    assert (card.first, card.fault_summary()) == (first, often if said else "none found")
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


@pytest.mark.parametrize(("now", "days"), CASES["over"].items())
def test_a_session_is_over_at_its_closing_bell(now, days):
    last = last_finished(pd.Timestamp(now, tz="America/New_York"))
    assert [f"{last:%Y-%m-%d}", f"{next_session(last):%Y-%m-%d}"] == days


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
