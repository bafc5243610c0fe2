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
from tests.conftest import random_walk

SESSIONS = sessions_between(pd.Timestamp("1999-01-04"), pd.Timestamp("2020-12-31"))
COMPANIES, YEARS = 140, range(2017, 2020)
walk = lambda seed: random_walk(len(SESSIONS), seed=seed).set_axis(SESSIONS)


@pytest.fixture(scope="module")
def downloads(tmp_path_factory):
    """GSPC as from Yahoo, RUT as from yfinance, DGS10 as from FRED, SimFin's bulk files with its daily prices."""
    folder, close = tmp_path_factory.mktemp("downloads"), walk(1)
    for kind in ("prices", "series"):
        (folder / kind).mkdir()
    yahoo = {"Open": close, "High": close * 1.01, "Low": close * 0.99, "Close": close, "Adj Close": close / 2}
    pd.DataFrame(yahoo | {"Volume": 100}).rename_axis("Date").to_csv(folder / "prices" / "GSPC.csv")
    yfinance = pd.DataFrame({("Close", "RUT"): walk(2), ("Volume", "RUT"): 5}).rename_axis("Date")
    yfinance.rename_axis(columns=["Price", "Ticker"]).to_csv(folder / "prices" / "RUT.csv")
    rates = pd.Series(4 + 0.1 * np.sin(np.arange(len(SESSIONS)) / 50), SESSIONS, name="DGS10")
    rates.rename_axis("observation_date").to_csv(folder / "series" / "DGS10.csv")
    sizes = np.random.default_rng(3).uniform(1, 100, COMPANIES)
    rows = {(f"C{n:03}", year): size for n, size in enumerate(sizes) for year in YEARS}
    write_simfin(folder, {
        key: (f"10;10;{50 * size};{-size};{5 * size};{-size}",
              f"{size};{90 * size};{2 * size};{8 * size};{40 * size};{50 * size}", f"{2 * size}")
        for key, size in rows.items()
    })  # fmt: skip
    lines = [f"{name};1;{year + 1}-03-02;9;9;9;{3 * size};{3 * size};5;;10" for (name, year), size in rows.items()]
    header = "Ticker;SimFinId;Date;Open;Low;High;Close;Adj. Close;Volume;Dividend;Shares Outstanding"
    (folder / "simfin" / "us-shareprices-daily.csv").write_text("\n".join([header, *lines]) + "\n")
    return folder


STUDIES = {
    RecordSigma: ({"asset": "GSPC", "benchmark": "RUT", "assets": ["GSPC", "RUT"]}, {"GSPC", "RUT"}),
    RateCuts: ({"frequency": "daily", "small": "RUT", "large": "GSPC", "horizon": 252}, {"GSPC", "RUT"}),
    Leverage: ({"large": 30, "small": 100, "exclude_financials": False}, {"fundamentals", "price_panel", "DGS10"}),
}


@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.__name__)
def test_a_study_runs_on_downloads(downloads, study):
    params, used = STUDIES[study]
    opened = study.from_params(source="folder", data_dir=str(downloads), **params)
    assert check_sources([opened.p]) == [None]
    assert opened.summary().numbers
    assert {card.id for card in opened.cards} >= used
