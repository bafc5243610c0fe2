"""The vendors on the loopback address, a store, and pulls led to both."""

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pandas as pd
import pytest

from research_lib.data.calendar import sessions_between
from research_lib.data.live import vendors as real
from research_lib.data.live.network import RetryPolicy
from research_lib.data.live.pull import GAPS_S, pull_for
from research_lib.data.live.store import Store
from tests.data.live import loopback

QUICK = RetryPolicy(first_wait_s=0.01, longest_wait_s=0.5, timeout_s=0.4, attempts=3)
DAYS = sessions_between(pd.Timestamp("2023-10-02"), pd.Timestamp("2024-07-16"))


@pytest.fixture
def vendors():
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
    monkeypatch.setitem(GAPS_S, "sec", 0.0)
    for name, client in real.VENDORS.items():
        led = lambda *args, client=client, **options: loopback.lead(client(*args, **options), vendors.port)
        monkeypatch.setitem(real.VENDORS, name, led)

    def run(source, *, accept=False, max_age_hours=0, tell=lambda *_: None, **needs):
        usual = {"data_dir": "", "symbols": (), "optional_symbols": (), "series": (), "companies": 0}
        policy = replace(QUICK, max_age=timedelta(hours=max_age_hours))
        parameters = [SimpleNamespace(source=source, **usual | needs)]
        return pull_for(parameters, store, policy=policy, accept=accept, tell=tell)

    return run
