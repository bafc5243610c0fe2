"""Episodes on both sides, tails and return periods: by a loop, by scipy, by simulation."""

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from scipy import stats

from research_lib.errors import InsufficientDataError
from research_lib.stats.extremes import find_episodes, fit_tail, return_period, return_periods, years_between, years_to
from tests.stats.reference import CASES, dated


@example([4, *[0] * 10, 4, *[0] * 11, 4], 3.0, 10)
@given(st.lists(st.integers(0, 4), max_size=40), st.sampled_from([1.0, 2.5, 3.0]), st.sampled_from([0, 1, 2, 10]))
def test_episodes_follow_their_definition_and_falls_are_the_mirror_image(values, threshold, gap):
    """A value at the threshold is not beyond it; without an episode, the columns are the same."""
    path, expected = dated(values), []  # rows of start, end, peak's place and sessions
    for at, value in enumerate(values):
        if value > threshold:
            joins = expected and at - expected[-1][1] - 1 <= gap
            start, _, peak, sessions = expected.pop() if joins else (at, at, at, 0)
            expected.append((start, at, at if value > values[peak] else peak, sessions + 1))
    by_default = {} if gap == 10 else {"gap_sessions": gap}
    for sign in (1, -1):
        found = find_episodes(sign * path, sign * threshold, **by_default)
        places = [path.index.get_indexer(found[name]) for name in ("start", "end", "peak_date")]
        assert [*zip(*places, found["sessions"], strict=True)] == expected
        assert found["position"].tolist() == [first for first, *_ in expected]
        assert found["peak"].tolist() == [sign * values[peak] for _, _, peak, _ in expected]
        pd.testing.assert_series_equal(found.dtypes, find_episodes(dated([9]), 2.5).dtypes)


@pytest.mark.parametrize("shape", [-0.3, 0.0, 0.3])
def test_tail_and_return_period_against_scipy(shape):
    peaks = 2.5 + stats.genpareto.rvs(shape, scale=0.4, size=300, random_state=2)
    found = fit_tail(peaks, threshold=2.5, years=50)
    c, _, scale = stats.genpareto.fit(peaks - 2.5, floc=0)
    assert (found["shape"], found["scale"]) == pytest.approx((c, scale), abs=2e-3)
    assert years_between(found, 3.5) == pytest.approx(50 / (300 * stats.genpareto.sf(1.0, c, scale=scale)), rel=0.02)


def test_levels_outside_the_tail_and_too_few_peaks():
    tail = fit_tail(2.5 + np.linspace(0.01, 1, 30), threshold=2.5, years=40)
    end = 2.5 - tail["scale"] / tail["shape"]
    assert np.isnan(years_between(tail, [2.0, 2.5])).all()  # not beyond the threshold
    assert np.isfinite(years_between(tail, [end - 0.1, end - 1e-11, end + 0.1])).tolist() == [True, False, False]
    few, enough = (fit_tail(2.6 + 0.1 * np.arange(n), threshold=2.5, years=40) for n in (9, 10))
    assert np.isfinite([years_between(few, 3.0), years_between(enough, 3.0)]).tolist() == [False, True]


@pytest.mark.parametrize("sign", [1, -1])
def test_return_periods_by_threshold_and_without_the_record(sign):
    path = dated(stats.t.rvs(5, size=6000, random_state=0))
    level, peaks = float(path.max()), find_episodes(path, 3.0)["peak"]
    found = return_periods(sign * path, sign * level, sign * 3.0)
    years = found["years"].iloc[0]
    assert years == pytest.approx(6000 / 261, abs=0.05)  # by the calendar, not 6,000 sessions / 252 = 23.8
    assert list(sign * found["threshold"]) == pytest.approx([2.4, 2.7, 3.0, 3.3])
    assert found["n"].iloc[2] == len(peaks)
    for name, part in (("value", peaks), ("without", peaks.drop(peaks.idxmax()))):
        assert found[name].iloc[2] == years_between(fit_tail(part, threshold=3.0, years=years), level)
    assert (found["without"] > found["value"]).all()  # the record makes itself look less rare
    usual = return_period(return_periods(path, 5.0, path.quantile(0.99)), path.quantile(0.99))
    assert vars(years_to(sign * path, sign * 5.0)) == pytest.approx(vars(usual), nan_ok=True)


@pytest.mark.parametrize(("values", "without", "expected"), CASES["return_periods"])
def test_a_return_period_needs_thresholds_that_agree(values, without, expected):
    periods = pd.DataFrame({"threshold": [2.0, 2.25, 2.5, 2.75], "n": [115, 76, 37, 12], "years": 37.0})
    found = return_period(periods.assign(value=values, without=without), 2.5)
    assert (found.value, found.low, found.high, found.n) == pytest.approx((*expected, 37), nan_ok=True)
    with pytest.raises(InsufficientDataError, match=r"too few episodes \(37\)"):
        return_period(periods.assign(value=np.nan, without=np.nan), 2.5)
