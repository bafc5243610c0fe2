from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from research_lib.data import load_series, open_source
from research_lib.data.policy import (
    CHANGES_FILE,
    RECESSIONS_FILE,
    check_effective_rate,
    load_recessions,
    load_target_changes,
    read_recessions,
    read_target_changes,
)
from research_lib.errors import DataError, InsufficientDataError


def alter(tmp_path: Path, row: int, cells: dict[str, str]) -> Path:
    """Write the table with some cells of one row (its line in the file) replaced; without cells, the row left out."""
    table = pd.read_csv(CHANGES_FILE, dtype=str)
    table.index += 2
    for name, text in cells.items():
        table.loc[row, name] = text
    path = tmp_path / "changes.csv"
    (table if cells else table.drop(index=row)).to_csv(path, index=False)
    return path


def test_target_now_is_where_it_started_plus_all_changes() -> None:
    changes = load_target_changes()
    start = changes["target_upper"].iloc[0] - changes["change_bp"].iloc[0] / 1e4
    assert start == pytest.approx(0.1025)
    assert start + changes["change_bp"].sum() / 1e4 == pytest.approx(changes["target_upper"].iloc[-1])


def test_only_sundays_are_the_known_emergency() -> None:
    weekend = load_target_changes().index.day_of_week >= 5
    assert list(load_target_changes().index[weekend]) == [pd.Timestamp("2020-03-15")]


def test_unscheduled_cuts_since_1994() -> None:
    changes = load_target_changes()
    cuts = changes.index[changes["scheduled"].eq(False).fillna(False) & (changes["change_bp"] < 0)]
    assert list(cuts.year) == [1998, 2001, 2001, 2001, 2008, 2008, 2020, 2020]
    assert changes["scheduled"].isna().equals(~changes["announced"])


@pytest.mark.parametrize(
    ("row", "cells", "message"),
    [
        (50, {}, r"row 50 \(1987-09-24\): the target moved 43.75 bp, but change_bp is 6.25: a wrong sum, or a gap"),
        (100, {"change_bp": "50.0"}, r"row 100 \(1994-11-15\): the target moved 75 bp, but change_bp is 50"),
        (100, {"change_bp": "0"}, "row 100 .*change_bp is 0"),
        (100, {"decision_date": "1994-11-19", "effective_date": "1994-11-19"}, "row 100 .*decided on a Saturday"),
        (100, {"decision_date": "1994-08-16", "effective_date": "1994-08-16"}, "row 100 .*not after the row before"),
        (100, {"effective_date": "1994-11-17"}, "row 100 .*allowed is the same day or the next"),
        (100, {"decision_date": "15.11.1994"}, "row 100: decision_date '15.11.1994' is no date"),
        (100, {"change_bp": "many"}, "row 100: change_bp 'many' is no number"),
        (100, {"announced": "yes"}, "row 100: announced 'yes' must be True or False"),
        (100, {"announced": "False"}, "row 100 .*announced must be True"),
        (100, {"target_lower_pct": "5.25"}, "row 100 .*25 bp wide; it must be 0"),
        (180, {"target_lower_pct": "5.0"}, "row 180 .*0 bp wide; it must be 25"),
    ],
)
def test_faults_name_the_row(tmp_path: Path, row: int, cells: dict[str, str], message: str) -> None:
    with pytest.raises(DataError, match=rf"^changes\.csv, {message}"):
        read_target_changes(alter(tmp_path, row, cells))


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    path = tmp_path / "changes.csv"
    path.write_text("decision_date\n1994-02-04\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"changes\.csv: no column effective_date"):
        read_target_changes(path)


def test_nothing_after_as_of_is_looked_at(tmp_path: Path) -> None:
    as_of = pd.Timestamp("1994-11-14")
    broken_later = alter(tmp_path, 100, {"change_bp": "many", "target_upper_pct": "99"})
    pd.testing.assert_frame_equal(
        read_target_changes(broken_later, as_of=as_of), read_target_changes(CHANGES_FILE, as_of=as_of)
    )
    assert load_target_changes(as_of=as_of).index[-1] == pd.Timestamp("1994-08-16")


def test_nothing_known_yet_is_said() -> None:
    with pytest.raises(InsufficientDataError, match="up to as_of 1982-01-01"):
        load_target_changes(as_of=pd.Timestamp("1982-01-01"))


@pytest.mark.parametrize(
    ("as_of", "peak", "trough"),
    [
        ("2008-11-30", "2001-03-31", "2001-11-30"),  # in recession for eleven months, and nobody had said so
        ("2008-12-01", "2007-12-31", None),
        ("2010-09-19", "2007-12-31", None),
        ("2010-09-20", "2007-12-31", "2009-06-30"),
    ],
)
def test_a_recession_is_known_once_announced(as_of: str, peak: str, trough: str | None) -> None:
    last = load_recessions(as_of=pd.Timestamp(as_of)).iloc[-1]
    assert last["peak"] == pd.Timestamp(peak)
    assert pd.isna(last["trough"]) if trough is None else last["trough"] == pd.Timestamp(trough)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("2001-03,2001-11", "2001-11,2001-03", "row 15 .*the trough is not after the peak"),
        ("2001-03,2001-11", "1991-02,2001-11", "row 15 .*not after the trough of the row before"),
        ("2001-11-26", "2001-03-26", "row 15 .*announced before its month was over"),
        ("2001-11-26", "in November", "row 15: peak_announced 'in November' is no date"),
    ],
)
def test_recession_faults_name_the_row(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = tmp_path / "recessions.csv"
    path.write_text(RECESSIONS_FILE.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    with pytest.raises(DataError, match=message):
        read_recessions(path)


def perfect_rate(changes: pd.DataFrame) -> "pd.Series[float]":
    days = pd.date_range(changes["effective_date"].iloc[0], "2025-12-31", name="date")
    middle = (changes["target_lower"] + changes["target_upper"]) / 2
    return middle.set_axis(changes["effective_date"]).reindex(days, method="ffill")


def test_a_rate_on_target_passes_and_one_that_missed_a_decision_does_not() -> None:
    changes = load_target_changes()
    rate = perfect_rate(changes)
    found = check_effective_rate(changes, rate)
    assert (found.n, found.same_direction) == (len(changes), 1.0)
    assert abs(found.largest_gap_bp) < 1e-6
    stuck = rate.copy()
    stuck["2008-01-22":"2008-04-29"] = rate["2008-01-21"]
    with pytest.raises(DataError, match=r"decision 2008-03-18.*from the target"):
        check_effective_rate(changes, stuck)
    with pytest.raises(InsufficientDataError, match="fewer than two"):
        check_effective_rate(changes, rate["2024-09-20":"2024-10-20"])


def test_the_real_effective_rate_moved_with_the_table(shared_data: Path) -> None:
    source = open_source("folder", data_dir=str(shared_data))
    found = check_effective_rate(load_target_changes(), load_series(source, ["DFF"])["DFF"])
    assert found.median_gap_bp < 10
    assert found.same_direction > 0.95
    assert np.isfinite(found.largest_gap_bp)


def test_size_portfolios_are_raw_decimals_of_their_months() -> None:
    names = ["S1V1", "S1V3", "S1V5", "S5V1", "S5V3", "S5V5"]
    values = load_series(open_source("bundled"), [*names, "SMB", "MKT_RF", "RF"]).values
    span = values["S1V1"].dropna().index[[0, -1]]
    assert list(span) == [pd.Timestamp("1949-01-31"), pd.Timestamp("2017-03-31")]
    joined = values.dropna()
    relative = joined[names[:3]].mean(axis=1) - joined[names[3:]].mean(axis=1)
    assert relative.corr(joined["SMB"]) > 0.9  # one month apart there is no such correlation
    assert relative.std() == pytest.approx(joined["SMB"].std(), rel=0.6)
    assert joined[names[3:]].mean(axis=1).mean() == pytest.approx((joined["MKT_RF"] + joined["RF"]).mean(), abs=0.001)
