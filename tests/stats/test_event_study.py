"""Outcomes by hand on price levels, the event dummy by loops over time, and both tests by simulation."""

import numpy as np
import pandas as pd
import pytest

from research_lib.stats.estimate import holm
from research_lib.stats.event_study import COLUMNS, event_dummy, event_paths, event_study, window_outcomes
from research_lib.stats.randomization import sign_flip

PERIODS, LEVEL = 300, 0.05
either = pytest.mark.parametrize("compounded", [True, False])


@pytest.fixture(scope="module")
def legs():
    index = pd.bdate_range("2000-01-03", periods=PERIODS, name="date")
    return tuple(pd.Series(leg, index) for leg in np.random.default_rng(0).normal(0.0005, 0.012, (2, PERIODS)))


def by_hand(small, large, at, horizon, *, compounded):
    """Buy at one close and sell at another, on price levels; or add up the differences one by one."""
    first, last = (at + 1, at + horizon) if horizon > 0 else (at + horizon, at - 1) if horizon < 0 else (at, at)
    if first < 0 or last >= len(small):
        return np.nan
    signed = [(1, small)] if large is None else [(1, small), (-1, large)]
    if not compounded:
        return sum(sign * leg[t] for sign, leg in signed for t in range(first, last + 1))
    return sum(sign * (np.prod(1 + leg[first : last + 1]) - 1) for sign, leg in signed)


@either
@pytest.mark.parametrize("horizon", [5, -21, 0, 252, 1, -1])
@pytest.mark.parametrize("alone", [True, False])
def test_outcomes_by_hand(legs, horizon, compounded, alone):
    small, large = legs[0].to_numpy(), None if alone else legs[1].to_numpy()
    found = window_outcomes(small, horizon, less=large, compounded=compounded)
    expected = [by_hand(small, large, at, horizon, compounded=compounded) for at in range(PERIODS)]
    np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize("horizon", [21, -21])
def test_beta_is_fitted_before_the_window(legs, horizon):
    small, large = legs
    found = window_outcomes(small, horizon, less=large, market=large, beta_periods=60)
    at = 150
    end = at if horizon > 0 else at + horizon - 1  # the last period before the window
    fitted = slice(end - 59, end + 1)
    beta = np.polyfit(large.iloc[fitted], (small - large).iloc[fitted], 1)[0]
    plain = window_outcomes(small, horizon, less=large)[at]
    assert found[at] == pytest.approx(plain - beta * window_outcomes(large, horizon)[at])
    first = 59 if horizon > 0 else 59 + 21 + 1
    assert np.isfinite(found[[first - 1, first]]).tolist() == [False, True]
    year = window_outcomes(small, 1, less=large, market=large)  # by default the beta of 252 periods
    assert np.flatnonzero(np.isfinite(year))[0] == 251
    study = event_study(small, range(300), (1,), less=large, market=large, test="sign flip").iloc[0]
    assert (study["n"], study["mean"]) == (48, pytest.approx(np.nanmean(year)))


def test_a_row_is_put_together_from_its_tests(legs):
    at, cycles = np.array([2, 40, 43, 120, -1, 200, 290]), [0, 1, 1, 2, 3, 4, 5]
    frame = event_study(legs[0], at, (21, -1, 0), less=legs[1], groups=cycles, test="sign flip")
    assert tuple(frame.columns) == COLUMNS
    inside, own = [2, 40, 43, 120, 200], np.array([0, 1, 1, 2, 4])
    outcomes = window_outcomes(legs[0], 21, less=legs[1])
    values = outcomes[inside]
    flipped = sign_flip(values, groups=own)
    without = [values[own != cycle].mean() for cycle in (0, 1, 2, 4)]
    expected = {
        "horizon": 21, "n": 5, "n_cut": 2, "mean": values.mean(), "median": np.median(values),
        "share_positive": np.mean(values > 0), "base": np.nanmean(np.delete(outcomes, inside)), "value": values.mean(),
        "low": flipped.low, "high": flipped.high, "p": flipped.p, "p_smallest": flipped.p_smallest,
        "p_holm": holm(frame["p"])[0], "jackknife_low": min(without), "jackknife_high": max(without),
    }  # fmt: skip
    assert frame.iloc[0].to_dict() == pytest.approx(expected, nan_ok=True)


def test_a_leg_is_held_against_all_other_periods_and_without_events_all_is_missing(legs):
    at, rising = np.arange(10, 240, 25), legs[0] + 0.05
    plain, excess = (event_study(rising, at, (5,), test=test).iloc[0] for test in ("sign flip", "sign flip from base"))
    assert plain["p"] == plain["p_smallest"]  # all up, as all periods are
    assert excess["p"] > 0.05
    assert excess["value"] == pytest.approx(plain["mean"] - plain["base"])
    row = event_study(legs[0], [-1, 200], (252,), test="sign flip").iloc[0]
    assert (row["n"], row["n_cut"]) == (0, 2)
    assert np.isnan(row[["mean", "value", "p", "p_holm", "low"]].to_numpy(float)).all()


@either
def test_paths_pass_through_the_outcomes(legs, compounded):
    paths = event_paths(legs[0], [5, 100, -1, 295], before=21, after=21, compounded=compounded)
    assert list(paths.columns) == list(legs[0].index[[5, 100, 295]])
    assert list(paths.index) == list(range(-21, 22))
    np.testing.assert_allclose(paths.loc[0], 0, atol=1e-15)
    after = window_outcomes(legs[0], 21, compounded=compounded)
    np.testing.assert_allclose(paths.loc[21], after[[5, 100, 295]], atol=1e-12)
    assert paths.loc[-21].isna().tolist() == [True, False, False]
    made = by_hand(
        legs[0].to_numpy(), None, 79, 21, compounded=compounded
    )  # from 21 periods before to the event's close
    assert paths.loc[-21].iloc[1] == pytest.approx(1 / (1 + made) - 1 if compounded else -made)


def brute_hodrick(returns, events, horizon, *, compounded):
    """Write the regression and Hodrick's 1B out as loops over time: the slope, and each period's part of its error."""
    n, mean = len(returns), returns.mean()
    outcomes = np.array([by_hand(returns, None, t, horizon, compounded=compounded) for t in range(n)])
    known = np.isfinite(outcomes)
    dummy = np.isin(np.arange(n), events)[known].astype(float)
    x, score = np.zeros(n), np.zeros(n)
    x[known] = dummy - dummy.mean()
    for s in range(n):
        for t in range(max(0, s - horizon), s):  # windows that are open in period s
            grown = np.prod(1 + returns[t + 1 : s]) * (1 + mean) ** (t + horizon - s) if compounded else 1.0
            score[s] += x[t] * grown * (returns[s] - mean)
    return np.append(x[known] @ outcomes[known], score) / (x @ x)


@either
@pytest.mark.parametrize("horizon", [1, 3, 12])
@pytest.mark.parametrize("alone", [True, False])
def test_event_dummy_written_out(horizon, compounded, alone):
    returns, less = np.random.default_rng(7).normal(0.002, 0.05, (2, 90))
    events = [3, 20, 21, 22, 50, 70, 89]
    found = event_dummy(returns, events, horizon, less=None if alone else less, compounded=compounded)
    value, *score = brute_hodrick(returns, events, horizon, compounded=compounded) - (
        0 if alone else brute_hodrick(less, events, horizon, compounded=compounded)
    )
    assert found.value == pytest.approx(value)
    assert (found.high - found.low) / (2 * 1.959963984540054) == pytest.approx(np.linalg.norm(score))
    assert found.n == sum(event + horizon < 90 for event in events)
    assert 0 < found.p_smallest <= found.p


def test_event_dummy_keeps_its_size_when_events_come_in_turmoil():
    """Events stand where volatility is three times the usual, where placing them elsewhere would reject far too often."""
    rng, samples, spread = np.random.default_rng(9), 600, np.full(1200, 0.01)
    turmoil = np.add.outer(np.arange(100, 1200, 250), np.arange(40)).ravel()
    spread[turmoil] = 0.03
    drawn = [rng.normal(size=1200) * spread for _ in range(samples)]
    for horizon in (1, 5, 21):
        rejected = np.mean([event_dummy(returns, turmoil[::18], horizon).p <= LEVEL for returns in drawn])
        assert rejected == pytest.approx(LEVEL, abs=3.5 * np.sqrt(LEVEL * (1 - LEVEL) / samples))


def test_event_dummy_finds_a_planted_effect_and_says_when_events_are_few(legs):
    at, small = np.arange(20, 280, 30), legs[0].to_numpy().copy()
    for position in at:
        small[position + 1 : position + 6] += 0.02
    found = event_dummy(small, at, 5, less=legs[1])
    assert (found.value, found.low > 0) == (pytest.approx(0.1, abs=0.03), True)
    few = event_dummy(small, at[:4], 5)
    assert np.isfinite([few.value, few.p, few.low, few.high]).tolist() == [True, False, False, False]
    assert np.isfinite(event_dummy(small, at[:5], 5).p)
    assert np.isnan(event_dummy(small, [-1], 5).value)
