"""Each source gives the same shapes, and one clear line where it cannot."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from research_lib.data import catalog, load_prices, load_prices_if_any, load_series, load_series_if_any, open_source
from research_lib.data.catalog import KNOWN_SERIES, KNOWN_SYMBOLS, describe_asset, describe_series
from research_lib.data.load import load_levels, require_history
from research_lib.data.source import PACKAGED, load_packaged, parts_of
from research_lib.errors import DataError, InsufficientDataError, MissingDataError
from tests.conftest import random_walk, write_prices
from tests.data.test_forms import CASES

BUNDLED = open_source("bundled")


def folder_with(tmp_path, text, *names):
    for path in [tmp_path / name for name in names or ("prices/ABC.csv",)]:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return open_source("folder", data_dir=str(tmp_path))


def refused(source, asset="ABC", error=DataError, load=load_prices, **options):
    with pytest.raises(error, match=r"^[^\n]*$") as caught:
        load(source, [asset], **options)
    return str(caught.value)


def is_in_shape(frame):
    assert (frame.index.dtype, frame.index.name) == ("datetime64[us]", "date")
    assert (np.diff(frame.index) > pd.Timedelta(0)).all()
    assert (frame.dtypes == np.float64).all()


def test_bundled_prices_are_those_of_their_days_and_their_vintages_agree():
    found = load_prices(BUNDLED, ["GSPC", "IXIC", "VIX"])
    is_in_shape(found.values)
    card = found.cards[0]
    assert (card.rows, card.first, card.last) == (18367, "1950-01-03", "2022-12-28")
    assert [found["GSPC"][day] for day in ("1987-10-19", "2020-03-23")] == pytest.approx([224.84, 2237.40])
    assert found["IXIC"]["2000-03-10"] == pytest.approx(5048.62, abs=0.01)
    assert [card.gaps for card in found.cards] == [0, 0, 0]
    files = {name: file for name, file in PACKAGED.items() if name.startswith("GSPC ")}
    vintages = [load_packaged(name)[0][file["column"]] for name, file in files.items()]
    together = pd.concat(vintages, axis=1).dropna(how="any")
    assert len(together) == 4277
    assert (together.max(axis=1) / together.min(axis=1) - 1).max() < 2e-7


def test_bundled_series_have_their_own_months_and_decimals():
    """arch's own loader puts all months into 1970 on pandas 3."""
    portfolios = ["S1V1", "S1V3", "S1V5", "S5V1", "S5V3", "S5V5"]
    found = load_series(BUNDLED, ["SMB", "RF", "BAA", "TB3MA", "UNRATE_Q", "DCOILWTICO", "MKT_RF", *portfolios])
    is_in_shape(found.values)
    spans = {card.id: (card.first, card.last) for card in found.cards}
    assert (spans["SMB"], spans["S1V1"]) == (("1926-07-31", "2018-11-30"), ("1949-01-31", "2017-03-31"))
    assert (found["SMB"].iloc[0], found["BAA"]["1982-01-31"]) == (pytest.approx(-0.023), pytest.approx(0.1710))
    highest = {name: str(found[name].idxmax().date()) for name in ("TB3MA", "UNRATE_Q", "DCOILWTICO")}
    assert highest == {"TB3MA": "1981-05-31", "UNRATE_Q": "1982-12-31", "DCOILWTICO": "2008-07-03"}
    joined = found.values[[*portfolios, "SMB", "MKT_RF", "RF"]].dropna()
    small, large = (joined[names].mean(axis=1) for names in (portfolios[:3], portfolios[3:]))
    assert (small - large).corr(joined["SMB"]) > 0.9  # one month apart there is no such correlation
    assert large.mean() == pytest.approx((joined["MKT_RF"] + joined["RF"]).mean(), abs=0.001)


def test_bundled_series_agree_with_their_publisher(shared_data):
    theirs = load_series(open_source("folder", data_dir=str(shared_data)), ["DGS3MO", "UNRATE", "SMB"])
    ours = load_series(BUNDLED, ["TB3MA", "UNRATE_Q", "SMB"])
    bills = theirs["DGS3MO"].resample("ME").mean() - ours["TB3MA"]
    assert bills.median() == pytest.approx(0.0022, abs=0.0005)  # a bond's yield on a bill's discount
    assert (theirs["UNRATE"].resample("QE").mean() - ours["UNRATE_Q"]).abs().max() < 0.002  # revisions
    assert 0.98 < ours["SMB"].corr(theirs["SMB"]) < 1, "two vintages are alike but not equal: say which one"


def test_a_changed_package_is_found(monkeypatch):
    for changed, said in (
        ({"last_value": "6635.2"}, r"nasdaq.csv.gz is not the data set that the kit knows \(5031 rows"),
        ({"package": "no_such_package"}, "package no_such_package is not installed"),
    ):
        monkeypatch.setitem(PACKAGED, "IXIC", PACKAGED["IXIC"] | changed)
        with pytest.raises(DataError, match=said):
            load_packaged.__wrapped__("IXIC")


def test_each_source_says_what_it_has(tmp_path):
    assert refused(BUNDLED, "RUT") == "source bundled has no prices of RUT; it has GSPC, IXIC, VIX"
    assert "only the close" in refused(BUNDLED, "GSPC:high")
    assert "no series of DGS10; it has" in refused(BUNDLED, "DGS10", load=load_series)
    kinds = {"GSPC": "level session", "BAA": "yield month", "SMB": "level month", "DCOILWTICO": "number session"}
    assert {name: " ".join(load_levels(BUNDLED, name)[1:3]) for name in kinds} == kinds
    returns, grown = load_series(BUNDLED, ["SMB"])["SMB"], load_levels(BUNDLED, "SMB")[0]
    assert grown.pct_change().iloc[1:].to_numpy() == pytest.approx(returns.to_numpy())
    said = refused(BUNDLED, "GSPCC", MissingDataError, load=lambda source, names: load_levels(source, *names))
    assert said.startswith("unknown price or series GSPCC; did you mean GSPC? (known: AAA, BAA, DCOILWTICO, GSPC, HML")
    with pytest.raises(MissingDataError, match="data_dir nowhere: there is no such folder"):
        open_source("folder", data_dir="nowhere")
    with pytest.raises(DataError, match=r"unknown source bundeld; did you mean bundled\?"):
        open_source("bundeld")
    folder_with(tmp_path, "")
    assert open_source("folder", data_dir=f"nowhere, {tmp_path}").names("prices") == ["ABC"]


def test_assets_side_by_side_keep_their_own_sessions(tmp_path):
    long = random_walk(300, seed=1, name="LONG")
    write_prices(tmp_path, "LONG", long)
    write_prices(tmp_path, "SHORT", random_walk(300, seed=2).iloc[100:])
    source = open_source("folder", data_dir=str(tmp_path))
    loaded = load_prices(source, ["LONG", "SHORT", "LONG"])
    is_in_shape(loaded.values)
    assert (loaded["LONG"].tolist(), len(loaded["SHORT"])) == (long.tolist(), 200)
    assert loaded.cards[0].origin == "prices/LONG.csv, column close"
    assert load_prices(source, ["LONG"], as_of=date(2000, 6, 3)).cards[0].last == "2000-06-02"
    assert "on 2000-01-03, after as_of 1999" in refused(source, "LONG", InsufficientDataError, as_of=date(1999, 1, 1))
    days, week = pd.DatetimeIndex(long.index), pd.Timedelta(days=7)
    require_history(days, "session", "LONG", first=date(1999, 11, 19), last=days[-1] + week)
    for last, said in ((days[0] - week, "has no value"), (days[0], "begins"), (days[-1] + 2 * week, "ends on")):
        with pytest.raises(InsufficientDataError, match=f"LONG {said} "):
            require_history(days, "session", "LONG", first=date(1999, 11, 18), last=last)


def test_total_is_the_adjusted_close_of_a_fund_and_another_index_of_an_index(tmp_path):
    text = "Date,Close,Adj Close\n2024-01-02,10,9\n2024-01-03,11,9.9\n"
    source = folder_with(tmp_path, text, "prices/IWM.csv", "prices/GSPC.csv")
    assert load_prices(source, ["IWM:total"])["IWM:total"].tolist() == [9, 9.9]
    said = refused(source, "GSPC:total", MissingDataError)
    assert said == "GSPC:total: source folder lacks the total-return index SP500TR"
    assert load_prices_if_any(source, ["GSPC:total", "IWM:total"]) is None
    found = load_prices(folder_with(tmp_path, text.replace("10", "10.5"), "prices/SP500TR.csv"), ["GSPC:total"])
    assert (found["GSPC:total"].tolist(), found.cards[0].origin) == ([10.5, 11], "prices/SP500TR.csv, column close")


def test_two_files_of_one_symbol_are_refused_and_what_is_no_file_is_none(tmp_path):
    source = folder_with(tmp_path, "date,close\n2024-01-02,10\n")
    (tmp_path / "prices" / "DIR.csv").mkdir()
    (tmp_path / "prices" / "GONE.csv").symlink_to(tmp_path / "nowhere.csv")
    (tmp_path / "prices" / "NOTES.txt").write_text("text")
    assert source.names("prices") == ["ABC"]
    said = "source folder has no prices of DIR (a file DIR.csv or DIR.parquet); prices/ has ABC"
    assert refused(source, "DIR") == said
    two = folder_with(tmp_path, "", "prices/ABC.parquet")
    assert refused(two) == "prices/ holds ABC.csv and ABC.parquet: remove one of them"


def test_thousands_of_symbols_are_listed_once_and_in_short(tmp_path, monkeypatch):
    source = folder_with(tmp_path, "date,close\n2024-01-02,10\n", *(f"prices/S{n:03}.csv" for n in range(300)))
    listings, glob = [], type(tmp_path).glob
    monkeypatch.setattr(type(tmp_path), "glob", lambda path, form: listings.append(path.name) or glob(path, form))
    load_prices(source, source.names("prices"))
    assert refused(source, "RUT").endswith("prices/ has S000, S001, S002, S003, S004, S005, S006, S007 and 292 more")
    assert listings == ["prices", "series"]


def test_what_is_absent_or_not_yet_begun_is_none():
    for names in (["GSPC", "RVX"], [], ["GSPC", "VIX"]):
        assert load_prices_if_any(BUNDLED, names, as_of=date(2003, 12, 31)) is None
    assert load_prices_if_any(BUNDLED, ["GSPC", "VIX"])["VIX"].size == 1259
    assert load_series_if_any(BUNDLED, ["DGS10"]) is None
    assert load_series_if_any(BUNDLED, ["SMB"])["SMB"].size == 1109


def test_joined_sources_give_each_price_whole_from_the_first_that_has_it(tmp_path):
    write_prices(tmp_path, "GSPC", random_walk(30, seed=1))
    joined = open_source("folder+bundled", data_dir=str(tmp_path))
    assert (joined.name, [part.name for part in parts_of(joined)]) == ("folder+bundled", ["folder", "bundled"])
    found = load_prices(joined, ["GSPC", "IXIC"], as_of=date(2018, 12, 31))
    assert [(card.source, card.rows) for card in found.cards] == [("folder", 30), ("bundled", 5031)]
    assert "SMB" in joined.names("series")
    said = refused(joined, "RUT", MissingDataError)
    assert said == "source folder+bundled has no prices of RUT; it has GSPC, IXIC, VIX"


def test_a_french_file_is_read_with_its_texts_and_missing_codes(tmp_path):
    source = lambda text: folder_with(tmp_path, text, "french/F-F_Research_Data_Factors.csv")
    found = load_series(source(CASES["french"]), ["SMB", "RF"])
    assert found.values.index.strftime("%Y-%m-%d").tolist() == ["1926-07-31", "1926-08-31"]
    assert (found["SMB"].tolist(), found["RF"].tolist()) == ([pytest.approx(-0.0256)], [0.0022, 0.0025])
    cut, other = CASES["french"].replace(",    0.25", ""), "no factors"
    assert "row 5: Expected 5 columns, got 4" in refused(source(cut), "SMB", load=load_series)
    assert "its only column is 'no factors'" in refused(source(other), "SMB", load=load_series)


def test_real_folder(shared_data):
    source = open_source("folder", data_dir=str(shared_data))
    prices = load_prices(source, ["RUT", "GSPC", "VIX", "IWM", "RSP:adj_close", "IWM:total"])
    is_in_shape(prices.values)
    assert [(card.gaps, len(card.faults)) for card in prices.cards] == [(0, 0)] * 6
    assert prices["RUT"]["2024-07-16"] == 2263.67
    assert load_series(source, ["DGS10", "SMB"])["DGS10"]["2025-12-31"] == pytest.approx(0.0418)


def test_the_catalog_is_consistent_and_knows_what_vendors_say():
    assert {name: catalog.in_words(name) for name in CASES["words"]} == CASES["words"]
    assert (describe_asset("MINE").name, describe_series("MINE").scale) == ("MINE", 1)
    assets, series = list(map(describe_asset, KNOWN_SYMBOLS)), list(map(describe_series, KNOWN_SERIES))
    assert {info.kind for info in assets} == {"index", "fund", "volatility", "currency"}
    assert {info.total_return for info in assets} - {""} <= set(KNOWN_SYMBOLS)
    assert {info.frequency for info in series} <= {"daily", "weekly", "monthly", "quarterly"}
    assert all(0 <= info.usual[0] < info.usual[1] for info in series)
    assert set(BUNDLED.names("series")) <= set(KNOWN_SERIES)
    for vendor, names in CASES["vendors"].items():
        assert {name: catalog.vendor_name(vendor, name) for name in names} == names
