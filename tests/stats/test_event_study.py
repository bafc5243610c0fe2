"""Outcomes by hand on price levels, the event dummy by loops over time, and both tests on planted effects."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from research_lib.stats.estimate import NORMAL_QUANTILE, holm
from research_lib.stats.event_study import Legs, event_dummy, event_paths, event_study, mean_outcome, window_outcomes
from research_lib.stats.randomization import sign_flip
from tests.stats.reference import dated

PERIODS = 300
either = pytest.mark.parametrize("compounded", [True, False])
SMALL, LARGE = map(dated, np.random.default_rng(0).normal(0.0005, 0.012, (2, PERIODS)))
ALONE, BOTH = Legs(SMALL), Legs(SMALL, LARGE)


def by_hand(leg, at, horizon, *, compounded):
    """Buy at one close and sell at another; or add up the returns one by one."""
    first, last = (at + 1, at + horizon) if horizon > 0 else (at + horizon, at - 1) if horizon < 0 else (at, at)
    if first < 0 or last >= len(leg):
        return np.nan
    window = leg[first : last + 1]
    return np.prod(1 + window) - 1 if compounded else np.sum(window)


@either
@pytest.mark.parametrize("horizon", [5, -21, 0, 252, 1, -1])
@pytest.mark.parametrize("less", [None, LARGE], ids=["alone", "pair"])
def test_outcomes_by_hand(horizon, compounded, less):
    found = window_outcomes(Legs(SMALL, less, compounded), horizon)
    legs = SMALL.to_numpy(), np.zeros(PERIODS) if less is None else less.to_numpy()
    small, large = ([by_hand(leg, at, horizon, compounded=compounded) for at in range(PERIODS)] for leg in legs)
    np.testing.assert_allclose(found, np.subtract(small, large), atol=1e-12)


@pytest.mark.parametrize(("horizon", "end", "first"), [(21, 150, 59), (-21, 150 - 22, 59 + 22)])
def test_beta_is_fitted_before_the_window(horizon, end, first):
    """The last period before the window around period 150 is `end`."""
    found = window_outcomes(Legs(SMALL, LARGE, market=LARGE, beta_periods=60), horizon)
    fitted = slice(end - 59, end + 1)
    beta = np.polyfit(LARGE.iloc[fitted], (SMALL - LARGE).iloc[fitted], 1)[0]
    plain, market = (window_outcomes(legs, horizon)[150] for legs in (BOTH, Legs(LARGE)))
    assert found[150] == pytest.approx(plain - beta * market)
    assert np.isfinite(found[[first - 1, first]]).tolist() == [False, True]
    found = event_study(Legs(SMALL, LARGE, market=LARGE), range(300), (1,), test="sign flip").iloc[0]
    year = window_outcomes(Legs(SMALL, LARGE, market=LARGE), 1)[251:]  # by default the beta of 252 periods
    assert (found["n"], found["mean"]) == pytest.approx((48, np.nanmean(year)))


@pytest.mark.parametrize("test", ["sign flip", "sign flip from base", "dummy"])
def test_a_row_is_put_together_from_its_tests(test):
    at, cycles = np.array([0, 40, 43, 64, -1, 200, 290]), [0, 1, 1, 2, 3, 4, 5]
    frame = event_study(BOTH, at, (21, -1, 0), groups=cycles, test=test)
    inside, own = [0, 40, 43, 64, 200], np.array([0, 1, 1, 2, 4])
    outcomes = window_outcomes(BOTH, 21)
    values, base = outcomes[inside], np.nanmean(np.delete(outcomes, inside))
    held = values - (base if test == "sign flip from base" else 0)
    found = event_dummy(BOTH, inside, 21) if test == "dummy" else sign_flip(held, groups=own)
    without = [values[own != cycle].mean() for cycle in (0, 1, 2, 4)]
    expected = vars(found) | {
        "horizon": 21, "n": 5, "n_apart": 4, "n_cut": 2, "mean": values.mean(), "share_positive": np.mean(values > 0), "base": base,
        "p_holm": holm(frame["p"])[0], "jackknife_low": min(without), "jackknife_high": max(without),
    }  # fmt: skip
    assert frame.iloc[0].to_dict() == pytest.approx(expected, nan_ok=True)
    # Without labels 40 and 43 are flipped as one too, since their windows share periods; those of 43 and 64 just do not.
    alone = event_study(BOTH, at[::-1], (21,), test=test).iloc[0]
    assert alone["p"] == pytest.approx(found.p, nan_ok=True)
    row = event_study(ALONE, [-1, 200], (252,), test="sign flip").iloc[0]  # no window is covered
    assert (row["n"], row["n_cut"]) == (0, 2)
    assert np.isnan(row[["mean", "value", "p", "p_holm", "low"]].to_numpy(float)).all()


@pytest.mark.parametrize("less_base", [False, True])
@pytest.mark.parametrize("cycles", [None, [0, 1, 1, 2, 3, 4, 5]])
def test_a_mean_of_outcomes_is_tested_as_the_event_study_does(cycles, less_base):
    """Few by the cycle of the decision that came last; many, or without cycles, by the dummy; without prices by overlap."""
    at, prices = np.array([20, 41, 64, 120, 170, 200, 250]), [(1 + leg).cumprod() for leg in (SMALL, LARGE)]
    legs = Legs(*(one.pct_change().iloc[1:] for one in prices))
    outcomes = pd.Series(window_outcomes(legs, 21)[at - 1], SMALL.index[at])
    labels = None if cycles is None else pd.Series(cycles, SMALL.index[at - 3])
    of = {"days": SMALL.index, "prices": prices, "cycles": labels, "less_base": less_base}
    found = mean_outcome(outcomes, 21, **of)
    test = "dummy" if cycles is None else "sign flip from base" if less_base else "sign flip"
    row = event_study(legs, at - 1, (21,), groups=cycles, test=test).iloc[0]
    value = row["mean"] - (row["base"] if less_base else 0)
    row = vars(event_dummy(legs, at - 1, 21, less_base=less_base)) if cycles is None else row
    assert (found.value, found.high - found.low) == pytest.approx((value, row["high"] - row["low"]))
    many = outcomes.iloc[[0] * 21].set_axis(SMALL.index[20:41])
    by_dummy = mean_outcome(many, 1, **of | {"cycles": None})
    assert repr(mean_outcome(many, 1, **of)) == repr(by_dummy)  # no NaN in them equals another
    assert repr(mean_outcome(outcomes, 50, days=SMALL.index)) == repr(sign_flip(outcomes, groups=[0, 0, 0, 1, 2, 2, 3]))
    apart = sign_flip(SMALL[::5] - SMALL[::5].mean() + SMALL.mean())
    assert vars(mean_outcome(SMALL, 5)) == pytest.approx(vars(apart), nan_ok=True)  # of all days


@either
def test_paths_are_those_of_a_level(compounded):
    paths = event_paths(Legs(SMALL, None, compounded), [5, 100, -1, 295], before=21, after=21)
    assert (list(paths.columns), list(paths.index)) == (list(SMALL.index[[5, 100, 295]]), [*range(-21, 22)])
    start = np.append(0.0, SMALL)  # from the close before the first return
    level = pd.Series(np.cumprod(1 + start) if compounded else np.cumsum(start), range(-1, PERIODS))
    for at, path in zip((5, 100, 295), paths.to_numpy().T, strict=True):
        around = level.reindex(range(at - 21, at + 22)).to_numpy()
        np.testing.assert_allclose(path, around / level[at] - 1 if compounded else around - level[at], atol=1e-12)


@either
@pytest.mark.parametrize("horizon", [1, 3, 12])
@pytest.mark.parametrize(("alone", "less_base"), [(True, True), (False, True), (False, False)])
def test_event_dummy_written_out(horizon, compounded, alone, less_base):
    """The regression and Hodrick's 1B as loops over time: the slope, and each period's part of its error."""
    returns, less = np.random.default_rng(7).normal(0.002, 0.05, (2, 90))
    events, parts = [0, 20, 21, 22, 50, 70, 89], []
    found = event_dummy(Legs(returns, None if alone else less, compounded), events, horizon, less_base=less_base)
    for leg in [returns] if alone else [returns, less]:
        outcomes = np.array([by_hand(leg, t, horizon, compounded=compounded) for t in range(90)])
        known, mean = np.isfinite(outcomes), leg.mean()
        dummy = np.isin(np.arange(90), events)[known].astype(float)
        x, score = np.zeros(90), np.zeros(90)
        x[known] = dummy - less_base * dummy.mean()
        for s in range(90):
            for t in range(max(0, s - horizon), s):  # windows that are open in period s
                grown = np.prod(1 + leg[t + 1 : s]) * (1 + mean) ** (t + horizon - s) if compounded else 1.0
                score[s] += x[t] * grown * (leg[s] - mean)
        parts.append(np.append(x[known] @ outcomes[known], score) / (x @ x))
    value, *score = parts[0] - sum(parts[1:])
    error, n = np.linalg.norm(score), sum(event + horizon < 90 for event in events)
    reach, p = NORMAL_QUANTILE * error, 2 * norm.sf(abs(value) / error)
    assert (found.value, found.low, found.high) == pytest.approx((value, value - reach, value + reach))
    # No t exceeds the root of n times the horizon.
    assert (found.n, found.p, found.p_smallest) == pytest.approx((n, p, 2 * norm.sf(np.sqrt(n * horizon))))


def test_event_dummy_needs_five_events():
    few, enough = (event_dummy(ALONE, np.arange(20, 20 + 30 * n, 30), 5) for n in (4, 5))
    assert np.isfinite([few.value, few.p, few.low, few.high, enough.p]).tolist() == [True, False, False, False, True]
    assert np.isnan(event_dummy(ALONE, [-1], 5).value)
