"""The notebooks run from snapshots of Yahoo, FRED, Ken French and the SEC, pulled from made-up answers."""

import json

import numpy as np
import pandas as pd
import papermill
import pytest

from research_lib.data import load_prices, load_series, open_source
from research_lib.data.calendar import sessions_between
from research_lib.data.catalog import describe_asset
from research_lib.data.live import clients as real_clients
from research_lib.data.live import pull
from research_lib.data.live.sec import Sec
from research_lib.data.policy import load_target_changes
from research_lib.findings import FINDINGS_MIME
from research_lib.parameter_files import read_parameters
from research_lib.project import NOTEBOOKS, PARAMETERS, PROJECT
from tests.data.live.loopback import LedWebSession, as_json, chart, fred_csv
from tests.data.live.test_clients import french_tables, french_zip
from tests.data.live.test_needs import symbols
from tests.data.live.test_sec import company, fact, stock

DAYS = sessions_between(pd.Timestamp("2006-01-03"), pd.Timestamp("2024-07-16"))


def walk(days, seed):
    return (100 * np.exp(np.random.default_rng(seed).normal(0.0003, 0.012, len(days)).cumsum())).round(4)


def funds_rate():
    """The target's upper bound, so that the study finds the rate where its decisions put it."""
    changes = load_target_changes()
    return pd.Series(100 * changes["target_upper"].to_numpy(), changes["effective_date"]).reindex(DAYS, method="ffill")


@pytest.fixture
def market(vendors):
    """Answers for everything that a parameter file needs, all of it made up."""

    def play(parameters):
        for seed, symbol in enumerate(sorted(symbols(parameters))):
            named = describe_asset(symbol).yahoo or symbol
            vendors.prices(named, as_json(chart(named, DAYS, walk(DAYS, seed))))
        for seed, name in enumerate(parameters.series):
            days = pd.date_range("1990-01-01", "2024-07-01", freq="MS") if name in {"AAA", "BAA"} else DAYS
            noise = np.random.default_rng(seed).normal(0, 0.05, len(days)).cumsum()
            values = funds_rate() if name == "DFF" else pd.Series(6 + 2 * np.sin(noise), days).round(2)
            vendors.series(name, fred_csv(name, values))
        folder = "/pages/faculty/ken.french/ftp"
        corners = {(1, 1): "SMALL LoBM", (1, 5): "SMALL HiBM", (5, 1): "BIG LoBM", (5, 5): "BIG HiBM"}
        names = [corners.get((size, value), f"ME{size} BM{value}") for size in range(1, 6) for value in range(1, 6)]
        for name, columns in {
            "F-F_Research_Data_Factors": ["Mkt-RF", "SMB", "HML", "RF"],
            "25_Portfolios_5x5": names,
        }.items():
            vendors.answer(f"{folder}/{name}_CSV.zip", french_zip(name, french_tables(columns)))

    return play


def run(notebook, data_command, tmp_path, **overrides):
    """Pull what `live.yaml` needs and run it; return the record of its findings, and all that it shows."""
    path = PARAMETERS / notebook / "live.yaml"
    if overrides:  # a smaller file of the same kind
        values = read_parameters(path, overrides=overrides).model_dump(mode="json")
        path = tmp_path / notebook / "live.yaml"
        path.parent.mkdir()
        path.write_text(json.dumps(values), encoding="utf-8")
    pulled = data_command("pull", "--for", path)
    assert pulled.exit_code == 0, pulled.output
    executed = papermill.execute_notebook(
        NOTEBOOKS / f"{notebook}.ipynb",
        tmp_path / "executed.ipynb",
        parameters=read_parameters(path).model_dump(mode="json"),
        progress_bar=False,
        cwd=PROJECT,
    )
    bundles = [output["data"] for cell in executed.cells for output in cell.get("outputs", []) if "data" in output]
    [record] = [bundle[FINDINGS_MIME] for bundle in bundles if FINDINGS_MIME in bundle]
    return record, json.dumps(bundles)


@pytest.mark.notebook
@pytest.mark.parametrize("notebook", ["01_rate_cut_regimes", "03_record_sigma"])
def test_a_notebook_of_prices_runs_from_snapshots(notebook, market, data_command, tmp_path, store):
    market(read_parameters(PARAMETERS / notebook / "live.yaml"))
    record, shown = run(notebook, data_command, tmp_path)
    by_source = {card["id"]: card["source"] for card in record["data"]}
    assert by_source["RUT"] == "yahoo"
    assert {"yahoo", "fred" if notebook.startswith("01") else "french"} <= set(by_source.values())
    pulled = {card["id"]: card["snapshot"]["sha256"] for card in record["data"]}
    assert pulled["RUT"] in {snapshot.sha256 for item in store.items("yahoo") for snapshot in store.snapshots(item)}
    assert f"snapshot {pulled['RUT'][:12]}" in shown
    assert "pulled 20" in shown


@pytest.mark.notebook
def test_the_claims_are_checked_on_snapshots(market, data_command, tmp_path):
    market(read_parameters(PARAMETERS / "04_claims" / "live.yaml"))
    record, shown = run("04_claims", data_command, tmp_path, source="yahoo+fred+french")
    sources = {card["id"]: card["source"] for card in record["data"]}
    assert (sources["RUT"], sources["DGS10"]) == ("yahoo", "fred")
    found = {finding["name"]: finding["value"] for finding in record["findings"]}
    assert found["C01"] is not None  # of 2024-07-16, where the made-up prices end
    assert found["A01a"] is None  # of 2025
    assert "pulled 20" in shown


def growing(size, seed):
    """A made-up company with six annual reports."""
    generator = np.random.default_rng(seed)
    flows, stocks = {"OperatingIncomeLoss": 60, "DepreciationDepletionAndAmortization": 20, "InterestExpense": 10, "Revenues": 500}, {
        "LongTermDebtNoncurrent": 200, "Assets": 900, "CashAndCashEquivalentsAtCarryingValue": 40}  # fmt: skip
    tags = {}
    for make, amounts in ((fact, flows), (stock, stocks)):
        for tag, amount in amounts.items():
            tags[tag] = [
                make(round(amount * 1e4 * size * generator.uniform(0.5, 1.5)), f"{year + 1}-02-20", end=f"{year}-12-31",
                     **({"start": f"{year}-01-01"} if make is fact else {}))
                for year in range(2017, 2023)
            ]  # fmt: skip
    content = company(**tags)
    shares = [stock(1e5 * size, f"{year + 1}-02-20", end=f"{year + 1}-02-10") for year in range(2017, 2023)]
    content["facts"]["dei"]["EntityCommonStockSharesOutstanding"]["units"]["shares"] = shares
    return content


@pytest.mark.notebook
def test_the_notebook_of_companies_runs_from_snapshots(market, vendors, data_command, tmp_path, monkeypatch):
    market(read_parameters(PARAMETERS / "02_leverage_net_debt" / "live.yaml"))
    led = real_clients.open_clients(["yahoo", "fred", "french"])
    sec = Sec(session=LedWebSession(vendors.port, "the SEC", timeout_s=2.0), identity="Jo Doe jo@example.org")
    monkeypatch.setattr(real_clients, "open_clients", lambda *_, **__: led | {"sec": sec})
    monkeypatch.setattr(pull, "GAPS_S", {})
    days = DAYS[DAYS >= "2017-01-01"]
    listed = {str(n): {"cik_str": n, "ticker": f"C{n:02d}", "title": ""} for n in range(1, 61)}
    vendors.answer("/files/company_tickers.json", as_json(listed))
    for n, row in enumerate(listed.values()):
        vendors.prices(row["ticker"], as_json(chart(row["ticker"], days, walk(days, 100 + n))))
        vendors.answer(f"/api/xbrl/companyfacts/CIK{row['cik_str']:010d}.json", as_json(growing(61 - n, n)))
    record, shown = run("02_leverage_net_debt", data_command, tmp_path, large=20, small=40)
    sources = {card["id"]: card["source"] for card in record["data"]}
    assert sources["fundamentals"] == "sec"
    assert sources["GSPC"] == "yahoo"
    assert sources["DGS2"] == "fred"
    assert sources["SMB"] == "french"
    assert "annual reports as filed" in shown
    assert "Jo Doe" not in shown


def test_offline_with_snapshots_a_report_needs_no_network(market, data_command, vendors, monkeypatch):
    path = PARAMETERS / "03_record_sigma" / "live.yaml"
    market(read_parameters(path))
    assert data_command("pull", "--for", path).exit_code == 0
    vendors.stop()
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("the network was touched"))
    source = open_source("yahoo+french")
    assert load_prices(source, ["RUT", "VIX"])["RUT"].size == len(DAYS)
    assert load_series(source, ["SMB"])["SMB"].size > 0


def test_real_prices_replayed_are_what_the_folder_has(shared_data, vendors, data_command, parameter_file):
    folder = load_prices(open_source("folder", data_dir=str(shared_data)), ["RUT"])["RUT"]
    for symbol in ("^GSPC", "^VIX", "^RVX", "^VXN", "^VXD"):
        vendors.prices(symbol, as_json(chart(symbol, DAYS[-100:])))
    vendors.prices("^RUT", as_json(chart("^RUT", folder.index, folder.tolist())))
    assert data_command("pull", "--for", parameter_file()).exit_code == 0
    replayed = load_prices(open_source("yahoo"), ["RUT"])["RUT"]
    pd.testing.assert_series_equal(replayed, folder, check_freq=False)
