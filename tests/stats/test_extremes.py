"""Episodes on both sides, tails and return periods: by hand, by scipy, by simulation."""

from itertools import pairwise

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from scipy import stats

from research_lib.stats.extremes import calendar_years, clusters, find_episodes, fit_tail, return_periods, years_between
from research_lib.stats.extremes import return_period as summed
from research_lib.stats.sigma import sigma_path


def path_of(values):
    return pd.Series(np.asarray(values, dtype=float), pd.bdate_range("2000-01-03", periods=len(values), name="date"))


def test_episodes_by_hand():
    path = path_of([0, 3, 2, 4, 0, 0, 3, 0, 0, 0, 0, 5])
    days = path.index
    found = find_episodes(path, 2.5, gap_sessions=2)
    assert found.to_dict("list") == {
        "start": [days[1], days[11]], "end": [days[6], days[11]], "peak": [4, 5], "peak_date": [days[3], days[11]],
        "sessions": [3, 1], "position": [1, 11],
    }  # fmt: skip
    assert list(find_episodes(path, 2.5, gap_sessions=1)["position"]) == [1, 6, 11]  # two sessions lie between 3 and 6
    assert len(find_episodes(path_of([9, *[0] * 10, 9, *[0] * 11, 9]), 2.5)) == 2  # ten are joined, eleven are not


def test_no_episode_is_an_empty_frame_with_the_same_columns():
    """A value at the threshold is not beyond it."""
    for threshold in (2.5, -2.5):
        found = find_episodes(path_of([2.5, -2.5]), threshold)
        assert found.empty
        pd.testing.assert_series_equal(found.dtypes, find_episodes(path_of([10, -10]), threshold).dtypes)


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
    assert (found["shape"], found["scale"]) == pytest.approx((scipy_shape, scipy_scale), abs=2e-3)
    expected = 50 / (300 * stats.genpareto.sf(1.0, scipy_shape, scale=scipy_scale))
    assert years_between(found, 3.5) == pytest.approx(expected, rel=0.02)
    mirrored = fit_tail(-peaks, threshold=-2.5, years=50)
    assert mirrored | {"threshold": 2.5} == found
    assert years_between(mirrored, -3.5) == years_between(found, 3.5)


def test_a_known_return_period_is_found_on_average():
    """Poisson arrivals and generalised Pareto peaks: the median of many estimates is near the truth."""
    rng, shape, scale, rate, years, level = np.random.default_rng(3), -0.15, 0.4, 1.2, 60, 3.3
    truth = 1 / (rate * stats.genpareto.sf(level - 2.5, shape, scale=scale))
    found = []
    for _ in range(100):
        peaks = 2.5 + stats.genpareto.rvs(shape, scale=scale, size=rng.poisson(rate * years), random_state=rng)
        found.append(years_between(fit_tail(peaks, threshold=2.5, years=years), level).item())
    assert truth / 1.35 < np.median(found) < truth * 1.35


def test_levels_outside_the_tail_and_too_few_peaks():
    tail = fit_tail(2.5 + np.linspace(0.01, 1, 30), threshold=2.5, years=40)
    assert tail["shape"] < 0
    end = 2.5 - tail["scale"] / tail["shape"]
    assert np.isnan(years_between(tail, [2.0, 2.5])).all()  # not beyond the threshold
    assert np.isfinite(years_between(tail, [end - 0.1, end + 0.1])).tolist() == [True, False]
    few, enough = (fit_tail(2.6 + 0.1 * np.arange(n), threshold=2.5, years=40) for n in (9, 10))
    assert np.isnan(years_between(few, 3.0))
    assert np.isfinite(years_between(enough, 3.0))


def test_return_periods_by_threshold_and_without_the_record():
    path = path_of(stats.t.rvs(5, size=6000, random_state=0))
    level, threshold = float(path.max()), 3.0
    found = return_periods(path, level, threshold)
    assert list(found["threshold"]) == pytest.approx([2.4, 2.7, 3.0, 3.3])
    middle, peaks, years = found.iloc[2], find_episodes(path, 3.0)["peak"], calendar_years(path.index)
    rest = peaks.drop(peaks.idxmax())
    assert middle["n"] == len(peaks)
    for name, part in (("value", peaks), ("without", rest)):
        assert middle[name] == years_between(fit_tail(part, threshold=3.0, years=years), level)
    assert (found["without"] > found["value"]).all()  # the record makes itself look less rare
    mirrored = return_periods(-path, -level, -threshold)
    pd.testing.assert_frame_equal(mirrored.assign(threshold=-mirrored["threshold"]), found)


FOUND = {  # years at four thresholds, and with the record left out; the value, low and high
    (4, 5, 6, 8, 5, 7, 9, 11): (6, 4, 11),
    (4, 5, 6, 39.9): (6, 4, 39.9),
    (4, 5, 6, 40): (np.nan, 4, 40),  # tenfold
    (100, 110, 120, 369): (120, 100, 369),
    (100, 110, 120, 370): (np.nan, 100, 370),  # ten times the history
    (63, 110, 200, 700, 63, 110, 200, np.inf): (np.nan, 63, np.inf),
    (np.nan,) * 4: (np.nan,) * 3,
}


@pytest.mark.parametrize(("years", "expected"), FOUND.items())
def test_a_return_period_needs_thresholds_that_agree(years, expected):
    periods = {"threshold": [2.0, 2.25, 2.5, 2.75], "n": [115, 76, 37, 12], "value": years[:4], "without": years[-4:]}
    found = summed(pd.DataFrame(periods), 2.5, 37)
    assert (found.value, found.low, found.high, found.n) == pytest.approx((*expected, 37), nan_ok=True)


def test_the_published_record(shared_data):
    """The Russell 2000 to 16 July 2024: the estimates that numbers worked out another way give, 697 to 63 years."""
    close = pd.read_csv(shared_data / "prices" / "RUT.csv", index_col="date", parse_dates=True)["close"][:"2024-07-16"]
    path = sigma_path(close, "price_z")
    found = return_periods(path, float(path.iloc[-1]), 2.5)
    assert list(found["n"]) == [115, 76, 37, 12]
    np.testing.assert_allclose(found["value"], [696, 196, 110, 63], rtol=0.01)
    np.testing.assert_allclose(found["without"].iloc[[0, 2, 3]], [np.inf, 729, 189], rtol=0.01)
