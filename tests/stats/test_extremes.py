"""Episodes on both sides, tails and return periods: by hand, by scipy, by simulation."""

from itertools import pairwise

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from scipy import stats

from research_lib.stats.extremes import (
    MINIMUM_PEAKS,
    calendar_years,
    clusters,
    find_episodes,
    fit_tail,
    return_period,
    return_periods,
    years_between,
)


def path_of(values, start="2000-01-03"):
    return pd.Series(np.asarray(values, dtype=float), pd.bdate_range(start, periods=len(values), name="date"))


def heavy_path(sessions=6000, seed=0):
    """Independent values with a known tail: Student's t with five degrees of freedom."""
    return path_of(stats.t.rvs(5, size=sessions, random_state=seed))


def test_episodes_by_hand():
    path = path_of([0, 3, 2, 4, 0, 0, 3, 0, 0, 0, 0, 5])
    found = find_episodes(path, 2.5, gap_sessions=2)
    days = path.index
    assert list(found["start"]) == [days[1], days[11]]
    assert list(found["end"]) == [days[6], days[11]]
    assert list(found["peak"]) == [4.0, 5.0]
    assert list(found["peak_date"]) == [days[3], days[11]]
    assert list(found["sessions"]) == [3, 1]
    assert list(found["position"]) == [1, 11]
    assert list(find_episodes(path, 2.5, gap_sessions=1)["position"]) == [1, 6, 11]  # two sessions lie between 3 and 6


def test_a_value_at_the_threshold_is_not_beyond_it():
    assert find_episodes(path_of([2.5, -2.5]), 2.5).empty
    assert find_episodes(path_of([2.5, -2.5]), -2.5).empty


def test_no_episode_is_an_empty_frame_with_the_same_columns():
    found, some = find_episodes(path_of([0, 1]), 9), find_episodes(path_of([0, 10]), 9)
    pd.testing.assert_series_equal(found.dtypes, some.dtypes)
    assert found.empty


@given(st.lists(st.floats(-5, 5), max_size=60), st.floats(0.1, 4), st.integers(0, 5))
def test_falls_are_rises_of_the_mirror_image(values, threshold, gap):
    path = path_of(values)
    rises = find_episodes(path, threshold, gap_sessions=gap)
    falls = find_episodes(-path, -threshold, gap_sessions=gap)
    pd.testing.assert_frame_equal(falls.assign(peak=-falls["peak"]), rises)


@given(st.lists(st.booleans(), max_size=60), st.integers(0, 5))
def test_clusters_hold_every_session_beyond_and_lie_apart(beyond, gap):
    found = clusters(np.array(beyond, dtype=bool), gap_sessions=gap)
    covered = {row for first, last in found for row in range(first, last + 1)}
    assert set(np.flatnonzero(beyond)) <= covered
    assert all(beyond[first] and beyond[last] for first, last in found)
    assert all(later - earlier - 1 > gap for (_, earlier), (later, _) in pairwise(found))
    inside = [np.diff(np.flatnonzero(beyond[first : last + 1])) for first, last in found]
    assert all((steps - 1 <= gap).all() for steps in inside)


def test_years_are_those_of_the_calendar():
    assert calendar_years(pd.DatetimeIndex(["2000-01-01", "2020-01-01"])) == pytest.approx(20, abs=0.01)
    every_day = pd.date_range("2000-01-01", "2009-12-31")
    assert calendar_years(every_day) == pytest.approx(10, abs=0.01)  # not 3,653 sessions / 252 = 14.5


@pytest.mark.parametrize("shape", [-0.3, 0.0, 0.3])
def test_tail_and_return_period_against_scipy(shape):
    peaks = 2.5 + stats.genpareto.rvs(shape, scale=0.4, size=300, random_state=2)
    found = fit_tail(peaks, threshold=2.5, years=50)
    scipy_shape, _, scipy_scale = stats.genpareto.fit(peaks - 2.5, floc=0)
    assert (found["shape"], found["scale"]) == (
        pytest.approx(scipy_shape, abs=2e-3),
        pytest.approx(scipy_scale, abs=2e-3),
    )
    expected = 50 / (300 * stats.genpareto.sf(1.0, scipy_shape, scale=scipy_scale))
    assert years_between(found, 3.5) == pytest.approx(expected, rel=0.02)
    mirrored = fit_tail(-peaks, threshold=-2.5, years=50)
    assert mirrored | {"threshold": 2.5} == found
    assert years_between(mirrored, -3.5) == years_between(found, 3.5)


def test_no_tail_nearby_is_more_likely():
    """By a grid over both parameters, instead of the optimiser."""
    excesses = stats.genpareto.rvs(0.1, scale=0.4, size=40, random_state=4)
    found = fit_tail(2.5 + excesses, threshold=2.5, years=40)

    def likelihood(shape, scale):
        return stats.genpareto.logpdf(excesses, shape, scale=scale).sum()

    best = likelihood(found["shape"], found["scale"])
    steps = np.linspace(-0.3, 0.3, 31)
    assert best >= max(likelihood(found["shape"] + a, found["scale"] * np.exp(b)) for a in steps for b in steps) - 1e-9


def test_a_known_return_period_is_found_on_average():
    """Poisson arrivals and generalised Pareto peaks: the median of many estimates is near the truth."""
    rng, shape, scale, rate, years, level = np.random.default_rng(3), -0.15, 0.4, 1.2, 60, 3.3
    truth = 1 / (rate * stats.genpareto.sf(level - 2.5, shape, scale=scale))
    found = []
    for _ in range(100):
        peaks = 2.5 + stats.genpareto.rvs(shape, scale=scale, size=rng.poisson(rate * years), random_state=rng)
        found.append(years_between(fit_tail(peaks, threshold=2.5, years=years), level).item())
    assert truth / 1.35 < np.median(found) < truth * 1.35


def test_levels_outside_the_tail():
    tail = fit_tail(2.5 + np.linspace(0.01, 1, 30), threshold=2.5, years=40)
    assert tail["shape"] < 0
    end = 2.5 - tail["scale"] / tail["shape"]
    assert np.isnan(years_between(tail, [2.0, 2.5])).all()  # not beyond the threshold
    assert np.isinf(years_between(tail, end + 0.1))
    assert np.isnan(years_between(fit_tail(np.full(MINIMUM_PEAKS - 1, 3.0), threshold=2.5, years=40), 3.0))


def test_return_periods_by_threshold_and_without_the_record():
    path = heavy_path()
    level, threshold = float(path.max()), 3.0
    found = return_periods(path, level, threshold)
    assert list(found["threshold"]) == pytest.approx([2.4, 2.7, 3.0, 3.3])
    middle = found.iloc[2]
    peaks = find_episodes(path, 3.0)["peak"]
    years = calendar_years(path.index)
    assert middle["n"] == len(peaks)
    assert middle["value"] == years_between(fit_tail(peaks, threshold=3.0, years=years), level)
    rest = peaks[peaks < peaks.max()]
    assert len(rest) == len(peaks) - 1
    assert middle["without"] == years_between(fit_tail(rest, threshold=3.0, years=years), level)
    assert (found["without"] > found["value"]).all()  # the record makes itself look less rare
    mirrored = return_periods(-path, -level, -threshold)
    pd.testing.assert_frame_equal(mirrored.assign(threshold=-mirrored["threshold"]), found)


def frame_of(values, without=None):
    return pd.DataFrame({"threshold": [2.0, 2.25, 2.5, 2.75], "n": [115, 76, 37, 12], "value": values,
                         "without": without or values})  # fmt: skip


def test_a_return_period_needs_thresholds_that_agree():
    agreed = return_period(frame_of([4.0, 5.0, 6.0, 8.0], [5.0, 7.0, 9.0, 11.0]), 2.5, 37)
    assert (agreed.value, agreed.low, agreed.high, agreed.n) == (6.0, 4.0, 11.0, 37)
    apart = return_period(frame_of([4.0, 5.0, 6.0, 40.0]), 2.5, 37)  # tenfold
    assert (np.isnan(apart.value), apart.low, apart.high) == (True, 4.0, 40.0)
    long = return_period(frame_of([100.0, 110.0, 120.0, 380.0]), 2.5, 37)  # ten times the history
    assert np.isnan(long.value)
    endless = return_period(frame_of([63.0, 110.0, 200.0, 700.0], [63.0, 110.0, 200.0, np.inf]), 2.5, 37)
    assert (np.isnan(endless.value), endless.low, endless.high) == (True, 63.0, np.inf)
    few = return_period(frame_of([np.nan] * 4), 2.5, 37)
    assert np.isnan([few.value, few.low, few.high]).all()


def test_the_published_record(shared_data):
    """The Russell 2000 to 16 July 2024: the estimates that numbers worked out another way give, 697 to 63 years."""
    from research_lib.stats.sigma import sigma_path

    close = pd.read_csv(shared_data / "prices" / "RUT.csv", index_col="date", parse_dates=True)["close"][:"2024-07-16"]
    path = sigma_path(close, "price_z")
    found = return_periods(path, float(path.iloc[-1]), 2.5)
    assert list(found["n"]) == [115, 76, 37, 12]
    np.testing.assert_allclose(found["value"], [696, 196, 110, 63], rtol=0.01)
    assert np.isinf(found["without"].iloc[0])
    np.testing.assert_allclose(found["without"].iloc[2:], [729, 189], rtol=0.01)
