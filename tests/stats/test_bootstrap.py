"""Correlations and ratios of sums: values against numpy, intervals against arch, loops and repeated draws."""

import numpy as np
import pytest
from arch.bootstrap import CircularBlockBootstrap

from research_lib.errors import InsufficientDataError
from research_lib.stats.bootstrap import correlation, ratio_of_sums
from tests.validity.nulls import stochastic_volatility


def pair(n=300, seed=0):
    x, e = np.random.default_rng(seed).normal(size=(2, n))
    return x, 0.5 * x + np.sqrt(0.75) * e


def test_a_correlation_is_numpys_on_complete_periods_and_its_interval_archs():
    x, y = pair(960)
    gaps = np.insert(x, [3, 90], np.nan), np.insert(y, [3, 90], 0.0)
    found = correlation(*gaps, block=24, draws=4000)
    assert found == correlation(*gaps, block=24, draws=4000)  # seeded
    assert (found.value, found.n) == (pytest.approx(np.corrcoef(x, y)[0, 1]), 960)
    blocks = CircularBlockBootstrap(24, x, y, seed=1)
    error = np.arctanh(blocks.apply(lambda a, b: np.corrcoef(a, b)[0, 1], 2000).ravel()).std(ddof=1)
    low, high = np.arctanh([found.low, found.high])
    assert (high - low) / 2 == pytest.approx(2.02 * error, rel=0.1)  # t, 39 degrees of freedom
    assert (high + low) / 2 == pytest.approx(np.arctanh(found.value))


def test_its_bootstrap_t_is_that_of_a_loop_over_blocks():
    """Two trending series and few blocks, so that a resample's own means and spreads count."""
    x, y = np.cumsum(pair(130, seed=3), axis=1)
    found, rng, z, errors = correlation(x, y, block=24, draws=199, seed=4), np.random.default_rng(4), [], []
    for starts in (np.arange(6) * 24, *rng.integers(0, 130, size=(199, 6))):
        a, b = (
            (one - one.mean()) / one.std()
            for one in (line[np.add.outer(starts, np.arange(24)) % 130] for line in (x, y))
        )
        r = np.mean(a * b)
        z.append(np.arctanh(r))
        errors.append(np.std((a * b - r * (a**2 + b**2) / 2).mean(axis=1) / (1 - r**2), ddof=1) / np.sqrt(6))
    z[0] = np.arctanh(np.corrcoef(x, y)[0, 1])
    apart, error = np.abs(np.array(z[1:]) - z[0]), np.array(errors)
    reach = min(np.quantile(apart / error[1:], 0.95) * error[0], apart.max())
    assert (found.low, found.high) == pytest.approx((np.tanh(z[0] - reach), np.tanh(z[0] + reach)))
    assert found.p == pytest.approx((1 + sum(apart / error[1:] >= abs(z[0]) / error[0])) / 200)


@pytest.mark.parametrize("bad", [(np.arange(119.0), np.arange(119.0)), (np.ones(200), np.arange(200.0))])
def test_too_few_blocks_or_a_constant_are_said(bad):
    with pytest.raises(InsufficientDataError, match="two series that vary and 120 common periods"):
        correlation(*bad)


def test_under_common_volatility_a_correlation_keeps_its_size_where_fishers_does_not():
    rng, misses, fisher = np.random.default_rng(2), [], []
    for _ in range(400):
        x, y = np.abs(stochastic_volatility(1000, rng)) * rng.normal(size=(2, 1000))
        found = correlation(x, y, draws=199)
        misses.append(not found.low <= 0 <= found.high)
        fisher.append(abs(np.arctanh(found.value)) > 1.96 / np.sqrt(997))
    assert np.mean(misses) < 0.05 + 3.5 * 0.011
    assert np.mean(fisher) > 0.15


def test_a_ratio_of_sums_is_arithmetic_and_has_no_interval_on_few_firms():
    found = ratio_of_sums([[40, 20], [60, 20], [-10, -10]], draws=100)
    assert (found.value, found.n, found.has_interval) == (90 / 30, 3, False)
    assert np.isnan([ratio_of_sums(none).value for none in ([[1, 1], [2, -3]], np.empty((0, 2)))]).all()
    ebitda = np.arange(1.0, 201)
    firms = np.column_stack([3 * ebitda + np.sin(ebitda), ebitda])
    assert [ratio_of_sums(firms[:n]).has_interval for n in (199, 200)] == [False, True]


def test_its_interval_is_the_bootstrap_t_of_a_loop():
    rng = np.random.default_rng(6)
    e = rng.lognormal(0, 1, 250)
    d = 2 * e + rng.normal(0, 1, 250)

    def studentised(d, e):
        ratio = d.sum() / e.sum()
        return ratio, np.std(d - ratio * e, ddof=1) / e.mean() / np.sqrt(len(e))

    ratio, error = studentised(d, e)
    firms = (rng.integers(0, 250, 250) for _ in range(2000))
    t = [abs(r - ratio) / s for r, s in (studentised(d[i], e[i]) for i in firms)]
    found = ratio_of_sums(np.column_stack([d, e]), draws=4000)
    assert (found.low + found.high) / 2 == pytest.approx(ratio)
    assert found.high - ratio == pytest.approx(np.quantile(t, 0.95) * error, rel=0.06)


def test_where_one_firm_decides_the_interval_is_what_resampling_can_give():
    debt = np.full(200, 100.0)
    alike = ratio_of_sums(np.column_stack([debt, debt / 5]))
    found = ratio_of_sums(np.column_stack([np.append(4000.0, debt[1:]), debt / 5]))
    assert (alike.low, alike.high) == (5, 5)
    assert 0 < found.low < 5 < found.value < found.high < 15


def test_where_resampled_sums_vanish_there_is_no_interval_rather_than_infinity():
    found = ratio_of_sums(np.column_stack([np.ones(200), np.tile([5.0, -4.9], 100)]))
    assert (found.value, found.has_interval) == (pytest.approx(20), False)


def test_the_interval_of_a_ratio_holds_the_truth_95_times_in_100():
    """Firms drawn from a population with the heavy tails of real ones."""
    rng = np.random.default_rng(4)
    ebitda = rng.lognormal(0, 1.2, 20_000) - 0.3
    firms = np.column_stack([2.5 * ebitda + rng.normal(0, 2, 20_000) * ebitda, ebitda])
    truth, misses = firms[:, 0].sum() / ebitda.sum(), 0
    for seed in range(300):
        found = ratio_of_sums(firms[rng.integers(0, 20_000, 400)], draws=300, seed=seed)
        misses += not found.low <= truth <= found.high
    assert misses / 300 < 0.05 + 3.5 * 0.0126


def test_a_difference_of_ratios_is_that_of_independent_groups():
    rng = np.random.default_rng(5)
    ebitda = rng.lognormal(0, 0.3, (2, 500))
    groups = [np.column_stack([m * e + rng.normal(0, 1, 500), e]) for m, e in zip((3, 1), ebitda, strict=True)]
    found = ratio_of_sums(groups[0], less=groups[1], draws=4000)
    parts = [ratio_of_sums(group, draws=4000) for group in groups]
    assert (found.value, found.n) == (parts[0].value - parts[1].value, 1000)
    assert found.high - found.low == pytest.approx(np.hypot(*(one.high - one.low for one in parts)), rel=0.05)
    assert not ratio_of_sums(groups[0], less=groups[1][:50]).has_interval
