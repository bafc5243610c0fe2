"""Each definition against a plain loop over sessions; the scan against the paths."""

import math
from typing import get_args

import numpy as np
import pandas as pd
import pytest

from research_lib.errors import InsufficientDataError
from research_lib.stats.sigma import SigmaName, SigmaSettings, scan, sigma_path
from research_lib.studies import parameters
from tests.conftest import random_walk

DEFAULTS, SIGMA_NAMES = SigmaSettings(), get_args(SigmaName)


def by_hand(prices, options):
    """All six definitions, session by session, as the design words them; numpy's deviation takes two passes."""
    n, m, k = options.window_sessions, options.distance_sessions, options.return_sessions
    deviation = lambda values: np.std(np.array(values, dtype=np.longdouble), ddof=options.ddof)
    prices, distances = np.array(prices, dtype=np.longdouble), []
    returns = np.diff(prices) / prices[:-1]  # that of session t stands at t - 1
    found = {name: np.full(len(prices), np.nan) for name in SIGMA_NAMES}
    for t in range(n - 1, len(prices)):
        window = prices[t - n + 1 : t + 1]
        distances.append(prices[t] / window.mean() - 1)
        found["price_z"][t] = (prices[t] - window.mean()) / deviation(window)
        if len(distances) >= m:
            found["distance_z"][t] = distances[-1] / deviation(distances[-m:])
        if len(distances) >= n:
            found["distance_expanding"][t] = distances[-1] / deviation(distances)
        if t >= n:
            before, daily = prices[t - n : t], deviation(returns[t - n : t])
            found["price_z_prior"][t] = (prices[t] - before.mean()) / deviation(before)
            found["distance_vol"][t] = distances[-1] / daily
        if t >= max(n, k):
            found["return_z"][t] = math.log(prices[t] / prices[t - k]) / (math.sqrt(k) * daily)
        if t >= n + k:
            before = deviation(returns[t - n - k : t - k])
            found["return_z_prior"][t] = math.log(prices[t] / prices[t - k]) / (math.sqrt(k) * before)
    return pd.DataFrame(found)


def sigma_paths(close, options=DEFAULTS):
    """All definitions side by side."""
    return pd.DataFrame({name: scan(close.to_frame(), name, options).iloc[:, 0] for name in SIGMA_NAMES})


@pytest.mark.parametrize("ddof", [0, 1])
@pytest.mark.parametrize(("window", "distance", "k"), [(50, 252, 5), (5, 7, 1), (20, 50, 30), (21, 20, 21)])
def test_each_definition_against_a_loop(window, distance, k, ddof):
    """Each begins as soon as its window is full, which is what `needed` says, by the names that a parameter file uses."""
    close, options = random_walk(700, seed=window), SigmaSettings(window, ddof, distance, k)
    found, expected = sigma_paths(close, options), by_hand(close, options).set_axis(close.index)
    pd.testing.assert_frame_equal(found, expected, rtol=1e-9, atol=1e-9)
    first = 1 + found.notna().to_numpy().argmax(axis=0)
    assert dict(zip(found, first, strict=True)) == {name: options.needed(name) for name in SIGMA_NAMES}
    assert {*get_args(parameters.SigmaName)} < {*SIGMA_NAMES}


def test_levels_far_above_their_deviation_lose_nothing_and_a_crash_leaves_no_error_behind():
    """A price of a million that moves by cents; and one that falls from 100 million times its later level."""
    crashed = random_walk(900, seed=6)
    crashed.iloc[:300] *= 1e8  # a running sum that subtracts what has left the window would keep its rounding
    for close, rtol in ((1e6 + random_walk(600, seed=5, sd=1e-5), 1e-7), (crashed, 1e-9)):
        expected = by_hand(close, DEFAULTS)["price_z"].iloc[400:]
        np.testing.assert_allclose(sigma_paths(close)["price_z"].iloc[400:], expected, rtol=rtol)


def test_a_window_that_does_not_vary_or_is_too_short_has_no_sigma_and_says_so():
    assert sigma_path(pd.Series([100.0] * 49 + [200]), "price_z").tolist() == pytest.approx([49 / 50**0.5])  # at most
    assert sigma_paths(pd.Series([100.0] * 400)).isna().all(axis=None)
    growing = sigma_paths(pd.Series(100 * 1.001 ** np.arange(400))).iloc[-1]
    assert growing[growing.notna()].index.tolist() == ["price_z", "price_z_prior"]
    with pytest.raises(InsufficientDataError, match="50 sessions has no value in 30 sessions; at least 50 closes"):
        sigma_path(random_walk(30, seed=1), "price_z")


@pytest.mark.parametrize("definition", SIGMA_NAMES)
def test_scan_is_each_assets_own_path(definition):
    prices = pd.concat([random_walk(900, seed=i, name=f"A{i}") for i in range(5)], axis=1, sort=True)
    for rows, asset in ((slice(400), 1), (slice(300, 320), 2), (slice(30, None), 3), (slice(None), 4)):
        prices.iloc[rows, asset] = np.nan  # begins late, has a gap, is too short, is empty
    before, found = prices.copy(), scan(prices, definition)
    pd.testing.assert_frame_equal(prices, before)  # not changed
    for asset in prices:
        path = scan(prices[[asset]].dropna(), definition)[asset].reindex(prices.index)
        np.testing.assert_array_equal(found[asset], path)
