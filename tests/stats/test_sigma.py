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

# Two-pass sums of a few hundred doubles are good to about 1e-13; conditioning (price over its deviation) takes the rest.
RELATIVE, NEAR_ZERO = 1e-9, 1e-9
DEFAULTS = SigmaSettings()


def deviation(values, ddof):
    """Two passes, each summed exactly."""
    mean = math.fsum(values) / len(values)
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - ddof))


def mean(values):
    return math.fsum(values) / len(values)


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
    close = random_walk(700, seed=window)
    options = SigmaSettings(window, ddof, distance, k)
    expected = by_hand(close.tolist(), options)
    found = sigma_paths(close, options)
    assert list(found.columns) == list(SIGMA_NAMES)
    np.testing.assert_allclose(found.to_numpy(), expected.to_numpy(), rtol=RELATIVE, atol=NEAR_ZERO)


def test_levels_far_above_their_deviation_lose_nothing():
    """A price of a million that moves by cents."""
    close = 1e6 + random_walk(600, seed=5, sd=1e-5)
    options = SigmaSettings(20, 1, 50, 5)
    expected = by_hand(close.tolist(), options)
    np.testing.assert_allclose(sigma_paths(close, options)["price_z"], expected["price_z"], rtol=1e-7, atol=1e-7)


def test_a_crash_leaves_no_error_behind():
    """A running sum that subtracts what has left the window would keep the rounding of a level 100 million higher."""
    close = random_walk(900, seed=6)
    close.iloc[:300] *= 1e8
    options = SigmaSettings(50, 1, 252, 5)
    expected = by_hand(close.tolist(), options)["price_z"].iloc[400:]
    found = sigma_paths(close, options)["price_z"].iloc[400:]
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


def test_price_z_cannot_pass_its_limit():
    jump = pd.Series([100.0] * 49 + [200.0])
    assert sigma_paths(jump)["price_z"].iloc[-1] == pytest.approx(49 / math.sqrt(50))
    assert sigma_paths(jump, SigmaSettings(ddof=0))["price_z"].iloc[-1] == pytest.approx(7.0)


def test_a_window_that_does_not_vary_has_no_sigma():
    flat = pd.Series([100.0] * 400)
    assert sigma_paths(flat).isna().all(axis=None)
    growing = pd.Series(100 * 1.001 ** np.arange(400))
    found = sigma_paths(growing).iloc[-1]
    assert found[["distance_z", "distance_expanding", "distance_vol", "return_z"]].isna().all()
    assert found["price_z"] > 0


def test_too_short_a_history_has_no_sigma_and_says_so():
    short = random_walk(30, seed=1)
    assert sigma_paths(short).isna().all(axis=None)
    with pytest.raises(InsufficientDataError, match="price_z over 50 sessions has no value in 30 sessions"):
        sigma_path(short, "price_z")


def test_inputs_are_not_changed(walk):
    before = walk.copy()
    sigma_paths(walk)
    scan(walk.to_frame())
    pd.testing.assert_series_equal(walk, before)


@pytest.mark.parametrize("definition", SIGMA_NAMES)
def test_scan_is_each_assets_own_path(definition):
    prices = pd.concat([random_walk(900, seed=i, name=f"A{i}") for i in range(5)], axis=1, sort=True)
    prices.iloc[:400, 1] = np.nan  # begins late
    prices.iloc[300:320, 2] = np.nan  # a gap
    prices.iloc[30:, 3] = np.nan  # too short
    prices.iloc[:, 4] = np.nan  # empty
    found = scan(prices, definition)
    assert found.shape == prices.shape
    for asset in prices:
        path = sigma_paths(prices[asset].dropna())[definition].reindex(prices.index)
        np.testing.assert_array_equal(found[asset], path)


def test_the_parameter_takes_the_same_names():
    assert parameters.SIGMA_NAMES == SIGMA_NAMES


def test_needed_closes_are_those_that_the_first_value_takes():
    close, options = random_walk(400, seed=3), SigmaSettings(20, 1, 30, 40)
    first = {name: int(path.notna().to_numpy().argmax()) + 1 for name, path in sigma_paths(close, options).items()}
    assert first == {name: options.needed(name) for name in SIGMA_NAMES}


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


def test_the_scale_of_prices_does_not_matter(walk):
    pd.testing.assert_frame_equal(sigma_paths(walk), sigma_paths(walk * 1024), rtol=1e-12)


def test_published_day(shared_data):
    """RUT on 2024-07-16: 4.417 with ddof 1, 4.462 with ddof 0."""
    close = pd.read_csv(shared_data / "prices" / "RUT.csv", index_col="date", parse_dates=True)["close"]
    close = close[:"2024-07-16"]
    assert sigma_paths(close)["price_z"].iloc[-1] == pytest.approx(4.417, abs=5e-4)
    assert sigma_paths(close, SigmaSettings(ddof=0))["price_z"].iloc[-1] == pytest.approx(4.462, abs=5e-4)


def test_bundled_record(bundled_prices):
    path = sigma_paths(bundled_prices["GSPC"])["price_z"]
    assert (round(path.max(), 2), str(path.idxmax().date())) == (4.06, "1984-08-03")
    assert (round(path.min(), 2), str(path.idxmin().date())) == (-5.52, "1987-10-19")
