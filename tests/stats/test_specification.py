"""Each way to ask, and each draw of random signs, against plain pandas."""

import numpy as np
import pandas as pd
import pytest

from research_lib.data.policy import load_target_changes
from research_lib.stats.policy import CycleRule, policy_events
from research_lib.stats.specification import DRAWS, specification_curve
from tests.stats.reference import patterns

CHANGES, HORIZONS, BETA_SESSIONS = load_target_changes(), (1, 5, 21, 63, 126, 252), 252


def pair(periods):
    """Two legs of business days, and the market, which is the second."""
    index = pd.bdate_range("1987-09-10", periods=periods, name="date")
    small, large = (pd.Series(leg, index) for leg in np.random.default_rng(0).normal(4e-4, 0.012, (2, periods)))
    return small, large, large


def curve(made):
    options = {"rule": CycleRule(25, 50, 365), "monthly": False, "beta_periods": BETA_SESSIONS}
    return specification_curve({"small minus large": made}, CHANGES, HORIZONS, **options)


def one_specification(made, row):
    """Answer one specification: mean and p of the data, then of each draw of random signs, which leaves betas as they are."""
    rule = CycleRule(row.min_cut_bp, row.min_tightening_bp, row.pause_days)
    cuts, index, (small, large, market) = policy_events(CHANGES, "first cut", rule).index, made[0].index, made
    cuts = cuts[(cuts >= index[0]) & (cuts <= index[-1])]
    days = [day for day in index[index.searchsorted(cuts)] if day.year >= row.start_year]
    beta = (small - large).rolling(BETA_SESSIONS).cov(market) / market.rolling(BETA_SESSIONS).var()
    draws = np.random.default_rng(0).integers(0, 2, size=(DRAWS, len(index)), dtype=np.int8) * 2 - 1
    compounded, found = row.measure.startswith("compounded"), []
    made_by = lambda leg: (1 + leg).cumprod().pct_change(row.horizon) if compounded else leg.cumsum().diff(row.horizon)
    for signs in [None, *draws]:
        legs = [leg if signs is None else (leg - leg.mean()) * signs for leg in made]
        of_small, of_large, of_market = (made_by(leg).shift(-row.horizon) for leg in legs)
        adjusted = of_small - of_large - (beta * of_market if "beta" in row.measure else 0)
        chosen = adjusted[days].dropna().to_numpy()
        flipped = np.abs(patterns(len(chosen)) @ chosen)
        found.append((chosen.mean(), np.mean(flipped >= flipped[0] * (1 - 1e-10))))
    return np.array(found)


@pytest.mark.parametrize("measure", ["sum", "sum, beta-adjusted", "compounded", "compounded, beta-adjusted"])
def test_a_way_to_ask_is_that_of_plain_pandas(measure):
    made = pair(7000)
    found = curve(made)
    asked = found.ways[(found.ways["measure"] == measure) & (found.ways["n"] >= 6)]
    ((at, row),) = asked.sample(1, random_state=1).iterrows()
    mean, p = one_specification(made, row).T
    np.testing.assert_allclose(found.means[:, at], mean, atol=1e-12)
    np.testing.assert_allclose(found.p_values[:, at], p, atol=1e-12)


def test_the_shares_are_those_of_the_data_and_of_draws_in_which_nothing_is_to_be_found():
    found = curve(pair(7000))
    tested = found.p_values[:, found.ways["p"].notna()]
    shares, expected = found.shares(), np.array([(found.means > 0).mean(axis=1), (tested <= 0.05).mean(axis=1)])
    assert tested.shape[0] == found.means.shape[0] == 1 + DRAWS
    np.testing.assert_allclose(shares["value"], expected[:, 0])
    np.testing.assert_allclose(shares["null_mean"], expected[:, 1:].mean(axis=1))
    np.testing.assert_allclose(shares[["null_low", "null_high"]], np.quantile(expected[:, 1:], [0.05, 0.95], axis=1).T)
