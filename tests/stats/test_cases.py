"""Seasons, spaced days, windows and what a few cases say: by words, by loops, and by statsmodels."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from research_lib.stats import cases
from research_lib.stats.cases import SeasonEnd, median, on_the_way, season_days, share, spaced, windows_after
from tests.stats.reference import CASES

SESSIONS = pd.bdate_range("2000-01-03", "2005-12-30")


@pytest.mark.parametrize(("opens", "closes", "not_over"), CASES["seasons"].values(), ids=CASES["seasons"])
def test_a_season_holds_the_days_between_its_ends_and_belongs_to_the_year_in_which_it_ends(opens, closes, not_over):
    opens, closes = SeasonEnd(*opens), SeasonEnd(*closes)
    inside, years, under_way = season_days(SESSIONS, opens, closes, pd.Timestamp("2006-01-02"))
    over = cases.seasons_over(inside, years, under_way)
    days = SESSIONS.to_series()
    for year in range(2001, 2006):
        first, last = days[f"{year - (opens.month > closes.month)}-{opens.month}"], days[f"{year}-{closes.month}"]
        start = {"": first[:1], "last": first[-opens.n :], "day": first[first.dt.day >= opens.n]}[opens.how].iloc[0]
        end = {"": last, "first": last[: closes.n], "day": last[last.dt.day <= closes.n]}[closes.how].iloc[-1]
        assert SESSIONS[inside & (years == year)].equals(days[start:end].index)
        assert over.loc[year].tolist() == [SESSIONS.get_loc(start) - 1, SESSIONS.get_loc(end)]
    assert over.index.tolist() == [*range(2000 + (opens.month > closes.month), 2006)]  # that of 2006 is under way
    for day, year in zip(pd.DatetimeIndex(not_over), not_over.values(), strict=True):
        assert season_days(SESSIONS[day > SESSIONS], opens, closes, day)[2] == year


@given(st.lists(st.integers(0, 30), max_size=12), st.integers(1, 6))
def test_spaced_days_are_kept_if_they_are_late_enough(rows, gap):
    rows, kept = sorted(rows), []
    for row in rows:
        if not kept or row - kept[-1] >= gap:
            kept.append(row)
    assert [rows[place] for place in spaced(rows, gap)] == kept


def test_a_window_is_over_before_the_next_day():
    index, month = SESSIONS[:30], pd.DateOffset(months=1)  # to 2000-02-11
    after, before = (windows_after(index, n, None, index[-1]).tolist() for n in (3, -3))
    assert after == [[at, at, at + 3] for at in range(27)]
    assert before == [[at, at - 4, at - 1] for at in range(4, 30)]
    ends = [(at, day + month) for at, day in enumerate(index) if day + month < pd.Timestamp("2000-02-14")]
    expected = [[at, at, int(np.flatnonzero(index <= end)[-1])] for at, end in ends]
    assert windows_after(index, 0, month, pd.Timestamp("2000-02-14")).tolist() == expected


def test_what_happened_on_the_way_and_what_few_cases_say():
    prices = np.array([100.0, 120, 90, 110])
    found = [on_the_way(prices, path) for path in ("drawdown", "highest", "lowest")]
    assert [*found, on_the_way(prices[::-1], "lowest")] == pytest.approx([90 / 120 - 1, 0.2, -0.1, 90 / 110 - 1])
    assert np.isnan([on_the_way(prices[:1], "highest"), on_the_way(np.array([1.0, 0.0]), "lowest")]).all()
    for hits, n in ((0, 4), (3, 10), (5, 5)):
        expected = [hits / n, n, *proportion_confint(hits, n, method="beta")]
        assert [*vars(share(hits, n)).values()][:4] == pytest.approx(expected)  # value, n, low and high
    values = pd.Series(np.random.default_rng(0).normal(size=41))
    theirs = stats.quantile_test(values, q=0, p=0.5).confidence_interval(0.95)
    assert [*vars(median(values)).values()][:4] == [values.median(), 41, theirs.low, theirs.high]
    assert [np.isfinite(median(values[:n]).low) for n in (5, 6)] == [False, True]
