"""Correlations and ratios of sums: values against numpy, intervals against plain resampling."""

from dataclasses import astuple

import numpy as np
import pytest

from research_lib.errors import InsufficientDataError
from research_lib.stats.bootstrap import correlation, ratio_of_sums


def symmetric(values, errors):
    """Return how far the bootstrap-t interval reaches, and p of zero; the first value is the estimate."""
    apart = np.abs(values[1:] - values[0])
    t = apart / errors[1:]
    as_far = sum(t >= abs(values[0]) / errors[0])
    return min(np.quantile(t, 0.95) * errors[0], apart.max()), (1 + as_far) / (1 + len(t))


@pytest.mark.parametrize("trending", [True, False])
def test_a_correlation_and_its_bootstrap_t_are_those_of_a_loop_over_blocks(trending):
    """Two series that trend, and few blocks: a resample's own means and spreads count; incomplete periods do not."""
    drawn = np.random.default_rng(4).multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]], 130)
    x, y = (drawn.cumsum(axis=0) if trending else drawn).T
    gaps = np.insert(x, [3, 90], np.nan), np.insert(y, [3, 90], 0.0)
    found, value, z, errors = correlation(*gaps, block=24, draws=199, seed=4), np.corrcoef(x, y)[0, 1], [], []
    for starts in (np.arange(6) * 24, *np.random.default_rng(4).integers(0, 130, size=(199, 6))):
        rows = np.add.outer(starts, np.arange(24)) % 130
        a, b = ((one - one.mean()) / one.std() for one in (x[rows], y[rows]))
        r = np.mean(a * b)
        z.append(np.arctanh(r))
        errors.append(np.std((a * b - r * (a**2 + b**2) / 2).mean(axis=1) / (1 - r**2), ddof=1) / np.sqrt(6))
    z[0] = np.arctanh(value)
    reach, p = symmetric(np.array(z), np.array(errors))
    assert astuple(found) == pytest.approx((value, 130, *np.tanh([z[0] - reach, z[0] + reach]), p, 1 / 200, 0))


@pytest.mark.parametrize("bad", [(np.arange(119.0), np.arange(119.0)), (np.ones(200), np.arange(200.0))])
def test_too_few_blocks_or_a_constant_are_said(bad):
    with pytest.raises(InsufficientDataError, match="two series that vary and 120 common periods"):
        correlation(*bad)


def test_a_ratio_of_sums_is_arithmetic_and_its_interval_needs_200_firms_and_positive_sums():
    found = ratio_of_sums([[40, 20], [60, 20], [-10, -10]], draws=100)
    assert (found.value, found.n, np.isnan(found.low)) == (90 / 30, 3, True)
    assert np.isnan([ratio_of_sums(none).value for none in ([[1, 1], [2, -3]], np.empty((0, 2)))]).all()
    alike = np.full((200, 2), [100.0, 20.0])
    assert (ratio_of_sums(alike).low, ratio_of_sums(alike).high) == (5, 5)
    assert np.isnan(ratio_of_sums(alike[1:]).low)
    assert np.isnan(ratio_of_sums(alike, less=alike[:50]).low)
    vanishing = ratio_of_sums(np.column_stack([np.ones(200), np.tile([5.0, -4.9], 100)]))  # of some resamples
    assert (vanishing.value, np.isnan(vanishing.low)) == (pytest.approx(20), True)


@pytest.mark.parametrize("of_one_firm", [0.0, 4000.0])  # it decides alone: the interval is what resampling can give
@pytest.mark.parametrize("sizes", [(250,), (250, 300)])
def test_the_interval_of_a_ratio_and_of_a_difference_is_the_bootstrap_t(sizes, of_one_firm):
    rng, values, errors = np.random.default_rng(6), [], []
    groups = [2 * np.exp(rng.normal(size=(n, 2))) for n in sizes]
    groups[0][0, 0] += of_one_firm
    found = ratio_of_sums(groups[0], less=groups[1] if len(groups) > 1 else None, draws=400)
    for seed, firms in enumerate(groups):  # the ratio of sums and its linearised error, of all firms and of each draw
        drawn = np.random.default_rng(seed).integers(0, len(firms), size=(400, len(firms)))
        above, below = np.moveaxis(firms[np.vstack([np.arange(len(firms)), drawn])], -1, 0)
        ratio = above.sum(axis=1) / below.sum(axis=1)
        left = above - ratio[:, None] * below
        values.append(ratio)
        errors.append(left.std(axis=1, ddof=1) / below.mean(axis=1) / np.sqrt(len(firms)))
    value = values[0] - sum(values[1:])
    reach, _ = symmetric(value, np.linalg.norm(errors, axis=0))
    assert found.n == sum(sizes)
    assert (found.low, found.value, found.high) == pytest.approx((value[0] - reach, value[0], value[0] + reach))
