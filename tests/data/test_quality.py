"""Every fault is found with its row; which ones stop a run is decided in one place."""

from datetime import date

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from hypothesis import given

from research_lib.data import load_prices, open_source
from research_lib.data.calendar import CHECKED_FROM, is_finished, sessions_between
from research_lib.data.card import hash_series, make_card
from research_lib.data.quality import STOPPING, Expectation, FaultKind, clean
from research_lib.data.source import RawSeries
from research_lib.errors import DataError, InsufficientDataError

PRICE = Expectation(positive=True, traded=True, daily=True)
LATER = pd.Timestamp("2026-01-02", tz="UTC")
SESSIONS = sessions_between(pd.Timestamp("2024-01-02"), pd.Timestamp("2024-03-28"))


def raw(dates, values, first_row=2):
    rows = pd.RangeIndex(first_row, first_row + len(dates))
    texts = [day if isinstance(day, str) else f"{day:%Y-%m-%d}" for day in dates]
    return RawSeries("ABC", "prices/ABC.csv", pd.Series(texts, rows), pd.Series([str(value) for value in values], rows))


def faults(dates, values, expect=PRICE, **options):
    found = clean(raw(dates, values), expect=expect, now=LATER, **options)
    return [(fault.kind, fault.row, fault.date) for fault in found.faults], found.values


def test_sound_data_has_no_faults():
    found, values = faults(SESSIONS, 100 + np.arange(len(SESSIONS)))
    assert found == []
    assert values.index.equals(SESSIONS)


def test_which_faults_stop_a_run():
    assert {FaultKind.BAD_DATE, FaultKind.BAD_VALUE, FaultKind.DUPLICATE_DATE, FaultKind.NON_POSITIVE} == STOPPING
    assert set(FaultKind) - STOPPING == {
        FaultKind.UNSORTED, FaultKind.MISSING_VALUE, FaultKind.UNFINISHED, FaultKind.MISSING_SESSION,
        FaultKind.NOT_A_SESSION, FaultKind.SPIKE, FaultKind.STALE,
        FaultKind.UNDATED, FaultKind.PUBLISHED_EARLY, FaultKind.OTHER_CURRENCY, FaultKind.UNMATCHED,
        FaultKind.PART_OF_A_YEAR, FaultKind.BAD_PRICE, FaultKind.VOLUME_ONLY, FaultKind.SUSPECT_SPLIT,
        FaultKind.NO_ANNUAL_REPORT,
    }  # fmt: skip


def test_unsorted_rows_are_sorted_and_reported():
    found, values = faults(SESSIONS[:4][::-1], [4, 3, 2, 1])
    assert found == [(FaultKind.UNSORTED, 3, "2024-01-04")]
    assert values.tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize("text", ["", "nan", "."])
def test_missing_values_are_left_out_and_are_missing_sessions(text):
    found, values = faults(SESSIONS[:4], [1, text, 3, 4])
    assert found == [
        (FaultKind.MISSING_VALUE, 3, "2024-01-03"),
        (FaultKind.MISSING_SESSION, None, "2024-01-03"),
    ]
    assert values.tolist() == [1, 3, 4]


def test_missing_sessions_know_the_holidays():
    days = [day for day in SESSIONS if day != pd.Timestamp("2024-02-06")]  # Presidents' Day is no session anyway
    found, _ = faults(days, 100 + np.arange(len(days)))
    assert found == [(FaultKind.MISSING_SESSION, None, "2024-02-06")]


def test_a_holiday_with_a_price_is_reported():
    days = sorted([*SESSIONS, pd.Timestamp("2024-01-15")])  # Martin Luther King Day
    found, _ = faults(days, 100 + np.arange(len(days)))
    assert found == [(FaultKind.NOT_A_SESSION, days.index(pd.Timestamp("2024-01-15")) + 2, "2024-01-15")]


def test_the_calendar_is_silent_before_it_knows_the_holidays():
    days = pd.bdate_range("1969-12-01", "1970-01-09")
    found, _ = faults(days, 100 + np.arange(len(days)))
    assert found == [(FaultKind.NOT_A_SESSION, list(days).index(pd.Timestamp("1970-01-01")) + 2, "1970-01-01")]
    assert pd.Timestamp("1970-01-01") == CHECKED_FROM


def test_a_jump_that_reverses_is_reported_but_kept():
    found, values = faults(SESSIONS[:5], [100, 101, 1010, 102, 103])
    assert found == [(FaultKind.SPIKE, 4, "2024-01-04")]
    assert values.max() == 1010


def test_a_jump_that_stays_is_none():
    assert faults(SESSIONS[:5], [100, 101, 60, 61, 62])[0] == []


def test_stale_runs_are_reported_once():
    found, _ = faults(SESSIONS[:9], [1, 2, 2, 2, 2, 2, 2, 3, 4])
    assert found == [(FaultKind.STALE, 3, "2024-01-03")]
    assert faults(SESSIONS[:7], [1, 2, 2, 2, 2, 2, 3])[0] == []


def test_a_volatility_index_may_jump_and_a_yield_may_be_negative():
    volatility = Expectation(positive=True, traded=False, daily=True)
    assert faults(SESSIONS[:5], [10, 11, 40, 12, 11], volatility)[0] == []
    series = Expectation(positive=False, traded=False, daily=False)
    assert faults(["2024-01-31", "2024-02-29"], [-0.5, 0], series)[0] == []


def test_an_unfinished_session_is_left_out():
    noon = pd.Timestamp("2024-01-05 12:00", tz="America/New_York")
    evening = pd.Timestamp("2024-01-05 17:00", tz="America/New_York")
    table = raw(SESSIONS[:4], [1, 2, 3, 4])
    during, after = clean(table, expect=PRICE, now=noon), clean(table, expect=PRICE, now=evening)
    assert [fault.kind for fault in during.faults] == [FaultKind.UNFINISHED]
    assert (len(during.values), len(after.values)) == (3, 4)
    cards = [make_card(series, table, source="folder", name="ABC") for series in (during, after)]
    assert [card.as_record().get("unfinished") for card in cards] == [True, None]
    with pytest.raises(InsufficientDataError, match="no finished session"):
        clean(raw(SESSIONS[3:4], [4]), expect=PRICE, now=noon)


def test_a_half_day_is_over_early():
    half_day = pd.Timestamp("2024-11-29")
    assert not is_finished(half_day, pd.Timestamp("2024-11-29 12:59", tz="America/New_York"))
    assert is_finished(half_day, pd.Timestamp("2024-11-29 13:00", tz="America/New_York"))


def test_dates_with_a_time_zone_keep_their_day():
    dates = pd.Series(pd.DatetimeIndex(SESSIONS[:3]).tz_localize("America/New_York"))
    found = clean(RawSeries("A", "x", dates, pd.Series([1.0, 2.0, 3.0])), expect=PRICE, now=LATER)
    assert found.values.index.equals(SESSIONS[:3])


garbage = st.sampled_from(["0", "-5", "x", "", "inf", "1e9"])


@given(st.lists(garbage, min_size=1, max_size=len(SESSIONS) - 21), st.booleans())
def test_nothing_after_as_of_is_looked_at(later, twice):
    """Not even to complain about it."""
    values = [str(100 + i) for i in range(20)]
    days = [*SESSIONS[: 20 + len(later)], *([SESSIONS[20]] if twice else [])]
    altered = raw(days, [*values, *later, *(["7"] if twice else [])])
    cut = clean(altered, expect=PRICE, as_of=SESSIONS[19], now=LATER)
    plain = clean(raw(SESSIONS[:20], values), expect=PRICE, now=LATER)
    assert cut.faults == plain.faults
    assert hash_series(cut.values) == hash_series(plain.values)


def test_the_card_says_what_was_found(tmp_path):
    rows = ["2024-01-02,10", "2024-01-03,", "2024-01-05,12"]
    (tmp_path / "prices").mkdir()
    (tmp_path / "prices" / "ABC.csv").write_text("date,close\n" + "\n".join(rows) + "\n")
    card = load_prices(open_source("folder", data_dir=str(tmp_path)), ["ABC"], as_of=date(2024, 1, 5)).cards[0]
    assert (card.first, card.last, card.rows, card.gaps) == ("2024-01-02", "2024-01-05", 2, 2)
    assert "no value (left out): 1, first 2024-01-03" in card.fault_summary()
    assert set(card.as_record()) == {"source", "id", "first", "last", "rows", "gaps", "sha256"}


def test_the_hash_is_of_what_was_used_not_of_the_file(tmp_path):
    (tmp_path / "prices").mkdir()
    path = tmp_path / "prices" / "ABC.csv"
    hashes = []
    for text in (
        "date,close\n2024-01-02,10\n2024-01-03,11\n",
        "date,high,close\n2024-01-03,9,11.0\n2024-01-02,9,10.0\n",
    ):
        path.write_text(text)
        hashes.append(load_prices(open_source("folder", data_dir=str(tmp_path)), ["ABC"]).cards[0].sha256)
    assert hashes[0] == hashes[1]
    path.write_text("date,close\n2024-01-02,10\n2024-01-03,11.0000001\n")
    assert load_prices(open_source("folder", data_dir=str(tmp_path)), ["ABC"]).cards[0].sha256 != hashes[0]


def test_stopping_faults_name_the_file_and_row():
    with pytest.raises(DataError, match=r"prices/ABC.csv, row 4 \(2024-01-04\): not a number: 'abc'"):
        clean(raw(SESSIONS[:4], [1, 2, "abc", 4]), expect=PRICE, now=LATER)
