"""Files as vendors give them, dropped into one folder, are enough for three studies, without an edit."""

import numpy as np
import pandas as pd
import pytest

from research_lib.data.calendar import sessions_between
from research_lib.data.check import check_sources
from research_lib.studies.leverage import Leverage
from research_lib.studies.rate_cuts import RateCuts
from research_lib.studies.record_sigma import RecordSigma
from tests.companies import write_simfin

SESSIONS = sessions_between(pd.Timestamp("1999-01-04"), pd.Timestamp("2020-12-31"))
COMPANIES, YEARS = 140, range(2017, 2020)


def walk(seed, sd=0.011):
    return pd.Series(100 * np.exp(np.random.default_rng(seed).normal(0.0002, sd, len(SESSIONS)).cumsum()), SESSIONS)


def yahoo(close):
    frame = pd.DataFrame(
        {"Open": close, "High": close * 1.01, "Low": close * 0.99, "Close": close, "Adj Close": close / 2}
    )
    return frame.assign(Volume=100).rename_axis("Date").to_csv()


def fred(name, values):
    return values.rename(name).rename_axis("observation_date").to_csv()


def yfinance(close):
    frame = pd.DataFrame({("Close", "RUT"): close, ("Volume", "RUT"): 5}).rename_axis("Date")
    return frame.rename_axis(columns=["Price", "Ticker"]).to_csv()


@pytest.fixture(scope="module")
def downloads(tmp_path_factory):
    folder = tmp_path_factory.mktemp("downloads")
    (folder / "prices").mkdir()
    (folder / "series").mkdir()
    (folder / "prices" / "GSPC.csv").write_text(yahoo(walk(1)))
    (folder / "prices" / "RUT.csv").write_text(yfinance(walk(2)))
    rates = 4 + 0.1 * np.sin(np.arange(len(SESSIONS)) / 50)
    (folder / "series" / "DGS10.csv").write_text(fred("DGS10", pd.Series(rates, SESSIONS)))
    rng = np.random.default_rng(3)
    companies = {f"C{number:03}": rng.uniform(1, 100) for number in range(COMPANIES)}
    statements = {
        (name, year): (f"10;10;{50 * size};{-size};{5 * size};{-size}", f"{size};{90 * size};{2 * size};{8 * size};{40 * size};{50 * size}", f"{2 * size}")
        for name, size in companies.items()
        for year in YEARS
    }  # fmt: skip
    write_simfin(folder, statements)
    lines = [
        f"{name};1;{year + 1}-03-02;9;9;9;{3 * size};{3 * size};5;;10"
        for name, size in companies.items()
        for year in YEARS
    ]
    header = "Ticker;SimFinId;Date;Open;Low;High;Close;Adj. Close;Volume;Dividend;Shares Outstanding"
    (folder / "simfin" / "us-shareprices-daily.csv").write_text("\n".join([header, *lines]) + "\n")
    return folder


def open_study(study, folder, **values):
    opened = study.from_params(source="folder", data_dir=str(folder), **values)
    assert check_sources([opened.p]) == [None]
    return opened


def test_record_sigma_runs_on_a_download_from_yahoo(downloads):
    compared = {"assets": ["GSPC", "RUT"]} if "assets" in RecordSigma.Parameters.model_fields else {}
    study = open_study(RecordSigma, downloads, asset="GSPC", benchmark="RUT", **compared)
    assert study.summary().numbers
    assert {card.id for card in study.cards} >= {"GSPC", "RUT"}


def test_rate_cuts_run_on_downloads_from_yahoo_and_fred(downloads):
    study = open_study(RateCuts, downloads, frequency="daily", small="RUT", large="GSPC", horizon=252)
    assert study.summary().verdict in {"depends", "open", "fails", "holds"}


def test_leverage_runs_on_simfins_bulk_files(downloads):
    study = open_study(Leverage, downloads, large=30, small=100, exclude_financials=False)
    assert study.summary().numbers
