"""What the real clients make of sound answers: Yahoo's sessions, FRED's series, Ken French's files."""

import json
from datetime import date

import numpy as np
import pandas as pd
import pytest

from research_lib.data import load_prices, load_series, open_source
from research_lib.data.calendar import sessions_between
from research_lib.data.catalog import describe_asset
from research_lib.data.live.network import RefusedError, read_retry_after
from research_lib.data.live.snapshots import Item, Kind
from tests.data.live.loopback import Answer, as_json, chart, clients, fred_csv, french_zip

HALF_DAY = sessions_between(pd.Timestamp("2023-11-20"), pd.Timestamp("2023-11-24"))  # the bell rings at 13:00
WHOLE_DAY = sessions_between(pd.Timestamp("2024-07-10"), pd.Timestamp("2024-07-16"))


@pytest.mark.parametrize(
    ("days", "now", "last"),
    [
        (HALF_DAY, "2023-11-24T17:59Z", "2023-11-22"),
        (HALF_DAY, "2023-11-24T18:00Z", "2023-11-24"),
        (WHOLE_DAY, "2024-07-16T19:59Z", "2024-07-15"),
        (WHOLE_DAY, "2024-07-16T20:00Z", "2024-07-16"),
    ],
)
def test_a_session_that_is_not_over_is_left_out_and_said(vendors, tmp_path, days, now, last):
    vendors.prices("^RUT", as_json(chart("^RUT", days)))
    yahoo = clients(vendors.port, tmp_path)["yahoo"]
    [pulled] = yahoo.fetch([Item("yahoo", Kind.PRICES, "RUT")], now=pd.Timestamp(now))
    assert str(pulled.frame["date"].iloc[-1].date()) == last
    dropped = last != str(days[-1].date())
    assert pulled.left_out == ((f"{days[-1].date()}: the session is not over yet",) if dropped else ())
    assert pulled.query["symbol"] == "^RUT"
    assert pulled.query["auto_adjust"] == "False"


def test_dividends_and_adjusted_closes_are_kept_beside_raw_ones(vendors, tmp_path):
    stamp = int(WHOLE_DAY[2].timestamp()) + 52200
    events = {"dividends": {str(stamp): {"date": stamp, "amount": 1.5}}}
    vendors.prices("SPY", as_json(chart("SPY", WHOLE_DAY, adjclose=[1, 2, 3, 4, 5], events=events)))
    [pulled] = clients(vendors.port, tmp_path)["yahoo"].fetch(
        [Item("yahoo", Kind.PRICES, "SPY")], now=pd.Timestamp.now("UTC")
    )
    assert pulled.frame["adj_close"].tolist() == [1, 2, 3, 4, 5]
    assert pulled.frame["close"].tolist() == pytest.approx([100, 100.1, 100.2, 100.3, 100.4])
    assert pulled.frame["dividend"].tolist() == [0, 0, 1.5, 0, 0]


def test_names_that_yahoo_spells_otherwise():
    assert {name: describe_asset(name).yahoo for name in ("RUT", "VIX", "BTC-USD", "IWM", "ANY")} == {
        "RUT": "^RUT", "VIX": "^VIX", "BTC-USD": "", "IWM": "", "ANY": "",
    }  # fmt: skip


def test_a_currency_trades_on_days_that_are_no_sessions(vendors, data_command, parameter_file):
    every_day = pd.date_range("2024-07-08", "2024-07-16")
    vendors.prices("BTC-USD", as_json(chart("BTC-USD", every_day)))
    data_command("pull", "--for", parameter_file(asset="BTC-USD"))
    bitcoin = load_prices(open_source("yahoo"), ["BTC-USD"])
    assert bitcoin["BTC-USD"].size == len(every_day)
    assert bitcoin.cards[0].faults == ()


def test_a_recorded_answer_of_the_real_vendor(shared_data, vendors, tmp_path):
    recorded = json.loads((shared_data / "wire/yahoo/chart-AAPL-2020-08-31-to-2020-11-07.json").read_text())["response"]
    vendors.prices("AAPL", as_json(recorded["bodyJson"]))
    [pulled] = clients(vendors.port, tmp_path)["yahoo"].fetch(
        [Item("yahoo", Kind.PRICES, "AAPL")], now=pd.Timestamp.now("UTC")
    )
    quote = recorded["bodyJson"]["chart"]["result"][0]["indicators"]["quote"][0]
    assert pulled.frame["close"].tolist() == quote["close"]
    assert pulled.frame["split"].tolist().count(4.0) == 1, "the split of 2020-08-31"
    assert pulled.frame["date"].iloc[0] == pd.Timestamp("2020-08-31")


@pytest.mark.parametrize("name", ["notimestamp-quotes-length", "notimestamp-weird-quote"])
def test_a_made_up_answer_in_the_vendors_form_is_refused(shared_data, vendors, tmp_path, name):
    recorded = json.loads((shared_data / f"wire/yahoo/chart-{name}.fake.json").read_text())["response"]
    vendors.prices("AAPL", as_json(recorded["bodyJson"]))
    with pytest.raises(RefusedError, match="prices on 0 dates for AAPL"):
        clients(vendors.port, tmp_path)["yahoo"].fetch(
            [Item("yahoo", Kind.PRICES, "AAPL")], now=pd.Timestamp.now("UTC")
        )


@pytest.fixture
def ten_years(vendors, data_command, parameter_file):
    """Pull a 10-year yield, and say what came of it."""

    def run(*answers):
        vendors.series("DGS10", *answers)
        path = parameter_file(
            source="fred",
            asset="",
            notebook="01_rate_cut_regimes",
            frequency="daily",
            small="RUT",
            large="GSPC",
            horizon=252,
        )
        return data_command("pull", "--for", path, "--max-age", 0)

    return run


def test_series_come_whole_and_in_their_own_unit(ten_years):
    days = pd.date_range("1962-01-02", periods=3000, freq="B")
    values = pd.Series(np.linspace(4, 9, 3000), days)
    values.iloc[5] = np.nan
    result = ten_years(fred_csv("DGS10", values))
    assert "fred DGS10: 3,000 rows, 1962-01-02" in result.output, "not the last five years only"
    loaded = load_series(open_source("fred"), ["DGS10"])
    assert loaded["DGS10"].iloc[0] == pytest.approx(0.04)
    assert loaded["DGS10"].size == 2999
    assert loaded.cards[0].origin.startswith("DGS10, column value, pulled 20")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(b"<html>not found", 404), "FRED answered 404"),
        (Answer(b"<html>We are down", 200), "FRED sent a web page in place of data"),
        (Answer(b"slow", 429), "FRED is throttling (429)"),
        (Answer(b"", 500), "FRED has a fault (500)"),
        (Answer(b"observation_date,DGS10\n2024-01-02,4.1\n2024-01-0", cut=True), "FRED cut the connection"),
        (Answer(b"observation_date,DGS10\n", 200), "FRED sent"),
        (Answer(b"", 200), "FRED sent nothing usable for DGS10"),
        (Answer(b"observation_date,DGS10\n2024-01-02,n/a\n2024-01-03,oops\n"), "something else than dates and numbers"),
        (Answer(b"observation_date,DGS10\n", delay_s=1.0), "FRED did not answer within 0.4 s"),
    ],
)
def test_what_fred_sends_instead(ten_years, store, answer, said):
    result = ten_years(answer)
    assert result.exit_code == 1
    [line] = [line for line in result.output.splitlines() if line.startswith("failed: fred DGS10")]
    assert said in line
    assert store.snapshots(Item("fred", Kind.SERIES, "DGS10")) == []


MONTHS = pd.period_range("1990-01", "2023-12", freq="M").strftime("%Y%m")


def french_tables(columns, seed=0):
    values = np.random.default_rng(seed).normal(0.5, 4, (len(MONTHS), len(columns))).round(2)
    monthly = pd.DataFrame(values, MONTHS, columns)
    years = [str(year) for year in range(1950, 2024)]
    return {"Monthly": monthly, "Annual": pd.DataFrame(np.ones((74, len(columns))), years, columns)}


def test_factors_and_portfolios_come_from_one_file_each(vendors, data_command, parameter_file):
    factors = french_tables(["Mkt-RF", "SMB", "HML", "RF"])
    sizes = [f"ME{size} BM{value}" for size in range(1, 6) for value in range(1, 6)]
    corners = {"ME1 BM1": "SMALL LoBM", "ME1 BM5": "SMALL HiBM", "ME5 BM1": "BIG LoBM", "ME5 BM5": "BIG HiBM"}
    portfolios = french_tables([corners.get(name, name) for name in sizes], seed=1)
    portfolios["Monthly"].loc["199002", "ME1 BM3"] = -99.99
    folder = "/pages/faculty/ken.french/ftp"
    vendors.answer(f"{folder}/F-F_Research_Data_Factors_CSV.zip", french_zip("F-F_Research_Data_Factors", factors))
    vendors.answer(f"{folder}/25_Portfolios_5x5_CSV.zip", french_zip("25_Portfolios_5x5", portfolios))
    result = data_command("pull", "--for", parameter_file("french", "", "01_rate_cut_regimes"))
    assert result.exit_code == 0, result.output
    assert vendors.times_asked("_CSV.zip") == 2
    loaded = load_series(open_source("french"), ["SMB", "S1V3", "S5V5"], as_of=date(2023, 12, 31))
    assert loaded["SMB"].iloc[0] == pytest.approx(factors["Monthly"]["SMB"].iloc[0] / 100)
    assert loaded["S5V5"].iloc[-1] == pytest.approx(portfolios["Monthly"]["BIG HiBM"].iloc[-1] / 100)
    assert loaded["S1V3"].size == len(MONTHS) - 1
    assert loaded["SMB"].index[-1] == pd.Timestamp("2023-12-31")


def test_a_file_of_ken_french_that_changed_is_refused(vendors, data_command, parameter_file):
    folder = "/pages/faculty/ken.french/ftp"
    vendors.answer(f"{folder}/F-F_Research_Data_Factors_CSV.zip", Answer(b"PK no zip"))
    vendors.answer(f"{folder}/25_Portfolios_5x5_CSV.zip", french_zip("25_Portfolios_5x5", french_tables(["A", "B"])))
    result = data_command("pull", "--for", parameter_file("french", "", "01_rate_cut_regimes"))
    assert result.exit_code == 1
    assert "F-F_Research_Data_Factors: not a file as Ken French publishes it" in result.output
    assert "25_Portfolios_5x5: no monthly column SMALL LoBM; it has A, B" in result.output


def test_the_header_retry_after_is_seconds_or_a_date():
    assert read_retry_after("120") == 120
    assert read_retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0
    assert read_retry_after("soon") is None
    assert read_retry_after(None) is None


def test_no_test_leaves_the_loopback_address(vendors, tmp_path):
    led = clients(vendors.port, tmp_path)
    with pytest.raises(AssertionError, match="example"):
        led["yahoo"]._session.get("https://example.org/")
    with pytest.raises(AssertionError, match="example"):
        led["fred"]._session.get("https://example.org/")
