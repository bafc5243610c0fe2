"""Reading data: SimFin's files, folders of prices, and a universe pulled over the network."""

import time
from types import SimpleNamespace

import numpy as np
import pandas as pd

from research_lib.data import open_source
from research_lib.data.calendar import exchange_sessions
from research_lib.data.check import check_sources
from research_lib.data.companies import load_statements
from research_lib.data.live.pull import pull_for
from research_lib.data.live.store import Store
from research_lib.data.live.vendors import VENDORS, RetryPolicy
from research_lib.stats.leverage import GROUPS, by_year_and_group, group_ratio, prepare
from research_lib.studies.parameters import RecordSigma
from tests.benchmarks.measure import alone, compare, growth, measured, memory, report
from tests.conftest import random_walk, write_prices
from tests.data.live.loopback import Answer, Vendors, as_json, chart, led

KEYS, DEBTS = ["Ticker", "Fiscal Year"], ["Short Term Debt", "Long Term Debt"]
CASH, DEPRECIATION = "Cash, Cash Equivalents & Short Term Investments", "Depreciation & Amortization"
BALANCE = [*DEBTS, CASH, "Total Assets", "Total Liabilities", "Total Equity"]


def ours(folder):
    firms = prepare(load_statements(open_source("folder", data_dir=str(folder))).values, exclude_financials=False)
    return by_year_and_group(firms, lambda rows: group_ratio(rows, draws=2))


def plain(folder):
    """Do the same as one would in a notebook: join, clean, group, and leave out each firm in turn."""
    files = [f"us-{name}-annual.csv" for name in ("income", "balance", "cashflow")]
    income, balance, cash = (pd.read_csv(folder / "simfin" / name, sep=";") for name in files)
    rows = income.merge(balance[KEYS + BALANCE], on=KEYS)
    rows = rows.merge(cash[[*KEYS, DEPRECIATION]], on=KEYS, suffixes=("_income", ""))
    rows["known"], rows["end"] = pd.to_datetime(rows["Publish Date"]), pd.to_datetime(rows["Report Date"])
    prices = pd.read_csv(folder / "simfin" / "Annual_Stock_Price_Performance.csv")
    prices = prices[prices["Open Price"] > 0].assign(known=lambda frame: pd.to_datetime(frame["Date"]))
    prices = prices[["Ticker", "known", "Open Price"]].sort_values("known")
    week = {"by": "Ticker", "direction": "forward", "tolerance": pd.Timedelta(days=6)}
    rows = pd.merge_asof(rows.sort_values("known"), prices, on="known", **week)
    rows["value"] = rows["Open Price"] * rows["Shares (Basic)"].fillna(rows["Shares (Diluted)"])
    rows["debt"] = rows[DEBTS].fillna(0).sum(axis=1)
    rows["net_debt"] = rows["debt"] - rows[CASH]
    rows["ebitda"] = rows["Operating Income (Loss)"] + rows[DEPRECIATION].fillna(-rows[f"{DEPRECIATION}_income"])
    rows = rows[rows["known"] >= rows["end"]]
    same = ["end", "Operating Income (Loss)", "debt", CASH, "Revenue", *BALANCE[3:]]
    unvalued = rows.groupby("Ticker")["value"].transform("count") == 0
    rows = rows.assign(unvalued=unvalued).sort_values(["unvalued", "Ticker"]).drop_duplicates(same).sort_values(KEYS)
    assets, debt, value, ebitda = (rows[name] for name in ("Total Assets", "debt", "value", "ebitda"))
    smallest = assets.groupby(rows["Ticker"]).cummin()
    impossible = np.logical_or.reduce([
        (rows[[*DEBTS, CASH]] < 0).any(axis=1), assets <= 0, rows[CASH] > 1.01 * assets, debt > 1.01 * rows["Total Liabilities"],
        rows["Revenue"] > 7e11, assets > 7e12, ebitda.abs() > 4e11, value > 6e12, (assets > 500 * smallest) & (smallest > 1e7),
        (rows["Total Equity"].abs() > 50 * value) & (rows["Open Price"] > 1),
        (ebitda > 2.5 * (value + debt)) | (ebitda < -100 * (value + debt)),
    ])  # fmt: skip
    kept = rows[~impossible].copy()
    order = kept.groupby("Fiscal Year")["value"].rank(ascending=False, method="first")
    kept["group"] = np.select([order <= 500, order <= 2500], GROUPS, "")
    return kept[kept["group"] != ""].groupby(["Fiscal Year", "group"]).apply(_describe)


def _describe(firms):
    used = firms.dropna(subset=["net_debt", "ebitda"])
    positive, debt, earned = used[used["ebitda"] > 0], used["net_debt"].sum(), used["ebitda"].sum()
    rest = used.drop(((debt - used["net_debt"]) / (earned - used["ebitda"]) - debt / earned).abs().nlargest(5).index)
    return pd.Series({
        "n": len(used), "value": debt / earned, "median": (positive["net_debt"] / positive["ebitda"]).median(),
        "share_no_ebitda": (used["ebitda"] <= 0).mean(), "share_net_cash": (used["net_debt"] < 0).mean(),
        "without_top": rest["net_debt"].sum() / rest["ebitda"].sum(),
    })  # fmt: skip


def test_simfin(shared_data, request):
    found, expected = ours(shared_data).set_index(["fiscal_year", "group"]), plain(shared_data)
    assert len(found) == 10  # of 2016 too few companies are known
    np.testing.assert_allclose(found[expected.columns].to_numpy(), expected.loc[found.index].to_numpy(), rtol=1e-9)
    if request.config.getoption("benchmark_enable"):
        compare("SimFin's files, against pandas", lambda: ours(shared_data), lambda: plain(shared_data))


@measured
def test_check_of_4000_price_files(tmp_path):
    """Of 5,000 files of five years of prices, which are one file under many names."""
    names = [f"S{n:04d}" for n in range(5000)]
    first = write_prices(tmp_path, names[0], random_walk(1260, seed=0))
    paths = [first.with_name(f"{name}.csv") for name in names]
    for path in paths[1:]:
        path.hardlink_to(first)

    def check(files):
        asked = {"source": "folder", "data_dir": str(tmp_path), "asset": names[0], "benchmark": ""}
        assert check_sources([RecordSigma(**asked, assets=names[:files])]) == [None]

    plainly = lambda: [pd.read_csv(path, parse_dates=["date"], index_col="date") for path in paths[:4000]]
    compare("check of 4,000 price files, against pandas.read_csv of each", lambda: check(4000), plainly)
    growth("price files checked", (10, 100, 1000, 5000), check)


def pull(port, folder, symbols, ours):
    """Pull by the kit or by yfinance; return seconds, peak memory in MB, symbols with data, and errors that were kept."""
    import yfinance

    names, errors = [f"S{n:04d}" for n in range(symbols)], []
    VENDORS.update(led(port))
    exchange_sessions()
    start = time.perf_counter()
    if ours:
        asked = [SimpleNamespace(source="yahoo", symbols=names)]
        kept, _, errors, _ = pull_for(asked, Store(folder), policy=RetryPolicy())
        good = len(kept)
    else:
        yfinance.config.debug.hide_exceptions = True
        options = {"period": "max", "threads": True, "progress": False, "auto_adjust": False, "actions": True}
        frame = yfinance.download(names, keepna=True, session=VENDORS["yahoo"](RetryPolicy()), **options)
        good = int(frame["Close"].notna().any().sum())
    return time.perf_counter() - start, memory("VmHWM") / 2**20, good, len(errors)


@measured
def test_pull_of_2000_symbols(tmp_path):
    """Ten years of each from a server in this process to a client in another; one symbol in a hundred is not known."""
    days = exchange_sessions()[exchange_sessions() < pd.Timestamp("2025-01-01")][-2520:]
    whole = as_json(chart("SYMBOL", days)).body
    with Vendors() as vendors:
        for name in (f"S{n:04d}" for n in range(2000) if n % 100):
            vendors.prices(name, Answer(whole.replace(b"SYMBOL", name.encode())))
        client = lambda symbols, ours: alone(pull, vendors.port, tmp_path / f"{symbols}{ours}", symbols, ours)
        theirs, few, ours = client(2000, False), client(200, True), client(2000, True)
    assert ours[2:] == (1980, 20)
    what = "pull of 2,000 symbols, against yfinance.download with threads"
    report(what, ours[0], theirs[0], f"{theirs[0] / ours[0]:.2f} (1 round)")
    print(f"peak memory {ours[1]:.0f} MB, of 200 symbols {few[1]:.0f} MB, theirs {theirs[1]:.0f} MB")
