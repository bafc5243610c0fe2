"""The tables of facts are right in themselves, agree with the effective rate, and say only what was known."""

import numpy as np
import pandas as pd
import pytest

from research_lib.data import load_series, open_source
from research_lib.data.policy import ANNOUNCED_SINCE, load_recessions, load_target_changes
from research_lib.errors import InsufficientDataError

RANGE_SINCE = pd.Timestamp("2008-12-16")  # a range of 25 bp in place of one rate
TOLERANCE_BP = 1e-6  # rates are whole sixteenths of a percent, exact in binary: only scaling rounds
CHANGES = load_target_changes()


def test_each_decision_is_of_a_weekday_takes_effect_at_once_and_moves_the_target_by_its_change():
    days, upper_bp, lower_bp = CHANGES.index, CHANGES["target_upper"] * 1e4, CHANGES["target_lower"] * 1e4
    assert (np.diff(days) > np.timedelta64(0, "D")).all()
    assert list(days[days.day_of_week >= 5]) == [pd.Timestamp("2020-03-15")]  # an emergency
    assert (CHANGES["effective_date"] - days).dt.days.isin([0, 1]).all()
    assert (CHANGES["announced"] == (days >= ANNOUNCED_SINCE)).all()
    assert CHANGES["scheduled"].isna().equals(~CHANGES["announced"])
    assert (upper_bp.diff() - CHANGES["change_bp"]).abs().iloc[1:].max() < TOLERANCE_BP
    assert (CHANGES["change_bp"].abs() > 0).all()
    assert (upper_bp - lower_bp - np.where(days >= RANGE_SINCE, 25.0, 0.0)).abs().max() < TOLERANCE_BP
    assert upper_bp.iloc[0] == pytest.approx(1000)


def test_recessions_follow_each_other_and_are_announced_after_their_months():
    recessions = load_recessions()
    assert (np.diff(recessions[["peak", "trough"]].to_numpy().ravel()) > np.timedelta64(0, "D")).all()
    for turn in ("peak", "trough"):
        announced, month = recessions[f"{turn}_announced"], recessions[turn]
        assert (announced > month)[announced.notna()].all()
        assert announced[month >= "1980"].notna().all()


def test_nothing_after_as_of_is_known():
    known = load_target_changes(as_of=pd.Timestamp("1994-11-14"))
    pd.testing.assert_frame_equal(known, CHANGES.loc[:"1994-08-16"])
    with pytest.raises(InsufficientDataError, match="up to as_of 1982-01-01"):
        load_target_changes(as_of=pd.Timestamp("1982-01-01"))


KNOWN = {  # on a day: the last recession's months
    "2008-11-30": ["2001-03-31", "2001-11-30"],  # in recession for eleven months, and nobody had said so
    "2008-12-01": ["2007-12-31", "NaT"],
    "2010-09-19": ["2007-12-31", "NaT"],
    "2010-09-20": ["2007-12-31", "2009-06-30"],
}


def test_a_recession_is_known_once_announced():
    last = {as_of: load_recessions(as_of=pd.Timestamp(as_of)).iloc[-1] for as_of in KNOWN}
    assert {as_of: [str(row[turn])[:10] for turn in ("peak", "trough")] for as_of, row in last.items()} == KNOWN


def test_the_real_effective_rate_moved_with_the_table(shared_data):
    """A decision that is missing or misdated would leave the rate far from the target while that was in force."""
    effective = load_series(open_source("folder", data_dir=str(shared_data)), ["DFF"])["DFF"]
    row = pd.DatetimeIndex(CHANGES["effective_date"]).searchsorted(effective.index, side="right") - 1
    medians = effective[row >= 0].groupby(row[row >= 0]).median()  # a year's last day has seen 14%
    spans = CHANGES.iloc[medians.index.to_numpy()]
    gaps_bp = (medians.to_numpy() - (spans["target_lower"] + spans["target_upper"]) / 2) * 1e4
    assert gaps_bp.abs().max() < 100  # most in the table's first week, and in late 2008, when reserves became ample
    assert gaps_bp.abs().median() < 10
    moved, large = pd.Series(medians.to_numpy(), spans.index).diff(), spans["change_bp"].abs() >= 25
    assert (np.sign(moved) == np.sign(spans["change_bp"]))[large].iloc[1:].mean() > 0.95
