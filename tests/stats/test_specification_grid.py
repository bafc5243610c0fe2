import numpy as np
import pandas as pd
import pytest

from research_lib.data.policy import load_target_changes
from research_lib.errors import InsufficientDataError
from research_lib.stats.event_study import Legs, Measure, Window, window_outcomes
from research_lib.stats.inference import placement_test, sign_flip_test
from research_lib.stats.policy_cycles import CycleRule, first_cuts, to_sessions
from research_lib.stats.specification_grid import GridAxes, robustness_grid, usual_rules


@pytest.fixture(scope="module")
def changes() -> "pd.Series[float]":
    return load_target_changes()["change_bp"]


@pytest.fixture(scope="module")
def legs() -> Legs:
    index = pd.bdate_range("1987-09-10", "2018-12-31", name="date")
    small, large = np.random.default_rng(0).normal(0.0003, 0.01, (2, len(index)))
    return Legs(pd.Series(small, index), pd.Series(large, index))


def test_every_specification_is_the_single_test(changes: "pd.Series[float]", legs: Legs) -> None:
    axes = GridAxes([CycleRule(), CycleRule(50, 100, 365)], (21, 252), start_years=(1990, 1980, 1985))
    table = robustness_grid(changes, {"pair": legs}, axes).table
    assert len(table) == 2 * 2 * 2 * 2  # of 1980 and 1985, both before the data, one is kept
    assert set(table["start_year"]) == {1985, 1990}
    for row in table.itertuples():
        since = "1987" if row.start_year == 1985 else "1990"
        cut = Legs(legs.small[since:], legs.large[since:])
        rule = CycleRule(row.min_cut_bp, row.min_tightening_bp, row.pause_days)
        outcomes = window_outcomes(cut, Window.after(row.horizon), measure=Measure(row.measure))
        positions = to_sessions(first_cuts(changes, rule=rule), cut.index)
        positions = positions[(positions >= 0) & (positions < len(outcomes) - row.horizon)]
        single = placement_test(outcomes[: -row.horizon], positions)
        assert (row.n, row.mean) == (single.n, pytest.approx(single.mean))
        assert (row.p_placement, row.base) == (pytest.approx(single.p_value), pytest.approx(single.base))
        assert row.p_sign_flip == sign_flip_test(outcomes[positions]).p_value


def test_shares_and_the_headlines_place(changes: "pd.Series[float]", legs: Legs) -> None:
    axes = GridAxes(usual_rules(), (1, 5, 21, 63), start_years=(1987, 1995))
    grid = robustness_grid(changes, {"pair": legs}, axes)
    table = grid.table
    assert len(table) + grid.n_left_out == 27 * 4 * 2 * 2
    assert grid.share_positive == np.mean(table["mean"] > 0)
    assert grid.share_significant == np.mean(table["p_placement"] <= 0.05)
    headline = {
        "market": "pair", "measure": Measure.CAR, "horizon": 21, "start_year": 1987,
        "min_cut_bp": 25.0, "min_tightening_bp": 50.0, "pause_days": 365,
    }  # fmt: skip
    row = table.loc[np.logical_and.reduce([table[name] == value for name, value in headline.items()])]
    assert grid.place_of(headline) == np.mean(table["z_placement"] < row["z_placement"].iloc[0])
    with pytest.raises(InsufficientDataError, match="holds 0 specifications like the headline"):
        grid.place_of(headline | {"horizon": 22})


def test_too_few_events_are_left_out_and_counted(changes: "pd.Series[float]", legs: Legs) -> None:
    grid = robustness_grid(changes, {"pair": legs}, GridAxes([CycleRule()], (5,), start_years=(1987, 2007, 2008)))
    assert (len(grid.table), grid.n_left_out) == (2, 4)  # in 2007-2018 there is one, in 2008-2018 none
    with pytest.raises(InsufficientDataError, match="none of 2 specifications holds 2 events"):
        robustness_grid(changes, {"pair": legs}, GridAxes([CycleRule()], (5,), start_years=(2008,)))


def test_the_usual_rules_surround_the_default() -> None:
    rules = usual_rules()
    assert len(set(rules)) == 27
    assert CycleRule() in rules
