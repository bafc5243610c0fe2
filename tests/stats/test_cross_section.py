"""Sorts, Fama-MacBeth, rate interactions and event days against plain loops, and under planted and no effects."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from linearmodels.panel import FamaMacBeth

from research_lib.data.price_panel import month_ends
from research_lib.data.simulated import DEFAULT_PLANTED, NO_EFFECT, simulate_panel
from research_lib.errors import InsufficientDataError
from research_lib.stats.cross_section import (
    NEGATIVE,
    daily_slopes,
    event_days,
    exposures,
    fama_macbeth,
    newey_west_mean,
    portfolio_sort,
    rate_interaction,
    rises_and_falls,
)
from research_lib.stats.panel import build_panel, latest_known, period_returns, winsorise
from research_lib.stats.ratios import measure


def made_panel(*, companies=80, periods=40, premium=0.0, up=0.0, down=0.0, seed=0):
    """A panel drawn directly, with a common shock, a rate, and an effect of leverage."""
    rng = np.random.default_rng(seed)
    dates = pd.date_range("2010-01-31", periods=periods, freq="ME", unit="us", name="date")
    names = [f"C{number:03d}" for number in range(companies)]
    index = pd.MultiIndex.from_product([names, dates], names=["company", "date"])
    ratio = np.repeat(rng.uniform(-1, 6, companies), periods) + rng.normal(0, 0.3, companies * periods)
    negative = rng.random(companies * periods) < 0.1
    move = rng.normal(0, 0.2, periods)
    moves = pd.DataFrame({"up": move.clip(0), "down": -(-move).clip(0)}, index=dates)
    leverage = np.where(negative, 0.0, ratio)
    slope = premium + np.tile(up * moves["up"] + down * moves["down"], companies)
    noise = rng.normal(0, 0.08, companies * periods) + np.tile(rng.normal(0.01, 0.04, periods), companies)
    panel = pd.DataFrame(
        {
            "return": slope * leverage + noise,
            "ratio": np.where(negative, np.nan, ratio),
            "negative": negative.astype(float),
            "leverage": leverage,
            "size": rng.normal(20, 2, companies * periods),
        },
        index=index,
    )
    return panel, moves


def test_fama_macbeth_agrees_with_a_loop_of_cross_sections():
    panel, _ = made_panel(premium=0.002)
    panel.iloc[::17, 0] = np.nan
    names = ["leverage", "negative", "size"]
    slopes = []
    for _, section in panel.dropna(subset=["return"]).groupby(level="date"):
        exog = np.column_stack([section[names].to_numpy(), np.ones(len(section))])
        slopes.append(np.linalg.solve(exog.T @ exog, exog.T @ section["return"].to_numpy()))
    slopes = np.array(slopes)
    result = fama_macbeth(panel, names, lags=4)
    np.testing.assert_allclose(result.table["coefficient"], slopes.mean(axis=0), rtol=1e-10)
    apart = slopes - slopes.mean(axis=0)
    for position, name in enumerate([*names, "constant"]):
        e = apart[:, position]
        variance = e @ e + 2 * sum((1 - lag / 5) * (e[lag:] @ e[:-lag]) for lag in range(1, 5))
        expected = np.sqrt(variance / len(e) / (len(e) - 1))
        assert result.table.loc[name, "standard_error"] == pytest.approx(expected, rel=1e-9)
    assert (result.n, result.n_periods, result.n_companies) == (panel["return"].notna().sum(), 40, 80)


def test_fama_macbeth_agrees_with_linearmodels():
    panel, _ = made_panel(premium=0.002, seed=1)
    fit = FamaMacBeth(panel["return"], panel[["leverage", "negative", "size"]].assign(constant=1.0)).fit(
        cov_type="kernel", kernel="bartlett", bandwidth=3
    )
    table = fama_macbeth(panel, ["leverage", "negative", "size"]).table
    np.testing.assert_allclose(table["coefficient"], fit.params, rtol=1e-9)
    np.testing.assert_allclose(table["standard_error"], fit.std_errors, rtol=1e-9)
    np.testing.assert_allclose(table["p_value"], fit.pvalues, rtol=1e-9)


def test_within_sectors_is_the_same_as_dummies():
    panel, _ = made_panel(premium=0.002, seed=3)
    panel["sector"] = np.where(panel.index.get_level_values("company") < "C040", "X", "Y")
    panel["return"] += np.where(panel["sector"] == "X", 0.05, 0.0)
    slopes = []
    for _, section in panel.groupby(level="date"):
        exog = np.column_stack([section["leverage"], section["size"], section["sector"] == "X", np.ones(len(section))])
        slopes.append(np.linalg.lstsq(exog.astype(float), section["return"].to_numpy(), rcond=None)[0])
    result = fama_macbeth(panel, ["leverage", "size"], within="sector")
    expected = np.mean(slopes, axis=0)[:2]
    np.testing.assert_allclose(result.table["coefficient"].iloc[:2], expected, rtol=1e-9)


def test_periods_that_cannot_be_estimated_are_left_out():
    panel, _ = made_panel(periods=12)
    dates = panel.index.get_level_values("date").unique()
    panel.loc[(slice(None), dates[0]), "negative"] = 0.0
    few = panel.drop([(name, dates[1]) for name in panel.index.get_level_values("company").unique()[19:]])
    assert fama_macbeth(few, ["leverage", "negative"]).n_periods == 10
    with pytest.raises(InsufficientDataError, match="4 periods with 20 companies or more; 5 are needed"):
        fama_macbeth(panel[panel.index.get_level_values("date") >= dates[-4]], ["leverage"])


def test_sorts_agree_with_a_loop():
    panel, _ = made_panel(premium=0.002, seed=5)
    result = portfolio_sort(panel, portfolios=4)
    for date, section in panel.groupby(level="date"):
        ordered = section[section["negative"] == 0].sort_values("ratio")
        for number, positions in enumerate(np.arange(len(ordered)) // (len(ordered) / 4)):
            assert int(positions) in range(4), number
        cut = np.ceil(np.arange(1, len(ordered) + 1) / len(ordered) * 4).astype(int)
        for portfolio in range(1, 5):
            members = ordered["return"].to_numpy()[cut == portfolio]
            assert result.returns.loc[date, str(portfolio)] == pytest.approx(members.mean())
            assert result.firms.loc[date, str(portfolio)] == len(members)
        lost = section.loc[section["negative"] == 1, "return"]
        assert result.returns.loc[date, NEGATIVE] == pytest.approx(lost.mean(), nan_ok=True)
        assert result.firms.loc[date].sum() == len(section)  # no one is dropped
    spread = (result.returns["4"] - result.returns["1"]).to_numpy()
    assert result.premium.mean == pytest.approx(spread.mean())
    assert result.premium.n == 40


def test_the_newey_west_mean_agrees_with_the_formula():
    values = np.random.default_rng(0).normal(0.01, 0.05, 80)
    e = values - values.mean()
    variance = e @ e + 2 * sum((1 - lag / 4) * (e[lag:] @ e[:-lag]) for lag in range(1, 4))
    result = newey_west_mean(np.append(values, np.nan), lags=3)
    assert (result.n, result.mean) == (80, pytest.approx(values.mean()))
    assert result.t_value == pytest.approx(values.mean() / np.sqrt(variance / 80 / 79))
    assert newey_west_mean(values[:3], lags=3).n == 3
    assert np.isnan(newey_west_mean(values[:3], lags=3).low)


def interacted(panel, moves):
    dates = panel.index.get_level_values("date")
    exog = panel[["leverage", "negative"]].copy()
    for name in moves:
        move = moves[name].reindex(dates).to_numpy()
        exog[f"leverage x {name}"] = panel["leverage"] * move
        exog[f"negative x {name}"] = panel["negative"] * move
    return exog


def test_the_interaction_has_the_coefficients_of_linearmodels():
    from linearmodels.panel import PanelOLS

    panel, moves = made_panel(premium=0.001, up=-0.01, down=-0.02, seed=1)
    fit = PanelOLS(panel["return"], interacted(panel, moves), time_effects=True).fit(
        cov_type="clustered", cluster_entity=True, cluster_time=True
    )
    result = rate_interaction(panel, moves)
    np.testing.assert_allclose(result.table["coefficient"], fit.params[result.table.index], rtol=1e-8)
    # The jackknife is larger than the plain two-way errors, by little where there are many clusters.
    assert (result.table["standard_error"] / fit.std_errors).between(0.95, 1.5).all()


def test_the_period_part_of_its_errors_is_a_jackknife_over_periods():
    """With companies that are independent, leaving periods out one by one gives nearly all of the variance."""
    panel, moves = made_panel(companies=60, periods=15, seed=2)
    result = rate_interaction(panel, moves)
    dates = panel.index.get_level_values("date")
    exog = interacted(panel, moves)
    moved = []
    for left_out in dates.unique():
        kept = dates != left_out
        y, x = panel["return"][kept], exog[kept]
        y, x = (part - part.groupby(level="date").transform("mean") for part in (y, x))
        moved.append(np.linalg.lstsq(x.to_numpy(), y.to_numpy(), rcond=None)[0])
    apart = np.array(moved) - result.table["coefficient"].to_numpy()
    by_period = np.sqrt(14 / 15 * (apart**2).sum(axis=0))
    assert (result.table["standard_error"] >= by_period * (1 - 1e-9)).all()


@pytest.fixture(scope="module")
def no_effect():
    """200 panels without any effect of leverage: p-values of each test."""
    found = []
    for seed in range(200):
        panel, moves = made_panel(companies=40, periods=36, seed=seed)
        interaction = rate_interaction(panel, moves).table["p_value"]
        found.append(
            {
                "premium": fama_macbeth(panel, ["leverage", "negative"]).table.loc["leverage", "p_value"],
                "sort": portfolio_sort(panel).premium.p_value,
                "up": interaction["leverage x up"],
                "down": interaction["leverage x down"],
            }
        )
    return pd.DataFrame(found)


@pytest.mark.parametrize("name", ["premium", "sort", "up", "down"])
def test_no_effect_is_found_5_times_in_100(no_effect, name):
    assert (no_effect[name] < 0.05).mean() == pytest.approx(0.05, abs=0.04)  # Monte Carlo error 0.015


def test_planted_effects_are_found_in_drawn_panels():
    planted = {"leverage": 0.002, "leverage x up": -0.02, "leverage x down": -0.01}
    hits = dict.fromkeys(planted, 0)
    for seed in range(60):
        panel, moves = made_panel(companies=60, premium=0.002, up=-0.02, down=-0.01, seed=1000 + seed)
        table = rate_interaction(panel, moves).table
        for name, truth in planted.items():
            hits[name] += table.loc[name, "low"] <= truth <= table.loc[name, "high"]
    assert all(0.85 <= count / 60 <= 1 for count in hits.values()), hits  # 95% nominal, Monte Carlo error 2.8%


@pytest.fixture(scope="module")
def simulated():
    data = simulate_panel(companies=150, years=6, seed=1)
    return data, measure(data.fundamentals.rows)


def test_the_planted_effect_of_the_simulated_companies_is_inside_its_interval(simulated):
    data, firms = simulated
    months = month_ends(data.prices)
    panel = build_panel(firms, data.prices.values, months)
    premium = fama_macbeth(panel, ["leverage", "negative", "size", "beta"]).table.loc["leverage"]
    assert premium["low"] <= DEFAULT_PLANTED.premium <= premium["high"]
    assert premium["low"] > 0  # and is told from nothing
    table = rate_interaction(panel, rises_and_falls(data.rate, months), controls=["beta"]).table
    for name, truth in (("up", DEFAULT_PLANTED.rate_up), ("down", DEFAULT_PLANTED.rate_down)):
        assert table.loc[f"leverage x {name}", "low"] <= truth <= table.loc[f"leverage x {name}", "high"]
        assert table.loc[f"leverage x {name}", "p_value"] < 0.05


def test_rate_moves_are_split_by_sign():
    level = pd.Series([0.01, 0.02, 0.015], pd.DatetimeIndex(["2020-01-10", "2020-02-28", "2020-03-15"]))
    dates = pd.DatetimeIndex(["2020-01-31", "2020-02-28", "2020-03-31", "2020-04-30"])
    moves = rises_and_falls(level, dates)
    assert moves["up"].tolist() == pytest.approx([1, 0, 0])
    assert moves["down"].tolist() == pytest.approx([0, -0.5, 0])


def test_daily_slopes_agree_with_a_loop():
    rng = np.random.default_rng(0)
    leverage, returns = rng.normal(2, 2, (30, 50)), rng.normal(0, 0.02, (30, 50))
    leverage[:, :5], returns[3, 7] = np.nan, np.nan
    returns[9, 15:] = np.nan  # ten companies: too few
    slopes, n = daily_slopes(returns, leverage)
    for row in range(30):
        both = np.isfinite(leverage[row]) & np.isfinite(returns[row])
        assert n[row] == both.sum()
        expected = np.polyfit(leverage[row][both], returns[row][both], 1)[0] if both.sum() >= 20 else np.nan
        assert slopes[row] == pytest.approx(expected, nan_ok=True)


def test_an_event_day_is_ranked_among_all_other_days(simulated):
    data, firms = simulated
    days, slopes = event_days(firms, data.prices.values, ["2007-08-11", "2008-03-18", "2030-01-01"])
    assert [day.session for day in days] == ["2007-08-13", "2008-03-18", ""]  # a Saturday counts on Monday
    assert days[2].n == 0
    assert np.isnan(days[2].p_value)
    known = latest_known(firms, pd.DatetimeIndex(data.prices.values.index), data.prices.values.columns)
    ratio = known.take((firms["net_debt"] / firms["ebitda"]).where(firms["ebitda"] > 0).to_numpy())
    own = winsorise(ratio)[slopes.index.get_loc("2008-03-18") + len(data.prices.values) - len(slopes)]
    returns = period_returns(data.prices.values, pd.DatetimeIndex(data.prices.values.index))
    row = data.prices.values.index.get_loc(pd.Timestamp("2008-03-18"))
    both = np.isfinite(own) & np.isfinite(returns[row])
    assert days[1].slope == pytest.approx(np.polyfit(own[both], returns[row][both], 1)[0])
    other = slopes.drop([pd.Timestamp("2007-08-13"), pd.Timestamp("2008-03-18")])
    assert days[1].n_placebo == len(other)
    as_far = (other - other.median()).abs() >= abs(days[1].slope - other.median())
    assert days[1].p_value == pytest.approx((1 + as_far.sum()) / (1 + len(other)))
    assert days[1].p_smallest == 1 / (1 + len(other))


def test_event_days_drawn_at_random_are_found_5_times_in_100():
    data = simulate_panel(companies=60, years=4, planted=NO_EFFECT, seed=9)
    firms = measure(data.fundamentals.rows)
    _, slopes = event_days(firms, data.prices.values, [])
    days, _ = event_days(firms, data.prices.values, [str(day.date()) for day in slopes.index[::4]])
    assert np.mean([day.p_value < 0.05 for day in days]) == pytest.approx(0.05, abs=0.04)


def test_a_shock_to_leverage_is_found_on_its_day(simulated):
    data, firms = simulated
    prices = data.prices.values.copy()
    known = latest_known(firms, pd.DatetimeIndex(prices.index), prices.columns)
    ratio = known.take((firms["net_debt"] / firms["ebitda"]).where(firms["ebitda"] > 0).to_numpy())
    row = prices.index.get_loc(pd.Timestamp("2008-03-18"))
    prices.iloc[row:] *= 1 - 0.01 * np.nan_to_num(ratio[row])
    (day,), _ = event_days(firms, prices, ["2008-03-18"])
    assert day.slope == pytest.approx(-0.01, abs=0.002)
    assert day.p_value == day.p_smallest
    assert day.slope < day.low


def test_exposures_are_those_of_a_regression():
    rng = np.random.default_rng(0)
    dates = pd.date_range("2000-01-31", periods=120, freq="ME", unit="us")
    drivers = pd.DataFrame(rng.normal(size=(120, 2)), dates, ["spread", "bill"])
    returns = pd.DataFrame({"small": -0.05 * drivers["spread"] + rng.normal(0, 0.02, 120)}, dates)
    returns.iloc[5] = np.nan
    result = exposures(returns, drivers, lags=6)["small"]
    fit = sm.OLS(returns["small"].dropna(), sm.add_constant(drivers.drop(dates[5]))).fit()
    assert result.table.loc["spread", "coefficient"] == pytest.approx(fit.params["spread"])
    assert result.table.loc["constant", "coefficient"] == pytest.approx(fit.params["const"])
    assert result.n == 119
    assert result.table.loc["spread", "low"] <= -0.05 <= result.table.loc["spread", "high"]
