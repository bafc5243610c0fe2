"""Every fault is found with its row; which ones stop a run is decided in one place."""

from datetime import date

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from hypothesis import given

from research_lib.data import load_prices, load_series, open_source
from research_lib.data.calendar import CHECKED_FROM, is_finished, sessions_between
from research_lib.data.catalog import Listing, describe_asset, describe_series
from research_lib.data.quality import DataCard, Fault, FaultKind, check_loads, clean
from research_lib.data.source import RawSeries
from research_lib.errors import DataError, InsufficientDataError

PRICE, VOLATILITY, CURRENCY = Listing("ABC", "ABC"), describe_asset("VIX"), Listing("B", "B", "currency")
SERIES = Listing("S", "S", "series")
LATER = pd.Timestamp("2026-01-02", tz="UTC")
SESSIONS = sessions_between(pd.Timestamp("2024-01-02"), pd.Timestamp("2024-03-28"))


def raw(dates, values, first_row=2, **columns):
    rows = pd.RangeIndex(first_row, first_row + len(dates))
    texts = [day if isinstance(day, str) else f"{day:%Y-%m-%d}" for day in dates]
    columns = {name: pd.Series(column, rows) for name, column in columns.items()}
    return RawSeries(
        "ABC", "prices/ABC.csv", pd.Series(texts, rows), pd.Series([str(value) for value in values], rows), **columns
    )


def faults(dates, values, info=PRICE, **options):
    values, card = clean(raw(dates, values), info, now=LATER, **options)
    return [(fault.kind, fault.row, fault.date) for fault in card.faults], values


def details(dates, values, info=PRICE, **columns):
    return [str(fault) for fault in clean(raw(dates, values, **columns), info, now=LATER)[1].faults]


def test_sound_data_has_no_faults():
    found, values = faults(SESSIONS, 100 + np.arange(len(SESSIONS)))
    assert found == []
    assert values.index.equals(SESSIONS)


def test_unsorted_rows_are_sorted_and_reported():
    found, values = faults(SESSIONS[[0, 2, 1, 3]], [1, 1.2, 1.1, 1.3])
    assert found == [(FaultKind.UNSORTED, 4, "2024-01-03")]
    assert values.tolist() == [1, 1.1, 1.2, 1.3]


def test_newest_first_is_an_order():
    found, values = faults(SESSIONS[:4][::-1], [1.3, 1.2, 1.1, 1])
    assert (found, values.tolist()) == ([], [1, 1.1, 1.2, 1.3])


@pytest.mark.parametrize("text", ["", "nan", ".", "null", "NA", "#N/A N/A"])
def test_missing_values_are_left_out_and_are_missing_sessions(text):
    found, values = faults(SESSIONS[:4], [1, text, 1.1, 1.2])
    assert found == [(FaultKind.MISSING_VALUE, 3, "2024-01-03"), (FaultKind.MISSING_SESSION, None, "2024-01-03")]
    assert values.tolist() == [1, 1.1, 1.2]


def test_missing_sessions_know_the_holidays_and_are_counted():
    days = [day for day in SESSIONS if day.month != 2]  # Presidents' Day is no session anyway
    found = clean(raw(days, 100 + np.arange(len(days))), PRICE, now=LATER)[1].faults
    assert found == (Fault(FaultKind.MISSING_SESSION, None, "2024-02-01", n=20),)


def test_a_holiday_with_a_price_is_reported():
    days = sorted([*SESSIONS, pd.Timestamp("2024-01-15")])  # Martin Luther King Day
    found, _ = faults(days, 100 + np.arange(len(days)))
    assert found == [(FaultKind.NOT_A_SESSION, days.index(pd.Timestamp("2024-01-15")) + 2, "2024-01-15")]


def test_another_calendar_is_one_fault_and_its_days_off_are_not_counted():
    every_day = pd.date_range("2024-01-02", "2024-03-28")
    found = clean(raw(every_day, 100 + np.arange(len(every_day))), PRICE, now=LATER)[1].faults
    assert {fault.kind for fault in found} == {FaultKind.OTHER_CALENDAR}
    assert sum(fault.n for fault in found) == len(every_day.difference(SESSIONS))
    assert faults(every_day, 100 + np.arange(len(every_day)), CURRENCY)[0] == []


def test_the_calendar_is_silent_before_it_knows_the_holidays():
    days = pd.bdate_range("1969-12-01", "1970-01-09")
    found, _ = faults(days, 100 + np.arange(len(days)))
    assert found == [(FaultKind.NOT_A_SESSION, list(days).index(pd.Timestamp("1970-01-01")) + 2, "1970-01-01")]
    assert pd.Timestamp("1970-01-01") == CHECKED_FROM


@pytest.mark.parametrize("sessions", [1, 2, 4])
def test_prices_in_pence_for_some_sessions_are_reported_but_kept(sessions):
    values = [100, 101, *[10_100] * sessions, 102, 103]
    found, kept = faults(SESSIONS[: len(values)], values)
    assert found == [(FaultKind.SPIKE, 4, "2024-01-04")]
    assert kept.max() == 10_100


@pytest.mark.parametrize(
    ("after", "said"),
    [
        (10.1, "a step like a split: x 0.1, near 10"),
        (25.25, "a step like a split: x 0.25, near 4"),
        (404, "a step like a split: x 4, near 4"),
        (10_100, "a step like a split: x 100, near 100"),
        (66, "a step like a split: x 0.6535, near 1.5"),
        (75, "a step of 25% or more that stays: x 0.7426"),
        (127, "a step of 25% or more that stays: x 1.257"),
    ],
)
def test_a_step_that_stays_is_reported_for_every_source(after, said):
    values = [100, 101, *after * (1 + 0.001 * np.arange(10))]
    assert details(SESSIONS[:12], values) == [f"row 4 (2024-01-04): {said}"]


@pytest.mark.parametrize("after", [77, 126])
def test_a_move_that_indices_have_made_is_no_step(after):
    assert details(SESSIONS[:12], [100, 101, *after * (1 + 0.001 * np.arange(10))]) == []


def test_a_split_that_is_recorded_but_still_in_the_prices_is_said():
    values, splits = [100, 101, *25.25 * (1 + 0.001 * np.arange(4))], [0, 0, 4, 0, 0, 0.0]
    line = "row 4 (2024-01-04): a step like a split: x 0.25, near 4; "
    assert details(SESSIONS[:6], values, splits=splits) == [line + "a split of 4 is recorded, but still in the prices"]
    assert details(SESSIONS[:6], values, splits=[0.0] * 6) == [line + "none recorded"]


def test_a_volume_without_a_price_is_told_apart():
    found = details(SESSIONS[:3], [100, "", 101], volume=[5.0, 7, 5])
    assert found[0] == "row 3 (2024-01-03): a volume but no price (left out)"


def test_stale_runs_are_reported_once():
    assert details(SESSIONS[:9], [2.1, 2, 2, 2, 2, 2, 2, 2.1, 2.2]) == [
        "row 3 (2024-01-03): the same value again and again: 2, 6 times in a row"
    ]
    assert faults(SESSIONS[:7], [2.1, 2, 2, 2, 2, 2, 2.1])[0] == []


def test_a_volatility_index_may_double_but_not_quadruple():
    assert faults(SESSIONS[:5], [10, 11, 24, 12, 11], VOLATILITY)[0] == []
    assert faults(SESSIONS[:5], [10, 11, 1100, 12, 11], VOLATILITY)[0] == [(FaultKind.SPIKE, 4, "2024-01-04")]
    with pytest.raises(DataError, match="for ABC it lies between 4 and 120: another unit"):
        faults(SESSIONS[:20], 0.15 + 0.001 * np.arange(20), VOLATILITY)


def test_a_yield_may_be_negative():
    assert faults(["2024-01-31", "2024-02-28"], [-0.5, 0], SERIES)[0] == []


@pytest.mark.parametrize(
    ("name", "scale", "said"),
    [
        ("DGS10", 0.01, "for ABC it lies between 0.3 and 25: another unit (decimals in place of percent)?"),
        ("BAMLH0A0HYM2", 107, "for ABC it lies between 1 and 30: another unit (basis points,"),
        ("SMB", 0.01, "lies between 0.2 and 10: another unit (decimals in place of percent)?"),
        ("S1V1", 1, "lies between 0.003 and 0.3: another unit (basis points, or percent in place of decimals)?"),
        ("DGS10", -1, "nearly all values are negative, which ABC never was: a wrong sign?"),
    ],
)  # fmt: skip
def test_a_series_in_another_unit_or_sign_is_refused(name, scale, said):
    months = pd.date_range("2020-01-31", periods=24, freq="ME")
    with pytest.raises(DataError) as caught:
        faults(months, scale * (4 + np.sin(np.arange(24)) / 10), describe_series(name))
    assert said in str(caught.value)
    assert len(str(caught.value)) < 400


def test_single_values_in_another_unit_and_rates_like_decimals_are_reported():
    days, rates = SESSIONS[:20], 4 + 0.01 * np.arange(20)
    in_basis_points = np.where(np.arange(20) == 7, 407, rates)
    assert details(days, in_basis_points, describe_series("DGS10")) == [
        "row 9 (2024-01-11): a value far outside what is usual: another unit?: 407",
        "row 10 (2024-01-12): a value far outside what is usual: another unit?: 4.08",  # the way back
    ]
    from_decimals = np.where(np.arange(20) < 7, rates / 100, rates)
    assert details(days, from_decimals, Listing("MINE", "MINE", "series")) == [
        "row 9 (2024-01-11): a value far outside what is usual: another unit?: 4.07"
    ]
    found = clean(raw(days, rates / 100), describe_series("DFF"), now=LATER)[1].faults
    assert {fault.kind for fault in found} == {FaultKind.SMALL_RATE}
    assert faults(days, rates, describe_series("DFF"))[0] == []


def test_missing_months_and_long_gaps_are_counted():
    months = pd.date_range("2020-01-01", periods=24, freq="MS")
    info = Listing("M", "M", "series", "monthly")
    values, card = clean(raw(months[[*range(5), *range(8, 24)]], np.arange(21)), info, now=LATER)
    assert card.faults == (Fault(FaultKind.MISSING_PERIOD, None, "2020-06-30", n=3),)
    assert values.index[0] == pd.Timestamp("2020-01-31")
    values, card = clean(raw(months[::3][[0, 1, 3]], [1, 2, 3]), Listing("Q", "Q", "series", "quarterly"), now=LATER)
    assert card.faults == (Fault(FaultKind.MISSING_PERIOD, None, "2020-09-30"),)
    assert values.index[-1] == pd.Timestamp("2020-12-31")
    assert details(["2024-01-02", "2024-03-01"], [1, 2], SERIES) == [
        "row 3 (2024-03-01): no value for more than a month: 59 days"
    ]


def test_an_unlisted_series_dated_by_firsts_of_months_is_known_at_their_ends():
    info = Listing("X", "X", "series", "")
    months = faults(["2024-01-01", "2024-02-01", "2024-03-01"], [1, 2, 3], info)[1]
    assert [str(day.date()) for day in months.index] == ["2024-01-31", "2024-02-29", "2024-03-31"]
    quarters = faults([f"2023-{month}-01" for month in ("01", "04", "07", "10")], [1, 2, 3, 4], info)[1]
    assert str(quarters.index[0].date()) == "2023-03-31"
    assert str(faults(["2024-01-01", "2024-01-02"], [1, 2], info)[1].index[0].date()) == "2024-01-01"


def test_a_later_day_does_not_change_how_months_are_dated():
    days = ["2024-01-01", "2024-02-01", "2024-03-01", "2024-03-15"]
    cut = faults(days, [1, 2, 3, 4], Listing("X", "X", "series", ""), as_of=pd.Timestamp("2024-03-10"))[1]
    assert [str(day.date()) for day in cut.index] == ["2024-01-31", "2024-02-29"]


def test_an_unfinished_session_is_left_out():
    noon = pd.Timestamp("2024-01-05 12:00", tz="America/New_York")
    evening = pd.Timestamp("2024-01-05 17:00", tz="America/New_York")
    table = raw(SESSIONS[:4], [1, 1.1, 1.2, 1.3])
    during, after = clean(table, PRICE, now=noon), clean(table, PRICE, now=evening)
    assert [fault.kind for fault in during[1].faults] == [FaultKind.UNFINISHED]
    assert (len(during[0]), len(after[0])) == (3, 4)
    assert [card.as_record().get("unfinished") for _, card in (during, after)] == [True, None]
    with pytest.raises(InsufficientDataError, match="no finished session"):
        clean(raw(SESSIONS[3:4], [4]), PRICE, now=noon)


def test_a_half_day_is_over_early():
    half_day = pd.Timestamp("2024-11-29")
    assert not is_finished(half_day, pd.Timestamp("2024-11-29 12:59", tz="America/New_York"))
    assert is_finished(half_day, pd.Timestamp("2024-11-29 13:00", tz="America/New_York"))


garbage = st.sampled_from(["0", "-5", "x", "", "inf", "1e9", "3,010", "4%"])


@given(st.lists(garbage, min_size=1, max_size=len(SESSIONS) - 21), st.booleans())
def test_nothing_after_as_of_is_looked_at(later, twice):
    """Not even to complain about it."""
    values = [str(100 + i) for i in range(20)]
    days = [*SESSIONS[: 20 + len(later)], *([SESSIONS[20]] if twice else [])]
    altered = raw(days, [*values, *later, *(["7"] if twice else [])])
    _, cut = clean(altered, PRICE, as_of=SESSIONS[19], now=LATER)
    _, plain = clean(raw(SESSIONS[:20], values), PRICE, now=LATER)
    assert (cut.faults, cut.sha256) == (plain.faults, plain.sha256)


def test_a_pull_can_ask_whether_a_series_would_load():
    check_loads(raw(SESSIONS[:3], [1, 1.1, 1.2]), PRICE)
    with pytest.raises(DataError, match=r"a price that is not positive: '0\.0'"):
        check_loads(raw(SESSIONS[:3], [1, 0.0, 1.2]), PRICE)


def test_the_card_counts_each_kind_and_names_its_first_case(tmp_path):
    rows = ["2024-01-02,10", "2024-01-03,", "2024-01-05,12"]
    (tmp_path / "prices").mkdir()
    (tmp_path / "prices" / "ABC.csv").write_text("date,close\n" + "\n".join(rows) + "\n")
    card = load_prices(open_source("folder", data_dir=str(tmp_path)), ["ABC"], as_of=date(2024, 1, 5)).cards[0]
    assert (card.first, card.last, card.rows, card.gaps) == ("2024-01-02", "2024-01-05", 2, 2)
    assert card.fault_summary() == (
        "no value (left out): 1, first 2024-01-03; an exchange session is missing: 2, first 2024-01-03"
    )
    assert set(card.as_record()) == {"source", "id", "first", "last", "rows", "gaps", "sha256"}


def test_the_card_names_a_company_where_there_is_no_date():
    found = tuple(Fault(FaultKind.NO_MARKET_VALUE, None, "", name) for name in ("GOOGL", "META"))
    card = DataCard("folder", "x", "x", "x", "2020-01-01", "2020-12-31", 5, "", found)
    assert card.fault_summary() == "no market value: 2, first GOOGL"


def test_the_hash_is_of_what_was_used_not_of_the_file(tmp_path):
    (tmp_path / "prices").mkdir()
    path = tmp_path / "prices" / "ABC.csv"

    def digest(text):
        path.write_text(text)
        return load_prices(open_source("folder", data_dir=str(tmp_path)), ["ABC"]).cards[0].sha256

    one = digest("date,close\n2024-01-02,10\n2024-01-03,11\n")
    assert digest("date,high,close\n2024-01-03,9,11.0\n2024-01-02,9,10.0\n") == one
    assert digest("date,close\n2024-01-02,10\n2024-01-03,11.0000001\n") != one


def test_real_series_are_in_their_units(shared_data):
    """No threshold of plausibility refuses or reports what is right, over 100 years of rates and returns."""
    source = open_source("folder", data_dir=str(shared_data))
    cards = load_series(source, source.series_ids()).cards
    assert {fault.kind for card in cards for fault in card.faults} <= {
        FaultKind.MISSING_VALUE,
        FaultKind.MISSING_PERIOD,
    }
