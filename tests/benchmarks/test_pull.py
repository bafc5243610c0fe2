"""Pulling a universe against yfinance's own `download` of the same with its threads; both in one run.

The vendor is a server in another process on the loopback address. Small in a test; 2,000 symbols in `make bench`.
"""

import subprocess
import sys
from contextlib import contextmanager

import pytest

from research_lib.project import PROJECT

SESSIONS = 2520  # ten years

SERVER = """
import sys
import pandas as pd
from research_lib.data.calendar import exchange_sessions
from tests.data.live.loopback import Answer, Vendors, as_json, chart
symbols, sessions = int(sys.argv[1]), int(sys.argv[2])
days = exchange_sessions()[exchange_sessions() < pd.Timestamp("2025-01-01")][-sessions:]
with Vendors() as vendors:
    whole = as_json(chart("SYMBOL", days)).body
    for n in range(symbols):
        vendors.prices(f"S{n:04d}", Answer(whole.replace(b"SYMBOL", f"S{n:04d}".encode())) if n % 100 else Answer(b"{}", 404))
    print(vendors.port, flush=True)
    sys.stdin.read()
"""

CLIENT = """
import resource, sys, time, warnings
from pathlib import Path
warnings.simplefilter("ignore")
from research_lib.data.live.store import Item, Kind, Store
from tests.data.live.loopback import clients
port, folder, symbols, way = int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
names = [f"S{n:04d}" for n in range(symbols)]
store = Store(folder)
led = clients(port, store, timeout_s=30, names=["yahoo"])
from research_lib.data.calendar import exchange_sessions
exchange_sessions()
start = time.perf_counter()
if way == "ours":
    from research_lib.data.live.network import RetryPolicy
    from research_lib.data.live.pull import pull
    items = [Item("yahoo", Kind.PRICES, name) for name in names]
    outcome = pull(items, store, led, policy=RetryPolicy())
    good, errors = len(outcome.kept), len(outcome.failed)
else:
    import logging, yfinance
    logging.disable(logging.CRITICAL)
    yfinance.config.debug.hide_exceptions = True
    frame = yfinance.download(names, period="max", threads=True, progress=False, auto_adjust=False, actions=True, keepna=True, session=led["yahoo"].session)
    good, errors = frame["Close"].notna().any().sum(), 0
seconds = time.perf_counter() - start
print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, good, errors)
"""


@contextmanager
def server(symbols):
    words = [sys.executable, "-c", SERVER, str(symbols), str(SESSIONS)]
    process = subprocess.Popen(words, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield process.stdout.readline().strip()
    finally:
        process.communicate()


def measure(port, folder, symbols, way):
    """Return seconds, peak memory in MB, symbols with data, and errors that were kept."""
    words = [sys.executable, "-c", CLIENT, port, str(folder), str(symbols), way]
    done = subprocess.run(words, cwd=PROJECT, check=True, capture_output=True, text=True)
    return tuple(map(float, done.stdout.split()))


def test_each_error_is_kept(tmp_path):
    with server(30) as port:
        *_, good, errors = measure(port, tmp_path, 30, "ours")
    assert (good, errors) == (29, 1)


@pytest.mark.skipif("not config.getoption('benchmark_enable')", reason="a measurement, not a test: make bench")
def test_speed_and_memory_of_2000_symbols(capsys, benchmark, tmp_path):
    with server(2000) as port:
        theirs = measure(port, tmp_path / "theirs", 2000, "theirs")
        few = measure(port, tmp_path / "few", 200, "ours")
        ours = benchmark.pedantic(measure, args=(port, tmp_path / "ours", 2000, "ours"), rounds=1)
    assert ours[2:] == (1980, 20)
    assert ours[1] < 1.2 * few[1], "memory is flat"
    with capsys.disabled():
        print(
            f"\n2,000 symbols: {ours[0]:.0f} s, {ours[0] / theirs[0]:.2f} times yfinance.download with threads ({theirs[0]:.0f} s)"
        )
        print(
            f"peak memory {ours[1]:.0f} MB, {ours[1] / few[1]:.2f} times that of 200 symbols; theirs {theirs[1]:.0f} MB"
        )
        print(f"errors kept: {ours[3]:.0f} of 20; theirs raises none, {theirs[2]:.0f} symbols with data")
