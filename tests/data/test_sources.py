"""Each source gives the same shapes, and one clear line where it cannot."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from research_lib.data import bundled, load_prices, load_prices_if_any, load_series, load_series_if_any, open_source
from research_lib.data.catalog import Asset, choose_volatility, describe_asset, describe_series
from research_lib.errors import DataError, InsufficientDataError
from tests.conftest import random_walk, write_prices


def folder_with(tmp_path, text, name="ABC.csv"):
    path = tmp_path / "prices" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return open_source("folder", data_dir=str(tmp_path))


def refused(source, asset="ABC", error=DataError, **options):
    with pytest.raises(error) as caught:
        load_prices(source, [asset], **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def is_in_shape(frame):
    assert isinstance(frame.index, pd.DatetimeIndex)
    assert frame.index.name == "date"
    assert frame.index.tz is None
    assert frame.index.is_monotonic_increasing
    assert frame.index.is_unique
    assert (frame.dtypes == np.float64).all()


def test_bundled_prices(bundled_prices):
    is_in_shape(bundled_prices.values)
    spliced = bundled_prices["GSPC"]
    assert (len(spliced), str(spliced.index[0].date()), str(spliced.index[-1].date())) == (
        17361,
        "1950-01-03",
        "2018-12-31",
    )
    assert spliced["1987-10-19"] == pytest.approx(224.84)  # the published close of that day
    assert bundled_prices["IXIC"]["2000-03-10"] == pytest.approx(5048.62, abs=0.01)  # the published record of its time
    assert [card.gaps for card in bundled_prices.cards] == [0, 0, 0]


def test_bundled_factors_have_their_own_months():
    """arch's own loader puts all months into 1970 on pandas 3."""
    factors = load_series(open_source("bundled"), ["SMB", "RF"])
    is_in_shape(factors.values)
    assert (factors.values.index[0], factors.values.index[-1]) == (
        pd.Timestamp("1926-07-31"),
        pd.Timestamp("2018-11-30"),
    )
    assert len(factors.values) == 1109
    assert factors["SMB"].iloc[0] == pytest.approx(-0.023)  # decimals


def test_bundled_yields_are_decimals():
    assert load_series(open_source("bundled"), ["BAA"])["BAA"]["1982-01-31"] == pytest.approx(0.1710)


def test_spliced_vintages_agree():
    old, new = bundled.load_packaged(bundled.SP500_OLD)["close"], bundled.load_packaged(bundled.SP500_NEW)["Close"]
    common = old.index.intersection(new.index)
    assert len(common) == 4277
    assert (old[common] / new[common] - 1).abs().max() < 1e-7


def test_a_changed_package_is_found():
    changed = bundled.PackagedFile(**{**vars(bundled.NASDAQ), "rows": 5030})
    with pytest.raises(DataError, match=r"nasdaq.csv.gz is not the data set that the kit knows"):
        bundled.load_packaged(changed)


def test_bundled_says_what_it_has():
    source = open_source("bundled")
    assert refused(source, "RUT") == "source bundled has no prices of RUT; it has GSPC, IXIC, VIX"
    assert "only the close" in refused(source, "GSPC:high")
    with pytest.raises(DataError, match="no series DGS10; it has"):
        load_series(source, ["DGS10"])


def test_folder_reads_what_was_written(tmp_path):
    close = random_walk(300, seed=3, name="ABC")
    write_prices(tmp_path, "ABC", close)
    loaded = load_prices(open_source("folder", data_dir=str(tmp_path)), ["ABC"])
    is_in_shape(loaded.values)
    assert np.array_equal(loaded["ABC"].to_numpy(), close.to_numpy())
    assert loaded.cards[0].origin == "prices/ABC.csv, column close"


@pytest.mark.parametrize("as_index", [True, False])
def test_folder_reads_parquet_too(tmp_path, as_index):
    close = random_walk(300, seed=3, name="close").to_frame()
    (tmp_path / "prices").mkdir()
    (close if as_index else close.reset_index()).to_parquet(tmp_path / "prices" / "ABC.parquet")
    loaded = load_prices(open_source("folder", data_dir=str(tmp_path)), ["ABC"])
    assert np.array_equal(loaded["ABC"].to_numpy(), close["close"].to_numpy())


def test_assets_side_by_side_keep_their_own_sessions(tmp_path):
    write_prices(tmp_path, "LONG", random_walk(300, seed=1))
    write_prices(tmp_path, "SHORT", random_walk(300, seed=2).iloc[100:])
    loaded = load_prices(open_source("folder", data_dir=str(tmp_path)), ["LONG", "SHORT", "LONG"])
    assert list(loaded.values.columns) == ["LONG", "SHORT"]
    assert (len(loaded["LONG"]), len(loaded["SHORT"])) == (300, 200)
    assert loaded.get("NONE") is None


def test_another_column_is_asked_for_by_name(tmp_path):
    source = folder_with(tmp_path, "date,adj_close\n2024-01-02,10\n2024-01-03,11\n")
    assert load_prices(source, ["ABC:adj_close"])["ABC:adj_close"].tolist() == [10, 11]
    assert refused(source) == "prices/ABC.csv: no column close; it has date, adj_close; ask for ABC:adj_close"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "prices/ABC.csv: the file is empty"),
        ("date,close\n", "prices/ABC.csv: holds a header but no rows"),
        ("date;close\n2024-01-02;10\n", "prices/ABC.csv: its only column is 'date;close', needed are date and a value; "
         "it seems to be separated by ';': save it with commas"),
        ("day,close\n2024-01-02,10\n", "prices/ABC.csv: no column date; its columns are day, close"),
        ("date,close\n2024-01-02,10\n2024-01-03\n", "prices/ABC.csv, row 3: 1 cells where the header has 2"),
        ("date,close\n2024-01-02,10\n2024-01-03,1,0\n", "prices/ABC.csv, row 3: 3 cells where the header has 2"),
        ("date,close,close\n2024-01-02,1,2\n", "prices/ABC.csv: a column's name stands twice in its header (date, close, close)"),
        ("date,close\n2024-01-02,10\n2024-13-03,11\n", "prices/ABC.csv, column close, row 3: not a date (yyyy-mm-dd): '2024-13-03'"),
        ("date,close\n2024-01-02,10\n03/01/2024,11\n", "prices/ABC.csv, column close, row 3: not a date (yyyy-mm-dd): '03/01/2024'"),
        ("date,close\n2024-01-02,10\n2024-01-03,n/a\n", "prices/ABC.csv, column close, row 3 (2024-01-03): not a number: 'n/a'"),
        ("date,close\n2024-01-02,10\n2024-01-03,inf\n", "prices/ABC.csv, column close, row 3 (2024-01-03): not a number: 'inf'"),
        ("date,close\n2024-01-02,10\n2024-01-02,10\n", "prices/ABC.csv, column close, row 3 (2024-01-02): the date stands twice"),
        ("date,close\n2024-01-02,10\n2024-01-03,0\n", "prices/ABC.csv, column close, row 3 (2024-01-03): a price that is not positive: '0'"),
        ("date,close\n2024-01-02,-1\n", "prices/ABC.csv, column close, row 2 (2024-01-02): a price that is not positive: '-1'"),
    ],
)  # fmt: skip
def test_bad_files_are_refused_with_their_row(tmp_path, text, message):
    assert refused(folder_with(tmp_path, text)) == message


def test_many_bad_rows_are_counted(tmp_path):
    rows = "".join(f"2024-01-{day:02},0\n" for day in range(2, 20))
    assert refused(folder_with(tmp_path, "date,close\n" + rows)).endswith("; and 15 more")


def test_files_that_are_no_text_or_no_parquet(tmp_path):
    source = folder_with(tmp_path, "date,close\n2024-01-02,10\n")
    (tmp_path / "prices" / "ABC.csv").write_bytes(b"date,close\n2024-01-02,\xff\n")
    assert "not UTF-8 text" in refused(source)
    (tmp_path / "prices" / "XYZ.parquet").write_text("no parquet")
    assert "prices/XYZ.parquet: not a Parquet file" in refused(source, "XYZ")


def test_headers_may_be_in_capitals_and_after_a_blank_line(tmp_path):
    source = folder_with(tmp_path, "\nDate,Close\n2024-01-02,10\n2024-01-03,x\n")
    assert refused(source) == "prices/ABC.csv, column close, row 4 (2024-01-03): not a number: 'x'"


def test_an_open_quotation_mark_is_found(tmp_path):
    rows = "".join(f"2024-01-03,{number}\n" for number in range(20_000))
    assert "a quotation mark that is not closed?" in refused(
        folder_with(tmp_path, f'date,close\n2024-01-02,"10\n{rows}')
    )


def test_a_parquet_file_with_two_dates_is_read(tmp_path):
    frame = random_walk(50, seed=1, name="close").to_frame()
    (tmp_path / "prices").mkdir()
    frame.assign(date=frame.index.strftime("%Y-%m-%d")).to_parquet(tmp_path / "prices" / "ABC.parquet")
    assert len(load_prices(open_source("folder", data_dir=str(tmp_path)), ["ABC"])["ABC"]) == 50


def test_french_files_with_missing_codes_or_short_rows(tmp_path):
    path = tmp_path / "french" / "F-F_Research_Data_Factors.csv"
    path.parent.mkdir()
    path.write_text(",Mkt-RF,SMB,HML,RF\n192607,2.96,-99.99,1,0.2\n192608,2.6,-1.17,3,0.2\n")
    source = open_source("folder", data_dir=str(tmp_path))
    assert load_series(source, ["SMB"])["SMB"].tolist() == [pytest.approx(-0.0117)]
    path.write_text(",Mkt-RF,SMB,HML,RF\n192607,2.96,1.0\n")
    with pytest.raises(DataError, match="row 2: 3 cells where the header has 5"):
        load_series(source, ["SMB"])


def test_a_missing_symbol_or_folder_is_named(tmp_path):
    source = folder_with(tmp_path, "date,close\n2024-01-02,10\n")
    assert refused(source, "RUT").endswith("prices/ has ABC")
    with pytest.raises(DataError, match="data_dir nowhere: there is no such folder"):
        open_source("folder", data_dir="nowhere")
    with pytest.raises(DataError, match="known: bundled, folder"):
        open_source("bloomberg")


def test_as_of_cuts_at_the_door(tmp_path):
    write_prices(tmp_path, "ABC", random_walk(300, seed=3))
    source = open_source("folder", data_dir=str(tmp_path))
    assert load_prices(source, ["ABC"], as_of=date(2000, 6, 3))["ABC"].index[-1] == pd.Timestamp("2000-06-02")
    message = refused(source, error=InsufficientDataError, as_of=date(1999, 1, 1))
    assert "begins on 2000-01-03, after as_of 1999-01-01" in message


def test_a_month_is_known_only_when_it_is_over():
    source = open_source("bundled")
    assert load_series(source, ["SMB"], as_of=date(2000, 3, 30))["SMB"].index[-1] == pd.Timestamp("2000-02-29")
    assert load_series(source, ["SMB"], as_of=date(2000, 3, 31))["SMB"].index[-1] == pd.Timestamp("2000-03-31")


def test_a_month_that_fred_dates_by_its_first_day_is_known_at_its_end(tmp_path):
    (tmp_path / "series").mkdir()
    (tmp_path / "series" / "FEDFUNDS.csv").write_text("date,value\n2024-01-01,5.33\n2024-02-01,5.33\n")
    (tmp_path / "series" / "DGS10.csv").write_text("date,value\n2024-01-02,3.95\n")
    source = open_source("folder", data_dir=str(tmp_path))
    assert load_series(source, ["FEDFUNDS"], as_of=date(2024, 2, 28))["FEDFUNDS"].index == [pd.Timestamp("2024-01-31")]
    assert load_series(source, ["DGS10"])["DGS10"].index == [pd.Timestamp("2024-01-02")]


def test_series_that_are_absent_or_not_yet_begun_are_none():
    source = open_source("bundled")
    assert load_series_if_any(source, ["DGS10"]) is None
    assert load_series_if_any(source, ["SMB"], as_of=date(1920, 1, 1)) is None
    assert load_series_if_any(source, ["SMB"])["SMB"].size == 1109


def test_prices_that_are_absent_or_not_yet_begun_are_none():
    source = open_source("bundled")
    assert load_prices_if_any(source, ["GSPC", "RVX"]) is None
    assert load_prices_if_any(source, []) is None
    assert load_prices_if_any(source, ["GSPC", "VIX"], as_of=date(2003, 12, 31)) is None
    assert load_prices_if_any(source, ["GSPC", "VIX"])["VIX"].size == 1259


def test_a_french_file_is_read_with_its_texts(tmp_path):
    """Header and footer texts stand around the monthly block, and an annual block follows it."""
    path = tmp_path / "french" / "F-F_Research_Data_Factors.csv"
    path.parent.mkdir()
    path.write_text(
        "This file was made today\n\n,Mkt-RF,SMB,HML,RF\n192607,    2.96,   -2.56,   -2.43,    0.22\n"
        "192608,    2.64,   -1.17,    3.82,    0.25\n\n Annual Factors:\n,Mkt-RF,SMB,HML,RF\n 1927,   29.47,  -2.04,   -4.54, 3.12\n"
        "Copyright\n"
    )
    smb = load_series(open_source("folder", data_dir=str(tmp_path)), ["SMB"])["SMB"]
    assert smb.index.strftime("%Y-%m-%d").tolist() == ["1926-07-31", "1926-08-31"]
    assert smb.tolist() == pytest.approx([-0.0256, -0.0117])


def test_real_folder(shared_data):
    source = open_source("folder", data_dir=str(shared_data))
    prices = load_prices(source, ["RUT", "GSPC", "VIX", "IWM", "RSP:adj_close"])
    is_in_shape(prices.values)
    assert [(card.gaps, len(card.faults)) for card in prices.cards] == [(0, 0)] * 5
    assert prices["RUT"]["2024-07-16"] == 2263.67
    series = load_series(source, ["DGS10", "SMB"])
    assert series["DGS10"]["2025-12-31"] == pytest.approx(0.0418)


def test_two_vintages_of_smb_are_alike_but_not_equal(shared_data):
    mine = load_series(open_source("bundled"), ["SMB"])["SMB"]
    theirs = load_series(open_source("folder", data_dir=str(shared_data)), ["SMB"])["SMB"]
    assert 0.98 < mine.corr(theirs) < 1
    assert (mine - theirs).abs().mean() < 0.002  # points a month on average, up to 1.5: say which vintage


def test_assets_and_their_volatility_index():
    assert Asset.parse("RSP:adj_close") == Asset("RSP", "adj_close")
    assert str(Asset.parse("RSP:adj_close")) == "RSP:adj_close"
    assert describe_asset("RSP:adj_close").name == "Invesco S&P 500 Equal Weight ETF"
    assert describe_asset("MINE").name == "MINE"
    assert describe_series("MINE").scale == 1
    assert choose_volatility("RUT", ["RUT", "RVX"]).volatility == "RVX"
    proxy = choose_volatility("RUT", ["RUT", "GSPC", "VIX"])
    assert (proxy.asset, proxy.volatility, proxy.is_proxy) == ("GSPC", "VIX", True)
    assert "proxy" in proxy.label
    assert choose_volatility("RUT", ["RUT"]) is None
