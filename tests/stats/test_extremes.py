"""Extremal index and return period: known answers, a second library, coverage by simulation."""

import numpy as np
import pytest
from scipy import stats

from research_lib.stats.extremes import (
    MINIMUM_PEAKS,
    SESSIONS_PER_YEAR,
    extremal_index,
    fit_tail,
    return_period,
)


def moving_maximum(rng, sessions, size):
    """The maximum of `size` independent Frechet variables: its extremal index is known to be 1/size."""
    noise = 1 / -np.log(rng.uniform(size=sessions + size))
    return np.lib.stride_tricks.sliding_window_view(noise, size).max(axis=1)[:sessions]


@pytest.mark.parametrize("size", [1, 2, 5])
def test_extremal_index_of_a_moving_maximum(size):
    values = [moving_maximum(np.random.default_rng(seed), 20_000, size) for seed in range(8)]
    found = [extremal_index(x > np.quantile(x, 0.98), seed=0).value for x in values]
    assert np.mean(found) == pytest.approx(1 / size, abs=0.08)


def test_extremal_index_by_the_formula():
    """Exceedances at 0, 1, 2, 10, 11, 30: times 1, 1, 8, 1, 19."""
    exceeds = np.isin(np.arange(40), [0, 1, 2, 10, 11, 30])
    times = np.array([1, 1, 8, 1, 19])
    expected = 2 * (times - 1).sum() ** 2 / (5 * ((times - 1) * (times - 2)).sum())
    found = extremal_index(exceeds, seed=0)
    assert (found.value, found.n) == (pytest.approx(min(1, expected)), 6)
    short = extremal_index(np.isin(np.arange(9), [0, 1, 3, 5]), seed=0)  # no time above 2: the other branch
    assert short.value == pytest.approx(min(1, 2 * 25 / (3 * 9)))


def test_extremal_index_needs_three_exceedances():
    assert np.isnan(extremal_index(np.array([True, False, True]), seed=0).value)


def test_extremal_index_interval_covers_the_truth():
    covered = 0
    for seed in range(100):
        x = moving_maximum(np.random.default_rng(seed), 5000, 3)
        found = extremal_index(x > np.quantile(x, 0.98), seed=seed)
        assert found.low <= found.high
        covered += found.low <= 1 / 3 <= found.high
    assert covered >= 80  # the paper's own bootstrap covers about 90%


def test_the_same_seed_gives_the_same_interval():
    exceeds = np.random.default_rng(1).uniform(size=3000) > 0.97
    assert extremal_index(exceeds, seed=5) == extremal_index(exceeds, seed=5)
    assert extremal_index(exceeds, seed=5) != extremal_index(exceeds, seed=6)


@pytest.mark.parametrize("shape", [-0.3, 0.0, 0.3])
def test_tail_against_scipy(shape):
    peaks = 2.5 + stats.genpareto.rvs(shape, scale=0.4, size=300, random_state=2)
    found = fit_tail(peaks, threshold=2.5, sessions=252 * 50)
    scipy_shape, _, scipy_scale = stats.genpareto.fit(peaks - 2.5, floc=0)
    assert (found.shape, found.scale) == (pytest.approx(scipy_shape, abs=2e-3), pytest.approx(scipy_scale, abs=2e-3))
    level = 3.5
    expected = 50 / (300 * stats.genpareto.sf(level - 2.5, scipy_shape, scale=scipy_scale))
    assert return_period(found, level).years == pytest.approx(expected, rel=0.02)


def test_interval_covers_the_truth_at_its_level():
    """Poisson arrivals, generalised Pareto peaks: the true return period is known."""
    rng = np.random.default_rng(3)
    shape, scale, rate, years, level = -0.15, 0.4, 1.2, 60, 3.5
    truth = 1 / (rate * stats.genpareto.sf(level - 2.5, shape, scale=scale))
    covered, trials = 0, 200
    for _ in range(trials):
        n = rng.poisson(rate * years)
        peaks = 2.5 + stats.genpareto.rvs(shape, scale=scale, size=n, random_state=rng)
        found = return_period(fit_tail(peaks, threshold=2.5, sessions=SESSIONS_PER_YEAR * years), level)
        assert found.low <= found.years <= found.high
        covered += found.low <= truth <= found.high
    assert covered / trials > 0.95 - 3.3 * np.sqrt(0.05 * 0.95 / trials)


def test_interval_ends_lie_where_the_likelihood_has_fallen():
    """By a grid over both tail parameters, instead of the optimiser."""
    peaks = 2.5 + stats.genpareto.rvs(0.1, scale=0.4, size=40, random_state=4)
    tail = fit_tail(peaks, threshold=2.5, sessions=SESSIONS_PER_YEAR * 40)
    found = return_period(tail, 3.5)

    def joint(shape, scale, annual_rate):
        reach = stats.genpareto.sf(1.0, shape, scale=scale)
        if reach == 0:
            return -np.inf
        arrivals = 40 * np.log(annual_rate / reach) - annual_rate / reach * 40
        return arrivals + stats.genpareto.logpdf(peaks - 2.5, shape, scale=scale).sum()

    best = joint(tail.shape, tail.scale, 1 / found.years)
    for end in (found.low, found.high):
        grid = max(joint(a, b, 1 / end) for a in np.linspace(-0.351, 0.9, 60) for b in np.linspace(0.15, 0.9, 60))
        assert best - grid == pytest.approx(stats.chi2.ppf(0.95, 1) / 2, abs=0.06)


def test_a_level_beyond_the_end_of_the_tail_never_comes_back():
    peaks = 2.5 + stats.genpareto.rvs(-0.5, scale=0.5, size=100, random_state=1)
    tail = fit_tail(peaks, threshold=2.5, sessions=SESSIONS_PER_YEAR * 50)
    near, far = return_period(tail, tail.upper_end + 0.05), return_period(tail, tail.upper_end + 2)
    assert np.isinf([near.years, near.high]).all()
    assert np.isfinite(near.low)  # it may well come back
    assert np.isinf([far.low, far.years, far.high]).all()  # every tail that reaches it is rejected


def test_few_peaks_and_low_levels_have_no_return_period():
    few = fit_tail(np.full(MINIMUM_PEAKS - 1, 3.0), threshold=2.5, sessions=10_000)
    assert np.isnan(return_period(few, 3.0).years)
    tail = fit_tail(2.5 + stats.expon.ppf(np.linspace(0.01, 0.99, 50), scale=0.4), threshold=2.5, sessions=10_000)
    assert np.isnan(return_period(tail, 2.5).years)


def test_the_normal_table_is_that_of_scipy():
    tail = fit_tail(2.5 + stats.expon.ppf(np.linspace(0.01, 0.99, 50), scale=0.4), threshold=2.5, sessions=10_000)
    assert return_period(tail, 4.0).normal_years == pytest.approx(1 / (stats.norm.sf(4) * 252))
