"""The grid against pandas looping over shifts: one run times both, and the numbers must be the same.

A loop over all specifications would take a quarter of an hour, so that it runs on a few, drawn at random; what is
compared is the time a specification takes. Run with -s to see the ratio.
"""

from time import perf_counter

import numpy as np
import pandas as pd
import pytest

from research_lib.data.policy import load_target_changes
from research_lib.stats.event_study import Legs, Measure
from research_lib.stats.policy_cycles import CycleRule, first_cuts
from research_lib.stats.specification_grid import Grid, GridAxes, robustness_grid, usual_rules

LOOPED = 3


@pytest.fixture(scope="module")
def markets() -> dict[str, Legs]:
    """Make two pairs as long as the daily data since 1987; how long the work takes does not hang on their values."""
    index = pd.bdate_range("1987-09-10", "2025-12-31", name="date")
    small, other, large = np.random.default_rng(0).normal(0.0004, 0.012, (3, len(index)))
    legs = [pd.Series(values, index) for values in (small, other, large)]
    return {"first": Legs(legs[0], legs[2]), "second": Legs(legs[1], legs[2])}


def loop_over_shifts(changes: "pd.Series[float]", legs: Legs, row: pd.Series) -> tuple[float, float]:
    """Do one specification as one would in pandas: outcomes, then the events' mean at every shift in turn."""
    rule = CycleRule(row["min_cut_bp"], row["min_tightening_bp"], row["pause_days"])
    since, horizon = str(row["start_year"]), row["horizon"]
    small, large = legs.small[since:], legs.large[since:]
    if row["measure"] == Measure.CAR:
        outcomes = (small - large).rolling(horizon).sum().shift(-horizon).dropna()
    else:
        levels = [(1 + leg).cumprod() for leg in (small, large)]
        outcomes = (levels[0].shift(-horizon) / levels[0] - levels[1].shift(-horizon) / levels[1]).dropna()
    events = outcomes.index.isin(first_cuts(changes, rule=rule))
    marked = pd.Series(events, outcomes.index)
    base = outcomes.mean()
    means = np.array([outcomes[np.roll(marked, shift)].mean() for shift in range(len(outcomes))])
    return means[0], float(np.mean(np.abs(means - base) >= abs(means[0] - base) - 1e-10))


def timed_grid(changes: "pd.Series[float]", markets: dict[str, Legs]) -> tuple[Grid, float]:
    axes = GridAxes(usual_rules(), (1, 5, 21, 63, 126, 252), start_years=(1987, 1994, 2000))
    start = perf_counter()
    grid = robustness_grid(changes, markets, axes)
    return grid, (perf_counter() - start) / (len(grid.table) + grid.n_left_out)


def test_grid_against_a_loop_over_shifts(markets: dict[str, Legs], capsys: pytest.CaptureFixture[str]) -> None:
    changes = load_target_changes()["change_bp"]
    grid, one_of_grid = timed_grid(changes, markets)
    assert len(grid.table) >= 1000
    rows = grid.table.sample(LOOPED, random_state=1)
    start = perf_counter()
    looped = [loop_over_shifts(changes, markets[row["market"]], row) for _, row in rows.iterrows()]
    one_of_loop = (perf_counter() - start) / LOOPED
    np.testing.assert_allclose(rows["mean"], [mean for mean, _ in looped], atol=1e-10)
    np.testing.assert_allclose(rows["p_placement"], [p_value for _, p_value in looped], atol=1e-12)
    with capsys.disabled():
        print(  # the measurement is this file's output
            f"\nrobustness grid, {len(grid.table)} specifications: {one_of_grid * 1e3:.2f} ms each; pandas over shifts "
            f"{one_of_loop * 1e3:.0f} ms each ({LOOPED} timed): {one_of_loop / one_of_grid:.0f} times faster"
        )
