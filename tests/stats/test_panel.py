"""What was known when: against plain loops, and never from the future."""

import numpy as np
import pandas as pd
import pytest

from research_lib.data.companies import month_ends
from research_lib.stats.leverage import add_ratios
from research_lib.stats.panel import as_known, build_panel, latest_known, rolling_beta
from tests.companies import company, rows
from tests.data.simulated import simulate_panel
from tests.stats.reference import CASES, known_on

DATES = pd.to_datetime(["2021-02-26", "2021-03-01", "2021-03-02", "2021-06-30", "2022-07-04", "2022-07-05"])


@pytest.mark.parametrize(("firms", "years"), CASES["known"])
def test_what_counts_on_a_date_was_published_before(firms, years):
    dated = [company("A", year, known_from=pd.Timestamp(day)) for year, day in firms.items()]
    table = add_ratios(rows(*dated, company("NO PRICE", 2020)))
    known = latest_known(table, DATES, pd.Index(["A", "B"]))
    np.testing.assert_array_equal(as_known(table["fiscal_year"], known), np.transpose([years, [np.nan] * 6]))


@pytest.fixture(scope="module")
def simulated():
    data = simulate_panel(companies=60, years=4, seed=2)
    return add_ratios(data.statements.values), data.panel.values, month_ends(data.panel)


def test_the_panel_agrees_with_a_loop(simulated):
    """Some have EBITDA of exactly zero, or no next price; the extremes are those of companies that have a price."""
    firms, prices, months = simulated
    firms, prices = firms.assign(net_debt=firms["net_debt"] * np.linspace(0.5, 1.5, len(firms))), prices.copy()
    firms.loc[firms["company"] == firms["company"].iloc[0], "ebitda"] = 0.0
    prices.iloc[500:, :5] = np.nan
    panel = build_panel(firms, prices, months)
    for begin, end in zip(months[10:-1:7], months[11::7], strict=False):
        known = known_on(firms[firms["company"].isin(prices.columns[prices.loc[begin].notna()])], begin)
        expected = pd.DataFrame({
            "return": (prices.loc[end] / prices.loc[begin] - 1)[known.index], "size": np.log(known["market_value"]),
            "negative": (known["ebitda"] <= 0).astype(float), "leverage": known["ratio"].fillna(0),
        }).dropna()  # fmt: skip
        at = panel.xs(end, level="date")[[*expected]].sort_index()
        pd.testing.assert_frame_equal(at, expected.sort_index(), check_names=False)
        assert len(at) > 30


def test_beta_agrees_with_a_regression(simulated):
    prices, market = simulated[1].copy(), simulated[1].mean(axis=1)
    prices.iloc[100:140, 3] = np.nan
    returns = prices.pct_change(fill_method=None)
    for given, driver in ((None, returns.mean(axis=1)), (market, market.pct_change())):  # the mean return by default
        betas = rolling_beta(prices, prices.index, market=given)
        for row, column in ((300, 3), (500, 0), (len(prices) - 1, 17)):
            window = pd.concat([driver, returns.iloc[:, column]], axis=1).iloc[row - 251 : row + 1].dropna()
            assert betas[row, column] == pytest.approx(np.polyfit(*window.to_numpy().T, 1)[0], rel=1e-8)
        assert np.isfinite(betas[[125, 126], 0]).tolist() == [False, True]  # 126 sessions are needed


def test_nothing_after_the_period_matters(simulated):
    """Neither a later price nor a later report; that of the day on which the last period begins is too late as well."""
    firms, prices, months = simulated
    cut, later, changed = months[20], prices.copy(), firms.copy()
    later[later.index > cut] *= np.random.default_rng(0).uniform(0.5, 2, later[later.index > cut].shape)
    future = changed["known_from"] >= months[19]
    assert future.any()
    changed.loc[future, ["net_debt", "ebitda", "market_value"]] *= -7.0
    panels = [build_panel(*given, months) for given in ((firms, prices), (firms, later), (changed, prices))]
    before, *others = (panel[panel.index.get_level_values("date") <= cut] for panel in panels)
    for other in others:
        pd.testing.assert_frame_equal(before, other)
