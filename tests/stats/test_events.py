"""Episodes and what followed them, against counts made by hand."""

from itertools import pairwise

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from hypothesis import given

from research_lib.stats.events import find_episodes, forward_returns, what_followed
from research_lib.stats.sigma import sigma_path
from tests.conftest import random_walk

DATES = pd.bdate_range("2000-01-03", periods=60, name="date")


def path_with(above):
    values = np.zeros(60)
    values[list(above)] = [above[position] for position in above]
    return pd.Series(values, DATES)


def test_gaps_up_to_the_limit_are_joined():
    path = path_with({5: 3.0, 16: 4.0, 28: 3.5})  # 10 sessions between the first two, 11 before the last
    first, second = find_episodes(path, 2.5, cluster_gap_sessions=10)
    assert (first.start, first.end, first.peak, first.peak_date) == (DATES[5], DATES[16], 4.0, DATES[16])
    assert first.sessions_above == 2
    assert (second.start, second.sessions_above) == (DATES[28], 1)


def test_a_value_at_the_threshold_is_not_above():
    assert find_episodes(path_with({5: 2.5}), 2.5) == []


@given(st.lists(st.booleans(), min_size=1, max_size=60), st.integers(0, 12))
def test_episodes_part_the_sessions_above(above, gap):
    path = pd.Series(np.array(above, dtype=float), DATES[: len(above)])
    episodes = find_episodes(path, 0.5, cluster_gap_sessions=gap)
    assert sum(episode.sessions_above for episode in episodes) == sum(above)
    positions = [(path.index.get_loc(episode.start), path.index.get_loc(episode.end)) for episode in episodes]
    for (_, end), (start, _) in pairwise(positions):
        assert start - end - 1 > gap
    runs = 0  # by a loop: a session above opens an episode when none of the last gap + 1 sessions was above
    for t, one in enumerate(above):
        runs += one and not any(above[max(0, t - gap - 1) : t])
    assert len(episodes) == runs


def test_the_date_of_an_episode_does_not_know_its_future(walk):
    """What comes later may lengthen an episode or raise its peak, never move its start."""
    path = sigma_path(walk, "price_z")
    full = [episode.start for episode in find_episodes(path, 1.5)]
    for cut in range(100, len(path), 97):
        known = [episode.start for episode in find_episodes(path.iloc[:cut], 1.5)]
        assert known == [start for start in full if start <= path.index[cut - 1]]


def test_what_followed_against_a_loop(walk):
    events = list(walk.index[[100, 180, 700, 1490]])
    outcomes = what_followed({h: forward_returns(walk, h) for h in (1, 21)}, events, since=walk.index[50])
    for outcome in outcomes:
        h, prices = outcome.horizon_sessions, walk.to_numpy()
        after = [prices[t + h] / prices[t] - 1 for t in (100, 180, 700, 1490) if t + h < len(prices)]
        others = [prices[t + h] / prices[t] - 1 for t in range(50, 1500 - h) if t not in {100, 180, 700, 1490}]
        assert (outcome.n, outcome.cut_off, outcome.n_base) == (len(after), 4 - len(after), len(others))
        assert outcome.mean == pytest.approx(np.mean(after))
        assert outcome.median == pytest.approx(np.median(after))
        assert outcome.share_positive == np.mean(np.array(after) > 0)
        assert outcome.base == pytest.approx(np.mean(others))
        assert outcome.base_share_positive == pytest.approx(np.mean(np.array(others) > 0))
        assert outcome.low < outcome.mean < outcome.high
    assert [outcome.cut_off for outcome in outcomes] == [0, 1]
    assert all(outcome.p_holm >= outcome.p_value for outcome in outcomes)


def test_events_before_the_returns_begin_do_not_count(walk):
    forward = {5: forward_returns(walk.iloc[500:], 5)}
    outcome = what_followed(forward, list(walk.index[[100, 600]]), since=walk.index[50])[0]
    assert (outcome.n, outcome.cut_off) == (1, 0)


def test_no_event_inside_leaves_the_base_rate(walk):
    outcome = what_followed({252: forward_returns(walk, 252)}, [walk.index[-1]], since=walk.index[0])[0]
    assert (outcome.n, outcome.cut_off) == (0, 1)
    assert np.isnan(outcome.mean)
    assert np.isnan(outcome.p_value)
    assert np.isfinite(outcome.base)


def test_size_of_the_whole_path_from_prices_to_p_value():
    """Random walks have no memory: sigma, episodes and forward returns together give uniform p-values."""
    p_values = []
    for seed in range(400):
        close = random_walk(900, seed=seed)
        path = sigma_path(close, "price_z")
        starts = [episode.start for episode in find_episodes(path, 1.8)]
        outcome = what_followed({10: forward_returns(close, 10)}, starts, since=path.index[0])[0]
        p_values.append(outcome.p_value)
    rejected = np.mean(np.array(p_values) <= 0.05)
    assert abs(rejected - 0.05) < 3.3 * np.sqrt(0.05 * 0.95 / 400)
    assert abs(np.mean(p_values) - 0.5) < 3.3 * np.sqrt(1 / 12 / 400)


def test_a_planted_drift_after_episodes_is_found():
    found = 0
    for seed in range(30):
        close = random_walk(1500, seed=seed)
        starts = [episode.start for episode in find_episodes(sigma_path(close, "price_z"), 1.8)]
        drift = pd.Series(0.0, close.index)
        for start in starts:
            after = close.index.get_loc(start) + 1
            drift.iloc[after : after + 10] += 0.004  # 4% over ten sessions
        moved = close * np.exp(drift.cumsum())
        outcome = what_followed({10: forward_returns(moved, 10)}, starts, since=moved.index[50])[0]
        found += outcome.p_value < 0.05 and outcome.mean > outcome.base
    assert found >= 28
