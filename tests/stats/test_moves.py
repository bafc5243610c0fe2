"""Moves, streaks, correlations and standings against loops and counts by hand."""

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from hypothesis import given

from research_lib.stats.moves import (
    k_session_returns,
    relative_moves,
    rolling_correlation,
    spot_volatility_correlation,
    streaks,
)
from research_lib.stats.standing import standing
from tests.conftest import random_walk

DATES = pd.bdate_range("2000-01-03", periods=100, name="date")


def series(values):
    return pd.Series([float(value) for value in values], DATES[: len(values)])


def test_moves_by_hand():
    assert k_session_returns(series([100, 110, 99]), 2).iloc[-1] == pytest.approx(-0.01)


def test_difference_and_ratio_are_two_things():
    asset, benchmark = series([100, 120]), series([100, 110])
    assert relative_moves(asset, benchmark, 1).iloc[-1] == pytest.approx(0.10)
    assert relative_moves(asset, benchmark, 1, kind="ratio").iloc[-1] == pytest.approx(120 / 110 - 1)


def test_relative_moves_count_common_sessions():
    asset, benchmark = series([100, 110, 120, 130]), series([10, 11, 12, 13]).drop(DATES[1])
    found = relative_moves(asset, benchmark, 1)
    assert list(found.index) == [DATES[0], DATES[2], DATES[3]]
    assert found.iloc[1] == pytest.approx(0.2 - 0.2)


def test_streaks_by_hand():
    close = series(100 * np.cumprod([1, 1.02, 1.02, 1.02, 0.99, 1.02, 1.03]))
    found = streaks(close, 0.01)
    assert (found.current, found.longest, found.longest_end, found.as_long, found.n) == (2, 3, DATES[3], 2, 6)
    assert streaks(close, -0.005).current == 0
    assert streaks(close, -0.005).longest_end == DATES[4]
    assert streaks(close, 0.5).longest_end is None


@given(st.lists(st.sampled_from([0.98, 1.0, 1.02]), min_size=1, max_size=60))
def test_streaks_against_a_loop(steps):
    found = streaks(series(100 * np.cumprod([1, *steps])), 0.01)
    runs, length = [], 0
    for step in [*steps, 0.0]:
        if step > 1.01:
            length += 1
        elif length:
            runs.append(length)
            length = 0
    current = next((i for i, step in enumerate(reversed(steps)) if step <= 1.01), len(steps))
    assert found.current == current
    assert found.longest == max(runs, default=0)
    assert found.as_long == (sum(run >= current for run in runs) if current else 0)


def test_correlation_against_numpy(walk):
    other = random_walk(1500, seed=9)
    found = rolling_correlation(walk, other, 10)
    for t in (0, 700, len(found) - 1):
        assert found.iloc[t] == pytest.approx(np.corrcoef(walk.iloc[t : t + 10], other.iloc[t : t + 10])[0, 1])
    assert len(found) == 1500 - 9


def test_correlation_of_a_constant_is_left_out():
    found = rolling_correlation(series([1, 1, 1, 2, 3]), series([1, 2, 3, 4, 5]), 3)
    assert found.index[0] == DATES[3]
    assert rolling_correlation(series([1, 2]), series([1, 2]), 3).empty


def test_spot_volatility_uses_returns_and_changes():
    close, volatility = series([100, 101, 103, 102, 105, 104]), series([20, 19, 18, 19, 17, 18])
    returns, changes = close.pct_change().dropna(), volatility.diff().dropna()
    expected = np.corrcoef(returns, changes)[0, 1]
    assert spot_volatility_correlation(close, volatility, 5).iloc[-1] == pytest.approx(expected)


def test_standing_by_hand():
    found = standing(series([3, 5, 2, 5, 4]))
    assert (found.value, found.rank, found.n, found.percentile) == (4, 3, 5, pytest.approx(0.6))
    assert (found.last_higher, found.last_lower) == (DATES[3], DATES[2])
    assert (found.record, found.record_date) == (5, DATES[1])
    assert found.since == f"highest since {DATES[3].date()}"
    assert standing(series([1, 2, 3])).since == "highest on record"
    assert standing(series([3, 2, 1])).since == "lowest on record"
    with pytest.raises(ValueError, match="at least one value"):
        standing(series([]))


@given(st.lists(st.integers(0, 9), min_size=1, max_size=50))
def test_rank_is_that_of_pandas(values):
    found = standing(series(values))
    assert found.rank == series(values).rank(ascending=False, method="min").iloc[-1]
