"""Seasons, spaced days, windows and what a few cases say: by words, by loops, and by statsmodels."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from research_lib.stats.cases import after, median, nth_of_period, seasons, share
from research_lib.stats.regression import cosine_mean
from tests.stats.reference import CASES

SESSIONS = pd.bdate_range("2000-01-03", "2005-12-30")


@pytest.mark.parametrize(("opens", "closes", "last_over"), CASES["seasons"].values(), ids=CASES["seasons"])
def test_a_season_holds_the_days_between_its_ends_and_belongs_to_the_year_in_which_it_ends(opens, closes, last_over):
    (opens, opened, n_first), (closes, closed, n_last) = ends = [(*one, "", 0)[:3] for one in (opens, closes)]
    inside, years, over = seasons(SESSIONS, pd.Timestamp("2006-01-02"), *ends)
    days = SESSIONS.to_series()
    for year in range(2001, 2006):
        first, last = days[f"{year - (opens > closes)}-{opens}"], days[f"{year}-{closes}"]
        start = {"": first[:1], "last": first[-n_first:], "day": first[first.dt.day >= n_first]}[opened].iloc[0]
        end = {"": last, "first": last[:n_last], "day": last[last.dt.day <= n_last]}[closed].iloc[-1]
        assert SESSIONS[inside & (years == year)].equals(days[start:end].index)
        assert over.loc[year].tolist() == [SESSIONS.get_loc(start) - 1, SESSIONS.get_loc(end)]
    assert over.index.tolist() == [*range(2000 + (opens > closes), 2006)]  # that of 2006 is under way
    for day, year in zip(pd.DatetimeIndex(last_over), last_over.values(), strict=True):
        assert seasons(SESSIONS[day > SESSIONS], day, *ends)[2].index[-1] == year


def test_the_last_places_of_a_period_are_known_once_it_is_over():
    march = SESSIONS[SESSIONS.slice_indexer("2004-03-30", "2004-04-02")]  # Tuesday to Friday
    for day, n, marked in (("04-05", 1, [0, 2]), ("04-05", -1, [1]), ("05-03", -1, [1, 3]), ("04-05", 0, [1, 3])):
        assert [*np.flatnonzero(nth_of_period(march, n, "M", pd.Timestamp(f"2004-{day}")))] == marked


def test_what_followed_is_known_once_its_window_is_over():
    values, next_day, nan = pd.Series(np.arange(1.0, 31), SESSIONS[:30]), pd.Timestamp("2000-02-14"), np.nan
    np.testing.assert_array_equal(after(values, 3, next_day, kind="points"), [*[3] * 27, nan, nan, nan])
    before = [nan] * 4 + [values.iloc[at - 1] / values.iloc[at - 4] - 1 for at in range(4, 30)]
    np.testing.assert_allclose(after(values, -3, next_day), before)
    month = pd.DateOffset(months=1)
    ends = [values[: day + month].iloc[-1] if day + month < next_day else nan for day in values.index]
    np.testing.assert_allclose(after(values, 1, next_day, unit="month"), ends / values - 1)


def test_what_happened_on_the_way_and_what_few_cases_say():
    prices = pd.Series([100.0, 120, 90, 110, 0], SESSIONS[:5])
    for path, expected in {"drawdown": [-0.25, np.nan], "highest": [0.2, np.nan], "lowest": [-0.1, np.nan]}.items():
        np.testing.assert_allclose(after(prices, 3, SESSIONS[5], path=path), [*expected, *[np.nan] * 3])
    back = prices.iloc[3::-1].set_axis(SESSIONS[:4])  # 110, 90, 120, 100
    assert after(back, -2, SESSIONS[4], path="lowest").iloc[3] == 90 / 110 - 1
    for hits, n in ((0, 4), (3, 10), (5, 5)):
        found, theirs = share(pd.Series(np.arange(n) < hits), n), proportion_confint(hits, n, method="beta")
        assert [found.value, found.n, found.low, found.high] == pytest.approx([hits / n, n, *theirs])
    values = pd.Series(np.random.default_rng(0).normal(size=41))
    theirs = stats.quantile_test(values, q=0, p=0.5).confidence_interval(0.95)
    assert [*vars(median(values, 41)).values()][:4] == [values.median(), 41, theirs.low, theirs.high]
    assert [np.isfinite(median(values[:n], n).low) for n in (5, 6)] == [False, True]


def test_an_interval_of_days_rests_on_the_years_in_which_a_state_lasts():
    line = pd.Series(np.sin(np.arange(len(SESSIONS)) / 90), SESSIONS)
    found, years = share(line > 0, len(line), of_days=True), (SESSIONS[-1] - SESSIONS[0]).days / 365.25
    error = cosine_mean(line > 0, independent=years)
    assert (found.low, found.high) == (max(error.low, 0), min(error.high, 1))
    assert np.isnan([share(line[:23] > -1, 23, of_days=True).low, share(line > -2, 9, of_days=True).low]).all()
