"""The tables of facts are right in themselves, agree with the effective rate, and say only what was known."""

import numpy as np
import pandas as pd
import pytest

from research_lib.data import load_series, open_source
from research_lib.data.policy import ANNOUNCED_SINCE, known_from, load_recessions, load_target_changes
from research_lib.errors import InsufficientDataError

RANGE_SINCE = pd.Timestamp("2008-12-16")  # a range of 25 bp in place of one rate
TOLERANCE_BP = 1e-6  # rates are whole sixteenths of a percent, exact in binary: only scaling rounds


@pytest.fixture(scope="module")
def changes():
    return load_target_changes()


def test_each_decision_is_of_a_weekday_takes_effect_at_once_and_moves_the_target_by_its_change(changes):
    assert changes.index.is_monotonic_increasing
    assert changes.index.is_unique
    assert list(changes.index[changes.index.day_of_week >= 5]) == [pd.Timestamp("2020-03-15")]  # an emergency
    assert (changes["effective_date"] - changes.index).dt.days.isin([0, 1]).all()
    assert (changes["announced"] == (changes.index >= ANNOUNCED_SINCE)).all()
    moved = changes["target_upper"].diff() * 1e4
    assert (moved - changes["change_bp"]).abs().iloc[1:].max() < TOLERANCE_BP
    assert (changes["change_bp"].abs() > 0).all()
    width = (changes["target_upper"] - changes["target_lower"]) * 1e4
    assert (width - np.where(changes.index >= RANGE_SINCE, 25.0, 0.0)).abs().max() < TOLERANCE_BP
    assert changes["target_upper"].iloc[0] == pytest.approx(0.10)


def test_unscheduled_cuts_since_1994(changes):
    cuts = changes.index[changes["scheduled"].eq(False).fillna(False) & (changes["change_bp"] < 0)]
    assert list(cuts.year) == [1998, 2001, 2001, 2001, 2008, 2008, 2020, 2020]
    assert changes["scheduled"].isna().equals(~changes["announced"])


def test_recessions_follow_each_other_and_are_announced_after_their_months():
    recessions = load_recessions()
    assert (recessions["peak"] < recessions["trough"]).all()
    assert (recessions["peak"].iloc[1:].to_numpy() > recessions["trough"].iloc[:-1].to_numpy()).all()
    for turn in ("peak", "trough"):
        announced = recessions[f"{turn}_announced"].dropna()
        assert (announced > recessions.loc[announced.index, turn]).all()
        assert (recessions.loc[recessions[turn] >= "1980", f"{turn}_announced"].notna()).all()
        assert (known_from(recessions, turn) > recessions[turn]).all()


def test_nothing_after_as_of_is_known(changes):
    known = load_target_changes(as_of=pd.Timestamp("1994-11-14"))
    pd.testing.assert_frame_equal(known, changes.loc[:"1994-08-16"])
    with pytest.raises(InsufficientDataError, match="up to as_of 1982-01-01"):
        load_target_changes(as_of=pd.Timestamp("1982-01-01"))


KNOWN = {  # on a day: the last recession's months
    "2008-11-30": ["2001-03-31", "2001-11-30"],  # in recession for eleven months, and nobody had said so
    "2008-12-01": ["2007-12-31", "NaT"],
    "2010-09-19": ["2007-12-31", "NaT"],
    "2010-09-20": ["2007-12-31", "2009-06-30"],
}


@pytest.mark.parametrize("as_of", KNOWN)
def test_a_recession_is_known_once_announced(as_of):
    last = load_recessions(as_of=pd.Timestamp(as_of)).iloc[-1]
    assert [str(last[turn])[:10] for turn in ("peak", "trough")] == KNOWN[as_of]


def test_the_real_effective_rate_moved_with_the_table(shared_data, changes):
    """A decision that is missing or misdated would leave the rate far from the target while that was in force."""
    effective = load_series(open_source("folder", data_dir=str(shared_data)), ["DFF"])["DFF"]
    row = pd.DatetimeIndex(changes["effective_date"]).searchsorted(effective.index, side="right") - 1
    medians = effective[row >= 0].groupby(row[row >= 0]).median()  # a year's last day has seen 14%
    spans = changes.iloc[medians.index.to_numpy()]
    gaps_bp = (medians.to_numpy() - (spans["target_lower"] + spans["target_upper"]) / 2) * 1e4
    assert gaps_bp.abs().max() < 100  # most in the table's first week, and in late 2008, when reserves became ample
    assert gaps_bp.abs().median() < 10
    moved, large = pd.Series(medians.to_numpy(), spans.index).diff(), spans["change_bp"].abs() >= 25
    assert (np.sign(moved) == np.sign(spans["change_bp"]))[large].iloc[1:].mean() > 0.95
