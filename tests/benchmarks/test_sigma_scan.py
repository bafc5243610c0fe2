"""A scan of a whole universe against the pandas code that one would write instead."""

import re
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from research_lib.stats.sigma import SigmaSettings, scan
from tests.benchmarks.measure import compare, growth, measured
from tests.stats.test_sigma import by_hand

MEMORY_TIMES_INPUT, STATUS = 4, Path("/proc/self/status")


def universe(sessions, assets):
    rng = np.random.default_rng(0)
    logs = rng.normal(0.0003, 0.015, size=(sessions, assets))
    np.exp(np.cumsum(logs, axis=0, out=logs), out=logs)
    return pd.DataFrame(logs, pd.bdate_range("1990-01-01", periods=sessions, name="date"), copy=False)


def with_pandas(prices):
    """The straightforward way."""
    return (prices - prices.rolling(50).mean()) / prices.rolling(50).std()


def test_same_numbers_as_pandas():
    prices = universe(1200, 40)
    np.testing.assert_allclose(scan(prices), with_pandas(prices), rtol=1e-6, atol=1e-9)


def memory(field):
    """Return the bytes that Linux says this process holds ("VmRSS"), or held at most ("VmHWM")."""
    return 1024 * int(re.search(rf"{field}:\s+(\d+)", STATUS.read_text(encoding="utf-8"))[1])


def peak_memory(sessions, assets):
    """Return the peak of this process during a scan, the prices included, in multiples of the prices."""
    before, prices = memory("VmRSS"), universe(sessions, assets)
    scan(prices)
    return (memory("VmHWM") - before) / prices.to_numpy().nbytes


def memory_of_a_scan(sessions, assets):
    with get_context("spawn").Pool(1) as pool:  # in a process of its own
        return pool.apply(peak_memory, (sessions, assets))


@pytest.mark.skipif(not STATUS.exists(), reason="needs Linux's /proc to measure memory")
def test_memory_stays_below_four_times_the_input():
    assert 1 < memory_of_a_scan(5000, 1000) < MEMORY_TIMES_INPUT


@measured
def test_speed_of_a_universe():
    prices = universe(7500, 5000)
    part = prices.iloc[:, :500].copy()
    compare("price z of 5,000 assets x 7,500 sessions, against pandas' rolling", lambda: scan(prices),
            lambda: with_pandas(part), part=0.1)  # fmt: skip
    exact = by_hand(prices[0].tolist(), SigmaSettings())["price_z"].iloc[-1]
    errors = [abs(path.iloc[-1, 0] / exact - 1) for path in (scan(part), with_pandas(part))]
    print("relative error {:.1e}, pandas' {:.1e};".format(*errors), f"peak memory {memory_of_a_scan(7500, 5000):.2f} x")
    prices = universe(2500, 10_000)
    growth("assets x 2,500 sessions", (2, 100, 1000, 10_000), lambda n: scan(prices.iloc[:, :n]))
