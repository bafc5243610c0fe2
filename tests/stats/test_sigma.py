"""Each definition against a plain loop in exact two-pass arithmetic; the scan against the paths."""

import math

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings

from research_lib.errors import InsufficientDataError
from research_lib.stats.sigma import SIGMA_NAMES, SigmaSettings, scan, sigma_path
from research_lib.studies import parameters
from tests.conftest import random_walk

DEFAULTS = SigmaSettings()


def mean(values):
    return math.fsum(values) / len(values)


def deviation(values, ddof):
    """Two passes, each summed exactly."""
    middle = mean(values)
    return math.sqrt(math.fsum((value - middle) ** 2 for value in values) / (len(values) - ddof))


def by_hand(prices, options):
    """All six definitions, session by session, as the design words them."""
    n, m, k, ddof = options.window_sessions, options.distance_sessions, options.return_sessions, options.ddof
    found = {name: [math.nan] * len(prices) for name in SIGMA_NAMES}
    distances = {}
    returns = {t: (prices[t] - prices[t - 1]) / prices[t - 1] for t in range(1, len(prices))}
    for t in range(len(prices)):
        if t >= n - 1:
            window = prices[t - n + 1 : t + 1]
            distances[t] = (prices[t] - mean(window)) / mean(window)
            found["price_z"][t] = (prices[t] - mean(window)) / deviation(window, ddof)
        if t >= n:
            before = prices[t - n : t]
            found["price_z_prior"][t] = (prices[t] - mean(before)) / deviation(before, ddof)
            daily = deviation([returns[i] for i in range(t - n + 1, t + 1)], ddof)
            found["distance_vol"][t] = distances[t] / daily
            if t >= k:
                found["return_z"][t] = math.log(prices[t] / prices[t - k]) / (math.sqrt(k) * daily)
        known = list(distances.values())
        if len(known) >= m:
            found["distance_z"][t] = distances[t] / deviation(known[-m:], ddof)
        if len(known) >= n:
            found["distance_expanding"][t] = distances[t] / deviation(known, ddof)
    return pd.DataFrame(found)


def sigma_paths(close, options=DEFAULTS):
    """All definitions side by side."""
    return pd.DataFrame({name: scan(close.to_frame(), name, options).iloc[:, 0] for name in SIGMA_NAMES})


@pytest.mark.parametrize("ddof", [0, 1])
@pytest.mark.parametrize(("window", "distance", "k"), [(50, 252, 5), (5, 7, 1), (20, 50, 30), (21, 20, 21)])
def test_each_definition_against_a_loop(window, distance, k, ddof):
    """Two-pass sums of a few hundred doubles are good to about 1e-13; conditioning (price over deviation) takes the rest."""
    close, options = random_walk(700, seed=window), SigmaSettings(window, ddof, distance, k)
    expected = by_hand(close.tolist(), options).set_axis(close.index)
    pd.testing.assert_frame_equal(sigma_paths(close, options), expected, rtol=1e-9, atol=1e-9)


def test_levels_far_above_their_deviation_lose_nothing_and_a_crash_leaves_no_error_behind():
    """A price of a million that moves by cents; and one that falls from 100 million times its later level.

    A running sum that subtracts what has left the window would keep the rounding of the higher level.
    """
    crashed = random_walk(900, seed=6)
    crashed.iloc[:300] *= 1e8
    for close, rtol in ((1e6 + random_walk(600, seed=5, sd=1e-5), 1e-7), (crashed, 1e-9)):
        expected = by_hand(close.tolist(), DEFAULTS)["price_z"].iloc[400:]
        np.testing.assert_allclose(sigma_paths(close)["price_z"].iloc[400:], expected, rtol=rtol)


def test_price_z_cannot_pass_its_limit():
    jump = pd.Series([100.0] * 49 + [200.0])
    found = [sigma_paths(jump, SigmaSettings(ddof=ddof))["price_z"].iloc[-1] for ddof in (1, 0)]
    assert found == pytest.approx([49 / math.sqrt(50), 7.0])


def test_a_window_that_does_not_vary_or_is_too_short_has_no_sigma_and_says_so():
    assert sigma_paths(pd.Series([100.0] * 400)).isna().all(axis=None)
    growing = sigma_paths(pd.Series(100 * 1.001 ** np.arange(400))).iloc[-1]
    assert growing[growing.notna()].index.tolist() == ["price_z", "price_z_prior"]
    short = random_walk(30, seed=1)
    assert sigma_paths(short).isna().all(axis=None)
    with pytest.raises(
        InsufficientDataError, match="price_z over 50 sessions has no value in 30 sessions; at least 50"
    ):
        sigma_path(short, "price_z")


@pytest.mark.parametrize("definition", SIGMA_NAMES)
def test_scan_is_each_assets_own_path(definition):
    prices = pd.concat([random_walk(900, seed=i, name=f"A{i}") for i in range(5)], axis=1, sort=True)
    prices.iloc[:400, 1] = np.nan  # begins late
    prices.iloc[300:320, 2] = np.nan  # a gap
    prices.iloc[30:, 3] = np.nan  # too short
    prices.iloc[:, 4] = np.nan  # empty
    before, found = prices.copy(), scan(prices, definition)
    pd.testing.assert_frame_equal(prices, before)  # not changed
    for asset in prices:
        path = sigma_paths(prices[asset].dropna())[definition].reindex(prices.index)
        np.testing.assert_array_equal(found[asset], path)


@pytest.mark.parametrize("options", [SigmaSettings(20, 1, 30, 40), DEFAULTS])
def test_needed_closes_are_those_that_the_first_value_takes(options):
    paths = sigma_paths(random_walk(400, seed=3), options)
    first = {name: int(path.notna().to_numpy().argmax()) + 1 for name, path in paths.items()}
    assert first == {
        name: options.needed(name) for name in parameters.SIGMA_NAMES
    }  # the parameter takes the same names


@settings(max_examples=40)
@given(
    st.lists(st.floats(0.01, 1e6), min_size=1, max_size=80),
    st.integers(2, 12), st.integers(2, 12), st.integers(1, 15), st.integers(0, 1),
)  # fmt: skip
def test_any_prices_any_windows(prices, window, distance, k, ddof):
    found = sigma_paths(pd.Series(prices), SigmaSettings(window, ddof, distance, k))
    for t in range(window - 1, len(prices)):
        part = prices[t - window + 1 : t + 1]
        if deviation(part, ddof) > 1e-9 * mean(part):
            expected = (prices[t] - mean(part)) / deviation(part, ddof)
            assert found["price_z"].iloc[t] == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_published_day(shared_data):
    """RUT on 2024-07-16: 4.417 with ddof 1, 4.462 with ddof 0."""
    close = pd.read_csv(shared_data / "prices" / "RUT.csv", index_col="date", parse_dates=True)["close"][:"2024-07-16"]
    found = [sigma_paths(close, SigmaSettings(ddof=ddof))["price_z"].iloc[-1] for ddof in (1, 0)]
    assert found == pytest.approx([4.417, 4.462], abs=5e-4)


def test_bundled_record(bundled_prices):
    path = sigma_paths(bundled_prices["GSPC"])["price_z"]
    assert (round(path.max(), 2), str(path.idxmax().date())) == (4.06, "1984-08-03")
    assert (round(path.min(), 2), str(path.idxmin().date())) == (-5.52, "1987-10-19")
