"""The vendors on the loopback address, a store, and the command led to both."""

from dataclasses import replace

import pandas as pd
import pytest
from typer.testing import CliRunner

from research_lib.cli import app
from research_lib.data.calendar import sessions_between
from research_lib.data.live import clients as real_clients
from research_lib.data.live import network
from research_lib.data.live.network import Manners
from research_lib.data.live.snapshots import Store
from tests.data.live import loopback

QUICK = Manners(first_wait_s=0.01, longest_wait_s=0.5, timeout_s=0.4, attempts=3)
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
def data_command(vendors, store, monkeypatch, tmp_path):  # noqa: ARG001  # the store must be there
    """`python -m research_lib data …` with the real clients led to the server; short waits."""
    led = loopback.clients(vendors.port, tmp_path / "yfinance", timeout_s=QUICK.timeout_s)
    monkeypatch.setattr(real_clients, "open_clients", lambda names, **_: {name: led[name] for name in names})
    monkeypatch.setattr(network, "Manners", lambda max_age: replace(QUICK, max_age=max_age))
    return lambda *words: CliRunner().invoke(app, ["data", *map(str, words)])


@pytest.fixture
def parameter_file(tmp_path):
    """Write a parameter file that names sources and one asset."""

    def write(source="yahoo", asset="RUT", notebook="03_record_sigma", **values):
        path = tmp_path / notebook / "live.yaml"
        path.parent.mkdir(exist_ok=True)
        lines = {"source": source} | (
            {"asset": asset, "benchmark": '""', "assets": f"[{asset}]"} | values if asset else values
        )
        path.write_text("".join(f"{name}: {value}\n" for name, value in lines.items()))
        return path

    return write
