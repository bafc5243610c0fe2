"""The made-up companies say that they are made up, and hold the effect that is planted."""

import numpy as np
import pandas as pd
import pytest

from research_lib.data.price_panel import month_ends
from research_lib.data.simulated import NO_EFFECT, Planted, simulate_panel


def test_simulated_data_says_so():
    panel = simulate_panel(companies=5, years=2)
    assert panel.fundamentals.simulated
    assert panel.prices.simulated
    assert panel.fundamentals.card.source == panel.prices.card.source == "simulated"
    assert set(panel.fundamentals.rows["debt_from"]) == {"simulated"}


def test_the_seed_decides():
    first, again, other = (simulate_panel(companies=5, years=2, seed=seed) for seed in (1, 1, 2))
    assert first.fundamentals.card.sha256 == again.fundamentals.card.sha256 != other.fundamentals.card.sha256
    assert first.prices.card.sha256 == again.prices.card.sha256 != other.prices.card.sha256


def test_the_effect_is_that_of_the_ratio_published_before():
    """With and without the effect the random numbers are the same: the difference of returns is the effect."""
    planted = Planted(premium=0.01, rate_up=-0.02, rate_down=0.03, leak=0.0)
    plain, with_effect = (simulate_panel(companies=30, years=3, planted=p, seed=4) for p in (NO_EFFECT, planted))
    returns = [p.prices.values.pct_change() for p in (with_effect, plain)]
    days = month_ends(plain.prices)
    monthly = (returns[0] - returns[1]).groupby(days.searchsorted(returns[0].index)).sum()
    rows = plain.fundamentals.rows
    checked = 0
    for end in range(1, len(days)):
        move = 100 * (plain.rate[days[end]] - plain.rate[days[end - 1]])
        weight = 0.01 + (-0.02 * move if move > 0 else 0.03 * move)
        for company, own in rows.groupby("company"):
            known = own[own["known_from"] < days[end - 1]]
            expected = 0.0
            if len(known):
                last = known.iloc[-1]
                ebitda = last["operating_income"] + last["depreciation_amortization"]
                net_debt = last["short_term_debt"] + last["long_term_debt"] - last["cash"]
                expected = weight * net_debt / ebitda if ebitda > 0 else 0.0
            checked += expected != 0
            assert monthly.loc[end, company] == pytest.approx(expected, abs=1e-9)
    assert checked > 300


def test_reports_come_out_after_the_year_and_ratios_lie_on_the_grid():
    rows = simulate_panel(companies=40, years=3).fundamentals.rows
    delay = (rows["known_from"] - rows["period_end"]).dt.days
    assert delay.between(45, 100).all()
    ebitda = rows["operating_income"] + rows["depreciation_amortization"]
    ratio = (rows["short_term_debt"] + rows["long_term_debt"] - rows["cash"]) / ebitda.abs()
    assert np.allclose(ratio, ratio.round(), atol=1e-9)
    assert set(ratio.round()) == set(range(-1, 7))
    assert pd.Series(ebitda <= 0).mean() == pytest.approx(0.1, abs=0.08)
