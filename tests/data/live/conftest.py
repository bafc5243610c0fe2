"""The vendors on the loopback address, a store, and pulls led to both."""

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import yfinance

from research_lib.data.calendar import sessions_between
from research_lib.data.live import pull as pulling
from research_lib.data.live.store import Store
from research_lib.data.live.vendors import RetryPolicy, Sec
from tests.data.live import loopback

QUICK = RetryPolicy(first_wait_s=0.01, longest_wait_s=0.5, timeout_s=0.4, attempts=3)
DAYS = sessions_between(pd.Timestamp("2023-10-02"), pd.Timestamp("2024-07-16"))
NEEDS = {"data_dir": "", "symbols": (), "optional_symbols": (), "series": (), "companies": 0}


@pytest.fixture
def vendors(tmp_path):
    yfinance.set_tz_cache_location(str(tmp_path / "cookies"))
    with loopback.Vendors() as server:
        yield server


@pytest.fixture
def store(tmp_path, monkeypatch):
    """An empty store, where the command and the sources look for theirs."""
    monkeypatch.setenv("RESEARCH_LIB_SNAPSHOTS", str(tmp_path / "snapshots"))
    return Store(tmp_path / "snapshots")


@pytest.fixture
def pull(vendors, store, monkeypatch):
    """Pull what a parameter set needs with the real clients led to the server; short waits."""
    monkeypatch.setenv("SEC_IDENTITY", "Jo Doe jo@example.org")
    monkeypatch.setattr(Sec, "gap_s", 0.0)
    monkeypatch.setattr(pulling, "VENDORS", loopback.led(vendors.port))

    def run(source, *, accept=False, max_age_hours=0, tell=lambda *_: None, **needs):
        needs["source"] = source
        policy, one = replace(QUICK, max_age=timedelta(hours=max_age_hours)), SimpleNamespace(**NEEDS | needs)
        return pulling.pull_for([one], store, policy=policy, accept=accept, tell=tell)

    return run


def prices(level=100.0):
    """Prices that rise by a cent a day, as a client brings them."""
    closes = level + np.arange(len(DAYS)) / 100
    return pd.DataFrame({"date": DAYS.as_unit("us"), "close": closes, "volume": 1.0, "split": 0.0})
