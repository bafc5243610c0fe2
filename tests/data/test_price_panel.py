"""Prices of companies: the same from either file format, cut at the door, and honest about who is in them."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from research_lib.data import open_source
from research_lib.data.calendar import sessions_between
from research_lib.data.price_panel import load_price_panel, make_price_panel, month_ends
from research_lib.data.quality import FaultKind
from research_lib.errors import DataError, InsufficientDataError

SESSIONS = sessions_between(pd.Timestamp("2020-01-02"), pd.Timestamp("2020-06-30")).rename("date")


def prices(*names):
    steps = np.random.default_rng(0).normal(0, 0.01, (len(SESSIONS), len(names)))
    return pd.DataFrame(50 * np.exp(steps.cumsum(axis=0)), SESSIONS, list(names))


def load(folder, **options):
    return load_price_panel(open_source("folder", data_dir=str(folder)), **options)


def test_csv_and_parquet_hold_the_same(tmp_path):
    frame = prices("A", "B")
    for name in ("csv", "parquet"):
        (tmp_path / name).mkdir()
    frame.to_csv(tmp_path / "csv" / "price_panel.csv")
    frame.to_parquet(tmp_path / "parquet" / "price_panel.parquet")
    from_csv, from_parquet = load(tmp_path / "csv"), load(tmp_path / "parquet")
    pd.testing.assert_frame_equal(from_csv.values, from_parquet.values)
    assert from_csv.card.sha256 == from_parquet.card.sha256
    pd.testing.assert_frame_equal(from_csv.values, frame, check_freq=False)


def test_nothing_after_as_of_matters(tmp_path):
    frame = prices("A", "B")
    frame.to_csv(tmp_path / "price_panel.csv")
    before = load(tmp_path, as_of=date(2020, 3, 31))
    pd.concat([frame[:"2020-03-31"], 3 * frame["2020-04-01":]]).to_csv(tmp_path / "price_panel.csv")
    assert load(tmp_path, as_of=date(2020, 3, 31)).card == before.card
    assert before.values.index[-1] == pd.Timestamp("2020-03-31")
    with pytest.raises(InsufficientDataError, match=r"holds no prices up to as_of"):
        load(tmp_path, as_of=date(2019, 3, 31))


def test_prices_that_are_none_are_left_out_and_counted():
    frame = prices("A", "B")
    frame.iloc[3, 1] = -2.0
    panel = make_price_panel(frame, source="folder", origin="x")
    assert np.isnan(panel.values.iloc[3, 1])
    assert [(fault.kind, fault.date, fault.detail) for fault in panel.card.faults] == [
        (FaultKind.BAD_PRICE, str(SESSIONS[3].date()), "B")
    ]
    assert frame.iloc[3, 1] == -2.0


def test_survivors_are_recognised():
    frame = prices(*(f"C{number}" for number in range(20)))
    assert make_price_panel(frame, source="folder", origin="x").survivors_only
    frame.iloc[60:, :2] = np.nan
    panel = make_price_panel(frame, source="folder", origin="x")
    assert panel.still_quoted_share == pytest.approx(0.9)
    assert not panel.survivors_only


def test_month_ends_are_of_months_that_are_over():
    panel = make_price_panel(prices("A").loc[:"2020-05-28"], source="folder", origin="x")
    assert [str(day.date()) for day in month_ends(panel)] == ["2020-01-31", "2020-02-28", "2020-03-31", "2020-04-30"]
    whole = make_price_panel(prices("A").loc[:"2020-05-29"], source="folder", origin="x")
    assert month_ends(whole)[-1] == pd.Timestamp("2020-05-29")


def test_broken_files_are_named(tmp_path):
    frame = prices("A", "B")
    pd.concat([frame, frame.iloc[[5]]]).to_csv(tmp_path / "price_panel.csv")
    with pytest.raises(DataError, match=r"price_panel.csv: the date 2020-01-09 stands twice"):
        load(tmp_path)
    frame.astype(object).assign(B="much").to_csv(tmp_path / "price_panel.csv")
    with pytest.raises(DataError, match=r"price_panel.csv, column B: holds a cell that is not a number"):
        load(tmp_path)
    frame.reset_index(drop=True).to_csv(tmp_path / "price_panel.csv", index=False)
    with pytest.raises(DataError, match=r"no column or index date of the form"):
        load(tmp_path)


def test_a_source_without_a_panel_has_none(tmp_path):
    assert load(tmp_path) is None
    assert load_price_panel(open_source("bundled")) is None


def test_the_real_panel_names_its_survivorship(shared_data):
    panel = load(shared_data)
    assert panel.survivors_only
    assert panel.values.shape[1] > 1_500
    assert len(month_ends(panel)) == 85  # 2016-12 to 2023-12
    assert panel.card.gaps == 0
